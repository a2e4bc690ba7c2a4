//! Headers of a TIFF file: its directories and where their blocks lie. It decodes no pixel and knows no CRS.
//!
//! Directories are parsed by the `tiff` crate. Its decoder insists on a first image that it could decode itself, so it is
//! opened on a stub and then shown the real file: here every file gets its say, and [`crate::cog`] decides.

mod block;
mod directory;
mod geo_tags;
mod limits;
mod stub;
mod tags;

use std::{
    collections::HashSet,
    io::{self, Read, Seek, SeekFrom},
};

use tiff::{decoder::Decoder, tags::IfdPointer};

pub use directory::Directory;
pub use geo_tags::GeoTags;
pub use limits::Limits;

use crate::io::{ByteSource, IoError};

/// All directories of a file, in the order of the file.
#[derive(Debug)]
pub struct TiffFile {
    /// The directories: images, overviews, masks.
    pub directories: Vec<Directory>,
    /// Whether numbers are written with their most significant byte first.
    pub big_endian: bool,
    /// Whether it is a BigTIFF, with offsets of 64 bits.
    pub big: bool,
}

/// Why a header cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum TiffError {
    #[error("it is not a TIFF file")]
    NotATiff,
    #[error("the header cannot be read")]
    Io(#[from] IoError),
    #[error("directory {index} cannot be parsed")]
    Directory {
        index: usize,
        #[source]
        source: tiff::TiffError,
    },
    #[error("tag {tag} of directory {index} cannot be parsed")]
    Tag {
        index: usize,
        tag: &'static str,
        #[source]
        source: tiff::TiffError,
    },
    #[error("tag {tag} of directory {index} is missing")]
    Missing { index: usize, tag: &'static str },
    #[error("tag {tag} of directory {index} has a value that makes no sense")]
    Nonsense { index: usize, tag: &'static str },
    #[error("the directories form a loop at byte {offset}")]
    Loop { offset: u64 },
    #[error("there are more than {limit} {what}")]
    TooMany { what: &'static str, limit: u64 },
    #[error(
        "a block of {width} x {height} pixels is larger than the {limit} bytes that one may have; \
         tile the file with `gdal_translate -of COG`"
    )]
    BlockTooLarge { width: u32, height: u32, limit: u64 },
    #[error("there is no image in the file")]
    NoImage,
    #[error("block {index} claims bytes {start}..{end}, but the file ends at {len}")]
    BlockOutOfFile { index: u64, start: u64, end: u64, len: u64 },
}

/// Reads all directories of a file.
///
/// # Errors
/// When the file is not a TIFF, is damaged in its header, or asks for more than the limits allow.
///
/// # Allocations
/// Bounded by the limits and by the size of the file.
pub fn read(source: &dyn ByteSource, limits: &Limits) -> Result<TiffFile, TiffError> {
    let header = Header::read(source)?;
    let stub = stub::file(header.big_endian, header.big);
    let unreadable = |source| TiffError::Directory { index: 0, source };
    let mut decoder = Decoder::new(Stream { source: Bytes::Stub(stub), position: 0 }).map_err(unreadable)?;
    decoder.inner().source = Bytes::File(source);
    let mut decoder = decoder.with_limits(limits.of_the_crate(source.len()));

    let mut directories = Vec::new();
    let mut visited = HashSet::new();
    let mut waiting = vec![header.first_directory];
    while let Some(next) = waiting.pop() {
        if next == 0 {
            continue;
        }
        let index = directories.len();
        if !visited.insert(next) {
            return Err(TiffError::Loop { offset: next });
        }
        if index >= limits.directories {
            return Err(TiffError::TooMany { what: "directories", limit: limits.directories as u64 });
        }
        if header.entry_count(source, next)? > limits.tags {
            return Err(TiffError::TooMany { what: "tags in a directory", limit: limits.tags });
        }
        let entries = decoder
            .read_directory(IfdPointer(next))
            .map_err(|source| TiffError::Directory { index, source })?;
        let following = entries.next().map_or(0, |pointer| pointer.0);
        let directory =
            directory::read(&mut decoder.read_directory_tags(&entries), index, (limits, source.len()))?;
        // What the first directory points to comes right after it; further pages are not read, nor what they point to.
        waiting.push(following);
        if index == 0 {
            waiting.extend(directory.sub_directories.iter().rev());
        }
        directories.push(directory);
    }
    if directories.is_empty() {
        return Err(TiffError::NoImage);
    }
    Ok(TiffFile { directories, big_endian: header.big_endian, big: header.big })
}

/// The first bytes of a file.
struct Header {
    big_endian: bool,
    big: bool,
    first_directory: u64,
}

impl Header {
    fn read(source: &dyn ByteSource) -> Result<Self, TiffError> {
        let magic = source.read(0..8.min(source.len()))?;
        let (big_endian, big) = match *magic {
            [b'I', b'I', 42, 0, ..] => (false, false),
            [b'M', b'M', 0, 42, ..] => (true, false),
            [b'I', b'I', 43, 0, 8, 0, 0, 0] => (false, true),
            [b'M', b'M', 0, 43, 0, 8, 0, 0] => (true, true),
            _ => return Err(TiffError::NotATiff),
        };
        let mut header = Self { big_endian, big, first_directory: 0 };
        header.first_directory =
            if big { header.number(source, 8, 8)? } else { header.number(source, 4, 4)? };
        Ok(header)
    }

    /// How many tags the directory at this offset claims to have.
    fn entry_count(&self, source: &dyn ByteSource, offset: u64) -> Result<u64, TiffError> {
        self.number(source, offset, if self.big { 8 } else { 2 })
    }

    fn number(&self, source: &dyn ByteSource, offset: u64, len: u64) -> Result<u64, TiffError> {
        let bytes = source.read(offset..offset.saturating_add(len))?;
        let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Ok(if self.big_endian { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) })
    }
}

