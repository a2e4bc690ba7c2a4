//! A file of the cache: a head of 24 bytes with a checksum, then the picture as it is sent.

use bytes::Bytes;
use tiler::encode::Format;
use xxhash_rust::xxh3::xxh3_64;

use super::DiskTile;

/// Before the picture.
pub(super) const HEAD_BYTES: usize = 24;
const MAGIC: [u8; 4] = *b"PVT1";
const FORMATS: [Format; 3] = [Format::Jpeg, Format::Png, Format::WebP];

/// The head: magic, format, three zeros, length, checksum; little-endian.
pub(super) fn head(format: Format, bytes: &[u8]) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    head[..4].copy_from_slice(&MAGIC);
    head[4] = FORMATS.iter().position(|&known| known == format).unwrap_or_default() as u8;
    head[8..16].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    head[16..].copy_from_slice(&xxh3_64(bytes).to_le_bytes());
    head
}

/// The tile of a file; `None` where it is not whole.
pub(super) fn decode(file: Vec<u8>) -> Option<DiskTile> {
    let (head, picture) = file.split_first_chunk::<HEAD_BYTES>()?;
    let format = *FORMATS.get(usize::from(head[4]))?;
    if *head != self::head(format, picture) {
        return None;
    }
    Some(DiskTile { bytes: Bytes::from(file).slice(HEAD_BYTES..), format })
}
