//! Bodies of answers: bytes at hand, or chunks that are made one after the other, as fast as the client takes them. It knows
//! neither files nor documents.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::{sync::Semaphore, task};

use super::activity::Busy;
use crate::metrics::Series;

/// Makes the chunks of a body.
pub trait Chunks: Send + 'static {
    /// The next one, `None` at the end. It may wait for a disk: it is called where that is allowed.
    ///
    /// # Errors
    /// When there is none though there should be; the connection is then closed, so that the client sees it.
    fn next_chunk(&mut self) -> io::Result<Option<Bytes>>;
}

/// What is sent after the head.
#[derive(Default)]
pub struct Body {
    content: Content,
    sent: Option<Arc<Series>>,
    busy: Option<Busy>,
    /// In memory of their own, as all that few bodies have: bodies are moved several times.
    labels: Option<Box<RequestLabels>>,
}

/// Which protocol and layer an answer belongs to, for metrics and log.
#[derive(Debug, Clone)]
pub struct RequestLabels {
    /// One of a closed list.
    pub protocol: &'static str,
    /// The id of a published layer; empty where there is none.
    pub layer: String,
}

impl Default for RequestLabels {
    fn default() -> Self {
        Self { protocol: "other", layer: String::new() }
    }
}

enum Content {
    Whole(Bytes),
    Chunked(Box<Chunked>),
}

struct Chunked {
    state: State,
    left: Option<u64>,
    gate: Arc<Semaphore>,
}

impl Default for Content {
    fn default() -> Self {
        Self::Whole(Bytes::new())
    }
}

/// The chunks with what they gave.
type Made = (Box<dyn Chunks>, io::Result<Option<Bytes>>);

enum State {
    Waiting(Box<dyn Chunks>),
    Making(Pin<Box<dyn Future<Output = io::Result<Made>> + Send>>),
    Ended,
}

impl Body {
    /// Bytes at hand.
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        Self { content: Content::Whole(bytes.into()), ..Self::default() }
    }

    /// Chunks, of so many bytes together if that is known. No more of them are made at the same time than `gate` has permits.
    pub fn chunked(chunks: Box<dyn Chunks>, bytes: Option<u64>, gate: Arc<Semaphore>) -> Self {
        let state = if bytes == Some(0) { State::Ended } else { State::Waiting(chunks) };
        let content = Content::Chunked(Box::new(Chunked { state, left: bytes, gate }));
        Self { content, ..Self::default() }
    }

    /// Other bytes, at hand.
    pub fn fill(&mut self, bytes: Bytes) {
        self.content = Content::Whole(bytes);
    }

    /// Says which protocol and layer the answer belongs to.
    pub fn label(&mut self, labels: RequestLabels) {
        self.labels = Some(Box::new(labels));
    }

    /// What was said of it.
    pub fn take_labels(&mut self) -> RequestLabels {
        self.labels.take().map_or_else(RequestLabels::default, |labels| *labels)
    }

    /// The bytes, if they are at hand; the body is empty then.
    pub fn take_whole(&mut self) -> Option<Bytes> {
        match &mut self.content {
            Content::Whole(bytes) => Some(std::mem::take(bytes)),
            Content::Chunked(_) => None,
        }
    }

    /// Passes chunks of unknown length through something that makes others of them.
    pub fn map_chunks(&mut self, map: impl FnOnce(Box<dyn Chunks>) -> Box<dyn Chunks>) {
        if let Content::Chunked(chunked) = &mut self.content
            && chunked.left.is_none()
            && let State::Waiting(chunks) = std::mem::replace(&mut chunked.state, State::Ended)
        {
            chunked.state = State::Waiting(map(chunks));
        }
    }

    /// Counts bytes as they are handed on.
    pub fn count_in(&mut self, series: Arc<Series>) {
        self.sent = Some(series);
    }

    /// The connection has something to do until the body is handed on or given up.
    pub fn keep_busy(&mut self, busy: Busy) {
        self.busy = Some(busy);
    }
}

