//! One matrix of a set: between columns and rows of tiles and coordinates. It does not know its CRS.

use super::TileLimits;
use crate::geom::{Bounds, Size};

/// Parts of a tile that count as rounding: a rectangle that enters a tile by less does not touch it.
/// At 256 pixels it is a four-thousandth of a pixel.
const EDGE_TOLERANCE: f64 = 1e-6;

/// A grid of tiles of one cell size.
#[derive(Debug, Clone, PartialEq)]
pub struct TileMatrix {
    /// The identifier in URLs and documents, usually a number.
    pub id: String,
    /// Cell size in metres divided by 0.28 mm.
    pub scale_denominator: f64,
    /// Width and height of a pixel, in CRS units.
    pub cell_size: f64,
    /// The top left corner, `(x, y)` in CRS units.
    pub point_of_origin: (f64, f64),
    /// Width of a tile, pixels.
    pub tile_width: u32,
    /// Height of a tile, pixels.
    pub tile_height: u32,
    /// Number of columns.
    pub matrix_width: u32,
    /// Number of rows.
    pub matrix_height: u32,
}

impl TileMatrix {
    /// What the tile at `col`, `row` covers, in CRS units; it need not be in the matrix.
    pub fn bounds(&self, col: u32, row: u32) -> Bounds {
        let (x, y) = (|col: f64| self.edge_x(col), |row: f64| self.edge_y(row));
        let (col, row) = (f64::from(col), f64::from(row));
        Bounds::new(x(col), y(row + 1.0), x(col + 1.0), y(row))
    }

    /// What the whole matrix covers, in CRS units.
    pub fn extent(&self) -> Bounds {
        let (x, y) = self.point_of_origin;
        let (right, bottom) =
            (self.edge_x(f64::from(self.matrix_width)), self.edge_y(f64::from(self.matrix_height)));
        Bounds::new(x, bottom, right, y)
    }

    /// Size of a tile in pixels.
    pub fn tile_size(&self) -> Size {
        Size::new(self.tile_width, self.tile_height)
    }

    /// The tiles that `coverage` touches, cut to the matrix; `None` when there is none.
    pub fn limits(&self, coverage: &Bounds) -> Option<TileLimits> {
        let (span_x, span_y) = self.span();
        let (left, top) = self.point_of_origin;
        let (min_col, max_col) =
            range((coverage.min_x - left) / span_x, (coverage.max_x - left) / span_x, self.matrix_width)?;
        let (min_row, max_row) =
            range((top - coverage.max_y) / span_y, (top - coverage.min_y) / span_y, self.matrix_height)?;
        Some(TileLimits { min_col, max_col, min_row, max_row })
    }

    /// Column and row of the tile that holds the point; `None` outside of the matrix.
    pub fn tile_at(&self, x: f64, y: f64) -> Option<(u32, u32)> {
        if !self.extent().contains(x, y) {
            return None;
        }
        let (span_x, span_y) = self.span();
        let (left, top) = self.point_of_origin;
        // A point on the last edge belongs to the last tile; `as` saturates below zero.
        let col = (((x - left) / span_x) as u32).min(self.matrix_width.checked_sub(1)?);
        let row = (((top - y) / span_y) as u32).min(self.matrix_height.checked_sub(1)?);
        // The division may round across an edge.
        let bounds = self.bounds(col, row);
        let col = if x < bounds.min_x { col.saturating_sub(1) } else { col + u32::from(x > bounds.max_x) };
        let row = if y > bounds.max_y { row.saturating_sub(1) } else { row + u32::from(y < bounds.min_y) };
        Some((col, row))
    }

    fn span(&self) -> (f64, f64) {
        (self.cell_size * f64::from(self.tile_width), self.cell_size * f64::from(self.tile_height))
    }

    fn edge_x(&self, col: f64) -> f64 {
        self.point_of_origin.0 + col * self.span().0
    }

    fn edge_y(&self, row: f64) -> f64 {
        self.point_of_origin.1 - row * self.span().1
    }
}

