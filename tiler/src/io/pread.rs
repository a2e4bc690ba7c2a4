//! Plain positioned reads: for network file systems, and for operators who want no memory map.

use std::{
    borrow::Cow,
    fs::File,
    io,
    ops::Range,
    os::{fd::AsFd, unix::fs::FileExt},
};

use rustix::fs::{Advice, fadvise};

use super::{ByteSource, FileIdentity, IoError, cached, within};

/// A file read by `pread`.
#[derive(Debug)]
pub struct Pread {
    file: File,
    identity: FileIdentity,
}

impl Pread {
    pub(super) fn new(file: File, identity: FileIdentity) -> Self {
        Self { file, identity }
    }
}

impl ByteSource for Pread {
    fn read(&self, range: Range<u64>) -> Result<Cow<'_, [u8]>, IoError> {
        let mut buffer = vec![0; within(&range, self.len())?.len()];
        self.file.read_exact_at(&mut buffer, range.start).map_err(|source| {
            if source.kind() == io::ErrorKind::UnexpectedEof {
                IoError::Poisoned
            } else {
                IoError::Read { offset: range.start, source }
            }
        })?;
        Ok(Cow::Owned(buffer))
    }

    fn read_at_hand(&self, offset: u64, buffer: &mut [u8]) -> bool {
        cached(&self.file, offset, buffer)
    }

    fn will_need(&self, ranges: &[Range<u64>]) {
        for range in ranges {
            if let Some(len) = std::num::NonZeroU64::new(range.end.saturating_sub(range.start)) {
                // Advice only: a file system that cannot take it reads later.
                let _ = fadvise(self.file.as_fd(), range.start, Some(len), Advice::WillNeed);
            }
        }
    }

    fn check(&self) -> Result<(), IoError> {
        if self.identity.still_holds(&self.file) { Ok(()) } else { Err(IoError::Changed) }
    }

    fn identity(&self) -> &FileIdentity {
        &self.identity
    }
}
