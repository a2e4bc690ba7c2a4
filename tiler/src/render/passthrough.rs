//! A tile that *is* one stored block goes out as it is stored.
//!
//! The proof has two parts. Of records alone, when the tile is planned ([`find`]): its pixels are those of one level of one
//! dalle, whole pixel on whole pixel; no better dalle lies over any of them; the style changes none. And of the open file,
//! when the tile is asked for ([`Passage::pass`]): these pixels are one block, all of it shows, and what is stored is a sound picture
//! of the format that was asked for. Whatever is not proven is rendered.

use std::sync::{Arc, OnceLock};

use geo_types::Coord;

use super::{Plan, plan::Read};
use crate::{
    catalog::{Dalle, Footprint, Opener},
    codec::Compression,
    encode::{EncodedTile, Format, OutputFormat},
    geom::{Bounds, Window},
    raster::Depth,
    source::{BlockAddress, Source},
};

/// Part of fingerprints: to be raised whenever the same block would go out as other bytes.
pub(super) const VERSION: u32 = 1;
/// How far pixels may be from those of the tile, anywhere in it.
const TOLERANCE_PX: f64 = 1e-3;

/// The pixels of a dalle that are those of a tile.
#[derive(Debug)]
pub struct Passage {
    dalle: Arc<Dalle>,
    level: usize,
    /// In pixels of the level.
    window: Window,
    format: OutputFormat,
    /// The block that they are, as soon as the file was looked at. A file of another state is another dalle's.
    block: OnceLock<Option<(BlockAddress, Format)>>,
}

impl Passage {
    /// The dalle.
    pub fn dalle(&self) -> &Dalle {
        &self.dalle
    }

    /// The tile as it is stored; `None` where the file does not have it so.
    ///
    /// Waits for the file. What is wrong with it is told by rendering, which comes after a `None`.
    pub fn pass(&self, files: &dyn Opener) -> Option<EncodedTile> {
        let source = files.open(self.dalle()).ok()?;
        let (block, format) = self.block(&source)?;
        let bytes = source.picture(block).ok()??;
        Some(EncodedTile { bytes, format, opaque: true, empty: false })
    }

    /// The same without waiting for anything, where the bytes are at hand: at the beginning of a buffer, which only grows. Gives
    /// how many they are.
    pub fn pass_at_hand(&self, source: &Source, buffer: &mut Vec<u8>) -> Option<(usize, Format)> {
        let (block, format) = self.block(source)?;
        source.picture_at_hand(block, buffer).map(|len| (len, format))
    }

    fn block(&self, source: &Source) -> Option<(BlockAddress, Format)> {
        *self.block.get_or_init(|| {
            let format = self.format(source)?;
            Some((source.picture_block(self.level, &self.window)?, format))
        })
    }

    /// What the blocks of the level are, if that was asked for. `auto` is JPEG where all pixels show.
    fn format(&self, source: &Source) -> Option<Format> {
        match (source.pictures(self.level)?, self.format) {
            (Compression::Jpeg, OutputFormat::Jpeg | OutputFormat::Auto) => Some(Format::Jpeg),
            (Compression::WebP, OutputFormat::WebP) => Some(Format::WebP),
            _ => None,
        }
    }
}

/// The pixels that a plan would only copy; `None` where it does anything else.
pub(super) fn find(plan: &Plan) -> Option<Passage> {
    let is_copied = plan.style.is_identity() && plan.style.margin_px() == 0 && plan.depth == Depth::Byte;
    let is_whole = !plan.is_provisional() && plan.left_out.is_empty();
    if !is_copied || !is_whole || plan.format == OutputFormat::Png {
        return None;
    }
    // The uppermost comes first: nothing may lie over the one that holds the tile, whatever lies below.
    for read in &plan.reads {
        let tile = pixels_of_tile(plan, read);
        let touched = match &tile {
            Some(tile) => bounds(tile),
            None => read.grid.extent()?,
        };
        for piece in &read.pieces {
            let place = bounds(&piece.place);
            if !overlap(&place, &touched) {
                continue;
            }
            let tile = tile.as_ref()?;
            let dalle = read.mosaic.dalle(piece.number);
            let Window { col_off, row_off, .. } = piece.place;
            let window = Window { col_off: tile.col_off - col_off, row_off: tile.row_off - row_off, ..*tile };
            match shows(dalle, piece.level, &window) {
                Shows::Nothing => continue,
                Shows::Part => return None,
                Shows::All => {}
            }
            let holds = piece.place.intersection(tile).is_some_and(|part| part == *tile);
            let bands: Vec<usize> = (0..dalle.kind.bands).collect();
            if !holds || !read.holes.is_empty() || plan.style.bands() != bands {
                return None;
            }
            let dalle = Arc::clone(dalle);
            let block = OnceLock::new();
            return Some(Passage { dalle, level: piece.level, window, format: plan.format, block });
        }
    }
    None
}

