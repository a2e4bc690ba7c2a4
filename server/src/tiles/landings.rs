//! Renders that are done, on their way from the render threads to the runtime, whose own poll finds them.
//!
//! A task that is woken from outside of a runtime wakes one of its threads, and that a second one, to share what there is to do: for the
//! microseconds that are left to do for a tile, this costs more than it brings. One thing that a thread finds in its poll wakes nobody else.

use std::{
    io::{self, PipeWriter, Write},
    mem,
    sync::Arc,
};

use parking_lot::Mutex;
use tiler::render::Fingerprint;
use tokio::{io::AsyncReadExt, net::unix::pipe};

use super::{Outcome, single_flight::Flight};

type Landing = (Flight<Fingerprint, Outcome>, Outcome);

/// Flights that have their value, which those who wait do not know yet.
#[derive(Default)]
pub(super) struct Landings(Mutex<Desk>);

#[derive(Default)]
struct Desk {
    /// What the attendant hears, as long as there is one.
    bell: Option<Arc<PipeWriter>>,
    waiting: Vec<Landing>,
}

impl Landings {
    /// Has the flight land: soon, by the attendant, or now where there is none.
    pub(super) fn land(&self, flight: Flight<Fingerprint, Outcome>, outcome: Outcome) {
        let mut desk = self.0.lock();
        let Some(bell) = desk.bell.clone() else {
            drop(desk);
            return flight.land(outcome);
        };
        desk.waiting.push((flight, outcome));
        let is_first = desk.waiting.len() == 1;
        drop(desk);
        // All that wait are taken at once: there is never more than a byte in the pipe. Not under the lock, which the attendant wants as soon
        // as it hears.
        if is_first && (&*bell).write_all(&[0]).is_err() {
            self.land_all(&mut Vec::new());
        }
    }

    /// Lands flights, for ever: the attendant, a task of the runtime where they are waited for.
    ///
    /// # Errors
    /// When the system gives no pipe; flights land all the same.
    pub(super) async fn attend(self: Arc<Self>) -> io::Result<()> {
        let (heard, bell) = io::pipe()?;
        let mut heard = pipe::Receiver::from_owned_fd(heard.into())?;
        let bell = Arc::new(bell);
        self.0.lock().bell = Some(Arc::clone(&bell));
        let attendant = Attendant { landings: &self, bell };
        let mut room = Vec::new();
        while heard.read(&mut [0; 64]).await? > 0 {
            attendant.landings.land_all(&mut room);
        }
        Ok(())
    }

    fn land_all(&self, room: &mut Vec<Landing>) {
        mem::swap(room, &mut self.0.lock().waiting);
        for (flight, outcome) in room.drain(..) {
            flight.land(outcome);
        }
    }
}

/// When it goes, as with its runtime, flights land without it, and those that wait do then.
struct Attendant<'a> {
    landings: &'a Landings,
    bell: Arc<PipeWriter>,
}

impl Drop for Attendant<'_> {
    fn drop(&mut self) {
        // Unless another one has come.
        self.landings.0.lock().bell.take_if(|bell| Arc::ptr_eq(bell, &self.bell));
        self.landings.land_all(&mut Vec::new());
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        task::{Context, Poll, Waker},
    };

    use tokio::task::{JoinHandle, yield_now};

    use super::*;
    use crate::{error::Fault, tiles::single_flight::SingleFlight};

    type Waiting = Pin<Box<dyn Future<Output = Option<Outcome>>>>;

    #[derive(Default)]
    struct Fixture {
        landings: Arc<Landings>,
        flights: SingleFlight<Fingerprint, Outcome>,
    }

    impl Fixture {
        /// A flight with its outcome, for somebody who waits.
        fn land(&self, key: u128) -> Waiting {
            let (waiter, flight) = self.flights.join(&Fingerprint(key));
            self.landings.land(flight.expect("nobody else flies"), Err(Fault::NoData));
            Box::pin(waiter.wait())
        }

        async fn attendant(&self) -> JoinHandle<io::Result<()>> {
            let attendant = tokio::spawn(Arc::clone(&self.landings).attend());
            while self.landings.0.lock().bell.is_none() {
                yield_now().await;
            }
            attendant
        }
    }

    #[track_caller]
    fn assert_landed(outcome: Option<&Outcome>) {
        assert!(matches!(outcome, Some(Err(Fault::NoData))), "{outcome:?}");
    }

    fn has_landed(waiting: &mut Waiting) -> bool {
        match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => assert_landed(outcome.as_ref()),
            Poll::Pending => return false,
        }
        true
    }

    #[test]
    fn without_an_attendant_flights_land_at_once() {
        assert!(has_landed(&mut Fixture::default().land(1)));
    }

    #[tokio::test]
    async fn the_attendant_lands_all_that_come() {
        let fixture = Fixture::default();
        let _attendant = fixture.attendant().await;
        for round in 0..3 {
            let mut waiting: Vec<_> = (0..3).map(|key| fixture.land(round * 3 + key)).collect();
            for one in &mut waiting {
                assert!(!has_landed(one), "the attendant has not had its turn");
            }
            for one in waiting {
                assert_landed(one.await.as_ref());
            }
        }
    }

    #[tokio::test]
    async fn those_that_wait_land_when_the_attendant_goes() {
        let fixture = Fixture::default();
        let attendant = fixture.attendant().await;
        let waiting = fixture.land(1);
        attendant.abort();
        assert_landed(waiting.await.as_ref());
        assert!(attendant.await.is_err_and(|error| error.is_cancelled()));
        assert!(has_landed(&mut fixture.land(2)));
    }

    #[tokio::test]
    async fn of_two_attendants_the_second_hears_and_the_first_may_go() {
        let fixture = Fixture::default();
        let first = fixture.attendant().await;
        let one = fixture.landings.0.lock().bell.clone();
        let second = tokio::spawn(Arc::clone(&fixture.landings).attend());
        let has_changed = || match (&one, &fixture.landings.0.lock().bell) {
            (Some(one), Some(other)) => !Arc::ptr_eq(one, other),
            _ => false,
        };
        while !has_changed() {
            yield_now().await;
        }
        first.abort();
        assert!(first.await.is_err());
        assert!(has_changed(), "the second one stays");
        assert_landed(fixture.land(1).await.as_ref());
        second.abort();
    }
}
