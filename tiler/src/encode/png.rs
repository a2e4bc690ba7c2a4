//! PNG output: lossless, the fast compression level; grey or RGB, with alpha only where something is transparent.

use image::{
    ExtendedColorType, ImageEncoder,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};

use super::Picture;

pub(super) fn encode(picture: &Picture) -> Result<Vec<u8>, String> {
    let (samples, channels) = picture.interleaved();
    let layout = match channels {
        1 => ExtendedColorType::L8,
        2 => ExtendedColorType::La8,
        3 => ExtendedColorType::Rgb8,
        _ => ExtendedColorType::Rgba8,
    };
    let mut bytes = Vec::with_capacity(samples.len() / 2);
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Paeth)
        .write_image(&samples, picture.size.width, picture.size.height, layout)
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}
