//! Compressed blocks that wait for their place in the file: in memory, and beyond some megabytes on disk.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::PathBuf,
};

/// More than this goes to disk.
const MEMORY_BYTES: usize = 64 << 20;

/// Bytes that are appended and later read back in another order.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    memory: Vec<u8>,
    /// Without a name: it vanishes with the process.
    file: Option<File>,
    spilled: u64,
}

/// Where a block lies in the store.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kept {
    pub offset: u64,
    pub len: u32,
}

impl Store {
    /// A store that spills to a file in this folder.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, memory: Vec::new(), file: None, spilled: 0 }
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<Kept> {
        if self.memory.len() + bytes.len() > MEMORY_BYTES {
            let file = match &mut self.file {
                Some(file) => file,
                None => self.file.insert(tempfile::tempfile_in(&self.folder)?),
            };
            file.write_all(&self.memory)?;
            self.spilled += self.memory.len() as u64;
            self.memory.clear();
        }
        let offset = self.spilled + self.memory.len() as u64;
        self.memory.extend_from_slice(bytes);
        Ok(Kept { offset, len: bytes.len() as u32 })
    }

    /// Appends the bytes of a block to `out`.
    pub(super) fn read(&mut self, kept: Kept, out: &mut Vec<u8>) -> io::Result<()> {
        if kept.offset >= self.spilled {
            let start = (kept.offset - self.spilled) as usize;
            out.extend_from_slice(&self.memory[start..start + kept.len as usize]);
            return Ok(());
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        file.seek(SeekFrom::Start(kept.offset))?;
        let found = file.take(u64::from(kept.len)).read_to_end(out)?;
        if found == kept.len as usize { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_comes_back_from_memory_and_from_disk() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut store = Store::new(folder.path().to_owned());
        let block = |i: u8| vec![i; 20 << 20];
        let kept: Vec<Kept> = (0..5).map(|i| store.append(&block(i)).expect("there is room")).collect();
        assert!(store.file.is_some());
        for (i, kept) in kept.into_iter().enumerate() {
            let mut out = Vec::new();
            store.read(kept, &mut out).expect("it is there");
            assert!(out == block(i as u8));
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("it is there").count(), 0, "it has no name");
    }
}
