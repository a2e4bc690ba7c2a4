//! A read becomes target pixels: its window is gathered and warped at once, or where it is very large, in strips from the top, so that
//! memory holds one of them and not all that is shrunk into a tile.

use std::{collections::HashMap, sync::Arc, time::Instant};

use parking_lot::Mutex;

use super::{BlockCache, RenderContext, RenderError, gather::Gatherer, plan::Read, select::source_window};
use crate::{
    geom::Size,
    raster::{Depth, Raster},
    resample::Kernel,
    source::{Block, BlockKey},
    warp,
};

/// More than this is not gathered at once: some three times what a tile of 512 px reads where there are overviews.
const MOST_BYTES: u64 = 4 << 20;

/// The pixels of a read on its grid.
///
/// # Errors
/// When a file cannot be read or has changed.
pub(super) fn warped(read: &Read, gatherer: &mut Gatherer<'_, '_>) -> Result<Raster, RenderError> {
    let (bands, depth) = (gatherer.bands, gatherer.depth);
    let count = count(read, bands.len(), depth);
    if count <= 1 {
        return at_once(read, gatherer);
    }
    let held = Held { cache: gatherer.context.blocks, blocks: Mutex::default() };
    let context = RenderContext { blocks: &held, ..*gatherer.context };
    let spent = std::mem::take(&mut gatherer.spent);
    let mut inner = Gatherer { context: &context, bands, depth, spent, faults: gatherer.faults };
    let target = read.grid.target();
    let size = Size::new(target.width, target.height);
    let mut all = Raster::invalid(size, bands.len(), depth.sample());
    for strip in strips(read, count) {
        let top = (strip.grid.target().row_off - target.row_off) as u32;
        all.lay_rows(top, &at_once(&strip, &mut inner)?);
        held.next();
    }
    Gatherer { spent: gatherer.spent, faults: gatherer.faults, .. } = inner;
    let (samples, mask) = all.into_parts();
    Ok(Raster::new(size, bands.len(), samples, mask))
}

fn at_once(read: &Read, gatherer: &mut Gatherer<'_, '_>) -> Result<Raster, RenderError> {
    let window = gatherer.window(read)?;
    let started = Instant::now();
    let kernels =
        (Kernel::shared(read.resampling, read.shrink.0), Kernel::shared(read.resampling, read.shrink.1));
    let warped = warp::run(&window, &read.window, &read.grid, &kernels);
    gatherer.spent.warp += started.elapsed();
    Ok(warped)
}

/// How many strips. Where edges of a window are widened it is one: what lies beyond a strip would count.
fn count(read: &Read, bands: usize, depth: Depth) -> u32 {
    let bytes = read.window.pixels() * (bands * depth.sample().bytes() + 1) as u64;
    if read.above.is_empty() { bytes.div_ceil(MOST_BYTES) as u32 } else { 1 }
}

/// Strips of target rows, each with what its kernels reach; none where they reach nothing.
fn strips(read: &Read, count: u32) -> impl Iterator<Item = Read> {
    read.grid.strips(count).filter_map(|grid| {
        let window = source_window(&grid, &read.window, read.shrink, read.resampling)?;
        Some(read.part(window, grid))
    })
}

/// A cache that keeps for sure what the strip before showed: this one shows the rest of it.
struct Held<'a> {
    cache: &'a dyn BlockCache,
    blocks: Mutex<Strips>,
}

#[derive(Default)]
struct Strips {
    this: HashMap<BlockKey, Arc<Block>>,
    last: HashMap<BlockKey, Arc<Block>>,
}

impl Held<'_> {
    /// What the strip before this one showed is let go.
    fn next(&self) {
        let mut strips = self.blocks.lock();
        strips.last = std::mem::take(&mut strips.this);
    }

    fn hold(&self, key: BlockKey, block: &Arc<Block>) {
        self.blocks.lock().this.insert(key, Arc::clone(block));
    }

    fn held(&self, key: &BlockKey) -> Option<Arc<Block>> {
        let strips = self.blocks.lock();
        strips.this.get(key).or_else(|| strips.last.get(key)).cloned()
    }
}

impl BlockCache for Held<'_> {
    fn get(&self, key: &BlockKey) -> Option<Arc<Block>> {
        let block = self.held(key).or_else(|| self.cache.get(key))?;
        self.hold(*key, &block);
        Some(block)
    }

    fn insert(&self, key: BlockKey, block: Arc<Block>) {
        self.hold(key, &block);
        self.cache.insert(key, block);
    }

    fn get_or_insert(&self, key: BlockKey, block: Arc<Block>) -> Arc<Block> {
        let block = self.held(&key).unwrap_or_else(|| self.cache.get_or_insert(key, block));
        self.hold(key, &block);
        block
    }

    fn keeps(&self, bytes: usize) -> bool {
        self.cache.keeps(bytes)
    }
}

#[cfg(test)]
mod tests;
