//! Writes cloud-optimized GeoTIFF files of any bands and samples, with overviews averaged from the level below.
//!
//! Pixels are asked for in windows of a block, two rows of blocks at a time and from many threads; what is kept until the
//! file is laid out is compressed, and beyond some megabytes on disk. It does not read back what it wrote:
//! [`crate::source::write_verified`] does.

mod directory;
mod encode;
mod layout;
mod metadata;
mod options;
mod place;
mod pyramid;
pub(crate) mod reduce;
mod statistics;
mod store;
mod unfinished;

use std::{io, path::Path, path::PathBuf};

pub use metadata::{MetadataItem, Role as MetadataRole};
pub use options::{Chroma, Encoding, Transparency, WriteOptions};
pub use statistics::BandStatistics;
pub use unfinished::{Unfinished, write_unfinished};

use crate::{
    geom::{Size, Window},
    raster::Raster,
};

/// What goes wrong while pixels are made, whatever makes them.
pub type PixelError = Box<dyn std::error::Error + Send + Sync>;

/// Where the pixels come from.
pub trait PixelSource: Sync {
    /// The pixels of a window, which never reaches outside the image, with as many bands as the options say.
    ///
    /// Windows are asked for from many threads, by rows: none lies above one that was asked for two rows of blocks before.
    ///
    /// # Errors
    /// When they cannot be had: nothing is written then.
    fn pixels(&self, window: Window) -> Result<Raster, PixelError>;

    /// Told after each block of the full resolution image.
    fn block_done(&self) {}
}

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be written", path.display())]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// What went wrong.
    #[source]
    pub problem: WriteProblem,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum WriteProblem {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("its pixels cannot be had")]
    Pixels(#[source] PixelError),
    #[error("{encoding} does not hold {bands} bands of {sample}")]
    Unfit { encoding: &'static str, bands: usize, sample: &'static str },
    #[error("blocks of {block_px} px: a multiple of 16 is wanted, up to 4096")]
    BlockSize { block_px: u32 },
    #[error("{name} has no EPSG code, and GeoKeys cannot say it otherwise here")]
    Crs { name: String },
    #[error("pixels of {found} came where {expected} were expected")]
    Mismatch { found: String, expected: String },
    #[error("the {encoding} encoder failed: {reason}")]
    Encoder { encoding: &'static str, reason: String },
    #[error("what was read back is not what was written: {reason}")]
    ReadBack { reason: String },
}

impl WriteError {
    /// Whether the disk, or what may be used of it, is full.
    pub fn is_disk_full(&self) -> bool {
        let WriteProblem::Io(error) = &self.problem else { return false };
        matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }
}

/// What a file holds, for those who compare it with what can be read back.
#[derive(Debug)]
pub struct Written {
    /// Columns and rows of each level, the full resolution image first.
    pub levels: Vec<Size>,
    /// Per level, row by row: the hash of each block, 0 where it was left out because nothing in it is valid.
    ///
    /// It is xxh3 of the samples as they are stored where nothing is lost, else of the compressed bytes.
    pub blocks: Vec<Vec<u64>>,
    /// As `blocks`, of the masks, one byte of 0 or 255 a pixel; empty without a mask.
    pub masks: Vec<Vec<u64>>,
    /// Whether the hashes are those of samples.
    pub is_lossless: bool,
    /// Per band, over what is valid.
    pub statistics: Vec<BandStatistics>,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Writes a file whole or not at all: under a temporary name first. An existing file is replaced.
///
/// # Errors
/// When pixels cannot be had, the options do not fit them, or the folder cannot be written to.
///
/// # Allocations
/// About two rows of blocks without compression, and 64 MiB of compressed ones; the rest waits in a file without a name.
pub fn write(path: &Path, options: &WriteOptions, source: &dyn PixelSource) -> Result<Written, WriteError> {
    write_unfinished(path, options, source)?.finish()
}

#[cfg(test)]
mod tests;
