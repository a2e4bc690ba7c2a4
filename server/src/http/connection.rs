//! One connection: the handshake of TLS where there is one, then HTTP/1.1 or HTTP/2, whichever the client speaks. What hyper sees of HTTP/1.1 is
//! what [`super::fast_path`] leaves to it.

use std::{
    convert::Infallible,
    future::poll_fn,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{HeaderValue, Version, header};
use hyper::{
    rt::Executor,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::{rt::TokioIo, server::graceful::GracefulConnection};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    pin,
    time::{Instant, timeout},
};

use super::{
    Answer, Handler, Limits, Response,
    activity::{Activity, Busy, Verdict},
    connections::Place,
    fast_path::FastPath,
    tls::Tls,
    version,
    watched::Watched,
};
use crate::resume;

/// Bytes of bodies that are taken before anybody reads them: a form at most, so HTTP/2's default is more than enough.
const WINDOW_BYTES: u32 = 65_535;
/// Header fields that hyper takes at most unless it is told otherwise.
const HYPER_FIELDS: usize = 100;
/// Requests at the same time on one connection of HTTP/2.
const STREAMS: u32 = 100;
/// Requests that a client may reset before they are answered, and that we may have to, before it is sent away.
const RESETS: (usize, usize) = (20, 1024);

/// Who is at the other end.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Its address, or that of a proxy.
    pub address: SocketAddr,
    /// Whether it came by TLS.
    pub is_encrypted: bool,
}

/// What all connections of a listener share.
pub struct Service<H> {
    handler: H,
    http1: http1::Builder,
    http2: http2::Builder<Streams>,
    tls: Option<Arc<Tls>>,
    limits: Limits,
}

impl<H: Handler> Service<H> {
    /// A service that answers with `handler`, through TLS where that is given.
    pub fn new(handler: H, tls: Option<Arc<Tls>>, limits: Limits) -> Self {
        let mut http1 = http1::Builder::new();
        http1
            // Timeouts are those of `Activity`.
            .header_read_timeout(None)
            .max_buf_size(limits.head_bytes.max(8192))
            .half_close(false);
        // Told a number, hyper fills that many places one by one for each request; else it leaves them as they are.
        if limits.head_fields != HYPER_FIELDS {
            http1.max_headers(limits.head_fields);
        }
        let mut http2 = http2::Builder::new(Streams);
        http2
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(limits.head_bytes as u32)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .max_pending_accept_reset_streams(RESETS.0)
            .max_local_error_reset_streams(RESETS.1);
        Self { handler, http1, http2, tls, limits }
    }

    /// Whether clients have to speak TLS.
    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// Answers the requests of a connection until it ends.
    pub async fn serve(self: Arc<Self>, stream: TcpStream, address: SocketAddr, place: Place) {
        // Without it a small answer waits 40 ms for the client's delayed acknowledgement.
        let _ = stream.set_nodelay(true);
        let peer = Peer { address, is_encrypted: self.is_encrypted() };
        let Some(tls) = &self.tls else { return self.answer(stream, peer, &place.activity).await };
        let shaken = tokio::select! {
            shaken = timeout(self.limits.head_timeout, tls.acceptor().accept(stream)) => shaken,
            _ = place.activity.asked() => return,
        };
        if let Ok(Ok(stream)) = shaken {
            self.answer(stream, peer, &place.activity).await;
        }
    }

    /// Answers the requests that a stream brings, until it ends.
    pub(super) async fn answer<S>(self: &Arc<Self>, stream: S, peer: Peer, activity: &Arc<Activity>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let most_requests = self.limits.requests_per_connection;
        // A connection's own: a count of owners that all processors write to makes each wait for the others.
        let handler = Arc::new(H::clone(&self.handler));
        let mut stream = Watched::new(stream, Arc::clone(activity));
        let read = tokio::select! {
            read = version::read(&mut stream) => read,
            _ = activity.asked() => return,
        };
        let Ok((is_http2, arrived)) = read else { return };
        let shared = (Arc::clone(&handler), most_requests);
        let stream = FastPath::new((stream, arrived), shared, (peer, Arc::clone(activity)));
        let service = service_fn(|request| {
            let began = Instant::now();
            let is_last = activity.begin() + 1 >= most_requests;
            if is_last {
                activity.close();
            }
            let is_multiplexed = request.version() == Version::HTTP_2;
            let answer = handler.handle(request, peer, began.into_std());
            let busy = match answer {
                Answer::Now(_) => Busy::answered(Arc::clone(activity), began),
                Answer::Later(_) => Busy::new(Arc::clone(activity)),
            };
            Answering { answer, busy: Some(busy), is_last, is_multiplexed }
        });
        let io = TokioIo::new(stream.clone());
        if is_http2 {
            activity.multiplex();
            stream.leave();
            run(self.http2.serve_connection(io, service), &stream, activity).await;
        } else {
            run(self.http1.serve_connection(io, service), &stream, activity).await;
        }
    }
}

/// Runs a connection until it ends by itself or is asked to. Hyper is not asked while there is nothing for it.
async fn run<S, H>(connection: impl GracefulConnection, stream: &FastPath<S, H>, activity: &Activity)
where
    S: AsyncRead + AsyncWrite + Unpin,
    H: Handler,
{
    pin!(connection);
    loop {
        let ended = poll_fn(|context| match ready!(stream.poll_answer(context)) {
            Ok(()) => connection.as_mut().poll(context).map(drop),
            Err(_) => Poll::Ready(()),
        });
        tokio::select! {
            biased;
            () = ended => return,
            verdict = activity.asked() => {
                if verdict == Verdict::Abort {
                    return;
                }
                stream.leave();
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Runs the requests of HTTP/2.
#[derive(Clone, Copy)]
struct Streams;

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        resume::spawn(stream);
    }
}

/// A request that is being answered. Written out, since the future of an `async` block holds another one twice.
struct Answering {
    answer: Answer,
    busy: Option<Busy>,
    is_last: bool,
    is_multiplexed: bool,
}

impl Future for Answering {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let mut response = ready!(this.answer.poll(context));
        // HTTP/2 says this in a frame of its own.
        if this.is_multiplexed {
            response.headers_mut().remove(header::CONNECTION);
        } else if this.is_last {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        // Until its last byte is handed on, the connection is not idle.
        if let Some(mut busy) = this.busy.take() {
            busy.hand_over();
            response.body_mut().keep_busy(busy);
        }
        Poll::Ready(Ok(response))
    }
}
