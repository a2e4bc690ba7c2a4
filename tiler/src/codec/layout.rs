//! What a block looks like before and after decoding.

use std::sync::Arc;

use super::{CodecError, Compression, Predictor, ycbcr};
use crate::{geom::Size, raster::SampleType};

/// What colours the samples of a block stand for, as far as decoding depends on it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Photometric {
    /// Grey, RGB, and whatever needs no conversion.
    AsStored,
    /// Luma and chroma, converted to RGB here.
    YCbCr(YCbCr),
    /// Cyan, magenta, yellow, black of 8 bits, converted to red, green, blue and an alpha of 255 here, as GDAL does;
    /// samples beyond the fourth are dropped.
    Cmyk,
}

/// How luma and chroma are stored. A JPEG stream says its own subsampling; the rest matters where there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct YCbCr {
    /// `YCbCrSubSampling`: columns and rows of pixels that share one pair of chroma samples; 1, 2 or 4.
    pub subsampling: (u16, u16),
    /// `YCbCrCoefficients`: weights of red, green, blue in luma; default 0.299, 0.587, 0.114.
    pub coefficients: [f32; 3],
    /// `ReferenceBlackWhite`: black and white of luma, zero and full of the two chromas; default 0 255 128 255 128 255.
    pub reference: [f32; 6],
}

impl Default for YCbCr {
    fn default() -> Self {
        Self {
            subsampling: (2, 2),
            coefficients: [0.299, 0.587, 0.114],
            reference: [0.0, 255.0, 128.0, 255.0, 128.0, 255.0],
        }
    }
}

/// All that decoding a block depends on.
///
/// Its sizes are checked where the header is read (`tiff::Limits`): nothing here allocates beyond what they announce.
#[derive(Debug, Clone)]
pub struct BlockLayout {
    /// Size of the block as it is stored.
    pub size: Size,
    /// Samples per pixel as they are stored, alpha included; 1 for the block of one plane.
    pub bands: usize,
    /// Bits of a stored sample, 1 to 64.
    pub bits: u16,
    /// What a sample becomes: the least type that holds it, as in GDAL.
    pub sample: SampleType,
    /// How it is compressed.
    pub compression: Compression,
    /// What was done to the samples before.
    pub predictor: Predictor,
    /// Which colours they are.
    pub photometric: Photometric,
    /// Tables shared by all JPEG blocks of the image.
    pub jpeg_tables: Option<Arc<[u8]>>,
    /// Whether samples of several bytes have the most significant one first.
    pub big_endian: bool,
    /// `FillOrder` 2: the first pixel of a byte is in its lowest bit.
    pub low_bit_first: bool,
    /// `T4Options` or `T6Options` of a fax; 0 by default.
    pub fax_options: u32,
    /// Second number of `LercParameters`: what was done after LERC, 0 nothing, 1 deflate, 2 Zstandard.
    pub lerc_wrapping: u32,
}

impl BlockLayout {
    /// Samples per pixel after decoding: four of CMYK, else as many as are stored.
    pub const fn decoded_bands(&self) -> usize {
        match self.photometric {
            Photometric::Cmyk => 4,
            _ => self.bands,
        }
    }

    /// Bytes of the block after decoding.
    pub const fn decoded_bytes(&self) -> usize {
        (self.size.pixels() as usize).saturating_mul(self.decoded_bands() * self.sample.bytes())
    }

    /// An error unless a stream that tells its own size tells the one of the block.
    pub(super) const fn expect_size(&self, codec: &'static str, found: Size) -> Result<(), CodecError> {
        let Size { width, height } = self.size;
        if found.width == width && found.height == height {
            return Ok(());
        }
        Err(CodecError::Dimensions {
            codec,
            found_width: found.width as usize,
            found_height: found.height as usize,
            width: width as usize,
            height: height as usize,
        })
    }

    /// Samples of the block as they are stored.
    pub(super) const fn samples(&self) -> usize {
        (self.size.pixels() as usize).saturating_mul(self.bands)
    }

    /// Bytes of the block before compression, as they are stored.
    pub(super) fn stored_bytes(&self) -> usize {
        match self.packed_chroma() {
            Some(colours) => ycbcr::packed_bytes(self.size, &colours),
            None => self.row_bytes().saturating_mul(self.size.height as usize),
        }
    }

    /// Bytes of a row before compression: odd bits are padded to whole bytes.
    pub(super) fn row_bytes(&self) -> usize {
        (self.size.width as usize).saturating_mul(self.bands * usize::from(self.bits)).div_ceil(8)
    }

    /// The colours, where luma and chroma are packed together in units of several pixels.
    pub(super) fn packed_chroma(&self) -> Option<YCbCr> {
        match self.photometric {
            Photometric::YCbCr(colours) if self.bands == 3 && !self.compression.describes_itself() => {
                Some(colours)
            }
            _ => None,
        }
    }

    /// Whether the predictor means anything.
    pub(super) fn applied_predictor(&self) -> Predictor {
        if self.compression.has_predictor() { self.predictor } else { Predictor::None }
    }
}
