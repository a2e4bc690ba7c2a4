//! Accepts connections, for ever: it backs off when files run out, makes room when too many are open, and drains at the end.

use std::{
    collections::HashMap,
    convert::Infallible,
    future::Future,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, Request, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    pin,
    sync::watch,
    time::{sleep, timeout},
};

use super::{
    Limits, Response,
    connection::{Activity, Timed},
};
use crate::metrics::Metrics;

/// What answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request of one peer.
    fn handle(&self, request: Request<Incoming>, peer: SocketAddr) -> impl Future<Output = Response> + Send;
}

const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// A client that is turned away gets this long to take the answer.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n\
    Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nContent-Length: 28\r\n\r\n\
    too many connections, retry\n";

/// Serves until `shutdown` ends, then finishes what is in flight.
///
/// Returns whether everything was finished within the limit.
pub async fn serve<H: Handler>(
    listener: TcpListener,
    handler: Arc<H>,
    (limits, metrics): (Limits, Arc<Metrics>),
    shutdown: impl Future<Output = ()>,
) -> bool {
    let connections = Arc::new(Connections { open: Mutex::default(), metrics: Arc::clone(&metrics) });
    let (drain, draining) = watch::channel(());
    pin!(shutdown);
    let mut pause = SHORTEST_PAUSE;
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                metrics.accept_errors.inc();
                if !concerns_one_connection(&error) {
                    tracing::warn!(%error, "no connection can be accepted at the moment");
                    connections.close_longest_idle();
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                continue;
            }
        };
        pause = SHORTEST_PAUSE;
        if connections.count() >= limits.connections && !connections.close_longest_idle() {
            metrics.connections_closed.with_label_values(&["too_many"]).inc();
            tokio::spawn(refuse(stream));
            continue;
        }
        // Without it a small answer waits 40 ms for the client's delayed acknowledgement.
        let _ = stream.set_nodelay(true);
        let place = Connections::enter(&connections);
        let (handler, draining) = (Arc::clone(&handler), draining.clone());
        tokio::spawn(async move { connection(stream, peer, handler, (limits, place, draining)).await });
    }
    drop(listener);
    drop(draining);
    drain.send_replace(());
    timeout(limits.shutdown_timeout, drain.closed()).await.is_ok()
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

async fn connection<H: Handler>(
    stream: TcpStream,
    peer: SocketAddr,
    handler: Arc<H>,
    (limits, place, mut draining): (Limits, Place, watch::Receiver<()>),
) {
    let activity = Arc::clone(&place.activity);
    let answered = AtomicU32::new(0);
    let service = service_fn(|request| {
        activity.begin();
        let handler = Arc::clone(&handler);
        let last = answered.fetch_add(1, Ordering::Relaxed) + 1 >= limits.requests_per_connection;
        let activity = Arc::clone(&activity);
        async move {
            let mut response = handler.handle(request, peer).await;
            if last {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            // Until its last byte is handed on, the connection is not idle.
            response.body_mut().keep_busy(activity);
            Ok::<_, Infallible>(response)
        }
    });
    let stream = Timed::new(stream, Arc::clone(&place.activity), &limits);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // hyper starts this clock with the wait for a head, so it is the idle timeout; the head's own is in `Timed`.
        .header_read_timeout(limits.idle_timeout)
        .max_buf_size(limits.head_bytes.max(8192))
        .max_headers(limits.head_fields)
        .half_close(false)
        .serve_connection(TokioIo::new(stream), service);
    pin!(connection);
    let closing = async {
        tokio::select! {
            _ = draining.changed() => {}
            () = place.activity.close.notified() => {}
        }
    };
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = closing => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result
        && is_timeout(&error)
    {
        place.connections.metrics.connections_closed.with_label_values(&["timeout"]).inc();
    }
}

fn is_timeout(error: &hyper::Error) -> bool {
    use std::error::Error;
    error.is_timeout()
        || error
            .source()
            .and_then(|source| source.downcast_ref::<io::Error>())
            .is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
}

/// The open connections.
struct Connections {
    open: Mutex<HashMap<u64, Arc<Activity>>>,
    metrics: Arc<Metrics>,
}

/// A connection's place among them, given back at its end.
struct Place {
    id: u64,
    activity: Arc<Activity>,
    connections: Arc<Connections>,
}

impl Connections {
    fn enter(this: &Arc<Self>) -> Place {
        let activity = Arc::<Activity>::default();
        let mut open = this.open.lock();
        let id = std::iter::successors(Some(open.len() as u64), |id| Some(id.wrapping_add(1)))
            .find(|id| !open.contains_key(id))
            .unwrap_or_default();
        open.insert(id, Arc::clone(&activity));
        this.metrics.connections.set(open.len() as i64);
        Place { id, activity, connections: Arc::clone(this) }
    }

    fn count(&self) -> usize {
        self.open.lock().len()
    }

    /// Asks the connection that has been idle the longest to close; `false` when all are busy.
    fn close_longest_idle(&self) -> bool {
        let open = self.open.lock();
        let idle = open.values().filter_map(|activity| Some((activity.idle_for()?, activity)));
        let Some((_, longest)) = idle.max_by_key(|(idle, _)| *idle) else { return false };
        longest.close.notify_one();
        self.metrics.connections_closed.with_label_values(&["shed"]).inc();
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock();
        open.remove(&self.id);
        self.connections.metrics.connections.set(open.len() as i64);
    }
}
