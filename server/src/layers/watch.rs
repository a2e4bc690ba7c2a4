//! The task that keeps what is published in step with the disk: every few seconds by looking, and at once when told to reload.
//! It knows when; [`Catalog`] knows what.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{sync::Notify, task::spawn_blocking, time::timeout};

use super::{
    Snapshot,
    catalog::{Catalog, Offer},
    refresh::Change,
    scan::Skipped,
};
use crate::log::printable;

/// What the task needs from the program around it.
pub trait Surroundings: Send + Sync + 'static {
    /// Reads the configuration again.
    ///
    /// # Errors
    /// All that is wrong with it, one line each.
    fn offer(&self) -> Result<Offer, Vec<String>>;
    /// From now on, this is published.
    fn publish(&self, snapshot: Snapshot);
    /// A reload has come to its end.
    fn reloaded(&self, outcome: Reload);
}

/// How a reload ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// What is published is now what the configuration says.
    Succeeded,
    /// The configuration is broken; what was published still is.
    Failed,
}

impl Reload {
    /// As a label of metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// Watches until it is dropped. `reload` is notified when the configuration shall be read again.
pub async fn watch(catalog: Catalog, interval: Duration, reload: Arc<Notify>, around: Arc<dyn Surroundings>) {
    let catalog = Arc::new(Mutex::new(catalog));
    loop {
        let is_reload = timeout(interval, reload.notified()).await.is_ok();
        let (catalog, around) = (Arc::clone(&catalog), Arc::clone(&around));
        // On threads that may wait: a stat on a network drive can take its time.
        let step = spawn_blocking(move || {
            let mut catalog = catalog.lock();
            if is_reload { reopen(&mut catalog, &*around) } else { refresh(&mut catalog, &*around) }
        });
        if step.await.is_err() {
            tracing::error!("looking for changed files failed; what was published still is");
        }
    }
}

fn refresh(catalog: &mut Catalog, around: &dyn Surroundings) {
    let changes = catalog.refresh();
    if !changes.is_empty() {
        around.publish(catalog.snapshot());
        changes.iter().for_each(tell);
    }
}

fn tell(change: &Change) {
    let (file, what) = (printable(&change.path.display().to_string()), &change.what);
    match &change.fault {
        None => tracing::info!(file, %what, "a file has changed and is served as it is now"),
        Some(reason) => tracing::warn!(file, %what, reason, "a file has changed and cannot be served"),
    }
}

fn reopen(catalog: &mut Catalog, around: &dyn Surroundings) {
    let opened = around.offer().and_then(|offer| {
        Catalog::open(offer, Some(catalog)).map_err(|error| error.0.iter().map(ToString::to_string).collect())
    });
    let outcome = match opened {
        Ok((opened, skipped)) => {
            *catalog = opened;
            around.publish(catalog.snapshot());
            tell_skipped(&skipped);
            tracing::info!(layers = catalog.snapshot().layers.len(), "the configuration has been read again");
            Reload::Succeeded
        }
        Err(problems) => {
            for problem in &problems {
                tracing::error!(problem, "the configuration cannot be used");
            }
            tracing::error!(problems = problems.len(), "the reload failed; what was published still is");
            Reload::Failed
        }
    };
    around.reloaded(outcome);
}

/// Tells what is left out, one line each.
pub fn tell_skipped(skipped: &[Skipped]) {
    for Skipped { path, reason } in skipped {
        tracing::warn!(file = printable(&path.display().to_string()), reason, "a file is not served");
    }
}
