//! Which HTTP a client speaks, by the first bytes that it sends: ALPN may have said so before, but need not.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// What every connection of HTTP/2 begins with, and no request of HTTP/1.
const PREFACE: &[u8] = b"PRI * HTTP/2";
/// For the first request, so that it is read in one go.
const ROOM: usize = 8 << 10;

/// Reads until it is known: whether it is HTTP/2, and what was read, which is nothing when the client has left.
pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<(bool, Bytes)> {
    let mut arrived = BytesMut::with_capacity(ROOM);
    loop {
        let is_over = stream.read_buf(&mut arrived).await? == 0;
        let is_http2 = arrived.starts_with(PREFACE);
        if is_over || is_http2 || !PREFACE.starts_with(&arrived) {
            return Ok((is_http2, arrived.freeze()));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn the_first_bytes_tell_however_they_come() {
        for (sent, is_http2) in [
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", true),
            ("PRI * HTTP/1.1\r\n\r\n", false),
            ("GET / HTTP/1.1\r\n\r\n", false),
            ("PUT", false),
            ("PRI", false),
            ("", false),
        ] {
            for room in [1, 5, 64] {
                let (mut client, mut server) = duplex(room);
                tokio::spawn(async move { client.write_all(sent.as_bytes()).await });
                let (found, arrived) = read(&mut server).await.expect("nothing fails");
                assert_eq!(found, is_http2, "{sent}");
                assert!(sent.as_bytes().starts_with(&arrived), "{sent}");
            }
        }
    }
}
