//! Stored bytes of one block to its samples. It knows compression, but no coordinate, no level and no file.
//!
//! Every decoder writes into a buffer of exactly the size that the header announces: one byte more is an error, so a block
//! cannot expand beyond what was checked before.

mod deflate;
pub mod j2k;
mod jpeg;
mod lzw;
mod packbits;
mod predictor;
mod webp;
mod zstd;

use std::sync::Arc;

use crate::{geom::Size, raster::SampleType};

pub use predictor::Predictor;

/// How blocks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    None,
    /// LZW, most significant bit first.
    Lzw,
    /// JPEG (7), with or without shared tables.
    Jpeg,
    /// zlib.
    Deflate,
    /// Runs of bytes.
    PackBits,
    /// Zstandard.
    Zstd,
    /// WebP, lossy or lossless.
    WebP,
}

impl Compression {
    /// The compression of that number in the tag `Compression`.
    ///
    /// # Errors
    /// With the number's name and the remedy when it is not one that is read here.
    pub const fn from_tag(value: u16) -> Result<Self, CodecError> {
        Ok(match value {
            1 => Self::None,
            5 => Self::Lzw,
            7 => Self::Jpeg,
            8 | 32_946 => Self::Deflate,
            32_773 => Self::PackBits,
            50_000 => Self::Zstd,
            50_001 => Self::WebP,
            _ => return Err(CodecError::Compression { value, name: unsupported_name(value) }),
        })
    }

    /// The name that GDAL uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Lzw => "LZW",
            Self::Jpeg => "JPEG",
            Self::Deflate => "DEFLATE",
            Self::PackBits => "PACKBITS",
            Self::Zstd => "ZSTD",
            Self::WebP => "WEBP",
        }
    }
}

const fn unsupported_name(value: u16) -> &'static str {
    match value {
        2..=4 => "CCITT fax",
        6 => "old-style JPEG",
        34_712 | 33_003 | 33_005 => "JPEG 2000",
        34_887 => "LERC",
        34_925 => "LZMA",
        50_002 | 52_546 => "JPEG XL",
        _ => "an unknown compression",
    }
}

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
    /// Bytes of the block before compression, as they are stored: rows of masks are padded to whole bytes.
    fn stored_bytes(&self) -> usize {
        self.row_bytes() * self.size.height as usize
    }

    fn row_bytes(&self) -> usize {
        (self.size.width as usize * self.bands * usize::from(self.bits)).div_ceil(8)
    }
}

/// Why a block cannot be decoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum CodecError {
    #[error(
        "compression {value} ({name}) is not read here; convert with `gdal_translate -of COG -co COMPRESS=DEFLATE`"
    )]
    Compression { value: u16, name: &'static str },
    #[error("predictor {value} is not read here for samples of {bits} bits")]
    Predictor { value: u16, bits: u16 },
    #[error("the {codec} data is damaged: {reason}")]
    Damaged { codec: &'static str, reason: String },
    #[error("the {codec} data holds {found} bytes where {expected} are announced")]
    Length { codec: &'static str, found: usize, expected: usize },
    #[error("the {codec} picture is {found_width} x {found_height} where {width} x {height} is announced")]
    Dimensions { codec: &'static str, found_width: usize, found_height: usize, width: usize, height: usize },
    #[error("the {codec} picture has {found} channels where {expected} are announced")]
    Channels { codec: &'static str, found: usize, expected: usize },
}

/// Decodes one block into interleaved samples, rows from the top, several bytes in the order of this machine.
///
/// # Errors
/// When the bytes are not what the layout says.
///
/// # Allocations
/// The block as announced by the layout, once; the compressed bytes cannot ask for more.
pub fn decode(bytes: &[u8], layout: &BlockLayout) -> Result<Vec<u8>, CodecError> {
    let expected = layout.stored_bytes();
    let mut samples = match layout.compression {
        Compression::None => match bytes.get(..expected) {
            Some(all) => all.to_vec(),
            None => return Err(CodecError::Length { codec: "NONE", found: bytes.len(), expected }),
        },
        Compression::Lzw => lzw::decode(bytes, expected)?,
        Compression::Deflate => deflate::decode(bytes, expected)?,
        Compression::PackBits => packbits::decode(bytes, expected)?,
        Compression::Zstd => zstd::decode(bytes, expected)?,
        Compression::Jpeg => return jpeg::decode(bytes, layout),
        Compression::WebP => return webp::decode(bytes, layout),
    };
    if layout.bits == 1 {
        return Ok(expand_bits(&samples, layout));
    }
    predictor::undo(&mut samples, layout);
    Ok(samples)
}

/// One bit per pixel to one byte per pixel, 0 or 255.
fn expand_bits(bits: &[u8], layout: &BlockLayout) -> Vec<u8> {
    let width = layout.size.width as usize * layout.bands;
    let mut out = Vec::with_capacity(width * layout.size.height as usize);
    for row in bits.chunks_exact(layout.row_bytes().max(1)) {
        let row = row.iter().flat_map(|&byte| {
            let byte = if layout.low_bit_first { byte.reverse_bits() } else { byte };
            (0..8).map(move |bit| if byte >> (7 - bit) & 1 == 1 { 255 } else { 0 })
        });
        out.extend(row.take(width));
    }
    out
}

/// A layout of one 8-bit band without anything special.
#[cfg(test)]
fn plain(size: Size, compression: Compression) -> BlockLayout {
    BlockLayout {
        size,
        bands: 1,
        bits: 8,
        compression,
        predictor: Predictor::None,
        photometric: Photometric::AsStored,
        jpeg_tables: None,
        big_endian: false,
        low_bit_first: false,
        sample: SampleType::U8,
        fax_options: 0,
        lerc_wrapping: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_become_bytes_and_padding_is_left_out() {
        let layout = BlockLayout { bits: 1, ..plain(Size::new(10, 2), Compression::None) };
        let bits = [0b1010_0000, 0b0100_0000, 0b0000_0001, 0b1000_0000];
        let bytes = decode(&bits, &layout).expect("it is well formed");
        assert_eq!(bytes, [255, 0, 255, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0]);
        let layout = BlockLayout { low_bit_first: true, ..layout };
        assert_eq!(decode(&bits, &layout).expect("it is well formed")[5], 255);
    }

    #[test]
    fn too_few_bytes_are_an_error() {
        let layout = plain(Size::new(4, 4), Compression::None);
        assert!(matches!(decode(&[0; 15], &layout), Err(CodecError::Length { .. })));
        assert!(decode(&[0; 17], &layout).is_ok(), "padding after the block is nobody's concern");
    }

    #[test]
    fn a_compression_that_is_not_read_is_named_with_its_remedy() {
        let message = Compression::from_tag(34_887).expect_err("LERC is not read").to_string();
        assert!(message.contains("LERC") && message.contains("gdal_translate"), "{message}");
    }
}
