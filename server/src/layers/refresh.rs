//! Compares the files of a [`Catalog`] with the disk and reopens what has changed. A layer all of whose
//! files are gone or broken stays published and says that it is unavailable, so that nobody mistakes a fault for an empty tile;
//! of a mosaic the other dalles fill the hole. A folder that cannot be read any more holds what it held.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rayon::prelude::*;
use tiler::catalog::{Imagery, Mosaic, Stamp};

use super::{
    build::Build,
    catalog::{Catalog, Looking},
    file_state::{FileState, stamp},
    listing::{is_index, list},
};
use crate::log;

/// Something that happened to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub path: PathBuf,
    /// What happened.
    pub what: What,
    /// Why it cannot be served as it is now; `None` where it can.
    pub fault: Option<String>,
}

/// What can happen to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It is new.
    Added,
    /// Another file has taken its place.
    Replaced,
    /// It was written to.
    Rewritten,
    /// It has become shorter.
    Truncated,
    /// It is gone.
    Deleted,
    /// It can be served again.
    Repaired,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Added => "added",
            Self::Replaced => "replaced",
            Self::Rewritten => "rewritten",
            Self::Truncated => "truncated",
            Self::Deleted => "deleted",
            Self::Repaired => "repaired",
        })
    }
}

impl Catalog {
    /// Looks at all files and folders once; tells what has changed, and has it in the next snapshot and in the index.
    pub fn refresh(&mut self) -> Vec<Change> {
        let changes = self.refresh_without_keeping();
        self.save(&changes);
        changes
    }

    /// The same, but the index stays as it is.
    pub fn refresh_without_keeping(&mut self) -> Vec<Change> {
        let found = self.rescan();
        let served: HashSet<Arc<Path>> =
            self.entries.iter().flat_map(|entry| entry.files.iter().cloned()).collect();
        let mut paths: Vec<&Arc<Path>> = served.iter().chain(found.iter().flatten()).collect();
        paths.sort_unstable_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
        paths.dedup();
        // Nothing can be told of what lies where nothing can be read.
        paths.retain(|path| !self.lost.iter().any(|lost| path.starts_with(lost)));
        self.compare(&paths, &served, &found)
    }

    /// Looks at some files that are served, since something seems to have happened to them.
    pub fn refresh_some(&mut self, paths: &[PathBuf]) -> Vec<Change> {
        let found: Vec<Vec<Arc<Path>>> = self.offered();
        let served: HashSet<Arc<Path>> = found.iter().flatten().cloned().collect();
        let some: Vec<Arc<Path>> =
            paths.iter().filter_map(|path| served.get(path.as_path())).cloned().collect();
        let changes = self.compare(&some.iter().collect::<Vec<_>>(), &served, &found);
        self.save(&changes);
        changes
    }

    fn compare(
        &mut self,
        paths: &[&Arc<Path>],
        served: &HashSet<Arc<Path>>,
        found: &[Vec<Arc<Path>>],
    ) -> Vec<Change> {
        let looking = Looking::new(&self.offer, &self.told);
        let looked: Vec<_> = paths
            .par_iter()
            .filter_map(|path| {
                let seen = self.look(path, served.contains(*path), &looking)?;
                Some((Arc::clone(path), seen))
            })
            .collect();
        let mut changes = Vec::with_capacity(looked.len());
        for (path, (what, state)) in looked {
            let fault = state.dalle.as_ref().err().map(ToString::to_string);
            changes.push(Change { path: path.to_path_buf(), what, fault });
            self.files.insert(path, state);
        }
        if !changes.is_empty() {
            let changed: HashSet<&Path> = changes.iter().map(|change| change.path.as_path()).collect();
            self.rebuild(&changed, found);
            self.publish_new(served, found, &mut changes);
            self.update_sequence += 1;
            self.forget_gone(&changes);
        }
        changes
    }

    /// Of files that are gone nothing needs to be known, unless a layer still waits for them.
    fn forget_gone(&mut self, changes: &[Change]) {
        let waited: HashSet<&Path> =
            self.entries.iter().flat_map(|entry| entry.files.iter().map(AsRef::as_ref)).collect();
        for change in changes.iter().filter(|change| change.what == What::Deleted) {
            if !waited.contains(change.path.as_path()) {
                self.files.remove(change.path.as_path());
            }
        }
    }

    /// The files of all layers as they are known, by layer of the configuration.
    fn offered(&self) -> Vec<Vec<Arc<Path>>> {
        let mut offered = vec![Vec::new(); self.offer.layers.len()];
        for entry in &self.entries {
            offered[entry.config].extend(entry.files.iter().cloned());
        }
        offered
    }

    /// The rasters of all paths, by layer of the configuration. A folder that cannot be read, or is suddenly empty as one is
    /// that nothing is mounted on, holds what it held.
    fn rescan(&mut self) -> Vec<Vec<Arc<Path>>> {
        let offered = self.offered();
        let mut found = Vec::with_capacity(offered.len());
        for (number, (config, known)) in self.offer.layers.iter().zip(offered).enumerate() {
            let mut files: Vec<Arc<Path>> = Vec::new();
            for path in &config.paths {
                let listing = list(path, config).unwrap_or_default();
                let here: Vec<Arc<Path>> =
                    listing.files.iter().map(|file| file.path.as_path().into()).collect();
                if is_index(path) {
                    self.told.add(number, &listing, here.iter());
                }
                let is_told = |known: &Arc<Path>| is_index(path) && self.told.files.contains_key(known);
                let before = || known.iter().filter(|known| known.starts_with(path) || is_told(known));
                // A single file that is gone is a matter of its own.
                let is_lost = here.is_empty() && before().any(|known| **known != **path);
                if is_lost {
                    self.lost.insert(path.clone());
                    files.extend(before().cloned());
                } else {
                    self.lost.remove(path);
                    files.extend(here);
                }
            }
            found.push(files);
        }
        found
    }

