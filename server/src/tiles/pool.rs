//! The threads that render, and the bounded queue in front of them.
//!
//! A queue is there for bursts: a viewport asks for forty tiles at once, and waits for the last of them. One that does not
//! empty for a while does no more than to delay everybody, so it is kept shorter then, and the rest are told at once.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{Instant, timeout},
};

use crate::{error::Fault, metrics::Metrics};

/// How much is rendered at once and how much may wait.
#[derive(Debug, Clone, Copy)]
pub struct PoolLimits {
    /// Threads that render; default one a core.
    pub threads: usize,
    /// Renders handed to the threads at the same time; default two a core.
    pub running: usize,
    /// Renders that wait, at a moment; default 64 a thread. Of a queue that does not empty, half.
    pub queued: usize,
    /// How long one waits before it is turned away; default 5 s.
    pub queue_timeout: Duration,
}

impl Default for PoolLimits {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { threads, running: 2 * threads, queued: 64 * threads, queue_timeout: Duration::from_secs(5) }
    }
}

/// After a 503, when to try again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A queue that was not empty for so long is no burst.
const BURST: Duration = Duration::from_millis(250);
/// One in so many of the places remains then: room for the views of a few users, and for no more delay than they bear. With a
/// quarter, eight browsing users on two cores met refusals.
const STANDING: usize = 2;

/// A rayon pool behind a queue with a limit and a deadline.
pub struct Pool {
    threads: rayon::ThreadPool,
    running: Arc<Semaphore>,
    queued: AtomicUsize,
    born: Instant,
    /// When nobody waited, in milliseconds since `born`.
    empty_ms: AtomicU64,
    limits: PoolLimits,
    metrics: Arc<Metrics>,
}

impl Pool {
    /// Starts the threads.
    ///
    /// # Panics
    /// When the system gives no threads, which leaves nothing to serve with.
    pub fn new(limits: PoolLimits, metrics: Arc<Metrics>) -> Self {
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(limits.threads)
            .thread_name(|n| format!("render-{n}"))
            .build()
            .expect("the system gives threads at the start");
        let running = Arc::new(Semaphore::new(limits.running.max(1)));
        Self {
            threads,
            running,
            queued: AtomicUsize::new(0),
            born: Instant::now(),
            empty_ms: AtomicU64::new(0),
            limits,
            metrics,
        }
    }

    /// Runs a job on the render threads, and waits for it.
    ///
    /// # Errors
    /// `Overloaded` when too many wait or it waited too long, `Internal` when the job panics.
    pub async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let (sender, receiver) = oneshot::channel();
        // The asker may be gone.
        self.start(job, |result| drop(sender.send(result)));
        receiver.await.unwrap_or(Err(Fault::Internal))
    }

    /// Has a job run on the render threads, and then, on whatever thread, `done` with what it gave: an error, as from
    /// [`Pool::run`], where it gave nothing. Where a thread is free it is woken, and nobody else.
    pub fn start<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce() -> T + Send + 'static,
        done: impl FnOnce(Result<T, Fault>) + Send + 'static,
    ) {
        if let Ok(permit) = Arc::clone(&self.running).try_acquire_owned() {
            return self.run_with(permit, job, done);
        }
        let place = match self.queue() {
            Ok(place) => place,
            Err(fault) => {
                // What it holds is wanted by nobody else when `done` is told.
                drop(job);
                return done(Err(fault));
            }
        };
        let pool = Arc::clone(self);
        tokio::spawn(async move {
            let waiting = Arc::clone(&pool.running).acquire_owned();
            let waited = timeout(pool.limits.queue_timeout, waiting).await;
            drop(place);
            match waited {
                Ok(Ok(permit)) => pool.run_with(permit, job, done),
                Ok(Err(_)) => done(Err(Fault::Internal)),
                Err(_) => {
                    drop(job);
                    done(Err(pool.reject("queue_timeout")));
                }
            }
        });
    }

    fn run_with<T: Send + 'static>(
        &self,
        permit: OwnedSemaphorePermit,
        job: impl FnOnce() -> T + Send + 'static,
        done: impl FnOnce(Result<T, Fault>) + Send + 'static,
    ) {
        let metrics = Arc::clone(&self.metrics);
        self.threads.spawn(move || {
            let result = catch_unwind(AssertUnwindSafe(job));
            // Before the answer goes out: the next one may start.
            drop(permit);
            done(result.map_err(|_| {
                metrics.panics.inc();
                Fault::Internal
            }));
        });
    }

    /// A place in the queue.
    fn queue(self: &Arc<Self>) -> Result<Place, Fault> {
        let waiting = self.queued.fetch_add(1, Ordering::AcqRel);
        let place = Place(Arc::clone(self));
        self.metrics.queue_depth.set(waiting as i64 + 1);
        if waiting == 0 {
            self.emptied();
        }
        if waiting >= self.places() {
            drop(place);
            return Err(self.reject("queue_full"));
        }
        Ok(place)
    }

    /// How many may wait now.
    fn places(&self) -> usize {
        let empty = Duration::from_millis(self.empty_ms.load(Ordering::Acquire));
        let is_standing = self.born.elapsed().saturating_sub(empty) > BURST;
        if is_standing { self.limits.queued.div_ceil(STANDING) } else { self.limits.queued }
    }

    fn emptied(&self) {
        self.empty_ms.store(self.born.elapsed().as_millis() as u64, Ordering::Release);
    }

    fn reject(&self, reason: &'static str) -> Fault {
        self.metrics.rejected.with_label_values(&[reason]).inc();
        Fault::Overloaded { reason, retry_after: RETRY_AFTER }
    }
}

