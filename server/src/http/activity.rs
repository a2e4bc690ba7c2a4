//! What one connection is doing, seen from outside, and how long it may go on doing it. No timer is set for a request: the
//! connection leaves marks as it goes, and who looks at all connections now and then ends those that take too long.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::Limits;

/// No such moment.
const NEVER: u64 = u64::MAX;

/// The marks of one connection; moments are in milliseconds since `born`.
#[derive(Debug)]
pub struct Activity {
    born: Instant,
    /// Requests that were read whole.
    begun: AtomicU32,
    /// Answers that are not handed on whole.
    open: AtomicU32,
    /// Of them, those that wait for us and not for the client.
    ours: AtomicU32,
    /// The last progress.
    since_ms: AtomicU64,
    /// The first byte of a head that is not whole.
    head_ms: AtomicU64,
    /// The first of the writes that wait for the client.
    write_ms: AtomicU64,
    /// When it was asked to close.
    closing_ms: AtomicU64,
    /// With many requests at the same time bytes tell nothing of heads.
    is_multiplexed: AtomicBool,
    is_aborted: AtomicBool,
    asked: Notify,
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

impl Default for Activity {
    fn default() -> Self {
        Self {
            born: Instant::now(),
            begun: AtomicU32::new(0),
            open: AtomicU32::new(0),
            ours: AtomicU32::new(0),
            since_ms: AtomicU64::new(0),
            head_ms: AtomicU64::new(NEVER),
            write_ms: AtomicU64::new(NEVER),
            closing_ms: AtomicU64::new(NEVER),
            is_multiplexed: AtomicBool::new(false),
            is_aborted: AtomicBool::new(false),
            asked: Notify::new(),
        }
    }
}

impl Activity {
    /// The connection speaks HTTP/2.
    pub fn multiplex(&self) {
        self.is_multiplexed.store(true, Ordering::Release);
        self.head_ms.store(NEVER, Ordering::Release);
    }

    /// A request was read whole; returns how many there were before.
    pub fn begin(&self) -> u32 {
        self.begun.fetch_add(1, Ordering::Relaxed)
    }

    /// Requests that were read whole.
    pub fn begun(&self) -> u32 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Whether there are answers that are not handed on whole.
    pub fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire) > 0
    }

    /// Whether it was asked to close.
    pub fn is_closing(&self) -> bool {
        self.closing_ms.load(Ordering::Acquire) != NEVER
    }

    /// A request was read whole and answered in one go, at `now`.
    pub fn answer_at_once(&self, now: Instant) {
        self.begin();
        self.since_ms.store(self.ms_at(now), Ordering::Release);
    }

    /// Bytes have arrived that do not end a head.
    pub fn receive(&self) {
        if self.head_ms.load(Ordering::Acquire) == NEVER
            && !self.is_open()
            && !self.is_multiplexed.load(Ordering::Acquire)
        {
            self.head_ms.store(self.now_ms(), Ordering::Release);
        }
    }

    /// A write waits for the client, or waits no more.
    pub fn write_waits(&self, waits: bool) {
        let is_marked = self.write_ms.load(Ordering::Acquire) != NEVER;
        if waits != is_marked {
            let now_ms = self.now_ms();
            self.write_ms.store(if waits { now_ms } else { NEVER }, Ordering::Release);
            self.since_ms.store(now_ms, Ordering::Release);
        }
    }

    /// How long the connection has had nothing to do; `None` while it has, or closes anyway.
    pub fn idle_for(&self) -> Option<Duration> {
        let is_idle = !self.is_open() && self.head_ms.load(Ordering::Acquire) == NEVER && !self.is_closing();
        is_idle.then(|| Duration::from_millis(self.quiet_ms(self.now_ms())))
    }

    /// What its marks come to.
    pub fn judge(&self, limits: &Limits) -> Verdict {
        let now_ms = self.now_ms();
        let over = |mark: &AtomicU64, limit: Duration| {
            let since_ms = mark.load(Ordering::Acquire);
            since_ms != NEVER && is_over(now_ms.saturating_sub(since_ms), limit)
        };
        if over(&self.write_ms, limits.write_timeout) || over(&self.head_ms, limits.head_timeout) {
            return Verdict::Abort;
        }
        let is_open = self.is_open();
        if self.ours.load(Ordering::Acquire) > 0 {
            return Verdict::Stay;
        }
        let quiet_ms = self.quiet_ms(now_ms);
        if is_open {
            // The client takes none of what is there: HTTP/2 lets it say so without a write that waits.
            return if is_over(quiet_ms, limits.write_timeout) { Verdict::Abort } else { Verdict::Stay };
        }
        if over(&self.closing_ms, limits.write_timeout) {
            return Verdict::Abort;
        }
        if !self.is_closing() && is_over(quiet_ms, limits.idle_timeout) {
            Verdict::Close
        } else {
            Verdict::Stay
        }
    }

    /// Asks the connection to take no more requests, and to end once those that it has are answered.
    pub fn close(&self) {
        let now_ms = self.now_ms();
        let _ = self.closing_ms.compare_exchange(NEVER, now_ms, Ordering::AcqRel, Ordering::Relaxed);
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

    fn now_ms(&self) -> u64 {
        self.ms_at(Instant::now())
    }

    fn ms_at(&self, moment: Instant) -> u64 {
        moment.duration_since(self.born).as_millis() as u64
    }

    fn quiet_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.since_ms.load(Ordering::Acquire))
    }

    fn progress(&self) {
        self.since_ms.store(self.now_ms(), Ordering::Release);
    }
}

