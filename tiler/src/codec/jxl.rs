//! JPEG XL, lossless or lossy: integers of up to 16 bits and floating point numbers.

use jxl_oxide::{AllocTracker, JxlImage, JxlThreadPool};

use super::{BlockLayout, CodecError};
use crate::{geom::Size, raster::SampleType};

const CODEC: &str = "JPEG XL";
/// Working memory of the decoder: for each sample of the block, and for its tables.
const BYTES_PER_SAMPLE: usize = 64;
const TABLES_BYTES: usize = 32 << 20;

pub(super) fn decode(bytes: &[u8], layout: &BlockLayout) -> Result<Vec<u8>, CodecError> {
    let limit = layout.samples().saturating_mul(BYTES_PER_SAMPLE).saturating_add(TABLES_BYTES);
    // Blocks are decoded side by side already: no threads within one.
    let image = JxlImage::builder()
        .pool(JxlThreadPool::none())
        .alloc_tracker(AllocTracker::with_limit(limit))
        .read(bytes)
        .map_err(|e| damaged(&e))?;
    check(&image, layout)?;
    let picture = image.render_frame(0).map_err(|e| damaged(&e))?;
    let planes = picture.image_planar();
    let (width, height) = (layout.size.width as usize, layout.size.height as usize);
    if planes.len() != layout.bands || planes.iter().any(|p| (p.width(), p.height()) != (width, height)) {
        return Err(damaged(&"its planes differ from its header"));
    }
    let planes: Vec<&[f32]> = planes.iter().map(jxl_oxide::FrameBuffer::buf).collect();
    // Integers of 16 bits survive the detour through floating point numbers of 32 bits.
    let most = ((1u32 << layout.bits.min(16)) - 1) as f32;
    let integer = |value: f32| (value * most + 0.5).clamp(0.0, most);
    match layout.sample {
        SampleType::U8 => Ok(interleaved(&planes, |value| [integer(value) as u8])),
        SampleType::U16 => Ok(interleaved(&planes, |value| (integer(value) as u16).to_ne_bytes())),
        SampleType::F32 => Ok(interleaved(&planes, f32::to_ne_bytes)),
        other => Err(CodecError::Bits { bits: layout.bits, sample: other.name() }),
    }
}

fn damaged(error: &impl ToString) -> CodecError {
    CodecError::Damaged { codec: CODEC, reason: error.to_string() }
}

/// Compares the header with the layout, before pixels are allocated.
fn check(image: &JxlImage, layout: &BlockLayout) -> Result<(), CodecError> {
    layout.expect_size(CODEC, Size::new(image.width(), image.height()))?;
    let header = &image.image_header().metadata;
    let found = if header.grayscale() { 1 } else { 3 } + header.ec_info.len();
    if found != layout.bands {
        return Err(CodecError::Channels { codec: CODEC, found, expected: layout.bands });
    }
    let found = header.bit_depth.bits_per_sample();
    let float = layout.sample.is_float();
    if layout.sample.bytes() > 4 || (!float && (found != u32::from(layout.bits) || found > 16)) {
        let found = format!("{found} bits");
        return Err(CodecError::Samples { codec: CODEC, found, expected: layout.sample.name() });
    }
    if image.num_loaded_keyframes() == 0 {
        return Err(damaged(&"the stream is incomplete"));
    }
    Ok(())
}

fn interleaved<const N: usize>(planes: &[&[f32]], to_bytes: impl Fn(f32) -> [u8; N]) -> Vec<u8> {
    let pixels = planes.iter().map(|plane| plane.len()).min().unwrap_or(0);
    (0..pixels)
        .flat_map(|pixel| planes.iter().flat_map(move |plane| [plane[pixel]]))
        .flat_map(to_bytes)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Compression, plain};

    /// The strip of GDAL's `autotest/gcore/data/gtiff/byte_jxl_dng_1_7_52546.tif` (MIT), 20 x 20 pixels.
    #[rustfmt::skip]
    const STORED: &[u8] = &[
        255, 10, 152, 16, 16, 20, 55, 2, 8, 4, 1, 0, 112, 3, 75, 40, 52, 22, 158, 43, 37, 36, 20, 148, 4, 32, 66, 25,
        131, 108, 27, 19, 8, 67, 144, 150, 48, 24, 70, 68, 253, 2, 32, 1, 172, 208, 84, 0, 80, 140, 47, 129, 0, 128, 0, 128,
        0, 0, 136, 4, 153, 90, 171, 214, 157, 54, 93, 175, 10, 155, 31, 107, 131, 171, 224, 250, 219, 13, 195, 197, 172, 131, 37, 16,
        2, 243, 196, 52, 42, 122, 19, 49, 178, 107, 176, 58, 145, 175, 3, 162, 230, 245, 38, 178, 139, 244, 8, 255, 60, 201, 12, 116,
        65, 160, 36, 76, 105, 63, 79, 207, 131, 183, 97, 17, 123, 48, 95, 101, 71, 91, 132, 23, 176, 12, 255, 38, 48, 39, 119, 183,
        73, 28, 198, 35, 44, 104, 27, 138, 128, 250, 105, 56, 3, 76, 220, 186, 40, 12, 58, 227, 71, 97, 40, 5, 221, 160, 226, 88,
        137, 238, 154, 48, 12, 105, 65, 208, 46, 21, 114, 173, 179, 108, 19, 99, 52, 34, 142, 50, 22, 33, 13, 40, 27, 57, 241, 7,
        87, 116, 16, 127, 20, 7, 145, 232, 198, 133, 131, 213, 160, 196, 221, 212, 19, 84, 12, 100, 10, 130, 115, 111, 169, 202, 237, 236,
        183, 230, 235, 19, 165, 32, 82, 1, 143, 9,
    ];

    fn layout(width: u32, bands: usize) -> BlockLayout {
        BlockLayout { bands, ..plain(Size::new(width, 20), Compression::JpegXl) }
    }

    #[test]
    fn lossless_bytes_are_exact() {
        let samples = decode(STORED, &layout(20, 1)).expect("it is well formed");
        assert_eq!(samples[..8], [107, 123, 132, 115, 132, 132, 140, 132]);
        assert_eq!(samples.iter().map(|&v| u32::from(v)).sum::<u32>(), 50_706);
    }

    #[test]
    fn another_size_or_number_of_bands_is_refused() {
        assert!(matches!(decode(STORED, &layout(21, 1)), Err(CodecError::Dimensions { .. })));
        assert!(matches!(decode(STORED, &layout(20, 3)), Err(CodecError::Channels { .. })));
        let wide = BlockLayout { bits: 16, sample: SampleType::U16, ..layout(20, 1) };
        assert!(matches!(decode(STORED, &wide), Err(CodecError::Samples { .. })));
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        for at in 0..STORED.len() {
            let _ = decode(&STORED[..at], &layout(20, 1));
            let mut damaged = STORED.to_vec();
            damaged[at] ^= 0xff;
            let _ = decode(&damaged, &layout(20, 1));
        }
    }
}
