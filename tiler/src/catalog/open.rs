//! The files that are open: as many as tiles need at the moment, not as many as there are.

use std::{num::NonZeroUsize, sync::Arc};

use lru::LruCache;
use parking_lot::Mutex;

use super::Dalle;
use crate::{
    io::IoError,
    source::{Problem, Source, SourceError},
};

/// Turns a record into an open file.
pub trait Opener: Send + Sync {
    /// The open file of a record.
    ///
    /// # Errors
    /// When it cannot be opened, or is not what the record says any more.
    fn open(&self, dalle: &Dalle) -> Result<Arc<Source>, SourceError>;
}

/// Opens a file each time.
#[derive(Debug, Clone, Copy)]
pub struct OpenDirectly;

impl Opener for OpenDirectly {
    fn open(&self, dalle: &Dalle) -> Result<Arc<Source>, SourceError> {
        let source = Source::open(&dalle.path, &dalle.kind.options)?;
        if source.generation() == dalle.generation {
            Ok(source)
        } else {
            Err(SourceError { path: dalle.path.to_path_buf(), problem: Problem::Io(IoError::Changed) })
        }
    }
}

/// Keeps the files open that were used last.
#[derive(Debug)]
pub struct OpenFiles {
    files: Mutex<LruCache<u128, Arc<Source>>>,
}

impl Default for OpenFiles {
    fn default() -> Self {
        Self::new(NonZeroUsize::new(1024).unwrap_or(NonZeroUsize::MIN))
    }
}

impl OpenFiles {
    /// At most so many files.
    pub fn new(limit: NonZeroUsize) -> Self {
        Self { files: Mutex::new(LruCache::new(limit)) }
    }

    /// The file, if it is open already: without waiting.
    pub fn known(&self, dalle: &Dalle) -> Option<Arc<Source>> {
        self.files.lock().get(&dalle.generation).cloned()
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.files.lock().len()
    }

    /// Keeps a file that somebody else has opened.
    pub fn keep(&self, source: &Arc<Source>) {
        self.files.lock().put(source.generation(), Arc::clone(source));
    }
}

impl Opener for OpenFiles {
    fn open(&self, dalle: &Dalle) -> Result<Arc<Source>, SourceError> {
        if let Some(known) = self.known(dalle) {
            return Ok(known);
        }
        // Not under the lock: a network drive can take its time. Who comes at the same time opens it too.
        let source = OpenDirectly.open(dalle)?;
        self.files.lock().put(dalle.generation, Arc::clone(&source));
        Ok(source)
    }
}
