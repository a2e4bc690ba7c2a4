//! Stored bytes of one block to its samples. It knows compression, but no coordinate, no level and no file.
//!
//! Every decoder writes into a buffer of exactly the size that the header announces, and stops when it is full: as with
//! libtiff, what a stream holds beyond its block is cut, and a block cannot expand beyond what was checked before.

mod bits;
mod cmyk;
mod compression;
mod deflate;
mod fax;
pub mod j2k;
pub(crate) mod jpeg;
mod jxl;
mod layout;
mod lerc;
mod lzma;
mod lzw;
mod packbits;
mod partial;
pub mod picture;
mod predictor;
mod webp;
mod ycbcr;
mod zstd;

use std::borrow::Cow;

use crate::{geom::Size, raster::SampleType};

pub use cmyk::to_rgba as inks_to_rgba;
pub use compression::Compression;
pub use jpeg::PartialJpeg;
pub use layout::{BlockLayout, Photometric, YCbCr};
pub use partial::{PartialBlock, PartialRows};
pub use predictor::Predictor;
pub use webp::PartialWebP;

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
    #[error("samples of {bits} bits do not become {sample}")]
    Bits { bits: u16, sample: &'static str },
    #[error(
        "{name} is not read here in {bands} bands of {bits} bits; convert with `gdal_translate -co PHOTOMETRIC=RGB`"
    )]
    Photometric { name: &'static str, bands: usize, bits: u16 },
    #[error("the {codec} data is damaged: {reason}")]
    Damaged { codec: &'static str, reason: String },
    #[error("the {codec} data holds {found} bytes where {expected} are announced")]
    Length { codec: &'static str, found: usize, expected: usize },
    #[error("the {codec} picture is {found_width} x {found_height} where {width} x {height} is announced")]
    Dimensions { codec: &'static str, found_width: usize, found_height: usize, width: usize, height: usize },
    #[error("the {codec} picture has {found} channels where {expected} are announced")]
    Channels { codec: &'static str, found: usize, expected: usize },
    #[error("the {codec} picture has samples of {found} where {expected} is announced")]
    Samples { codec: &'static str, found: String, expected: &'static str },
}

/// Decodes one block into interleaved samples, rows from the top, several bytes in the order of this machine:
/// [`BlockLayout::decoded_bytes`] of them.
///
/// # Errors
/// When the bytes are not what the layout says.
///
/// # Allocations
/// The block as announced by the layout, before and after widening and conversion of colours; the compressed bytes
/// cannot ask for more. LZMA and Zstandard may add their window, JPEG XL its working planes, all limited.
pub fn decode(bytes: &[u8], layout: &BlockLayout) -> Result<Vec<u8>, CodecError> {
    check_colours(layout)?;
    let samples = match layout.compression {
        Compression::Jpeg => jpeg::decode(bytes, layout)?,
        Compression::WebP => webp::decode(bytes, layout)?,
        Compression::Lerc => lerc::decode(bytes, layout)?,
        Compression::JpegXl => jxl::decode(bytes, layout)?,
        Compression::Jpeg2000 => j2k::decode_block(bytes, layout)?,
        _ => widened(bytes, layout)?,
    };
    match layout.photometric {
        Photometric::Cmyk => Ok(cmyk::to_rgba(&samples, layout.bands)),
        _ => Ok(samples),
    }
}

/// Decodes a block of which only so many rows from the top lie within the image.
///
/// Some writers end the tiles of the last row there: what they left out becomes zeros, as in GDAL.
///
/// # Errors
/// When the bytes are not what the layout says, or not enough for these rows.
///
/// # Allocations
/// As [`decode`].
pub fn decode_top(bytes: &[u8], layout: &BlockLayout, rows: u32) -> Result<Vec<u8>, CodecError> {
    let whole = decode(bytes, layout);
    if whole.is_ok() || rows >= layout.size.height || layout.compression.describes_itself() {
        return whole;
    }
    let top = BlockLayout { size: Size::new(layout.size.width, rows), ..layout.clone() };
    let mut samples = decode(bytes, &top)?;
    samples.resize(layout.decoded_bytes(), 0);
    Ok(samples)
}

/// Refuses colours that have no conversion here.
fn check_colours(layout: &BlockLayout) -> Result<(), CodecError> {
    let (bands, bits) = (layout.bands, layout.bits);
    let bytes = layout.sample == SampleType::U8 && bits == 8;
    let refused = |name| Err(CodecError::Photometric { name, bands, bits });
    match (layout.photometric, layout.packed_chroma()) {
        (Photometric::Cmyk, _) if bands < 4 || !bytes => refused("CMYK"),
        (_, Some(_)) if !bytes => refused("YCbCr"),
        (_, Some(colours))
            if colours.subsampling != (1, 1) && layout.applied_predictor() != Predictor::None =>
        {
            refused("YCbCr with a predictor")
        }
        _ => Ok(()),
    }
}

/// A stream that only makes sense with the tags: to samples, of whatever bits, in whatever order.
fn widened(bytes: &[u8], layout: &BlockLayout) -> Result<Vec<u8>, CodecError> {
    let bytes: Cow<'_, [u8]> = if layout.low_bit_first {
        bytes.iter().map(|byte| byte.reverse_bits()).collect::<Vec<_>>().into()
    } else {
        bytes.into()
    };
    let mut stored = decompressed(&bytes, layout)?;
    predictor::undo(&mut stored, layout)?;
    match layout.packed_chroma() {
        Some(colours) => Ok(ycbcr::to_rgb(&stored, layout.size, &colours)),
        None => bits::widen(stored, layout),
    }
}

fn decompressed(bytes: &[u8], layout: &BlockLayout) -> Result<Vec<u8>, CodecError> {
    let expected = layout.stored_bytes();
    match layout.compression {
        Compression::Lzw => lzw::decode(bytes, expected),
        Compression::Deflate => deflate::decode(bytes, expected),
        Compression::PackBits => packbits::decode(bytes, expected),
        Compression::Zstd => zstd::decode(bytes, expected),
        Compression::Lzma => lzma::decode(bytes, expected),
        Compression::CcittRle | Compression::CcittFax3 | Compression::CcittFax4 => fax::decode(bytes, layout),
        _ => match bytes.get(..expected) {
            Some(all) => Ok(all.to_vec()),
            None => Err(CodecError::Length { codec: "NONE", found: bytes.len(), expected }),
        },
    }
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn too_few_bytes_are_an_error() {
        let layout = plain(Size::new(4, 4), Compression::None);
        assert!(matches!(decode(&[0; 15], &layout), Err(CodecError::Length { .. })));
        assert!(decode(&[0; 17], &layout).is_ok(), "padding after the block is nobody's concern");
    }

    #[test]
    fn rows_below_the_image_may_be_missing() {
        let layout = plain(Size::new(4, 4), Compression::PackBits);
        assert!(decode(&[0xf5, 7], &layout).is_err());
        assert_eq!(
            decode_top(&[0xf5, 7], &layout, 3).expect("three rows are there")[8..],
            [7, 7, 7, 7, 0, 0, 0, 0]
        );
        assert!(decode_top(&[0xf6, 7], &layout, 3).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_give_the_announced_count_or_an_error(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            number in proptest::sample::select(
                vec![1u16, 2, 3, 4, 5, 7, 8, 32_773, 34_887, 34_925, 50_000, 50_001, 50_002]
            ),
            (bits, sample) in proptest::sample::select(vec![
                (1, SampleType::U8), (8, SampleType::U8), (12, SampleType::U16), (24, SampleType::F32),
                (32, SampleType::U32), (64, SampleType::F64),
            ]),
            bands in 1usize..5,
            low_bit_first in any::<bool>(),
            fax_options in 0u32..8,
        ) {
            let compression = Compression::from_tag(number).expect("it is one of those read here");
            let size = Size::new(9, 5);
            let layout =
                BlockLayout { bands, bits, sample, low_bit_first, fax_options, ..plain(size, compression) };
            if let Ok(samples) = decode(&bytes, &layout) {
                prop_assert_eq!(samples.len(), layout.decoded_bytes());
            }
        }
    }
}
