//! From the start of a codestream to the parts of its tiles. No packet is read.
//!
//! Source: ISO/IEC 15444-1, A.2 to A.4 and A.7.3.

use std::ops::Range;

use super::{
    J2kError,
    header::{COC, COD, EOC, Fields, Grid, PLT, POC, Parameters, QCC, QCD, RGN, SIZ, SOC, SOD, SOT},
    index::TileData,
};
use crate::io::ByteSource;

/// Marker segments in one header.
const MAX_MARKERS: usize = 4096;
/// Tile-parts of a codestream.
const MAX_PARTS: usize = 1 << 20;
const PPT: u16 = 0xff61;

/// Where one tile lies in the file.
#[derive(Debug, Default, Clone)]
pub(super) struct TileParts {
    pub data: TileData,
    /// Marker segments that differ from the main header: number and contents.
    pub overrides: Vec<(u16, Range<u64>)>,
    /// Contents of the markers that tell lengths of packets.
    lengths: Vec<Range<u64>>,
}

impl TileParts {
    /// Whether there are lengths of packets; that they are of all of them is seen when they are used.
    pub fn has_lengths(&self) -> bool {
        !self.lengths.is_empty()
    }

    /// The lengths of the packets; none when they cannot be trusted.
    pub fn lengths(&self, source: &dyn ByteSource) -> Result<Vec<u64>, J2kError> {
        let mut lengths = Vec::new();
        let mut value = 0u64;
        for range in &self.lengths {
            for &byte in source.read(range.clone())?.iter().skip(1) {
                value = value << 7 | u64::from(byte & 0x7f);
                if value > self.data.len() {
                    return Ok(Vec::new());
                }
                if byte & 0x80 == 0 {
                    lengths.push(std::mem::take(&mut value));
                }
            }
        }
        Ok(lengths)
    }
}

/// Reads the main header and the headers of all tile-parts.
pub(super) fn read(
    source: &dyn ByteSource,
    range: Range<u64>,
    side_px: u32,
) -> Result<(Grid, Parameters, Vec<TileParts>), J2kError> {
    let mut cursor = Cursor { source, position: range.start, end: range.end.min(source.len()) };
    if !matches!(cursor.u16(), Ok(SOC)) {
        return Err(J2kError::NotACodestream);
    }
    let (SIZ, siz) = cursor.segment().map_err(|_| J2kError::NotACodestream)? else {
        return Err(J2kError::NotACodestream);
    };
    let grid = Grid::read(&source.read(siz)?, side_px)?;
    let mut parameters = Parameters::new(grid.components.len());
    let mut markers = 0;
    loop {
        let at = cursor.position;
        let (marker, contents) = cursor.segment()?;
        if marker == SOT {
            cursor.position = at;
            break;
        }
        markers += 1;
        if markers > MAX_MARKERS {
            return Err(J2kError::TooMany { what: "markers in a header", limit: MAX_MARKERS as u64 });
        }
        parameters.apply(marker, &source.read(contents)?)?;
    }
    if !parameters.is_complete() {
        return Err(J2kError::Damaged { what: "COD or QCD is missing" });
    }
    let (across, down) = grid.tiles();
    let mut tiles = vec![TileParts::default(); across as usize * down as usize];
    let mut parts = 0;
    while cursor.remaining() >= 2 && cursor.u16()? == SOT {
        cursor.position -= 2;
        parts += 1;
        if parts > MAX_PARTS {
            return Err(J2kError::TooMany { what: "tile-parts", limit: MAX_PARTS as u64 });
        }
        cursor.part(&mut tiles)?;
    }
    if parts == 0 {
        return Err(J2kError::Damaged { what: "there is no tile" });
    }
    Ok((grid, parameters, tiles))
}

/// A place in the codestream.
struct Cursor<'a> {
    source: &'a dyn ByteSource,
    position: u64,
    end: u64,
}

impl Cursor<'_> {
    const fn remaining(&self) -> u64 {
        self.end.saturating_sub(self.position)
    }

    fn u16(&mut self) -> Result<u16, J2kError> {
        if self.remaining() < 2 {
            return Err(J2kError::Damaged { what: "it ends within a header" });
        }
        let bytes = self.source.read(self.position..self.position + 2)?;
        self.position += 2;
        Fields { bytes: &bytes }.u16()
    }

    /// The next marker segment: its number, and the range of what follows its length.
    fn segment(&mut self) -> Result<(u16, Range<u64>), J2kError> {
        let marker = self.u16()?;
        let len = u64::from(self.u16()?);
        let contents = self.position..self.position + len.saturating_sub(2);
        if marker < 0xff00 || len < 2 || contents.end > self.end {
            return Err(J2kError::Damaged { what: "a marker" });
        }
        self.position = contents.end;
        Ok((marker, contents))
    }

    /// A tile-part, from its first marker to its end.
    fn part(&mut self, tiles: &mut [TileParts]) -> Result<(), J2kError> {
        let start = self.position;
        let (_, contents) = self.segment()?;
        let bytes = self.source.read(contents)?;
        let mut fields = Fields { bytes: &bytes };
        let (number, len) = (fields.u16()?, u64::from(fields.u32()?));
        // A length of zero reaches to the end of the codestream.
        let end = if len == 0 { self.end_of_image()? } else { start + len };
        if end > self.end {
            return Err(J2kError::Damaged { what: "it is truncated" });
        }
        let tile =
            tiles.get_mut(usize::from(number)).ok_or(J2kError::Damaged { what: "the number of a tile" })?;
        for _ in 0..MAX_MARKERS {
            if self.u16()? == SOD {
                if self.position > end {
                    return Err(J2kError::Damaged { what: "the length of a tile-part" });
                }
                tile.data.push(self.position..end);
                self.position = end;
                return Ok(());
            }
            self.position -= 2;
            let (marker, contents) = self.segment()?;
            match marker {
                PLT => tile.lengths.push(contents),
                COD | COC | QCD | QCC | RGN | POC | PPT => tile.overrides.push((marker, contents)),
                _ => {}
            }
        }
        Err(J2kError::TooMany { what: "markers in a header", limit: MAX_MARKERS as u64 })
    }

    /// Where the last tile-part ends: before the closing marker, if there is one.
    fn end_of_image(&self) -> Result<u64, J2kError> {
        let last = self.end.saturating_sub(2).max(self.position);
        let marker = self.source.read(last..self.end)?;
        Ok(if *marker == EOC.to_be_bytes() { last } else { self.end })
    }
}
