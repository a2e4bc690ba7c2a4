//! One file of a catalog: what is known of it without its being open, and by what it is told later that it has changed,
//! itself or those beside it.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use tiler::{
    catalog::{Dalle, OpenFiles, Stamp},
    io::FileIdentity,
    sidecar::Sidecars,
    source::{OpenOptions, Source},
};

use xxhash_rust::xxh3::xxh3_128;

use crate::log;

/// What is known of a file.
#[derive(Debug, Clone)]
pub(super) struct FileState {
    /// As it was when it was looked at; `None` where it was not there.
    pub(super) seen: Option<Stamp>,
    /// Its record, or the reason why it is not served.
    pub(super) dalle: Result<Arc<Dalle>, Arc<str>>,
    /// How it is opened.
    pub(super) options: Arc<OpenOptions>,
    pub(super) beside: Beside,
}

/// The files beside it: masks, overviews, world files and the like.
#[derive(Debug, Clone, Default)]
pub(super) struct Beside {
    /// A hash of them; 0 where there is none.
    hash: u128,
    /// Unknown where only the hash was kept.
    files: Option<Box<[(PathBuf, Stamp)]>>,
    /// When the folder got or lost a file, nanoseconds since 1970: until then none can have come.
    folder_changed_ns: Arc<AtomicI64>,
}

impl FileState {
    /// Opens a file to read its header. The open file goes to those that are kept.
    pub(super) fn open(path: &Path, options: &Arc<OpenOptions>, files: Option<&OpenFiles>) -> Self {
        let beside = Beside::of(path);
        let seen = stamp(path).ok();
        let opened = Source::open(path, options).and_then(|source| {
            let dalle = Dalle::of(&source, options)?;
            if let Some(files) = files {
                files.keep(&source);
            }
            Ok(dalle)
        });
        let (seen, dalle) = match opened {
            Ok(dalle) => (Some(dalle.stamp), Ok(Arc::new(dalle))),
            Err(error) => (seen, Err(reason(&error, path).into())),
        };
        Self { seen, dalle, options: Arc::clone(options), beside }
    }

    /// A file that is not there any more.
    pub(super) fn gone(error: &std::io::Error) -> Self {
        let fault = format!("is gone: {error}");
        Self { seen: None, dalle: Err(fault.into()), options: Arc::default(), beside: Beside::default() }
    }

    /// Whether the files beside it are the same, and none has come.
    pub(super) fn beside_is_same(&self, path: &Path) -> bool {
        self.beside.is_same(path)
    }

    /// Whether the file has not changed and is read by the same rules.
    pub(super) fn is_current(&self, path: &Path, options: &OpenOptions) -> bool {
        self.dalle.is_ok()
            && *self.options == *options
            && stamp(path).ok() == self.seen
            && self.beside_is_same(path)
    }
}

impl Beside {
    fn of(path: &Path) -> Self {
        let folder_changed_ns = Arc::new(AtomicI64::new(folder_changed_ns(path)));
        let files: Box<[_]> = Sidecars::beside(path)
            .paths()
            .filter_map(|beside| Some((beside.to_owned(), stamp(beside).ok()?)))
            .collect();
        Self { hash: hash(&files), files: Some(files), folder_changed_ns }
    }

    /// What is known of them from a hash that was kept.
    pub(super) fn of_hash(hash: u128) -> Self {
        Self { hash, files: (hash == 0).then(Box::default), folder_changed_ns: Arc::default() }
    }

    /// A hash of them; 0 where there is none.
    pub(super) fn hash(&self) -> u128 {
        self.hash
    }

    fn is_same(&self, path: &Path) -> bool {
        let Some(files) = &self.files else { return Self::of(path).hash == self.hash };
        if !files.iter().all(|(beside, seen)| stamp(beside).is_ok_and(|now| now == *seen)) {
            return false;
        }
        let changed = folder_changed_ns(path);
        if self.folder_changed_ns.load(Ordering::Relaxed) == changed {
            return true;
        }
        // Something came or went: asked once for each time.
        let is_known = |found: &Path| files.iter().any(|(known, _)| known == found);
        let is_same = Sidecars::beside(path).paths().all(is_known);
        if is_same {
            self.folder_changed_ns.store(changed, Ordering::Relaxed);
        }
        is_same
    }
}

fn hash(files: &[(PathBuf, Stamp)]) -> u128 {
    if files.is_empty() {
        return 0;
    }
    let mut bytes = Vec::new();
    for (path, stamp) in files {
        bytes.extend_from_slice(path.file_name().unwrap_or_default().as_encoded_bytes());
        bytes.extend_from_slice(&stamp.inode.to_le_bytes());
        bytes.extend_from_slice(&stamp.bytes.to_le_bytes());
        bytes.extend_from_slice(&stamp.mtime_ns.to_le_bytes());
    }
    xxh3_128(&bytes)
}

/// The present state of a file.
pub(super) fn stamp(path: &Path) -> std::io::Result<Stamp> {
    FileIdentity::of(path).map(|identity| Stamp::of(&identity))
}

fn folder_changed_ns(path: &Path) -> i64 {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    stamp(folder).map_or(0, |stamp| stamp.mtime_ns)
}

/// The chain of causes without the path before it, which whoever tells it says himself.
fn reason(error: &(dyn std::error::Error + 'static), path: &Path) -> String {
    let chain = log::chain(error);
    let prefix = format!("{}: ", log::printable(&path.display().to_string()));
    chain.strip_prefix(&prefix).map(str::to_owned).unwrap_or(chain)
}
