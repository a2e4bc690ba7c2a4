//! The short way of photographs: what JPEG stores as luma and halved chroma is warped so, and encoded so. No colour is
//! converted on the way, and of chroma there is a quarter.
//!
//! It is taken where the tile becomes JPEG or lossy WebP, shows bands as they are, is full of imagery of one pixel grid, and all blocks
//! under it are stored in this way. All else goes the long way, through red green blue.

use std::{sync::Arc, time::Instant};

use super::{
    Plan, RenderError,
    gather::{Gatherer, Laid},
    plan::Read,
};
use crate::{
    encode::OutputFormat,
    geom::Window,
    raster::{Depth, YCbCr, YCbCrBlock, YCbCrWindow},
    source::HeldPlanes,
    warp,
};

/// The tile's luma and chroma; `None` where it goes the long way.
pub(super) fn brought(plan: &Plan, gatherer: &mut Gatherer<'_, '_>) -> Result<Option<YCbCr>, RenderError> {
    let Some((read, window)) = wanted(plan) else { return Ok(None) };
    let Some(mut blocks) = gatherer.ycbcr(read, &window)? else { return Ok(None) };
    // The order in which they may be held.
    blocks.sort_by_key(|laid| Arc::as_ptr(&laid.block).addr());
    let started = Instant::now();
    let warped = warped(read, window, &blocks);
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

/// The only read of a plan, and the window of it that luma and chroma are needed of.
fn wanted(plan: &Plan) -> Option<(&Read, Window)> {
    let [read] = &plan.reads[..] else { return None };
    let is_plain = plan.style.is_identity()
        && plan.style.bands() == [0, 1, 2]
        && plan.depth == Depth::Byte
        && matches!(plan.format, OutputFormat::Jpeg | OutputFormat::WebP | OutputFormat::Auto)
        && !plan.encode.is_lossless;
    let is_full = plan.left_out.is_empty()
        && read.holes.is_empty()
        && read.above.is_empty()
        && *read.grid.target() == Window::full(plan.size)
        && read.grid.target().halved().is_some();
    let may_be_stored_so = |number| {
        let dalle = read.mosaic.dalle(number);
        let kind = &dalle.kind;
        dalle.footprint.is_none() && !kind.has_transparency && kind.bands == 3 && kind.compression == "JPEG"
    };
    if !is_plain || !is_full || !read.pieces.iter().all(|piece| may_be_stored_so(piece.number)) {
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
    is_covered(&window, &read.pieces.iter().map(|piece| piece.place).collect::<Vec<_>>())
        .then_some((read, window))
}

/// Whether images that share no pixel cover a window, with edges that part no pixel of chroma.
fn is_covered(window: &Window, places: &[Window]) -> bool {
    let parts: Vec<Window> = places.iter().filter_map(|place| place.intersection(window)).collect();
    let overlap = |(number, part): (usize, &Window)| {
        parts[..number].iter().any(|other| other.intersection(part).is_some())
    };
    let starts_even = |place: &Window| place.col_off % 2 == 0 && place.row_off % 2 == 0;
    parts.iter().map(Window::pixels).sum::<u64>() == window.pixels()
        && places.iter().all(starts_even)
        && parts.iter().all(|part| part.halved().is_some())
        && !parts.iter().enumerate().any(overlap)
}

#[cfg(test)]
mod tests;
