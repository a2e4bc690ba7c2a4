//! Files that seem to have changed, told by whoever stumbled over them, so that they are looked at before their turn.

use std::{collections::BTreeSet, path::PathBuf};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// More are not remembered: a look at everything comes anyway.
const LIMIT: usize = 10_000;

/// Files to look at, and a bell.
#[derive(Debug, Default)]
pub struct Hints {
    paths: Mutex<BTreeSet<PathBuf>>,
    bell: Notify,
}

impl Hints {
    /// Tells of a file.
    pub fn give(&self, path: PathBuf) {
        let mut paths = self.paths.lock();
        if paths.len() < LIMIT && paths.insert(path) {
            self.bell.notify_one();
        }
    }

    /// Waits until there are some.
    pub(super) async fn wait(&self) {
        self.bell.notified().await;
    }

    /// All of them; they are forgotten.
    pub(super) fn take(&self) -> Vec<PathBuf> {
        std::mem::take(&mut *self.paths.lock()).into_iter().collect()
    }
}
