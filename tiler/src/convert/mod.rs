//! Raster files of any format to cloud-optimized GeoTIFF files that serve best: one to one, aligned with a tile matrix set,
//! or several joined into one. It knows files and grids, but no command line and no progress bar.
//!
//! A [`Job`] is one file to be written; [`jobs()`] and [`merged`] make jobs of a list of files, [`convert`] does one. Whether
//! it was done before is written in the file itself, so that a run that was killed goes on where it was.

mod choice;
mod held;
mod jobs;
mod made_from;
mod mosaic;
mod part;
mod target;

use std::{fs, io, os::unix::fs::MetadataExt as _, path::PathBuf, sync::Arc};

pub use jobs::{Cell, Input, Job, Merge, Order, Refused, jobs, merged};

use crate::{
    cog::write::{MetadataItem, WriteError, WriteProblem},
    crs::{Crs, CrsError},
    geom::Window,
    source::{NodataRule, OpenOptions, Source, SourceError, write_verified},
    tms::TileMatrixSet,
};
use made_from::Present;
use mosaic::Mosaic;
use target::Target;

/// How blocks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compress {
    /// JPEG, with a mask where anything is not valid.
    Jpeg,
    /// Lossy WebP.
    WebP,
    /// WebP that keeps every value.
    LosslessWebP,
    /// Zstandard, with a predictor.
    Zstd,
    /// zlib, with a predictor.
    Deflate,
}

/// What is made of files.
#[derive(Debug, Clone)]
pub struct Options {
    /// By default JPEG where the source is lossy, of bytes, and in one or three bands; else Zstandard.
    pub compress: Option<Compress>,
    /// 1 to 100, of JPEG and WebP; default 90.
    pub quality: u8,
    /// Columns and rows of a block; default 512, or what `into` says.
    pub block_px: u32,
    /// The value of pixels without data, instead of what files say: such pixels are masked.
    pub nodata: Option<f64>,
    /// The CRS of files that do not tell theirs; none by default.
    pub crs: Option<Crs>,
    /// Whether overviews are written; default yes.
    pub has_overviews: bool,
    /// Whether statistics are written; default yes.
    pub has_statistics: bool,
    /// The grid that pixels and blocks are aligned with; by default each file's own.
    pub into: Option<Into>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            compress: None,
            quality: 90,
            block_px: 512,
            nodata: None,
            crs: None,
            has_overviews: true,
            has_statistics: true,
            into: None,
        }
    }
}

/// A grid to align with.
#[derive(Debug, Clone)]
pub struct Into {
    /// The set.
    pub set: Arc<TileMatrixSet>,
    /// Which of its matrices; by default the one nearest to the files' own cell size.
    pub matrix: Option<usize>,
}

impl Options {
    pub(super) fn open_options(&self) -> OpenOptions {
        OpenOptions {
            assumed_crs: self.crs.clone(),
            nodata: self.nodata.map_or(NodataRule::Own, NodataRule::Value),
            ..OpenOptions::default()
        }
    }
}

/// Who is told how far it is.
pub trait Watch: Sync {
    /// So many blocks are to be written.
    fn begins(&self, blocks: u64) {
        let _ = blocks;
    }

    /// One of them was made.
    fn block_done(&self) {}
}

/// Nobody is told.
impl Watch for () {}

