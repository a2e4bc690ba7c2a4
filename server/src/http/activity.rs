//! What one connection is doing, seen from outside, and how long it may go on doing it. No timer is set for a request and no clock
//! is read: the connection counts marks as it goes, and who looks at all connections now and then sees for how long they have stayed
//! the same, and ends those that take too long.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::Limits;

/// The marks of one connection.
#[derive(Debug, Default)]
pub struct Activity {
    /// Answers that are not handed on whole.
    open: AtomicU32,
    /// Of them, those that wait for us and not for the client.
    ours: AtomicU32,
    /// Goes up with everything that is done.
    progress: AtomicU32,
    /// A head that is not whole: from its first byte to its last.
    head: Span,
    /// Writes that wait for the client.
    write: Span,
    /// From when it was asked to close.
    closing: Span,
    /// With many requests at the same time bytes tell nothing of heads.
    is_multiplexed: AtomicBool,
    is_aborted: AtomicBool,
    asked: Notify,
}

/// What begins and ends, again and again: it is odd while it lasts.
#[derive(Debug, Default)]
struct Span(AtomicU32);

impl Span {
    fn lasts(&self) -> bool {
        is_odd(self.0.load(Ordering::Acquire))
    }

    /// Begins or ends it, unless that is how it is.
    fn set(&self, lasts: bool) -> bool {
        let mark = self.0.load(Ordering::Acquire);
        let changes = is_odd(mark) != lasts;
        changes
            && self
                .0
                .compare_exchange(mark, mark.wrapping_add(1), Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
    }
}

fn is_odd(mark: u32) -> bool {
    mark % 2 == 1
}

/// Since when the marks of a connection are as they are, as far as who looks at them has seen.
#[derive(Debug)]
pub struct Seen {
    progress: Since,
    head: Since,
    write: Since,
    closing: Since,
}

#[derive(Debug, Clone, Copy)]
struct Since {
    mark: u32,
    moment: Instant,
}

impl Since {
    fn look(&mut self, mark: &AtomicU32, now: Instant) -> Duration {
        let mark = mark.load(Ordering::Acquire);
        if mark != self.mark {
            *self = Self { mark, moment: now };
        }
        now - self.moment
    }

    /// Whether what lasts has lasted for as long as it may.
    fn is_over(&mut self, span: &Span, now: Instant, limit: Duration) -> bool {
        self.look(&span.0, now) >= limit && is_odd(self.mark)
    }
}

impl Default for Seen {
    /// That of a new connection.
    fn default() -> Self {
        let new = Since { mark: 0, moment: Instant::now() };
        Self { progress: new, head: new, write: new, closing: new }
    }
}

/// What is to be done with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Stay,
    /// It has been idle for too long: no more requests.
    Close,
    /// The client is too slow, or does not close: it ends now.
    Abort,
}

impl Activity {
    /// The connection speaks HTTP/2.
    pub fn multiplex(&self) {
        self.is_multiplexed.store(true, Ordering::Release);
        self.head.set(false);
    }

    /// Bytes have arrived.
    pub fn receive(&self) {
        if self.open.load(Ordering::Acquire) == 0 && !self.is_multiplexed.load(Ordering::Acquire) {
            self.head.set(true);
        }
    }

    /// A write waits for the client, or waits no more.
    pub fn write_waits(&self, waits: bool) {
        if self.write.set(waits) {
            self.progress();
        }
    }

    /// How long the connection has had nothing to do, as far as was `seen`; `None` while it has, or closes anyway.
    pub fn idle_for(&self, seen: &Seen) -> Option<Duration> {
        let is_idle = self.open.load(Ordering::Acquire) == 0 && !self.head.lasts() && !self.closing.lasts();
        is_idle.then(|| { seen.progress }.look(&self.progress, Instant::now()))
    }

    /// What its marks come to, after one more look at them.
    pub fn judge(&self, seen: &mut Seen, limits: &Limits) -> Verdict {
        let now = Instant::now();
        let is_stuck = seen.write.is_over(&self.write, now, limits.write_timeout);
        let is_head_late = seen.head.is_over(&self.head, now, limits.head_timeout);
        let is_close_late = seen.closing.is_over(&self.closing, now, limits.write_timeout);
        let quiet = seen.progress.look(&self.progress, now);
        if is_stuck || is_head_late {
            return Verdict::Abort;
        }
        if self.ours.load(Ordering::Acquire) > 0 {
            return Verdict::Stay;
        }
        if self.open.load(Ordering::Acquire) > 0 {
            // The client takes none of what is there: HTTP/2 lets it say so without a write that waits.
            return if quiet >= limits.write_timeout { Verdict::Abort } else { Verdict::Stay };
        }
        if is_close_late {
            return Verdict::Abort;
        }
        let is_closing = self.closing.lasts();
        if !is_closing && quiet >= limits.idle_timeout { Verdict::Close } else { Verdict::Stay }
    }

