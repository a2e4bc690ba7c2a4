//! What a style has to know of the imagery that it is made for.

use crate::raster::{Interpretation, SampleType};

/// The imagery of a layer, as far as it decides how to draw it.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerFacts {
    /// Number of colour bands; alpha is not one of them.
    pub bands: usize,
    /// The type of the samples in the file.
    pub sample: SampleType,
    /// Bits of a sample that are in use, where they are fewer than the type has: 12 of 16, 1 of 8. `None`: all of them,
    /// or samples were spread over the whole range when they were read.
    pub bits: Option<u8>,
    /// What the bands mean.
    pub interpretation: Interpretation,
    /// Red, green, blue, alpha by index.
    pub palette: Option<Vec<[u8; 4]>>,
    /// Per band, in the order of the file; may be empty.
    pub statistics: Vec<BandStatistics>,
    /// Descriptions per band, such as `NIR`; may be empty.
    pub band_names: Vec<Option<String>>,
}

impl LayerFacts {
    /// Facts of plain imagery: no palette, no statistics, no names.
    pub const fn plain(bands: usize, sample: SampleType, interpretation: Interpretation) -> Self {
        Self {
            bands,
            sample,
            bits: None,
            interpretation,
            palette: None,
            statistics: Vec::new(),
            band_names: Vec::new(),
        }
    }

    /// Least and greatest value that the samples can have; for floating point 0 and 1.
    pub(super) fn type_range(&self) -> (f64, f64) {
        match self.bits {
            Some(bits @ 1..=63) if !self.sample.is_float() && usize::from(bits) < 8 * self.sample.bytes() => {
                (0.0, ((1_u64 << bits) - 1) as f64)
            }
            _ => self.sample.range(),
        }
    }

    /// What a band is called: its description, else `b4`. Bands are counted from 0.
    pub(super) fn band_label(&self, band: usize) -> String {
        match self.band_names.get(band) {
            Some(Some(name)) => name.clone(),
            _ => format!("b{}", band + 1),
        }
    }
}

/// Intervals between the values that are kept of a large sample.
const QUANTILES: usize = 4096;

/// Statistics of one band, of its valid pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct BandStatistics {
    /// The least value.
    pub min: f64,
    /// The greatest value.
    pub max: f64,
    /// The mean.
    pub mean: Option<f64>,
    /// The standard deviation.
    pub stddev: Option<f64>,
    /// A sample of the values, in ascending order; may be empty.
    pub quantiles: Vec<f32>,
}

impl BandStatistics {
    /// Statistics of some values, such as the valid pixels of an overview; `None` if not one of them is finite.
    ///
    /// The standard deviation is that of the population, as `numpy.std` and GDAL compute it. Of more than 4097 values, as
    /// many at even ranks are kept for percentiles.
    pub fn from_sample(mut values: Vec<f32>) -> Option<Self> {
        values.retain(|value| value.is_finite());
        values.sort_unstable_by(f32::total_cmp);
        let (&min, &max) = (values.first()?, values.last()?);
        let count = values.len() as f64;
        let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
        let squares: f64 = values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum();
        let last = values.len() - 1;
        let kept = last.min(QUANTILES);
        let quantiles = (0..=kept).map(|i| values[i * last / kept.max(1)]).collect();
        Some(Self {
            min: f64::from(min),
            max: f64::from(max),
            mean: Some(mean),
            stddev: Some((squares / count).sqrt()),
            quantiles,
        })
    }

    /// The value below which `percent` (0 to 100) of the sample lies, linear in between as `numpy.percentile`; `None`
    /// without a sample.
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        let last = self.quantiles.len().checked_sub(1)?;
        let at = (percent.clamp(0.0, 100.0) / 100.0) * last as f64;
        let below = at.floor() as usize;
        let low = f64::from(*self.quantiles.get(below)?);
        let high = f64::from(*self.quantiles.get((below + 1).min(last))?);
        Some(low + (high - low) * (at - below as f64))
    }

    /// The range between two percentiles. Without a sample: two standard deviations around the mean, within the least
    /// and the greatest value; without those: the least and the greatest value. `None` where all that is not finite.
    pub(super) fn range(&self, low: f64, high: f64) -> Option<(f64, f64)> {
        let range = match (self.percentile(low), self.percentile(high), self.mean, self.stddev) {
            (Some(low), Some(high), ..) => (low, high),
            (_, _, Some(mean), Some(stddev)) if stddev > 0.0 => {
                ((mean - 2.0 * stddev).max(self.min), (mean + 2.0 * stddev).min(self.max))
            }
            _ => (self.min, self.max),
        };
        (range.0.is_finite() && range.1.is_finite() && range.0 <= range.1).then_some(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statistics(quantiles: &[f32]) -> BandStatistics {
        BandStatistics {
            min: 0.0,
            max: 4000.0,
            mean: Some(900.0),
            stddev: Some(100.0),
            quantiles: quantiles.to_vec(),
        }
    }

    #[test]
    fn percentiles_are_those_of_numpy() {
        // python -c "import numpy; print(numpy.percentile([3, 5, 8, 13, 21, 34], [0, 2, 37.5, 50, 98, 100]).tolist())"
        let expected = [3.0, 3.2, 7.625, 10.5, 32.7, 34.0];
        let band = statistics(&[3.0, 5.0, 8.0, 13.0, 21.0, 34.0]);
        for (percent, expected) in [0.0, 2.0, 37.5, 50.0, 98.0, 100.0].into_iter().zip(expected) {
            let value = band.percentile(percent).expect("there is a sample");
            assert!((value - expected).abs() < 1e-9, "{percent}: {value} {expected}");
        }
    }

    #[test]
    fn a_sample_is_measured_as_numpy_does() {
        // v = numpy.array([8, 3, 34, 5, 21, 13.]); print(v.mean(), v.std())
        let values = vec![8.0, f32::NAN, 3.0, 34.0, 5.0, f32::INFINITY, 21.0, 13.0];
        let band = BandStatistics::from_sample(values).expect("there are values");
        assert_eq!((band.min, band.max, band.mean), (3.0, 34.0, Some(14.0)));
        assert!((band.stddev.expect("it is known") - 10.708_252_269_472_673).abs() < 1e-12);
        assert_eq!(band.quantiles, [3.0, 5.0, 8.0, 13.0, 21.0, 34.0]);
        assert!(BandStatistics::from_sample(vec![f32::NAN]).is_none());
    }

    #[test]
    fn a_large_sample_is_thinned_with_its_ends() {
        let band = BandStatistics::from_sample((0..100_000_u32).map(|i| i as f32).collect());
        let band = band.expect("there are values");
        assert_eq!((band.quantiles.len(), band.percentile(100.0)), (4097, Some(99_999.0)));
        assert!((band.percentile(98.0).expect("there is a sample") - 97_999.0).abs() < 30.0);
    }

    #[test]
    fn without_a_sample_the_deviation_serves_and_then_the_extremes() {
        let mut band = statistics(&[]);
        assert_eq!(band.range(2.0, 98.0), Some((700.0, 1100.0)));
        band.stddev = None;
        assert_eq!(band.range(2.0, 98.0), Some((0.0, 4000.0)));
        band.max = f64::NAN;
        assert_eq!(band.range(2.0, 98.0), None);
    }

    #[test]
    fn twelve_bits_in_sixteen_have_a_range_of_their_own() {
        let mut facts = LayerFacts::plain(1, SampleType::U16, Interpretation::Grey);
        assert_eq!(facts.type_range(), (0.0, 65_535.0));
        facts.bits = Some(12);
        assert_eq!(facts.type_range(), (0.0, 4095.0));
    }
}
