//! From what was configured and what the imagery is to what is done with each pixel.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_128;

use super::{
    Style, StyleError,
    check::check,
    colormap::{CLEAR, ColorMap, ENTRY_LIMIT, MapKind, Rgba, Stop, gradient, names},
    facts::LayerFacts,
    inputs::Inputs,
    legend::Legend,
    range::ranges,
    recipe::{Channel, Colouring, Levels, Recipe, Resolved, Source},
    spec::{ColorMapSpec, Rescale, StyleSpec},
    tone::{Curve, Tone, level, saturate},
};
use crate::raster::{Interpretation, SampleType};

impl StyleSpec {
    /// The style for some imagery.
    ///
    /// # Errors
    /// When it contradicts itself, or the imagery has not what it needs. The default style fits whatever has a band.
    pub fn resolve(&self, facts: &LayerFacts) -> Result<Style, StyleError> {
        check(self)?;
        let inputs = Inputs::new(self, facts)?;
        let indexed = facts.interpretation == Interpretation::Palette;
        let (mut recipe, legend) = if let Some(encoding) = self.terrain_rgb {
            inputs.single("terrain_rgb")?;
            (Recipe::Terrain(encoding), Legend::empty(self))
        } else if let Some(light) = self.hillshade {
            inputs.single("hillshade")?;
            let tint = self.colour_map.as_ref().map(|map| self.colouring(map, &inputs, facts)).transpose()?;
            let legend =
                tint.as_ref().map_or_else(|| Legend::empty(self), |tint| Legend::of_values(self, tint));
            (Recipe::Relief { light, tint }, legend)
        } else if let Some(map) = &self.colour_map {
            inputs.single("colormap")?;
            let colouring = self.colouring(map, &inputs, facts)?;
            let legend = Legend::of_values(self, &colouring);
            (inputs.mapped(colouring, facts), legend)
        } else if let (true, true, Some(palette)) = (indexed, inputs.is_one_band(), &facts.palette) {
            let colouring = Colouring::Map(self.palette(palette)?);
            let legend = Legend::of_values(self, &colouring);
            (inputs.mapped(colouring, facts), legend)
        } else {
            self.tones(&inputs, facts)?
        };
        let exact = self.colour_map.as_ref().is_some_and(ColorMapSpec::is_exact);
        let elevations = matches!(recipe, Recipe::Relief { .. } | Recipe::Terrain(_));
        recipe.forget_labels();
        let fingerprint = xxh3_128(format!("style 1 {:?} {recipe:?}", inputs.bands).as_bytes());
        Ok(Style(Arc::new(Resolved {
            bands: inputs.bands,
            recipe,
            categorical: indexed || exact,
            needs_float: facts.sample != SampleType::U8 || elevations,
            legend,
            fingerprint,
        })))
    }

    fn tones(&self, inputs: &Inputs, facts: &LayerFacts) -> Result<(Recipe, Legend), StyleError> {
        let count = inputs.channels();
        self.check_counts(count)?;
        if self.saturation != 1.0 && count == 1 {
            return Err(StyleError::Conflict { first: "saturation", second: "a single band" });
        }
        let ranges = ranges(self, &inputs.file_bands, facts)?;
        let channels: Vec<Channel> = (0..count)
            .map(|i| Channel { source: inputs.source(i), curve: Curve::new(self.tone(i, ranges[i])) })
            .collect();
        let legend = Legend::of_channels(self, &channels, &inputs.labels(facts));
        let recipe = match <[Channel; 3]>::try_from(channels) {
            Ok(channels) if self.saturation != 1.0 => {
                Recipe::Saturated { channels: Box::new(channels), amount: self.saturation }
            }
            Ok(channels) => without_saturation(channels.into(), facts),
            Err(channels) => without_saturation(channels, facts),
        };
        Ok((recipe, legend))
    }

    /// The steps of one channel, given the values that become black and white.
    fn tone(&self, channel: usize, range: (f64, f64)) -> Tone {
        let gamma = self.gamma.get(channel).or(self.gamma.first()).copied().unwrap_or(1.0);
        Tone { range, contrast: self.contrast, gamma }
    }

    fn check_counts(&self, channels: usize) -> Result<(), StyleError> {
        let pairs = if let Rescale::Fixed(pairs) = &self.rescale { pairs.len() } else { 1 };
        for (key, given) in [("rescale", pairs), ("gamma", self.gamma.len().max(1))] {
            if given != 1 && given != channels {
                return Err(StyleError::Count { key, given, channels });
            }
        }
        Ok(())
    }

