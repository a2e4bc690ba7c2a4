//! What was configured for a style, before it meets its imagery. How it is written in a file is the configuration's matter.

use super::{
    colormap::{ColorTable, MapKind, Rgba, Stop},
    elevation::TerrainEncoding,
    hillshade::Hillshade,
    tone::Contrast,
};

/// A style as configured. The default one is the automatic style: something sensible for any imagery.
///
/// | imagery, nothing configured | shows as |
/// |---|---|
/// | 8 bits, 3 bands or more | the first three as they are |
/// | 8 bits, 1 or 2 bands; 1, 2, 4 bits | the first as grey |
/// | a palette | its colours, never interpolated |
/// | white is zero | grey, inverted |
/// | other types, 1 or 2 bands | the first as grey, from the 2nd to the 98th percentile |
/// | other types, 3 bands or more | the first three, from the least 2nd to the greatest 98th percentile of the three: one stretch for all, so that colours keep their balance |
///
/// Without percentiles: two standard deviations around the mean; without those, the least and the greatest value; without
/// statistics, the range of the type, or of the bits in use.
#[derive(Debug, Clone, PartialEq)]
pub struct StyleSpec {
    /// Identifier in requests.
    pub name: String,
    /// For people; default the name.
    pub title: Option<String>,
    /// One band for grey or a colour map, three for red, green, blue; default as in the table above.
    pub bands: Vec<BandRef>,
    /// Formulas instead of bands, one or three. See [`super::Expression`].
    pub expressions: Vec<String>,
    /// Which values become black and white; default automatic.
    pub rescale: Rescale,
    /// Sigmoidal contrast; default none.
    pub contrast: Option<Contrast>,
    /// Brightness is raised to 1/gamma; none, one for all channels or one for each; 0.1 to 10, default 1.
    pub gamma: Vec<f64>,
    /// 0 is grey, 1 (default) as it is, at most 10. Only for three channels.
    pub saturation: f64,
    /// Colours for the values of a single band or expression.
    pub colour_map: Option<ColorMapSpec>,
    /// Shaded relief of a single band of elevations; with a colour map, the two multiplied.
    pub hillshade: Option<Hillshade>,
    /// A single band of elevations as numbers in a picture, for clients that draw terrain themselves.
    pub terrain_rgb: Option<TerrainEncoding>,
    /// The unit of the values, for legends.
    pub unit: Option<String>,
}

impl Default for StyleSpec {
    fn default() -> Self {
        Self {
            name: "default".to_owned(),
            title: None,
            bands: Vec::new(),
            expressions: Vec::new(),
            rescale: Rescale::Auto,
            contrast: None,
            gamma: Vec::new(),
            saturation: 1.0,
            colour_map: None,
            hillshade: None,
            terrain_rgb: None,
            unit: None,
        }
    }
}

/// A band as people name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BandRef {
    /// Counted from 1, as in GDAL.
    Number(usize),
    /// A band's description (in any case), else `b4` for the fourth one.
    Name(String),
}

/// Which values become black and white.
#[derive(Debug, Clone, PartialEq)]
pub enum Rescale {
    /// As in the table of [`StyleSpec`].
    Auto,
    /// These values: one pair for all channels, or one for each. The first may be the greater one.
    Fixed(Vec<(f64, f64)>),
    /// The values at two percentiles of the statistics.
    Percentile {
        /// 0 to 100, less than `high`.
        low: f64,
        /// 0 to 100.
        high: f64,
        /// For each channel or for all of them.
        scope: Scope,
    },
}

/// What a stretch is measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Each channel by itself: the most contrast, at the cost of the balance of colours.
    EachBand,
    /// From the least to the greatest of all channels.
    AllBands,
}

/// Where the colours of a colour map come from.
#[derive(Debug, Clone, PartialEq)]
pub enum ColorMapSpec {
    /// One of [`super::color_map_names`], over the range of `rescale` and through contrast and gamma.
    Named(String),
    /// Entries by value.
    Stops {
        /// How they are meant.
        kind: MapKind,
        /// The entries in any order.
        stops: Vec<Stop>,
        /// The colour of what no entry is for; usually transparent.
        otherwise: Rgba,
    },
    /// A table that was read from a file.
    Table(ColorTable),
    /// The palette in the imagery.
    Palette,
}
