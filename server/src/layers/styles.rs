//! From the styles of the configuration and the imagery of a layer to styles of plain numbers. Only where a style asks for
//! statistics, some pixels are read.

use std::sync::Arc;

use rayon::prelude::*;
use tiler::{
    raster::{Interpretation, SampleType},
    source::Source,
    style::{BandRef, BandStatistics, LayerFacts, Rescale, Style, StyleSpec},
};

use super::LayerError;
use crate::log;

/// The name of the style of a layer without configured ones.
const AUTOMATIC: &str = "normal";
/// Sources whose values are sampled, spread evenly.
const SAMPLED_SOURCES: usize = 9;

/// The styles of a layer, the default first.
///
/// # Errors
/// When a style asks for what the imagery does not have.
pub fn styles(specs: &[StyleSpec], sources: &[Arc<Source>]) -> Result<Vec<Style>, LayerError> {
    let automatic = [automatic(sources)];
    let specs = if specs.is_empty() { &automatic } else { specs };
    let facts = facts(specs, sources);
    let resolved = |spec: &StyleSpec| {
        spec.resolve(&facts).map_err(|source| LayerError::Style { name: spec.name.clone(), source })
    };
    specs.iter().map(resolved).collect()
}

/// The style that suits the imagery: where it says which bands are red, green, blue, these; of inks that reading has left
/// as they are (more than 8 bits), what they leave of white.
fn automatic(sources: &[Arc<Source>]) -> StyleSpec {
    let inks = sources.first().filter(|source| source.facts().interpretation == Interpretation::Cmyk);
    if let Some(source) = inks {
        let full = source.sample().range().1;
        let left = |ink: usize| format!("(1 - b{ink} / {full}) * (1 - b4 / {full})");
        return StyleSpec {
            name: AUTOMATIC.to_owned(),
            expressions: vec![left(1), left(2), left(3)],
            rescale: Rescale::Fixed(vec![(0.0, 1.0)]),
            ..StyleSpec::default()
        };
    }
    let bands = sources.first().and_then(|source| source.facts().true_colour()).unwrap_or_default();
    let is_first_three = bands == [0, 0, 0] || bands == [0, 1, 2];
    let numbers = bands.iter().filter(|_| !is_first_three).map(|band| BandRef::Number(band + 1));
    StyleSpec { name: AUTOMATIC.to_owned(), bands: numbers.collect(), ..StyleSpec::default() }
}

/// What the imagery is: that of the source with the most bands.
fn facts(specs: &[StyleSpec], sources: &[Arc<Source>]) -> LayerFacts {
    let Some(main) = sources.iter().max_by_key(|source| source.bands()) else {
        return LayerFacts::plain(1, SampleType::U8, Interpretation::Grey);
    };
    let known = main.facts();
    // One source of numbers makes numbers of all.
    let sample = sources.iter().map(|source| source.sample()).find(|sample| *sample != SampleType::U8);
    let sample = sample.unwrap_or(SampleType::U8);
    let wants_statistics = sample != SampleType::U8 || specs.iter().any(asks_for_statistics);
    LayerFacts {
        bands: main.bands(),
        sample,
        bits: u8::try_from(known.bits).ok(),
        interpretation: known.interpretation,
        palette: Some(known.palette.clone()).filter(|palette| !palette.is_empty()),
        statistics: if wants_statistics { statistics(main.bands(), sources) } else { Vec::new() },
        band_names: (0..main.bands()).map(|band| known.band_name(band)).collect(),
    }
}

fn asks_for_statistics(spec: &StyleSpec) -> bool {
    matches!(spec.rescale, Rescale::Percentile { .. }) || spec.colour_map.is_some()
}

/// Statistics of each band over some of the sources.
fn statistics(bands: usize, sources: &[Arc<Source>]) -> Vec<BandStatistics> {
    let step = sources.len().div_ceil(SAMPLED_SOURCES).max(1);
    let samples: Vec<Vec<Vec<f32>>> = sources
        .par_iter()
        .step_by(step)
        .filter_map(|source| match source.sample_values() {
            Ok(values) => Some(values),
            Err(error) => {
                tracing::warn!(reason = log::chain(&error), "no statistics of a file");
                None
            }
        })
        .collect();
    let band = |band: usize| {
        let mut values: Vec<f32> = samples.iter().filter_map(|s| s.get(band)).flatten().copied().collect();
        values.sort_by(f32::total_cmp);
        of_values(values)
    };
    (0..bands).map(band).collect::<Option<Vec<_>>>().unwrap_or_default()
}

/// Statistics of values in ascending order; `None` where there are none.
fn of_values(values: Vec<f32>) -> Option<BandStatistics> {
    let (min, max) = (f64::from(*values.first()?), f64::from(*values.last()?));
    let count = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    let variance = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count;
    Some(BandStatistics { min, max, mean: Some(mean), stddev: Some(variance.sqrt()), quantiles: values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_without_styles_has_the_automatic_one() {
        let styles = styles(&[], &[]).expect("the automatic style fits anything");
        assert_eq!(styles.iter().map(Style::name).collect::<Vec<_>>(), ["normal"]);
    }

    #[test]
    fn statistics_are_those_of_the_values() {
        let found = of_values(vec![1.0, 2.0, 3.0]).expect("there are values");
        assert_eq!((found.min, found.max, found.mean), (1.0, 3.0, Some(2.0)));
        assert!(of_values(Vec::new()).is_none());
    }
}