/// First and last whole number touched between `from` and `to`, within `0..count`.
fn range(from: f64, to: f64, count: u32) -> Option<(u32, u32)> {
    if !from.is_finite() || !to.is_finite() || from > to {
        return None;
    }
    let first = (from + EDGE_TOLERANCE).floor();
    // Something narrower than the tolerance still touches the tile it lies in.
    let last = ((to - EDGE_TOLERANCE).ceil() - 1.0).max(first);
    let most = f64::from(count) - 1.0;
    (last >= 0.0 && first <= most).then(|| (first.max(0.0) as u32, last.min(most) as u32))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tms::Registry;

    fn matrix(set: &str, index: usize) -> TileMatrix {
        Registry::standard().get(set).expect("a standard set").matrices[index].clone()
    }

    #[test]
    fn a_rectangle_of_whole_tiles_touches_only_them() {
        let matrix = matrix("2154_5cm", 22);
        for noise in [0.0, 1e-9, -1e-9, 1e-7, -1e-7] {
            let b =
                Bounds::new(640_000.0 - noise, 6_239_987.2 - noise, 640_025.6 + noise, 6_240_000.0 + noise);
            let limits = matrix.limits(&b).unwrap();
            let expected =
                TileLimits { min_col: 50_000, max_col: 50_001, min_row: 450_000, max_row: 450_000 };
            assert_eq!(limits, expected, "noise {noise}");
        }
    }

    #[test]
    fn limits_are_cut_to_the_matrix() {
        let matrix = matrix("WebMercatorQuad", 3);
        let world = Bounds::new(-1e9, -1e9, 1e9, 1e9);
        assert_eq!(
            matrix.limits(&world),
            Some(TileLimits { min_col: 0, max_col: 7, min_row: 0, max_row: 7 })
        );
        assert_eq!(matrix.limits(&Bounds::new(3e7, 0.0, 4e7, 1.0)), None);
        assert_eq!(matrix.limits(&Bounds::new(-4e7, 0.0, -3e7, 1.0)), None);
        assert_eq!(matrix.limits(&matrix.extent()), matrix.limits(&world));
        assert_eq!(matrix.limits(&Bounds::new(f64::NAN, 0.0, 1.0, 1.0)), None);
        assert_eq!(matrix.limits(&Bounds::new(1.0, 0.0, 0.0, 1.0)), None, "inside out");
    }

    #[test]
    fn a_point_is_a_coverage_of_one_tile() {
        let matrix = matrix("WebMercatorQuad", 10);
        for at in [0.0, 1000.0, matrix.bounds(600, 300).min_x] {
            assert_eq!(matrix.limits(&Bounds::new(at, at, at, at)).unwrap().count(), 1);
        }
    }

    #[test]
    fn neighbours_share_their_edge_exactly() {
        let matrix = matrix("LAMB93", 17);
        for (col, row) in [(0, 0), (1, 2), (3333, 12_345), (6319, 29_000)] {
            let (a, right, below) =
                (matrix.bounds(col, row), matrix.bounds(col + 1, row), matrix.bounds(col, row + 1));
            assert!(a.max_x.to_bits() == right.min_x.to_bits() && a.min_y.to_bits() == below.max_y.to_bits());
        }
    }

    fn any_matrix() -> impl Strategy<Value = TileMatrix> {
        let all: Vec<TileMatrix> =
            Registry::standard().iter().flat_map(|set| set.matrices.iter().cloned()).collect();
        proptest::sample::select(all)
    }

    fn at(extent: &Bounds, u: f64, v: f64) -> (f64, f64) {
        (extent.min_x + u * extent.width(), extent.min_y + v * extent.height())
    }

    proptest! {
        #[test]
        fn the_tile_of_a_point_contains_the_point(m in any_matrix(), u in 0.0..=1.0, v in 0.0..=1.0) {
            let (x, y) = at(&m.extent(), u, v);
            prop_assume!(m.extent().contains(x, y));
            let (col, row) = m.tile_at(x, y).expect("inside the matrix");
            prop_assert!(col < m.matrix_width && row < m.matrix_height);
            prop_assert!(m.bounds(col, row).contains(x, y));
        }

        #[test]
        fn the_corner_of_a_tile_is_in_that_tile_or_its_neighbour(m in any_matrix(), u in 0.0..1.0, v in 0.0..1.0) {
            let col = (u * f64::from(m.matrix_width)) as u32;
            let row = (v * f64::from(m.matrix_height)) as u32;
            let b = m.bounds(col, row);
            let (c, r) = m.tile_at(b.min_x, b.max_y).expect("inside the matrix");
            prop_assert!(m.bounds(c, r).contains(b.min_x, b.max_y));
        }

        #[test]
        fn limits_cover_the_bounds(m in any_matrix(), a in 0.0..=1.0_f64, b in 0.0..=1.0_f64, w in 0.0..0.3_f64, h in 0.0..0.3_f64) {
            let extent = m.extent();
            let (x, y) = at(&extent, a, b);
            let (x2, y2) = at(&extent, (a + w).min(1.0), (b + h).min(1.0));
            let coverage = Bounds::new(x.min(x2), y.min(y2), x.max(x2), y.max(y2));
            let limits = m.limits(&coverage).expect("inside the matrix");
            let covered = m
                .bounds(limits.min_col, limits.min_row)
                .union(&m.bounds(limits.max_col, limits.max_row))
                .grown(2.0 * EDGE_TOLERANCE * m.span().0.max(m.span().1));
            prop_assert!(covered.contains(coverage.min_x, coverage.min_y));
            prop_assert!(covered.contains(coverage.max_x, coverage.max_y));
        }

        #[test]
        fn the_limits_of_a_tile_are_that_tile(m in any_matrix(), u in 0.0..1.0, v in 0.0..1.0) {
            let col = (u * f64::from(m.matrix_width)) as u32;
            let row = (v * f64::from(m.matrix_height)) as u32;
            let limits = m.limits(&m.bounds(col, row)).expect("a tile of the matrix");
            prop_assert_eq!(limits, TileLimits { min_col: col, max_col: col, min_row: row, max_row: row });
        }
    }
}
