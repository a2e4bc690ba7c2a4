//! The bytes of a TIFF: its header, and directories of tags.

const ASCII: u16 = 2;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const DOUBLE: u16 = 12;
const LONG8: u16 = 16;

/// A tag with its value as bytes.
pub(super) struct Entry {
    pub tag: u16,
    kind: u16,
    count: u64,
    value: Vec<u8>,
}

impl Entry {
    pub(super) fn shorts(tag: u16, values: &[u16]) -> Self {
        let value = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self { tag, kind: SHORT, count: values.len() as u64, value }
    }

    pub(super) fn long(tag: u16, value: u32) -> Self {
        Self { tag, kind: LONG, count: 1, value: value.to_le_bytes().to_vec() }
    }

    pub(super) fn doubles(tag: u16, values: &[f64]) -> Self {
        let value = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self { tag, kind: DOUBLE, count: values.len() as u64, value }
    }

    pub(super) fn ascii(tag: u16, text: &str) -> Self {
        let value = [text.as_bytes(), b"\0"].concat();
        Self { tag, kind: ASCII, count: value.len() as u64, value }
    }

    /// Offsets or lengths.
    pub(super) fn numbers(tag: u16, values: &[u64], big: bool) -> Self {
        let (kind, bytes) = if big { (LONG8, 8) } else { (LONG, 4) };
        let value = values.iter().flat_map(|v| v.to_le_bytes().into_iter().take(bytes)).collect();
        Self { tag, kind, count: values.len() as u64, value }
    }
}

/// The first bytes of a file.
pub(super) fn header(big: bool, first_directory: u64) -> Vec<u8> {
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

/// Bytes of a directory with the values that do not fit into it.
pub(super) fn len(entries: &[Entry], big: bool) -> u64 {
    let (head, each, word, tail) = if big { (8, 20, 8, 8) } else { (2, 12, 4, 4) };
    let outside =
        entries.iter().map(|e| e.value.len() as u64).filter(|&len| len > word).map(|len| len + len % 2);
    let total = head + entries.len() as u64 * each + tail + outside.sum::<u64>();
    total + total % 2
}

/// Appends a directory, and the values that do not fit into it.
pub(super) fn write(bytes: &mut Vec<u8>, entries: &[Entry], following: u64, big: bool) {
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
    bytes.resize(start + len(entries, big) as usize, 0);
}
