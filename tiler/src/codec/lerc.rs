//! LERC, alone or within zlib or Zstandard.
//!
//! Pixels that the blob leaves out: a sample that is a floating point number becomes NaN, an integer 0, and where the last
//! band is an alpha that was left to the mask it comes from there; all as in libtiff.

use std::borrow::Cow;

use lerc::{LercInfo, Sample, bitmask::BitMask};

use super::{BlockLayout, CodecError, deflate, zstd};
use crate::{geom::Size, raster::SampleType};

const CODEC: &str = "LERC";
/// A blob has a header and a mask beside its samples, and need not be smaller than they are.
const OVERHEAD_BYTES: usize = 64 * 1024;

pub(super) fn decode(bytes: &[u8], layout: &BlockLayout) -> Result<Vec<u8>, CodecError> {
    let blob = unwrapped(bytes, layout)?;
    match layout.sample {
        SampleType::I8 => typed(&blob, layout, 0_i8, i8::to_ne_bytes),
        SampleType::U8 => typed(&blob, layout, 0_u8, |v| [v]),
        SampleType::I16 => typed(&blob, layout, 0_i16, i16::to_ne_bytes),
        SampleType::U16 => typed(&blob, layout, 0_u16, u16::to_ne_bytes),
        SampleType::I32 => typed(&blob, layout, 0_i32, i32::to_ne_bytes),
        SampleType::U32 => typed(&blob, layout, 0_u32, u32::to_ne_bytes),
        SampleType::F32 => typed(&blob, layout, f32::NAN, f32::to_ne_bytes),
        SampleType::F64 => typed(&blob, layout, f64::NAN, f64::to_ne_bytes),
        SampleType::U64 | SampleType::I64 => {
            Err(CodecError::Bits { bits: layout.bits, sample: layout.sample.name() })
        }
    }
}

/// The blob without what was done after LERC.
fn unwrapped<'a>(bytes: &'a [u8], layout: &BlockLayout) -> Result<Cow<'a, [u8]>, CodecError> {
    let most = layout.decoded_bytes().saturating_mul(2).saturating_add(OVERHEAD_BYTES);
    match layout.lerc_wrapping {
        0 => Ok(bytes.into()),
        1 => deflate::decode_up_to(bytes, most).map(Cow::from),
        2 => zstd::decode_up_to(bytes, most).map(Cow::from),
        other => Err(CodecError::Damaged { codec: CODEC, reason: format!("wrapping {other} is unknown") }),
    }
}

fn typed<T: Sample, const N: usize>(
    blob: &[u8],
    layout: &BlockLayout,
    left_out: T,
    to_bytes: impl Fn(T) -> [u8; N],
) -> Result<Vec<u8>, CodecError> {
    let damaged = |error: lerc::LercError| CodecError::Damaged { codec: CODEC, reason: error.to_string() };
    let info = lerc::decode_info(blob).map_err(damaged)?;
    let from_mask = check(&info, layout)?;
    if info.data_type != T::DATA_TYPE {
        let (found, expected) = (format!("{:?}", info.data_type), layout.sample.name());
        return Err(CodecError::Samples { codec: CODEC, found, expected });
    }
    let pixels = layout.size.pixels() as usize;
    let (depth, bands) = (info.depth as usize, info.bands as usize);
    let mut values = vec![T::default(); pixels * depth * bands];
    let decoded = lerc::decode_into(blob, &mut values).map_err(damaged)?;
    let valid = |band: usize, pixel: usize| {
        // Bands without a mask of their own have the one before.
        let mask = decoded.valid_masks.get(band).or(decoded.valid_masks.last());
        mask.is_none_or(|mask: &BitMask| mask.is_valid(pixel))
    };
    let mut out = Vec::with_capacity(layout.decoded_bytes());
    for pixel in 0..pixels {
        for band in 0..bands {
            let start = (band * pixels + pixel) * depth;
            let seen = valid(band, pixel);
            for &value in values.get(start..start + depth).unwrap_or_default() {
                out.extend_from_slice(&to_bytes(if seen { value } else { left_out }));
            }
        }
        if from_mask {
            out.push(if valid(0, pixel) { 255 } else { 0 });
        }
    }
    Ok(out)
}