    /// Asks the connection to take no more requests, and to end once those that it has are answered.
    pub fn close(&self) {
        self.closing.set(true);
        self.asked.notify_one();
    }

    /// Asks the connection to end now.
    pub fn abort(&self) {
        self.is_aborted.store(true, Ordering::Release);
        self.asked.notify_one();
    }

    /// Waits until it is asked to close, or to end.
    pub async fn asked(&self) -> Verdict {
        self.asked.notified().await;
        if self.is_aborted.load(Ordering::Acquire) { Verdict::Abort } else { Verdict::Close }
    }

    fn progress(&self) {
        self.progress.fetch_add(1, Ordering::Release);
    }
}

/// A request that is being answered, until the last byte of its answer is handed on or it is given up.
#[derive(Debug)]
pub struct Busy {
    activity: Arc<Activity>,
    is_ours: bool,
}

impl Busy {
    /// A request was read whole.
    pub fn new(activity: Arc<Activity>) -> Self {
        activity.open.fetch_add(1, Ordering::AcqRel);
        activity.ours.fetch_add(1, Ordering::AcqRel);
        activity.head.set(false);
        Self { activity, is_ours: true }
    }

    /// Whether it waits for us, or for the client to take what there is.
    pub fn waits_for_us(&mut self, is_ours: bool) {
        if is_ours != self.is_ours {
            self.is_ours = is_ours;
            if is_ours {
                self.activity.ours.fetch_add(1, Ordering::AcqRel);
            } else {
                self.activity.ours.fetch_sub(1, Ordering::AcqRel);
            }
        }
        self.activity.progress();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.activity.progress();
        if self.is_ours {
            self.activity.ours.fetch_sub(1, Ordering::AcqRel);
        }
        self.activity.open.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    /// A connection that is looked at four times a second.
    #[derive(Default)]
    struct Watched {
        activity: Arc<Activity>,
        seen: Seen,
    }

    impl Watched {
        async fn after(&mut self, seconds: u64) -> Verdict {
            let mut verdict = Verdict::Stay;
            for _ in 0..4 * seconds {
                sleep(Duration::from_millis(250)).await;
                verdict = self.activity.judge(&mut self.seen, &Limits::default());
            }
            verdict
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_has_one_deadline_however_its_bytes_drip_in() {
        let mut watched = Watched::default();
        let activity = Arc::clone(&watched.activity);
        activity.receive();
        for _ in 0..10 {
            assert_eq!(watched.after(1).await, Verdict::Stay);
            activity.receive();
        }
        assert_eq!(watched.after(1).await, Verdict::Abort);
        activity.multiplex();
        activity.receive();
        assert_eq!(watched.after(11).await, Verdict::Stay, "frames are no heads");
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_asked_to_close_and_ended_if_it_does_not() {
        let mut watched = Watched::default();
        let activity = Arc::clone(&watched.activity);
        assert_eq!(watched.after(74).await, Verdict::Stay);
        assert_eq!(watched.after(1).await, Verdict::Close);
        activity.close();
        assert_eq!(activity.asked().await, Verdict::Close);
        assert_eq!(activity.idle_for(&watched.seen), None, "it makes room already");
        assert_eq!(watched.after(20).await, Verdict::Stay);
        assert_eq!(watched.after(1).await, Verdict::Abort);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_may_take_us_long_but_not_the_client() {
        let mut watched = Watched::default();
        let activity = Arc::clone(&watched.activity);
        let mut busy = Busy::new(Arc::clone(&activity));
        assert_eq!((watched.after(600).await, activity.idle_for(&watched.seen)), (Verdict::Stay, None));
        busy.waits_for_us(false);
        assert_eq!(watched.after(20).await, Verdict::Stay);
        assert_eq!(watched.after(1).await, Verdict::Abort);
        busy.waits_for_us(false);
        assert_eq!(watched.after(20).await, Verdict::Stay, "it took some");
        drop(busy);
        assert_eq!(activity.idle_for(&watched.seen), Some(Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_without_progress_is_given_up_whatever_else_is_done() {
        let mut watched = Watched::default();
        let activity = Arc::clone(&watched.activity);
        let _busy = Busy::new(Arc::clone(&activity));
        activity.write_waits(true);
        assert_eq!(watched.after(20).await, Verdict::Stay);
        activity.write_waits(true);
        assert_eq!(watched.after(1).await, Verdict::Abort);
        activity.write_waits(false);
        assert_eq!(watched.after(21).await, Verdict::Stay);
    }
}
