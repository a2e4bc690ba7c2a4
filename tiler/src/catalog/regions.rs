//! A hash of all dalles in a rectangle, in a few steps however many they are: sums over a board of fields.
//!
//! Tiles that are drawn from the cap are made of thousands of dalles; by this hash they change when one of them does, and
//! only then.

use xxhash_rust::xxh3::xxh3_128;

use super::{Dalle, Mosaic};
use crate::{crs::Crs, geom::Bounds};

/// More fields than this are made larger instead.
const FIELDS_LIMIT: f64 = 4e6;
/// What of a field a dalle must cover to count there: its neighbours touch it too.
const TOUCH: f64 = 1e-3;

/// Sums of hashes over a board of fields that are as large as a dalle.
#[derive(Debug)]
pub struct Regions {
    /// The upper left corner of the board, in the CRS.
    origin: (f64, f64),
    field: (f64, f64),
    cols: usize,
    rows: usize,
    /// At `row * (cols + 1) + col`: the sum over all fields above and to the left.
    sums: Vec<u128>,
}

impl Regions {
    /// The regions of a mosaic in the CRS of its main zone; `None` where it has no dalle.
    pub fn new(mosaic: &Mosaic) -> Option<Self> {
        let zone = mosaic.main_zone()?;
        let main = mosaic.dalle(zone.main());
        let extent = mosaic.bounds_in(zone.crs())?;
        let side = main.bounds();
        let fields = (extent.width() / side.width()) * (extent.height() / side.height());
        let larger = (fields / FIELDS_LIMIT).sqrt().max(1.0).ceil();
        let field = (side.width() * larger, side.height() * larger);
        // Fields lie as the main dalle does, so that neighbours have fields of their own.
        let start = |edge: f64, main: f64, field: f64| main - ((main - edge) / field).ceil() * field;
        let left = start(extent.min_x, side.min_x, field.0);
        let top = -start(-extent.max_y, -side.max_y, field.1);
        let cols = ((extent.max_x - left) / field.0).ceil().max(1.0) as usize;
        let rows = ((top - extent.min_y) / field.1).ceil().max(1.0) as usize;
        let sums = vec![0; (cols + 1) * (rows + 1)];
        let mut regions = Self { origin: (left, top), field, cols, rows, sums };
        for dalle in mosaic.dalles() {
            if let Some(bounds) = bounds_in(mosaic, dalle, zone.crs()) {
                regions.add(&bounds, value(dalle));
            }
        }
        // Corners to fields, then fields to sums over all fields before them.
        regions.sum_up();
        regions.shift();
        regions.sum_up();
        Some(regions)
    }

    /// The hash of all dalles that touch a rectangle of the CRS.
    pub fn hash(&self, bounds: &Bounds) -> u128 {
        let Some((cols, rows)) = self.fields(bounds, 0.0) else { return 0 };
        let at = |col: usize, row: usize| self.sums[row * (self.cols + 1) + col];
        at(cols.1, rows.1)
            .wrapping_sub(at(cols.0, rows.1))
            .wrapping_sub(at(cols.1, rows.0))
            .wrapping_add(at(cols.0, rows.0))
    }

    /// First and one past the last of the fields that a rectangle touches.
    fn fields(&self, bounds: &Bounds, touch: f64) -> Option<((usize, usize), (usize, usize))> {
        let along = |from: f64, to: f64, count: usize| {
            let (from, to) = ((from + touch).floor(), (to - touch).floor() + 1.0);
            let (from, to) = (from.clamp(0.0, count as f64) as usize, to.clamp(0.0, count as f64) as usize);
            (from < to).then_some((from, to))
        };
        let x = |v: f64| (v - self.origin.0) / self.field.0;
        let y = |v: f64| (self.origin.1 - v) / self.field.1;
        let cols = along(x(bounds.min_x), x(bounds.max_x), self.cols)?;
        let rows = along(y(bounds.max_y), y(bounds.min_y), self.rows)?;
        Some((cols, rows))
    }

