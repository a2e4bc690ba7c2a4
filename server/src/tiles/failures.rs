//! Tiles that failed a moment ago: a broken file costs one try per tile and ten seconds, however many ask.

use std::{
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use lru::LruCache;
use parking_lot::Mutex;
use tiler::render::Fingerprint;

use crate::error::Fault;

const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).expect("it is not zero");
const FOR: Duration = Duration::from_secs(10);

/// Failures of the last seconds.
pub(super) struct Failures(Mutex<LruCache<Fingerprint, (Instant, Fault)>>);

impl Default for Failures {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }
}

impl Failures {
    /// The failure, if it is fresh.
    pub(super) fn recent(&self, key: &Fingerprint) -> Option<Fault> {
        let mut failures = self.0.lock();
        match failures.get(key) {
            Some((at, fault)) if at.elapsed() < FOR => Some(fault.clone()),
            Some(_) => {
                failures.pop(key);
                None
            }
            None => None,
        }
    }

    pub(super) fn remember(&self, key: Fingerprint, fault: Fault) {
        self.0.lock().put(key, (Instant::now(), fault));
    }
}
