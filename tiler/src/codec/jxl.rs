//! JPEG XL, lossless or lossy: integers of up to 16 bits and floating point numbers.

use jxl_oxide::{AllocTracker, JxlImage, JxlThreadPool};

use super::{BlockLayout, CodecError};
use crate::raster::SampleType;

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
        .map_err(damaged)?;
    check(&image, layout)?;
    let picture = image.render_frame(0).map_err(damaged)?;
    let planes = picture.image_planar();
    let (width, height) = (layout.size.width as usize, layout.size.height as usize);
    if planes.len() != layout.bands || planes.iter().any(|p| (p.width(), p.height()) != (width, height)) {
        return Err(damaged("its planes differ from its header"));
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

fn damaged(error: impl ToString) -> CodecError {
    CodecError::Damaged { codec: CODEC, reason: error.to_string() }
}

/// Compares the header with the layout, before pixels are allocated.
fn check(image: &JxlImage, layout: &BlockLayout) -> Result<(), CodecError> {
    let (width, height) = (layout.size.width, layout.size.height);
    if (image.width(), image.height()) != (width, height) {
        return Err(CodecError::Dimensions {
            codec: CODEC,
            found_width: image.width() as usize,
            found_height: image.height() as usize,
            width: width as usize,
            height: height as usize,
        });
    }
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
        return Err(damaged("the stream is incomplete"));
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
