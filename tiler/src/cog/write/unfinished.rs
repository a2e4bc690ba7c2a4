//! A file under its temporary name, until it is known to be good.

use std::{
    fs::{self, File, TryLockError},
    io::{self, BufWriter, Write},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::{
    PixelSource, WriteError, WriteOptions, WriteProblem, Written, layout, pyramid::Pyramid, store::Store,
};

/// A file that is written and synchronised, under a temporary name; it is removed unless it is finished.
#[derive(Debug)]
pub struct Unfinished {
    path: PathBuf,
    temporary: Temporary,
    /// Its lock lasts until it has its name.
    _locked: File,
    written: Written,
}

/// Removes its file.
#[derive(Debug)]
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Writes a file under its name with `.part` added: [`Unfinished::finish`] gives it its own.
///
/// # Errors
/// As [`super::write`].
///
/// # Allocations
/// As [`super::write`].
pub fn write_unfinished(
    path: &Path,
    options: &WriteOptions,
    source: &dyn PixelSource,
) -> Result<Unfinished, WriteError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let failed = |problem| WriteError { path: path.to_owned(), problem };
    options.check().map_err(failed)?;
    let name = PathBuf::from(name);
    let file = locked(&name).map_err(|error| failed(error.into()))?;
    let temporary = Temporary(name);
    let written = || -> Result<Written, WriteProblem> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut pyramid = Pyramid::make(options, source, Store::new(folder.to_owned()))?;
        let mut out = BufWriter::with_capacity(1 << 20, &file);
        let bytes = layout::assemble(&mut out, options, &mut pyramid)?;
        out.flush()?;
        out.get_ref().sync_all()?;
        let has_masks = pyramid.has_masks(options);
        let Pyramid { levels, statistics, .. } = pyramid;
        Ok(Written {
            levels: levels.iter().map(|level| level.size).collect(),
            masks: levels.iter().filter(|_| has_masks).map(|level| level.mask_hashes.clone()).collect(),
            blocks: levels.into_iter().map(|level| level.image_hashes).collect(),
            is_lossless: options.encoding.is_lossless(),
            statistics,
            bytes,
        })
    };
    let written = written().map_err(failed)?;
    Ok(Unfinished { path: path.to_owned(), temporary, _locked: file, written })
}

/// The file, made now or left over from a process that was killed, empty, and nobody else's.
fn locked(path: &Path) -> io::Result<File> {
    let file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process is writing it"));
        }
        // Not all file systems lock.
        Ok(()) | Err(TryLockError::Error(_)) => {}
    }
    // Who had the lock before may just have given the file its name: it is no longer the one at this path.
    let is_here = fs::metadata(path).is_ok_and(|here| file.metadata().is_ok_and(|it| it.ino() == here.ino()));
    if !is_here {
        return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process has just written it"));
    }
    file.set_len(0)?;
    Ok(file)
}

impl Unfinished {
    /// Where it lies now.
    pub fn temporary_path(&self) -> &Path {
        &self.temporary.0
    }

    /// What it holds.
    pub fn written(&self) -> &Written {
        &self.written
    }

    /// Gives it its own name.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn finish(self) -> Result<Written, WriteError> {
        let renamed = fs::rename(&self.temporary.0, &self.path).and_then(|()| sync_folder(&self.path));
        match renamed {
            Ok(()) => Ok(self.written),
            Err(error) => Err(self.refuse(error.into())),
        }
    }

    /// Removes it, for this reason.
    pub fn refuse(self, problem: WriteProblem) -> WriteError {
        WriteError { path: self.path.clone(), problem }
    }
}

/// So that the name outlives a loss of power.
fn sync_folder(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Not all file systems synchronise folders.
        Err(error) if error.kind() != io::ErrorKind::StorageFull => Ok(()),
        done => done,
    }
}
