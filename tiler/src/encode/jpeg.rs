//! JPEG output: baseline, 4:2:0, standard Huffman tables; what is transparent shows the background.

use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling, compress_raw};

use super::{EncodeOptions, Picture, chroma::ycbcr};
use crate::raster::YCbCr;

pub(super) fn encode(picture: &Picture, options: EncodeOptions) -> Result<Vec<u8>, String> {
    let flat;
    let picture = if picture.is_opaque() {
        picture
    } else {
        flat = picture.flatten(options.background);
        &flat
    };
    let (width, height) = (picture.size.width as usize, picture.size.height as usize);
    if picture.channels == 1 {
        let encoder = Encoder::new(&picture.pixels, width, height, PixelFormat::Grayscale);
        let encoded = encoder.quality(quality(options)).subsampling(Subsampling::S444).encode();
        return encoded.map_err(|error| error.to_string());
    }
    encode_planes(&ycbcr(&picture.pixels, width), options)
}

/// Encodes luma and chroma as they are.
pub(super) fn encode_planes(picture: &YCbCr, options: EncodeOptions) -> Result<Vec<u8>, String> {
    let sizes = [0, 1, 2].map(|plane| YCbCr::plane_size(picture.size(), plane));
    let (widths, heights) = (sizes.map(|size| size.width as usize), sizes.map(|size| size.height as usize));
    let planes = picture.planes();
    compress_raw(&planes, &widths, &heights, widths[0], heights[0], quality(options), Subsampling::S420)
        .map_err(|error| error.to_string())
}

fn quality(options: EncodeOptions) -> u8 {
    options.jpeg_quality.clamp(1, 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{geom::Size, raster::Raster};

    #[test]
    fn pictures_of_any_size_come_back() {
        for (width, height) in [(1, 1), (1, 9), (7, 1), (16, 17), (37, 19)] {
            let pixel = |at: u32| [40 + (at % width * 4) as u8, 90 + (at / width * 3) as u8, 120];
            let pixels: Vec<u8> = (0..width * height).flat_map(pixel).collect();
            let picture = Picture::new(Raster::new(Size::new(width, height), 3, pixels.clone(), None));
            let bytes = encode(&picture, EncodeOptions::default()).expect("it encodes");
            let image = image::load_from_memory(&bytes).expect("it opens").to_rgb8();
            assert_eq!(image.dimensions(), (width, height));
            let worst = image.as_raw().iter().zip(&pixels).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(worst <= Some(8), "{width} x {height}: {worst:?}");
        }
    }
}