    /// Colours for the single source.
    fn colouring(
        &self,
        map: &ColorMapSpec,
        inputs: &Inputs,
        facts: &LayerFacts,
    ) -> Result<Colouring, StyleError> {
        if let ColorMapSpec::Named(name) = map {
            let unknown = || StyleError::UnknownColorMap { name: name.clone(), known: names().join(" ") };
            let gradient = Box::new(gradient(name).ok_or_else(unknown)?);
            self.check_counts(1)?;
            let range = ranges(self, &inputs.file_bands, facts)?[0];
            return Ok(Colouring::Gradient { tone: self.tone(0, range), gradient });
        }
        let map = match map {
            ColorMapSpec::Table(table) => {
                let band = inputs.file_bands.first().copied().flatten();
                let statistics = band.and_then(|band| facts.statistics.get(band));
                let range = statistics.map(|band| (band.min, band.max));
                table.resolve(range).ok_or(StyleError::NoStatistics)?
            }
            ColorMapSpec::Palette => self.palette(facts.palette.as_ref().ok_or(StyleError::NoPalette)?)?,
            ColorMapSpec::Stops { kind, stops, otherwise } => {
                if stops.len() > ENTRY_LIMIT {
                    return Err(StyleError::Entries { entries: stops.len(), limit: ENTRY_LIMIT });
                }
                ColorMap::new(*kind, stops.clone(), *otherwise)
            }
            ColorMapSpec::Named(_) => ColorMap::new(MapKind::Exact, Vec::new(), CLEAR),
        };
        if map.stops.is_empty() {
            return Err(StyleError::Entries { entries: 0, limit: ENTRY_LIMIT });
        }
        Ok(Colouring::Map(map))
    }

    /// The palette of the imagery, through contrast, gamma and saturation.
    fn palette(&self, palette: &[Rgba]) -> Result<ColorMap, StyleError> {
        if self.rescale != Rescale::Auto {
            return Err(StyleError::Conflict { first: "rescale", second: "palette" });
        }
        self.check_counts(3)?;
        let tones: [Tone; 3] = std::array::from_fn(|i| self.tone(i, (0.0, 255.0)));
        let stops = palette.iter().enumerate().map(|(index, &[r, g, b, alpha])| {
            let values = [r, g, b].map(f64::from);
            let [r, g, b] =
                saturate(std::array::from_fn(|i| tones[i].brightness(values[i])), self.saturation).map(level);
            Stop { value: index as f64, colour: [r, g, b, alpha], label: None }
        });
        Ok(ColorMap::new(MapKind::Exact, stops.collect(), CLEAR))
    }
}

/// A table for each channel if all of them are bands of 8 bits; nothing at all if those tables change nothing.
fn without_saturation(channels: Vec<Channel>, facts: &LayerFacts) -> Recipe {
    let table = |channel: &Channel| match channel.source {
        Source::Slot(slot) => Some(Levels { slot, table: channel.curve.tone.table() }),
        Source::Expression(_) => None,
    };
    match channels.iter().map(table).collect::<Option<Vec<_>>>() {
        Some(tables) if facts.sample == SampleType::U8 => {
            let same = tables.iter().enumerate().all(|(i, levels)| levels.is_identity(i));
            if same { Recipe::Same } else { Recipe::Levels(tables) }
        }
        _ => Recipe::Tones(channels),
    }
}

