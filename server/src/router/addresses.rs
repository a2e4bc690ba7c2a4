//! What addresses named a moment ago, so that they are not read again.

use std::{hash::BuildHasher, sync::Arc};

use arc_swap::{ArcSwapOption, Guard};
use foldhash::fast::RandomState;

use crate::{
    metrics::Series,
    tiles::{TileHandle, TileSettings},
};

/// Longer addresses are read each time.
pub(super) const LONGEST_BYTES: usize = 256;
/// Some 15 MB of addresses as clients send them.
const MOST_PLACES: usize = 1 << 16;

/// Each address has one place, which is that of some others too, and the last one is remembered. Whoever looks writes nothing that other
/// processors read.
pub(super) struct Addresses {
    places: Box<[ArcSwapOption<Known>]>,
    hasher: RandomState,
}

/// A tile, and what of its layer an answer needs. Of a snapshot that is gone it keeps no more than where a stored block lies.
pub(super) struct Named {
    pub(super) tile: TileHandle,
    pub(super) max_age_s: u32,
    pub(super) series: Arc<Series>,
}

struct Known {
    /// Of the snapshot: a later one has another number.
    generation: u64,
    /// The address as it was sent.
    sent: Box<str>,
    named: Named,
}

/// What an address's place holds.
pub(super) struct Place(Guard<Option<Arc<Known>>>);

impl Place {
    /// What the address names in the snapshot of that generation, if it is known.
    pub(super) fn of(&self, generation: u64, sent: &str) -> Option<&Named> {
        let known = self.0.as_deref()?;
        (known.generation == generation && *known.sent == *sent).then_some(&known.named)
    }
}

impl Addresses {
    /// Places for twice as many as there are tiles in memory: the fuller, the more of them share one.
    pub(super) fn of(settings: &TileSettings) -> Self {
        let places = (2 * settings.typical_tiles()).next_power_of_two().min(MOST_PLACES);
        Self { places: (0..places).map(|_| ArcSwapOption::empty()).collect(), hasher: RandomState::default() }
    }

    pub(super) fn place(&self, sent: &str) -> Place {
        Place(self.slot(sent).load())
    }

    pub(super) fn insert(&self, generation: u64, sent: &str, named: Named) {
        if sent.len() <= LONGEST_BYTES {
            self.slot(sent).store(Some(Arc::new(Known { generation, sent: sent.into(), named })));
        }
    }

    fn slot(&self, sent: &str) -> &ArcSwapOption<Known> {
        &self.places[self.hasher.hash_one(sent) as usize & (self.places.len() - 1)]
    }
}
