//! Bytes of a file, by range. It knows nothing of what they mean.
//!
//! Callers name all ranges they need ([`ByteSource::will_need`]) before they read the first, and ask
//! [`ByteSource::check`] after they have used what they read: a file can change or shrink at any moment.

#[cfg(test)]
mod contract;
mod identity;
mod memory;
mod mmap;
mod pread;
mod prefetch;

use std::{
    borrow::Cow,
    fmt,
    fs::File,
    io::{self, IoSliceMut},
    ops::Range,
    os::{fd::AsFd, unix::fs::OpenOptionsExt},
    path::Path,
    sync::Arc,
};

use rustix::{
    fs::{OFlags, fstatfs},
    io::{ReadWriteFlags, preadv2},
};

pub use identity::FileIdentity;
pub use memory::Memory;
pub use mmap::Mmap;
pub use pread::Pread;
pub use prefetch::prefetch;
pub(crate) use prefetch::{LINE, prefetch_line};

/// Random access to the bytes of one file.
pub trait ByteSource: Send + Sync + fmt::Debug {
    /// Bytes in the file.
    fn len(&self) -> u64 {
        self.identity().size
    }

    /// Whether there are no bytes at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of a range: borrowed where the file is mapped, read otherwise.
    ///
    /// # Errors
    /// When the range is not within the file, or reading fails.
    fn read(&self, range: Range<u64>) -> Result<Cow<'_, [u8]>, IoError>;

    /// Fills a buffer with the bytes from an offset on, if that is done without waiting for a disk or a network: they are in
    /// memory already. Whether it was; where it cannot be told, it was not, and the buffer holds anything.
    fn read_at_hand(&self, offset: u64, buffer: &mut [u8]) -> bool;

    /// Tells that these ranges are about to be read.
    fn will_need(&self, ranges: &[Range<u64>]);

    /// Tells that these ranges are not needed for now. The system keeps them as long as it likes, but they
    /// no longer count as this process's memory, except for some megabytes.
    fn done_with(&self, _ranges: &[Range<u64>]) {}

    /// Whether the file is still what it was when it was opened: what was read before may otherwise be anything.
    ///
    /// # Errors
    /// When the file shrank, was written to, or a page of it could not be read.
    fn check(&self) -> Result<(), IoError>;

    /// Which file, and which state of it, was opened.
    fn identity(&self) -> &FileIdentity;
}

/// How files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// A memory map on local file systems, `pread` on network ones.
    #[default]
    Auto,
    /// A read-only memory map with a guard against truncation.
    Mmap,
    /// `pread` into a buffer.
    Pread,
}

/// Why bytes are not to be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum IoError {
    #[error("the file cannot be opened")]
    Open(#[source] io::Error),
    #[error("it is not a regular file")]
    NotAFile,
    #[error("the file is empty")]
    Empty,
    #[error("reading failed at byte {offset}")]
    Read {
        offset: u64,
        #[source]
        source: io::Error,
    },
    #[error("bytes {start}..{end} are asked for, but the file ends at {len}")]
    OutOfRange { start: u64, end: u64, len: u64 },
    #[error("the file was truncated or its storage failed while it was read")]
    Poisoned,
    #[error("the file was changed after it was opened")]
    Changed,
}

/// File systems on which a memory map is a risk: the other end can fail or truncate under our hands.
const NETWORK_FILE_SYSTEMS: [i64; 7] = [
    0x6969,      // NFS
    0xff53_4d42, // CIFS
    0xfe53_4d42, // SMB2
    0x517b,      // SMB
    0x6573_5546, // FUSE
    0x0102_1997, // 9p
    0x00c3_6400, // Ceph
];

/// Opens a regular file for reading.
///
/// # Errors
/// When it cannot be opened, is empty, or is not a regular file.
pub fn open(path: &Path, access: Access) -> Result<Arc<dyn ByteSource>, IoError> {
    // A FIFO would block an ordinary open for ever.
    let flags = OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(IoError::Open)?;
    let metadata = file.metadata().map_err(IoError::Open)?;
    if !metadata.is_file() {
        return Err(IoError::NotAFile);
    }
    if metadata.len() == 0 {
        return Err(IoError::Empty);
    }
    let identity = FileIdentity::from_metadata(path, &metadata);
    let mapped = match access {
        Access::Mmap => true,
        Access::Pread => false,
        Access::Auto => {
            !fstatfs(file.as_fd()).is_ok_and(|fs| NETWORK_FILE_SYSTEMS.contains(&(fs.f_type & 0xffff_ffff)))
        }
    };
    if mapped { Ok(Arc::new(Mmap::new(file, identity)?)) } else { Ok(Arc::new(Pread::new(file, identity))) }
}

/// Reads what the page cache holds of a file; `false` where it does not hold all that the buffer has room for, or cannot tell.
///
/// A map would not do: to touch its pages is to wait for them, and whether they are there is told to owners only
/// (`mincore(2)`).
fn cached(file: &File, offset: u64, buffer: &mut [u8]) -> bool {
    let len = buffer.len();
    let read = preadv2(file.as_fd(), &mut [IoSliceMut::new(buffer)], offset, ReadWriteFlags::NOWAIT);
    read.is_ok_and(|count| count == len)
}

/// The range, if it lies within a file of `len` bytes.
fn within(range: &Range<u64>, len: u64) -> Result<Range<usize>, IoError> {
    let (start, end) = (range.start, range.end);
    let refused = || IoError::OutOfRange { start, end, len };
    if start > end || end > len {
        return Err(refused());
    }
    let as_usize = |v: u64| usize::try_from(v).map_err(|_| refused());
    Ok(as_usize(start)?..as_usize(end)?)
}
