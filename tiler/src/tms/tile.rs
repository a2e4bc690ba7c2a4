//! The address of a tile, and a range of addresses. They are numbers only: no CRS, no size.

/// One cell of a tile matrix, counted from its top left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileId {
    /// Index in the set's `matrices`, not the matrix's identifier.
    pub matrix: usize,
    /// Column, 0 the westernmost.
    pub col: u32,
    /// Row, 0 the northernmost.
    pub row: u32,
}

/// A range of tiles of one matrix, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TileLimits {
    /// First column.
    pub min_col: u32,
    /// Last column.
    pub max_col: u32,
    /// First row.
    pub min_row: u32,
    /// Last row.
    pub max_row: u32,
}

impl TileLimits {
    /// Whether the tile at `col`, `row` is in the range.
    pub const fn contains(&self, col: u32, row: u32) -> bool {
        col >= self.min_col && col <= self.max_col && row >= self.min_row && row <= self.max_row
    }

    /// Number of tiles.
    pub const fn count(&self) -> u64 {
        (self.max_col as u64 - self.min_col as u64 + 1) * (self.max_row as u64 - self.min_row as u64 + 1)
    }

    /// The smallest range that holds both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            min_col: self.min_col.min(other.min_col),
            max_col: self.max_col.max(other.max_col),
            min_row: self.min_row.min(other.min_row),
            max_row: self.max_row.max(other.max_row),
        }
    }

    /// Every `(col, row)` of the range, row by row.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32)> + use<> {
        let limits = *self;
        (limits.min_row..=limits.max_row)
            .flat_map(move |row| (limits.min_col..=limits.max_col).map(move |col| (col, row)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_belong_to_the_range() {
        let limits = TileLimits { min_col: 3, max_col: 5, min_row: 7, max_row: 7 };
        assert!(limits.contains(3, 7) && limits.contains(5, 7));
        assert!(!limits.contains(2, 7) && !limits.contains(6, 7) && !limits.contains(4, 8));
        assert_eq!(limits.count(), 3);
        assert_eq!(limits.iter().collect::<Vec<_>>(), [(3, 7), (4, 7), (5, 7)]);
    }

    #[test]
    fn the_largest_range_can_be_counted() {
        let all = TileLimits { min_col: 0, max_col: u32::MAX - 1, min_row: 0, max_row: u32::MAX - 1 };
        assert_eq!(all.count(), u64::from(u32::MAX) * u64::from(u32::MAX));
    }
}
