//! Encoded tiles as they are kept, and where one was found a moment ago: a cache that is asked for every tile that is sent has more to
//! do than the tile itself.

use std::{
    ops::Range,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use arc_swap::ArcSwapWeak;
use bytes::Bytes;
use tiler::{encode::Format, io::prefetch};

use super::KnownTile;
use crate::cache::{self, Weighted};

/// An encoded tile.
#[derive(Debug, Clone)]
pub struct KeptTile {
    pub(super) bytes: Bytes,
    pub(super) format: Format,
    pub(super) is_provisional: bool,
}

impl Weighted for KeptTile {
    fn weight_bytes(&self) -> u64 {
        cache::allocated_bytes(self.bytes.len() as u64) + size_of::<Self>() as u64
    }
}

/// A tile's file, to be sent.
#[derive(Debug, Clone)]
pub enum TileBytes {
    /// Of a tile that is kept.
    Kept(Arc<KeptTile>),
    /// Of one that is not, or of none.
    Own(Bytes),
}

impl AsRef<[u8]> for TileBytes {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Kept(tile) => &tile.bytes,
            Self::Own(bytes) => bytes,
        }
    }
}

impl TileBytes {
    /// Has the processor fetch lines of it ([`tiler::io::prefetch`]), unless it was read just now.
    pub fn prefetch(&self, lines: Range<usize>) {
        if let Self::Kept(tile) = self {
            prefetch(&tile.bytes, lines);
        }
    }
}

impl From<TileBytes> for Bytes {
    fn from(bytes: TileBytes) -> Self {
        match bytes {
            TileBytes::Kept(tile) => tile.bytes.clone(),
            TileBytes::Own(bytes) => bytes,
        }
    }
}

/// A quarter of a second: for so long a tile is sent again without asking the cache, which is told then that it is still wanted.
const TICKS_PER_S: u64 = 4;

/// A tile that is asked for again and again.
#[derive(Debug)]
pub struct TileHandle {
    pub(super) known: KnownTile,
    /// As long as the cache, or somebody who is sending it, has it.
    found: ArcSwapWeak<KeptTile>,
    /// When it was found, in ticks.
    tick: AtomicU64,
}

impl From<KnownTile> for TileHandle {
    fn from(known: KnownTile) -> Self {
        Self { known, found: ArcSwapWeak::new(Weak::new()), tick: AtomicU64::new(0) }
    }
}

/// What tells the time of handles.
#[derive(Debug)]
pub(super) struct Ticks(Instant);

impl Default for Ticks {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Ticks {
    /// Never 0.
    pub(super) fn at(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.0);
        since.as_secs() * TICKS_PER_S + u64::from(since.subsec_nanos()) * TICKS_PER_S / 1_000_000_000 + 1
    }
}

impl TileHandle {
    /// The tile, if it was found in this tick and is still there.
    pub(super) fn recent(&self, tick: u64) -> Option<Arc<KeptTile>> {
        (self.tick.load(Ordering::Acquire) == tick).then(|| self.found.load().upgrade()).flatten()
    }

    /// The cache has it. One that is better soon is to be looked up.
    pub(super) fn found(&self, tile: &Arc<KeptTile>, tick: u64) {
        if !tile.is_provisional {
            self.found.store(Arc::downgrade(tile));
            self.tick.store(tick, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tiler::{
        catalog::Imagery,
        render::{Fingerprint, Plan, Rendered, TileAddress},
    };

    use super::*;
    use crate::{
        cache::Cache as _,
        error::Fault,
        layers::Layer,
        metrics::Metrics,
        tiles::{Renderer, TileAnswer, TileService, TileSettings},
    };

    /// Nothing is made here.
    struct Idle;

    impl Renderer for Idle {
        fn plan(&self, _: &Layer, _: &Imagery, _: &TileAddress<'_>) -> Result<Plan, Fault> {
            Err(Fault::Internal)
        }

        fn render(&self, _: &Plan, _: &Layer) -> Result<Rendered, Fault> {
            Err(Fault::Internal)
        }
    }

    fn handle() -> TileHandle {
        TileHandle::from(KnownTile {
            fingerprint: Fingerprint(1),
            is_empty: false,
            is_provisional: false,
            passage: None,
        })
    }

    fn tile(is_provisional: bool) -> Arc<KeptTile> {
        Arc::new(KeptTile { bytes: Bytes::from_static(b"tile"), format: Format::Png, is_provisional })
    }

    #[test]
    fn a_tile_is_found_again_in_the_same_tick_and_as_long_as_it_is_kept() {
        let (handle, kept) = (handle(), tile(false));
        assert!(handle.recent(1).is_none());
        handle.found(&kept, 1);
        assert!(handle.recent(1).is_some_and(|tile| Arc::ptr_eq(&tile, &kept)));
        assert!(handle.recent(2).is_none(), "the cache is to be asked");
        drop(kept);
        assert!(handle.recent(1).is_none(), "it left the cache");
        let other = tile(false);
        handle.found(&other, 1);
        assert!(handle.recent(1).is_some_and(|tile| Arc::ptr_eq(&tile, &other)));
    }

    #[test]
    fn one_that_is_better_soon_is_looked_up_each_time() {
        let (handle, kept) = (handle(), tile(true));
        handle.found(&kept, 1);
        assert!(handle.recent(1).is_none());
    }

    #[test]
    fn the_cache_is_asked_once_in_a_tick() {
        let metrics = Arc::new(Metrics::new());
        let service =
            TileService::with_renderer(&TileSettings::default(), Arc::clone(&metrics), Arc::new(Idle));
        let (handle, first, other) = (handle(), tile(false), tile(false));
        let found = |after_ms| {
            let now = service.ticks.0 + Duration::from_millis(after_ms);
            match service.at_hand(&handle, None, now) {
                Some(TileAnswer::Tile { bytes: TileBytes::Kept(tile), .. }) => Some(tile),
                _ => None,
            }
        };
        assert!(found(0).is_none());
        let is = |found: Option<Arc<KeptTile>>, tile: &Arc<KeptTile>| {
            found.is_some_and(|found| Arc::ptr_eq(&found, tile))
        };
        service.maker.tiles.insert(handle.known.fingerprint, Arc::clone(&first));
        assert!(is(found(0), &first));
        service.maker.tiles.insert(handle.known.fingerprint, Arc::clone(&other));
        assert!(is(found(200), &first), "somebody still has it");
        assert!(is(found(300), &other));
        drop(first);
        assert!(is(found(400), &other));
        let text = metrics.text();
        assert!(text.contains(r#"pavage_cache_requests_total{cache="tiles",result="hit"} 4"#), "{text}");
    }

    #[test]
    fn ticks_are_quarters_of_a_second() {
        let ticks = Ticks::default();
        let at = |ms| ticks.at(ticks.0 + Duration::from_millis(ms));
        assert_eq!([0, 249, 250, 999, 1000, 60_000].map(at), [1, 1, 2, 4, 5, 241]);
        let past = ticks.0.checked_sub(Duration::from_secs(1)).expect("the machine runs for longer");
        assert_eq!(ticks.at(past), 1);
    }
}
