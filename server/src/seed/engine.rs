//! The threads that make tiles, with the blocks that they share.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tiler::{
    catalog::OpenFiles,
    render::{RenderContext, Rendered, StageObserver, TileAddress, plan},
    seed::{Made, Metatile, make},
    source::SourceError,
    tms::TileId,
};
use xxhash_rust::xxh3::xxh3_128;

use super::{Job, Known, MadeTile};
use crate::{
    cache::{self, Blocks, CachePolicy, Capacity},
    log,
};

/// Blocks under a metatile and the finer ones that come before it: some 25 MiB of photographs, twice that without loss, and as
/// much again until the last thread has left them. In a mosaic of 100 dalles, with two threads, 512 MiB had 3 % fewer blocks
/// decoded, half of this 6 % more; and memory that was never used before costs time.
const BLOCK_BYTES: u64 = 128 << 20;
/// What a thread more has in work.
const BLOCK_BYTES_EACH: u64 = 32 << 20;
/// Of a large block, by which the cache is parted: eight of them fit each part, and the largest there may be.
const LARGE_BLOCK_BYTES: u64 = 8 << 20;

/// What came of one tile.
#[derive(Debug)]
pub(super) enum Outcome {
    Made(MadeTile),
    Kept,
    Empty,
    /// It has no imagery any more, and the target has a tile.
    Emptied(TileId),
    Failed(String),
}

/// Threads, open files and decoded blocks.
pub struct Engine {
    pool: rayon::ThreadPool,
    files: Arc<OpenFiles>,
    blocks: Blocks,
    damaged: AtomicU64,
}

impl Engine {
    /// Starts so many threads, 0 for one a core, which share so many bytes of decoded blocks, by default what photographs need.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn start(
        threads: usize,
        files: Arc<OpenFiles>,
        block_bytes: Option<u64>,
    ) -> Result<Self, rayon::ThreadPoolBuildError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|n| format!("seed-{n}"))
            .build()?;
        // Along the curve a block is wanted again soon or never: what was used longest ago leaves.
        let usual = BLOCK_BYTES + BLOCK_BYTES_EACH * pool.current_num_threads() as u64;
        let capacity = Capacity { bytes: block_bytes.unwrap_or(usual), typical_bytes: LARGE_BLOCK_BYTES };
        let blocks = Blocks::new(cache::build(CachePolicy::Lru, capacity), capacity.bytes);
        Ok(Self { pool, files, blocks, damaged: AtomicU64::new(0) })
    }

    pub(super) fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    pub(super) fn pool(&self) -> &rayon::ThreadPool {
        &self.pool
    }

    /// The tiles of a metatile, one after the other; those that are left when `stop` is set are not made.
    pub(super) fn make(
        &self,
        job: &Job,
        metatile: &Metatile<'_>,
        known: &Known,
        stop: &AtomicBool,
    ) -> Vec<Outcome> {
        let going = metatile.tiles().take_while(|_| !stop.load(Ordering::Relaxed));
        going.map(|tile| self.tile(job, tile, known)).collect()
    }

    /// Whether there is imagery under a tile; `None` where it cannot be told.
    pub fn has_imagery(&self, job: &Job, tile: TileId) -> Option<bool> {
        let plan = plan(&job.imagery, &Self::address(job, tile), &job.layer.settings).ok()?;
        Some(!plan.is_empty())
    }

    /// The bytes of a tile; `None` where there are none.
    pub fn size_of(&self, job: &Job, tile: TileId) -> Option<u64> {
        match self.tile(job, tile, &Known::Tiles(HashMap::new())) {
            Outcome::Made(tile) => Some(tile.bytes.len() as u64),
            _ => None,
        }
    }

    fn address(job: &Job, tile: TileId) -> TileAddress<'_> {
        TileAddress { set: &job.set, tile, scale: 1, format: job.format, style: &job.style }
    }

    fn tile(&self, job: &Job, tile: TileId, known: &Known) -> Outcome {
        let address = Self::address(job, tile);
        let context = RenderContext {
            files: self.files.as_ref(),
            blocks: &self.blocks,
            observer: self,
            whole_blocks: true,
        };
        let has = |fingerprint| known.has(tile, fingerprint);
        let settings = &job.layer.settings;
        let made = catch_unwind(AssertUnwindSafe(|| make(&job.imagery, &address, settings, &context, has)));
        let reason = match made {
            Ok(Ok(Made::Kept)) => return Outcome::Kept,
            Ok(Ok(Made::Empty)) if known.holds(tile) => return Outcome::Emptied(tile),
            Ok(Ok(Made::Empty)) => return Outcome::Empty,
            Ok(Ok(Made::Tile(fingerprint, Rendered { tile: encoded, is_provisional, .. }))) => {
                return Outcome::Made(MadeTile {
                    tile,
                    fingerprint: (!is_provisional).then_some(fingerprint),
                    digest: xxh3_128(&encoded.bytes),
                    bytes: encoded.bytes,
                    format: encoded.format,
                });
            }
            Ok(Err(error)) => log::chain(&error),
            Err(_) => "a bug: the log above has the details".to_owned(),
        };
        let TileId { matrix, col, row } = tile;
        Outcome::Failed(format!("{}/{col}/{row}: {reason}", job.set.matrices[matrix].id))
    }

    /// How often a damaged dalle was left out of a tile.
    pub fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }
}

impl StageObserver for Engine {
    fn observe(&self, _: tiler::render::Stage, _: std::time::Duration) {}

    fn file_fault(&self, error: &SourceError) {
        if self.damaged.fetch_add(1, Ordering::Relaxed) == 0 {
            let file = log::printable(&error.path.display().to_string());
            tracing::warn!(file, reason = log::chain(error), "a dalle is damaged and is left out");
        }
    }
}

#[cfg(test)]
mod tests {
    use tiler::{
        geom::Size,
        raster::Raster,
        render::BlockCache,
        source::{Block, BlockKey},
    };

    use super::*;

    #[test]
    fn the_blocks_of_a_metatile_are_kept_however_large_each_is() {
        for side in [256, 512, 2048, 4600] {
            let engine = Engine::start(1, Arc::default(), None).expect("threads are to be had");
            let size = Size { width: side, height: side };
            let pixels = vec![0; side as usize * side as usize * 3];
            let block = Arc::new(Block::whole(Raster::new(size, 3, pixels, None)));
            // Under 8 x 8 tiles of 256 px that halve the image.
            let count = u128::from((4096 / side).max(1).pow(2));
            (0..count).for_each(|key| engine.blocks.insert(BlockKey(key), Arc::clone(&block)));
            let kept = (0..count).filter(|&key| engine.blocks.get(&BlockKey(key)).is_some()).count();
            assert_eq!(kept as u128, count, "blocks of {side} px");
        }
    }
}
