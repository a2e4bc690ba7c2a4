//! All levels at once, from the top of the image to its bottom: two rows of blocks are compressed side by side, halved, and
//! handed to the level above, where two rows wait for each other again.

use rayon::prelude::*;

use super::{
    BandStatistics, PixelSource, Transparency, WriteOptions, WriteProblem,
    encode::{self, Encoded},
    reduce::{self, Reduction},
    statistics,
    store::{Kept, Store},
};
use crate::{
    geom::{Size, Window},
    raster::{Interpretation, Raster},
};

/// The blocks of a level, row by row.
#[derive(Debug)]
pub(super) struct Level {
    pub size: Size,
    pub images: Vec<Kept>,
    pub masks: Vec<Kept>,
    pub image_hashes: Vec<u64>,
    pub mask_hashes: Vec<u64>,
}

/// All levels, compressed.
#[derive(Debug)]
pub(super) struct Pyramid {
    pub levels: Vec<Level>,
    pub store: Store,
    /// Whether every pixel of every level is valid.
    pub is_whole: bool,
    pub statistics: Vec<BandStatistics>,
}

/// A block that is done.
struct Done {
    encoded: Encoded,
    half: Option<Raster>,
    statistics: Vec<BandStatistics>,
}

impl Pyramid {
    /// Makes all levels of an image.
    pub(super) fn make(
        options: &WriteOptions,
        source: &dyn PixelSource,
        store: Store,
    ) -> Result<Self, WriteProblem> {
        let levels = options.levels().into_iter().map(|size| Level {
            size,
            images: Vec::new(),
            masks: Vec::new(),
            image_hashes: Vec::new(),
            mask_hashes: Vec::new(),
        });
        let levels: Vec<Level> = levels.collect();
        let statistics = vec![BandStatistics::default(); options.bands];
        let waiting = levels.iter().map(|_| Vec::new()).collect();
        let pyramid = Self { levels, store, is_whole: true, statistics };
        let mut builder = Builder { options, waiting, pyramid };
        let (cols, rows) = options.blocks(options.size);
        let side = options.block_px;
        for row in (0..rows).step_by(2) {
            let blocks: Vec<(u32, u32)> =
                (row..rows.min(row + 2)).flat_map(|row| (0..cols).map(move |col| (col, row))).collect();
            let done = blocks
                .into_par_iter()
                .map(|(col, row)| {
                    let at = |i: u32| i64::from(i) * i64::from(side);
                    let window = Window::new(at(col), at(row), side, side);
                    let window = window.intersection(&Window::full(options.size)).unwrap_or(window);
                    let raster = source.pixels(window).map_err(WriteProblem::Pixels)?;
                    encode::check(&raster, window.size(), options)?;
                    let done = builder.done(0, &raster)?;
                    source.block_done();
                    Ok(done)
                })
                .collect::<Result<Vec<Done>, WriteProblem>>()?;
            builder.keep(0, row, done)?;
        }
        Ok(builder.pyramid)
    }

    /// Whether masks are written.
    pub(super) fn has_masks(&self, options: &WriteOptions) -> bool {
        options.transparency == Transparency::Mask && !self.is_whole
    }
}

struct Builder<'a> {
    options: &'a WriteOptions,
    /// By level: blocks that wait for the row below theirs.
    waiting: Vec<Vec<Raster>>,
    pyramid: Pyramid,
}

impl Builder<'_> {
    fn done(&self, level: usize, raster: &Raster) -> Result<Done, WriteProblem> {
        let options = self.options;
        let how = Reduction {
            is_mode: options.interpretation == Interpretation::Palette,
            nodata: match options.transparency {
                Transparency::Nodata(value) => Some(value),
                _ => None,
            },
            has_alpha: options.transparency == Transparency::Alpha,
        };
        let is_last = level + 1 == self.pyramid.levels.len();
        Ok(Done {
            encoded: encode::block(raster, options)?,
            half: (!is_last).then(|| reduce::halved(raster, how)),
            statistics: if level == 0 && options.has_statistics {
                statistics::of(raster)
            } else {
                Vec::new()
            },
        })
    }

    /// Keeps one or two rows of blocks, and makes of them what lies above.
    fn keep(&mut self, level: usize, first_row: u32, done: Vec<Done>) -> Result<(), WriteProblem> {
        let (cols, _) = self.options.blocks(self.pyramid.levels[level].size);
        let mut halves = Vec::with_capacity(done.len());
        for Done { encoded, half, statistics } in done {
            self.pyramid.is_whole &= encoded.is_whole;
            let (image, mask) =
                (self.pyramid.store.append(&encoded.image)?, self.pyramid.store.append(&encoded.mask)?);
            let of_level = &mut self.pyramid.levels[level];
            of_level.images.push(image);
            of_level.masks.push(mask);
            of_level.image_hashes.push(encoded.image_hash);
            of_level.mask_hashes.push(encoded.mask_hash);
            self.pyramid.statistics.iter_mut().zip(&statistics).for_each(|(all, one)| all.merge(one));
            halves.push(half);
        }
        let above = level + 1;
        if above == self.pyramid.levels.len() {
            return Ok(());
        }
        let (cols_above, rows_above) = self.options.blocks(self.pyramid.levels[above].size);
        let cols = cols as usize;
        for col in (0..cols_above as usize).map(|col| col * 2) {
            let mut take = |row: usize, col: usize| {
                (col < cols).then(|| halves.get_mut(row * cols + col)?.take()).flatten()
            };
            let parts = [take(0, col), take(0, col + 1), take(1, col), take(1, col + 1)];
            self.waiting[above].push(reduce::joined(&parts, self.options.bands, self.options.sample));
        }
        let row = first_row / 2;
        if row.is_multiple_of(2) && row + 1 < rows_above {
            return Ok(());
        }
        let rasters = std::mem::take(&mut self.waiting[above]);
        let done = rasters
            .par_iter()
            .map(|raster| self.done(above, raster))
            .collect::<Result<Vec<Done>, WriteProblem>>()?;
        drop(rasters);
        self.keep(above, row - row % 2, done)
    }
}
