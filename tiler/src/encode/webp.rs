//! WebP output by libwebp: lossy colours, lossless transparency.

use webp::{Encoder, PixelLayout, WebPConfig};

use super::{EncodeOptions, Picture};

/// libwebp's effort, 0 to 6. Higher ones save a few per cent of bytes for two to three times the time.
const METHOD: i32 = 0;
/// How much of a busy part's bits libwebp gives to a calm one, 0 to 100. At its 50, pictures are 0.07 dB further off (28 tiles), and
/// take one per cent more bytes.
const NOISE_SHAPING: i32 = 10;

pub(super) fn encode(picture: &Picture, options: EncodeOptions) -> Result<Vec<u8>, String> {
    let (samples, channels) = picture.to_rgb().interleaved();
    let layout = if channels == 4 { PixelLayout::Rgba } else { PixelLayout::Rgb };
    let mut config = WebPConfig::new().map_err(|()| "libwebp has another version".to_owned())?;
    config.quality = f32::from(options.webp_quality.clamp(1, 100));
    config.method = METHOD;
    config.sns_strength = NOISE_SHAPING;
    if options.is_lossless {
        config.lossless = 1;
        // Also the colours of pixels that do not show.
        config.exact = 1;
    }
    Encoder::new(&samples, layout, picture.size.width, picture.size.height)
        .encode_advanced(&config)
        .map(|memory| memory.to_vec())
        .map_err(|error| format!("{error:?}"))
}
