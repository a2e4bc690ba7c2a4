//! A hash of all that decides the bytes of a tile: cache key and, with the format, ETag.

use std::fmt;

use xxhash_rust::xxh3::Xxh3;

use super::{Plan, RenderSettings, TileAddress, passthrough};
use crate::{encode, geom::Window, raster::Depth};

/// Part of every fingerprint: to be raised whenever the same plan would give other pixels.
const PIXELS_VERSION: u32 = 10;

/// 128 bits that are equal exactly when the bytes of two tiles are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub u128);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Fingerprint {
    /// The fingerprint of a plan; empty plans of one size and format share one.
    ///
    /// Of a tile of the cap it is the `regions` hash of all dalles under it that counts, not the patches that are read: they
    /// are made of many more dalles, and made again when one of those changes.
    pub(super) fn of(
        plan: &Plan,
        address: &TileAddress<'_>,
        settings: &RenderSettings,
        regions: Option<u128>,
    ) -> Self {
        let mut hash = Xxh3::new();
        let mut put = |bytes: &[u8]| {
            hash.update(&(bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        put(&PIXELS_VERSION.to_le_bytes());
        put(&encode::VERSION.to_le_bytes());
        put(address.format.name().as_bytes());
        put(&[settings.jpeg_quality, settings.webp_quality]);
        put(&settings.background);
        put(settings.edges.extension().as_bytes());
        put(&[u8::from(plan.encode.is_lossless)]);
        put(&plan.size.width.to_le_bytes());
        put(&plan.size.height.to_le_bytes());
        if plan.reads.is_empty() {
            return Self(hash.digest128());
        }
        put(settings.resampling.name().as_bytes());
        put(address.set.crs.name().as_bytes());
        let bounds = address.set.bounds(address.tile);
        for edge in [bounds.min_x, bounds.min_y, bounds.max_x, bounds.max_y] {
            put(&edge.to_bits().to_le_bytes());
        }
        address.style.hash_into(&mut put);
        put(&[u8::from(plan.is_provisional())]);
        // Whether it is then sent as it is stored, or rendered, depends on the state of the file alone.
        if plan.passage().is_some() {
            put(&passthrough::VERSION.to_le_bytes());
        }
        put(&[u8::from(plan.depth == Depth::Float)]);
        for read in &plan.reads {
            // On the edge of imagery positions are fitted to what there is of it: where, and how finely. Rounded, since the
            // grid of pixels counts from whichever dalle comes first.
            let (target, finely) = (read.grid.target(), |shrink: f64| (shrink * 1e5).round() as i64);
            let numbers = [
                target.col_off,
                target.row_off,
                i64::from(target.width),
                i64::from(target.height),
                finely(read.shrink.0),
                finely(read.shrink.1),
            ];
            put(&numbers.map(i64::to_le_bytes).concat());
        }
        if let Some(regions) = regions {
            put(&regions.to_le_bytes());
            return Self(hash.digest128());
        }
        for read in &plan.reads {
            for piece in &read.pieces {
                put(&read.mosaic.dalle(piece.number).state().to_le_bytes());
                put(&(piece.level as u64).to_le_bytes());
            }
            put(&(read.holes.len() as u64).to_le_bytes());
            for Window { col_off, row_off, width, height } in read.holes.iter().chain(&read.above) {
                put(&[*col_off, *row_off, i64::from(*width), i64::from(*height)]
                    .map(i64::to_le_bytes)
                    .concat());
            }
        }
        put(&(plan.left_out.len() as u64).to_le_bytes());
        Self(hash.digest128())
    }
}
