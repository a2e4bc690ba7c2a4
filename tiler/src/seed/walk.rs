//! The tiles of one matrix within limits and an area, metatile after metatile along the curve. Squares without a tile are
//! passed over whole, so that a long coast costs its own length and not the sea beside it.

use std::ops::Range;

use itertools::Itertools;

use super::{
    area::{Area, Part},
    curve::{curve_order, curve_place},
};
use crate::{
    geom::Bounds,
    tms::{TileId, TileLimits, TileMatrix},
};

/// Columns and rows of tiles of a metatile. Its blocks, at native zoom some 25 of 512 pixels, fit any cache.
pub const METATILE_SIDE: u32 = 8;
const METATILE_BITS: u8 = METATILE_SIDE.ilog2() as u8;
/// Parts of a tile that count as rounding, as in [`crate::tms`]: an area that enters a tile by less does not touch it.
const EDGE_TOLERANCE: f64 = 1e-6;

/// Which tiles of a matrix.
#[derive(Debug, Clone, Copy)]
pub struct Walk<'a> {
    matrix: &'a TileMatrix,
    index: usize,
    limits: TileLimits,
    area: &'a Area,
    order: u8,
}

/// A square of tiles, cut to the walk's limits and area.
#[derive(Debug)]
pub struct Metatile<'a> {
    walk: Walk<'a>,
    /// Its stretch of the curve.
    positions: Range<u64>,
    part: Part,
}

/// The metatiles of several walks on one way along the curve, each after the finer ones over the same ground: what those have
/// decoded is at hand for it, however large the whole is. It is so in sets whose cells halve from one origin, as long as the
/// orders of the curves rise by one; elsewhere it is an order like any other.
pub fn bottom_up<'a>(walks: impl Iterator<Item = Walk<'a>>) -> impl Iterator<Item = Metatile<'a>> {
    walks.map(|walk| walk.metatiles()).kmerge_by(Metatile::is_before)
}

/// A square of the descent: 2 to the power of `size` tiles along a side.
struct Square {
    size: u8,
    position: u64,
    part: Part,
}

impl<'a> Walk<'a> {
    /// The tiles of a matrix, the set's with number `index`, within limits that touch an area of the set's CRS.
    pub fn new(matrix: &'a TileMatrix, index: usize, limits: TileLimits, area: &'a Area) -> Self {
        let order = curve_order(matrix.matrix_width, matrix.matrix_height);
        Self { matrix, index, limits, area, order }
    }

    /// The number of tiles.
    pub fn count(&self) -> u64 {
        let mut count = 0;
        self.descend(0, &mut |square| {
            let limits = self.within(square.size, square.position);
            match (&square.part, limits) {
                (Part::Inside, Some(limits)) => {
                    count += limits.count();
                    false
                }
                (Part::Some(_), Some(_)) if square.size == 0 => {
                    count += 1;
                    false
                }
                _ => true,
            }
        });
        count
    }

    /// All metatiles that hold a tile, along the curve.
    pub fn metatiles(&self) -> impl Iterator<Item = Metatile<'a>> + use<'a> {
        let walk = *self;
        let size = METATILE_BITS.min(walk.order);
        let mut stack: Vec<_> = walk.root().into_iter().collect();
        std::iter::from_fn(move || {
            while let Some(square) = stack.pop() {
                if square.size <= size {
                    let first = square.position << (2 * square.size);
                    let positions = first..first + (1 << (2 * square.size));
                    return Some(Metatile { walk, positions, part: square.part });
                }
                stack.extend(walk.quarters(&square).rev());
            }
            None
        })
    }

    /// Visits squares down to those of size `least`, as long as `visit` wishes to go deeper.
    fn descend(&self, least: u8, visit: &mut dyn FnMut(&Square) -> bool) {
        let mut stack: Vec<_> = self.root().into_iter().collect();
        while let Some(square) = stack.pop() {
            if visit(&square) && square.size > least {
                stack.extend(self.quarters(&square));
            }
        }
    }

    /// All of the matrix, unless no tile within the limits touches the area.
    fn root(&self) -> Option<Square> {
        let part = self.area.narrow(&self.area.all(), || self.bounds(&self.limits));
        (part != Part::Outside).then_some(Square { size: self.order, position: 0, part })
    }

