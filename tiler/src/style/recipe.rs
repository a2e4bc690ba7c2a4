//! What a resolved style does with each pixel, as data.

use super::{
    colormap::{ColorMap, Gradient, Rgba},
    elevation::TerrainEncoding,
    expression::Expression,
    hillshade::Hillshade,
    legend::Legend,
    tone::{Curve, Tone},
};

/// What a style comes down to.
#[derive(Debug)]
pub(super) struct Resolved {
    pub bands: Vec<usize>,
    pub recipe: Recipe,
    pub categorical: bool,
    pub needs_float: bool,
    pub legend: Legend,
    /// The hash of all of the above that decides pixels.
    pub fingerprint: u128,
}

/// What is done with pixels. Its `Debug` text goes into fingerprints, so every field that decides pixels belongs here.
#[derive(Debug)]
pub(super) enum Recipe {
    /// Nothing: the samples are the picture.
    Same,
    /// 8-bit samples through a table for each channel.
    Levels(Vec<Levels>),
    /// 8-bit samples through a table of colours.
    Colours(Box<[Rgba; 256]>),
    /// All steps but saturation, channel by channel.
    Tones(Vec<Channel>),
    /// All steps of three channels.
    Saturated { channels: Box<[Channel; 3]>, amount: f64 },
    /// A colour for each value.
    Mapped { source: Source, colouring: Colouring },
    /// Shaded relief.
    Relief { light: Hillshade, tint: Option<Colouring> },
    /// Numbers as colours.
    Terrain(TerrainEncoding),
}

#[derive(Debug)]
pub(super) struct Levels {
    /// Which of the bands of the input.
    pub slot: usize,
    pub table: [u8; 256],
}

#[derive(Debug)]
pub(super) struct Channel {
    pub source: Source,
    pub curve: Curve,
}

/// Where the values of a channel come from. Bands are those of the input, not of the file.
#[derive(Debug)]
pub(super) enum Source {
    Slot(usize),
    Expression(Expression),
}

#[derive(Debug)]
pub(super) enum Colouring {
    Gradient { tone: Tone, gradient: Box<Gradient> },
    Map(ColorMap),
}

impl Levels {
    /// Whether the channel is the band of the same place, unchanged.
    pub fn is_identity(&self, channel: usize) -> bool {
        self.slot == channel && self.table.iter().enumerate().all(|(i, &level)| i == usize::from(level))
    }
}

impl Recipe {
    /// Labels do not decide pixels; the legend has got them.
    pub fn forget_labels(&mut self) {
        if let Self::Mapped { colouring: Colouring::Map(map), .. }
        | Self::Relief { tint: Some(Colouring::Map(map)), .. } = self
        {
            map.stops.iter_mut().for_each(|stop| stop.label = None);
        }
    }
}
