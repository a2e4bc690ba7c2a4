//! Matrices from a rule: a coarsest cell halved from level to level. It knows no name of a set.

use super::{STANDARD_PIXEL_M, TileMatrix};
use crate::geom::Bounds;

/// Pixels along a tile of every generated matrix.
const TILE_PX: u32 = 256;

/// A set whose cells halve from one matrix to the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ladder {
    /// Cell size of the first matrix, CRS units.
    pub top_cell: f64,
    /// Identifier of the first matrix; the next ones count up.
    pub first_id: u32,
    /// Number of matrices.
    pub levels: u32,
    /// Top left corner, `(x, y)` in CRS units.
    pub origin: (f64, f64),
    /// How many columns and rows each matrix has.
    pub sizes: Sizes,
}

/// Columns and rows of the matrices.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sizes {
    /// So many in the first matrix, twice as many in each following one.
    Doubling(u32, u32),
    /// As many as it takes to cover the rectangle between the origin and this bottom right corner.
    Covering(f64, f64),
    /// As published, one `(columns, rows)` a level.
    Published(&'static [(u32, u32)]),
}

/// The matrices of a ladder, the coarsest first.
pub(super) fn matrices(ladder: &Ladder, metres_per_unit: f64) -> Vec<TileMatrix> {
    (0..ladder.levels)
        .map(|level| {
            let cell_size = ladder.top_cell / 2.0_f64.powi(level as i32);
            let size = ladder.size(level, cell_size);
            matrix(ladder.first_id + level, ladder.origin, cell_size, size, metres_per_unit)
        })
        .collect()
}

/// The matrices of a list of cell sizes that follow no rule.
pub(super) fn irregular(
    levels: &[(f64, u32, u32)],
    origin: (f64, f64),
    metres_per_unit: f64,
) -> Vec<TileMatrix> {
    let numbered = (0..).zip(levels);
    numbered
        .map(|(id, &(cell_size, width, height))| {
            matrix(id, origin, cell_size, (width, height), metres_per_unit)
        })
        .collect()
}

impl Ladder {
    fn size(&self, level: u32, cell_size: f64) -> (u32, u32) {
        match self.sizes {
            Sizes::Doubling(width, height) => (width << level, height << level),
            Sizes::Covering(right, bottom) => {
                let extent = Bounds::new(self.origin.0, bottom, right, self.origin.1);
                let span = cell_size * f64::from(TILE_PX);
                let tiles = |length: f64| ((length / span - 1e-9).ceil() as u32).max(1);
                (tiles(extent.width()), tiles(extent.height()))
            }
            Sizes::Published(sizes) => sizes.get(level as usize).copied().unwrap_or((1, 1)),
        }
    }
}

fn matrix(
    id: u32,
    origin: (f64, f64),
    cell_size: f64,
    (matrix_width, matrix_height): (u32, u32),
    metres_per_unit: f64,
) -> TileMatrix {
    TileMatrix {
        id: id.to_string(),
        scale_denominator: cell_size * metres_per_unit / STANDARD_PIXEL_M,
        cell_size,
        point_of_origin: origin,
        tile_width: TILE_PX,
        tile_height: TILE_PX,
        matrix_width,
        matrix_height,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_covering_ladder_reaches_its_corner_and_no_tile_further() {
        let ladder = Ladder {
            top_cell: 209_715.2,
            first_id: 0,
            levels: 23,
            origin: (0.0, 12_000_000.0),
            sizes: Sizes::Covering(2_400_000.0, 1_000_000.0),
        };
        for matrix in matrices(&ladder, 1.0) {
            let (extent, span) = (matrix.extent(), 256.0 * matrix.cell_size);
            assert!(extent.max_x >= 2_400_000.0 && extent.max_x - span < 2_400_000.0, "{}", matrix.id);
            assert!(extent.min_y <= 1_000_000.0 && extent.min_y + span > 1_000_000.0, "{}", matrix.id);
        }
    }

    #[test]
    fn the_last_cell_of_the_5_cm_ladder_is_5_cm() {
        let ladder = Ladder {
            top_cell: 209_715.2,
            first_id: 0,
            levels: 23,
            origin: (0.0, 0.0),
            sizes: Sizes::Doubling(1, 1),
        };
        let last = matrices(&ladder, 1.0).pop().unwrap();
        assert!((last.cell_size - 0.05).abs() < 1e-17 && last.id == "22" && last.matrix_width == 1 << 22);
    }
}