/// A place in the queue, given back however the wait ends.
struct Place(Arc<Pool>);

impl Drop for Place {
    fn drop(&mut self) {
        let left = self.0.queued.fetch_sub(1, Ordering::AcqRel) - 1;
        self.0.metrics.queue_depth.set(left as i64);
        if left == 0 {
            self.0.emptied();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn pool(queued: usize, queue_timeout: Duration) -> Arc<Pool> {
        let limits = PoolLimits { threads: 1, running: 1, queued, queue_timeout };
        Arc::new(Pool::new(limits, Arc::new(Metrics::new())))
    }

    /// Occupies the only place until the returned sender is dropped.
    async fn occupy(pool: &Arc<Pool>) -> mpsc::Sender<()> {
        let (release, wait) = mpsc::channel::<()>();
        let (started, running) = oneshot::channel();
        let pool = Arc::clone(pool);
        tokio::spawn(async move {
            pool.run(move || {
                let _ = started.send(());
                let _ = wait.recv();
            })
            .await
        });
        running.await.expect("the job starts");
        release
    }

    #[tokio::test]
    async fn beyond_the_queue_the_answer_is_overloaded_at_once() {
        let pool = pool(0, Duration::from_mins(1));
        let release = occupy(&pool).await;
        let refused = pool.run(|| ()).await;
        assert!(matches!(refused, Err(Fault::Overloaded { reason: "queue_full", .. })));
        drop(release);
    }

    #[tokio::test]
    async fn who_waits_too_long_is_turned_away_and_leaves_the_queue() {
        let pool = pool(4, Duration::from_millis(20));
        let release = occupy(&pool).await;
        let refused = pool.run(|| ()).await;
        assert!(matches!(refused, Err(Fault::Overloaded { reason: "queue_timeout", .. })));
        assert_eq!(pool.queued.load(Ordering::Acquire), 0);
        drop(release);
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_does_not_empty_is_kept_shorter_until_it_has() {
        let pool = pool(8, Duration::from_mins(1));
        tokio::time::sleep(Duration::from_secs(1)).await;
        let burst: Vec<_> = (0..8).map_while(|_| pool.queue().ok()).collect();
        assert_eq!(burst.len(), 8, "all at once may wait");
        assert!(pool.queue().is_err());
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut left = burst;
        left.truncate(4);
        assert!(pool.queue().is_err(), "it still has not emptied");
        left.pop();
        assert!(pool.queue().is_ok());
        left.clear();
        assert_eq!((0..8).map_while(|_| pool.queue().ok()).collect::<Vec<_>>().len(), 8);
    }

    #[tokio::test]
    async fn a_job_that_panics_frees_its_place() {
        let pool = pool(4, Duration::from_mins(1));
        let failed: Result<(), Fault> = pool.run(|| panic!("a bug")).await;
        assert!(matches!(failed, Err(Fault::Internal)));
        assert_eq!(pool.run(|| 7).await.expect("the pool goes on"), 7);
        assert_eq!(pool.metrics.panics.get(), 1);
    }
}