fn is_over(ms: u64, limit: Duration) -> bool {
    u128::from(ms) > limit.as_millis()
}

/// A request that is being answered, until the last byte of its answer is handed on or it is given up.
#[derive(Debug)]
pub struct Busy {
    activity: Arc<Activity>,
    is_ours: bool,
}

impl Busy {
    /// A request was read whole, and we are to make its answer.
    pub fn new(activity: Arc<Activity>) -> Self {
        // In this order: who sees an open answer sees as well whose it is.
        activity.ours.fetch_add(1, Ordering::AcqRel);
        activity.open.fetch_add(1, Ordering::AcqRel);
        activity.head_ms.store(NEVER, Ordering::Release);
        Self { activity, is_ours: true }
    }

    /// A request was read whole, at `now`, and its answer was at hand: the client is to take it.
    pub fn answered(activity: Arc<Activity>, now: Instant) -> Self {
        // In this order: who sees an open answer sees as well since when.
        activity.since_ms.store(activity.ms_at(now), Ordering::Release);
        activity.open.fetch_add(1, Ordering::AcqRel);
        activity.head_ms.store(NEVER, Ordering::Release);
        Self { activity, is_ours: false }
    }

    /// The answer is made: the client is to take it.
    pub fn hand_over(&mut self) {
        if self.is_ours {
            self.waits_for_us(false);
        }
    }

    /// Whether it waits for us, or for the client to take what there is.
    pub fn waits_for_us(&mut self, is_ours: bool) {
        // In this order: who sees that it waits for the client sees as well since when.
        self.activity.progress();
        if is_ours != self.is_ours {
            self.is_ours = is_ours;
            if is_ours {
                self.activity.ours.fetch_add(1, Ordering::AcqRel);
            } else {
                self.activity.ours.fetch_sub(1, Ordering::AcqRel);
            }
        }
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

    async fn after(activity: &Activity, seconds: u64) -> Verdict {
        sleep(Duration::from_secs(seconds)).await;
        activity.judge(&Limits::default())
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_has_one_deadline_however_its_bytes_drip_in() {
        let activity = Activity::default();
        activity.receive();
        for _ in 0..10 {
            assert_eq!(after(&activity, 1).await, Verdict::Stay);
            activity.receive();
        }
        assert_eq!(after(&activity, 1).await, Verdict::Abort);
        activity.multiplex();
        activity.receive();
        assert_eq!(after(&activity, 11).await, Verdict::Stay, "frames are no heads");
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_asked_to_close_and_ended_if_it_does_not() {
        let activity = Activity::default();
        assert_eq!(after(&activity, 75).await, Verdict::Stay);
        assert_eq!(after(&activity, 1).await, Verdict::Close);
        activity.close();
        assert_eq!(activity.asked().await, Verdict::Close);
        assert_eq!(activity.idle_for(), None, "it makes room already");
        assert_eq!(after(&activity, 20).await, Verdict::Stay);
        assert_eq!(after(&activity, 1).await, Verdict::Abort);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_may_take_us_long_but_not_the_client() {
        let activity = Arc::new(Activity::default());
        let mut busy = Busy::new(Arc::clone(&activity));
        assert_eq!((after(&activity, 600).await, activity.idle_for()), (Verdict::Stay, None));
        busy.waits_for_us(false);
        assert_eq!(after(&activity, 20).await, Verdict::Stay);
        assert_eq!(after(&activity, 1).await, Verdict::Abort);
        busy.waits_for_us(false);
        assert_eq!(after(&activity, 20).await, Verdict::Stay, "it took some");
        drop(busy);
        assert_eq!(activity.idle_for(), Some(Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_at_hand_is_the_clients_to_take() {
        let activity = Arc::new(Activity::default());
        assert_eq!(after(&activity, 60).await, Verdict::Stay);
        let mut busy = Busy::answered(Arc::clone(&activity), Instant::now());
        busy.hand_over();
        assert_eq!((after(&activity, 20).await, activity.idle_for()), (Verdict::Stay, None));
        assert_eq!(after(&activity, 1).await, Verdict::Abort);
        drop(busy);
        assert_eq!(activity.idle_for(), Some(Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_without_progress_is_given_up_whatever_else_is_done() {
        let activity = Arc::new(Activity::default());
        let _busy = Busy::new(Arc::clone(&activity));
        activity.write_waits(true);
        assert_eq!(after(&activity, 20).await, Verdict::Stay);
        activity.write_waits(true);
        assert_eq!(after(&activity, 1).await, Verdict::Abort);
        activity.write_waits(false);
        assert_eq!(after(&activity, 21).await, Verdict::Stay);
    }
}
