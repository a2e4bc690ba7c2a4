//! Tasks of the runtime that go on where they are woken, if that is a thread which has just made what they wait for.
//!
//! A render thread that wakes a thread of the runtime has it interrupt another render, more often than not on the other processor, which
//! costs more than the few microseconds that are left to do for a tile. So it does them itself: a connection that waits for a tile is polled
//! by the thread that has made it, and writes the answer from there. Anywhere else, waking a task has the runtime poll it.

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    ptr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use parking_lot::{Mutex, MutexGuard};
use tokio::runtime::Handle;

/// Polls that a thread makes at most before it goes back to its own work; the runtime makes the others.
const POLLS: usize = 8;

thread_local! {
    /// Tasks that were woken on this thread, where it polls them itself.
    static WOKEN: RefCell<Option<VecDeque<Arc<dyn Resume>>>> = const { RefCell::new(None) };
}

/// Runs a future as a task of the current runtime, which goes on also within [`here`].
///
/// # Panics
/// Outside of a runtime.
pub fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    let shared = Arc::new(Shared {
        future: Mutex::new(Some(Box::pin(future))),
        is_missed: AtomicBool::new(false),
        by_runtime: OnceLock::new(),
        runtime: Handle::current(),
    });
    let woken = Waker::from(Arc::clone(&shared));
    tokio::spawn(Task { shared, woken });
}

/// Does some work, and then polls, on this thread, the tasks that it woke, and those that they wake.
pub fn here(work: impl FnOnce()) {
    if WOKEN.with_borrow(Option::is_some) {
        return work();
    }
    WOKEN.set(Some(VecDeque::new()));
    let rest = Rest;
    work();
    for _ in 0..POLLS {
        let Some(task) = WOKEN.with_borrow_mut(|woken| woken.as_mut().and_then(VecDeque::pop_front)) else {
            break;
        };
        task.resume();
    }
    drop(rest);
}

/// What was woken and not polled is the runtime's, also when the work panics.
struct Rest;

impl Drop for Rest {
    fn drop(&mut self) {
        for task in WOKEN.take().into_iter().flatten() {
            task.leave();
        }
    }
}

trait Resume: Send + Sync {
    /// Polls the task on this thread.
    fn resume(self: Arc<Self>);
    /// Has the runtime poll it.
    fn leave(&self);
}

struct Shared<F> {
    /// Until it has ended. Locked while it is polled.
    future: Mutex<Option<Pin<Box<F>>>>,
    /// Whether somebody wanted to poll it meanwhile.
    is_missed: AtomicBool,
    /// Wakes the task of the runtime; the runtime gives a task the same for all its life.
    by_runtime: OnceLock<Waker>,
    runtime: Handle,
}

impl<F: Future<Output = ()> + Send + 'static> Shared<F> {
    /// Polls it, unless somebody else does: then the runtime polls it afterwards.
    fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        let Some(mut future) = self.lock() else { return Poll::Pending };
        let mut poll = Poll::Ready(());
        // If it panics, it is gone.
        if let Some(mut running) = future.take() {
            poll = running.as_mut().poll(context);
            if poll.is_pending() {
                *future = Some(running);
            }
        }
        drop(future);
        if self.is_missed.swap(false, Ordering::AcqRel) {
            self.leave();
        }
        poll
    }

    /// Whoever has it locked looks for the mark after unlocking: either sees it, or it is unlocked already when it is tried again.
    fn lock(&self) -> Option<MutexGuard<'_, Option<Pin<Box<F>>>>> {
        self.future.try_lock().or_else(|| {
            self.is_missed.swap(true, Ordering::AcqRel);
            self.future.try_lock()
        })
    }
}

impl<F: Future<Output = ()> + Send + 'static> Resume for Shared<F> {
    fn resume(self: Arc<Self>) {
        let waker = Waker::from(Arc::clone(&self));
        let poll = || self.poll(&mut Context::from_waker(&waker));
        // Nothing is waited for: the runtime's way of polling has an end also where there is always more to read.
        let polled =
            catch_unwind(AssertUnwindSafe(|| self.runtime.block_on(poll_fn(|_| Poll::Ready(poll())))));
        if !matches!(polled, Ok(Poll::Pending)) {
            self.leave();
        }
    }

    fn leave(&self) {
        if let Some(waker) = self.by_runtime.get() {
            waker.wake_by_ref();
        }
    }
}

