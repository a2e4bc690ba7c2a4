//! The threads that render, and the [`Queue`] in front of them.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, timeout},
};

use super::queue::{Queue, Refused};
use crate::{error::Fault, metrics::Metrics, resume};

/// How much is rendered at once and how much may wait.
#[derive(Debug, Clone, Copy)]
pub struct PoolLimits {
    /// Threads that render; default one a core.
    pub threads: usize,
    /// Renders at the same time, no more than there are threads; default as many.
    pub running: usize,
    /// Renders that wait, at a moment; default 64 a thread. Where more come, the newest is next.
    pub queued: usize,
    /// How long one waits before it is turned away; default 5 s.
    pub queue_timeout: Duration,
}

impl Default for PoolLimits {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { threads, running: threads, queued: 64 * threads, queue_timeout: Duration::from_secs(5) }
    }
}

/// After a 503, when to try again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How often somebody looks for those who have waited too long, while anybody waits.
const LOOK: Duration = Duration::from_millis(20);

/// A rayon pool behind a queue with a limit and a deadline.
pub struct Pool {
    threads: rayon::ThreadPool,
    desk: Mutex<Desk>,
    /// Somebody is late.
    bell: Notify,
    limits: PoolLimits,
    metrics: Arc<Metrics>,
}

/// Who runs and who waits.
struct Desk {
    running: usize,
    queue: Queue<Turn>,
    /// Those who are turned away, and do not know it yet.
    late: Vec<Refused<Turn>>,
    is_watched: bool,
}

/// What is done when a render's turn comes, or never will.
type Turn = Box<dyn FnOnce(Result<Permit, Fault>) + Send>;

