//! A hash of all that decides the bytes of a tile: cache key and, with the format, ETag.

use std::fmt;

use xxhash_rust::xxh3::Xxh3;

use super::{Plan, RenderSettings, TileAddress};
use crate::encode;

/// Part of every fingerprint: to be raised whenever the same plan would give other pixels.
const PIXELS_VERSION: u32 = 2;

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
    pub(super) fn of(plan: &Plan, address: &TileAddress<'_>, settings: &RenderSettings) -> Self {
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
        for read in &plan.reads {
            put(&read.source.generation().to_le_bytes());
            put(&(read.level as u64).to_le_bytes());
        }
        Self(hash.digest128())
    }
}
