//! Accepts connections, for ever: it backs off when files run out, makes room when too many are open, and drains at the end.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use http::Request;
use hyper::body::Incoming;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpSocket, TcpStream},
    pin,
    time::{sleep, timeout},
};

use super::{
    Answer, Limits,
    connection::{Peer, Service},
    connections::Connections,
    head::RequestHead,
    tls::Tls,
};
use crate::{metrics::Metrics, resume};

/// What answers requests. Each connection has a clone of its own.
pub trait Handler: Clone + Send + Sync + 'static {
    /// The body of an answer at hand.
    type Body: AsRef<[u8]> + Send + Sync;

    /// Answers one request of one peer, which was there at `began`.
    fn handle(self: &Arc<Self>, request: Request<Incoming>, peer: Peer, began: Instant) -> Answer;

    /// Answers a request whose answer is at hand: writes its head as HTTP/1.1 has it, and returns its body. Else [`Self::handle`] is asked.
    fn at_hand(
        &self,
        _request: &RequestHead<'_>,
        _peer: Peer,
        _began: Instant,
        _head: &mut Vec<u8>,
    ) -> Option<Self::Body> {
        None
    }
}

const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// A client that is turned away gets this long to take the answer.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n\
    Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nContent-Length: 28\r\n\r\n\
    too many connections, retry\n";

/// Connections that may wait to be accepted; the system may allow fewer. Of one that finds no place the client tries again after a
/// second, and the default of 128 is a few dozen milliseconds of an overload.
const BACKLOG: u32 = 4096;

/// Listens on an address.
///
/// # Errors
/// When it is taken, or not ours.
///
/// # Panics
/// Outside of a runtime.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart need not wait for connections that have just ended.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `shutdown` ends, then finishes what is in flight.
///
/// Returns whether everything was finished within the limit; what was not is given up.
pub async fn serve<H: Handler>(
    listener: TcpListener,
    (handler, tls): (H, Option<Arc<Tls>>),
    (limits, metrics): (Limits, Arc<Metrics>),
    shutdown: impl Future<Output = ()>,
) -> bool {
    let service = Arc::new(Service::new(handler, tls, limits));
    let connections = Connections::new(limits, Arc::clone(&metrics));
    let watching = Arc::clone(&connections);
    let watching = tokio::spawn(async move { watching.end_the_slow().await });
    pin!(shutdown);
    let mut pause = SHORTEST_PAUSE;
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                pause = SHORTEST_PAUSE;
                admit(&service, &connections, stream, peer);
            }
            Err(error) => {
                metrics.accept_errors.inc();
                if !concerns_one_connection(&error) {
                    tracing::warn!(%error, "no connection can be accepted at the moment");
                    connections.close_longest_idle();
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }
    drop(listener);
    let is_drained = timeout(limits.shutdown_timeout, connections.drain()).await.is_ok();
    watching.abort();
    if !is_drained {
        connections.abort();
    }
    is_drained
}

/// Serves a connection, or sends it away.
fn admit<H: Handler>(
    service: &Arc<Service<H>>,
    connections: &Arc<Connections>,
    stream: TcpStream,
    peer: SocketAddr,
) {
    if let Some(place) = Connections::enter(connections) {
        resume::spawn(Arc::clone(service).serve(stream, peer, place));
    } else if !service.is_encrypted() {
        tokio::spawn(refuse(stream));
    }
}

/// Errors of a connection that was gone before it was accepted; all others concern the server.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionAborted | Kind::ConnectionReset | Kind::ConnectionRefused | Kind::Interrupted
    )
}

async fn refuse(mut stream: TcpStream) {
    let _ = timeout(REFUSAL_TIMEOUT, stream.write_all(REFUSAL)).await;
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncReadExt, sync::Notify};

    use super::*;

    /// Answers nothing, and tells when it was asked.
    #[derive(Clone)]
    struct Never(Arc<Notify>);

    impl Handler for Never {
        type Body = [u8; 0];

        fn handle(self: &Arc<Self>, _: Request<Incoming>, _: Peer, _: Instant) -> Answer {
            self.0.notify_one();
            Answer::Later(Box::pin(std::future::pending()))
        }
    }

    #[tokio::test]
    async fn what_is_not_finished_in_time_is_given_up() {
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let limits = Limits { shutdown_timeout: Duration::from_millis(50), ..Limits::default() };
        let asked = Arc::new(Notify::new());
        let handler = Never(Arc::clone(&asked));
        let shutdown = async move { asked.notified().await };
        let serving = serve(listener, (handler, None), (limits, Arc::new(Metrics::new())), shutdown);
        let client = async {
            let mut stream = TcpStream::connect(address).await.expect("it listens");
            stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("it is taken");
            stream
        };
        let (is_drained, mut stream) = tokio::join!(serving, client);
        assert!(!is_drained);
        let end = timeout(Duration::from_secs(10), stream.read(&mut [0])).await;
        assert!(matches!(end, Ok(Ok(0) | Err(_))), "the connection is closed");
    }
}