    /// Compares a file with what is known of it and opens it if need be; `None` where nothing has happened.
    fn look(&self, path: &Arc<Path>, is_served: bool, looking: &Looking<'_>) -> Option<(What, FileState)> {
        let known = self.files.get(path);
        let now = stamp(path);
        let was_fine = known.is_some_and(|known| known.dalle.is_ok());
        let what = compare(known.and_then(|known| known.seen.as_ref()), now.as_ref().ok());
        match (what, now) {
            (Some(What::Deleted), Err(error)) => Some((What::Deleted, FileState::gone(&error))),
            (Some(what), _) => {
                let state = looking.open(path, true);
                let repaired = is_served && !was_fine && state.dalle.is_ok();
                Some((if repaired { What::Repaired } else { what }, state))
            }
            // What was served and is not now may come back without a trace, as on a network drive.
            (None, Ok(_)) if is_served && !was_fine => {
                let state = looking.open(path, true);
                state.dalle.is_ok().then_some((What::Repaired, state))
            }
            (None, Ok(_)) if known.is_some_and(|known| !known.beside_is_same(path)) => {
                Some((What::Rewritten, looking.open(path, true)))
            }
            (None, _) => None,
        }
    }

    /// Makes the layers anew whose files have changed.
    fn rebuild(&mut self, changed: &HashSet<&Path>, found: &[Vec<Arc<Path>>]) {
        let mut entries = std::mem::take(&mut self.entries);
        for entry in &mut entries {
            let config = &self.offer.layers[entry.config];
            let is_mosaic = config.id.is_some();
            let before = entry.files.len();
            if is_mosaic && let Some(found) = found.get(entry.config) {
                entry.files.clone_from(found);
            }
            if before == entry.files.len() && !entry.files.iter().any(|path| changed.contains(path.as_ref()))
            {
                continue;
            }
            let mut dalles = Vec::with_capacity(entry.files.len());
            let mut fault = None;
            for path in &entry.files {
                match self.dalle(path) {
                    Ok(dalle) => dalles.push(dalle),
                    Err(reason) if fault.is_none() => fault = Some(format!("{} {reason}", path.display())),
                    Err(_) => {}
                }
            }
            // One dalle of many leaves a hole, which the next one fills.
            let built = match fault {
                Some(fault) if dalles.is_empty() => Err(fault),
                _ => Build {
                    label: &entry.label,
                    config,
                    offer: &self.offer,
                    is_ordered: self.told.ordered.contains(&entry.config),
                    before: is_mosaic.then_some(&entry.layer),
                }
                .layer(dalles)
                .map_err(|error| log::chain(&error)),
            };
            entry.layer = Arc::new(built.unwrap_or_else(|fault| {
                let mut layer = (*entry.layer).clone();
                layer.imagery = Imagery::new(Mosaic::default());
                layer.vintages.clear();
                layer.unavailable = Some(fault);
                layer
            }));
        }
        self.entries = entries;
    }

    /// Publishes files that are new in folders whose files are layers of their own.
    fn publish_new(&mut self, served: &HashSet<Arc<Path>>, found: &[Vec<Arc<Path>>], changes: &mut [Change]) {
        let mut by_path: HashMap<PathBuf, &mut Change> =
            changes.iter_mut().map(|change| (change.path.clone(), change)).collect();
        for (config, paths) in found.iter().enumerate() {
            for path in paths {
                // Taken out, so that a file that is found twice is published once.
                let is_each = self.offer.layers[config].id.is_none() && !served.contains(path);
                let Some(change) = is_each.then(|| by_path.remove(path.as_ref())).flatten() else { continue };
                if change.fault.is_some() {
                    continue;
                }
                match self.entry_of_file(config, path, None) {
                    Ok(entry) => self.entries.push(entry),
                    Err(reason) => change.fault = Some(reason),
                }
            }
        }
    }
}

/// What has happened between two looks at a path.
fn compare(before: Option<&Stamp>, now: Option<&Stamp>) -> Option<What> {
    match (before, now) {
        (None, None) => None,
        (None, Some(_)) => Some(What::Added),
        (Some(_), None) => Some(What::Deleted),
        (Some(before), Some(now)) if before == now => None,
        (Some(before), Some(now)) if before.inode != now.inode => Some(What::Replaced),
        (Some(before), Some(now)) if now.bytes < before.bytes => Some(What::Truncated),
        (Some(_), Some(_)) => Some(What::Rewritten),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(inode: u64, bytes: u64, mtime_ns: i64) -> Stamp {
        Stamp { inode, bytes, mtime_ns }
    }

    #[test]
    fn a_change_is_told_by_what_is_different() {
        let before = stamp(1, 100, 5);
        for (now, expected) in [
            (Some(stamp(1, 100, 5)), None),
            (Some(stamp(2, 100, 5)), Some(What::Replaced)),
            (Some(stamp(1, 50, 6)), Some(What::Truncated)),
            (Some(stamp(1, 100, 6)), Some(What::Rewritten)),
            (Some(stamp(1, 200, 6)), Some(What::Rewritten)),
            (None, Some(What::Deleted)),
        ] {
            assert_eq!(compare(Some(&before), now.as_ref()), expected, "{now:?}");
        }
        assert_eq!(compare(None, Some(&before)), Some(What::Added));
        assert_eq!(compare(None, None), None);
    }
}
