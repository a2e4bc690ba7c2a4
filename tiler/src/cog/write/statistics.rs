//! Least, greatest, mean and spread of the valid values of a band, gathered block by block.

use crate::raster::{Raster, Samples};

/// Of the valid values of a band.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BandStatistics {
    /// How many there are.
    pub count: u64,
    /// The least.
    pub minimum: f64,
    /// The greatest.
    pub maximum: f64,
    /// Their mean.
    pub mean: f64,
    /// Sum of the squares of what they differ from it.
    squares: f64,
}

impl BandStatistics {
    /// The standard deviation of the whole population, as GDAL's.
    pub fn standard_deviation(&self) -> f64 {
        if self.count == 0 { 0.0 } else { (self.squares / self.count as f64).sqrt() }
    }

    /// Both together. Source: Chan, Golub, `LeVeque` (1979).
    pub(super) fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let (a, b) = (self.count as f64, other.count as f64);
        let difference = other.mean - self.mean;
        self.minimum = self.minimum.min(other.minimum);
        self.maximum = self.maximum.max(other.maximum);
        self.mean += difference * b / (a + b);
        self.squares += other.squares + difference * difference * a * b / (a + b);
        self.count += other.count;
    }

    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let (mut count, mut sum) = (0u64, 0.0);
        let (mut minimum, mut maximum) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.clone() {
            count += 1;
            sum += value;
            minimum = minimum.min(value);
            maximum = maximum.max(value);
        }
        if count == 0 {
            return Self::default();
        }
        let mean = sum / count as f64;
        let squares = values.map(|value| (value - mean) * (value - mean)).sum();
        Self { count, minimum, maximum, mean, squares }
    }
}

/// Per band.
pub(super) fn of(raster: &Raster) -> Vec<BandStatistics> {
    let (bands, mask) = (raster.bands(), raster.mask());
    if let Samples::U8(values) = raster.samples() {
        return bytes(values, bands, mask);
    }
    let is_valid = |pixel: usize| mask.is_none_or(|mask| mask[pixel] != 0);
    let count = raster.size().pixels() as usize;
    let value = |pixel: usize, band: usize| raster.samples().value(pixel * bands + band);
    (0..bands)
        .map(|band| {
            let valid = (0..count).filter(|&pixel| is_valid(pixel)).map(|pixel| value(pixel, band));
            BandStatistics::of(valid.filter(|value| value.is_finite()))
        })
        .collect()
}

/// Of bytes: by counting each of their values.
fn bytes(values: &[u8], bands: usize, mask: Option<&[u8]>) -> Vec<BandStatistics> {
    let mut counts = vec![[0u32; 256]; bands];
    for (pixel, samples) in values.chunks_exact(bands).enumerate() {
        if mask.is_none_or(|mask| mask[pixel] != 0) {
            counts.iter_mut().zip(samples).for_each(|(counts, &sample)| counts[usize::from(sample)] += 1);
        }
    }
    counts.iter().map(of_counts).collect()
}

fn of_counts(counts: &[u32; 256]) -> BandStatistics {
    let found = || counts.iter().enumerate().filter(|(_, n)| **n > 0).map(|(value, &n)| (value as f64, n));
    let count: u64 = counts.iter().copied().map(u64::from).sum();
    let (Some(first), Some(last)) = (found().next(), found().next_back()) else {
        return BandStatistics::default();
    };
    let mean = found().map(|(value, n)| value * f64::from(n)).sum::<f64>() / count as f64;
    let squares = found().map(|(value, n)| (value - mean) * (value - mean) * f64::from(n)).sum();
    BandStatistics { count, minimum: first.0, maximum: last.0, mean, squares }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::Size;

    #[test]
    fn parts_together_are_as_the_whole_and_what_is_invalid_does_not_count() {
        let values: Vec<u8> = (0..200u32).map(|i| (i * 7 % 251) as u8).collect();
        let whole = of(&Raster::new(Size::new(200, 1), 1, values.clone(), None))[0];
        let mut merged = BandStatistics::default();
        for part in values.chunks(64) {
            merged.merge(&of(&Raster::new(Size::new(part.len() as u32, 1), 1, part.to_vec(), None))[0]);
        }
        assert!((merged.standard_deviation() - whole.standard_deviation()).abs() < 1e-9);
        let floats: Vec<f32> = values.iter().map(|&v| f32::from(v)).collect();
        let floats = of(&Raster::new(Size::new(200, 1), 1, floats, None))[0];
        assert!((floats.mean - whole.mean).abs() < 1e-9 && (merged.mean - whole.mean).abs() < 1e-9);
        assert_eq!((floats.count, floats.minimum, floats.maximum), (200, whole.minimum, whole.maximum));
        let hidden = of(&Raster::new(Size::new(3, 1), 1, vec![9u8, 1, 2], Some(vec![0, 255, 255])))[0];
        assert_eq!((hidden.count, hidden.maximum), (2, 2.0));
    }
}
