//! JPEG blocks: baseline or progressive, complete streams or abbreviated ones that share their tables, of 8 or 12 bits.
//!
//! The TIFF says which colours they are, not the markers of the stream: only what it calls YCbCr is converted.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
pub(crate) mod dct;
pub(crate) mod machine;
mod partial;
mod whole;

use super::{BlockLayout, CodecError, Photometric};

pub use partial::{PartialJpeg, PixelRows};
pub(super) use whole::decode;

const CODEC: &str = "JPEG";
/// Columns and rows that a stream may have beyond its block: those of a last strip that was stored at full height, or of an
/// encoder that rounds up to whole units.
const EXCESS_PX: usize = 16;
/// A stream of so few pixels may be higher than its block by any number of rows.
const HARMLESS_PX: u64 = 1 << 20;

/// Whether a picture of this size can be what the layout announces.
fn fits(found_width: usize, found_height: usize, layout: &BlockLayout) -> bool {
    let (width, height) = (layout.size.width as usize, layout.size.height as usize);
    let harmless = (found_width * found_height) as u64 <= HARMLESS_PX;
    (width..=width + EXCESS_PX).contains(&found_width)
        && found_height >= height
        && (found_height <= height + EXCESS_PX || harmless)
}

fn damaged(reason: impl std::fmt::Display) -> CodecError {
    CodecError::Damaged { codec: CODEC, reason: reason.to_string() }
}
