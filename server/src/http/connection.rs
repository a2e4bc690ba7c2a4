//! One connection's clock: a head must arrive in time, and a write must make progress. hyper has neither.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::Notify,
    time::{Instant, Sleep, sleep},
};

use super::Limits;

const IDLE: u8 = 0;
const HEAD: u8 = 1;
const BUSY: u8 = 2;

/// What a connection is doing, seen from outside.
#[derive(Debug)]
pub struct Activity {
    phase: AtomicU8,
    /// When it became idle, in milliseconds since `born`.
    idle_since_ms: AtomicU64,
    born: Instant,
    /// Asks the connection to close as soon as it can.
    pub close: Notify,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            phase: AtomicU8::new(IDLE),
            idle_since_ms: AtomicU64::new(0),
            born: Instant::now(),
            close: Notify::new(),
        }
    }
}

impl Activity {
    /// A request was read whole and is being answered.
    pub fn begin(&self) {
        self.phase.store(BUSY, Ordering::Release);
    }

    /// Its answer is on its way.
    pub fn end(&self) {
        self.idle_since_ms.store(self.born.elapsed().as_millis() as u64, Ordering::Release);
        self.phase.store(IDLE, Ordering::Release);
    }

    /// How long the connection has had nothing to do; `None` while it has.
    pub fn idle_for(&self) -> Option<Duration> {
        let since = Duration::from_millis(self.idle_since_ms.load(Ordering::Acquire));
        (self.phase.load(Ordering::Acquire) == IDLE).then(|| self.born.elapsed().saturating_sub(since))
    }
}

/// A stream that fails when its peer is too slow.
#[derive(Debug)]
pub struct Timed<S> {
    stream: S,
    activity: Arc<Activity>,
    head_timeout: Duration,
    write_timeout: Duration,
    head_deadline: Option<Pin<Box<Sleep>>>,
    write_deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> Timed<S> {
    /// Puts a clock on a stream.
    pub fn new(stream: S, activity: Arc<Activity>, limits: &Limits) -> Self {
        Self {
            stream,
            activity,
            head_timeout: limits.head_timeout,
            write_timeout: limits.write_timeout,
            head_deadline: None,
            write_deadline: None,
        }
    }

    /// Passes a write on; one that must wait has a deadline, any progress resets it.
    fn timed_write<T>(
        &mut self,
        context: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.write_deadline = None;
            return result;
        }
        let timeout = self.write_timeout;
        let deadline = self.write_deadline.get_or_insert_with(|| Box::pin(sleep(timeout)));
        match deadline.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        let arrived = buffer.filled().len() > before;
        if arrived {
            let _ = self.activity.phase.compare_exchange(IDLE, HEAD, Ordering::AcqRel, Ordering::Relaxed);
        }
        if self.activity.phase.load(Ordering::Acquire) != HEAD {
            self.head_deadline = None;
            return result;
        }
        let timeout = self.head_timeout;
        let deadline = self.head_deadline.get_or_insert_with(|| Box::pin(sleep(timeout)));
        // One deadline for the whole head, however its bytes drip in.
        match deadline.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => result,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.timed_write(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.timed_write(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        self.timed_write(context, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(context);
        self.timed_write(context, result)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_head_that_drips_in_is_cut_off() {
        let (client, server) = duplex(64);
        let mut timed = Timed::new(server, Arc::default(), &Limits::default());
        let mut client = client;
        let dripping = tokio::spawn(async move {
            while client.write_all(b"x").await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        });
        let started = Instant::now();
        let error = loop {
            if let Err(error) = timed.read_u8().await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(started.elapsed().as_secs(), 10);
        drop(timed);
        dripping.await.expect("it ends with the connection");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_stops_is_given_up() {
        let (_client, server) = duplex(64);
        let mut timed = Timed::new(server, Arc::default(), &Limits::default());
        let started = Instant::now();
        let error = timed.write_all(&[0; 1000]).await.expect_err("nobody reads");
        assert_eq!((error.kind(), started.elapsed().as_secs()), (io::ErrorKind::TimedOut, 20));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_answers_is_not_idle() {
        let activity = Activity::default();
        sleep(Duration::from_secs(5)).await;
        assert_eq!(activity.idle_for(), Some(Duration::from_secs(5)));
        activity.begin();
        assert_eq!(activity.idle_for(), None);
        activity.end();
        assert_eq!(activity.idle_for(), Some(Duration::ZERO));
    }
}
