//! The policy of the `quick_cache` crate: a value asked for once leaves before one asked for twice.

use std::{convert::Infallible, hash::Hash};

use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, Weighter,
    sync::{self, DefaultLifecycle},
};

use super::{Cache, Capacity, OVERHEAD_BYTES, Weighted};

/// The part for values that were asked for once. The crate's own, 0.03, is for those who come back to the same few; who browses
/// leaves a place for good, and in a small part a block is gone before its neighbours' tiles come. What weighs more than the rest of a
/// shard is not kept.
const USED_ONCE: f64 = 0.2;

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
        let options = OptionsBuilder::new()
            .estimated_items_capacity(entries)
            .weight_capacity(capacity.bytes)
            .hot_allocation(1.0 - USED_ONCE)
            .build()
            .expect("both capacities are set");
        let (hash, lifecycle) = (DefaultHashBuilder::default(), DefaultLifecycle::default());
        Self(sync::Cache::with_options(options, Bytes, hash, lifecycle))
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

    fn get_or_insert(&self, key: K, value: V) -> V {
        let Ok(kept) = self.0.get_or_insert_with(&key, || Ok::<_, Infallible>(value));
        kept
    }

    fn bytes(&self) -> u64 {
        self.0.weight()
    }
}
