//! Encoded tiles on disk, a file each, named by fingerprint: so none is ever stale, several processes share a folder, and
//! what is there survives a restart. It blocks, and knows neither threads nor requests: `tiles::disk` keeps both apart.
//!
//! A file has a checksum, so that what a power cut left of it is not served. Its time of change is the time of its last use,
//! to the hour; [`Disk::sweep`] removes what was used longest ago.

mod entry;
mod sweep;

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use tiler::{encode::Format, render::Fingerprint};

pub use crate::config::DiskConfig;

/// Everything is kept in this folder of the one that was named, so that nothing else is ever removed. Its number is that of
/// the format of files.
const FOLDER: &str = "tiles-1";
/// No tile is larger.
const TILE_LIMIT_BYTES: u64 = 64 << 20;
/// The time of last use is not written more often.
const USE_EVERY: Duration = Duration::from_hours(1);
/// Disks give room in units of this, about.
const UNIT_BYTES: u64 = 4096;
/// From this share of the limit on, room is made.
const HIGH_PERCENT: u64 = 95;

/// A tile as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskTile {
    /// The picture.
    pub bytes: Bytes,
    /// Its format.
    pub format: Format,
}

/// A folder of tiles of bounded size.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    limit_bytes: u64,
    /// About what is there: what was counted last, and what this process has written since.
    bytes: AtomicU64,
    is_counted: AtomicBool,
    written: AtomicU64,
}

impl Disk {
    /// The cache in a folder; the disk is not touched yet. Nothing is written before it was swept once.
    pub fn new(config: &DiskConfig) -> Self {
        Self {
            folder: config.dir.join(FOLDER),
            limit_bytes: config.bytes,
            bytes: AtomicU64::new(0),
            is_counted: AtomicBool::new(false),
            written: AtomicU64::new(0),
        }
    }

    /// The tile, if it is there whole. What is there in part is removed.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn get(&self, key: Fingerprint) -> io::Result<Option<DiskTile>> {
        let path = self.path(key);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        let mut bytes = Vec::with_capacity(metadata.len().min(TILE_LIMIT_BYTES) as usize);
        (&file).take(TILE_LIMIT_BYTES).read_to_end(&mut bytes)?;
        let Some(tile) = entry::decode(bytes) else {
            let _ = fs::remove_file(&path);
            return Ok(None);
        };
        let now = SystemTime::now();
        let is_old = |used: SystemTime| now.duration_since(used).is_ok_and(|age| age > USE_EVERY);
        if metadata.modified().is_ok_and(is_old) {
            // Without it the tile leaves earlier, no more.
            let _ = file.set_modified(now);
        }
        Ok(Some(tile))
    }

    /// Whether a tile of that name is there, whole or not.
    pub fn contains(&self, key: Fingerprint) -> bool {
        fs::metadata(self.path(key)).is_ok_and(|metadata| metadata.len() > entry::HEAD_BYTES as u64)
    }

    /// Keeps a tile, unless it is there or there is no room; tells whether it was written.
    ///
    /// # Errors
    /// When the disk cannot be written to, or is full.
    pub fn insert(&self, key: Fingerprint, format: Format, bytes: &[u8]) -> io::Result<bool> {
        let size = on_disk(bytes.len() as u64 + entry::HEAD_BYTES as u64);
        let has_room = self.bytes.load(Ordering::Relaxed) + size <= self.limit_bytes;
        if !self.is_counted.load(Ordering::Acquire) || !has_room || size > TILE_LIMIT_BYTES {
            return Ok(false);
        }
        if self.contains(key) {
            return Ok(false);
        }
        let path = self.path(key);
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let unfinished = path.with_extension(format!("{}-{number}", std::process::id()));
        let written = self.write(&unfinished, format, bytes).and_then(|()| fs::rename(&unfinished, &path));
        if let Err(error) = written {
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
        self.bytes.fetch_add(size, Ordering::Relaxed);
        Ok(true)
    }

    fn write(&self, path: &Path, format: Format, bytes: &[u8]) -> io::Result<()> {
        let mut file = match File::create(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(path.parent().unwrap_or(&self.folder))?;
                File::create(path)?
            }
            other => other?,
        };
        file.write_all(&entry::head(format, bytes))?;
        file.write_all(bytes)
    }

    /// About the bytes on disk.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether it is time to make room.
    pub fn is_nearly_full(&self) -> bool {
        self.bytes() > self.limit_bytes / 100 * HIGH_PERCENT
    }

    /// 4,096 folders: of a million tiles, 250 files in each.
    fn path(&self, key: Fingerprint) -> PathBuf {
        let name = key.to_string();
        let mut path = self.folder.join(name.get(..3).unwrap_or_default());
        path.push(name);
        path
    }
}

/// What a file of so many bytes takes.
const fn on_disk(bytes: u64) -> u64 {
    bytes.next_multiple_of(UNIT_BYTES)
}

#[cfg(test)]
mod tests;
