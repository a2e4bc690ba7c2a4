//! WebP output by libwebp: lossy colours, lossless transparency.

use webpx::{EncoderConfig, Unstoppable};

use super::{EncodeOptions, Picture};
use crate::geom::Size;

/// libwebp's effort, 0 to 6. Higher ones save a few per cent of bytes for two to three times the time.
const METHOD: u8 = 0;
/// How much of a busy part's bits libwebp gives to a calm one, 0 to 100. At its 50, pictures are 0.07 dB further off (28 tiles), and
/// take one per cent more bytes.
const NOISE_SHAPING: u8 = 10;

pub(super) fn encode(picture: &Picture, options: EncodeOptions) -> Result<Vec<u8>, String> {
    let (samples, channels) = picture.to_rgb().interleaved();
    let Size { width, height } = picture.size;
    let config = EncoderConfig::new()
        .quality(f32::from(options.webp_quality.clamp(1, 100)))
        .method(METHOD)
        .sns_strength(NOISE_SHAPING)
        .lossless(options.is_lossless)
        // Also the colours of pixels that do not show.
        .exact(options.is_lossless);
    match channels {
        4 => config.encode_rgba(&samples, width, height, Unstoppable),
        _ => config.encode_rgb(&samples, width, height, Unstoppable),
    }
    .map_err(|error| error.to_string())
}
