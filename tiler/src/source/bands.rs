//! What each band is, for people.

use super::Source;
use crate::cog::Interpretation;

/// What is told of one band.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BandFacts {
    /// From 1, as people and GDAL count.
    pub index: usize,
    /// As GDAL names it: `Red`, `Gray`, `Alpha`, `Undefined` …
    pub interpretation: &'static str,
    /// What the file says of it.
    pub description: Option<String>,
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
        let alpha = self.rules.alpha.map(|alpha| alpha.band);
        (0..self.facts.bands)
            .map(|band| BandFacts {
                index: band + 1,
                interpretation: match alpha {
                    Some(alpha) if alpha == band => "Alpha",
                    _ => names.get(band).copied().unwrap_or("Undefined"),
                },
                description: None,
            })
            .collect()
    }
}
