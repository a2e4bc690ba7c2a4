//! WebP blocks, by libwebp: whole, or from the top as far as they are needed.

mod partial;

use webpx::{Decoder, DecoderConfig, ImageInfo, Limits};

use super::{BlockLayout, CodecError};
use crate::{geom::Size, raster::SampleType};

pub use partial::{PartialWebP, WebPRows};

const CODEC: &str = "WEBP";

pub(super) fn decode(bytes: &[u8], layout: &BlockLayout) -> Result<Vec<u8>, CodecError> {
    if layout.sample != SampleType::U8 {
        return Err(CodecError::Bits { bits: 8, sample: layout.sample.name() });
    }
    let info = info(bytes, layout)?;
    if info.has_animation {
        return Err(damaged("it is an animation"));
    }
    // Alpha is added to an opaque picture, or left out, as the bands ask for.
    let into = match layout.bands {
        3 => Decoder::decode_rgb_into,
        4 => Decoder::decode_rgba_into,
        expected => {
            let found = if info.has_alpha { 4 } else { 3 };
            return Err(CodecError::Channels { codec: CODEC, found, expected });
        }
    };
    // What was checked above is what is allocated.
    let decoder = Decoder::new(bytes).map_err(damaged)?.config(DecoderConfig::new().limits(Limits::none()));
    let mut samples = vec![0; layout.decoded_bytes()];
    into(decoder, &mut samples, layout.size.width * layout.bands as u32)
        .map_err(|_| damaged("the stream is damaged or incomplete"))?;
    Ok(samples)
}

/// What the stream says of itself, if its size is that of the block: the decoder allocates what the stream asks for.
fn info(bytes: &[u8], layout: &BlockLayout) -> Result<ImageInfo, CodecError> {
    let info = ImageInfo::from_webp(bytes).map_err(damaged)?;
    layout.expect_size(CODEC, Size::new(info.width, info.height))?;
    Ok(info)
}

fn damaged(reason: impl std::fmt::Display) -> CodecError {
    CodecError::Damaged { codec: CODEC, reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use webpx::{EncoderConfig, Unstoppable};

    use super::*;
    use crate::codec::{Compression, plain};

    #[test]
    fn a_picture_of_another_size_is_refused_before_it_is_decoded() {
        let rgb: Vec<u8> = (0..32 * 16 * 3).map(|i| i as u8).collect();
        let lossless = EncoderConfig::new().lossless(true);
        let stored = lossless.encode_rgb(&rgb, 32, 16, Unstoppable).expect("it encodes");
        let layout = |width, bands| BlockLayout { bands, ..plain(Size::new(width, 16), Compression::WebP) };
        assert_eq!(decode(&stored, &layout(32, 3)).expect("it fits"), rgb);
        assert_eq!(decode(&stored, &layout(32, 4)).expect("alpha is added")[..4], [0, 1, 2, 255]);
        assert!(matches!(decode(&stored, &layout(31, 3)), Err(CodecError::Dimensions { .. })));
        assert!(matches!(
            decode(&stored, &layout(32, 1)),
            Err(CodecError::Channels { found: 3, expected: 1, .. })
        ));
        assert!(decode(&stored[..stored.len() / 2], &layout(32, 3)).is_err());
        assert!(decode(b"no", &layout(32, 3)).is_err());
    }

    #[test]
    fn alpha_that_the_tiff_has_no_band_for_is_left_out() {
        let rgba: Vec<u8> = (0..32 * 16).flat_map(|i| [i as u8, 2, 3, 128]).collect();
        let lossless = EncoderConfig::new().lossless(true).exact(true);
        let stored = lossless.encode_rgba(&rgba, 32, 16, Unstoppable).expect("it encodes");
        let layout = |bands| BlockLayout { bands, ..plain(Size::new(32, 16), Compression::WebP) };
        assert_eq!(decode(&stored, &layout(4)).expect("it decodes"), rgba);
        assert_eq!(decode(&stored, &layout(3)).expect("it decodes")[..6], [0, 2, 3, 1, 2, 3]);
    }
}
