//! Blocks that are pictures by themselves: which window is one, whether all of its pixels show, and the file it makes.

use std::sync::{
    OnceLock,
    atomic::{AtomicU8, Ordering},
};

use super::{BlockAddress, Plane, Source, SourceError, level::Blocks};
use crate::{
    codec::{BlockLayout, Compression, picture},
    cog,
    geom::{Size, Window},
    raster::{Raster, Samples},
};

/// What was found out of blocks, one byte each; per level, made when it is first asked for.
#[derive(Debug)]
pub(super) struct Shown(Vec<OnceLock<Box<[AtomicU8]>>>);

/// To copy more takes too long to be done in between.
const AT_HAND_BYTES: usize = 1 << 20;

const UNKNOWN: u8 = 0;
const WHOLLY: u8 = 1;
const IN_PART: u8 = 2;

impl Shown {
    pub(super) fn new(levels: usize) -> Self {
        Self((0..levels).map(|_| OnceLock::new()).collect())
    }
}

impl Source {
    /// How the blocks of a level are compressed, if they can be pictures by themselves: in their tags nothing forbids it.
    ///
    /// # Panics
    /// When there is no such level.
    pub fn pictures(&self, level: usize) -> Option<Compression> {
        let (plane, layout) = self.picture_plane(level, 0)?;
        let bands = plane.bands();
        let has_alpha_last = self.rules.alpha.is_some_and(|alpha| alpha.band == 3 && !alpha.is_premultiplied);
        let fits = match (layout.compression, bands) {
            // A fourth channel of WebP is alpha, whatever the TIFF says of it.
            (Compression::WebP, 4) => has_alpha_last,
            _ => self.rules.alpha.is_none(),
        };
        (fits && plane.directory.pieces() == 1 && picture::is_possible(&layout)).then_some(layout.compression)
    }

    /// The block that is exactly a window of a level, wholly within the image, and can be a picture.
    ///
    /// # Panics
    /// When there is no such level.
    pub fn picture_block(&self, level: usize, window: &Window) -> Option<BlockAddress> {
        self.pictures(level)?;
        let all = &self.levels[level];
        let Size { width, height } = all.block_size();
        let number = |offset: i64, side: u32| {
            let is_first = side > 0 && offset.rem_euclid(i64::from(side)) == 0;
            is_first.then(|| u32::try_from(offset / i64::from(side)).ok()).flatten()
        };
        let (col, row) = (number(window.col_off, width)?, number(window.row_off, height)?);
        let block = BlockAddress { level, plane: Plane::Image, col, row };
        // The last strip is stored with fewer rows.
        let is_block = all.block_window(block)? == *window && self.stored_size(block)? == window.size();
        is_block.then_some(block)
    }

    /// The file that a block makes, if all of its pixels show; `None` where not, and where it is damaged.
    ///
    /// Pixels are decoded once, and only where nodata, alpha, a collar or a mask could hide one.
    ///
    /// # Errors
    /// When the file cannot be read or has changed.
    pub fn picture(&self, block: BlockAddress) -> Result<Option<Vec<u8>>, SourceError> {
        let shows = match self.shows_wholly(block) {
            Some(known) => known,
            None => self.find_out(block)?,
        };
        if !shows {
            return Ok(None);
        }
        let stored = self.fetch(&[block])?;
        let file = stored.first().and_then(|stored| stored.only_piece()).and_then(|bytes| {
            let (_, layout) = self.picture_plane(block.level, block.row)?;
            let mut buffer = Vec::new();
            let read = |target: &mut [u8]| {
                target.copy_from_slice(bytes);
                true
            };
            let len = picture::assemble(&layout, bytes.len(), &mut buffer, read)?;
            buffer.truncate(len);
            Some(buffer)
        });
        drop(stored);
        self.done_with(&[block]);
        self.check()?;
        Ok(file)
    }

