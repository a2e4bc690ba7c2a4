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
    files: Box<[(PathBuf, Stamp)]>,
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
        let files = Sidecars::beside(path)
            .paths()
            .filter_map(|beside| Some((beside.to_owned(), stamp(beside).ok()?)))
            .collect();
        Self { files, folder_changed_ns }
    }

    fn is_same(&self, path: &Path) -> bool {
        if !self.files.iter().all(|(beside, seen)| stamp(beside).is_ok_and(|now| now == *seen)) {
            return false;
        }
        let changed = folder_changed_ns(path);
        if self.folder_changed_ns.load(Ordering::Relaxed) == changed {
            return true;
        }
        // Something came or went: asked once for each time.
        let is_known = |found: &Path| self.files.iter().any(|(known, _)| known == found);
        let is_same = Sidecars::beside(path).paths().all(is_known);
        if is_same {
            self.folder_changed_ns.store(changed, Ordering::Relaxed);
        }
        is_same
    }
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
