//! Tile matrix sets: which rectangle of the ground a tile address means, and which addresses a rectangle needs.
//!
//! The words and the arithmetic are those of OGC 17-083r4 (Two Dimensional Tile Matrix Set). Coordinates are
//! `x, y`; rows count down from the top left corner. It knows no image, no layer and no URL.
//!
//! ```
//! use tiler::tms::{Registry, TileId};
//!
//! let registry = Registry::standard();
//! let set = registry.get("2154_5cm").expect("IGN's 5 cm grid of Lambert-93");
//! let matrix = set.matrix_index("22").expect("the finest matrix");
//! assert_eq!(set.matrices[matrix].cell_size, 0.05);
//! let tile = TileId { matrix, col: 50_000, row: 450_000 };
//! let bounds = set.bounds(tile);
//! assert_eq!((bounds.min_x, bounds.max_y), (640_000.0, 6_240_000.0));
//! ```

mod json;
mod ladder;
mod matrix;
#[cfg(test)]
mod published;
mod registry;
mod sizes;
mod standard;
mod tile;

pub use json::TmsError;
pub use matrix::TileMatrix;
pub use registry::Registry;
pub use tile::{TileId, TileLimits};

use crate::crs::Crs;
use crate::geom::Bounds;

/// A pixel of a scale denominator is 0.28 mm wide (OGC 17-083r4, 6.1).
pub const STANDARD_PIXEL_M: f64 = 0.000_28;

/// An ordered list of matrices in one CRS, the coarsest first.
#[derive(Debug, Clone, PartialEq)]
pub struct TileMatrixSet {
    /// The name in URLs and documents.
    pub id: String,
    /// The name for people.
    pub title: String,
    /// Other names by which a client may ask for the set.
    pub aliases: Vec<String>,
    /// The CRS of the set.
    pub crs: Crs,
    /// OGC's URI of the well known scale set it follows, if any.
    pub well_known_scale_set: Option<String>,
    /// Never empty, cell sizes strictly decreasing.
    pub matrices: Vec<TileMatrix>,
}

impl TileMatrixSet {
    /// What a tile covers, in CRS units; neighbours share their edge exactly.
    ///
    /// # Panics
    ///
    /// When `tile.matrix` is no index of `matrices`; see [`TileMatrixSet::contains`].
    pub fn bounds(&self, tile: TileId) -> Bounds {
        self.matrices[tile.matrix].bounds(tile.col, tile.row)
    }

    /// The tiles of a matrix that `coverage` (in the set's CRS) touches; `None` when it is outside.
    pub fn limits(&self, matrix: usize, coverage: &Bounds) -> Option<TileLimits> {
        self.matrices.get(matrix)?.limits(coverage)
    }

    /// The tile that holds a point of the set's CRS; `None` outside of the matrix.
    pub fn tile_at(&self, matrix: usize, x: f64, y: f64) -> Option<TileId> {
        let (col, row) = self.matrices.get(matrix)?.tile_at(x, y)?;
        Some(TileId { matrix, col, row })
    }

    /// The index of a matrix by its identifier: `12`, or `<name of the set>:12` as older clients write it.
    pub fn matrix_index(&self, id: &str) -> Option<usize> {
        let position = |id: &str| self.matrices.iter().position(|matrix| matrix.id == id);
        position(id).or_else(|| {
            let (set, id) = id.rsplit_once(':')?;
            if self.is_named(set) { position(id) } else { None }
        })
    }

    /// Whether the matrix exists and holds the tile.
    pub fn contains(&self, tile: TileId) -> bool {
        self.matrices
            .get(tile.matrix)
            .is_some_and(|matrix| tile.col < matrix.matrix_width && tile.row < matrix.matrix_height)
    }

    /// The first matrix as fine as `cell_size` (CRS units, one hundredth coarser is as fine), else the finest.
    pub fn matrix_for_cell_size(&self, cell_size: f64) -> usize {
        let fine = self.matrices.iter().position(|matrix| matrix.cell_size <= cell_size * 1.01);
        fine.unwrap_or(self.matrices.len().saturating_sub(1))
    }

    /// Whether `name` is the identifier or an alias, or one of them with a range of levels as ROK4 adds it.
    pub fn is_named(&self, name: &str) -> bool {
        let own = |name: &str| {
            self.id.eq_ignore_ascii_case(name) || self.aliases.iter().any(|a| a.eq_ignore_ascii_case(name))
        };
        own(name) || registry::without_levels(name).is_some_and(own)
    }

    /// OGC's URI of the definition when the set is in OGC's register.
    pub fn uri(&self) -> Option<String> {
        let registered = standard::OGC_IDS.contains(&self.id.as_str());
        registered.then(|| format!("http://www.opengis.net/def/tilematrixset/OGC/1.0/{}", self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_is_found_by_its_id_with_or_without_the_name_of_the_set() {
        let registry = Registry::standard();
        let mercator = registry.get("PM").unwrap();
        for id in ["14", "EPSG:3857:14", "WebMercatorQuad:14", "PM:14", "PM_0_19:14"] {
            assert_eq!(mercator.matrix_index(id), Some(14), "{id}");
        }
        for id in ["25", "EPSG:2154:14", "", ":", "014", "-1"] {
            assert_eq!(mercator.matrix_index(id), None, "{id}");
        }
        let utm = registry.get("UTM31WGS84Quad").unwrap();
        assert_eq!(utm.matrix_index("1"), Some(0), "the index is not the identifier");
    }

    #[test]
    fn the_matrix_for_a_cell_size_is_as_fine_or_the_finest() {
        let registry = Registry::standard();
        let set = registry.get("LAMB93_5cm").unwrap();
        for (cell, index) in
            [(0.05, 22), (0.0499, 22), (0.06, 22), (0.1, 21), (0.2, 20), (1e9, 0), (1e-9, 22)]
        {
            assert_eq!(set.matrix_for_cell_size(cell), index, "{cell}");
        }
    }

    #[test]
    fn a_tile_beyond_the_matrix_is_not_contained() {
        let registry = Registry::standard();
        let set = registry.get("WorldCRS84Quad").unwrap();
        assert!(set.contains(TileId { matrix: 0, col: 1, row: 0 }));
        assert!(!set.contains(TileId { matrix: 0, col: 2, row: 0 }));
        assert!(!set.contains(TileId { matrix: 0, col: 0, row: 1 }));
        assert!(!set.contains(TileId { matrix: 99, col: 0, row: 0 }));
    }

    #[test]
    fn registered_sets_have_a_uri() {
        let registry = Registry::standard();
        let uri = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad";
        assert_eq!(registry.get("PM").unwrap().uri().as_deref(), Some(uri));
        assert_eq!(registry.get("2154_5cm").unwrap().uri(), None);
    }
}