async fn make(mut chunks: Box<dyn Chunks>, gate: Arc<Semaphore>) -> io::Result<Made> {
    let permit = gate.acquire_owned().await.map_err(io::Error::other)?;
    let made = task::spawn_blocking(move || {
        let chunk = chunks.next_chunk();
        drop(permit);
        (chunks, chunk)
    });
    made.await.map_err(io::Error::other)
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        let chunk = match &mut this.content {
            Content::Whole(bytes) => Ok(Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty())),
            Content::Chunked(chunked) => {
                let Chunked { state, left, gate } = chunked.as_mut();
                let polled = state.poll_chunk(context, left, gate);
                if let Some(busy) = &mut this.busy {
                    busy.waits_for_us(polled.is_pending());
                }
                ready!(polled)
            }
        };
        if let (Ok(Some(chunk)), Some(series)) = (&chunk, &this.sent) {
            series.bytes.inc_by(chunk.len() as u64);
        }
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)).transpose())
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Chunked(chunked) => matches!(chunked.state, State::Ended),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Chunked(chunked) => chunked.left.map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

impl State {
    fn poll_chunk(
        &mut self,
        context: &mut Context<'_>,
        left: &mut Option<u64>,
        gate: &Arc<Semaphore>,
    ) -> Poll<io::Result<Option<Bytes>>> {
        if let Self::Waiting(_) = self
            && let Self::Waiting(chunks) = std::mem::replace(self, Self::Ended)
        {
            *self = Self::Making(Box::pin(make(chunks, Arc::clone(gate))));
        }
        let Self::Making(making) = self else { return Poll::Ready(Ok(None)) };
        let made = ready!(making.as_mut().poll(context));
        *self = Self::Ended;
        let (chunks, chunk) = made?;
        let chunk = chunk?;
        if let Some(left) = left {
            let len = chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
            // More or less than was promised would be taken for another answer, or for the end of this one.
            *left = left.checked_sub(len).filter(|_| len > 0).ok_or(io::ErrorKind::UnexpectedEof)?;
        }
        if chunk.is_some() && *left != Some(0) {
            *self = Self::Waiting(chunks);
        }
        Poll::Ready(Ok(chunk))
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::{http::activity::Activity, metrics::Metrics};

    /// Gives a number of chunks of five bytes.
    struct Fives(usize);

    impl Chunks for Fives {
        fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
            let Some(left) = self.0.checked_sub(1) else { return Ok(None) };
            self.0 = left;
            Ok(Some(Bytes::from_static(b"12345")))
        }
    }

    fn body(chunks: usize, bytes: Option<u64>) -> Body {
        Body::chunked(Box::new(Fives(chunks)), bytes, Arc::new(Semaphore::new(1)))
    }

    #[tokio::test]
    async fn chunks_arrive_in_order_and_are_counted() {
        let series = Metrics::new().answers.of("xyz", "a");
        for mut body in [body(3, Some(15)), body(3, None), Body::whole("123451234512345")] {
            series.bytes.reset();
            body.count_in(Arc::clone(&series));
            let bytes = body.collect().await.expect("nothing fails").to_bytes();
            assert_eq!((&bytes[..], series.bytes.get()), (&b"123451234512345"[..], 15));
        }
    }

    #[tokio::test]
    async fn another_length_than_was_promised_is_an_error() {
        assert!(body(2, Some(15)).collect().await.is_err());
        assert!(body(4, Some(14)).collect().await.is_err());
        assert_eq!(body(4, Some(10)).collect().await.expect("what was promised").to_bytes().len(), 10);
        assert!(body(3, Some(0)).is_end_stream());
    }

    #[tokio::test]
    async fn a_connection_is_busy_until_its_body_is_gone() {
        let activity = Arc::new(Activity::default());
        let mut body = body(1, None);
        body.keep_busy(Busy::new(Arc::clone(&activity)));
        assert_eq!(activity.idle_for(), None);
        body.collect().await.expect("nothing fails");
        assert!(activity.idle_for().is_some());
    }
}