/// Compares the header with the layout, before anything is allocated. Whether alpha is to come from the mask.
fn check(info: &LercInfo, layout: &BlockLayout) -> Result<bool, CodecError> {
    layout.expect_size(CODEC, Size::new(info.width, info.height))?;
    let (found, expected) = ((info.depth as usize).saturating_mul(info.bands as usize), layout.bands);
    match found {
        _ if found == expected => Ok(false),
        _ if found > 0 && found + 1 == expected && info.bands == 1 && layout.sample == SampleType::U8 => {
            Ok(true)
        }
        _ => Err(CodecError::Channels { codec: CODEC, found, expected }),
    }
}

#[cfg(test)]
mod tests {
    use lerc::{Image, Precision, SampleData};

    use super::*;
    use crate::codec::{Compression, plain};

    const SIZE: Size = Size::new(20, 10);

    fn layout(bands: usize, sample: SampleType) -> BlockLayout {
        let bits = sample.bytes() as u16 * 8;
        BlockLayout { bands, bits, sample, ..plain(SIZE, Compression::Lerc) }
    }

    fn blob(depth: u32, data: SampleData, data_type: lerc::DataType, hole: bool) -> Vec<u8> {
        let mut mask = BitMask::all_valid(200);
        if hole {
            mask.set_invalid(1);
        }
        let valid_masks = vec![mask];
        let (width, height) = (SIZE.width, SIZE.height);
        let image =
            Image { width, height, depth, bands: 1, data_type, valid_masks, data, no_data_value: None };
        lerc::encode(&image, Precision::Lossless).expect("it encodes")
    }

    fn floats() -> Vec<f32> {
        (0..200).map(|i| (i * i) as f32 / 7.0).collect()
    }

    #[test]
    fn numbers_come_back_and_holes_are_nan() {
        let stored = blob(1, SampleData::F32(floats()), lerc::DataType::Float, true);
        let samples = decode(&stored, &layout(1, SampleType::F32)).expect("it is well formed");
        let back: Vec<f32> = samples.as_chunks().0.iter().map(|&b| f32::from_ne_bytes(b)).collect();
        assert!(back[1].is_nan());
        assert_eq!((back[0], &back[2..]), (floats()[0], &floats()[2..]));
    }

    #[test]
    fn alpha_that_was_left_to_the_mask_comes_from_there() {
        let grey: Vec<u8> = (0..200).collect();
        let stored = blob(1, SampleData::U8(grey), lerc::DataType::Byte, true);
        let samples = decode(&stored, &layout(2, SampleType::U8)).expect("it is well formed");
        assert_eq!(samples[..6], [0, 255, 0, 0, 2, 255]);
        assert!(matches!(decode(&stored, &layout(3, SampleType::U8)), Err(CodecError::Channels { .. })));
    }

    #[test]
    fn wrappings_are_taken_off() {
        let stored = blob(1, SampleData::F32(floats()), lerc::DataType::Float, false);
        let layout = layout(1, SampleType::F32);
        let plain = decode(&stored, &layout).expect("it is well formed");
        let zstd = ::zstd::bulk::compress(&stored, 3).expect("it compresses");
        let wrapped = BlockLayout { lerc_wrapping: 2, ..layout.clone() };
        assert_eq!(decode(&zstd, &wrapped).expect("it is well formed"), plain);
        assert!(decode(&zstd, &BlockLayout { lerc_wrapping: 1, ..layout.clone() }).is_err());
        assert!(decode(&zstd, &BlockLayout { lerc_wrapping: 3, ..layout }).is_err());
    }

    #[test]
    fn another_size_or_type_is_refused() {
        let stored = blob(1, SampleData::F32(floats()), lerc::DataType::Float, false);
        let wide = BlockLayout { size: Size::new(21, 10), ..layout(1, SampleType::F32) };
        assert!(matches!(decode(&stored, &wide), Err(CodecError::Dimensions { .. })));
        assert!(matches!(decode(&stored, &layout(1, SampleType::I32)), Err(CodecError::Samples { .. })));
        assert!(decode(&stored, &layout(1, SampleType::U64)).is_err());
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        let stored = blob(1, SampleData::F32(floats()), lerc::DataType::Float, true);
        for at in 0..stored.len() {
            assert!(decode(&stored[..at], &layout(1, SampleType::F32)).is_err());
            let mut damaged = stored.clone();
            damaged[at] ^= 0xff;
            let _ = decode(&damaged, &layout(1, SampleType::F32));
        }
    }
}
