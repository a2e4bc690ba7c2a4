//! Who waits for a render thread: who is next, and who is turned away. It knows no threads, and is told the time.
//!
//! A queue is there for bursts, and for users who wait for a view before they ask for the next: it is long, and goes in order. Only
//! when it stays full is more asked for than can be made. Then somebody waits in vain whatever the order, and in order everybody would
//! be answered late. So the newest is next, until the queue was not full for a while: what is made is made as if there was no
//! queue. The oldest is told to come again: when a newer one wants its place, or when it has waited for [`PATIENCE`]. Half of the
//! places do then: enough for users who browse, who would be taken for an overload if they were fewer.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// More than the queue has places for may come at once; when it is still so after this, it is no burst.
const BURST: Duration = Duration::from_millis(100);

/// A queue that stayed full is treated as overloaded for so long.
const OVERLOAD: Duration = Duration::from_secs(1);

/// How long one waits then. A refusal has to be there within a tenth of a second, and a tile is not worth much more of a delay.
const PATIENCE: Duration = Duration::from_millis(30);

/// Those who wait, in the order they came.
pub(super) struct Queue<T> {
    waiting: VecDeque<(Instant, T)>,
    places: usize,
    timeout: Duration,
    full: Option<Full>,
}

/// When the queue was full: the first time of late, and the last.
#[derive(Clone, Copy)]
struct Full {
    first: Instant,
    last: Instant,
}

/// One who is turned away, and why: a label of metrics.
pub(super) type Refused<T> = (T, &'static str);

impl<T> Queue<T> {
    /// For so many, each for so long at most.
    pub(super) const fn new(places: usize, timeout: Duration) -> Self {
        Self { waiting: VecDeque::new(), places, timeout, full: None }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The newest takes the place of the oldest where there is no other.
    pub(super) fn push(&mut self, item: T, now: Instant) -> Option<Refused<T>> {
        let places = if self.is_overloaded(now) { self.places.div_ceil(2) } else { self.places };
        self.waiting.push_back((now, item));
        if self.waiting.len() <= places {
            return None;
        }
        let first = self.full.filter(|full| is_recent(full.last, now)).map_or(now, |full| full.first);
        self.full = Some(Full { first, last: now });
        self.waiting.pop_front().map(|(_, oldest)| (oldest, "queue_full"))
    }

    /// Whose turn it is, and how long it has waited.
    pub(super) fn pop(&mut self, now: Instant) -> Option<(T, Duration)> {
        let next = if self.is_overloaded(now) { self.waiting.pop_back() } else { self.waiting.pop_front() };
        next.map(|(came, item)| (item, now.saturating_duration_since(came)))
    }

    /// Those who have waited for long enough.
    pub(super) fn overdue(&mut self, now: Instant) -> Vec<Refused<T>> {
        let (patience, reason) = if self.is_overloaded(now) {
            (PATIENCE.min(self.timeout), "overload")
        } else {
            (self.timeout, "queue_timeout")
        };
        let is_overdue = |(came, _): &(Instant, T)| now.saturating_duration_since(*came) >= patience;
        let count = self.waiting.iter().take_while(|one| is_overdue(one)).count();
        self.waiting.drain(..count).map(|(_, item)| (item, reason)).collect()
    }

    fn is_overloaded(&self, now: Instant) -> bool {
        self.full.is_some_and(|full| {
            is_recent(full.last, now) && full.last.saturating_duration_since(full.first) >= BURST
        })
    }
}

fn is_recent(then: Instant, now: Instant) -> bool {
    now.saturating_duration_since(then) < OVERLOAD
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// Of eight places, and full.
    fn full(now: Instant) -> Queue<u32> {
        let mut queue = Queue::new(8, TIMEOUT);
        assert!((0..8).all(|number| queue.push(number, now).is_none()));
        queue
    }

    fn order(queue: &mut Queue<u32>, now: Instant) -> Vec<u32> {
        (0..queue.len()).map_while(|_| queue.pop(now)).map(|(number, _)| number).collect()
    }

    #[test]
    fn where_all_have_a_place_it_goes_in_order_for_as_long_as_it_takes() {
        let start = Instant::now();
        let mut queue = full(start);
        assert_eq!(queue.overdue(start + ms(9_999)), []);
        assert_eq!(order(&mut queue, start), [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    /// The same, with too many for long enough: 9 came now, 2 to 8 came before.
    fn overloaded(now: Instant) -> Queue<u32> {
        let mut queue = full(now - BURST);
        assert_eq!(queue.push(8, now - BURST), Some((0, "queue_full")));
        assert_eq!(queue.push(9, now), Some((1, "queue_full")));
        queue
    }

    #[test]
    fn of_a_burst_that_is_too_large_only_the_surplus_is_turned_away() {
        let start = Instant::now();
        let mut queue = full(start);
        assert_eq!(queue.push(8, start + ms(99)), Some((0, "queue_full")));
        assert_eq!(queue.push(9, start + ms(99)), Some((1, "queue_full")));
        assert_eq!(queue.overdue(start + ms(1_500)), []);
        assert_eq!(order(&mut queue, start + ms(150)), [2, 3, 4, 5, 6, 7, 8, 9]);
        let mut none = Queue::new(0, TIMEOUT);
        assert_eq!(none.push(9, start), Some((9, "queue_full")));
    }

    #[test]
    fn where_more_come_for_longer_the_newest_is_next() {
        let now = Instant::now();
        let mut queue = overloaded(now);
        assert_eq!((queue.len(), queue.pop(now + ms(2))), (8, Some((9, ms(2)))));
        assert_eq!(order(&mut queue, now + ms(2)), [8, 7, 6, 5, 4, 3, 2]);
    }

    #[test]
    fn half_of_the_places_do_then() {
        let now = Instant::now();
        let mut queue = overloaded(now);
        while queue.len() > 4 {
            queue.pop(now);
        }
        assert_eq!(queue.push(10, now + ms(900)), Some((2, "queue_full")));
        let later = now + ms(1_900);
        assert!((11..15).all(|number| queue.push(number, later).is_none()), "it was not full for a second");
    }

    #[test]
    fn nobody_waits_for_long_where_others_are_turned_away() {
        let now = Instant::now();
        let mut queue = overloaded(now);
        let refused = queue.overdue(now + ms(29));
        assert_eq!(refused.len(), 7);
        assert!(refused.iter().all(|(_, reason)| *reason == "overload"));
        assert_eq!(queue.overdue(now + PATIENCE), [(9, "overload")]);
    }

    #[test]
    fn when_it_was_not_full_for_a_while_all_is_as_before() {
        let now = Instant::now();
        let mut queue = overloaded(now);
        let later = now + OVERLOAD;
        assert_eq!(queue.overdue(later), []);
        assert_eq!(order(&mut queue, later), [2, 3, 4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn who_has_waited_for_the_timeout_leaves_in_any_case() {
        let start = Instant::now();
        let mut queue = Queue::new(8, TIMEOUT);
        queue.push(0, start);
        queue.push(1, start + ms(1));
        assert_eq!(queue.overdue(start + TIMEOUT), [(0, "queue_timeout")]);
        assert_eq!(queue.len(), 1);
    }
}
