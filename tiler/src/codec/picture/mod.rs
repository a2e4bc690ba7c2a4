//! A stored block as a picture file of its own: the stream as it is, with what stands elsewhere in the TIFF put in, and
//! nothing decoded. Only what every reader of such files shows in the same colours as a decoder here does.
//!
//! The headers are parsed and compared with the layout; what the entropy-coded data hold is not looked at.

mod jpeg;
mod webp;

use super::{BlockLayout, Compression};
use crate::raster::SampleType;

/// Whether the blocks of a layout can be pictures by themselves, as far as tags tell: grey and red green blue in JPEG, red
/// green blue and alpha in WebP, of 8 bits.
pub fn is_possible(layout: &BlockLayout) -> bool {
    let bands = match layout.compression {
        Compression::Jpeg => [1, 3],
        Compression::WebP => [3, 4],
        _ => return false,
    };
    layout.sample == SampleType::U8 && layout.bits == 8 && bands.contains(&layout.bands)
}

/// Compression makes nothing larger than this beyond its pixels: what is, is no picture to be sent.
const EXCESS_BYTES: usize = 4096;

/// What stands before the stored bytes: the beginning of the buffer for [`finish`], with room for so many of them.
pub fn begin(layout: &BlockLayout, stored_bytes: usize) -> Option<Vec<u8>> {
    if stored_bytes > layout.decoded_bytes().saturating_add(EXCESS_BYTES) {
        return None;
    }
    match layout.compression {
        Compression::Jpeg => jpeg::begin(layout, stored_bytes),
        Compression::WebP => Some(Vec::with_capacity(stored_bytes)),
        _ => None,
    }
}

/// Makes the file: `buffer` is what [`begin`] gave, of `head` bytes, and the stored bytes after it.
///
/// `None` where they are not wholly what the layout says: decoding will tell what is wrong.
pub fn finish(buffer: Vec<u8>, head: usize, layout: &BlockLayout) -> Option<Vec<u8>> {
    match layout.compression {
        Compression::Jpeg => jpeg::finish(buffer, head, layout),
        Compression::WebP => webp::finish(buffer, layout),
        _ => None,
    }
}

/// The file of stored bytes.
#[cfg(test)]
fn picture(stored: &[u8], layout: &BlockLayout) -> Option<Vec<u8>> {
    if !is_possible(layout) {
        return None;
    }
    let mut buffer = begin(layout, stored.len())?;
    let head = buffer.len();
    buffer.extend_from_slice(stored);
    finish(buffer, head, layout)
}