/// The right to run, passed on to the next one however a render ends.
struct Permit(Arc<Pool>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.pass_on();
    }
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
        // What waits for a thread waits here: rayon has an order of its own, in which the first may come last.
        let limits = PoolLimits { running: limits.running.clamp(1, limits.threads.max(1)), ..limits };
        let queue = Queue::new(limits.queued, limits.queue_timeout);
        let desk = Desk { running: 0, queue, late: Vec::new(), is_watched: false };
        Self { threads, desk: Mutex::new(desk), bell: Notify::new(), limits, metrics }
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
        let metrics = Arc::clone(&self.metrics);
        let turn = move |permit: Result<Permit, Fault>| match permit {
            Ok(permit) => {
                let result = catch_unwind(AssertUnwindSafe(job));
                let result = result.map_err(|_| {
                    metrics.panics.inc();
                    Fault::Internal
                });
                // Before the answer goes out: whoever has it may ask for the next one at once.
                drop(permit);
                // Whoever waited goes on here.
                resume::here(|| done(result));
            }
            Err(fault) => {
                // What it holds is wanted by nobody else when `done` is told.
                drop(job);
                done(Err(fault));
            }
        };
        let mut desk = self.desk.lock();
        if desk.running < self.limits.running {
            desk.running += 1;
            drop(desk);
            self.metrics.queue_wait.observe(0.0);
            return self.run_with(turn);
        }
        let refused = desk.queue.push(Box::new(turn), Instant::now());
        self.metrics.queue_depth.set(desk.queue.len() as i64);
        let is_unwatched = !desk.queue.is_empty() && !mem::replace(&mut desk.is_watched, true);
        drop(desk);
        self.refuse(refused);
        if is_unwatched {
            tokio::spawn(Arc::clone(self).watch());
        }
    }

    fn run_with(self: &Arc<Self>, turn: impl FnOnce(Result<Permit, Fault>) + Send + 'static) {
        let permit = Permit(Arc::clone(self));
        self.threads.spawn(move || turn(Ok(permit)));
    }

    /// One has ended: the next one's turn.
    fn pass_on(self: &Arc<Self>) {
        let now = Instant::now();
        let mut desk = self.desk.lock();
        let late = desk.queue.overdue(now);
        let is_anyone_late = !late.is_empty();
        desk.late.extend(late);
        let next = desk.queue.pop(now);
        if next.is_none() {
            desk.running -= 1;
        }
        self.metrics.queue_depth.set(desk.queue.len() as i64);
        drop(desk);
        if let Some((turn, waited)) = next {
            self.metrics.queue_wait.observe(waited.as_secs_f64());
            self.run_with(turn);
        }
        if is_anyone_late {
            self.bell.notify_one();
        }
    }

    /// Turns away who waits too long, also when nothing comes and nothing ends; as long as anybody waits. They are told by the runtime, all
    /// at once: for a render thread each would be another wake-up.
    async fn watch(self: Arc<Self>) {
        loop {
            let _ = timeout(LOOK, self.bell.notified()).await;
            let mut desk = self.desk.lock();
            let mut refused = mem::take(&mut desk.late);
            refused.extend(desk.queue.overdue(Instant::now()));
            self.metrics.queue_depth.set(desk.queue.len() as i64);
            desk.is_watched = !desk.queue.is_empty();
            let is_done = !desk.is_watched;
            drop(desk);
            self.refuse(refused);
            if is_done {
                return;
            }
        }
    }

    fn refuse(&self, refused: impl IntoIterator<Item = Refused<Turn>>) {
        for (turn, reason) in refused {
            self.metrics.rejected.with_label_values(&[reason]).inc();
            turn(Err(Fault::Overloaded { reason, retry_after: RETRY_AFTER }));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use tokio::time::sleep;

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
        assert!(pool.desk.lock().queue.is_empty());
        drop(release);
    }

    #[tokio::test(start_paused = true)]
    async fn where_more_comes_than_can_be_made_the_oldest_are_told_so_soon() {
        let pool = pool(4, Duration::from_mins(1));
        let release = occupy(&pool).await;
        let ask = |number| {
            let (sender, receiver) = oneshot::channel();
            pool.start(move || number, |result| drop(sender.send(result)));
            receiver
        };
        let mut asked: Vec<_> = (0..5).map(ask).collect();
        sleep(Duration::from_millis(100)).await;
        asked.push(ask(5));
        // Nobody comes and nobody ends any more: it is time that turns the other four away.
        let mut answers = Vec::new();
        for receiver in asked {
            answers.push(receiver.await.expect("all are told"));
        }
        let reasons: Vec<_> = answers
            .iter()
            .map(|answer| match answer {
                Err(Fault::Overloaded { reason, .. }) => *reason,
                _ => "",
            })
            .collect();
        assert_eq!(reasons, ["queue_full", "queue_full", "overload", "overload", "overload", "overload"]);
        assert_eq!(pool.desk.lock().queue.len(), 0);
        drop(release);
    }

    #[tokio::test]
    async fn those_who_wait_are_served_when_a_place_is_free() {
        let pool = pool(8, Duration::from_mins(1));
        let release = occupy(&pool).await;
        let waiting: Vec<_> = (0..3)
            .map(|number| {
                let pool = Arc::clone(&pool);
                tokio::spawn(async move { pool.run(move || number).await })
            })
            .collect();
        tokio::task::yield_now().await;
        drop(release);
        for (number, one) in waiting.into_iter().enumerate() {
            assert_eq!(one.await.expect("no task panics").expect("it is served"), number);
        }
        while pool.desk.lock().running > 0 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn who_waits_goes_on_with_the_thread_that_rendered() {
        let pool = pool(4, Duration::from_mins(1));
        let (tell, told) = oneshot::channel();
        let (release, wait) = mpsc::channel::<()>();
        resume::spawn(async move {
            let job = move || {
                let _ = wait.recv();
                thread::current().id()
            };
            let rendered = pool.run(job).await.expect("it is served");
            let _ = tell.send(rendered == thread::current().id());
        });
        tokio::task::yield_now().await;
        drop(release);
        assert!(told.await.expect("it goes on"));
    }

    #[tokio::test]
    async fn who_has_an_answer_finds_a_place_also_where_nobody_may_wait() {
        let pool = pool(0, Duration::from_mins(1));
        let (tell, told) = oneshot::channel();
        let (release, wait) = mpsc::channel::<()>();
        resume::spawn(async move {
            let first = pool.run(move || wait.recv().is_err()).await;
            // On the thread that rendered, which has not come back yet.
            let second = pool.run(|| ()).await;
            let _ = tell.send(first.is_ok() && second.is_ok());
        });
        tokio::task::yield_now().await;
        drop(release);
        assert!(told.await.expect("it goes on"));
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
