//! Hilbert's curve over a matrix: neighbours on the curve are neighbours on the ground, and an aligned square of tiles is one
//! stretch of it. It is the order of PMTiles.

use fast_hilbert::{h2xy, xy2h};

/// The order of the smallest curve that passes all tiles of a matrix of so many columns and rows: its side is 2 to that power.
pub const fn curve_order(width: u32, height: u32) -> u8 {
    let side = if width > height { width } else { height };
    (u32::BITS - side.saturating_sub(1).leading_zeros()) as u8
}

/// Where on the curve a tile lies.
pub fn curve_position(order: u8, col: u32, row: u32) -> u64 {
    xy2h(col, row, order)
}

/// Column and row of a position.
pub fn curve_place(order: u8, position: u64) -> (u32, u32) {
    h2xy(position, order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_is_that_of_pmtiles() {
        // PMTiles version 3, 4.1.1: tile ids 1 to 4 and 5 to 8, less the tiles of coarser zooms.
        let first: Vec<_> = (0..4).map(|position| curve_place(1, position)).collect();
        assert_eq!(first, [(0, 0), (0, 1), (1, 1), (1, 0)]);
        let second: Vec<_> = (0..4).map(|position| curve_place(2, position)).collect();
        assert_eq!(second, [(0, 0), (1, 0), (1, 1), (0, 1)]);
        assert_eq!(curve_position(12, 3423, 1763), 19_078_479 - 5_592_405);
    }

    #[test]
    fn an_aligned_square_is_one_stretch_of_it() {
        for (col, row) in [(0, 0), (8, 0), (1016, 64), (512, 1016)] {
            let mut positions: Vec<u64> = (0..64)
                .map(|i| curve_position(10, col + i % 8, row + i / 8))
                .inspect(|&position| {
                    assert_eq!(position >> 6, curve_position(7, col >> 3, row >> 3));
                })
                .collect();
            positions.sort_unstable();
            assert!(positions.windows(2).all(|two| two[1] == two[0] + 1));
        }
    }

    #[test]
    fn the_order_holds_all_tiles() {
        for (width, height, order) in
            [(1, 1, 0), (2, 1, 1), (3, 3, 2), (4, 4, 2), (5, 1, 3), (1 << 24, 9, 24), (u32::MAX, 1, 32)]
        {
            assert_eq!(curve_order(width, height), order, "{width} x {height}");
        }
    }
}