impl<F: Future<Output = ()> + Send + 'static> Wake for Shared<F> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // At the end of a thread there is no list any more.
        let is_noted = WOKEN.try_with(|woken| note(&mut woken.borrow_mut(), self)).unwrap_or(false);
        if !is_noted {
            self.leave();
        }
    }
}

/// Has the task polled by this thread, once; `false` where the thread polls none, or no more.
fn note<F: Future<Output = ()> + Send + 'static>(
    woken: &mut Option<VecDeque<Arc<dyn Resume>>>,
    task: &Arc<Shared<F>>,
) -> bool {
    let Some(woken) = woken else { return false };
    if woken.iter().any(|other| ptr::addr_eq(Arc::as_ptr(other), Arc::as_ptr(task))) {
        return true;
    }
    let has_room = woken.len() < POLLS;
    if has_room {
        woken.push_back(Arc::<Shared<F>>::clone(task));
    }
    has_room
}

/// What the runtime knows of it.
struct Task<F> {
    shared: Arc<Shared<F>>,
    woken: Waker,
}

impl<F: Future<Output = ()> + Send + 'static> Future for Task<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.shared.by_runtime.get_or_init(|| context.waker().clone());
        self.shared.poll(&mut Context::from_waker(&self.woken))
    }
}

/// With the runtime, or at its end. One that is polled at this moment is waited for: it needs the runtime.
impl<F> Drop for Task<F> {
    fn drop(&mut self) {
        *self.shared.future.lock() = None;
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{atomic::AtomicUsize, mpsc},
        thread::{self, ThreadId},
        time::Duration,
    };

    use tokio::{sync::oneshot, task::yield_now, time::timeout};

    use super::*;

    type Told = mpsc::Receiver<ThreadId>;

    /// A task that waits for a value and then tells which thread it went on with.
    fn waiting() -> (oneshot::Sender<()>, Told) {
        let (sender, receiver) = oneshot::channel::<()>();
        let (tell, told) = mpsc::channel();
        spawn(async move {
            if receiver.await.is_ok() {
                // Its own runtime is at hand wherever it goes on.
                drop(timeout(Duration::from_secs(1), async {}).await);
                let _ = tell.send(thread::current().id());
            }
        });
        (sender, told)
    }

    /// What the runtime did with it, which has but one thread.
    async fn told(told: &Told) -> Option<ThreadId> {
        for _ in 0..20 {
            match told.try_recv() {
                Ok(thread) => return Some(thread),
                Err(mpsc::TryRecvError::Disconnected) => return None,
                Err(mpsc::TryRecvError::Empty) => yield_now().await,
            }
        }
        panic!("it is neither done nor gone");
    }

    /// On a thread of its own.
    fn elsewhere(work: impl FnOnce() + Send) -> ThreadId {
        thread::scope(|scope| {
            let thread = scope.spawn(work);
            let id = thread.thread().id();
            let _ = thread.join();
            id
        })
    }

    #[tokio::test]
    async fn a_task_goes_on_where_it_is_woken_and_else_in_the_runtime() {
        let ((one, told_one), (other, told_other)) = (waiting(), waiting());
        yield_now().await;
        let thread = elsewhere(|| here(|| one.send(()).expect("it waits")));
        assert_eq!(told_one.try_recv(), Ok(thread), "before anybody else does anything");
        elsewhere(|| other.send(()).expect("it waits"));
        assert!(told_other.try_recv().is_err());
        assert_eq!(told(&told_other).await, Some(thread::current().id()));
    }

    #[tokio::test]
    async fn of_many_some_are_left_to_the_runtime_and_none_is_lost() {
        let tasks: Vec<_> = (0..3 * POLLS).map(|_| waiting()).collect();
        yield_now().await;
        let (senders, all): (Vec<_>, Vec<_>) = tasks.into_iter().unzip();
        let thread =
            elsewhere(|| here(|| senders.into_iter().for_each(|one| one.send(()).expect("it waits"))));
        let mut threads = Vec::new();
        for one in &all {
            threads.push(told(one).await.expect("it goes on"));
        }
        assert_eq!(threads.iter().filter(|one| **one == thread).count(), POLLS);
    }

