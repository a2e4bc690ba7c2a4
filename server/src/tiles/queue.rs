//! Who waits for a render thread: who is next, and who is turned away. It knows no threads, and is told the time.
//!
//! A queue is there for bursts, and for users who wait for a view before they ask for the next: it is long, and goes in order. Only
//! when it is full is more asked for than can be made. Then somebody waits in vain whatever the order, and in order everybody would
//! be answered late. So the newest is next, until the queue was not full for a while: what is made is made as if there was no
//! queue. The oldest is told to come again: when a newer one wants its place, or when it has waited for [`PATIENCE`]. Half of the
//! places do then: enough for users who browse, who would be taken for an overload if they were fewer.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// A queue that was full is treated as overloaded for so long.
const OVERLOAD: Duration = Duration::from_secs(1);

/// How long one waits then. A refusal has to be there within a tenth of a second, and a tile is not worth much more of a delay.
const PATIENCE: Duration = Duration::from_millis(30);

/// Those who wait, in the order they came.
pub(super) struct Queue<T> {
    waiting: VecDeque<(Instant, T)>,
    places: usize,
    timeout: Duration,
    full: Option<Instant>,
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
        self.full = Some(now);
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
        self.full.is_some_and(|full| now.saturating_duration_since(full) < OVERLOAD)
    }
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

    #[test]
    fn where_there_is_none_the_newest_takes_that_of_the_oldest_and_is_next() {
        let start = Instant::now();
        let mut queue = full(start);
        assert_eq!(queue.push(8, start + ms(5)), Some((0, "queue_full")));
        assert_eq!((queue.len(), queue.pop(start + ms(7))), (8, Some((8, ms(2)))));
        assert_eq!(order(&mut queue, start + ms(7)), [7, 6, 5, 4, 3, 2, 1]);
        let mut none = Queue::new(0, TIMEOUT);
        assert_eq!(none.push(9, start), Some((9, "queue_full")));
    }

    #[test]
    fn once_it_was_full_half_of_its_places_do() {
        let start = Instant::now();
        let mut queue = full(start);
        queue.push(8, start);
        while queue.len() > 4 {
            queue.pop(start);
        }
        assert_eq!(queue.push(9, start + ms(900)), Some((1, "queue_full")));
        let later = start + ms(1_900);
        assert!((10..14).all(|number| queue.push(number, later).is_none()), "it was not full for a second");
    }

    #[test]
    fn nobody_waits_for_long_where_others_are_turned_away() {
        let start = Instant::now();
        let mut queue = full(start);
        queue.push(8, start + ms(20));
        assert_eq!(queue.overdue(start + ms(29)), []);
        let refused = queue.overdue(start + PATIENCE);
        assert_eq!(refused.len(), 7);
        assert!(refused.iter().all(|(_, reason)| *reason == "overload"));
        assert_eq!(order(&mut queue, start + PATIENCE), [8]);
    }

    #[test]
    fn when_it_was_not_full_for_a_while_all_is_as_before() {
        let start = Instant::now();
        let mut queue = full(start);
        queue.push(8, start);
        let later = start + OVERLOAD;
        assert_eq!(queue.overdue(later), []);
        assert_eq!(order(&mut queue, later), [1, 2, 3, 4, 5, 6, 7, 8]);
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
