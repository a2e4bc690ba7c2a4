//! What a file says of itself, for people and for choosing a style. Nothing here decides how pixels are read.

use crate::{cog::Interpretation, raster::SampleType};

/// What a file says of itself.
#[derive(Debug, Clone)]
pub struct Facts {
    /// `GTiff` or `JP2`.
    pub format: &'static str,
    /// How blocks are compressed, as GDAL names it.
    pub compression: &'static str,
    /// What the first bands are.
    pub interpretation: Interpretation,
    /// Whether colour is stored as luma and chroma.
    pub is_ycbcr: bool,
    /// Bands, alpha included.
    pub bands: usize,
    /// The type of samples in memory.
    pub sample: SampleType,
    /// Bits of a sample as it is stored.
    pub bits: u16,
    /// Whether the blocks are tiles, not strips.
    pub is_tiled: bool,
    /// Whether each band is stored apart.
    pub is_planar: bool,
    /// Whether compression loses details.
    pub is_lossy: bool,
    /// Colours by index, red green blue alpha; empty where there are none.
    pub palette: Vec<[u8; 4]>,
}

impl Facts {
    /// Levels of a sample for one level of 8 bits.
    pub(super) fn levels_per_byte(&self) -> f64 {
        if self.bits > 8 { f64::from(1u32 << (self.bits - 8).min(24)) } else { 1.0 }
    }
}
