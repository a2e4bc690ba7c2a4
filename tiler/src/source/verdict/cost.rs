//! What a tile costs, estimated from how blocks are stored and from measured speeds.

use super::super::{Level, Source};
use crate::jp2::Jp2;

/// What tiles of a file cost on one core of the machine that the table was measured on; masks are not counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Processor time of a tile of 256 px at full resolution, blocks not in the cache, milliseconds.
    pub native_tile_ms: f64,
    /// Stored bytes that it reads.
    pub native_tile_bytes: u64,
    /// Processor time of the dearest tile of a lower zoom, milliseconds.
    pub low_zoom_tile_ms: f64,
    /// Stored bytes that it reads.
    pub low_zoom_bytes: u64,
}

/// Columns and rows of a tile.
const TILE_PX: f64 = 256.0;
/// Warping and encoding a tile of 256 px whose blocks are decoded, milliseconds.
const WARP_AND_ENCODE_MS: f64 = 0.25;
/// Milliseconds for decoding a million pixels of 3 bytes; measured on aerial photographs, predictor
/// undone; `PACKBITS` is judged, `JPEG2000` is IGN's 1.2 bits a pixel, four times as much where it is lossless.
const DECODE_MS: [(&str, f64); 11] = [
    ("NONE", 0.4),
    ("PACKBITS", 1.0),
    ("ZSTD", 2.6),
    ("JPEG", 3.6),
    ("DEFLATE", 6.4),
    ("LERC", 10.0),
    ("WEBP", 16.0),
    ("LZW", 16.5),
    ("JPEG2000", 100.0),
    ("LZMA", 60.0),
    ("JXL", 60.0),
];
/// For codecs that are not in the table.
const OTHER_MS: f64 = 60.0;

/// What is read for one window of one level, on average over its places.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Work {
    pub pixels: f64,
    pub bytes: u64,
    pub ms: f64,
}

impl Source {
    /// What tiles of this file cost.
    pub fn cost(&self) -> Cost {
        let (native, low) = (self.native_work(), self.low_zoom_work());
        Cost {
            native_tile_ms: native.ms + WARP_AND_ENCODE_MS,
            native_tile_bytes: native.bytes,
            low_zoom_tile_ms: low.ms + WARP_AND_ENCODE_MS,
            low_zoom_bytes: low.bytes,
        }
    }

    /// A tile at full resolution.
    pub(super) fn native_work(&self) -> Work {
        self.work(0, (TILE_PX, TILE_PX))
    }

    /// A tile that shows the whole image: it reads the coarsest level.
    pub(super) fn coarsest_work(&self) -> Work {
        let size = self.levels[self.levels.len() - 1].size;
        self.work(self.levels.len() - 1, (f64::from(size.width), f64::from(size.height)))
    }

    /// The dearest of the tiles at lower zooms: each level is read until the next one is coarse enough.
    fn low_zoom_work(&self) -> Work {
        let between = (0..self.levels.len() - 1).map(|level| self.work_before_next(level));
        between
            .chain([self.coarsest_work()])
            .max_by(|a, b| a.ms.total_cmp(&b.ms))
            .unwrap_or_else(|| self.native_work())
    }

    /// A tile just too fine for the next level.
    pub(super) fn work_before_next(&self, level: usize) -> Work {
        let (here, next) = (self.levels[level].factor, self.levels[level + 1].factor);
        self.work(level, (TILE_PX * next.0 / here.0, TILE_PX * next.1 / here.1))
    }

    fn work(&self, level: usize, window: (f64, f64)) -> Work {
        let level: &Level = &self.levels[level];
        let (size, block) = (level.size, level.block_size());
        let along = |image: u32, block: u32, window: f64| {
            let (image, block) = (f64::from(image), f64::from(block));
            let read = if window >= image { (image / block).ceil() } else { (window - 1.0) / block + 1.0 };
            read.min((image / block).ceil()) * block
        };
        let pixels = along(size.width, block.width, window.0) * along(size.height, block.height, window.1);
        let stored = level.stored();
        let share = (pixels / size.pixels() as f64).min(1.0);
        let sample_bytes = f64::from(self.facts.bits.max(1)) / 8.0 * self.facts.bands as f64;
        let written = stored.written as f64 / (stored.pieces as f64).max(1.0);
        let ms = pixels / 1e6 * written * self.decode_ms() * sample_bytes / 3.0;
        Work { pixels, bytes: (stored.bytes as f64 * share) as u64, ms }
    }

    /// Milliseconds for a million pixels of 3 bytes.
    pub(super) fn decode_ms(&self) -> f64 {
        let is_lossless_jp2 = self.jp2().is_some_and(Jp2::is_reversible);
        decode_ms(self.facts.compression) * if is_lossless_jp2 { 4.0 } else { 1.0 }
    }
}

pub(super) fn decode_ms(compression: &str) -> f64 {
    DECODE_MS.iter().find(|(name, _)| *name == compression).map_or(OTHER_MS, |(_, ms)| *ms)
}
