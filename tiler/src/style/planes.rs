//! Pixels a block at a time, band by band, as numbers: what formulas run over.

use super::{Input, Pixels};

/// Pixels of a block: enough for loops to be vectorised, few enough for the nearest cache.
pub(super) const BLOCK: usize = 256;

/// A block of pixels, `[band][pixel]`, as 64-bit numbers.
pub(super) struct Planes {
    values: Vec<[f64; BLOCK]>,
}

impl Planes {
    pub fn new(bands: usize) -> Self {
        Self { values: vec![[0.0; BLOCK]; bands] }
    }

    /// Takes over the pixels from `start` on, at most [`BLOCK`] of them, and says how many they were.
    pub fn load(&mut self, input: &Input<'_>, start: usize) -> usize {
        let count = (input.count() - start).min(BLOCK);
        let part = start * input.bands..(start + count) * input.bands;
        match input.pixels {
            Pixels::U8(samples) => self.spread(&samples[part], input.bands),
            Pixels::F32(samples) => self.spread(&samples[part], input.bands),
        }
        count
    }

    fn spread<T: Copy + Into<f64>>(&mut self, samples: &[T], bands: usize) {
        for (band, plane) in self.values.iter_mut().enumerate() {
            for (value, &sample) in plane.iter_mut().zip(samples.iter().skip(band).step_by(bands)) {
                *value = sample.into();
            }
        }
    }

    /// The values of one band.
    pub fn band(&self, band: usize) -> &[f64; BLOCK] {
        &self.values[band]
    }
}
