//! Samples of few, odd or half bits to the types that hold them.

use super::{BlockLayout, CodecError};
use crate::raster::SampleType;

/// Turns samples as they are stored, whole bytes in the order of this machine, into samples of the layout's type.
///
/// Integers keep their bits and become unsigned, as in GDAL; a sample of one bit becomes 0 or 1.
pub(super) fn widen(stored: Vec<u8>, layout: &BlockLayout) -> Result<Vec<u8>, CodecError> {
    let (bits, target) = (u32::from(layout.bits), layout.sample);
    match (bits, target) {
        (_, _) if bits as usize == target.bytes() * 8 => Ok(stored),
        (16, SampleType::F32) => {
            Ok(each_word::<2, 4>(&stored, |word| half(u16::from_ne_bytes(word)).to_ne_bytes()))
        }
        (24, SampleType::F32) => {
            Ok(each_word::<3, 4>(&stored, |word| three_quarters(three_bytes(word)).to_ne_bytes()))
        }
        (24, SampleType::U32 | SampleType::I32) => {
            Ok(each_word::<3, 4>(&stored, |[a, b, c]| {
                // libtiff turns the bytes of a big-endian file around, GDAL takes its bits from the first byte on in
                // either: in effect a file has them in the order that its header does not say.
                let bytes = if layout.big_endian { [c, b, a] } else { [a, b, c] };
                u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]).to_ne_bytes()
            }))
        }
        (1..=31, _) if !target.is_float() && target.bytes() <= 4 && bits as usize <= target.bytes() * 8 => {
            Ok(unpack(&stored, layout))
        }
        _ => Err(CodecError::Bits { bits: layout.bits, sample: target.name() }),
    }
}

fn each_word<const N: usize, const M: usize>(stored: &[u8], widen: impl Fn([u8; N]) -> [u8; M]) -> Vec<u8> {
    let (words, _) = stored.as_chunks::<N>();
    words.iter().flat_map(|&word| widen(word)).collect()
}

fn three_bytes([a, b, c]: [u8; 3]) -> u32 {
    if cfg!(target_endian = "big") {
        u32::from_be_bytes([0, a, b, c])
    } else {
        u32::from_le_bytes([a, b, c, 0])
    }
}

/// Takes samples from rows that begin at whole bytes, most significant bit first, whatever the byte order of the file.
fn unpack(stored: &[u8], layout: &BlockLayout) -> Vec<u8> {
    let per_row = layout.size.width as usize * layout.bands;
    let mut out = Vec::with_capacity(layout.samples().saturating_mul(layout.sample.bytes()));
    for row in stored.chunks_exact(layout.row_bytes().max(1)) {
        let samples = RowBits::new(row, u32::from(layout.bits)).take(per_row);
        match layout.sample.bytes() {
            1 => out.extend(samples.map(|sample| sample as u8)),
            2 => out.extend(samples.flat_map(|sample| (sample as u16).to_ne_bytes())),
            _ => out.extend(samples.flat_map(u32::to_ne_bytes)),
        }
    }
    out
}

/// The samples of one row.
struct RowBits<'a> {
    bytes: std::slice::Iter<'a, u8>,
    bits: u32,
    held: u64,
    held_bits: u32,
}

impl<'a> RowBits<'a> {
    fn new(row: &'a [u8], bits: u32) -> Self {
        Self { bytes: row.iter(), bits, held: 0, held_bits: 0 }
    }
}

impl Iterator for RowBits<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        while self.held_bits < self.bits {
            self.held = self.held << 8 | u64::from(*self.bytes.next()?);
            self.held_bits += 8;
        }
        self.held_bits -= self.bits;
        Some((self.held >> self.held_bits & ((1 << self.bits) - 1)) as u32)
    }
}

/// A floating point number of 16 bits: sign, 5 bits of exponent, 10 of fraction. Source: IEEE 754-2008, binary16.
fn half(bits: u16) -> f32 {
    small_float(u32::from(bits), 5, 10)
}

