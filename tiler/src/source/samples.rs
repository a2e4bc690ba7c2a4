//! All samples of the full resolution image, as they are stored: for checks and for other programs.

use std::ops::Range;

use rayon::prelude::*;

use super::{BlockAddress, Plane, Problem, Source, SourceError};
use crate::raster::Samples;

/// Images up to this size are decoded once and held; larger ones are decoded once per band.
const HELD_BYTES: u64 = 256 << 20;
/// Larger images are not read as a whole.
const WHOLE_BYTES: u64 = 16 << 30;

impl Source {
    /// Hands out the samples of all bands, one band after the other, rows from the top, least significant byte first;
    /// palette indices and nodata as they are, luma and chroma as red, green, blue, alpha as the band that it is.
    ///
    /// # Errors
    /// When a block cannot be read or decoded, the file changes meanwhile, or the image has more than 16 GiB.
    ///
    /// # Allocations
    /// The image, up to 256 MiB, else a row of blocks.
    pub fn for_each_sample(&self, mut take: impl FnMut(&[u8])) -> Result<(), SourceError> {
        let bands = self.facts.bands;
        let total = self.size().pixels() * (bands * self.sample().bytes()) as u64;
        if total > WHOLE_BYTES {
            return Err(self.fail(Problem::TooLarge { bytes: total, limit: WHOLE_BYTES }));
        }
        if bands > 1 && total <= HELD_BYTES {
            let mut held = vec![Vec::new(); bands];
            self.rows(0..bands, |band, bytes| held[band].extend_from_slice(bytes))?;
            for band in &held {
                take(band);
            }
        } else {
            for band in 0..bands {
                self.rows(band..band + 1, |_, bytes| take(bytes))?;
            }
        }
        self.check()
    }

    /// Rows of blocks from the top: for each the given bands.
    fn rows(&self, bands: Range<usize>, mut take: impl FnMut(usize, &[u8])) -> Result<(), SourceError> {
        let (size, block) = (self.size(), self.level(0).block_size());
        let cols = size.width.div_ceil(block.width);
        for row in 0..size.height.div_ceil(block.height) {
            let addresses: Vec<_> =
                (0..cols).map(|col| BlockAddress { level: 0, plane: Plane::Image, col, row }).collect();
            let stored = self.fetch(&addresses)?;
            let blocks: Vec<(u32, Samples)> = addresses
                .par_iter()
                .zip(&stored)
                .map(|(address, stored)| {
                    let width = self.stored_size(*address).map_or(0, |size| size.width);
                    Ok((width, self.decode_samples(*address, stored)?))
                })
                .collect::<Result<_, SourceError>>()?;
            let lines = block.height.min(size.height - row * block.height) as usize;
            for band in bands.clone() {
                let mut bytes = Vec::with_capacity(lines * size.width as usize * self.sample().bytes());
                for line in 0..lines {
                    let mut left = size.width;
                    for (width, samples) in &blocks {
                        let width = (*width).min(left);
                        left -= width;
                        self.line(samples, line, (width, band), &mut bytes);
                    }
                }
                take(band, &bytes);
            }
        }
        Ok(())
    }

    /// One band of one line of a block.
    fn line(&self, samples: &Samples, line: usize, (width, band): (u32, usize), out: &mut Vec<u8>) {
        let bands = self.facts.bands;
        let stride = self.level(0).block_size().width as usize;
        let start = line * stride * bands;
        if bands == 1 {
            samples.write_le(start..start + width as usize, out);
            return;
        }
        for col in 0..width as usize {
            let at = start + col * bands + band;
            samples.write_le(at..at + 1, out);
        }
    }
}