/// What was done.
#[derive(Debug)]
pub struct Done {
    /// Whether it had been done before, from the same files with the same options, and nothing was written.
    pub was_there: bool,
    /// Bytes of the sources.
    pub source_bytes: u64,
    /// Bytes of what was written; 0 when nothing was.
    pub bytes: u64,
    /// How blocks are compressed; empty when nothing was written.
    pub compression: &'static str,
    /// What is worth knowing, one line each.
    pub notes: Vec<String>,
}

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum ConvertError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("{}: it does not say where it lies: {reason}", path.display())]
    Unplaced { path: PathBuf, reason: String },
    #[error(transparent)]
    Write(WriteError),
    #[error("{} is the source itself: choose another output folder", path.display())]
    Itself { path: PathBuf },
    #[error(
        "{} is there already and was not made by `pavage convert`: remove it, or choose another output folder",
        path.display()
    )]
    Taken { path: PathBuf },
    #[error(
        "{}: {bands} bands of {sample} do not go into {compress}: use `--compress zstd` or `--compress deflate`",
        path.display()
    )]
    Unfit { path: PathBuf, bands: usize, sample: &'static str, compress: &'static str },
    #[error("{} has {found} where {} has {expected}: only alike files are merged", path.display(), first.display())]
    Unlike { path: PathBuf, first: PathBuf, found: String, expected: String },
    #[error("{}: it does not lie in {grid}", path.display())]
    Outside { path: PathBuf, grid: String },
    #[error("{}: samples of {sample} cannot be warped without loss, and they do not lie on the grid", path.display())]
    Warp { path: PathBuf, sample: &'static str },
    #[error(transparent)]
    Crs(#[from] CrsError),
    #[error("{}", path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl ConvertError {
    /// Whether the disk is full: then nothing more can be written.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Write(error) => error.is_disk_full(),
            Self::Folder { source, .. } => {
                matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            _ => false,
        }
    }
}

impl From<WriteError> for ConvertError {
    /// What is wrong with a source is told of the source.
    fn from(error: WriteError) -> Self {
        match error.problem {
            WriteProblem::Pixels(problem) => match problem.downcast::<SourceError>() {
                Ok(source) => Self::Source(*source),
                Err(problem) => {
                    Self::Write(WriteError { path: error.path, problem: WriteProblem::Pixels(problem) })
                }
            },
            problem => Self::Write(WriteError { path: error.path, problem }),
        }
    }
}

/// Does one job, unless it was done before.
///
/// # Errors
/// When a source cannot be read, does not say where it lies, or the target cannot be written; nothing new is there then.
pub fn convert(job: &Job, options: &Options, watch: &dyn Watch) -> Result<Done, ConvertError> {
    let sources = job
        .sources
        .iter()
        .map(|path| {
            Source::open(&fs::canonicalize(path).unwrap_or_else(|_| path.clone()), &options.open_options())
        })
        .collect::<Result<Vec<_>, _>>()?;
    check_target(job, &sources)?;
    let key = made_from::key(&sources, job, options);
    let source_bytes = sources.iter().map(|source| source.identity().size).sum();
    match made_from::at(&job.target) {
        Present::Ours(found) if found == key => {
            return Ok(Done { was_there: true, source_bytes, bytes: 0, compression: "", notes: Vec::new() });
        }
        Present::Other => return Err(ConvertError::Taken { path: job.target.clone() }),
        Present::Ours(_) | Present::Nothing => {}
    }
    let target = Target::of(job, &sources, options)?;
    let mosaic = Mosaic::new(&target, &sources, options, watch)?;
    let mut write = choice::options(&target, &sources, options, mosaic.covers_all())?;
    write.metadata.push(MetadataItem {
        name: made_from::NAME.to_owned(),
        value: key,
        domain: made_from::DOMAIN.to_owned(),
        ..MetadataItem::default()
    });
    let mosaic = mosaic.with_blocks(write.block_px);
    watch.begins(write.block_count());
    if let Some(folder) = job.target.parent() {
        let failed = |source| ConvertError::Folder { path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let written = write_verified(&job.target, &write, &mosaic)?;
    let compression = write.encoding.name();
    Ok(Done { was_there: false, source_bytes, bytes: written.bytes, compression, notes: mosaic.notes() })
}

/// Refuses a target that is one of the sources, by whatever name.
fn check_target(job: &Job, sources: &[Arc<Source>]) -> Result<(), ConvertError> {
    let Ok(there) = fs::metadata(&job.target) else { return Ok(()) };
    let is_it = |source: &Arc<Source>| {
        (source.identity().device, source.identity().inode) == (there.dev(), there.ino())
    };
    if sources.iter().any(is_it) {
        return Err(ConvertError::Itself { path: job.target.clone() });
    }
    Ok(())
}

/// A window of an image, moved.
fn shifted(window: &Window, cols: i64, rows: i64) -> Window {
    Window::new(window.col_off + cols, window.row_off + rows, window.width, window.height)
}

#[cfg(test)]
mod tests;
