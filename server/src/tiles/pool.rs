//! The threads that render, and the bounded queue in front of them.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::timeout,
};

use crate::{error::Fault, metrics::Metrics};

/// How much is rendered at once and how much may wait.
#[derive(Debug, Clone, Copy)]
pub struct PoolLimits {
    /// Threads that render; default one a core.
    pub threads: usize,
    /// Renders handed to the threads at the same time; default two a core.
    pub running: usize,
    /// Renders that wait; default 256.
    pub queued: usize,
    /// How long one waits before it is turned away; default 5 s.
    pub queue_timeout: Duration,
}

impl Default for PoolLimits {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { threads, running: 2 * threads, queued: 256, queue_timeout: Duration::from_secs(5) }
    }
}

/// After a 503, when to try again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A rayon pool behind a queue with a limit and a deadline.
pub struct Pool {
    threads: rayon::ThreadPool,
    running: Arc<Semaphore>,
    queued: AtomicUsize,
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
        Self { threads, running, queued: AtomicUsize::new(0), limits, metrics }
    }

    /// Runs a job on the render threads.
    ///
    /// # Errors
    /// `Overloaded` when too many wait or it waited too long, `Internal` when the job panics.
    pub async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
        let permit = self.permit().await?;
        let (sender, receiver) = oneshot::channel();
        self.threads.spawn(move || {
            let result = catch_unwind(AssertUnwindSafe(job));
            // Before the answer goes out: the next one may start.
            drop(permit);
            // The asker may be gone.
            let _ = sender.send(result);
        });
        if let Ok(Ok(value)) = receiver.await {
            return Ok(value);
        }
        self.metrics.panics.inc();
        Err(Fault::Internal)
    }

    /// Leave to run: at once, or after a wait in the queue.
    async fn permit(&self) -> Result<OwnedSemaphorePermit, Fault> {
        if let Ok(permit) = Arc::clone(&self.running).try_acquire_owned() {
            return Ok(permit);
        }
        let _place = self.queue()?;
        let waiting = Arc::clone(&self.running).acquire_owned();
        match timeout(self.limits.queue_timeout, waiting).await {
            Ok(permit) => permit.map_err(|_| Fault::Internal),
            Err(_) => Err(self.reject("queue_timeout")),
        }
    }

    fn queue(&self) -> Result<Place<'_>, Fault> {
        let waiting = self.queued.fetch_add(1, Ordering::AcqRel);
        let place = Place(self);
        self.metrics.queue_depth.set(waiting as i64 + 1);
        if waiting >= self.limits.queued {
            drop(place);
            return Err(self.reject("queue_full"));
        }
        Ok(place)
    }

    fn reject(&self, reason: &'static str) -> Fault {
        self.metrics.rejected.with_label_values(&[reason]).inc();
        Fault::Overloaded { reason, retry_after: RETRY_AFTER }
    }
}

/// A place in the queue, given back however the wait ends.
struct Place<'a>(&'a Pool);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let left = self.0.queued.fetch_sub(1, Ordering::AcqRel) - 1;
        self.0.metrics.queue_depth.set(left as i64);
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

    #[tokio::test]
    async fn a_job_that_panics_frees_its_place() {
        let pool = pool(4, Duration::from_mins(1));
        let failed: Result<(), Fault> = pool.run(|| panic!("a bug")).await;
        assert!(matches!(failed, Err(Fault::Internal)));
        assert_eq!(pool.run(|| 7).await.expect("the pool goes on"), 7);
        assert_eq!(pool.metrics.panics.get(), 1);
    }
}