    /// The quarters of a square that hold a tile.
    fn quarters(&self, square: &Square) -> impl DoubleEndedIterator<Item = Square> + use<> {
        let size = square.size - 1;
        let quarters: [Option<Square>; 4] = [0, 1, 2, 3].map(|quarter| {
            let position = (square.position << 2) | quarter;
            let limits = self.within(size, position)?;
            match self.area.narrow(&square.part, || self.bounds(&limits)) {
                Part::Outside => None,
                part => Some(Square { size, position, part }),
            }
        });
        quarters.into_iter().flatten()
    }

    /// The tiles of a square that are within the limits.
    fn within(&self, size: u8, position: u64) -> Option<TileLimits> {
        let (col, row) = curve_place(self.order - size, position);
        // Of a square of 2^32 tiles the last one is the largest number there is.
        let side = ((1_u64 << size) - 1) as u32;
        let (min_col, min_row) = ((u64::from(col) << size) as u32, (u64::from(row) << size) as u32);
        let limits = TileLimits {
            min_col: min_col.max(self.limits.min_col),
            max_col: (min_col + side).min(self.limits.max_col),
            min_row: min_row.max(self.limits.min_row),
            max_row: (min_row + side).min(self.limits.max_row),
        };
        (limits.min_col <= limits.max_col && limits.min_row <= limits.max_row).then_some(limits)
    }

    /// What tiles cover, less what counts as rounding.
    fn bounds(&self, limits: &TileLimits) -> Bounds {
        let first = self.matrix.bounds(limits.min_col, limits.min_row);
        let last = self.matrix.bounds(limits.max_col, limits.max_row);
        first.union(&last).grown(-EDGE_TOLERANCE * first.width())
    }
}

