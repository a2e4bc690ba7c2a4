//! Which value of alpha is opaque, where its type does not tell: writers put 255 into 16 bits, or 4095.

use super::{BlockAddress, Plane, Source};
use crate::{geom::Window, raster::SampleType};

/// A level of at most so many pixels tells; without one, the first blocks of the coarsest.
const COARSE_PX: u64 = 4 << 20;
const BLOCKS: usize = 16;

impl Source {
    /// The value of alpha that is opaque: the least usual one that no pixel exceeds. Found once per file.
    pub(super) fn full_alpha(&self) -> f64 {
        let most = self.sample().range().1;
        let Some(alpha) = self.alpha_band() else { return most };
        if matches!(self.sample(), SampleType::U8 | SampleType::F32 | SampleType::F64) {
            return most;
        }
        *self.full_alpha.get_or_init(|| {
            let greatest = self.greatest(alpha).unwrap_or(most);
            let usual = [f64::from((1u64 << self.facts.bits.clamp(8, 32)) as u32 - 1), most];
            let candidates = [255.0, 4095.0].into_iter().chain(usual).filter(|full| *full <= most);
            candidates.filter(|full| *full >= greatest).fold(most, f64::min)
        })
    }

    /// The greatest value of a band on a coarse level.
    fn greatest(&self, band: usize) -> Option<f64> {
        let is_coarse = |level: &super::Level| level.size.pixels() <= COARSE_PX;
        let level = self.levels.iter().position(is_coarse).unwrap_or(self.levels.len() - 1);
        let all = self.blocks(level, &Window::full(self.levels[level].size));
        let blocks: Vec<BlockAddress> =
            all.into_iter().filter(|block| block.plane == Plane::Image).take(BLOCKS).collect();
        let stored = self.fetch(&blocks).ok()?;
        let of_block = |(block, stored)| {
            let samples = self.decode_samples(block, stored).ok()?;
            (band..samples.len()).step_by(self.facts.bands).map(|at| samples.value(at)).max_by(f64::total_cmp)
        };
        blocks.iter().copied().zip(&stored).filter_map(of_block).max_by(f64::total_cmp)
    }
}
