//! The boxes of a JP2 file. It knows their nesting, not their contents.
//!
//! Source: ISO/IEC 15444-1, Annex I.4.

use std::ops::Range;

use super::Jp2Error;
use crate::io::ByteSource;

/// Boxes in one file, those within others included.
const MAX_BOXES: usize = 4096;
/// Boxes within boxes.
const MAX_DEPTH: u8 = 8;
/// Bytes of a box that is read as a whole.
const MAX_READ: u64 = 4 << 20;

/// One box.
#[derive(Debug, Clone)]
pub(super) struct Jp2Box {
    pub kind: [u8; 4],
    /// Its contents in the file.
    pub contents: Range<u64>,
    /// How many boxes it lies within.
    pub depth: u8,
}

impl Jp2Box {
    /// Its contents, if they are of a size that makes sense.
    pub fn read(&self, source: &dyn ByteSource) -> Result<Vec<u8>, Jp2Error> {
        if self.contents.end - self.contents.start > MAX_READ {
            return Err(Jp2Error::TooMany { what: "bytes in a box", limit: MAX_READ });
        }
        Ok(source.read(self.contents.clone())?.into_owned())
    }
}

/// All boxes of a file, each before those within it.
pub(super) fn read(source: &dyn ByteSource) -> Result<Vec<Jp2Box>, Jp2Error> {
    let mut boxes = Vec::new();
    within(source, 0..source.len(), 0, &mut boxes)?;
    Ok(boxes)
}

fn within(
    source: &dyn ByteSource,
    mut range: Range<u64>,
    depth: u8,
    boxes: &mut Vec<Jp2Box>,
) -> Result<(), Jp2Error> {
    while range.end - range.start >= 8 {
        if boxes.len() == MAX_BOXES {
            return Err(Jp2Error::TooMany { what: "boxes", limit: MAX_BOXES as u64 });
        }
        let found = header(source, &range, depth)?;
        range.start = found.contents.end;
        let inside = found.contents.clone();
        let nests = matches!(&found.kind, b"jp2h" | b"asoc" | b"res ");
        boxes.push(found);
        if nests {
            if depth == MAX_DEPTH {
                return Err(Jp2Error::TooMany {
                    what: "boxes within each other",
                    limit: u64::from(MAX_DEPTH),
                });
            }
            within(source, inside, depth + 1, boxes)?;
        }
    }
    Ok(())
}

/// The box at the start of a range.
fn header(source: &dyn ByteSource, range: &Range<u64>, depth: u8) -> Result<Jp2Box, Jp2Error> {
    let damaged = Jp2Error::Box { offset: range.start };
    let bytes = source.read(range.start..range.end.min(range.start + 16))?;
    let (Some(len), Some(&kind)) = (bytes.first_chunk().copied().map(u32::from_be_bytes), kind(&bytes))
    else {
        return Err(damaged);
    };
    let (head, len) = match len {
        0 => (8, range.end - range.start),
        1 => {
            let long = bytes.get(8..16).and_then(|long| long.first_chunk()).copied();
            (16, u64::from_be_bytes(long.ok_or(Jp2Error::Box { offset: range.start })?))
        }
        len => (8, u64::from(len)),
    };
    if len < head || len > range.end - range.start {
        return Err(damaged);
    }
    Ok(Jp2Box { kind, contents: range.start + head..range.start + len, depth })
}

fn kind(bytes: &[u8]) -> Option<&[u8; 4]> {
    bytes.get(4..8)?.first_chunk()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::Memory;

    fn read_bytes(bytes: &[u8]) -> Result<Vec<Jp2Box>, Jp2Error> {
        read(&Memory::new(bytes.to_vec()))
    }

    #[test]
    fn lengths_of_zero_and_one_reach_to_the_end_and_take_eight_bytes_more() {
        let boxes =
            read_bytes(b"\0\0\0\x01long\0\0\0\0\0\0\0\x11x\0\0\0\0lastabc").expect("they are well formed");
        let ranges: Vec<_> = boxes.iter().map(|one| (one.kind, one.contents.clone())).collect();
        assert_eq!(ranges, [(*b"long", 16..17), (*b"last", 25..28)]);
    }

    #[test]
    fn a_box_beyond_the_file_is_refused() {
        assert!(matches!(read_bytes(b"\0\0\0\x09abcd"), Err(Jp2Error::Box { offset: 0 })));
        assert!(matches!(read_bytes(b"\0\0\0\x07abcd"), Err(Jp2Error::Box { .. })));
        assert!(matches!(
            read_bytes(b"\0\0\0\x01abcd\xff\xff\xff\xff\xff\xff\xff\xff"),
            Err(Jp2Error::Box { .. })
        ));
    }

    #[test]
    fn boxes_within_boxes_and_their_number_have_an_end() {
        let nested: Vec<u8> =
            (1..=20u32).rev().flat_map(|n| [(n * 8).to_be_bytes(), *b"asoc"].concat()).collect();
        assert!(matches!(read_bytes(&nested), Err(Jp2Error::TooMany { .. })));
        assert!(matches!(read_bytes(&b"\0\0\0\x08free".repeat(5000)), Err(Jp2Error::TooMany { .. })));
    }
}
