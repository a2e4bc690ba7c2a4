//! Answers that are at hand, given before hyper sees their requests.
//!
//! To serve a cached tile takes little work, and most of what ran in user mode was hyper's, or went into the types that one speaks
//! to it with: a head is taken apart into owned fields, a service is asked, and fields are written one by one.
//!
//! This stream lies between hyper and the socket. Where hyper waits for the next request, and what arrives is one whole
//! [`RequestHead`] and nothing else, the handler is asked whether the answer is at hand, and that is written: by whoever polls the
//! connection, without asking hyper at all. All else goes to hyper as it came, and what hyper answers goes out as it is; after that
//! it is this stream's turn again. Of a request that was answered here hyper sees nothing: it still waits. A connection that once
//! sends anything but single plain heads stays hyper's to its end.

use std::{
    cell::RefCell,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use super::{
    Handler,
    activity::{Activity, Busy},
    connection::Peer,
    head::RequestHead,
};

/// Longer heads are hyper's.
const HEAD_BYTES: usize = 8 << 10;
/// Answers before other connections have their turn.
const ANSWERS: usize = 16;

/// What a thread reads into and writes from, one connection after the other.
struct Scratch {
    arrived: Box<[u8]>,
    head: Vec<u8>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> =
        RefCell::new(Scratch { arrived: vec![0; HEAD_BYTES].into(), head: Vec::new() });
}

/// A connection's stream: as hyper sees it, and as it is asked for answers before hyper is.
pub struct FastPath<S, H: Handler>(Arc<Mutex<State<S, H>>>);

struct State<S, H: Handler> {
    stream: S,
    handler: Arc<H>,
    peer: Peer,
    activity: Arc<Activity>,
    /// Requests before the connection is closed, which hyper does.
    most_requests: u32,
    turn: Turn,
    /// What arrived and hyper has not read yet.
    arrived: Bytes,
    outgoing: Option<Outgoing<H::Body>>,
}

/// Whose the next bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Nothing is being answered.
    Ours,
    /// Hyper answers one request; `begun` had begun before it.
    HyperUntil { begun: u32 },
    /// Hyper's to the end: what it was given is not one request, or it is to close.
    Hyper,
}

/// An answer that did not go out at once.
struct Outgoing<B> {
    head: Bytes,
    body: B,
    sent: usize,
    _busy: Busy,
}

impl<S, H: Handler> Clone for FastPath<S, H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, H: Handler> FastPath<S, H> {
    /// A stream of which something has arrived.
    pub fn new(
        (stream, arrived): (S, Bytes),
        (handler, most_requests): (Arc<H>, u32),
        (peer, activity): (Peer, Arc<Activity>),
    ) -> Self {
        let (turn, outgoing) = (Turn::Ours, None);
        let state = State { stream, handler, peer, activity, most_requests, turn, arrived, outgoing };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Leaves all requests to hyper from now on.
    pub fn leave(&self) {
        self.0.lock().turn = Turn::Hyper;
    }

    /// Answers what is at hand, until it is hyper's turn.
    pub fn poll_answer(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.lock().poll_answer(context)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, H: Handler> State<S, H> {
    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.turn != Turn::Ours {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_outgoing(context))?;
        SCRATCH.with_borrow_mut(|scratch| self.poll_answer_with(context, scratch))
    }

    fn poll_answer_with(&mut self, context: &mut Context<'_>, scratch: &mut Scratch) -> Poll<io::Result<()>> {
        for _ in 0..ANSWERS {
            let first = std::mem::take(&mut self.arrived);
            let arrived = if first.is_empty() {
                let mut buffer = ReadBuf::new(&mut scratch.arrived);
                ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
                let len = buffer.filled().len();
                &scratch.arrived[..len]
            } else {
                &first
            };
            scratch.head.clear();
            let began = Instant::now();
            let Some(body) = self.at_hand(arrived, began, &mut scratch.head) else {
                self.arrived = if first.is_empty() { Bytes::copy_from_slice(arrived) } else { first };
                return Poll::Ready(Ok(()));
            };
            self.activity.answer_at_once(began);
            let mut sent = 0;
            let is_sent =
                poll_send(Pin::new(&mut self.stream), context, [&scratch.head, body.as_ref()], &mut sent);
            if is_sent.is_pending() {
                let busy = Busy::answered(Arc::clone(&self.activity), began);
                let head = Bytes::copy_from_slice(&scratch.head);
                self.outgoing = Some(Outgoing { head, body, sent, _busy: busy });
            }
            ready!(is_sent)?;
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// The answer to what has arrived; or it is hyper's turn.
    fn at_hand(&mut self, arrived: &[u8], began: Instant, head: &mut Vec<u8>) -> Option<H::Body> {
        let begun = self.activity.begun();
        let Some(request) = RequestHead::parse(arrived) else {
            self.turn = Turn::Hyper;
            return None;
        };
        let is_last = begun + 1 >= self.most_requests || self.activity.is_closing();
        let answer =
            if is_last { None } else { self.handler.at_hand(&request, self.peer, began.into_std(), head) };
        if answer.is_none() {
            self.turn = Turn::HyperUntil { begun };
        }
        answer
    }

    /// Sends what is left of an answer.
    fn poll_outgoing(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(Outgoing { head, body, sent, .. }) = &mut self.outgoing {
            ready!(poll_send(Pin::new(&mut self.stream), context, [head, body.as_ref()], sent))?;
            self.outgoing = None;
            // Whoever was told to wait when it wanted to read did not read.
            context.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }
}

/// Sends what of a head and a body has not been `sent`.
fn poll_send<S: AsyncWrite>(
    mut stream: Pin<&mut S>,
    context: &mut Context<'_>,
    [head, body]: [&[u8]; 2],
    sent: &mut usize,
) -> Poll<io::Result<()>> {
    while *sent < head.len() + body.len() {
        let slices = [
            IoSlice::new(&head[head.len().min(*sent)..]),
            IoSlice::new(&body[sent.saturating_sub(head.len())..]),
        ];
        let written = ready!(stream.as_mut().poll_write_vectored(context, &slices))?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        *sent += written;
    }
    stream.poll_flush(context)
}

impl<S: AsyncRead + AsyncWrite + Unpin, H: Handler> AsyncRead for FastPath<S, H> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self.0.lock();
        ready!(this.poll_answer(context))?;
        ready!(this.poll_outgoing(context))?;
        if !this.arrived.is_empty() {
            let fits = this.arrived.split_to(this.arrived.len().min(buffer.remaining()));
            buffer.put_slice(&fits);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            // While one request is answered there is another.
            this.turn = Turn::Hyper;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, H: Handler> AsyncWrite for FastPath<S, H> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self.0.lock();
        ready!(this.poll_outgoing(context))?;
        Pin::new(&mut this.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self.0.lock();
        ready!(this.poll_outgoing(context))?;
        Pin::new(&mut this.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.lock().stream.is_write_vectored()
    }

    /// Hyper flushes when it has written all that it has.
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self.0.lock();
        ready!(this.poll_outgoing(context))?;
        ready!(Pin::new(&mut this.stream).poll_flush(context))?;
        if let Turn::HyperUntil { begun } = this.turn
            && this.activity.begun() != begun
            && !this.activity.is_open()
            && this.arrived.is_empty()
        {
            this.turn = Turn::Ours;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self.0.lock();
        ready!(this.poll_outgoing(context))?;
        Pin::new(&mut this.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
#[path = "fast_path_tests.rs"]
mod tests;
