//! What every hostile file goes through: it is opened, and blocks of all levels are decoded, as tiles would.

use std::collections::HashSet;

use tiler::{
    geom::{Size, Window},
    source::{CollarRule, OpenOptions, Source},
};

/// Decoded bytes after which no more blocks are asked for: the work of one case is bounded by us, that of one block is not.
const ENOUGH_BYTES: u64 = 32 << 20;
/// Images up to this size are also read as a whole.
const WHOLE_BYTES: u64 = 8 << 20;

/// Images up to this size may have a collar.
const COLLAR_PX: u64 = 4 << 20;

/// Whether the file could be opened.
pub fn exercise(bytes: Vec<u8>) -> bool {
    let options = OpenOptions::default();
    let Ok(source) = Source::from_bytes(bytes.clone(), &options) else { return false };
    // A collar is looked for once per file, in up to 64 million pixels: that is no work of a block.
    let options = OpenOptions { collar: CollarRule::Off, ..options };
    let source = if source.size().pixels() <= COLLAR_PX {
        source
    } else if let Ok(source) = Source::from_bytes(bytes, &options) {
        source
    } else {
        return false;
    };
    let pixel_bytes = (source.facts().bands * source.sample().bytes()) as u64;
    let (mut decoded, mut seen) = (0, HashSet::new());
    for level in 0..=source.overviews().len() {
        for window in probes(source.level(level).size) {
            for block in source.blocks(level, &window) {
                if !seen.insert(block) {
                    continue;
                }
                let pixels = source.stored_size(block).map_or(0, Size::pixels);
                decoded += pixels.saturating_mul(pixel_bytes);
                if let Ok(stored) = source.fetch(&[block])
                    && let Some(stored) = stored.first()
                {
                    let _ = source.decode(block, stored);
                }
                if decoded > ENOUGH_BYTES {
                    return true;
                }
            }
        }
    }
    let size = source.size();
    if size.pixels().saturating_mul(pixel_bytes) <= WHOLE_BYTES {
        let mut bytes = 0;
        let read = source.for_each_sample(|part| bytes += part.len() as u64);
        assert!(read.is_err() || bytes == size.pixels() * pixel_bytes, "{bytes} bytes of {size:?}");
    }
    true
}

/// Windows of one pixel in four blocks, where there are so many.
fn probes(size: Size) -> impl Iterator<Item = Window> {
    let (right, bottom) = (i64::from(size.width) - 1, i64::from(size.height) - 1);
    let pixels = [(0, 0), (right, bottom), (right / 2, bottom / 2), (0, bottom)];
    pixels.into_iter().map(|(col, row)| Window::new(col, row, 1, 1))
}
