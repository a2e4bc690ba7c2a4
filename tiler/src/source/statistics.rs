//! A sample of the values of a source, for stretching what is not made of bytes.

use super::{Plane, Source, SourceError};
use crate::{geom::Window, raster::Depth};

/// A level of at most so many pixels is read whole; of a larger one some blocks.
const WHOLE_PX: u64 = 1 << 20;
/// Blocks that are read of a large level, spread evenly.
const BLOCKS: usize = 9;
/// Values that are kept per band.
const VALUES: usize = 20_000;

impl Source {
    /// Valid values per colour band, in ascending order, thinned evenly to about 20,000: from the coarsest level that still
    /// shows 256 pixels a side, or from blocks spread over the image.
    ///
    /// # Errors
    /// When a block cannot be read or decoded.
    pub fn sample_values(&self) -> Result<Vec<Vec<f32>>, SourceError> {
        let shows_enough = |level: &super::Level| level.size.width.min(level.size.height) >= 256;
        let level = self.levels.iter().rposition(shows_enough).unwrap_or(0);
        let blocks = self.sampled_blocks(level);
        let mut values = vec![Vec::new(); self.bands()];
        for block in blocks {
            let raster = self.window(level, block, Depth::Float)?;
            let (size, bands) = (raster.size(), raster.bands());
            let step = (size.pixels() as usize * BLOCKS / (VALUES * 10)).max(1);
            for at in (0..size.pixels() as usize).step_by(step) {
                let (col, row) = (at as u32 % size.width, at as u32 / size.width);
                if raster.validity(col, row) == 0 {
                    continue;
                }
                for (band, values) in values.iter_mut().enumerate() {
                    let value = raster.samples().value(at * bands + band) as f32;
                    if value.is_finite() {
                        values.push(value);
                    }
                }
            }
        }
        Ok(values.into_iter().map(thinned).collect())
    }

    /// The windows of some blocks of a level.
    fn sampled_blocks(&self, level: usize) -> Vec<Window> {
        let size = self.levels[level].size;
        let all = self.blocks(level, &Window::full(size)).into_iter().filter(|b| b.plane == Plane::Image);
        let all: Vec<Window> = all.filter_map(|address| self.levels[level].block_window(address)).collect();
        if size.pixels() <= WHOLE_PX {
            return all;
        }
        let step = (all.len() / BLOCKS).max(1);
        all.into_iter().skip(step / 2).step_by(step).take(BLOCKS).collect()
    }
}

fn thinned(mut values: Vec<f32>) -> Vec<f32> {
    values.sort_by(f32::total_cmp);
    let step = values.len().div_ceil(VALUES).max(1);
    if step == 1 {
        return values;
    }
    // The greatest value is always kept, as the least is.
    let last = values.last().copied();
    values.into_iter().step_by(step).chain(last).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_the_order_and_both_ends() {
        let values = thinned((0..100_000).rev().map(|v| v as f32).collect());
        assert!(values.len() <= VALUES + 1 && values.is_sorted());
        assert_eq!((values.first(), values.last()), (Some(&0.0), Some(&99_999.0)));
    }
}
