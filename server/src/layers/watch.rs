//! The task that keeps what is published in step with the disk: every few seconds by looking, and at once when told to reload.
//! It knows when; [`Catalog`] knows what.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tiler::cap::Job;
use tokio::{sync::Notify, task::spawn_blocking, time::sleep};

use super::{
    Snapshot,
    catalog::{Catalog, Offer},
    changed_tiles::{changed_dalles, changed_tiles},
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
    /// This has to be built for caps, and nothing else.
    fn build(&self, jobs: Vec<Job>);
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

/// Looking takes no more than this part of the time, however many files there are.
const SHARE: u32 = 50;
/// Hints come in swarms: so long others are waited for.
const SWARM: Duration = Duration::from_millis(200);
/// Of so many changed dalles tiles are counted.
const COUNTED: usize = 500;
/// So many changes are told one by one.
const TOLD: usize = 20;

/// What shall be done now.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    /// Read the configuration again.
    Reload,
    /// Look at all files.
    Look,
    /// Look at files that somebody stumbled over.
    Hints,
    /// Take patches of caps into service.
    Caps,
}

/// What wakes the task before its time.
#[derive(Debug, Default)]
pub struct Bells {
    /// The configuration shall be read again.
    pub reload: Notify,
    /// All files shall be looked at.
    pub rescan: Notify,
    /// Patches of a cap have been built.
    pub cap: Notify,
}

/// Watches until it is dropped: looks at all files at once, then every `interval`, or more seldom where a look takes long.
pub async fn watch(catalog: Catalog, interval: Duration, bells: Arc<Bells>, around: Arc<dyn Surroundings>) {
    let hints = Arc::clone(&catalog.offer.hints);
    let catalog = Arc::new(Mutex::new(catalog));
    let mut step = Step::Look;
    let mut wait;
    loop {
        let (held, beside) = (Arc::clone(&catalog), Arc::clone(&around));
        let started = Instant::now();
        // On threads that may wait: a stat on a network drive can take its time.
        let done = spawn_blocking(move || {
            let mut catalog = held.lock();
            match step {
                Step::Reload => reopen(&mut catalog, &*beside),
                Step::Look => refresh(&mut catalog, &*beside, Catalog::refresh),
                Step::Hints => {
                    let some = catalog.offer.hints.take();
                    refresh(&mut catalog, &*beside, |catalog| catalog.refresh_some(&some));
                }
                Step::Caps => publish(&mut catalog, &*beside),
            }
        });
        if done.await.is_err() {
            tracing::error!("looking for changed files failed; what was published still is");
        }
        wait = interval.max(started.elapsed() * SHARE);
        step = tokio::select! {
            () = bells.reload.notified() => Step::Reload,
            () = bells.rescan.notified() => Step::Look,
            () = bells.cap.notified() => Step::Caps,
            () = hints.wait() => {
                sleep(SWARM).await;
                Step::Hints
            }
            () = sleep(wait) => Step::Look,
        };
    }
}

/// Publishes what the catalog knows, with the caps that are there, and has the others built.
fn publish(catalog: &mut Catalog, around: &dyn Surroundings) {
    let jobs = catalog.take_caps();
    around.publish(catalog.snapshot());
    around.build(jobs);
}

fn refresh(catalog: &mut Catalog, around: &dyn Surroundings, look: impl FnOnce(&mut Catalog) -> Vec<Change>) {
    let lost = catalog.lost.clone();
    let before = catalog.snapshot();
    let changes = look(catalog);
    for folder in catalog.lost.difference(&lost) {
        let folder = printable(&folder.display().to_string());
        tracing::error!(
            folder,
            "a folder cannot be read any more: is it mounted? What was published still is"
        );
    }
    for folder in lost.difference(&catalog.lost) {
        let folder = printable(&folder.display().to_string());
        tracing::info!(folder, "a folder can be read again");
    }
    if !changes.is_empty() || lost != catalog.lost {
        publish(catalog, around);
        tell_tiles(&before, &catalog.snapshot());
    }
    changes.iter().take(TOLD).for_each(tell);
    if changes.len() > TOLD {
        tracing::info!(files = changes.len(), "files have changed; the first ones were told");
    }
}

/// Tells how many tiles of each zoom are others now, of layers of which not everything has changed.
fn tell_tiles(before: &Snapshot, after: &Snapshot) {
    for (id, then) in &before.layers {
        let Some(now) = after.layers.get(id) else { continue };
        let (dalles, Some(set)) = (changed_dalles(then, now), now.sets.first()) else { continue };
        if dalles.is_empty() || dalles.len() > COUNTED {
            continue;
        }
        let counts = changed_tiles(then, now, set, &dalles);
        let counts = counts.iter().filter(|count| count.tiles > 0);
        let tiles: Vec<_> = counts.map(|count| format!("{}: {}", count.matrix, count.tiles)).collect();
        let (dalles, tiles) = (dalles.len(), tiles.join(", "));
        tracing::info!(layer = id, set = set.set.id, dalles, tiles, "tiles have changed, by zoom");
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
            publish(catalog, around);
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
