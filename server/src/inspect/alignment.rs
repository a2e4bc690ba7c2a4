//! How the pixels and blocks of files lie on the tile matrix sets of their own CRS. Where all three coincide, a tile is made
//! of the file's own pixels, of as few blocks as can be; where a tile is a block, it can go out as it is stored.

use std::{collections::BTreeMap, sync::Arc};

use tiler::{
    geom::Size,
    tms::{Registry, TileMatrix, TileMatrixSet},
};

use super::{Dalle, dalle::Placed, groups::significant};

/// Cell sizes that differ by a smaller part are the same.
const SAME_CELL: f64 = 1e-6;
/// Pixels that are less apart coincide.
const SAME_PIXEL: f64 = 0.01;
/// Blocks that are less beside tiles are sent for them.
const SAME_BLOCK_PX: f64 = 1e-3;

/// Files of one CRS and cell size, on one set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Alignment {
    pub crs: String,
    /// Of the files, CRS units.
    pub cell_size: f64,
    pub files: usize,
    pub set: String,
    /// The one whose cell size is nearest.
    pub matrix: String,
    pub matrix_cell_size: f64,
    /// Cell size of the files divided by that of the matrix.
    pub ratio: f64,
    /// Where the cell sizes are the same.
    pub grids: Option<Grids>,
    /// Where tiles are blocks that can be sent as they are stored.
    pub passed: Option<Passed>,
}

/// Tiles that are blocks as they are stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Passed {
    /// The level of these tiles.
    pub matrix: String,
    /// 1, or 2 for tiles of twice the pixels along each side.
    pub scale: u32,
    /// Files whose blocks are such tiles.
    pub files: usize,
}

/// How far pixel grids and blocks are from those of the matrix.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Grids {
    /// The farthest pixel grid, 0 to 0.5 px.
    pub worst_px: f64,
    /// Files whose pixels are the matrix's.
    pub pixels_coincide: usize,
    /// Files whose blocks also end where tiles do.
    pub blocks_coincide: usize,
    /// How far the blocks of the first file are from a tile's corner, columns and rows; `None` for strips and for
    /// blocks that no number of tiles fills.
    pub blocks_off_px: Option<(u32, u32)>,
}

impl Alignment {
    /// In words.
    pub(crate) fn words(&self) -> String {
        let Some(grids) = &self.grids else {
            let matrix = significant(self.matrix_cell_size);
            return format!(
                "resampled: the nearest matrix, {} level {}, has pixels of {matrix}; these are {:.3} times as large",
                self.set, self.matrix, self.ratio
            );
        };
        let of_all = |count: usize| {
            if count == self.files { String::new() } else { format!(" in {count} of {} files", self.files) }
        };
        let place = format!("{} level {}", self.set, self.matrix);
        if grids.pixels_coincide == 0 {
            return format!(
                "resampled: pixels of the size of {place}, but up to {:.2} px beside its own",
                grids.worst_px
            );
        }
        let blocks = match grids.blocks_off_px {
            _ if grids.blocks_coincide > 0 => {
                format!("blocks end where tiles do{}", of_all(grids.blocks_coincide))
            }
            Some((x, y)) if x == y => format!("blocks are off by {x} px"),
            Some((x, y)) => format!("blocks are off by {x} px across, {y} px down"),
            None => "blocks do not fit tiles".to_owned(),
        };
        let passed = self.passed.as_ref().map_or_else(String::new, |Passed { matrix, scale, files }| {
            let scale = if *scale == 1 { "" } else { "@2x" };
            format!(", tiles of level {matrix}{scale} go out undecoded{}", of_all(*files))
        });
        format!("aligned with {place}: pixels coincide{}, {blocks}{passed}", of_all(grids.pixels_coincide))
    }
}

