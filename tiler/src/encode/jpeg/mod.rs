//! JPEG output: baseline, 4:2:0, standard Huffman tables; what is transparent shows the background.
//!
//! The bytes are those of libjpeg-turbo, in less time: two blocks are transformed at once, and coefficients that are zero
//! are not looked at.

#![expect(clippy::inline_always, reason = "what is inlined is compiled for the processor of its caller")]

mod bits;
mod fdct;
mod huffman;
mod machine;
mod quantisation;
mod scan;
#[cfg(target_arch = "x86_64")]
mod simd;
mod stream;
#[cfg(test)]
mod tests;

use super::{EncodeOptions, Picture, chroma::ycbcr};
use crate::{codec::jpeg::machine::Machine, raster::YCbCr};

pub(super) fn encode(picture: &Picture, options: EncodeOptions) -> Result<Vec<u8>, String> {
    let flat;
    let picture = if picture.is_opaque() {
        picture
    } else {
        flat = picture.flatten(options.background);
        &flat
    };
    if picture.channels == 1 {
        return stream::write(&[&picture.pixels], picture.size, options.jpeg_quality, Machine::detect());
    }
    encode_planes(&ycbcr(&picture.pixels, picture.size.width as usize), options)
}

/// Encodes luma and chroma as they are.
pub(super) fn encode_planes(picture: &YCbCr, options: EncodeOptions) -> Result<Vec<u8>, String> {
    stream::write(&picture.planes(), picture.size(), options.jpeg_quality, Machine::detect())
}
