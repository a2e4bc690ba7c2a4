//! Bytes in memory, for tests and for files made on the fly.

use std::{borrow::Cow, ops::Range, path::PathBuf};

use super::{ByteSource, FileIdentity, IoError, within};

/// A "file" that never was on disk.
#[derive(Debug)]
pub struct Memory {
    bytes: Vec<u8>,
    identity: FileIdentity,
}

impl Memory {
    /// Takes the bytes as they are.
    pub fn new(bytes: Vec<u8>) -> Self {
        let identity = FileIdentity {
            path: PathBuf::from("memory"),
            device: 0,
            inode: 0,
            size: bytes.len() as u64,
            mtime_ns: 0,
        };
        Self { bytes, identity }
    }
}

impl ByteSource for Memory {
    fn read(&self, range: Range<u64>) -> Result<Cow<'_, [u8]>, IoError> {
        Ok(Cow::Borrowed(&self.bytes[within(&range, self.len())?]))
    }

    fn read_at_hand(&self, offset: u64, buffer: &mut [u8]) -> bool {
        let range = offset..offset.saturating_add(buffer.len() as u64);
        let Ok(range) = within(&range, self.len()) else { return false };
        buffer.copy_from_slice(&self.bytes[range]);
        true
    }

    fn will_need(&self, _: &[Range<u64>]) {}

    fn check(&self) -> Result<(), IoError> {
        Ok(())
    }

    fn identity(&self) -> &FileIdentity {
        &self.identity
    }
}
