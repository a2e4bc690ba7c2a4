//! The window of one read, across the dalles that hold it: from cached blocks, and from those that are fetched and decoded
//! now. What lies beneath is read only where there is something to be seen of it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rayon::prelude::*;

use super::{
    BlockCache, RenderContext, RenderError,
    plan::{Piece, Read},
};
use crate::{
    catalog::seamlines::mask,
    geom::{Size, Window},
    raster::{Canvas, Depth, Raster},
    resample::Kernel,
    source::{Block, BlockAddress, Holding, Plane, Problem, Source, SourceError, StoredBlock},
};

/// More missing blocks than this are decoded in parallel: a tile that needs as many would otherwise be slow alone.
const PARALLEL_FROM: usize = 8;

/// Time per step of one tile.
#[derive(Default)]
pub(crate) struct Spent {
    pub fetch: Duration,
    pub decode: Duration,
    pub warp: Duration,
}

/// A block in the pixels of a read.
pub(crate) struct Laid {
    pub block: Arc<Block>,
    pub offset: (i64, i64),
    pub shown: Window,
}

/// Gathers windows for one target.
pub(crate) struct Gatherer<'a, 'c> {
    pub context: &'a RenderContext<'c>,
    pub bands: &'a [usize],
    pub depth: Depth,
    pub spent: Spent,
    /// Dalles that turned out to be damaged and were left out.
    pub faults: usize,
}

