//! JPEG output: baseline, 4:2:0, standard Huffman tables; what is transparent shows the background.

use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};

use super::{EncodeOptions, Picture};

pub(super) fn encode(picture: &Picture, options: EncodeOptions) -> Result<Vec<u8>, String> {
    let flat;
    let picture = if picture.is_opaque() {
        picture
    } else {
        flat = picture.flatten(options.background);
        &flat
    };
    let (layout, subsampling) = match picture.channels {
        1 => (PixelFormat::Grayscale, Subsampling::S444),
        _ => (PixelFormat::Rgb, Subsampling::S420),
    };
    let (width, height) = (picture.size.width as usize, picture.size.height as usize);
    Encoder::new(&picture.pixels, width, height, layout)
        .quality(options.jpeg_quality.clamp(1, 100))
        .subsampling(subsampling)
        .encode()
        .map_err(|error| error.to_string())
}
