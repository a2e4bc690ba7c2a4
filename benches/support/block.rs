//! A stored block.

use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};
use tiler::{
    codec::{BlockLayout, Compression, Photometric, Predictor, YCbCr},
    geom::Size,
    raster::SampleType,
};

/// A stored JPEG block of so many columns and rows in 4:2:0, with tables of its own, and its layout.
///
/// Grains of several sizes, as trees and gravel have them, at about 84 kB for 512 px: those of a real orthophoto.
///
/// # Panics
/// When it cannot be encoded.
pub fn jpeg_block(side: u32) -> (Vec<u8>, BlockLayout) {
    let grain = |x: u32, y: u32, size: u32| {
        let at = |x: u32, y: u32| {
            let hash = (x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca77)).wrapping_mul(0xc2b2_ae3d);
            ((hash ^ hash >> 15) & 0xff) as f32 - 127.5
        };
        let (col, row) = (x / size, y / size);
        let (u, v) = ((x % size) as f32 / size as f32, (y % size) as f32 / size as f32);
        let top = at(col, row) * (1.0 - u) + at(col + 1, row) * u;
        let bottom = at(col, row + 1) * (1.0 - u) + at(col + 1, row + 1) * u;
        top * (1.0 - v) + bottom * v
    };
    let mut pixels = Vec::with_capacity((side * side * 3) as usize);
    for y in 0..side {
        for x in 0..side {
            let fine = 0.09 * grain(x, y, 1) + 0.16 * grain(x, y, 2) + 0.22 * grain(x, y, 5);
            let light = fine + 0.4 * grain(x, y, 40);
            let hue = 0.12 * grain(x + 999, y, 9);
            pixels.extend([110.0 + light + hue, 118.0 + light, 84.0 + light - hue].map(|value| value as u8));
        }
    }
    let encoder = Encoder::new(&pixels, side as usize, side as usize, PixelFormat::Rgb);
    let encoder = encoder.quality(85).subsampling(Subsampling::S420).optimize_huffman(true);
    let layout = BlockLayout {
        size: Size::new(side, side),
        bands: 3,
        bits: 8,
        sample: SampleType::U8,
        compression: Compression::Jpeg,
        predictor: Predictor::None,
        photometric: Photometric::YCbCr(YCbCr::default()),
        jpeg_tables: None,
        big_endian: false,
        low_bit_first: false,
        fax_options: 0,
        lerc_wrapping: 0,
    };
    (encoder.encode().expect("it encodes"), layout)
}
