//! CCITT fax: runs of black and white pixels, alone (compression 2, group 3) or against the row above (group 3 and 4).
//!
//! A black pixel becomes a bit of 1, a white one 0, as in libtiff; what they mean is for the photometric interpretation.

use hayro_ccitt::{DecodeSettings, Decoder, DecoderContext, EncodingMode};

use super::{BlockLayout, CodecError, Compression};

const CODEC: &str = "CCITT";
/// Bits of `T4Options`: rows coded against the row above, and pixels that are not coded at all (also in `T6Options`).
const TWO_DIMENSIONS: u32 = 1;
const UNCOMPRESSED: u32 = 2;

/// The bits of a block, rows padded to whole bytes.
pub(super) fn decode(bytes: &[u8], layout: &BlockLayout) -> Result<Vec<u8>, CodecError> {
    if layout.bands != 1 || layout.bits != 1 {
        return Err(CodecError::Channels { codec: CODEC, found: 1, expected: layout.bands });
    }
    if layout.fax_options & UNCOMPRESSED != 0 {
        return Err(CodecError::Damaged { codec: CODEC, reason: "the mode without compression".to_owned() });
    }
    let runs = layout.compression == Compression::CcittRle;
    let encoding = match layout.compression {
        Compression::CcittFax4 => EncodingMode::Group4,
        Compression::CcittFax3 if layout.fax_options & TWO_DIMENSIONS != 0 => EncodingMode::Group3_2D,
        _ => EncodingMode::Group3_1D,
    };
    let settings = DecodeSettings {
        columns: layout.size.width,
        rows: layout.size.height,
        end_of_block: !runs,
        end_of_line: false,
        rows_are_byte_aligned: runs,
        encoding,
        strict: true,
    };
    let expected = layout.stored_bytes();
    let mut rows = Rows { bits: Vec::with_capacity(expected), layout };
    let outcome = hayro_ccitt::decode(bytes, &mut rows, &mut DecoderContext::new(settings));
    let bits = rows.bits;
    match outcome {
        _ if bits.len() == expected => Ok(bits),
        Ok(_) => Err(CodecError::Length { codec: CODEC, found: bits.len(), expected }),
        Err(error) => Err(CodecError::Damaged { codec: CODEC, reason: error.to_string() }),
    }
}

/// The rows that have been decoded.
struct Rows<'a> {
    bits: Vec<u8>,
    layout: &'a BlockLayout,
}

impl Decoder for Rows<'_> {
    fn push_row(&mut self, changes: &[u32]) {
        let start = self.bits.len();
        if start >= self.layout.stored_bytes() {
            return;
        }
        self.bits.resize(start + self.layout.row_bytes(), 0);
        let row = &mut self.bits[start..];
        for run in changes.chunks(2) {
            let end = run.get(1).copied().unwrap_or(self.layout.size.width);
            blacken(row, run[0] as usize, end as usize);
        }
    }
}

fn blacken(row: &mut [u8], start: usize, end: usize) {
    let mut at = start;
    while at < end {
        let (byte, bit) = (at / 8, at % 8);
        let count = (8 - bit).min(end - at);
        if let Some(target) = row.get_mut(byte) {
            *target |= (0xff_u8 >> bit) & (0xff_u16 << (8 - bit - count)) as u8;
        }
        at += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        codec::{decode, plain},
        geom::Size,
    };

    fn layout(compression: Compression, width: u32, height: u32) -> BlockLayout {
        BlockLayout { bits: 1, ..plain(Size::new(width, height), compression) }
    }

    #[test]
    fn runs_begin_white_and_rows_at_whole_bytes() {
        // White 2 (0111), black 3 (10), white 3 (1000); then white 0 (00110101), black 8 (000101).
        let stored = [0b0111_1010, 0b0000_0000, 0b0011_0101, 0b0001_0100];
        let samples = decode(&stored, &layout(Compression::CcittRle, 8, 2)).expect("it is well formed");
        assert_eq!(samples, [0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn a_row_like_the_one_above_is_one_bit_in_group_4() {
        // Horizontal (001), white 2, black 3, then vertical (1) to the end; then three times vertical.
        let stored = [0b0010_1111, 0b0111_1100, 0];
        let samples = decode(&stored, &layout(Compression::CcittFax4, 8, 2)).expect("it is well formed");
        assert_eq!(samples, [0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0]);
        let reversed = stored.map(u8::reverse_bits);
        let low_first = BlockLayout { low_bit_first: true, ..layout(Compression::CcittFax4, 8, 2) };
        assert_eq!(decode(&reversed, &low_first).expect("it is well formed"), samples);
    }

    #[test]
    fn too_few_rows_are_an_error() {
        assert!(decode(&[], &layout(Compression::CcittFax4, 8, 2)).is_err());
        assert!(decode(&[0b0010_1111], &layout(Compression::CcittFax3, 8, 200)).is_err());
    }

    #[test]
    fn runs_become_bits_at_any_place() {
        let mut row = [0; 3];
        blacken(&mut row, 3, 5);
        blacken(&mut row, 7, 18);
        assert_eq!(row, [0b0001_1001, 0xff, 0b1100_0000]);
    }
}
