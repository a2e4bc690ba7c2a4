//! Least recently used, by the `lru` crate, in shards with a lock each.

use std::hash::{BuildHasher, Hash, RandomState};

use lru::LruCache;
use parking_lot::Mutex;

use super::{Cache, Capacity, OVERHEAD_BYTES, Weighted};

const SHARDS: u64 = 16;
/// A shard holds at least this many typical values, so that small caches have fewer shards.
const VALUES_PER_SHARD: u64 = 8;

pub(super) struct Lru<K, V> {
    shards: Box<[Mutex<Shard<K, V>>]>,
    shard_bytes: u64,
    hasher: RandomState,
}

struct Shard<K, V> {
    entries: LruCache<K, V>,
    bytes: u64,
}

impl<K: Hash + Eq, V: Weighted> Lru<K, V> {
    pub(super) fn new(capacity: Capacity) -> Self {
        let typical = capacity.typical_bytes + OVERHEAD_BYTES;
        let shards = (capacity.bytes / (typical * VALUES_PER_SHARD)).clamp(1, SHARDS);
        let empty = || Mutex::new(Shard { entries: LruCache::unbounded(), bytes: 0 });
        Self {
            shards: (0..shards).map(|_| empty()).collect(),
            shard_bytes: capacity.bytes / shards,
            hasher: RandomState::new(),
        }
    }

    /// What leaves is to be dropped after the lock: freeing a large value takes its time.
    fn put(&self, shard: &mut Shard<K, V>, key: K, value: V) -> Vec<V> {
        let weight = |value: &V| value.weight_bytes() + OVERHEAD_BYTES;
        let added = weight(&value);
        if added > self.shard_bytes {
            return vec![value];
        }
        let mut evicted = Vec::new();
        shard.bytes += added;
        if let Some(old) = shard.entries.put(key, value) {
            shard.bytes -= weight(&old);
            evicted.push(old);
        }
        while shard.bytes > self.shard_bytes {
            let Some((_, old)) = shard.entries.pop_lru() else { break };
            shard.bytes -= weight(&old);
            evicted.push(old);
        }
        evicted
    }

    fn shard(&self, key: &K) -> &Mutex<Shard<K, V>> {
        &self.shards[(self.hasher.hash_one(key) % self.shards.len() as u64) as usize]
    }
}

impl<K, V> Cache<K, V> for Lru<K, V>
where
    K: Hash + Eq + Clone + Send + Sync,
    V: Weighted + Clone + Send + Sync,
{
    fn get(&self, key: &K) -> Option<V> {
        self.shard(key).lock().entries.get(key).cloned()
    }

    fn insert(&self, key: K, value: V) {
        let mut shard = self.shard(&key).lock();
        let evicted = self.put(&mut shard, key, value);
        drop(shard);
        drop(evicted);
    }

    fn get_or_insert(&self, key: K, value: V) -> V {
        let mut shard = self.shard(&key).lock();
        if let Some(kept) = shard.entries.get(&key) {
            return kept.clone();
        }
        let evicted = self.put(&mut shard, key, value.clone());
        drop(shard);
        drop(evicted);
        value
    }

    fn bytes(&self) -> u64 {
        self.shards.iter().map(|shard| shard.lock().bytes).sum()
    }
}