impl ColorMapSpec {
    fn is_exact(&self) -> bool {
        match self {
            Self::Named(_) => false,
            Self::Stops { kind, .. } => *kind == MapKind::Exact,
            Self::Table(table) => table.kind == MapKind::Exact,
            Self::Palette => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::{BandRef, Hillshade, TerrainEncoding};

    fn resolved(spec: &StyleSpec, facts: &LayerFacts) -> Style {
        spec.resolve(facts).expect("it fits")
    }

    fn automatic(bands: usize, sample: SampleType, interpretation: Interpretation) -> Style {
        resolved(&StyleSpec::default(), &LayerFacts::plain(bands, sample, interpretation))
    }

    fn mapped(name: &str) -> StyleSpec {
        StyleSpec { colour_map: Some(ColorMapSpec::Named(name.to_owned())), ..StyleSpec::default() }
    }

    #[test]
    fn plain_8_bit_imagery_costs_nothing() {
        let rgb = automatic(4, SampleType::U8, Interpretation::Rgb);
        assert!(rgb.is_identity() && !rgb.needs_float() && !rgb.is_categorical());
        assert_eq!((rgb.bands(), rgb.channels(), rgb.margin_px()), (&[0, 1, 2][..], 3, 0));
        let grey = automatic(2, SampleType::U8, Interpretation::Grey);
        assert!(grey.is_identity());
        assert_eq!((grey.bands(), grey.channels()), (&[0][..], 1));
    }

    #[test]
    fn another_order_of_bands_costs_nothing_either() {
        let spec = StyleSpec { bands: [4, 1, 2].map(BandRef::Number).to_vec(), ..StyleSpec::default() };
        let infrared = resolved(&spec, &LayerFacts::plain(4, SampleType::U8, Interpretation::Rgb));
        assert!(infrared.is_identity());
        assert_eq!(infrared.bands(), [3, 0, 1]);
    }

    #[test]
    fn eight_bits_stay_eight_bits_with_gamma_and_colours() {
        let facts = LayerFacts::plain(3, SampleType::U8, Interpretation::Rgb);
        let gamma = resolved(&StyleSpec { gamma: vec![1.4], ..StyleSpec::default() }, &facts);
        let colours = resolved(&mapped("viridis"), &facts);
        assert!(!gamma.needs_float() && !gamma.is_identity() && !colours.needs_float());
        assert!(automatic(1, SampleType::U16, Interpretation::Grey).needs_float());
    }

    #[test]
    fn palettes_and_categories_are_never_interpolated() {
        let mut facts = LayerFacts::plain(1, SampleType::U8, Interpretation::Palette);
        facts.palette = Some(vec![[1, 2, 3, 255], [4, 5, 6, 255]]);
        for spec in
            [StyleSpec::default(), mapped("viridis"), StyleSpec { gamma: vec![2.0], ..StyleSpec::default() }]
        {
            assert!(resolved(&spec, &facts).is_categorical());
        }
        let stops = vec![Stop { value: 1.0, colour: [9; 4], label: None }];
        let classes = |kind| {
            let stops = stops.clone();
            let map = ColorMapSpec::Stops { kind, stops, otherwise: CLEAR };
            let spec = StyleSpec { colour_map: Some(map), ..StyleSpec::default() };
            ["u8", "f32"].map(|sample| {
                let sample = if sample == "u8" { SampleType::U8 } else { SampleType::F32 };
                resolved(&spec, &LayerFacts::plain(1, sample, Interpretation::Grey)).is_categorical()
            })
        };
        assert_eq!(classes(MapKind::Exact), [true; 2]);
        assert_eq!(classes(MapKind::Classes), [false; 2]);
    }

    #[test]
    fn elevations_keep_their_precision() {
        let facts = LayerFacts::plain(1, SampleType::U8, Interpretation::Grey);
        let shaded = StyleSpec { hillshade: Some(Hillshade::default()), ..StyleSpec::default() };
        let shaded = resolved(&shaded, &facts);
        assert!(shaded.needs_float() && shaded.margin_px() == 1 && shaded.channels() == 1);
        let encoded = StyleSpec { terrain_rgb: Some(TerrainEncoding::Mapbox), ..StyleSpec::default() };
        let encoded = resolved(&encoded, &facts);
        assert!(encoded.needs_float() && encoded.must_be_lossless() && encoded.channels() == 3);
    }

    #[test]
    fn the_fingerprint_follows_pixels_and_not_names() {
        let facts = LayerFacts::plain(4, SampleType::U16, Interpretation::Rgb);
        let hash = |spec: StyleSpec| {
            let mut bytes = Vec::new();
            resolved(&spec, &facts).hash_into(&mut |part| bytes.extend_from_slice(part));
            bytes
        };
        let plain = || StyleSpec::default();
        assert_eq!(hash(plain()), hash(StyleSpec { title: Some("Autre".to_owned()), ..plain() }));
        assert_ne!(hash(plain()), hash(StyleSpec { gamma: vec![1.1], ..plain() }));
        assert_ne!(
            hash(plain()),
            hash(StyleSpec { bands: [3, 2, 1].map(BandRef::Number).to_vec(), ..plain() })
        );
        assert_ne!(hash(mapped("viridis")), hash(mapped("viridis_r")));
    }

    #[test]
    fn an_unknown_colour_map_lists_the_known_ones() {
        let facts = LayerFacts::plain(1, SampleType::U8, Interpretation::Grey);
        let error = mapped("jet").resolve(&facts).expect_err("it is not among them");
        assert!(error.to_string().contains("no colour map is called `jet`; known ones: blues"));
    }

    #[test]
    fn grey_has_no_saturation() {
        let facts = LayerFacts::plain(1, SampleType::U16, Interpretation::Grey);
        let error =
            StyleSpec { saturation: 0.5, ..StyleSpec::default() }.resolve(&facts).expect_err("no colour");
        assert_eq!(error, StyleError::Conflict { first: "saturation", second: "a single band" });
    }

    #[test]
    fn one_gamma_serves_all_channels_and_two_serve_none() {
        let facts = LayerFacts::plain(3, SampleType::U16, Interpretation::Rgb);
        let spec = |gamma: &[f64]| StyleSpec { gamma: gamma.to_vec(), ..StyleSpec::default() };
        assert!(spec(&[1.2]).resolve(&facts).is_ok() && spec(&[1.2, 1.1, 1.0]).resolve(&facts).is_ok());
        let error = spec(&[1.2, 1.1]).resolve(&facts).expect_err("which one is whose");
        assert_eq!(error, StyleError::Count { key: "gamma", given: 2, channels: 3 });
    }

    #[test]
    fn the_legend_of_three_channels_names_their_bands() {
        let facts = LayerFacts::plain(4, SampleType::U8, Interpretation::Rgb);
        let spec = StyleSpec { bands: [4, 1, 2].map(BandRef::Number).to_vec(), ..StyleSpec::default() };
        let channels = ["b4", "b1", "b2"].map(str::to_owned);
        assert_eq!(resolved(&spec, &facts).legend().kind, crate::style::LegendKind::Rgb { channels });
    }
}
