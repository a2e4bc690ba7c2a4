//! Counts what is on disk and removes what was used longest ago, in two walks over the folder: the first adds up bytes by the
//! minute of last use, the second removes. So memory is bounded by minutes, not by files.

use std::{
    collections::BTreeMap,
    fs::{self, DirEntry, Metadata},
    io::{self, ErrorKind},
    sync::atomic::Ordering,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{Disk, HIGH_PERCENT, on_disk};

/// Down to this share of the limit.
const LOW_PERCENT: u64 = 85;
/// A file that is still unfinished after this time will never be finished.
const UNFINISHED: Duration = Duration::from_hours(1);

impl Disk {
    /// Counts all files and, where they are too many, removes those that were used longest ago; the bytes that are left.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn sweep(&self) -> io::Result<u64> {
        let mut by_minute: BTreeMap<u64, u64> = BTreeMap::new();
        self.each(&mut |entry, metadata| {
            if is_unfinished(entry) {
                if metadata.modified().is_ok_and(|at| at.elapsed().is_ok_and(|age| age > UNFINISHED)) {
                    let _ = fs::remove_file(entry.path());
                }
            } else {
                *by_minute.entry(minute(metadata)).or_default() += on_disk(metadata.len());
            }
        })?;
        let mut bytes: u64 = by_minute.values().sum();
        if bytes > self.limit_bytes / 100 * HIGH_PERCENT {
            let mut excess = bytes - self.limit_bytes / 100 * LOW_PERCENT;
            bytes -= excess;
            // All older ones go, and of the last minute as many as it takes.
            let mut last = 0;
            let mut sum = 0;
            for (&minute, &bytes) in &by_minute {
                last = minute;
                sum += bytes;
                if sum >= excess {
                    break;
                }
            }
            self.each(&mut |entry, metadata| {
                let used = minute(metadata);
                let is_old = used < last || (used == last && excess > 0);
                if is_old && !is_unfinished(entry) && fs::remove_file(entry.path()).is_ok() {
                    excess = excess.saturating_sub(on_disk(metadata.len()));
                }
            })?;
        }
        self.bytes.store(bytes, Ordering::Relaxed);
        self.is_counted.store(true, Ordering::Release);
        Ok(bytes)
    }

    /// Every file; none where the folder is not there yet.
    fn each(&self, visit: &mut dyn FnMut(&DirEntry, &Metadata)) -> io::Result<()> {
        let folders = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        for folder in folders {
            let folder = folder?;
            if !folder.file_type()?.is_dir() {
                continue;
            }
            for entry in fs::read_dir(folder.path())? {
                let entry = entry?;
                // Another process may remove it at the same time.
                if let Ok(metadata) = entry.metadata()
                    && metadata.is_file()
                {
                    visit(&entry, &metadata);
                }
            }
        }
        Ok(())
    }
}

/// Finished ones have names without a dot.
fn is_unfinished(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().contains(&b'.')
}

fn minute(metadata: &Metadata) -> u64 {
    let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    used.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() / 60)
}
