//! One connection that asks for one thing at a time, and is made again when the server has closed it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{Request, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

/// The slowest peer needs seconds for a tile of thousands of dalles, and sixteen clients wait for it.
const PATIENCE: Duration = Duration::from_mins(5);

type Failure = Box<dyn std::error::Error>;

/// What came back, whole.
#[derive(Debug)]
pub struct Answer {
    /// Of HTTP; 0 where there was none.
    pub status: u16,
    /// Of the body.
    pub bytes: u64,
    /// From the question to the last byte, a new connection included.
    pub latency: Duration,
    /// What went wrong without a status.
    pub failure: Option<String>,
}

/// A keep-alive connection.
pub struct Client {
    host: String,
    sender: Option<http1::SendRequest<Empty<Bytes>>>,
}

impl Client {
    /// To `host:port`; connects when first asked.
    pub fn new(host: &str) -> Self {
        Self { host: host.to_owned(), sender: None }
    }

    /// Asks for a path and waits for the whole answer.
    pub async fn get(&mut self, path: &str) -> Answer {
        let started = Instant::now();
        let result = match timeout(PATIENCE, self.attempt(path)).await {
            Ok(Err(_)) if self.sender.take().is_some() => timeout(PATIENCE, self.attempt(path)).await,
            result => result,
        };
        let latency = started.elapsed();
        match result {
            Ok(Ok((status, bytes))) => Answer { status, bytes, latency, failure: None },
            other => {
                self.sender = None;
                let failure =
                    other.map_or_else(|_| "no answer in time".to_owned(), |error| format!("{error:?}"));
                Answer { status: 0, bytes: 0, latency, failure: Some(failure) }
            }
        }
    }

    async fn attempt(&mut self, path: &str) -> Result<(u16, u64), Failure> {
        let request = Request::get(path)
            .header(header::HOST, &self.host)
            .header(header::ACCEPT, "*/*")
            .body(Empty::new())?;
        let mut response = self.connected().await?.send_request(request).await?;
        let mut bytes = 0;
        while let Some(frame) = response.frame().await {
            bytes += frame?.data_ref().map_or(0, |data| data.len() as u64);
        }
        Ok((response.status().as_u16(), bytes))
    }

    /// The connection, made anew where the server has closed it.
    async fn connected(&mut self) -> Result<&mut http1::SendRequest<Empty<Bytes>>, Failure> {
        if let Some(mut sender) = self.sender.take()
            && sender.ready().await.is_ok()
        {
            return Ok(self.sender.insert(sender));
        }
        let stream = TcpStream::connect(&self.host).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::task::spawn_local(async move {
            // What fails here fails the request too.
            let _ = connection.await;
        });
        Ok(self.sender.insert(sender))
    }
}
