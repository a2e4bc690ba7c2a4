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
            let lines = block.height.min(size.height - row * block.height) as usize;
            // Tiles may reach far beyond the image: what does so is dropped at once.
            let parts: Vec<(usize, Vec<Vec<u8>>)> = addresses
                .par_iter()
                .zip(&stored)
                .map(|(address, stored)| {
                    let width = block.width.min(size.width - address.col * block.width) as usize;
                    let samples = self.decode_samples(*address, stored)?;
                    let stride = self.stored_size(*address).map_or(width, |size| size.width as usize);
                    let part = |band| self.part(&samples, stride, (width, lines), band);
                    Ok((width * self.sample().bytes(), bands.clone().map(part).collect()))
                })
                .collect::<Result<_, SourceError>>()?;
            for (index, band) in bands.clone().enumerate() {
                let mut bytes = Vec::with_capacity(lines * size.width as usize * self.sample().bytes());
                for line in 0..lines {
                    for (width, bands) in &parts {
                        bytes.extend_from_slice(&bands[index][line * width..(line + 1) * width]);
                    }
                }
                take(band, &bytes);
            }
        }
        Ok(())
    }

    /// One band of so many columns and rows of a block with `stride` columns.
    fn part(&self, samples: &Samples, stride: usize, (width, lines): (usize, usize), band: usize) -> Vec<u8> {
        let bands = self.facts.bands;
        let mut out = Vec::with_capacity(width * lines * self.sample().bytes());
        for line in 0..lines {
            let start = line * stride * bands;
            if bands == 1 {
                samples.write_le(start..start + width, &mut out);
                continue;
            }
            for col in 0..width {
                let at = start + col * bands + band;
                samples.write_le(at..at + 1, &mut out);
            }
        }
        out
    }
}
