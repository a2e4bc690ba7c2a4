//! A WebP block is a file already, unless it says more than its pixels.
//!
//! Source: RFC 9649.

use super::super::BlockLayout;
use crate::geom::Size;

/// Of `VP8X`: transparency. All others are for colour profiles, metadata and animation.
const ALPHA: u8 = 0x10;

/// The length of the file that stored bytes start with, if it is a picture of the layout.
pub(super) fn len(stored: &[u8], layout: &BlockLayout) -> Option<usize> {
    let (head, rest) = stored.split_first_chunk::<12>()?;
    let len = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
    if &head[..4] != b"RIFF" || &head[8..] != b"WEBP" {
        return None;
    }
    let mut chunks = rest.get(..len.checked_sub(4)?)?;
    let mut frame: Option<Frame> = None;
    let mut has_alpha = false;
    while !chunks.is_empty() {
        let (name, body, after) = chunk(chunks)?;
        match name {
            b"VP8X" if chunks.len() == rest.len().min(len - 4) => {
                let (&[flags], size) = (body.first_chunk()?, body.get(4..10)?);
                let side = |at: usize| u32::from_le_bytes([size[at], size[at + 1], size[at + 2], 0]) + 1;
                if flags & !ALPHA != 0 || Size::new(side(0), side(3)) != layout.size {
                    return None;
                }
            }
            b"ALPH" if frame.is_none() => has_alpha = true,
            b"VP8 " if frame.is_none() => frame = Some(lossy(body)?),
            b"VP8L" if frame.is_none() => frame = Some(lossless(body)?),
            _ => return None,
        }
        chunks = after;
    }
    let frame = frame?;
    has_alpha |= frame.has_alpha;
    // What the TIFF has no band for would show through.
    if frame.size != layout.size || (has_alpha && layout.bands != 4) {
        return None;
    }
    Some(len + 8)
}

struct Frame {
    size: Size,
    has_alpha: bool,
}

/// Name and body of the first chunk, and the chunks after it.
fn chunk(bytes: &[u8]) -> Option<(&[u8; 4], &[u8], &[u8])> {
    let (name, rest) = bytes.split_first_chunk::<4>()?;
    let (len, rest) = rest.split_first_chunk::<4>()?;
    let len = u32::from_le_bytes(*len) as usize;
    let (body, after) = rest.split_at_checked(len)?;
    // Padded to an even count.
    let after = if len.is_multiple_of(2) { after } else { after.get(1..)? };
    Some((name, body, after))
}

/// A key frame of VP8 (RFC 6386, section 9.1).
fn lossy(body: &[u8]) -> Option<Frame> {
    let &[tag, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = body else { return None };
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    (tag & 1 == 0).then_some(Frame { size: Size::new(side(w0, w1), side(h0, h1)), has_alpha: false })
}

fn lossless(body: &[u8]) -> Option<Frame> {
    let &[0x2f, a, b, c, d, ..] = body else { return None };
    let bits = u32::from_le_bytes([a, b, c, d]);
    let side = |shift: u32| (bits >> shift & 0x3fff) + 1;
    Some(Frame { size: Size::new(side(0), side(14)), has_alpha: bits >> 28 & 1 == 1 })
}

#[cfg(test)]
mod tests {
    use webpx::{EncoderConfig, Unstoppable};

    use super::super::picture;
    use super::*;
    use crate::codec::{Compression, plain};

    const SIZE: Size = Size::new(32, 16);

    fn layout(bands: usize) -> BlockLayout {
        BlockLayout { bands, ..plain(SIZE, Compression::WebP) }
    }

    fn pixels(bands: usize) -> Vec<u8> {
        (0..SIZE.pixels() as usize * bands).map(|i| (i * 7) as u8).collect()
    }

    fn stored(bands: usize, is_lossless: bool) -> Vec<u8> {
        let pixels = pixels(bands);
        let config = EncoderConfig::new().lossless(is_lossless);
        let config = if is_lossless { config } else { config.quality(70.0) };
        let encoded = match bands {
            4 => config.encode_rgba(&pixels, 32, 16, Unstoppable),
            _ => config.encode_rgb(&pixels, 32, 16, Unstoppable),
        };
        encoded.expect("it encodes")
    }

    #[test]
    fn blocks_of_all_four_kinds_are_files() {
        for (bands, is_lossless) in [(3, false), (3, true), (4, false), (4, true)] {
            let stored = stored(bands, is_lossless);
            let mut padded = stored.clone();
            padded.push(0);
            assert_eq!(picture(&padded, &layout(bands)), Some(stored), "{bands} {is_lossless}");
        }
    }

    #[test]
    fn an_opaque_picture_may_be_stored_without_its_alpha() {
        assert!(picture(&stored(3, false), &layout(4)).is_some());
    }

    #[test]
    fn what_is_not_the_block_is_refused() {
        let other = |width| BlockLayout { size: Size::new(width, 16), ..layout(3) };
        for is_lossless in [false, true] {
            assert_eq!(picture(&stored(3, is_lossless), &other(31)), None);
            assert_eq!(
                picture(&stored(4, is_lossless), &layout(3)),
                None,
                "alpha that the TIFF has no band for"
            );
        }
        assert_eq!(picture(&stored(3, true), &layout(1)), None);
    }

    #[test]
    fn profiles_metadata_and_animation_are_refused() {
        let stored = stored(4, false);
        assert_eq!(&stored[12..16], b"VP8X");
        for flag in [0x02, 0x04, 0x08, 0x20] {
            let mut more = stored.clone();
            more[20] |= flag;
            assert_eq!(picture(&more, &layout(4)), None, "{flag:#x}");
        }
    }

    #[test]
    fn what_is_cut_short_is_refused_and_damage_never_panics() {
        for stored in [stored(3, false), stored(3, true), stored(4, false)] {
            let bands = if &stored[12..16] == b"VP8X" { 4 } else { 3 };
            for at in 0..stored.len() {
                assert_eq!(picture(&stored[..at], &layout(bands)), None, "cut at {at}");
                let mut damaged = stored.clone();
                damaged[at] ^= 0xff;
                let _ = picture(&damaged, &layout(bands));
            }
        }
    }
}
