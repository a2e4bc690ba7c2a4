//! A file with one pixel, in any of the four forms of TIFF, to open the crate's decoder on.

/// Tag, type (3 = SHORT), value.
const ENTRIES: [(u16, u16, u16); 8] = [
    (256, 3, 1), // ImageWidth
    (257, 3, 1), // ImageLength
    (258, 3, 8), // BitsPerSample
    (259, 3, 1), // Compression: none
    (262, 3, 1), // PhotometricInterpretation: black is zero
    (273, 3, 0), // StripOffsets
    (278, 3, 1), // RowsPerStrip
    (279, 3, 1), // StripByteCounts
];

pub(super) fn file(big_endian: bool, big: bool) -> Vec<u8> {
    let mut out = Writer { bytes: Vec::new(), big_endian };
    out.bytes.extend_from_slice(if big_endian { b"MM" } else { b"II" });
    let word = if big { 8 } else { 4 };
    if big {
        out.put(43, 2);
        out.put(8, 2);
        out.put(0, 2);
        out.put(16, 8);
        out.put(ENTRIES.len() as u64, 8);
    } else {
        out.put(42, 2);
        out.put(8, 4);
        out.put(ENTRIES.len() as u64, 2);
    }
    for (tag, kind, value) in ENTRIES {
        out.put(u64::from(tag), 2);
        out.put(u64::from(kind), 2);
        out.put(1, word);
        out.put(u64::from(value), 2);
        out.put(0, word - 2);
    }
    out.put(0, word);
    out.bytes
}

struct Writer {
    bytes: Vec<u8>,
    big_endian: bool,
}

impl Writer {
    fn put(&mut self, value: u64, len: usize) {
        if self.big_endian {
            self.bytes.extend_from_slice(&value.to_be_bytes()[8 - len..]);
        } else {
            self.bytes.extend_from_slice(&value.to_le_bytes()[..len]);
        }
    }
}
