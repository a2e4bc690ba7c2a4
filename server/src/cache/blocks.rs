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

/// A cache with room for fewer blocks than several people look at has lost one before the tiles beside it are asked for.
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

#[cfg(test)]
mod tests {
    use super::super::{CachePolicy, Capacity, build};
    use super::*;

    #[test]
    fn a_block_is_kept_where_there_is_room_for_those_of_several_views() {
        let blocks = |bytes| Blocks::new(build(CachePolicy::Lru, Capacity::of_blocks(bytes)), bytes);
        let photograph = 512 * 512 * 3;
        assert!(blocks(512 << 20).keeps(photograph) && blocks(64 << 20).keeps(photograph));
        assert!(!blocks(1 << 20).keeps(photograph) && !blocks(0).keeps(photograph));
        assert!(!blocks(512 << 20).keeps(64 << 20), "a whole image in one block");
    }
}
