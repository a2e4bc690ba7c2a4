//! Which file it is, and in which state: two files of equal identity have equal bytes.

use std::{
    fs::{File, Metadata},
    io,
    os::{fd::AsFd, unix::fs::MetadataExt},
    path::{Path, PathBuf},
};

use rustix::fs::fstat;

/// Path, inode, size and time of change of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    /// As it was opened.
    pub path: PathBuf,
    /// Number of the device.
    pub device: u64,
    /// Number of the file on the device.
    pub inode: u64,
    /// Length in bytes.
    pub size: u64,
    /// Last modification, in nanoseconds since 1970.
    pub mtime_ns: i128,
}

impl FileIdentity {
    /// The present identity of the file at a path.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn of(path: &Path) -> io::Result<Self> {
        std::fs::metadata(path).map(|metadata| Self::from_metadata(path, &metadata))
    }

    pub(super) fn from_metadata(path: &Path, metadata: &Metadata) -> Self {
        Self {
            path: path.to_owned(),
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            mtime_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        }
    }

    /// Whether an open file is still in this state.
    ///
    /// Asked for each tile: by the shortest call there is.
    pub(super) fn still_holds(&self, file: &File) -> bool {
        fstat(file.as_fd()).is_ok_and(|stat| {
            stat.st_dev == self.device
                && stat.st_ino == self.inode
                && u64::try_from(stat.st_size) == Ok(self.size)
                && nanoseconds(stat.st_mtime, stat.st_mtime_nsec) == self.mtime_ns
        })
    }
}

fn nanoseconds(seconds: i64, rest: impl Into<i128>) -> i128 {
    i128::from(seconds) * 1_000_000_000 + rest.into()
}
