//! Which bands of the file a style reads, and which of them make which channel.

use super::{
    StyleError,
    expression::Expression,
    facts::LayerFacts,
    recipe::{Colouring, Recipe, Source},
    spec::{BandRef, StyleSpec},
};
use crate::raster::{Interpretation, SampleType};

/// Which bands are read, and what the channels are made of.
pub(super) struct Inputs {
    /// Bands of the file that are read, counted from 0, each once.
    pub bands: Vec<usize>,
    sources: Vec<SourceKind>,
    /// For each channel the band of the file that it shows as it is.
    pub file_bands: Vec<Option<usize>>,
}

/// A channel in terms of slots of the input, and what it is called.
enum SourceKind {
    Slot(usize),
    Expression(Expression, String),
}

impl Inputs {
    /// Looks up what the style asks for, in the imagery.
    pub fn new(spec: &StyleSpec, facts: &LayerFacts) -> Result<Self, StyleError> {
        let plain = spec.bands.is_empty() && spec.expressions.is_empty();
        let mut inputs = Self { bands: Vec::new(), sources: Vec::new(), file_bands: Vec::new() };
        for text in &spec.expressions {
            let expression = Expression::parse(text)
                .map_err(|source| StyleError::Expression { text: text.clone(), source })?;
            for band in expression.bands() {
                inputs.slot(band, || format!("b{}", band + 1), facts)?;
            }
            let expression = expression.with_bands(|band| {
                inputs.bands.iter().position(|&b| b == band).expect("all bands have got their slots")
            });
            inputs.sources.push(SourceKind::Expression(expression, text.clone()));
            inputs.file_bands.push(None);
        }
        let single = spec.colour_map.is_some() || spec.hillshade.is_some() || spec.terrain_rgb.is_some();
        let indexed = facts.interpretation == Interpretation::Palette;
        let chosen = match (plain, facts.bands) {
            (false, _) => spec.bands.iter().map(|band| band.index(facts)).collect(),
            (true, 3..) if !single && !indexed => vec![0, 1, 2],
            (true, _) => vec![0],
        };
        for (i, band) in chosen.into_iter().enumerate() {
            let name = || spec.bands.get(i).map_or("b1".to_owned(), BandRef::to_text);
            let slot = inputs.slot(band, name, facts)?;
            inputs.sources.push(SourceKind::Slot(slot));
            inputs.file_bands.push(Some(band));
        }
        if inputs.bands.is_empty() {
            // A formula of numbers alone still needs pixels to be computed for.
            inputs.slot(0, || "b1".to_owned(), facts)?;
        }
        match inputs.sources.len() {
            1 | 3 => Ok(inputs),
            channels => Err(StyleError::Channels { channels }),
        }
    }

    /// The place of a band in the input; it is added if it has none.
    fn slot(
        &mut self,
        band: usize,
        name: impl Fn() -> String,
        facts: &LayerFacts,
    ) -> Result<usize, StyleError> {
        if band >= facts.bands {
            return Err(StyleError::NoSuchBand { band: name(), bands: facts.bands });
        }
        Ok(self.bands.iter().position(|&b| b == band).unwrap_or_else(|| {
            self.bands.push(band);
            self.bands.len() - 1
        }))
    }

    /// Channels of the picture: 1 or 3.
    pub fn channels(&self) -> usize {
        self.sources.len()
    }

    /// Refuses anything but one channel, on behalf of a setting.
    pub fn single(&self, key: &'static str) -> Result<(), StyleError> {
        match self.sources.len() {
            1 => Ok(()),
            given => Err(StyleError::Count { key, given, channels: 1 }),
        }
    }

    /// Whether the picture shows one band as it is.
    pub fn is_one_band(&self) -> bool {
        matches!(self.sources[..], [SourceKind::Slot(_)])
    }

    /// Where the values of a channel come from.
    pub fn source(&self, channel: usize) -> Source {
        match &self.sources[channel] {
            SourceKind::Slot(slot) => Source::Slot(*slot),
            SourceKind::Expression(expression, _) => Source::Expression(expression.clone()),
        }
    }

