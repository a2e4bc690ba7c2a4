//! Counts the hits and misses of another cache.

use prometheus::{IntCounter, IntGauge};

use super::Cache;

/// A cache that counts.
pub struct Metered<K, V> {
    inner: Box<dyn Cache<K, V>>,
    hits: IntCounter,
    misses: IntCounter,
    bytes: IntGauge,
}

impl<K, V> Metered<K, V> {
    /// Wraps a cache; `bytes` follows its size.
    pub fn new(inner: Box<dyn Cache<K, V>>, hits: IntCounter, misses: IntCounter, bytes: IntGauge) -> Self {
        Self { inner, hits, misses, bytes }
    }

    /// Counts a hit of who still had the value.
    pub fn hit(&self) {
        self.hits.inc();
    }
}

impl<K, V> Cache<K, V> for Metered<K, V> {
    fn get(&self, key: &K) -> Option<V> {
        let found = self.inner.get(key);
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.inc();
        found
    }

    fn at_hand(&self, key: &K) -> Option<V> {
        self.inner.at_hand(key).inspect(|_| self.hits.inc())
    }

    fn insert(&self, key: K, value: V) {
        self.inner.insert(key, value);
        self.bytes.set(self.inner.bytes().cast_signed());
    }

    fn get_or_insert(&self, key: K, value: V) -> V {
        let kept = self.inner.get_or_insert(key, value);
        self.bytes.set(self.inner.bytes().cast_signed());
        kept
    }

    fn bytes(&self) -> u64 {
        self.inner.bytes()
    }
}
