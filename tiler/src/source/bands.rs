//! What each band is, for people.

use super::Source;
use crate::{
    raster::Interpretation,
    sidecar::{ColourInterpretation, Statistics},
};

/// What is told of one band.
#[derive(Debug, Clone, PartialEq)]
pub struct BandFacts {
    /// From 1, as people and GDAL count.
    pub index: usize,
    /// As GDAL names it: `Red`, `Gray`, `Alpha`, `Undefined` …
    pub interpretation: &'static str,
    /// What the file says of it.
    pub description: Option<String>,
    /// Unit of the values.
    pub unit: Option<String>,
    /// Value = stored × scale + offset.
    pub scale: Option<f64>,
    /// See `scale`.
    pub offset: Option<f64>,
    /// Of the values, as the file tells them.
    pub statistics: Option<Statistics>,
}

impl Source {
    /// What is told of each band, alpha included.
    pub fn band_facts(&self) -> Vec<BandFacts> {
        let names: &[&'static str] = match self.facts.interpretation {
            Interpretation::Grey | Interpretation::WhiteIsZero => &["Gray"],
            Interpretation::Rgb => &["Red", "Green", "Blue"],
            Interpretation::Palette => &["Palette"],
            Interpretation::Cmyk => &["Cyan", "Magenta", "Yellow", "Black"],
        };
        (0..self.facts.bands)
            .map(|band| {
                let said = self.facts.band_metadata.get(band).cloned().unwrap_or_default();
                let by_tags = names.get(band).copied().unwrap_or("Undefined");
                BandFacts {
                    index: band + 1,
                    interpretation: match said.colour {
                        _ if self.alpha_band() == Some(band) => "Alpha",
                        Some(colour) => name(colour).unwrap_or(by_tags),
                        None => by_tags,
                    },
                    description: said.description,
                    unit: said.unit,
                    scale: said.scale,
                    offset: said.offset,
                    statistics: said.statistics,
                }
            })
            .collect()
    }
}

const fn name(colour: ColourInterpretation) -> Option<&'static str> {
    Some(match colour {
        ColourInterpretation::Undefined => "Undefined",
        ColourInterpretation::Grey => "Gray",
        ColourInterpretation::Palette => "Palette",
        ColourInterpretation::Red => "Red",
        ColourInterpretation::Green => "Green",
        ColourInterpretation::Blue => "Blue",
        ColourInterpretation::Alpha => "Alpha",
        ColourInterpretation::Nir => "NIR",
        ColourInterpretation::Other => return None,
    })
}
