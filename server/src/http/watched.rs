//! A stream that marks in its connection's [`Activity`] what arrives and what does not go out.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{activity::Activity, head::HEAD_END};

/// A stream with its marks.
#[derive(Debug)]
pub struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S> Watched<S> {
    /// Marks what this stream does.
    pub fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity }
    }

    fn wrote<T>(&self, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.activity.write_waits(result.is_pending());
        result
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        let arrived = &buffer.filled()[before..];
        if !arrived.is_empty() {
            // Most heads arrive whole: nobody waits for the rest. Of blank lines, which may come before one, there is more to come.
            let is_whole =
                arrived.ends_with(HEAD_END) && !arrived.starts_with(b"\r") && !arrived.starts_with(b"\n");
            if !is_whole {
                self.activity.receive();
            }
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        self.wrote(result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(context);
        self.wrote(result)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time::timeout,
    };

    use super::*;
    use crate::http::{Limits, activity::Verdict};

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_stops_and_a_head_that_is_not_whole_are_seen() {
        for writes in [true, false] {
            let (mut client, server) = duplex(64);
            let activity = Arc::new(Activity::default());
            let mut watched = Watched::new(server, Arc::clone(&activity));
            client.write_all(b"GET").await.expect("there is room");
            let stuck = async {
                if writes {
                    watched.write_all(&[0; 1000]).await
                } else {
                    watched.read_exact(&mut [0; 9]).await.map(drop)
                }
            };
            assert!(timeout(Duration::from_secs(30), stuck).await.is_err(), "the client does nothing");
            assert_eq!(activity.judge(&Limits::default()), Verdict::Abort);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_whole_head_nobody_waits_for_the_rest() {
        let head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let some = [
            (head, Verdict::Stay),
            ("G", Verdict::Abort),
            ("\r\n\r\n", Verdict::Abort),
            ("\n\r\n\r\n", Verdict::Abort),
        ];
        for (sent, verdict) in some {
            let (mut client, server) = duplex(64);
            let activity = Arc::new(Activity::default());
            let mut watched = Watched::new(server, Arc::clone(&activity));
            client.write_all(sent.as_bytes()).await.expect("there is room");
            watched.read_exact(&mut vec![0; sent.len()]).await.expect("it is there");
            tokio::time::sleep(Duration::from_secs(11)).await;
            assert_eq!(activity.judge(&Limits::default()), verdict, "{sent}");
        }
    }
}