    /// Adds a value to each field of a rectangle: at its corners, for the first of two summations.
    fn add(&mut self, bounds: &Bounds, value: u128) {
        let Some((cols, rows)) = self.fields(bounds, TOUCH) else { return };
        let width = self.cols + 1;
        let mut put = |col: usize, row: usize, value: u128| {
            let sum = &mut self.sums[row * width + col];
            *sum = sum.wrapping_add(value);
        };
        put(cols.0, rows.0, value);
        put(cols.1, rows.0, value.wrapping_neg());
        put(cols.0, rows.1, value.wrapping_neg());
        put(cols.1, rows.1, value);
    }

    /// Moves each number one column to the right and one row down, so that a sum ends before its field.
    fn shift(&mut self) {
        let width = self.cols + 1;
        for at in (0..self.sums.len()).rev() {
            let is_first = at < width || at % width == 0;
            self.sums[at] = if is_first { 0 } else { self.sums[at - width - 1] };
        }
    }

    /// Replaces each number by the sum of itself and all above and to the left of it.
    fn sum_up(&mut self) {
        let width = self.cols + 1;
        for row in self.sums.chunks_exact_mut(width) {
            row.iter_mut().fold(0u128, |sum, value| {
                *value = value.wrapping_add(sum);
                *value
            });
        }
        for at in width..self.sums.len() {
            self.sums[at] = self.sums[at].wrapping_add(self.sums[at - width]);
        }
    }
}

/// Bounds of a dalle in a CRS.
pub(crate) fn bounds_in(mosaic: &Mosaic, dalle: &Dalle, crs: &Crs) -> Option<Bounds> {
    if dalle.kind.crs == *crs {
        return Some(dalle.bounds());
    }
    let zone = mosaic.zones().iter().find(|zone| *zone.crs() == dalle.kind.crs)?;
    zone.placement(crs).ok()??.there.convert_bounds(&dalle.bounds())
}

/// What a dalle adds.
fn value(dalle: &Dalle) -> u128 {
    let mut bytes = [0; 18];
    bytes[..16].copy_from_slice(&dalle.state().to_le_bytes());
    bytes[16..].copy_from_slice(&dalle.year.unwrap_or_default().to_le_bytes());
    xxh3_128(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Order, fixture::dalle};

    fn square(side: u32, changed: Option<(u32, u32)>) -> Regions {
        let each = (0..side).flat_map(|row| (0..side).map(move |col| (col, row)));
        let dalles = each.map(|(col, row)| {
            let mut dalle = dalle(&format!("{col}_{row}"), 200.0 * f64::from(col), -200.0 * f64::from(row));
            dalle.generation += u128::from(changed == Some((col, row)));
            std::sync::Arc::new(dalle)
        });
        Regions::new(&Mosaic::new(dalles.collect(), Order::Given)).expect("there are dalles")
    }

    #[test]
    fn a_rectangle_has_another_hash_exactly_when_a_dalle_in_it_is_another() {
        let (before, after) = (square(10, None), square(10, Some((4, 7))));
        let field = |col: f64, row: f64| {
            Bounds::new(col * 200.0, -row * 200.0 - 200.0, col * 200.0 + 200.0, -row * 200.0)
        };
        for row in 0..10 {
            for col in 0..10 {
                let bounds = field(f64::from(col), f64::from(row)).grown(-1.0);
                let is_same = before.hash(&bounds) == after.hash(&bounds);
                assert_eq!(is_same, (col, row) != (4, 7), "column {col}, row {row}");
            }
        }
        let all = field(0.0, 0.0).union(&field(9.0, 9.0));
        assert_ne!(before.hash(&all), after.hash(&all));
        assert_eq!(before.hash(&all.grown(1e6)), before.hash(&all), "what is outside adds nothing");
        assert_eq!(before.hash(&field(20.0, 20.0)), 0);
    }
}
