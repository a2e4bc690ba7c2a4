//! From an address to an encoded tile:
//!
//! 1. [`plan()`]: which windows of which levels of which dalles, or of the cap above them, and the exact target grid; no
//!    file is opened;
//! 2. fetch: the bytes of the blocks that are not in the cache, all announced before the first is read;
//! 3. decode: bytes become rasters, each with its mask; the source is checked before any of them is kept;
//! 4. warp: a window is gathered across blocks and dalles and brought onto the target grid;
//! 5. composite: the next window fills what the last one left open, until the tile is full;
//! 6. style: bands become colours;
//! 7. encode: the picture becomes JPEG, PNG or WebP.
//!
//! [`render()`] is this list as code. Where a tile is one stored block, [`Passage::pass`] comes before all from 2 on and sends
//! that block. It knows no URL and no HTTP.

mod cap;
mod execute;
mod fingerprint;
#[cfg(test)]
mod fixture;
mod gather;
mod passthrough;
mod plan;
mod point;
mod region;
mod select;
mod strips;
mod target;
mod ycbcr;

use std::{sync::Arc, time::Duration};

pub use execute::{Rendered, blank, render};
pub use fingerprint::Fingerprint;
pub use passthrough::Passage;
pub use plan::{Plan, TileAddress, plan};
pub use point::{PixelValue, pixel_values};
pub use region::{RegionRequest, region};

use crate::{
    catalog::Opener,
    crs::CrsError,
    encode::{EncodeError, EncodeOptions, Format},
    resample::Resampling,
    source::{Block, BlockKey, SourceError},
};

/// How the tiles of a layer are made.
#[derive(Debug, Clone)]
pub struct RenderSettings {
    /// The kernel; default bilinear.
    pub resampling: Resampling,
    /// 1 to 100, default 85.
    pub jpeg_quality: u8,
    /// 1 to 100, default 80.
    pub webp_quality: u8,
    /// What shows in JPEG where there is no imagery, red green blue; default white.
    pub background: [u8; 3],
    /// What `auto` is where imagery ends, PNG or WebP; default PNG.
    pub edges: Format,
    /// Whether a tile that is one stored block is sent as it is stored; default yes.
    pub passthrough: bool,
}

impl Default for RenderSettings {
    fn default() -> Self {
        let EncodeOptions { jpeg_quality, webp_quality, background, edges, .. } = EncodeOptions::default();
        let resampling = Resampling::default();
        Self { resampling, jpeg_quality, webp_quality, background, edges, passthrough: true }
    }
}

impl RenderSettings {
    fn encode_options(&self, is_lossless: bool) -> EncodeOptions {
        let Self { jpeg_quality, webp_quality, background, edges, .. } = *self;
        EncodeOptions { jpeg_quality, webp_quality, background, edges, is_lossless }
    }
}

/// Decoded blocks, kept between tiles: neighbours share them.
pub trait BlockCache: Send + Sync {
    /// The block, if it is kept.
    fn get(&self, key: &BlockKey) -> Option<Arc<Block>>;
    /// Keeps a block, perhaps.
    fn insert(&self, key: BlockKey, block: Arc<Block>);
    /// Keeps a block, perhaps, unless there is one already; gives the one that all are to use.
    fn get_or_insert(&self, key: BlockKey, block: Arc<Block>) -> Arc<Block>;
    /// Whether a block of so many bytes is likely to be there when the tiles beside this one are asked for.
    fn keeps(&self, bytes: usize) -> bool;
}

/// A cache that keeps nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoCache;

impl BlockCache for NoCache {
    fn get(&self, _: &BlockKey) -> Option<Arc<Block>> {
        None
    }

    fn insert(&self, _: BlockKey, _: Arc<Block>) {}

    fn get_or_insert(&self, _: BlockKey, block: Arc<Block>) -> Arc<Block> {
        block
    }

    fn keeps(&self, _: usize) -> bool {
        false
    }
}

/// A step of the pipeline, for measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Address to plan.
    Plan,
    /// Bytes of blocks.
    Fetch,
    /// Bytes to pixels.
    Decode,
    /// Pixels to the target grid.
    Warp,
    /// Picture to bytes.
    Encode,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [Self::Plan, Self::Fetch, Self::Decode, Self::Warp, Self::Encode];

    /// The name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Fetch => "fetch",
            Self::Decode => "decode",
            Self::Warp => "warp",
            Self::Encode => "encode",
        }
    }
}

/// Told how long each stage of a tile took.
pub trait StageObserver: Sync {
    /// `stage` took this long for one tile.
    fn observe(&self, stage: Stage, took: Duration);

    /// A dalle of many is damaged and was left out.
    fn file_fault(&self, _: &SourceError) {}
}

/// An observer that does not care.
impl StageObserver for () {
    fn observe(&self, _: Stage, _: Duration) {}
}

/// What rendering needs beside a plan.
pub struct RenderContext<'a> {
    /// Opens the files that a tile needs.
    pub files: &'a dyn Opener,
    /// Decoded blocks of earlier tiles.
    pub blocks: &'a dyn BlockCache,
    /// Told how long each stage took.
    pub observer: &'a dyn StageObserver,
    /// Whether blocks are decoded whole although a tile shows a part of them: where its neighbours come next, that is cheaper.
    pub whole_blocks: bool,
}

/// Why a tile could not be rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// A source can not be read, or has changed.
    #[error("a source cannot be read")]
    Source(#[from] SourceError),
    /// Two coordinate reference systems have no known way between them.
    #[error("the source cannot be brought into the grid of the tile")]
    Crs(#[from] CrsError),
    /// An encoder failed.
    #[error("the tile cannot be encoded")]
    Encode(#[from] EncodeError),
    /// So coarse a tile would read too much of a source that has no overviews.
    #[error("the tile would read {pixels} pixels, more than {limit}: build overviews with `gdaladdo {path}`")]
    TooCostly {
        /// Pixels that would be read.
        pixels: u64,
        /// Pixels that may be read for one tile.
        limit: u64,
        /// The source without overviews.
        path: String,
    },
}

impl RenderError {
    /// Whether a file is to blame, and another file would do.
    pub fn is_source_fault(&self) -> bool {
        matches!(self, Self::Source(_) | Self::Crs(_) | Self::TooCostly { .. })
    }
}
