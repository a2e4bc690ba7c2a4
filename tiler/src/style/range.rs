//! Which values become black and which white.

use super::{
    StyleError,
    facts::LayerFacts,
    spec::{Rescale, Scope, StyleSpec},
};
use crate::raster::{Interpretation, SampleType};

/// Percentiles of the automatic stretch.
const AUTO: (f64, f64) = (2.0, 98.0);

/// The range of each channel, given the band of the file that it shows, `None` for a formula.
pub(super) fn ranges(
    spec: &StyleSpec,
    bands: &[Option<usize>],
    facts: &LayerFacts,
) -> Result<Vec<(f64, f64)>, StyleError> {
    let mut ranges: Vec<(f64, f64)> = match &spec.rescale {
        Rescale::Fixed(pairs) => {
            let pair = |i: usize| pairs.get(i).or(pairs.first()).copied();
            (0..bands.len()).map(|i| pair(i).unwrap_or_else(|| facts.type_range())).collect()
        }
        Rescale::Auto if facts.sample == SampleType::U8 && bands.iter().all(Option::is_some) => {
            vec![facts.type_range(); bands.len()]
        }
        Rescale::Auto => measured(bands, facts, AUTO, Scope::AllBands)?,
        Rescale::Percentile { low, high, scope } => measured(bands, facts, (*low, *high), *scope)?,
    };
    if facts.interpretation == Interpretation::WhiteIsZero && spec.colour_map.is_none() {
        for (range, _) in ranges.iter_mut().zip(bands).filter(|(_, band)| band.is_some()) {
            *range = (range.1, range.0);
        }
    }
    Ok(ranges)
}

fn measured(
    bands: &[Option<usize>],
    facts: &LayerFacts,
    (low, high): (f64, f64),
    scope: Scope,
) -> Result<Vec<(f64, f64)>, StyleError> {
    let mut ranges = Vec::new();
    for band in bands {
        let band = band.ok_or(StyleError::ExpressionRange)?;
        let range = facts.statistics.get(band).and_then(|band| band.range(low, high));
        ranges.push(range.unwrap_or_else(|| facts.type_range()));
    }
    if scope == Scope::AllBands {
        let low = ranges.iter().fold(f64::INFINITY, |low, range| low.min(range.0));
        let high = ranges.iter().fold(f64::NEG_INFINITY, |high, range| high.max(range.1));
        ranges.fill((low, high));
    }
    // Imagery of one value shows as the middle grey.
    Ok(ranges
        .into_iter()
        .map(|(low, high)| if low < high { (low, high) } else { (low - 0.5, low + 0.5) })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::BandStatistics;

    /// Three bands of 12 bits in 16, whose values go evenly from 0, 100, 200 to 1000, 1100, 1200.
    fn facts() -> LayerFacts {
        let band = |least: f32| BandStatistics {
            min: f64::from(least),
            max: f64::from(least) + 1000.0,
            mean: None,
            stddev: None,
            quantiles: (0..=100_u8).map(|i| least + 10.0 * f32::from(i)).collect(),
        };
        LayerFacts {
            bits: Some(12),
            statistics: [0.0, 100.0, 200.0].map(band).to_vec(),
            ..LayerFacts::plain(3, SampleType::U16, Interpretation::Rgb)
        }
    }

    fn measured(rescale: Rescale, bands: usize, facts: &LayerFacts) -> Vec<(f64, f64)> {
        let bands: Vec<_> = (0..bands).map(Some).collect();
        ranges(&StyleSpec { rescale, ..StyleSpec::default() }, &bands, facts).expect("they are known")
    }

    #[test]
    fn colours_share_one_stretch_and_a_single_band_has_its_own() {
        assert_eq!(measured(Rescale::Auto, 3, &facts()), [(20.0, 1180.0); 3]);
        assert_eq!(measured(Rescale::Auto, 1, &facts()), [(20.0, 980.0)]);
    }

    #[test]
    fn each_band_can_be_stretched_by_itself() {
        let each = Rescale::Percentile { low: 10.0, high: 90.0, scope: Scope::EachBand };
        assert_eq!(measured(each, 3, &facts()), [(100.0, 900.0), (200.0, 1000.0), (300.0, 1100.0)]);
    }

    #[test]
    fn without_statistics_the_bits_in_use_decide() {
        let facts = LayerFacts { statistics: Vec::new(), ..facts() };
        assert_eq!(measured(Rescale::Auto, 3, &facts), [(0.0, 4095.0); 3]);
        let float = LayerFacts { sample: SampleType::F32, bits: None, ..facts };
        assert_eq!(measured(Rescale::Auto, 1, &float), [(0.0, 1.0)]);
    }

    #[test]
    fn white_is_zero_is_turned_round() {
        let facts =
            LayerFacts { bits: Some(1), ..LayerFacts::plain(1, SampleType::U8, Interpretation::WhiteIsZero) };
        assert_eq!(measured(Rescale::Auto, 1, &facts), [(1.0, 0.0)]);
    }

    #[test]
    fn imagery_of_one_value_has_a_range() {
        let mut facts = facts();
        facts.statistics[0].quantiles = vec![7.0; 9];
        assert_eq!(measured(Rescale::Auto, 1, &facts), [(6.5, 7.5)]);
    }

    #[test]
    fn a_formula_has_no_range_of_its_own() {
        let found = ranges(&StyleSpec::default(), &[None], &facts());
        assert_eq!(found, Err(StyleError::ExpressionRange));
    }
}
