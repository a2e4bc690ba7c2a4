//! Where a layer lies in a TileMatrixSet, and down to which matrix it is worth asking. It reads no pixel.

use std::sync::Arc;

use tiler::{catalog::Mosaic, tms::TileMatrixSet};

use super::LayerSet;

/// The layer's offer of a set; `None` where the set shows nothing of it.
///
/// Offered are all matrices from the coarsest to one beyond the first that is at least as fine as the finest dalle.
pub fn layer_set(mosaic: &Mosaic, set: &Arc<TileMatrixSet>) -> Option<LayerSet> {
    let bounds = mosaic.bounds_in(&set.crs)?;
    let last = set.matrices.len().checked_sub(1)?;
    let cell = mosaic.cell_size_in(&set.crs);
    let finest = cell.map_or(last, |cell| (set.matrix_for_cell_size(cell) + 1).min(last));
    let limits: Vec<_> =
        (0..=last).map(|matrix| if matrix <= finest { set.limits(matrix, &bounds) } else { None }).collect();
    limits.iter().any(Option::is_some).then(|| LayerSet { set: Arc::clone(set), bounds, limits })
}
