//! A read of very many pixels, in strips from the top: memory holds one of them, not all that is shrunk into a tile.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use super::{BlockCache, RenderContext, RenderError, gather::Gatherer, plan::Read, select::source_window};
use crate::{
    geom::{Size, Window},
    raster::{Depth, Raster},
    source::{Block, BlockKey},
    warp::Grid,
};

/// More than this is not gathered at once: some three times what a tile of 512 px reads where there are overviews.
const MOST_BYTES: u64 = 4 << 20;

/// Brings a read onto its grid, all of it or one strip after another; `at_once` is told of each.
///
/// # Errors
/// Those of `at_once`.
pub(super) fn warped(
    read: &Read,
    gatherer: &mut Gatherer<'_, '_>,
    at_once: impl Fn(&Read, &mut Gatherer<'_, '_>) -> Result<Raster, RenderError>,
) -> Result<Raster, RenderError> {
    let count = count(read, gatherer.bands.len(), gatherer.depth);
    if count <= 1 {
        return at_once(read, gatherer);
    }
    let held = Held { cache: gatherer.context.blocks, blocks: Mutex::default() };
    let context = RenderContext { blocks: &held, ..*gatherer.context };
    let (bands, depth) = (gatherer.bands, gatherer.depth);
    let spent = std::mem::take(&mut gatherer.spent);
    let mut inner = Gatherer { context: &context, bands, depth, spent, faults: gatherer.faults };
    let target = *read.grid.target();
    let size = Size::new(target.width, target.height);
    let mut all = Raster::invalid(size, bands.len(), depth.sample());
    for grid in read.grid.strips(count) {
        let Some(window) = source_window(&grid, &read.window, read.shrink, read.resampling) else { continue };
        let top = (grid.target().row_off - target.row_off) as u32;
        all.lay_rows(top, &at_once(&strip(read, window, grid), &mut inner)?);
        held.next();
    }
    Gatherer { spent: gatherer.spent, faults: gatherer.faults, .. } = inner;
    let (samples, mask) = all.into_parts();
    Ok(Raster::new(size, bands.len(), samples, mask))
}

/// How many strips. Where edges of a window are widened it is one: what lies beyond a strip would count.
fn count(read: &Read, bands: usize, depth: Depth) -> u32 {
    let bytes = read.window.pixels() * (bands * depth.sample().bytes() + 1) as u64;
    if read.above.is_empty() { bytes.div_ceil(MOST_BYTES) as u32 } else { 1 }
}

fn strip(read: &Read, window: Window, grid: Grid) -> Read {
    let shows = |place: &Window| place.intersection(&window).is_some();
    Read {
        mosaic: Arc::clone(&read.mosaic),
        pieces: read.pieces.iter().filter(|piece| shows(&piece.place)).copied().collect(),
        window,
        grid,
        shrink: read.shrink,
        resampling: read.resampling,
        holes: read.holes.iter().filter(|hole| shows(hole)).copied().collect(),
        above: Vec::new(),
    }
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
