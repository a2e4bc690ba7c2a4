//! WebP blocks, by libwebp.

use webp::{BitstreamFeatures, Decoder};

use super::{BlockLayout, CodecError};
use crate::{geom::Size, raster::SampleType};

const CODEC: &str = "WEBP";

pub(super) fn decode(bytes: &[u8], layout: &BlockLayout) -> Result<Vec<u8>, CodecError> {
    let damaged = |reason: &str| CodecError::Damaged { codec: CODEC, reason: reason.to_owned() };
    if layout.sample != SampleType::U8 {
        return Err(CodecError::Bits { bits: 8, sample: layout.sample.name() });
    }
    let features = BitstreamFeatures::new(bytes).ok_or_else(|| damaged("no WebP header"))?;
    // Before anything is allocated: the decoder allocates what the stream asks for.
    layout.expect_size(CODEC, Size::new(features.width(), features.height()))?;
    let image =
        Decoder::new(bytes).decode().ok_or_else(|| damaged("the stream is incomplete or animated"))?;
    let found = if image.is_alpha() { 4 } else { 3 };
    match (found, layout.bands) {
        (found, expected) if found == expected => Ok(image.to_vec()),
        // libwebp leaves alpha out of a picture that is opaque, and adds it to one that need not have it.
        (3, 4) => Ok(image.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect()),
        (4, 3) => Ok(image.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect()),
        (found, expected) => Err(CodecError::Channels { codec: CODEC, found, expected }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Compression, plain};

    #[test]
    fn a_picture_of_another_size_is_refused_before_it_is_decoded() {
        let rgb: Vec<u8> = (0..32 * 16 * 3).map(|i| i as u8).collect();
        let stored = webp::Encoder::from_rgb(&rgb, 32, 16).encode_lossless();
        let layout = |width, bands| BlockLayout { bands, ..plain(Size::new(width, 16), Compression::WebP) };
        assert_eq!(decode(&stored, &layout(32, 3)).expect("it fits"), rgb);
        assert_eq!(decode(&stored, &layout(32, 4)).expect("alpha is added")[..4], [0, 1, 2, 255]);
        assert!(matches!(decode(&stored, &layout(31, 3)), Err(CodecError::Dimensions { .. })));
        assert!(decode(&stored[..stored.len() / 2], &layout(32, 3)).is_err());
        assert!(decode(b"no", &layout(32, 3)).is_err());
    }
}
