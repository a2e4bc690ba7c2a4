//! Decoded blocks for the engine, in a cache of any policy.

use std::sync::Arc;

use tiler::{
    render::BlockCache,
    source::{Block, BlockKey},
};

use super::{Cache, Weighted};

/// A cache of blocks as the engine knows it.
pub struct Blocks {
    cache: Box<dyn Cache<BlockKey, Arc<Block>>>,
    bytes: u64,
}

/// A cache of fewer blocks than several people look at has lost one before the tiles beside it are asked for.
const BLOCKS_OF_VIEWS: u64 = 32;

impl Blocks {
    /// Keeps blocks in `cache`, which holds so many bytes.
    pub fn new(cache: Box<dyn Cache<BlockKey, Arc<Block>>>, bytes: u64) -> Self {
        Self { cache, bytes }
    }
}

impl BlockCache for Blocks {
    fn get(&self, key: &BlockKey) -> Option<Arc<Block>> {
        self.cache.get(key)
    }

    fn insert(&self, key: BlockKey, block: Arc<Block>) {
        self.cache.insert(key, block);
    }

    fn get_or_insert(&self, key: BlockKey, block: Arc<Block>) -> Arc<Block> {
        self.cache.get_or_insert(key, block)
    }

    fn keeps(&self, bytes: usize) -> bool {
        BLOCKS_OF_VIEWS.saturating_mul(bytes as u64) <= self.bytes
    }
}

impl Weighted for Block {
    /// With what an allocator cannot use between blocks of several sizes, and keeps for a second of those that left: about a twelfth
    /// part, under mixed load on two cores.
    fn weight_bytes(&self) -> u64 {
        let bytes = self.byte_len() as u64;
        bytes + bytes / 12
    }
}
