//! Lays out the file: header, all directories, then blocks, overviews first, as GDAL's COG driver does.

use std::io::{self, Write};

use super::{Tiles, WriteOptions};
use crate::geom::Size;

/// Tells readers that know it how the file is laid out, so that they can read a block with one request.
const STRUCTURE: &str = "LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n\
    BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n ";
/// Beyond this the file is a BigTIFF.
const CLASSIC_BYTES: u64 = 4_000_000_000;

const SHORT: u16 = 3;
const LONG: u16 = 4;
const DOUBLE: u16 = 12;
const LONG8: u16 = 16;

/// A tag with its value as bytes.
struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    value: Vec<u8>,
}

impl Entry {
    fn shorts(tag: u16, values: &[u16]) -> Self {
        let value = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self { tag, kind: SHORT, count: values.len() as u64, value }
    }

    fn long(tag: u16, value: u32) -> Self {
        Self { tag, kind: LONG, count: 1, value: value.to_le_bytes().to_vec() }
    }

    fn doubles(tag: u16, values: &[f64]) -> Self {
        let value = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self { tag, kind: DOUBLE, count: values.len() as u64, value }
    }
}

pub(super) fn assemble(out: &mut impl Write, options: &WriteOptions, tiles: &Tiles) -> io::Result<()> {
    let data: u64 = tiles.iter().flatten().map(|tile| tile.len() as u64 + 8).sum();
    let big = data > CLASSIC_BYTES;
    let levels = options.levels();
    let ghost = format!("GDAL_STRUCTURAL_METADATA_SIZE={:06} bytes\n{STRUCTURE}", STRUCTURE.len());
    let header_bytes = (if big { 16 } else { 8 }) + ghost.len() as u64 + ghost.len() as u64 % 2;

    // Directories have the same length whatever the offsets are, so they can be measured with zeros.
    let measure = |level: usize| {
        let zeros = vec![0; tiles[level].len()];
        directory(options, (level, levels[level]), &tiles[level], &zeros, big)
    };
    let sizes: Vec<u64> = (0..levels.len()).map(|level| directory_bytes(&measure(level), big)).collect();
    let mut next = header_bytes + sizes.iter().sum::<u64>();
    let mut offsets = vec![Vec::new(); levels.len()];
    for level in (0..levels.len()).rev() {
        for tile in &tiles[level] {
            offsets[level].push(next + 4);
            next += tile.len() as u64 + 8;
        }
    }

    let mut bytes = header(big, header_bytes);
    bytes.extend_from_slice(ghost.as_bytes());
    bytes.resize(header_bytes as usize, 0);
    for level in 0..levels.len() {
        let entries = directory(options, (level, levels[level]), &tiles[level], &offsets[level], big);
        let start = bytes.len() as u64;
        let last = level + 1 == levels.len();
        let following = if last { 0 } else { start + sizes[level] };
        write_directory(&mut bytes, &entries, following, big);
    }
    out.write_all(&bytes)?;
    for tile in tiles.iter().rev().flatten() {
        out.write_all(&(tile.len() as u32).to_le_bytes())?;
        out.write_all(tile)?;
        out.write_all(&tile[tile.len().saturating_sub(4)..])?;
    }
    Ok(())
}

fn header(big: bool, first_directory: u64) -> Vec<u8> {
    let mut bytes = b"II".to_vec();
    if big {
        bytes.extend_from_slice(&[43, 0, 8, 0, 0, 0]);
        bytes.extend_from_slice(&first_directory.to_le_bytes());
    } else {
        bytes.extend_from_slice(&[42, 0]);
        bytes.extend_from_slice(&(first_directory as u32).to_le_bytes());
    }
    bytes
}

fn directory(
    options: &WriteOptions,
    (level, size): (usize, Size),
    tiles: &[Vec<u8>],
    offsets: &[u64],
    big: bool,
) -> Vec<Entry> {
    let number = |tag, values: &mut dyn Iterator<Item = u64>| {
        let mut entry = Entry { tag, kind: if big { LONG8 } else { LONG }, count: 0, value: Vec::new() };
        for value in values {
            entry.count += 1;
            entry.value.extend_from_slice(&value.to_le_bytes()[..if big { 8 } else { 4 }]);
        }
        entry
    };
    let mut entries = vec![
        Entry::long(254, u32::from(level > 0)),
        Entry::long(256, size.width),
        Entry::long(257, size.height),
        Entry::shorts(258, &[8, 8, 8]),
        Entry::shorts(259, &[7]),
        Entry::shorts(262, &[6]),
        Entry::shorts(277, &[3]),
        Entry::shorts(284, &[1]),
        Entry::long(322, options.block_px),
        Entry::long(323, options.block_px),
        number(324, &mut offsets.iter().copied()),
        number(325, &mut tiles.iter().map(|tile| tile.len() as u64)),
        Entry::shorts(339, &[1, 1, 1]),
        Entry::shorts(530, &[2, 2]),
    ];
    if level == 0 {
        let c = options.geotransform.0;
        entries.push(Entry::doubles(33_550, &[c[1], -c[5], 0.0]));
        entries.push(Entry::doubles(33_922, &[0.0, 0.0, 0.0, c[0], c[3], 0.0]));
        // Projected, pixels are areas, by code.
        let keys = [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, options.epsg];
        entries.push(Entry::shorts(34_735, &keys));
    }
    entries
}

/// Bytes of a directory with the values that do not fit into it.
fn directory_bytes(entries: &[Entry], big: bool) -> u64 {
    let (head, each, word, tail) = if big { (8, 20, 8, 8) } else { (2, 12, 4, 4) };
    let outside =
        entries.iter().map(|e| e.value.len() as u64).filter(|&len| len > word).map(|len| len + len % 2);
    let total = head + entries.len() as u64 * each + tail + outside.sum::<u64>();
    total + total % 2
}

fn write_directory(bytes: &mut Vec<u8>, entries: &[Entry], following: u64, big: bool) {
    let start = bytes.len();
    let (head, each, word) = if big { (8, 20, 8) } else { (2, 12, 4) };
    let put = |bytes: &mut Vec<u8>, value: u64, len: usize| {
        bytes.extend_from_slice(&value.to_le_bytes()[..len]);
    };
    let mut outside = Vec::new();
    let outside_start = start + head + entries.len() * each + word;
    put(bytes, entries.len() as u64, head);
    for entry in entries {
        put(bytes, u64::from(entry.tag), 2);
        put(bytes, u64::from(entry.kind), 2);
        put(bytes, entry.count, word);
        if entry.value.len() <= word {
            bytes.extend_from_slice(&entry.value);
            bytes.resize(bytes.len() + word - entry.value.len(), 0);
        } else {
            put(bytes, (outside_start + outside.len()) as u64, word);
            outside.extend_from_slice(&entry.value);
            outside.resize(outside.len() + outside.len() % 2, 0);
        }
    }
    put(bytes, following, word);
    bytes.extend_from_slice(&outside);
    bytes.resize(start + directory_bytes(entries, big) as usize, 0);
}
