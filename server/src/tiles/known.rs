//! What plans of a moment ago came to. A plan is pure arithmetic on one snapshot, so the same address in the same snapshot has
//! the same fingerprint: of a tile in the cache no plan is made twice.

use std::sync::Arc;

use quick_cache::sync::Cache;
use tiler::{
    encode::OutputFormat,
    render::{Fingerprint, Passage, Plan},
    tms::TileId,
};

use super::TileRequest;

/// What a tile that is asked for again needs of its plan.
#[derive(Debug, Clone)]
pub struct KnownTile {
    pub(super) fingerprint: Fingerprint,
    pub(super) is_empty: bool,
    pub(super) is_provisional: bool,
    /// Where it may be a block as it is stored.
    pub(super) passage: Option<Arc<Passage>>,
}

impl From<&Plan> for KnownTile {
    fn from(plan: &Plan) -> Self {
        Self {
            fingerprint: plan.fingerprint(),
            is_empty: plan.is_empty(),
            is_provisional: plan.is_provisional(),
            passage: plan.passage().cloned(),
        }
    }
}

/// Plans by their addresses; the oldest ones are forgotten.
pub(super) struct KnownPlans(Cache<Key, KnownTile>);

/// An address. What the snapshot keeps alive is named by where it lies, which is its own as long as the snapshot is that of
/// the generation; a later one has another number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    generation: u64,
    layer: usize,
    mosaic: usize,
    set: usize,
    style: usize,
    tile: TileId,
    scale: u32,
    format: OutputFormat,
}

impl From<&TileRequest<'_>> for Key {
    fn from(request: &TileRequest<'_>) -> Self {
        Self {
            generation: request.generation,
            layer: Arc::as_ptr(request.layer).addr(),
            mosaic: Arc::as_ptr(&request.imagery.mosaic).addr(),
            set: Arc::as_ptr(request.set).addr(),
            style: request.style.addr(),
            tile: request.tile,
            scale: request.scale,
            format: request.format,
        }
    }
}

impl KnownPlans {
    /// Room for so many.
    pub(super) fn new(plans: usize) -> Self {
        Self(Cache::new(plans))
    }

    pub(super) fn get(&self, request: &TileRequest<'_>) -> Option<KnownTile> {
        self.0.get(&Key::from(request))
    }

    pub(super) fn insert(&self, request: &TileRequest<'_>, known: KnownTile) {
        self.0.insert(Key::from(request), known);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tiler::{encode::OutputFormat, tms::TileId};

    use super::*;
    use crate::{layers::Snapshot, wmts::fixture};

    fn request(snapshot: &Snapshot, set: usize) -> TileRequest<'_> {
        let layer = &snapshot.layers["ortho"];
        TileRequest {
            generation: snapshot.generation,
            layer,
            imagery: &layer.imagery,
            set: &layer.sets[set].set,
            tile: TileId { matrix: 1, col: 0, row: 1 },
            scale: 1,
            format: OutputFormat::Png,
            style: &layer.styles[0],
        }
    }

    #[test]
    fn the_same_address_is_known_and_any_other_is_not() {
        let snapshot = fixture::with_vintages();
        let first = request(&snapshot, 0);
        let others = [
            TileRequest { generation: 8, ..first },
            request(&snapshot, 1),
            TileRequest { imagery: &snapshot.layers["ortho"].vintages[0].imagery, ..first },
            TileRequest { tile: TileId { matrix: 1, col: 1, row: 1 }, ..first },
            TileRequest { scale: 2, ..first },
            TileRequest { format: OutputFormat::Jpeg, ..first },
        ];
        let known =
            KnownTile { fingerprint: Fingerprint(1), is_empty: false, is_provisional: true, passage: None };
        let plans = KnownPlans::new(100);
        plans.insert(&first, known);
        let found = plans.get(&request(&snapshot, 0));
        assert!(found.is_some_and(|found| found.fingerprint == Fingerprint(1) && found.is_provisional));
        for other in &others {
            assert!(plans.get(other).is_none(), "{:?}", Key::from(other));
        }
        let keys: HashMap<Key, usize> = others.iter().map(|other| (Key::from(other), 0)).collect();
        assert_eq!(keys.len(), others.len());
    }
}