/// For each CRS and cell size, the most frequent first: all sets of that CRS, the best first.
pub(crate) fn alignments(dalles: &[Dalle], registry: &Registry) -> Vec<Vec<Alignment>> {
    let mut groups: BTreeMap<_, Vec<Placed<'_>>> = BTreeMap::new();
    for one in dalles.iter().filter_map(Dalle::placed) {
        let is_square = (one.cell.0 / one.cell.1 - 1.0).abs() < SAME_CELL;
        if is_square {
            groups.entry((one.crs.name(), significant(one.cell.0))).or_default().push(one);
        }
    }
    let mut out: Vec<Vec<Alignment>> = groups.into_values().map(|group| of_group(&group, registry)).collect();
    out.retain(|sets| !sets.is_empty());
    out.sort_by_key(|sets| std::cmp::Reverse(sets[0].files));
    out
}

fn of_group(group: &[Placed<'_>], registry: &Registry) -> Vec<Alignment> {
    let Some(first) = group.first() else { return Vec::new() };
    let mut sets: Vec<Arc<TileMatrixSet>> =
        registry.iter().filter(|set| set.crs == *first.crs).cloned().collect();
    if let Some(native) = registry.native_for(first.crs).filter(|set| set.crs == *first.crs) {
        sets.retain(|set| set.id != native.id);
        sets.insert(0, native);
    }
    let mut found: Vec<Alignment> = sets.iter().filter_map(|set| of_set(group, set)).collect();
    // A stable sort: the native set stays first among equals.
    let rank = |alignment: &Alignment| {
        let grids = alignment.grids.unwrap_or_default();
        (grids.pixels_coincide, grids.blocks_coincide, usize::from(alignment.grids.is_some()))
    };
    found.sort_by_key(|alignment| std::cmp::Reverse(rank(alignment)));
    found
}

fn of_set(group: &[Placed<'_>], set: &TileMatrixSet) -> Option<Alignment> {
    let first = group.first()?;
    let distance = |matrix: &&TileMatrix| (first.cell.0 / matrix.cell_size).ln().abs();
    let matrix = set.matrices.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    let ratio = first.cell.0 / matrix.cell_size;
    let grids = ((ratio - 1.0).abs() < SAME_CELL).then(|| {
        let mut grids = Grids { blocks_off_px: blocks_off(first, matrix), ..Grids::default() };
        for one in group {
            let (x, y) = corner(one, matrix);
            let off = (x - x.round()).abs().max((y - y.round()).abs());
            grids.worst_px = grids.worst_px.max(off);
            if off <= SAME_PIXEL {
                grids.pixels_coincide += 1;
                grids.blocks_coincide += usize::from(blocks_off(one, matrix) == Some((0, 0)));
            }
        }
        grids
    });
    Some(Alignment {
        crs: first.crs.name(),
        cell_size: first.cell.0,
        files: group.len(),
        set: set.id.clone(),
        matrix: matrix.id.clone(),
        matrix_cell_size: matrix.cell_size,
        ratio,
        grids,
        passed: passed(group, set),
    })
}

/// The tiles that are blocks of most of the files.
fn passed(group: &[Placed<'_>], set: &TileMatrixSet) -> Option<Passed> {
    let first = group.first()?;
    let of_scale = |scale: u32| {
        let cell = first.cell.0 * f64::from(scale);
        let matrix = set.matrices.iter().find(|matrix| (matrix.cell_size / cell - 1.0).abs() < SAME_CELL)?;
        let files = group.iter().filter(|one| is_passed(one, matrix, scale)).count();
        (files > 0).then(|| Passed { matrix: matrix.id.clone(), scale, files })
    };
    [of_scale(2), of_scale(1)].into_iter().flatten().max_by_key(|passed| passed.files)
}

fn is_passed(one: &Placed<'_>, matrix: &TileMatrix, scale: u32) -> bool {
    let block = Size::new(matrix.tile_width * scale, matrix.tile_height * scale);
    if one.dalle.tile != Some(block) || !one.dalle.has_pictures {
        return false;
    }
    let (left, top) = matrix.point_of_origin;
    let is_whole = |distance: f64, block: u32| {
        let blocks = distance / (one.cell.0 * f64::from(block));
        (blocks - blocks.round()).abs() * f64::from(block) <= SAME_BLOCK_PX
    };
    is_whole(one.bounds.min_x - left, block.width) && is_whole(top - one.bounds.max_y, block.height)
}

/// The upper left corner in pixels of the matrix.
fn corner(one: &Placed<'_>, matrix: &TileMatrix) -> (f64, f64) {
    let (left, top) = matrix.point_of_origin;
    ((one.bounds.min_x - left) / matrix.cell_size, (top - one.bounds.max_y) / matrix.cell_size)
}

fn blocks_off(one: &Placed<'_>, matrix: &TileMatrix) -> Option<(u32, u32)> {
    let tile = one.dalle.tile?;
    let (x, y) = corner(one, matrix);
    let off = |corner: f64, block: u32, tile: u32| {
        let fits = block != 0 && tile != 0 && (block.is_multiple_of(tile) || tile.is_multiple_of(block));
        let unit = fits.then(|| block.min(tile))?;
        let off = (corner.round() as i64).rem_euclid(i64::from(unit)) as u32;
        Some(off.min(unit - off))
    };
    Some((off(x, tile.width, matrix.tile_width)?, off(y, tile.height, matrix.tile_height)?))
}

#[cfg(test)]
mod tests {
    use tiler::geom::GeoTransform;

    use super::{super::dalle::dalle, *};

    fn best(min_x: f64, max_y: f64, cell: f64, block: u32) -> Alignment {
        let dalle = Dalle {
            geotransform: Some(GeoTransform::north_up(min_x, max_y, cell, cell)),
            tile: Some(Size::new(block, block)),
            ..dalle("a.tif", 0.0, 0.0)
        };
        alignments(&[dalle], &Registry::standard()).remove(0).remove(0)
    }

    #[test]
    fn a_dalle_on_tile_corners_is_aligned_with_its_blocks() {
        // 12.8 m is a tile of 256 px of 5 cm; the set starts at 0, 12,000,000.
        let found = best(640_000.0, 6_240_000.0, 0.05, 256);
        assert_eq!(
            found.words(),
            "aligned with LAMB93_5cm level 22: pixels coincide, blocks end where tiles do, tiles of level 22 go out undecoded"
        );
    }

    #[test]
    fn blocks_of_512_px_are_tiles_of_twice_the_pixels_of_the_level_above() {
        let found = best(640_000.0, 6_240_000.0, 0.05, 512);
        assert_eq!(found.passed, Some(Passed { matrix: "21".to_owned(), scale: 2, files: 1 }));
        assert!(found.words().ends_with("blocks end where tiles do, tiles of level 21@2x go out undecoded"));
        assert_eq!(best(640_012.8, 6_240_000.0, 0.05, 512).passed, None, "half a block beside");
        assert_eq!(best(640_000.000_1, 6_240_000.0, 0.05, 256).passed, None, "two thousandths of a pixel");
        assert_eq!(best(640_000.0, 6_240_000.0, 0.05, 128).passed, None);
    }

    #[test]
    fn blocks_beside_tile_corners_are_told_in_pixels() {
        let found = best(640_006.4, 6_240_000.0 - 25.6, 0.05, 512);
        let told = found.words();
        assert!(told.ends_with("pixels coincide, blocks are off by 128 px across, 0 px down"), "{told}");
        assert!(best(640_000.0, 6_240_000.0, 0.05, 240).words().ends_with("blocks do not fit tiles"));
    }

    #[test]
    fn pixels_beside_those_of_the_matrix_are_told_in_parts_of_a_pixel() {
        let told = best(640_000.012_5, 6_240_000.0, 0.05, 256).words();
        assert!(told.contains("LAMB93_5cm level 22") && told.contains("up to 0.25 px"), "{told}");
    }

    #[test]
    fn another_resolution_is_resampled_from_the_nearest_matrix() {
        let told = best(640_000.0, 6_240_000.0, 0.08, 256).words();
        assert!(told.contains("level 21") && told.contains("pixels of 0.1"), "{told}");
        assert!(told.contains("0.800 times as large"), "{told}");
    }
}
