//! What was made once and may be wanted again, bounded in bytes. In memory its policies know keys and weights, not tiles and not blocks.

mod blocks;
#[cfg(test)]
mod contract;
mod disk;
mod lru;
mod metered;
mod quick;

use std::{hash::Hash, sync::Arc};

pub use self::{
    blocks::Blocks,
    disk::{Disk, DiskConfig, DiskTile},
    metered::Metered,
};
pub use crate::config::CachePolicy;

/// What a value takes of the capacity.
pub trait Weighted {
    /// Bytes in memory, the value's own bookkeeping included.
    fn weight_bytes(&self) -> u64;
}

impl<T: Weighted> Weighted for Arc<T> {
    fn weight_bytes(&self) -> u64 {
        self.as_ref().weight_bytes()
    }
}

/// A map that forgets.
pub trait Cache<K, V>: Send + Sync {
    /// The value, if it is still there.
    fn get(&self, key: &K) -> Option<V>;

    /// The same for who will ask once more where there is none: a miss is not counted twice.
    fn at_hand(&self, key: &K) -> Option<V> {
        self.get(key)
    }

    /// Keeps a value until others push it out; one that is too large for the cache is not kept at all.
    fn insert(&self, key: K, value: V);

    /// Keeps a value as [`Cache::insert`] does, unless there is one already; gives the one that all are to use.
    fn get_or_insert(&self, key: K, value: V) -> V;

    /// Bytes held at the moment.
    fn bytes(&self) -> u64;
}

/// How large a cache is.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    /// Bytes in all.
    pub bytes: u64,
    /// Bytes of a typical value: how many entries to prepare for.
    pub typical_bytes: u64,
}

impl Capacity {
    /// Of decoded blocks, most of which are photographs of 512 px a side.
    pub const fn of_blocks(bytes: u64) -> Self {
        Self { bytes, typical_bytes: 512 * 512 * 3 / 2 }
    }
}

/// An entry's key, hash and links, about.
const OVERHEAD_BYTES: u64 = 96;

/// What an allocator takes for so many bytes: it has four sizes for each doubling.
pub const fn allocated_bytes(bytes: u64) -> u64 {
    let step = (bytes | 64).ilog2() - 2;
    bytes.next_multiple_of(1 << step)
}

/// A cache with the chosen policy.
pub fn build<K, V>(policy: CachePolicy, capacity: Capacity) -> Box<dyn Cache<K, V>>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Weighted + Clone + Send + Sync + 'static,
{
    match policy {
        CachePolicy::Quick => Box::new(quick::Quick::new(capacity)),
        CachePolicy::Lru => Box::new(lru::Lru::new(capacity)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_as_allocators_do() {
        let sizes = [0, 1, 100, 20_000, 20_480, 20_481, 135_000, 786_432];
        assert_eq!(sizes.map(allocated_bytes), [0, 16, 112, 20_480, 20_480, 24_576, 163_840, 786_432]);
    }
}
