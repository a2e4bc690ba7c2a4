//! A client that speaks HTTP/2 over whatever it is given.

use bytes::Bytes;
use h2::{RecvStream, client};
use http::{Request, Response};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinHandle,
};

/// A connection of HTTP/2.
pub struct Http2 {
    sender: client::SendRequest<Bytes>,
    connection: JoinHandle<Result<(), h2::Error>>,
    base: String,
}

impl Http2 {
    /// Shakes hands; `window_bytes` is how much of each answer the client takes unasked, and `base` as `https://example.org`.
    ///
    /// # Panics
    /// When the server does not speak HTTP/2.
    pub async fn new<S>(stream: S, base: &str, window_bytes: u32) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let handshake = client::Builder::new().initial_window_size(window_bytes).handshake(stream);
        let (sender, connection) = handshake.await.expect("the server speaks HTTP/2");
        Self { sender, connection: tokio::spawn(connection), base: base.to_owned() }
    }

    /// Asks, and waits for the head of the answer.
    ///
    /// # Errors
    /// When the server takes no more requests, or goes away.
    ///
    /// # Panics
    /// When the target is no address.
    pub async fn ask(&mut self, target: &str) -> Result<Response<RecvStream>, h2::Error> {
        self.sender.clone().ready().await?;
        let request = Request::get(format!("{}{target}", self.base)).body(()).expect("the target is sound");
        self.sender.send_request(request, true)?.0.await
    }

    /// Asks, and waits for the whole answer.
    ///
    /// # Errors
    /// As [`Http2::ask`].
    pub async fn get(&mut self, target: &str) -> Result<Response<Vec<u8>>, h2::Error> {
        let (head, mut body) = self.ask(target).await?.into_parts();
        let mut bytes = Vec::new();
        while let Some(chunk) = body.data().await {
            let chunk = chunk?;
            body.flow_control().release_capacity(chunk.len())?;
            bytes.extend_from_slice(&chunk);
        }
        Ok(Response::from_parts(head, bytes))
    }

    /// Waits until the server ends the connection.
    ///
    /// # Errors
    /// When it does so without a word.
    ///
    /// # Panics
    /// When the client does.
    pub async fn closed(&mut self) -> Result<(), h2::Error> {
        (&mut self.connection).await.expect("the client does not panic")
    }
}
