//! Which bands of a source show, and as what. It knows bands, but no file, no tile and no picture format.
//!
//! A [`StyleSpec`] is what was configured; with the [`LayerFacts`] of the imagery it becomes a [`Style`] of plain numbers,
//! which is applied to pixels after they are warped and composited, and before they are encoded.
//!
//! Each channel goes through these steps, in this order:
//!
//! 1. a band, or an expression of bands ([`Expression`]);
//! 2. rescale: t = (v − black) / (white − black), within 0 to 1;
//! 3. sigmoidal contrast ([`Contrast`]);
//! 4. gamma: t to the power of 1/gamma;
//! 5. with three channels, saturation: Y + s · (c − Y) within 0 to 1, Y = 0.2126 R + 0.7152 G + 0.0722 B;
//! 6. 8 bits: floor(255 t + 0.5). With a named colour map this is the index of its 256 colours instead.
//!
//! A pixel of which a channel is not a finite number is transparent.

#![expect(
    clippy::float_cmp,
    reason = "values equal what was configured or they do not; nothing is computed in between"
)]

mod apply;
mod check;
mod colormap;
mod elevation;
mod error;
mod expression;
mod facts;
mod hillshade;
mod inputs;
mod legend;
mod planes;
mod range;
mod recipe;
mod resolve;
#[cfg(test)]
mod robustness;
mod spec;
mod tone;

use std::sync::Arc;

use crate::geom::Size;

pub use crate::raster::Interpretation;
pub use colormap::{
    ColorTable, MapKind, Position, Rgba, Stop, TableError, TableStop, is_known as is_color_map,
    names as color_map_names, parse_colour,
};
pub use elevation::TerrainEncoding;
pub use error::StyleError;
pub use expression::{Expression, ExpressionError, Reason};
pub use facts::{BandStatistics, LayerFacts};
pub use hillshade::{CellSize, Hillshade, ShadeMethod};
pub use legend::{Legend, LegendEntry, LegendKind};
pub use spec::{BandRef, ColorMapSpec, Rescale, Scope, StyleSpec};
pub use tone::Contrast;

use recipe::{Recipe, Resolved};

/// Samples of pixels to be styled, `[row, col, band]`.
#[derive(Debug, Clone, Copy)]
pub enum Pixels<'a> {
    /// 8-bit samples.
    U8(&'a [u8]),
    /// All other ones, as numbers.
    F32(&'a [f32]),
}

/// Pixels to be styled: exactly the bands that [`Style::bands`] lists, in that order.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Columns and rows, margin included.
    pub size: Size,
    /// Bands of a pixel.
    pub bands: usize,
    /// The samples.
    pub pixels: Pixels<'a>,
    /// Validity per pixel, 0 to 255; `None` where all is valid.
    pub mask: Option<&'a [u8]>,
}

/// A picture: grey or red green blue, 8 bits, `[row, col, channel]`, not premultiplied; as large as the input without its
/// margin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// 1 or 3.
    pub channels: usize,
    /// The samples.
    pub pixels: Vec<u8>,
    /// Opacity per pixel; `None` where all is opaque.
    pub mask: Option<Vec<u8>>,
}

impl Input<'_> {
    fn count(&self) -> usize {
        self.size.pixels() as usize
    }

    /// Whether there are as many samples as size and bands ask for.
    fn fits(&self, bands: usize) -> bool {
        let samples = match self.pixels {
            Pixels::U8(samples) => samples.len(),
            Pixels::F32(samples) => samples.len(),
        };
        self.bands == bands
            && self.count().checked_mul(bands) == Some(samples)
            && self.mask.is_none_or(|mask| mask.len() == self.count())
    }

    /// The first band of a pixel.
    fn sample(&self, index: usize) -> f64 {
        match self.pixels {
            Pixels::U8(samples) => f64::from(samples[index * self.bands]),
            Pixels::F32(samples) => f64::from(samples[index * self.bands]),
        }
    }

    fn validity(&self, index: usize) -> u8 {
        self.mask.map_or(255, |mask| mask[index])
    }
}

/// A style made for its imagery: concrete numbers, cheap to clone.
#[derive(Debug, Clone)]
pub struct Style(Arc<Resolved>);

impl Style {
    /// Its identifier.
    pub fn name(&self) -> &str {
        &self.0.legend.name
    }

    /// Where it lies: of all styles that there are at the same time, it and its clones alone lie there.
    pub fn addr(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// What people read.
    pub fn title(&self) -> &str {
        &self.0.legend.title
    }

    /// The bands of the source that it needs, counted from 0, each once, in the order of the input.
    pub fn bands(&self) -> &[usize] {
        &self.0.bands
    }

    /// Channels of the picture, 1 or 3.
    pub fn channels(&self) -> usize {
        match &self.0.recipe {
            Recipe::Same => self.0.bands.len(),
            Recipe::Levels(tables) => tables.len(),
            Recipe::Tones(channels) => channels.len(),
            Recipe::Relief { tint: None, .. } => 1,
            _ => 3,
        }
    }

    /// Whether values are categories or indices, which must be read by nearest neighbour.
    pub fn is_categorical(&self) -> bool {
        self.0.categorical
    }

    /// Pixels that are needed around what is asked for, on each side.
    pub fn margin_px(&self) -> u32 {
        u32::from(matches!(self.0.recipe, Recipe::Relief { .. }))
    }

    /// Whether samples should stay numbers until here. False for 8-bit imagery, except elevations.
    pub fn needs_float(&self) -> bool {
        self.0.needs_float
    }

    /// Whether the picture is the input, so that [`Style::apply`] need not be called.
    pub fn is_identity(&self) -> bool {
        matches!(self.0.recipe, Recipe::Same)
    }

    /// Whether the picture is data that lossy encoding and later interpolation would spoil: elevations in colours.
    pub fn must_be_lossless(&self) -> bool {
        matches!(self.0.recipe, Recipe::Terrain(_))
    }

    /// Feeds all that decides pixels, for a fingerprint; names and labels do not.
    pub fn hash_into(&self, feed: &mut impl FnMut(&[u8])) {
        feed(&self.0.fingerprint.to_le_bytes());
    }

    /// What its colours mean.
    pub fn legend(&self) -> &Legend {
        &self.0.legend
    }

    /// The picture of some pixels. `cell` is used by shaded relief only.
    ///
    /// An input that is not what the style asks for becomes wholly transparent.
    pub fn apply(&self, input: Input<'_>, cell: CellSize) -> Output {
        apply::apply(self, &input, cell)
    }
}