/// The tile in pixels of a read, where it is whole pixels of it.
fn pixels_of_tile(plan: &Plan, read: &Read) -> Option<Window> {
    if *read.grid.target() != Window::full(plan.size) {
        return None;
    }
    let (col, row) = read.grid.shift(TOLERANCE_PX)?;
    Some(Window::new(col, row, plan.size.width, plan.size.height))
}

fn bounds(window: &Window) -> Bounds {
    let (left, top) = (window.col_off as f64, window.row_off as f64);
    Bounds::new(left, top, left + f64::from(window.width), top + f64::from(window.height))
}

/// Whether two rectangles in pixels share more than an edge.
fn overlap(a: &Bounds, b: &Bounds) -> bool {
    let share = |a: (f64, f64), b: (f64, f64)| a.1.min(b.1) - a.0.max(b.0) > TOLERANCE_PX;
    share((a.min_x, a.max_x), (b.min_x, b.max_x)) && share((a.min_y, a.max_y), (b.min_y, b.max_y))
}

/// How much of a window shows.
#[derive(Debug, PartialEq, Eq)]
enum Shows {
    All,
    Part,
    Nothing,
}

/// What the footprint of a dalle lets through of a window of a level.
fn shows(dalle: &Dalle, level: usize, window: &Window) -> Shows {
    let Some(footprint) = &dalle.footprint else { return Shows::All };
    let (factor_x, factor_y) = dalle.kind.factor(level);
    let to_crs = dalle.geotransform.scaled(factor_x, factor_y);
    let corners = bounds(window).edge_points(1).map(|(col, row)| to_crs.apply(col, row));
    let Some(place) = Bounds::around(corners) else { return Shows::Part };
    within(footprint, &place)
}

/// Whether a rectangle is inside of polygons or outside, by one point of it, unless an edge comes near.
fn within(footprint: &Footprint, place: &Bounds) -> Shows {
    let (x, y) = place.center();
    let mut is_inside = false;
    for polygon in &footprint.polygons {
        for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
            let closing = ring.0.last().copied().zip(ring.0.first().copied());
            let edges = ring.0.windows(2).map(|edge| (edge[0], edge[1])).chain(closing);
            for (a, b) in edges {
                if comes_near(a, b, place) {
                    return Shows::Part;
                }
                let crosses = (a.y > y) != (b.y > y);
                is_inside ^= crosses && x < a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x);
            }
        }
    }
    if is_inside { Shows::All } else { Shows::Nothing }
}

/// Whether an edge may cross a rectangle: not where all corners are on one side of it, or all of it on one side of the
/// rectangle.
fn comes_near(a: Coord, b: Coord, place: &Bounds) -> bool {
    let is_beside = a.x.max(b.x) <= place.min_x
        || a.x.min(b.x) >= place.max_x
        || a.y.max(b.y) <= place.min_y
        || a.y.min(b.y) >= place.max_y;
    let side = |x: f64, y: f64| (b.x - a.x) * (y - a.y) - (b.y - a.y) * (x - a.x);
    let sides = [
        side(place.min_x, place.min_y),
        side(place.max_x, place.min_y),
        side(place.min_x, place.max_y),
        side(place.max_x, place.max_y),
    ];
    let is_on_one_side = sides.iter().all(|&side| side > 0.0) || sides.iter().all(|&side| side < 0.0);
    !is_beside && !is_on_one_side
}

#[cfg(test)]
mod tests;
