//! One piece of work per key at a time, whoever asks for it and however the first asker ends.
//!
//! The first to ask gets a [`Flight`] and must see that it is carried out, in a task of its own: the work does not belong to
//! the request that started it. All who ask, the first included, wait. A flight that ends in any way, by a value, by being
//! dropped or by a panic, wakes them all.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::watch;

type Flights<K, V> = Arc<Mutex<HashMap<K, watch::Sender<Option<V>>>>>;

/// The flights under way.
#[derive(Debug)]
pub struct SingleFlight<K, V> {
    flights: Flights<K, V>,
}

/// The duty to carry out a piece of work.
#[derive(Debug)]
pub struct Flight<K: Hash + Eq, V> {
    key: K,
    sender: watch::Sender<Option<V>>,
    flights: Flights<K, V>,
}

/// Waits for the end of a flight.
#[derive(Debug)]
pub struct Waiter<V>(watch::Receiver<Option<V>>);

impl<K: Hash + Eq, V> Default for SingleFlight<K, V> {
    fn default() -> Self {
        Self { flights: Arc::default() }
    }
}

impl<K: Hash + Eq + Clone, V> SingleFlight<K, V> {
    /// Joins the flight for a key; the first to ask also gets the flight itself.
    pub fn join(&self, key: &K) -> (Waiter<V>, Option<Flight<K, V>>) {
        let mut flights = self.flights.lock();
        if let Some(sender) = flights.get(key) {
            return (Waiter(sender.subscribe()), None);
        }
        let (sender, receiver) = watch::channel(None);
        flights.insert(key.clone(), sender.clone());
        let flight = Flight { key: key.clone(), sender, flights: Arc::clone(&self.flights) };
        (Waiter(receiver), Some(flight))
    }
}

impl<K: Hash + Eq, V> Flight<K, V> {
    /// Whether nobody waits any more. Someone may still join.
    pub fn is_abandoned(&self) -> bool {
        self.sender.receiver_count() == 0
    }

    /// Hands the value to all who wait.
    pub fn land(self, value: V) {
        self.sender.send_replace(Some(value));
    }
}

impl<K: Hash + Eq, V> Drop for Flight<K, V> {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.key);
    }
}

impl<V: Clone> Waiter<V> {
    /// The value; `None` when the flight ended without one.
    pub async fn wait(mut self) -> Option<V> {
        self.0.wait_for(Option::is_some).await.ok().and_then(|value| value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_who_ask_at_once_share_one_flight() {
        let flights = SingleFlight::<u32, u32>::default();
        let (first, flight) = flights.join(&1);
        let (second, none) = flights.join(&1);
        assert!(none.is_none());
        assert!(flights.join(&2).1.is_some(), "another key is another flight");
        flight.expect("the first one flies").land(42);
        assert_eq!((first.wait().await, second.wait().await), (Some(42), Some(42)));
        assert!(flights.join(&1).1.is_some(), "after the landing the next one flies again");
    }

    #[tokio::test]
    async fn the_first_asker_may_leave() {
        let flights = SingleFlight::<u32, u32>::default();
        let (first, flight) = flights.join(&1);
        let (second, _) = flights.join(&1);
        drop(first);
        let flight = flight.expect("the first one flies");
        assert!(!flight.is_abandoned());
        flight.land(7);
        assert_eq!(second.wait().await, Some(7));
    }

    #[tokio::test]
    async fn a_flight_that_panics_wakes_those_who_wait() {
        let flights = SingleFlight::<u32, u32>::default();
        let (waiter, flight) = flights.join(&1);
        let crashed = std::thread::spawn(move || {
            let _flight = flight;
            panic!("the work fails");
        });
        assert!(crashed.join().is_err());
        assert_eq!(waiter.wait().await, None);
        assert!(flights.join(&1).1.is_some());
    }

    #[test]
    fn a_flight_for_nobody_knows_it() {
        let flights = SingleFlight::<u32, u32>::default();
        let (waiter, flight) = flights.join(&1);
        let flight = flight.expect("the first one flies");
        drop(waiter);
        assert!(flight.is_abandoned());
    }
}
