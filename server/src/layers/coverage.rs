//! Where a layer lies in a TileMatrixSet, and down to which matrix it is worth asking. It reads no pixel.

use std::sync::Arc;

use tiler::{
    crs::{Crs, Transform},
    geom::Bounds,
    source::Source,
    tms::TileMatrixSet,
};

use super::LayerSet;

/// How many pixels apart the points are that the cell size is measured with.
const STEP_PX: f64 = 16.0;

/// The layer's offer of a set; `None` where the set shows nothing of it.
///
/// Offered are all matrices from the coarsest to one beyond the first that is at least as fine as the finest source.
pub fn layer_set(sources: &[Arc<Source>], set: &Arc<TileMatrixSet>) -> Option<LayerSet> {
    let bounds = bounds(sources, &set.crs)?;
    let cell = sources.iter().filter_map(|source| cell_size_in(source, &set.crs)).min_by(f64::total_cmp);
    let last = set.matrices.len().checked_sub(1)?;
    let finest = cell.map_or(last, |cell| (set.matrix_for_cell_size(cell) + 1).min(last));
    let limits: Vec<_> =
        (0..=last).map(|matrix| if matrix <= finest { set.limits(matrix, &bounds) } else { None }).collect();
    limits.iter().any(Option::is_some).then(|| LayerSet { set: Arc::clone(set), bounds, limits })
}

/// What the sources cover together, in a CRS.
pub fn bounds(sources: &[Arc<Source>], crs: &Crs) -> Option<Bounds> {
    let each = sources.iter().filter_map(|source| source.bounds_in(crs));
    each.reduce(|all, one| all.union(&one)).filter(Bounds::is_valid)
}

/// The size of the source's pixels in another CRS, in its units, at the middle of the source; the smaller side.
fn cell_size_in(source: &Source, crs: &Crs) -> Option<f64> {
    let at = source.place().ok()?;
    let transform = Transform::new(at.crs(), crs).ok()?;
    let place = |col: f64, row: f64| {
        let (x, y) = at.geotransform().apply(col, row);
        transform.convert(x, y)
    };
    let (col, row) = (f64::from(source.size().width) / 2.0, f64::from(source.size().height) / 2.0);
    let here = place(col, row)?;
    let distance = |there: (f64, f64)| (there.0 - here.0).hypot(there.1 - here.1) / STEP_PX;
    let cell = distance(place(col + STEP_PX, row)?).min(distance(place(col, row + STEP_PX)?));
    (cell.is_finite() && cell > 0.0).then_some(cell)
}
