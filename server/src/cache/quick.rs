//! The policy of the `quick_cache` crate: a value asked for once leaves before one asked for twice.

use std::hash::Hash;

use quick_cache::{Weighter, sync};

use super::{Cache, Capacity, OVERHEAD_BYTES, Weighted};

pub(super) struct Quick<K, V>(sync::Cache<K, V, Bytes>);

#[derive(Clone)]
struct Bytes;

impl<K, V: Weighted> Weighter<K, V> for Bytes {
    fn weight(&self, _: &K, value: &V) -> u64 {
        value.weight_bytes() + OVERHEAD_BYTES
    }
}

impl<K: Hash + Eq + Clone, V: Weighted + Clone> Quick<K, V> {
    pub(super) fn new(capacity: Capacity) -> Self {
        let typical = capacity.typical_bytes + OVERHEAD_BYTES;
        let entries = (capacity.bytes / typical).max(16) as usize;
        Self(sync::Cache::with_weighter(entries, capacity.bytes, Bytes))
    }
}

impl<K, V> Cache<K, V> for Quick<K, V>
where
    K: Hash + Eq + Clone + Send + Sync,
    V: Weighted + Clone + Send + Sync,
{
    fn get(&self, key: &K) -> Option<V> {
        self.0.get(key)
    }

    fn insert(&self, key: K, value: V) {
        self.0.insert(key, value);
    }

    fn bytes(&self) -> u64 {
        self.0.weight()
    }
}