    /// What the channels are called.
    pub fn labels(&self, facts: &LayerFacts) -> Vec<String> {
        let label = |source: &SourceKind| match source {
            SourceKind::Slot(slot) => facts.band_label(self.bands[*slot]),
            SourceKind::Expression(_, text) => text.clone(),
        };
        self.sources.iter().map(label).collect()
    }

    /// A colour for each value of the single source; a table where there are only 256 values.
    pub fn mapped(&self, colouring: Colouring, facts: &LayerFacts) -> Recipe {
        match self.source(0) {
            Source::Slot(_) if facts.sample == SampleType::U8 => {
                Recipe::Colours(Box::new(std::array::from_fn(|value| colouring.colour(value as f64))))
            }
            source => Recipe::Mapped { source, colouring },
        }
    }
}

impl BandRef {
    /// Counted from 0; beyond all bands if there is none of that name.
    fn index(&self, facts: &LayerFacts) -> usize {
        let number = |number: usize| number.checked_sub(1).unwrap_or(usize::MAX);
        match self {
            Self::Number(n) => number(*n),
            Self::Name(name) => {
                let named = |other: &Option<String>| {
                    other.as_ref().is_some_and(|other| other.to_lowercase() == name.to_lowercase())
                };
                let digits = || name.strip_prefix(['b', 'B']).and_then(|digits| digits.parse().ok());
                let by_name = facts.band_names.iter().position(named);
                by_name.unwrap_or_else(|| digits().map_or(usize::MAX, number))
            }
        }
    }

    fn to_text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Name(name) => name.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> LayerFacts {
        let names = ["rouge", "vert", "bleu", "PIR"].map(|name| Some(name.to_owned()));
        LayerFacts { band_names: names.to_vec(), ..LayerFacts::plain(4, SampleType::U8, Interpretation::Rgb) }
    }

    fn bands(spec: &StyleSpec) -> Result<Vec<usize>, StyleError> {
        Inputs::new(spec, &facts()).map(|inputs| inputs.bands)
    }

    fn named(names: &[&str]) -> StyleSpec {
        let bands = names.iter().map(|name| BandRef::Name((*name).to_owned())).collect();
        StyleSpec { bands, ..StyleSpec::default() }
    }

    #[test]
    fn bands_are_found_by_number_name_and_description() {
        let numbers = StyleSpec { bands: [4, 1, 2].map(BandRef::Number).to_vec(), ..StyleSpec::default() };
        assert_eq!(bands(&numbers), Ok(vec![3, 0, 1]));
        assert_eq!(bands(&named(&["b4", "B1", "b2"])), Ok(vec![3, 0, 1]));
        assert_eq!(bands(&named(&["pir", "Rouge", "vert"])), Ok(vec![3, 0, 1]));
    }

    #[test]
    fn a_band_used_twice_is_read_once() {
        let inputs = Inputs::new(&named(&["b2", "b2", "b1"]), &facts()).expect("they are there");
        assert_eq!(inputs.bands, [1, 0]);
        assert_eq!(inputs.labels(&facts()), ["vert", "vert", "rouge"]);
    }

    #[test]
    fn a_missing_band_is_named() {
        let missing = |name: &str| StyleError::NoSuchBand { band: name.to_owned(), bands: 4 };
        assert_eq!(bands(&named(&["b5"])), Err(missing("b5")));
        assert_eq!(bands(&named(&["b0"])), Err(missing("b0")));
        assert_eq!(bands(&named(&["infra"])), Err(missing("infra")));
        let formula = StyleSpec { expressions: vec!["b1 / b9".to_owned()], ..StyleSpec::default() };
        assert_eq!(bands(&formula), Err(missing("b9")));
    }

    #[test]
    fn two_channels_are_no_picture() {
        assert_eq!(bands(&named(&["b1", "b2"])), Err(StyleError::Channels { channels: 2 }));
    }
}