impl Metatile<'_> {
    /// The order of the curve over the matrix.
    pub fn order(&self) -> u8 {
        self.walk.order
    }

    /// Its stretch of the curve, with tiles that are not in it.
    pub fn positions(&self) -> Range<u64> {
        self.positions.clone()
    }

    /// Whether its stretch ends first, or, of two that end as one, whether its tiles are the finer.
    fn is_before(&self, other: &Self) -> bool {
        // As parts of the whole curve, 2^-64 each.
        let end = |metatile: &Self| u128::from(metatile.positions.end) << (64 - 2 * metatile.walk.order);
        (end(self), other.walk.index) < (end(other), self.walk.index)
    }

    /// The columns and rows within which its tiles are.
    pub fn limits(&self) -> Option<TileLimits> {
        let size = ((self.positions.end - self.positions.start).ilog2() / 2) as u8;
        self.walk.within(size, self.positions.start >> (2 * size))
    }

    /// The number of the matrix in its set.
    pub fn matrix(&self) -> usize {
        self.walk.index
    }

    /// Its tiles, along the curve.
    pub fn tiles(&self) -> impl Iterator<Item = TileId> {
        let walk = &self.walk;
        self.positions.clone().filter_map(move |position| {
            let limits = walk.within(0, position)?;
            let part = walk.area.narrow(&self.part, || walk.bounds(&limits));
            let (col, row) = (limits.min_col, limits.min_row);
            (part != Part::Outside).then_some(TileId { matrix: walk.index, col, row })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{seed::Polygon, tms::Registry};

    const LIMITS: TileLimits = TileLimits { min_col: 37, max_col: 90, min_row: 5, max_row: 66 };

    fn tiles(walk: &Walk<'_>) -> Vec<(u32, u32)> {
        walk.metatiles()
            .flat_map(|metatile| metatile.tiles().map(|tile| (tile.col, tile.row)).collect::<Vec<_>>())
            .collect()
    }

    #[test]
    fn every_tile_within_the_limits_comes_once_and_along_the_curve() {
        let registry = Registry::standard();
        for (set, matrix) in [("WebMercatorQuad", 7), ("WorldCRS84Quad", 7), ("LAMB93", 9)] {
            let matrix = &registry.get(set).expect("a standard set").matrices[matrix];
            let limits = TileLimits {
                min_col: LIMITS.min_col.min(matrix.matrix_width / 2),
                max_col: LIMITS.max_col.min(matrix.matrix_width - 1),
                max_row: LIMITS.max_row.min(matrix.matrix_height - 1),
                ..LIMITS
            };
            let area = Area::everywhere();
            let walk = Walk::new(matrix, 7, limits, &area);
            let all = tiles(&walk);
            assert_eq!(all.len() as u64, limits.count(), "{set}");
            assert_eq!(walk.count(), limits.count(), "{set}");
            assert_eq!(all.iter().copied().collect::<BTreeSet<_>>().len(), all.len());
            let on_the_curve: Vec<u64> =
                all.iter().map(|&(col, row)| crate::seed::curve_position(walk.order, col, row)).collect();
            assert!(on_the_curve.is_sorted(), "{set}");
        }
    }

    #[test]
    fn a_metatile_follows_the_finer_ones_over_its_ground() {
        let registry = Registry::standard();
        for (set, zooms) in [
            ("WebMercatorQuad", 1..=9),
            ("WorldCRS84Quad", 1..=9),
            ("LAMB93_5cm", 2..=11),
            ("LAMB93", 0..=11),
        ] {
            let matrices = &registry.get(set).expect("a standard set").matrices;
            let area = Area::everywhere();
            let walks = zooms.map(|index| {
                let matrix = &matrices[index];
                // About the same ground at all zooms.
                let (max_col, max_row) = (matrix.matrix_width * 4 / 7, matrix.matrix_height * 3 / 5);
                let limits = TileLimits { min_col: matrix.matrix_width / 9, max_col, min_row: 0, max_row };
                Walk::new(matrix, index, limits, &area)
            });
            let walks: Vec<_> = walks.collect();
            let metatiles: Vec<_> = bottom_up(walks.iter().copied()).collect();
            let count: usize = metatiles.iter().map(|metatile| metatile.tiles().count()).sum();
            assert_eq!(count as u64, walks.iter().map(Walk::count).sum::<u64>(), "{set}");
            let mut most = 0;
            for (place, coarse) in metatiles.iter().enumerate() {
                let over = coarse.positions.start << 2..coarse.positions.end << 2;
                let is_finer = |fine: &&Metatile<'_>| {
                    let (walk, above) = (&fine.walk, &coarse.walk);
                    (walk.index, walk.order) == (above.index + 1, above.order + 1)
                        && over.start <= fine.positions.start
                        && fine.positions.end <= over.end
                };
                let finer = metatiles.iter().filter(is_finer).count();
                assert_eq!(metatiles[..place].iter().filter(is_finer).count(), finer, "{set}");
                // And right after them: what comes in between lies under it as well.
                if finer > 0 {
                    let first = metatiles[..place].iter().position(|fine| is_finer(&fine)).unwrap_or(place);
                    let under = |fine: &Metatile<'_>| {
                        let finer = fine.walk.order.checked_sub(coarse.walk.order + 1);
                        finer.is_some_and(|finer| over.contains(&(fine.positions.start >> (2 * finer))))
                    };
                    assert!(metatiles[first..place].iter().all(under), "{set}");
                }
                most = most.max(finer);
            }
            assert_eq!(most, 4, "{set}");
        }
    }

    #[test]
    fn the_whole_of_the_finest_matrix_is_counted_at_once() {
        let registry = Registry::standard();
        let matrix = &registry.get("WebMercatorQuad").expect("a standard set").matrices[24];
        let limits = TileLimits { min_col: 1, max_col: (1 << 24) - 1, min_row: 0, max_row: (1 << 24) - 1 };
        assert_eq!(Walk::new(matrix, 24, limits, &Area::everywhere()).count(), limits.count());
    }

    #[test]
    fn only_tiles_that_touch_the_area_are_made() {
        let registry = Registry::standard();
        let matrix = &registry.get("WebMercatorQuad").expect("a standard set").matrices[7];
        let at = |col: f64, row: f64| {
            let one = matrix.bounds(0, 0);
            (one.min_x + col * one.width(), one.max_y - row * one.height())
        };
        // Whole tiles, with a hole of whole tiles and a triangle that begins within a tile.
        let square = |a: f64, b: f64| vec![at(a, a), at(b, a), at(b, b), at(a, b)];
        let area = Area::of(vec![
            Polygon::new(vec![square(40.0, 50.0), square(43.0, 46.0)]),
            Polygon::new(vec![vec![at(60.5, 20.5), at(62.5, 20.5), at(60.5, 22.5)]]),
        ]);
        let walk = Walk::new(matrix, 7, LIMITS, &area);
        let found: BTreeSet<_> = tiles(&walk).into_iter().collect();
        let is_square = |&(col, row): &(u32, u32)| {
            let has = |range: Range<u32>| range.contains(&col) && range.contains(&row);
            has(40..50) && !has(43..46)
        };
        let mut expected: BTreeSet<_> = LIMITS.iter().filter(is_square).collect();
        expected.extend([(60, 20), (61, 20), (62, 20), (60, 21), (61, 21), (60, 22)]);
        assert_eq!(found, expected);
        assert_eq!(walk.count(), expected.len() as u64);
    }
}
