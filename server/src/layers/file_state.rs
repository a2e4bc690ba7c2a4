//! One file of a catalog: open or not, and by what it is told later that it has changed, itself or those beside it.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use tiler::{
    io::FileIdentity,
    sidecar::Sidecars,
    source::{OpenOptions, Source},
};

use crate::log;

/// What is known of a file.
#[derive(Debug, Clone)]
pub(super) struct FileState {
    /// As it was when it was looked at; `None` where it was not there.
    pub(super) seen: Option<FileIdentity>,
    /// Open, or the reason why not.
    pub(super) source: Result<Arc<Source>, String>,
    /// How it was opened.
    options: OpenOptions,
    beside: Beside,
}

/// The files beside it: masks, overviews, world files and the like.
#[derive(Debug, Clone, Default)]
struct Beside {
    files: Vec<FileIdentity>,
    /// When the folder got or lost a file, nanoseconds since 1970: until then none can have come.
    folder_changed_ns: Arc<AtomicI64>,
}

impl FileState {
    /// Opens a file.
    pub(super) fn open(path: &Path, options: &OpenOptions) -> Self {
        let beside = Beside::of(path);
        let seen = FileIdentity::of(path).ok();
        let opened = Source::open(path, options).and_then(|source| source.place().map(drop).map(|()| source));
        let (seen, source) = match opened {
            Ok(source) => (Some(source.identity().clone()), Ok(source)),
            Err(error) => (seen, Err(reason(&error, path))),
        };
        Self { seen, source, options: options.clone(), beside }
    }

    /// A file that is not there any more.
    pub(super) fn gone(error: &std::io::Error) -> Self {
        let (options, beside) = (OpenOptions::default(), Beside::default());
        Self { seen: None, source: Err(format!("is gone: {error}")), options, beside }
    }

    /// Whether the files beside it are the same, and none has come.
    pub(super) fn beside_is_same(&self, path: &Path) -> bool {
        self.beside.is_same(path)
    }

    /// Keeps a file open that has not changed and is read by the same rules, else opens it.
    pub(super) fn reuse(path: &Path, options: &OpenOptions, known: Option<&Self>) -> Self {
        let same = known.filter(|known| {
            known.source.is_ok()
                && known.options == *options
                && FileIdentity::of(path).ok() == known.seen
                && known.beside_is_same(path)
        });
        same.cloned().unwrap_or_else(|| Self::open(path, options))
    }
}

impl Beside {
    fn of(path: &Path) -> Self {
        let folder_changed_ns = Arc::new(AtomicI64::new(folder_changed_ns(path)));
        let files =
            Sidecars::beside(path).paths().filter_map(|beside| FileIdentity::of(beside).ok()).collect();
        Self { files, folder_changed_ns }
    }

    fn is_same(&self, path: &Path) -> bool {
        let is_same = |beside: &FileIdentity| FileIdentity::of(&beside.path).is_ok_and(|now| now == *beside);
        if !self.files.iter().all(is_same) {
            return false;
        }
        let changed = folder_changed_ns(path);
        if self.folder_changed_ns.load(Ordering::Relaxed) == changed {
            return true;
        }
        // Something came or went: asked once for each time.
        let is_known = |found: &Path| self.files.iter().any(|known| known.path == found);
        let is_same = Sidecars::beside(path).paths().all(is_known);
        if is_same {
            self.folder_changed_ns.store(changed, Ordering::Relaxed);
        }
        is_same
    }
}

fn folder_changed_ns(path: &Path) -> i64 {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    FileIdentity::of(folder).map_or(0, |identity| identity.mtime_ns as i64)
}

/// The chain of causes without the path before it, which whoever tells it says himself.
fn reason(error: &(dyn std::error::Error + 'static), path: &Path) -> String {
    let chain = log::chain(error);
    let prefix = format!("{}: ", log::printable(&path.display().to_string()));
    chain.strip_prefix(&prefix).map(str::to_owned).unwrap_or(chain)
}
