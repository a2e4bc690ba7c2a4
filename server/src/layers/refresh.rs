//! Compares the files of a [`Catalog`] with the disk and reopens what has changed. A layer whose file is gone or broken
//! stays published and says that it is unavailable, so that nobody mistakes a fault for an empty tile.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
    path::PathBuf,
    sync::Arc,
};

use rayon::prelude::*;
use tiler::io::FileIdentity;

use super::{
    build,
    catalog::Catalog,
    file_state::FileState,
    scan::{Found, scan},
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
    /// Looks at all files and folders once; tells what has changed, and has it in the next snapshot.
    pub fn refresh(&mut self) -> Vec<Change> {
        let found = self.rescan();
        let served: HashSet<PathBuf> =
            self.entries.iter().flat_map(|entry| entry.files.iter().cloned()).collect();
        let paths: BTreeSet<&PathBuf> = served.iter().chain(found.iter().flatten()).collect();
        let looked: Vec<_> = paths
            .into_par_iter()
            .filter_map(|path| Some((path.clone(), self.look(path, served.contains(path))?)))
            .collect();
        let mut changes = Vec::with_capacity(looked.len());
        for (path, (what, state)) in looked {
            let fault = state.source.as_ref().err().cloned();
            self.files.insert(path.clone(), state);
            changes.push(Change { path, what, fault });
        }
        if !changes.is_empty() {
            let changed: HashSet<&PathBuf> = changes.iter().map(|change| &change.path).collect();
            self.rebuild(&changed, &found);
            self.publish_new(&served, &found, &mut changes);
            self.update_sequence += 1;
        }
        changes
    }

    /// The rasters of all paths, by layer of the configuration; a folder that cannot be read holds none.
    fn rescan(&self) -> Vec<Vec<PathBuf>> {
        let files = |path: &PathBuf| match scan(path) {
            Ok(Found::File(path)) => vec![path],
            Ok(Found::Folder(listing)) => listing.files,
            Err(_) => Vec::new(),
        };
        self.offer.layers.iter().map(|config| config.paths.iter().flat_map(files).collect()).collect()
    }

    /// Compares a file with what is known of it and opens it if need be; `None` where nothing has happened.
    fn look(&self, path: &PathBuf, is_served: bool) -> Option<(What, FileState)> {
        let known = self.files.get(path);
        let now = FileIdentity::of(path);
        let was_fine = known.is_some_and(|known| known.source.is_ok());
        let what = compare(known.and_then(|known| known.seen.as_ref()), now.as_ref().ok());
        match (what, now) {
            (Some(What::Deleted), Err(error)) => Some((What::Deleted, FileState::gone(&error))),
            (Some(what), _) => {
                let state = FileState::open(path, &self.offer.open_options(path));
                let repaired = is_served && !was_fine && state.source.is_ok();
                Some((if repaired { What::Repaired } else { what }, state))
            }
            // What was served and is not now may come back without a trace, as on a network drive.
            (None, Ok(_)) if is_served && !was_fine => {
                let state = FileState::open(path, &self.offer.open_options(path));
                state.source.is_ok().then_some((What::Repaired, state))
            }
            (None, Ok(_)) if known.is_some_and(|known| !known.beside_is_same(path)) => {
                Some((What::Rewritten, FileState::open(path, &self.offer.open_options(path))))
            }
            (None, _) => None,
        }
    }

    /// Makes the layers anew whose files have changed.
    fn rebuild(&mut self, changed: &HashSet<&PathBuf>, found: &[Vec<PathBuf>]) {
        let mut entries = std::mem::take(&mut self.entries);
        for entry in &mut entries {
            let config = &self.offer.layers[entry.config];
            if config.id.is_some() {
                entry.files =
                    self.files_of_mosaic(&entry.files, found.get(entry.config).map_or(&[], Vec::as_slice));
            }
            if !entry.files.iter().any(|path| changed.contains(path)) {
                continue;
            }
            let (sources, faults): (Vec<_>, Vec<_>) = entry
                .files
                .iter()
                .map(|path| (path, self.file(path)))
                .partition(|(_, source)| source.is_ok());
            let sources = sources.into_iter().filter_map(|(_, source)| source.ok()).collect();
            let fault = faults
                .into_iter()
                .find_map(|(path, source)| Some(format!("{} {}", path.display(), source.err()?)));
            let built = match fault {
                Some(fault) => Err(fault),
                None => build::layer(&entry.label, config, sources, &self.offer.registry)
                    .map_err(|error| log::chain(&error)),
            };
            entry.layer = Arc::new(built.unwrap_or_else(|fault| {
                let mut layer = (*entry.layer).clone();
                layer.sources.clear();
                layer.unavailable = Some(fault);
                layer
            }));
        }
        self.entries = entries;
    }

    /// The files of a layer of several: those found that were served or can be, in their order, then those that are gone.
    fn files_of_mosaic(&self, served: &[PathBuf], found: &[PathBuf]) -> Vec<PathBuf> {
        let known: HashSet<_> = served.iter().collect();
        let usable = found.iter().filter(|path| known.contains(path) || self.file(path).is_ok());
        let mut files: Vec<_> = usable.cloned().collect();
        let here: HashSet<_> = found.iter().collect();
        files.extend(served.iter().filter(|path| !here.contains(path)).cloned());
        files
    }

    /// Publishes files that are new in folders whose files are layers of their own.
    fn publish_new(&mut self, served: &HashSet<PathBuf>, found: &[Vec<PathBuf>], changes: &mut [Change]) {
        let mut by_path: HashMap<_, _> =
            changes.iter_mut().map(|change| (change.path.clone(), change)).collect();
        for (config, paths) in found.iter().enumerate() {
            for path in paths {
                // Taken out, so that a file that is found twice is published once.
                let is_each = self.offer.layers[config].id.is_none() && !served.contains(path);
                let Some(change) = is_each.then(|| by_path.remove(path)).flatten() else { continue };
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
fn compare(before: Option<&FileIdentity>, now: Option<&FileIdentity>) -> Option<What> {
    match (before, now) {
        (None, None) => None,
        (None, Some(_)) => Some(What::Added),
        (Some(_), None) => Some(What::Deleted),
        (Some(before), Some(now)) if before == now => None,
        (Some(before), Some(now)) if (before.device, before.inode) != (now.device, now.inode) => {
            Some(What::Replaced)
        }
        (Some(before), Some(now)) if now.size < before.size => Some(What::Truncated),
        (Some(_), Some(_)) => Some(What::Rewritten),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(inode: u64, size: u64, mtime_ns: i128) -> FileIdentity {
        FileIdentity { path: "a.tif".into(), device: 1, inode, size, mtime_ns }
    }

    #[test]
    fn a_change_is_told_by_what_is_different() {
        let before = identity(1, 100, 5);
        for (now, expected) in [
            (Some(identity(1, 100, 5)), None),
            (Some(identity(2, 100, 5)), Some(What::Replaced)),
            (Some(identity(1, 50, 6)), Some(What::Truncated)),
            (Some(identity(1, 100, 6)), Some(What::Rewritten)),
            (Some(identity(1, 200, 6)), Some(What::Rewritten)),
            (None, Some(What::Deleted)),
        ] {
            assert_eq!(compare(Some(&before), now.as_ref()), expected, "{now:?}");
        }
        assert_eq!(compare(None, Some(&before)), Some(What::Added));
        assert_eq!(compare(None, None), None);
    }
}
