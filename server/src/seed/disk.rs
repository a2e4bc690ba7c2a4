//! The server's cache on disk, which may run at the same time.

use std::sync::Arc;

use tiler::{seed::Metatile, tms::TileId};

use super::{Known, MadeTile, Target, TargetError};
use crate::cache::{Disk, DiskConfig};

/// The share of the cache that one run may fill: beyond it, it would throw away what it has just put in.
const FILLED_PERCENT: u64 = 80;

/// A cache on disk.
pub struct DiskTarget {
    disk: Arc<Disk>,
    config: DiskConfig,
    written_bytes: u64,
}

impl DiskTarget {
    /// Opens the cache and counts what is in it.
    ///
    /// # Errors
    /// When its folder cannot be listed.
    pub fn open(config: &DiskConfig) -> Result<Self, TargetError> {
        let target = Self { disk: Arc::new(Disk::new(config)), config: config.clone(), written_bytes: 0 };
        target.sweep()?;
        Ok(target)
    }

    fn sweep(&self) -> Result<(), TargetError> {
        self.disk.sweep().map_err(TargetError::file(&self.config.dir)).map(|_| ())
    }
}

impl Target for DiskTarget {
    fn known(&mut self, _: &Metatile<'_>) -> Result<Known, TargetError> {
        Ok(Known::Cache(Arc::clone(&self.disk)))
    }

    fn put(&mut self, tile: &MadeTile) -> Result<bool, TargetError> {
        // What will be better later is not kept.
        let Some(fingerprint) = tile.fingerprint else { return Ok(false) };
        self.written_bytes += tile.bytes.len() as u64;
        if self.written_bytes > self.config.bytes / 100 * FILLED_PERCENT {
            return Err(TargetError::CacheFull { limit_bytes: self.config.bytes });
        }
        if self.disk.is_nearly_full() {
            self.sweep()?;
        }
        let failed = TargetError::file(&self.config.dir);
        self.disk.insert(fingerprint, tile.format, &tile.bytes).map_err(failed)?;
        Ok(false)
    }

    fn remove(&mut self, _: TileId) -> Result<(), TargetError> {
        Ok(())
    }

    fn commit(&mut self) -> Result<(), TargetError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<Option<u64>, TargetError> {
        Ok(Some(self.disk.bytes()))
    }
}
