//! How many tiles of each zoom are other ones after some dalles have changed: those whose fingerprint differs.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use tiler::{
    catalog::Dalle,
    crs::Transform,
    encode::OutputFormat,
    geom::Bounds,
    render::{TileAddress, plan},
    tms::{TileId, TileMatrixSet},
};

use super::{Layer, LayerSet};

/// Kernels and lossy patches reach no further than so many pixels of a tile.
const REACH_PX: f64 = 24.0;
/// More tiles of a set are counted by their place alone.
const PLANNED: usize = 50_000;

/// Tiles of one matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedTiles {
    /// The matrix.
    pub matrix: String,
    /// How many of its tiles have changed.
    pub tiles: usize,
    /// Whether there are too many to look at each: then all are counted that may have.
    pub is_estimate: bool,
}

/// The dalles that a layer has only before or only after a change.
pub fn changed_dalles(before: &Layer, after: &Layer) -> Vec<Arc<Dalle>> {
    if Arc::ptr_eq(&before.imagery.mosaic, &after.imagery.mosaic) {
        return Vec::new();
    }
    let all = |layer: &Layer| -> HashMap<u128, Arc<Dalle>> {
        layer.imagery.mosaic.dalles().iter().map(|dalle| (dalle.state(), Arc::clone(dalle))).collect()
    };
    let (then, now) = (all(before), all(after));
    let gone = then.iter().filter(|(key, _)| !now.contains_key(*key));
    let came = now.iter().filter(|(key, _)| !then.contains_key(*key));
    gone.chain(came).map(|(_, dalle)| Arc::clone(dalle)).collect()
}

/// The tiles of a set that are others in a layer than they were in it before, by matrix; `dalles` are those that came,
/// went or changed, as they were and as they are.
pub fn changed_tiles(
    before: &Layer,
    after: &Layer,
    offer: &LayerSet,
    dalles: &[Arc<Dalle>],
) -> Vec<ChangedTiles> {
    let set = &offer.set;
    let bounds: Vec<Bounds> = dalles.iter().filter_map(|dalle| bounds_in(dalle, set)).collect();
    let mut changed = Vec::new();
    let mut looked = 0;
    for (matrix, limits) in offer.limits.iter().enumerate() {
        if limits.is_none() {
            continue;
        }
        let touched: BTreeSet<TileId> =
            bounds.iter().flat_map(|bounds| touching(set, matrix, bounds)).collect();
        looked += touched.len();
        let is_estimate = looked > PLANNED;
        let tiles = if is_estimate {
            touched.len()
        } else {
            touched
                .iter()
                .filter(|tile| fingerprint(before, set, **tile) != fingerprint(after, set, **tile))
                .count()
        };
        changed.push(ChangedTiles { matrix: set.matrices[matrix].id.clone(), tiles, is_estimate });
    }
    changed
}

/// The hash of a tile; `None` where it cannot be planned, or has no imagery.
fn fingerprint(layer: &Layer, set: &TileMatrixSet, tile: TileId) -> Option<u128> {
    let style = layer.styles.first()?;
    let address = TileAddress { set, tile, scale: 1, format: OutputFormat::Png, style };
    let plan = plan(&layer.imagery, &address, &layer.settings).ok()?;
    (!plan.is_empty()).then_some(plan.fingerprint().0)
}

fn bounds_in(dalle: &Dalle, set: &TileMatrixSet) -> Option<Bounds> {
    Transform::new(&dalle.kind.crs, &set.crs).ok()?.convert_bounds(&dalle.bounds())
}

fn touching(set: &TileMatrixSet, matrix: usize, bounds: &Bounds) -> Vec<TileId> {
    let cell = set.matrices[matrix].cell_size;
    let Some(limits) = set.limits(matrix, &bounds.grown(REACH_PX * cell)) else { return Vec::new() };
    let rows = limits.min_row..=limits.max_row;
    rows.flat_map(|row| (limits.min_col..=limits.max_col).map(move |col| TileId { matrix, col, row }))
        .collect()
}