    #[tokio::test]
    async fn what_wakes_itself_goes_on_and_what_panics_is_gone() {
        let (begin, begun) = oneshot::channel::<()>();
        let (tell, told_one) = mpsc::channel();
        spawn(async move {
            let _ = begun.await;
            for _ in 0..3 {
                yield_now().await;
            }
            let _ = tell.send(thread::current().id());
            panic!("a bug");
        });
        yield_now().await;
        let (other, told_other) = waiting();
        yield_now().await;
        elsewhere(|| {
            here(|| {
                begin.send(()).expect("it waits");
                other.send(()).expect("it waits");
            });
        });
        assert!(told(&told_one).await.is_some());
        assert!(told(&told_one).await.is_none(), "its future is dropped");
        assert!(told(&told_other).await.is_some());
    }

    #[tokio::test]
    async fn after_work_that_panics_the_runtime_goes_on_with_what_it_woke() {
        let (one, told_one) = waiting();
        yield_now().await;
        elsewhere(|| {
            here(|| {
                one.send(()).expect("it waits");
                panic!("a bug");
            });
        });
        assert_eq!(told(&told_one).await, Some(thread::current().id()));
    }

    /// Once it has begun, it is polled until `wait` has an end.
    fn busy() -> (mpsc::Sender<()>, mpsc::Receiver<Waker>, Told) {
        let ((release, wait), (begin, begun), (tell, told)) =
            (mpsc::channel(), mpsc::channel(), mpsc::channel());
        let mut polls = 0;
        spawn(poll_fn(move |context| {
            polls += 1;
            if polls == 1 {
                let _ = begin.send(context.waker().clone());
                let _ = wait.recv();
                return Poll::Pending;
            }
            let _ = tell.send(thread::current().id());
            Poll::Ready(())
        }));
        (release, begun, told)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_woken_while_it_is_polled_elsewhere_is_polled_again() {
        let (release, begun, told) = busy();
        let waker = begun.recv().expect("it begins");
        // It does not wait for that poll, and does not forget either.
        let thread = elsewhere(|| here(|| waker.wake()));
        assert!(told.try_recv().is_err());
        drop(release);
        let polled = told.recv_timeout(Duration::from_secs(10)).expect("it is polled again");
        assert_ne!(polled, thread);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn woken_by_many_at_once_a_task_misses_nothing() {
        let (count, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (wakers, waker) = mpsc::channel();
        let (one, other) = (Arc::clone(&count), Arc::clone(&seen));
        spawn(poll_fn(move |context| {
            let _ = wakers.send(context.waker().clone());
            other.store(one.load(Ordering::SeqCst), Ordering::SeqCst);
            Poll::Pending
        }));
        let waker = waker.recv().expect("it begins");
        for round in 1..=200 {
            thread::scope(|scope| {
                for is_here in [true, true, false] {
                    let (waker, count) = (&waker, &count);
                    scope.spawn(move || {
                        let wake = || {
                            count.fetch_add(1, Ordering::SeqCst);
                            waker.wake_by_ref();
                        };
                        if is_here { here(wake) } else { wake() }
                    });
                }
            });
            let is_seen = || seen.load(Ordering::SeqCst) == 3 * round;
            for _ in 0..10_000 {
                if is_seen() {
                    break;
                }
                thread::sleep(Duration::from_micros(100));
            }
            assert!(is_seen(), "in round {round}");
        }
    }

    #[tokio::test]
    async fn who_always_finds_more_to_do_leaves_the_thread_alone() {
        let (begin, begun) = oneshot::channel::<()>();
        let polls = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&polls);
        spawn(async move {
            let _ = begun.await;
            // As a stream that always has more to read.
            loop {
                tokio::task::consume_budget().await;
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        yield_now().await;
        elsewhere(|| here(|| begin.send(()).expect("it waits")));
        assert!((1..100_000).contains(&polls.load(Ordering::Relaxed)));
    }

    #[test]
    fn with_the_runtime_its_tasks_end() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (one, told_one) = runtime.block_on(async {
            let task = waiting();
            yield_now().await;
            task
        });
        drop(runtime);
        assert_eq!(told_one.try_recv(), Err(mpsc::TryRecvError::Disconnected));
        here(|| assert!(one.send(()).is_err()));
    }
}
