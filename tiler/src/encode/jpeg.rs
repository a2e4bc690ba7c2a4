//! JPEG output: baseline, 4:2:0, standard Huffman tables; what is transparent shows the background.

use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling, compress_raw};

use super::{
    EncodeOptions, Picture,
    chroma::{Planes, planes},
};

pub(super) fn encode(picture: &Picture, options: EncodeOptions) -> Result<Vec<u8>, String> {
    let flat;
    let picture = if picture.is_opaque() {
        picture
    } else {
        flat = picture.flatten(options.background);
        &flat
    };
    let quality = options.jpeg_quality.clamp(1, 100);
    let (width, height) = (picture.size.width as usize, picture.size.height as usize);
    let encoded = if picture.channels == 1 {
        Encoder::new(&picture.pixels, width, height, PixelFormat::Grayscale)
            .quality(quality)
            .subsampling(Subsampling::S444)
            .encode()
    } else {
        let Planes { luma, chroma: [blue, red] } = planes(&picture.pixels, width);
        let (half, rows) = (width.div_ceil(2), height.div_ceil(2));
        let planes: [&[u8]; 3] = [&luma, &blue, &red];
        let (widths, heights) = ([width, half, half], [height, rows, rows]);
        compress_raw(&planes, &widths, &heights, width, height, quality, Subsampling::S420)
    };
    encoded.map_err(|error| error.to_string())
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