    /// As [`Source::picture`], if that needs no waiting: the block is in memory, and known to show wholly. The file is made at
    /// the beginning of a buffer, which only grows; it is so many bytes long.
    pub fn picture_at_hand(&self, block: BlockAddress, buffer: &mut Vec<u8>) -> Option<usize> {
        if self.shows_wholly(block) != Some(true) {
            return None;
        }
        let (plane, layout) = self.picture_plane(block.level, block.row)?;
        let file = &self.files[plane.file];
        // Those that are pictures have one piece.
        let range = plane.directory.block_range(block.col, block.row, 0, file.len()).ok()??;
        let len = usize::try_from(range.end - range.start).ok()?;
        let tables = layout.jpeg_tables.as_ref().map_or(0, |tables| tables.len());
        if len.saturating_add(tables) > AT_HAND_BYTES {
            return None;
        }
        let read = |target: &mut [u8]| file.read_at_hand(range.start, target);
        let len = picture::assemble(&layout, len, buffer, read)?;
        // What is read of a file that shrinks or changes meanwhile may be anything.
        self.check().is_ok().then_some(len)
    }

    fn picture_plane(&self, level: usize, row: u32) -> Option<(&cog::Plane, BlockLayout)> {
        match self.levels[level].blocks(Plane::Image)? {
            Blocks::Tiff(plane) => Some((plane, plane.layout(row))),
            Blocks::Jp2 { .. } => None,
        }
    }

    /// Whether all pixels of a block show, as far as it is known.
    fn shows_wholly(&self, block: BlockAddress) -> Option<bool> {
        if !self.may_hide() && !self.levels[block.level].has_mask() {
            return Some(true);
        }
        match self.shown(block)?.load(Ordering::Relaxed) {
            UNKNOWN => None,
            known => Some(known == WHOLLY),
        }
    }

    /// Whether a decoded block can have invalid pixels; the mask beside it is another matter.
    fn may_hide(&self) -> bool {
        self.rules.hide_anything() || self.collar.is_some()
    }

    fn shown(&self, block: BlockAddress) -> Option<&AtomicU8> {
        let level = &self.levels[block.level];
        let (block_size, size) = (level.block_size(), level.size);
        let across = size.width.div_ceil(block_size.width) as usize;
        let all = self.shown.0.get(block.level)?.get_or_init(|| {
            let down = size.height.div_ceil(block_size.height) as usize;
            (0..across * down).map(|_| AtomicU8::new(UNKNOWN)).collect()
        });
        all.get(block.row as usize * across + block.col as usize)
    }

    /// Looks at all pixels, and remembers it.
    fn find_out(&self, block: BlockAddress) -> Result<bool, SourceError> {
        let level = &self.levels[block.level];
        let Some(window) = level.block_window(block) else { return Ok(false) };
        let mut needed = self.blocks(block.level, &window);
        needed.retain(|block| block.plane == Plane::Mask || self.may_hide());
        let mut shows = true;
        for (block, stored) in needed.iter().zip(self.fetch(&needed)?) {
            let raster = self.decode(*block, &stored)?;
            let (col, row) = level.block_offset(*block);
            let size = raster.size();
            let part = Window::new(col, row, size.width, size.height).intersection(&window);
            let part =
                part.map(|part| Window { col_off: part.col_off - col, row_off: part.row_off - row, ..part });
            shows = shows && part.is_none_or(|part| is_full(&raster, block.plane, &part));
        }
        self.done_with(&needed);
        self.check()?;
        if let Some(shown) = self.shown(block) {
            shown.store(if shows { WHOLLY } else { IN_PART }, Ordering::Relaxed);
        }
        Ok(shows)
    }
}

/// Whether all pixels of a part of a decoded block are valid; a mask is one by itself.
fn is_full(raster: &Raster, plane: Plane, part: &Window) -> bool {
    let mask = match (plane, raster.samples()) {
        (Plane::Mask, Samples::U8(values)) => values.as_slice(),
        (Plane::Mask, _) => return false,
        (Plane::Image, _) => match raster.mask() {
            Some(mask) => mask,
            None => return true,
        },
    };
    let rows = mask.chunks_exact(raster.size().width.max(1) as usize);
    let (first, end) = (part.col_off as usize, part.col_end() as usize);
    let mut rows = rows.skip(part.row_off as usize).take(part.height as usize);
    rows.all(|row| row.get(first..end).is_some_and(|row| row.iter().all(|&v| v == 255)))
}