/// A [`ByteSource`] as the crate wants it.
struct Stream<'a> {
    source: Bytes<'a>,
    position: u64,
}

enum Bytes<'a> {
    Stub(Vec<u8>),
    File(&'a dyn ByteSource),
}

impl Bytes<'_> {
    fn len(&self) -> u64 {
        match self {
            Self::Stub(bytes) => bytes.len() as u64,
            Self::File(source) => source.len(),
        }
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let end = self.position.saturating_add(buffer.len() as u64).min(self.source.len());
        let start = self.position.min(end);
        let len = (end - start) as usize;
        match &self.source {
            Bytes::Stub(bytes) => buffer[..len].copy_from_slice(&bytes[start as usize..end as usize]),
            Bytes::File(source) => {
                buffer[..len].copy_from_slice(&source.read(start..end).map_err(io::Error::other)?);
            }
        }
        self.position = end;
        Ok(len)
    }
}

impl Seek for Stream<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let moved = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.source.len().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = moved.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::Memory;

    fn read_bytes(bytes: Vec<u8>) -> Result<TiffFile, TiffError> {
        read(&Memory::new(bytes), &Limits::default())
    }

    #[test]
    fn the_stub_is_a_tiff_in_all_four_forms() {
        for (big_endian, big) in [(false, false), (false, true), (true, false), (true, true)] {
            let file = read_bytes(stub::file(big_endian, big)).expect("it is well formed");
            assert_eq!((file.big_endian, file.big, file.directories.len()), (big_endian, big, 1));
            assert_eq!(file.directories[0].size, crate::geom::Size::new(1, 1));
        }
    }

    #[test]
    fn what_is_no_tiff_says_so() {
        for bytes in [&b"II"[..], b"PNG not", b"II\x2b\0\x04\0\0\0", b""] {
            assert!(matches!(read_bytes(bytes.to_vec()), Err(TiffError::NotATiff)), "{bytes:?}");
        }
    }

    #[test]
    fn a_directory_that_follows_itself_is_a_loop() {
        let mut bytes = stub::file(false, false);
        let entries = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        let next = 10 + entries * 12;
        bytes[next..next + 4].copy_from_slice(&8u32.to_le_bytes());
        assert!(matches!(read_bytes(bytes), Err(TiffError::Loop { offset: 8 })));
    }

    #[test]
    fn a_directory_of_two_to_the_sixty_tags_is_refused_before_it_is_read() {
        let mut bytes = stub::file(false, true);
        bytes[16..24].copy_from_slice(&(1u64 << 60).to_le_bytes());
        assert!(matches!(read_bytes(bytes), Err(TiffError::TooMany { .. })));
    }
}
