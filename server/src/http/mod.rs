//! HTTP as all protocols need it: requests taken apart, answers with the right headers, connections with limits. It knows no
//! protocol and no tile beyond its bytes.

mod activity;
pub mod base_url;
pub mod body;
pub mod compression;
pub mod conditional;
pub mod connection;
mod connections;
pub mod document;
mod fast_path;
pub mod file;
pub mod head;
pub mod listener;
pub mod query;
pub mod range;
pub mod respond;
pub mod tls;
mod version;
mod watched;
pub mod wire;

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;

pub use self::{body::Body, listener::Handler};

/// What is answered.
pub type Response = http::Response<Body>;

/// An answer, as far as it is made. What is at hand needs no future, which would be moved several times with all that it carries.
pub enum Answer {
    /// The whole of it.
    Now(Response),
    /// Somebody makes it, or it has to be waited for.
    Later(Pin<Box<dyn Future<Output = Response> + Send>>),
}

impl Answer {
    /// The response, once: an answer is not asked again.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Response> {
        match self {
            Self::Now(response) => Poll::Ready(std::mem::take(response)),
            Self::Later(response) => response.as_mut().poll(context),
        }
    }
}

/// A request that passed the gate: method and path are sound, the body, if any, is whole.
#[derive(Debug)]
pub struct RequestInfo {
    /// GET, HEAD, or POST on the one path that takes it.
    pub method: http::Method,
    /// Percent-decoded once; always UTF-8, starts with a slash.
    pub path: String,
    /// As sent, without the question mark.
    pub query: String,
    /// Of a form, on the one path that takes it.
    pub body: Option<Bytes>,
    /// As sent.
    pub headers: http::HeaderMap,
    /// How clients reach this server, e.g. `https://tiles.example.org`; no slash at the end.
    pub base_url: String,
    /// Whether its peer is on this machine.
    pub is_from_here: bool,
}

impl RequestInfo {
    /// Whether it comes from this machine, and not through a proxy.
    pub fn is_local(&self) -> bool {
        const FORWARDED: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];
        self.is_from_here && !FORWARDED.iter().any(|name| self.headers.contains_key(*name))
    }
}

#[cfg(test)]
impl RequestInfo {
    /// A GET for tests.
    pub fn get(path: &str, query: &str) -> Self {
        Self {
            method: http::Method::GET,
            path: path.to_owned(),
            query: query.to_owned(),
            body: None,
            headers: http::HeaderMap::new(),
            base_url: "https://tiles.example.org".to_owned(),
            is_from_here: true,
        }
    }
}

/// What clients may take of the server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Request line and fields together, in bytes; default 16 KiB.
    pub head_bytes: usize,
    /// Fields; default 100.
    pub head_fields: usize,
    /// The request target in bytes; default 8 KiB.
    pub target_bytes: usize,
    /// From the first byte of a head to its last; default 10 s.
    pub head_timeout: Duration,
    /// A connection without a request; default 75 s.
    pub idle_timeout: Duration,
    /// A write without progress; default 20 s.
    pub write_timeout: Duration,
    /// Requests before a connection is closed; default 1,000.
    pub requests_per_connection: u32,
    /// Connections at the same time; default 4,096.
    pub connections: usize,
    /// How long requests in flight may take when the server stops; default 30 s.
    pub shutdown_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes: 16 << 10,
            head_fields: 100,
            target_bytes: 8 << 10,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(20),
            requests_per_connection: 1000,
            connections: 4096,
            shutdown_timeout: Duration::from_secs(30),
        }
    }
}