impl Gatherer<'_, '_> {
    /// The pixels of a read.
    ///
    /// # Errors
    /// When a file cannot be read or has changed. A damaged block of one dalle of many is a hole.
    pub fn window(&mut self, read: &Read) -> Result<Raster, RenderError> {
        let mut canvas = Canvas::new(read.window, self.bands, self.depth);
        let mut laid: Vec<Window> = Vec::with_capacity(read.pieces.len());
        for piece in &read.pieces {
            let Some(part) = piece.place.intersection(&read.window) else { continue };
            let is_above = laid.iter().any(|above| above.intersection(&part).is_some());
            if is_above && canvas.is_full(&part) {
                continue;
            }
            let done = if is_above {
                let mut below = Canvas::new(part, self.bands, self.depth);
                let done = self.piece(read, piece, &part, &mut below);
                canvas.underlay(&below);
                done
            } else {
                self.piece(read, piece, &part, &mut canvas)
            };
            match done {
                Ok(()) => laid.push(part),
                Err(error) if is_damage(&error) && read.mosaic.dalles().len() > 1 => {
                    self.context.observer.file_fault(&error);
                    self.faults += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
        let started = Instant::now();
        if !read.above.is_empty() {
            let reach = |shrink| Kernel::reach(read.resampling, shrink);
            let places: Vec<Window> = read.pieces.iter().map(|piece| piece.place).collect();
            canvas.widen(&places, &read.above, reach(read.shrink.0).max(reach(read.shrink.1)));
        }
        read.holes.iter().for_each(|hole| canvas.clear(hole));
        let window = canvas.finish();
        self.spent.warp += started.elapsed();
        Ok(window)
    }

    /// The blocks under parts of pieces of a read, each with its place and what it shows; `None` where one is not stored as luma
    /// and chroma, or is damaged.
    ///
    /// # Errors
    /// When a file cannot be read or has changed.
    pub fn ycbcr(
        &mut self,
        read: &Read,
        parts: &[(Piece, Window)],
    ) -> Result<Option<Vec<Laid>>, RenderError> {
        let mut all = Vec::new();
        for (piece, part) in parts {
            match self.ycbcr_piece(read, piece, part) {
                Ok(Some(blocks)) => all.extend(blocks),
                Ok(None) => return Ok(None),
                Err(error) if is_damage(&error) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Some(all))
    }

    /// The blocks under a part of one dalle.
    fn ycbcr_piece(
        &mut self,
        read: &Read,
        piece: &Piece,
        part: &Window,
    ) -> Result<Option<Vec<Laid>>, SourceError> {
        let started = Instant::now();
        let source = self.context.files.open(read.mosaic.dalle(piece.number))?;
        let level = source.level(piece.level);
        let (left, top) = (piece.place.col_off, piece.place.row_off);
        let own = Window::new(part.col_off - left, part.row_off - top, part.width, part.height);
        let addresses = source.blocks(piece.level, &own);
        self.spent.fetch += started.elapsed();
        if !source.stores_ycbcr(piece.level) {
            return Ok(None);
        }
        let size = level.block_size();
        let laid = |(address, block): (&BlockAddress, Arc<Block>)| {
            let (col, row) = level.block_offset(*address);
            let place = Window::new(col + left, row + top, size.width, size.height);
            let shown = place.intersection(part)?;
            Some(Laid { block, offset: (place.col_off, place.row_off), shown })
        };
        let decoded = self.blocks(&source, &addresses, &own)?;
        Ok(Some(addresses.iter().zip(decoded).filter_map(laid).collect()))
    }

    /// Lays a part of one dalle into a canvas.
    fn piece(
        &mut self,
        read: &Read,
        piece: &Piece,
        part: &Window,
        canvas: &mut Canvas,
    ) -> Result<(), SourceError> {
        let started = Instant::now();
        let source = self.context.files.open(read.mosaic.dalle(piece.number))?;
        let (left, top) = (piece.place.col_off, piece.place.row_off);
        let own = Window::new(part.col_off - left, part.row_off - top, part.width, part.height);
        let blocks = source.blocks(piece.level, &own);
        self.spent.fetch += started.elapsed();
        let decoded = self.blocks(&source, &blocks, &own)?;
        let started = Instant::now();
        let level = source.level(piece.level);
        // Masks come after all blocks of the image.
        for (plane, is_mask) in [(Plane::Image, false), (Plane::Mask, true)] {
            for (address, block) in blocks.iter().zip(&decoded).filter(|(address, _)| address.plane == plane)
            {
                let (col, row) = level.block_offset(*address);
                if is_mask {
                    block.restrict(canvas, col + left, row + top, &piece.place);
                } else {
                    block.paste(canvas, col + left, row + top, &piece.place);
                }
            }
        }
        let dalle = read.mosaic.dalle(piece.number);
        if let Some(footprint) = &dalle.footprint {
            let (factor_x, factor_y) = dalle.kind.factor(piece.level);
            let to_crs = dalle.geotransform.scaled(factor_x, factor_y);
            let inside = mask(&footprint.polygons, &to_crs, own);
            let inside = Raster::new(Size::new(own.width, own.height), 1, inside, None);
            canvas.restrict(&inside, part.col_off, part.row_off, &piece.place);
        }
        self.spent.warp += started.elapsed();
        Ok(())
    }

    /// Blocks in which a window of their level is decoded, from the cache or from the file.
    fn blocks(
        &mut self,
        source: &Source,
        addresses: &[BlockAddress],
        window: &Window,
    ) -> Result<Vec<Arc<Block>>, SourceError> {
        let cache = self.context.blocks;
        let mut wanted: Vec<Wanted> = addresses
            .iter()
            .map(|&address| {
                let part = self.part_to_decode(source, address, window);
                let kept = cache.get(&source.block_key(address));
                let holding = kept.as_ref().map_or(Holding::Never, |block| block.holding(&part));
                Wanted { address, part, block: kept.filter(|_| holding != Holding::Never), holding }
            })
            .collect();
        let missing: Vec<&mut Wanted> =
            wanted.iter_mut().filter(|wanted| wanted.holding != Holding::All).collect();
        if !missing.is_empty() {
            let started = Instant::now();
            let addresses: Vec<BlockAddress> = missing.iter().map(|wanted| wanted.address).collect();
            let stored = source.fetch(&addresses)?;
            self.spent.fetch += started.elapsed();
            let started = Instant::now();
            let decode =
                |(wanted, stored): (&mut Wanted, &StoredBlock<'_>)| wanted.decode(source, stored, cache);
            if missing.len() >= PARALLEL_FROM {
                missing.into_par_iter().zip(&stored).try_for_each(decode)?;
            } else {
                missing.into_iter().zip(&stored).try_for_each(decode)?;
            }
            drop(stored);
            source.done_with(&addresses);
            self.spent.decode += started.elapsed();
        }
        Ok(wanted.into_iter().filter_map(|wanted| wanted.block).collect())
    }

    /// What of a block is decoded where a window of its level is needed. What lies above the window has to be read anyway: it is
    /// decoded as well if the block will be there for the tiles that show it, since it would be read again for them.
    fn part_to_decode(&self, source: &Source, block: BlockAddress, window: &Window) -> Window {
        let needed = source.part_of_block(block, window);
        let Some(size) = source.stored_size(block) else { return needed };
        if self.context.whole_blocks {
            return Window::full(size);
        }
        let bytes = size.pixels() as usize * source.bands() * source.sample().bytes();
        if self.context.blocks.keeps(bytes) {
            Window::new(needed.col_off, 0, needed.width, needed.row_end() as u32)
        } else {
            needed
        }
    }
}

/// A block, and what of it is needed.
struct Wanted {
    address: BlockAddress,
    part: Window,
    block: Option<Arc<Block>>,
    holding: Holding,
}

impl Wanted {
    /// Decodes what is missing of it. A file that shrank or changed while it was read may have given anything: it is asked
    /// before any of it is kept.
    fn decode(
        &mut self,
        source: &Source,
        stored: &StoredBlock<'_>,
        cache: &dyn BlockCache,
    ) -> Result<(), SourceError> {
        let key = source.block_key(self.address);
        if self.block.is_none() {
            // Kept before it is decoded: who needs it at the same time waits instead of decoding it as well.
            let opened = source.open_block(self.address, stored).map(Arc::new);
            self.block = opened.map(|fresh| {
                let kept = cache.get_or_insert(key, Arc::clone(&fresh));
                if kept.holding(&self.part) != Holding::Never {
                    return kept;
                }
                // It broke, perhaps for a reason that has passed: a drive that did not answer.
                cache.insert(key, Arc::clone(&fresh));
                fresh
            });
        }
        if let Some(block) = &self.block
            && source.decode_more(block, stored, &self.part)? == Holding::All
        {
            return Ok(());
        }
        let whole = Arc::new(Block::whole(source.decode(self.address, stored)?));
        source.check()?;
        cache.insert(key, Arc::clone(&whole));
        self.block = Some(whole);
        Ok(())
    }
}

/// Whether a block of the file is damaged, which will not pass by itself; what can is an error of the whole tile.
fn is_damage(error: &SourceError) -> bool {
    matches!(error.problem, Problem::Block { .. })
}

#[cfg(test)]
mod tests;