/// A floating point number of 24 bits: sign, 7 bits of exponent, 16 of fraction.
/// Source: Adobe Photoshop TIFF Technical Note 3 (2005).
fn three_quarters(bits: u32) -> f32 {
    small_float(bits, 7, 16)
}

/// Every such number is exact in 32 bits: the exponent has a new bias, the fraction new zeros at its end.
fn small_float(bits: u32, exponent_bits: u32, fraction_bits: u32) -> f32 {
    let sign = (bits >> (exponent_bits + fraction_bits) & 1) << 31;
    let most = (1 << exponent_bits) - 1;
    let exponent = bits >> fraction_bits & most;
    let fraction = bits & ((1 << fraction_bits) - 1);
    let bias = most >> 1;
    let widened = fraction << (23 - fraction_bits);
    if exponent == most {
        return f32::from_bits(sign | 0xff << 23 | widened);
    }
    if exponent == 0 {
        // Subnormal: the fraction counts units of the least number.
        let unit = 2f32.powi(1 - bias as i32 - fraction_bits as i32);
        let value = fraction as f32 * unit;
        return f32::from_bits(sign | value.to_bits());
    }
    f32::from_bits(sign | (exponent + 127 - bias) << 23 | widened)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        codec::{Compression, decode, plain},
        geom::Size,
    };

    fn layout(bits: u16, sample: SampleType, width: u32, height: u32) -> BlockLayout {
        BlockLayout { bits, sample, ..plain(Size::new(width, height), Compression::None) }
    }

    #[test]
    fn single_bits_stay_zero_and_one_and_padding_is_left_out() {
        let layout = layout(1, SampleType::U8, 10, 2);
        let stored = [0b1010_0000, 0b0100_0000, 0b0000_0001, 0b1000_0000];
        let samples = decode(&stored, &layout).expect("it is well formed");
        assert_eq!(samples, [1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0]);
        let layout = BlockLayout { low_bit_first: true, ..layout };
        assert_eq!(decode(&stored, &layout).expect("it is well formed")[5], 1);
    }

    #[test]
    fn twelve_bits_begin_with_the_most_significant_one() {
        let samples = decode(&[0xab, 0xcd, 0xef, 0x12, 0x30], &layout(12, SampleType::U16, 3, 1))
            .expect("it is well formed");
        let words: Vec<u16> = samples.as_chunks().0.iter().map(|&word| u16::from_ne_bytes(word)).collect();
        assert_eq!(words, [0xabc, 0xdef, 0x123]);
    }

    #[test]
    fn three_bytes_are_in_the_order_that_gdal_gives_them() {
        for (big_endian, stored) in [(false, [1, 2, 3]), (true, [3, 2, 1])] {
            let layout = BlockLayout { big_endian, ..layout(24, SampleType::U32, 1, 1) };
            assert_eq!(decode(&stored, &layout).expect("it is well formed"), 0x01_02_03u32.to_ne_bytes());
        }
    }

    #[test]
    fn small_floating_point_numbers_are_exact() {
        for (bits, value) in
            [(0x3c00, 1.0), (0xc000, -2.0), (1, 2f32.powi(-24)), (0x7bff, 65_504.0), (0, 0.0)]
        {
            assert_eq!(half(bits).to_bits(), f32::to_bits(value), "{bits:#x}");
        }
        assert!(half(0x7e00).is_nan() && half(0xfc00) == f32::NEG_INFINITY);
        assert_eq!(three_quarters(0x3f_8000).to_bits(), 1.5_f32.to_bits());
        assert_eq!(three_quarters(0xc0_0000).to_bits(), (-2.0_f32).to_bits());
    }

    #[test]
    fn bits_that_do_not_fit_their_type_are_an_error() {
        let odd = layout(33, SampleType::U32, 1, 1);
        assert!(matches!(decode(&[0; 5], &odd), Err(CodecError::Bits { bits: 33, .. })));
        assert!(decode(&[0; 2], &layout(12, SampleType::U8, 1, 1)).is_err());
        assert!(decode(&[0; 2], &layout(12, SampleType::F32, 1, 1)).is_err());
    }
}
