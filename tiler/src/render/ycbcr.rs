//! The short way of photographs: what JPEG stores as luma and halved chroma is warped so, and encoded so. No colour is
//! converted on the way (but for WebP, at its end), and of chroma there is a quarter.
//!
//! It is taken where the tile becomes JPEG or lossy WebP, shows bands as they are, is full of imagery of one pixel grid, and all blocks
//! under it are stored in this way. All else goes the long way, through red green blue.

use std::{sync::Arc, time::Instant};

use super::{
    Plan, RenderError,
    gather::{Gatherer, Laid},
    plan::{Piece, Read},
};
use crate::{
    encode::OutputFormat,
    geom::Window,
    raster::{Depth, YCbCr, YCbCrBlock, YCbCrWindow},
    source::HeldPlanes,
    warp,
};

/// The tile's luma and chroma; `None` where it goes the long way.
pub(super) fn tile(plan: &Plan, gatherer: &mut Gatherer<'_, '_>) -> Result<Option<YCbCr>, RenderError> {
    let Some(wanted) = Wanted::of(plan) else { return Ok(None) };
    let Some(mut blocks) = gatherer.ycbcr(wanted.read, &wanted.parts)? else { return Ok(None) };
    // The order in which they may be held.
    blocks.sort_by_key(|laid| Arc::as_ptr(&laid.block).addr());
    let started = Instant::now();
    let warped = warped(wanted.read, wanted.window, &blocks);
    gatherer.spent.warp += started.elapsed();
    Ok(warped)
}

/// `None` where a block is not stored as luma and chroma, and where the warp cannot be done so.
fn warped(read: &Read, window: Window, blocks: &[Laid]) -> Option<YCbCr> {
    let held: Vec<HeldPlanes<'_>> = blocks.iter().map(|laid| laid.block.ycbcr()).collect::<Option<_>>()?;
    let parts = blocks.iter().zip(&held).map(|(laid, held)| YCbCrBlock {
        planes: held.planes(),
        offset: laid.offset,
        shown: laid.shown,
    });
    let source = YCbCrWindow::new(window, parts.collect())?;
    warp::run_ycbcr(&source, &read.grid, (read.resampling, read.shrink))
}

/// What the short way needs.
struct Wanted<'a> {
    /// The only one of its plan.
    read: &'a Read,
    /// The pixels that luma and chroma are needed of.
    window: Window,
    /// The pieces that show in it, and where.
    parts: Vec<(Piece, Window)>,
}

impl<'a> Wanted<'a> {
    /// `None` where the plan forbids the short way.
    fn of(plan: &'a Plan) -> Option<Self> {
        let [read] = &plan.reads[..] else { return None };
        let is_lossy = match plan.format {
            OutputFormat::Jpeg | OutputFormat::WebP | OutputFormat::Auto => !plan.encode.is_lossless,
            OutputFormat::Png => false,
        };
        let is_plain =
            plan.style.is_identity() && plan.style.bands() == [0, 1, 2] && plan.depth == Depth::Byte;
        let is_full = plan.left_out.is_empty()
            && read.holes.is_empty()
            && read.above.is_empty()
            && *read.grid.target() == Window::full(plan.size)
            && read.grid.target().halved().is_some();
        if !is_lossy || !is_plain || !is_full || !warp::can_run_ycbcr(read.resampling, read.shrink) {
            return None;
        }
        // The kernel of chroma is the next sharper one, of pixels that are twice as large.
        let extent = read.grid.extent()?;
        let side = |min: f64, max: f64, shrink: f64| {
            let reach = warp::chroma_reach(read.resampling, shrink);
            let (start, end) = ((min / 2.0 - reach).floor() as i64, (max / 2.0 + reach).ceil() as i64);
            (2 * start, u32::try_from(2 * (end - start)).ok())
        };
        let (col, width) = side(extent.min_x, extent.max_x, read.shrink.0);
        let (row, height) = side(extent.min_y, extent.max_y, read.shrink.1);
        let window = Window::new(col, row, width?, height?);
        let places: Vec<Window> = read.pieces.iter().map(|piece| piece.place).collect();
        let shown = shown(&window, &places)?;
        let parts: Vec<(Piece, Window)> =
            shown.into_iter().map(|(number, part)| (read.pieces[number], part)).collect();
        let may_be_stored_so = |(piece, _): &(Piece, Window)| {
            let dalle = read.mosaic.dalle(piece.number);
            let kind = &dalle.kind;
            dalle.footprint.is_none()
                && !kind.has_transparency
                && kind.bands == 3
                && kind.compression == "JPEG"
        };
        parts.iter().all(may_be_stored_so).then_some(Self { read, window, parts })
    }
}

/// Which images show in a window, the best first, and where; `None` where they do not cover it, or edges part pixels of
/// chroma. Those that lie wholly under others do not show, and those that do in part are for the long way.
fn shown(window: &Window, places: &[Window]) -> Option<Vec<(usize, Window)>> {
    let mut shown: Vec<(usize, Window)> = Vec::with_capacity(1);
    let mut left = window.pixels();
    for (number, place) in places.iter().enumerate() {
        if left == 0 {
            break;
        }
        let Some(part) = place.intersection(window) else { continue };
        let under = |(_, above): &(usize, Window)| above.intersection(&part);
        if shown.iter().any(|above| under(above) == Some(part)) {
            continue;
        }
        let starts_even = place.col_off % 2 == 0 && place.row_off % 2 == 0;
        if !starts_even || part.halved().is_none() || shown.iter().any(|above| under(above).is_some()) {
            return None;
        }
        left -= part.pixels();
        shown.push((number, part));
    }
    (left == 0).then_some(shown)
}

#[cfg(test)]
mod tests;
