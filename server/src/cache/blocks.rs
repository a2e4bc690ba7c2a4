//! Decoded blocks for the engine, in a cache of any policy.

use std::sync::Arc;

use tiler::{
    render::BlockCache,
    source::{Block, BlockKey},
};

use super::{Cache, Weighted};

/// A cache of blocks as the engine knows it.
pub struct Blocks(Box<dyn Cache<BlockKey, Arc<Block>>>);

impl Blocks {
    /// Keeps blocks in `cache`.
    pub fn new(cache: Box<dyn Cache<BlockKey, Arc<Block>>>) -> Self {
        Self(cache)
    }
}

impl BlockCache for Blocks {
    fn get(&self, key: &BlockKey) -> Option<Arc<Block>> {
        self.0.get(key)
    }

    fn insert(&self, key: BlockKey, block: Arc<Block>) {
        self.0.insert(key, block);
    }

    fn get_or_insert(&self, key: BlockKey, block: Arc<Block>) -> Arc<Block> {
        self.0.get_or_insert(key, block)
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
