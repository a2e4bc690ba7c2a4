//! Undoes what was done to samples so that they compress better, and the byte order.

use super::{BlockLayout, CodecError};

/// What was done to the samples before compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Predictor {
    /// Nothing.
    None,
    /// Each sample is the difference from its left neighbour.
    Horizontal,
    /// As `Horizontal`, on the bytes of floating point numbers sorted by significance.
    FloatingPoint,
}

impl Predictor {
    /// The predictor of that number in the tag `Predictor`, for samples of so many bits.
    ///
    /// # Errors
    /// When the standard has no such predictor for such samples.
    pub const fn from_tag(value: u16, bits: u16) -> Result<Self, CodecError> {
        match (value, bits) {
            (1, _) => Ok(Self::None),
            (2, 8 | 16 | 32 | 64) => Ok(Self::Horizontal),
            (3, 16 | 24 | 32 | 64) => Ok(Self::FloatingPoint),
            _ => Err(CodecError::Predictor { value, bits }),
        }
    }

    /// Prepares the samples of a block in the order of this machine, `[row, col, band]`, for compression; they come out with
    /// the least significant byte first, as a little-endian file stores them.
    pub fn apply(self, samples: &mut [u8], cols: usize, bands: usize, sample_bytes: usize) {
        let row_bytes = (cols * bands * sample_bytes).max(1);
        for row in samples.chunks_exact_mut(row_bytes) {
            match (self, sample_bytes) {
                (Self::None, _) => {}
                (Self::FloatingPoint, _) => do_floating_point(row, bands, sample_bytes),
                (Self::Horizontal, 1) => do_bytes(row, bands),
                (Self::Horizontal, 2) => do_words::<2>(row, bands, |a, b| {
                    u16::from_ne_bytes(a).wrapping_sub(u16::from_ne_bytes(b)).to_ne_bytes()
                }),
                (Self::Horizontal, 4) => do_words::<4>(row, bands, |a, b| {
                    u32::from_ne_bytes(a).wrapping_sub(u32::from_ne_bytes(b)).to_ne_bytes()
                }),
                (Self::Horizontal, _) => do_words::<8>(row, bands, |a, b| {
                    u64::from_ne_bytes(a).wrapping_sub(u64::from_ne_bytes(b)).to_ne_bytes()
                }),
            }
        }
        if self != Self::FloatingPoint && cfg!(target_endian = "big") && sample_bytes > 1 {
            samples.chunks_exact_mut(sample_bytes).for_each(<[u8]>::reverse);
        }
    }

    const fn tag(self) -> u16 {
        match self {
            Self::None => 1,
            Self::Horizontal => 2,
            Self::FloatingPoint => 3,
        }
    }
}

/// Brings the samples of a block into the order of this machine and undoes the predictor.
///
/// Samples that do not end at whole bytes have no order: their most significant bit is always first.
pub(super) fn undo(samples: &mut [u8], layout: &BlockLayout) -> Result<(), CodecError> {
    let predictor = layout.applied_predictor();
    Predictor::from_tag(predictor.tag(), layout.bits)?;
    let bytes = usize::from(layout.bits / 8);
    let row_bytes = layout.row_bytes().max(1);
    if predictor == Predictor::FloatingPoint {
        for row in samples.chunks_exact_mut(row_bytes) {
            undo_floating_point(row, layout.bands, bytes);
        }
        return Ok(());
    }
    if layout.bits.is_multiple_of(8) && layout.big_endian != cfg!(target_endian = "big") {
        match bytes {
            2 => reverse_words::<2>(samples),
            3 if layout.sample.is_float() => reverse_words::<3>(samples),
            4 => reverse_words::<4>(samples),
            8 => reverse_words::<8>(samples),
            _ => {}
        }
    }
    if predictor == Predictor::Horizontal {
        for row in samples.chunks_exact_mut(row_bytes) {
            match bytes {
                1 => undo_bytes(row, layout.bands),
                2 => undo_words::<2>(row, layout.bands, |a, b| {
                    u16::from_ne_bytes(a).wrapping_add(u16::from_ne_bytes(b)).to_ne_bytes()
                }),
                4 => undo_words::<4>(row, layout.bands, |a, b| {
                    u32::from_ne_bytes(a).wrapping_add(u32::from_ne_bytes(b)).to_ne_bytes()
                }),
                _ => undo_words::<8>(row, layout.bands, |a, b| {
                    u64::from_ne_bytes(a).wrapping_add(u64::from_ne_bytes(b)).to_ne_bytes()
                }),
            }
        }
    }
    Ok(())
}

fn reverse_words<const N: usize>(samples: &mut [u8]) {
    samples.as_chunks_mut::<N>().0.iter_mut().for_each(|word| word.reverse());
}

fn undo_bytes(row: &mut [u8], bands: usize) {
    undo_words::<1>(row, bands, |[a], [b]| [a.wrapping_add(b)]);
}

fn undo_words<const N: usize>(row: &mut [u8], bands: usize, add: impl Fn([u8; N], [u8; N]) -> [u8; N]) {
    let (words, _) = row.as_chunks_mut::<N>();
    match bands {
        1 => undo_pixels::<N, 1>(words, add),
        2 => undo_pixels::<N, 2>(words, add),
        3 => undo_pixels::<N, 3>(words, add),
        4 => undo_pixels::<N, 4>(words, add),
        _ => {
            for i in bands..words.len() {
                words[i] = add(words[i], words[i - bands]);
            }
        }
    }
}

/// With the last pixel at hand, which need not come back from memory: the next one waits for it.
fn undo_pixels<const N: usize, const BANDS: usize>(
    words: &mut [[u8; N]],
    add: impl Fn([u8; N], [u8; N]) -> [u8; N],
) {
    let mut last = [[0; N]; BANDS];
    for pixel in words.as_chunks_mut::<BANDS>().0 {
        for (sum, word) in last.iter_mut().zip(&mut *pixel) {
            *sum = add(*word, *sum);
            *word = *sum;
        }
    }
}

/// Source: Adobe Photoshop TIFF Technical Note 3 (2005).
fn undo_floating_point(row: &mut [u8], bands: usize, bytes: usize) {
    undo_bytes(row, bands);
    let planes = row.to_vec();
    let count = row.len() / bytes;
    for (i, sample) in row.chunks_exact_mut(bytes).enumerate() {
        for (byte, target) in sample.iter_mut().enumerate() {
            // The planes run from the most significant byte to the least.
            let plane = if cfg!(target_endian = "big") { byte } else { bytes - 1 - byte };
            *target = planes[plane * count + i];
        }
    }
}

fn do_bytes(row: &mut [u8], bands: usize) {
    for i in (bands..row.len()).rev() {
        row[i] = row[i].wrapping_sub(row[i - bands]);
    }
}

fn do_words<const N: usize>(row: &mut [u8], bands: usize, subtract: impl Fn([u8; N], [u8; N]) -> [u8; N]) {
    let (words, _) = row.as_chunks_mut::<N>();
    for i in (bands..words.len()).rev() {
        words[i] = subtract(words[i], words[i - bands]);
    }
}

fn do_floating_point(row: &mut [u8], bands: usize, bytes: usize) {
    let samples = row.to_vec();
    let count = row.len() / bytes;
    for (i, sample) in samples.chunks_exact(bytes).enumerate() {
        for (byte, &value) in sample.iter().enumerate() {
            let plane = if cfg!(target_endian = "big") { byte } else { bytes - 1 - byte };
            row[plane * count + i] = value;
        }
    }
    do_bytes(row, bands);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        codec::{Compression, decode, plain},
        geom::Size,
        raster::SampleType,
    };

    fn compressed(stored: &[u8]) -> Vec<u8> {
        zstd::bulk::compress(stored, 1).expect("it compresses")
    }

    #[test]
    fn differences_add_up_within_a_row_and_a_band() {
        let layout = BlockLayout {
            bands: 3,
            predictor: Predictor::Horizontal,
            ..plain(Size::new(3, 2), Compression::Zstd)
        };
        let stored = [10, 20, 30, 1, 2, 3, 255, 254, 253, 1, 1, 1, 1, 1, 1, 1, 1, 1];
        let samples = decode(&compressed(&stored), &layout).expect("it is well formed");
        assert_eq!(samples, [10, 20, 30, 11, 22, 33, 10, 20, 30, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
    }

    #[test]
    fn any_number_of_bands_of_any_bytes_comes_back() {
        for (bands, bytes) in (1..=6).flat_map(|bands| [1, 2, 4, 8].map(|bytes| (bands, bytes))) {
            let size = Size::new(37, 2);
            let count = size.pixels() as usize * bands * bytes;
            let samples: Vec<u8> = (0..count).map(|i| (i * i * 7 + i / 3) as u8).collect();
            let mut stored = samples.clone();
            Predictor::Horizontal.apply(&mut stored, 37, bands, bytes);
            assert_ne!(stored, samples, "{bands} bands of {bytes} bytes");
            let layout = BlockLayout {
                bands,
                bits: 8 * bytes as u16,
                predictor: Predictor::Horizontal,
                ..plain(size, Compression::Zstd)
            };
            undo(&mut stored, &layout).expect("it has that predictor");
            assert_eq!(stored, samples, "{bands} bands of {bytes} bytes");
        }
    }

    #[test]
    fn differences_of_big_endian_words_carry() {
        let layout = BlockLayout {
            bits: 16,
            sample: SampleType::U16,
            big_endian: true,
            predictor: Predictor::Horizontal,
            ..plain(Size::new(2, 1), Compression::Zstd)
        };
        let samples = decode(&compressed(&[0x00, 0xff, 0x00, 0x02]), &layout).expect("it is well formed");
        let words: Vec<u16> =
            samples.chunks_exact(2).map(|b| u16::from_ne_bytes(b.try_into().expect("two bytes"))).collect();
        assert_eq!(words, [0x00ff, 0x0101]);
    }

    #[test]
    fn floating_point_planes_come_together_again() {
        let values = [1.5f32, -2.25, 1e-3, 4096.0];
        let mut planes: Vec<u8> = (0..4).flat_map(|byte| values.map(|v| v.to_be_bytes()[byte])).collect();
        for i in (1..planes.len()).rev() {
            planes[i] = planes[i].wrapping_sub(planes[i - 1]);
        }
        let layout = BlockLayout {
            bits: 32,
            sample: SampleType::F32,
            predictor: Predictor::FloatingPoint,
            ..plain(Size::new(4, 1), Compression::Zstd)
        };
        let samples = decode(&compressed(&planes), &layout).expect("it is well formed");
        let back: Vec<f32> =
            samples.chunks_exact(4).map(|b| f32::from_ne_bytes(b.try_into().expect("four bytes"))).collect();
        assert_eq!(back, values);
    }

    #[test]
    fn a_predictor_that_the_standard_does_not_have_is_an_error_unless_it_means_nothing() {
        let layout = BlockLayout {
            bits: 12,
            sample: SampleType::U16,
            predictor: Predictor::Horizontal,
            ..plain(Size::new(1, 1), Compression::Zstd)
        };
        assert!(matches!(
            decode(&compressed(&[0; 2]), &layout),
            Err(CodecError::Predictor { value: 2, bits: 12 })
        ));
        let layout = BlockLayout { compression: Compression::None, ..layout };
        assert!(decode(&[0; 2], &layout).is_ok());
    }

    #[test]
    fn what_was_prepared_comes_back() {
        let bytes: Vec<u8> = (0..5 * 3 * 2 * 8u32).map(|i| (i * i / 7) as u8).collect();
        for (bits, sample) in
            [(8, SampleType::U8), (16, SampleType::I16), (32, SampleType::F32), (64, SampleType::F64)]
        {
            for predictor in [Predictor::None, Predictor::Horizontal, Predictor::FloatingPoint] {
                if predictor == Predictor::FloatingPoint && !sample.is_float() {
                    continue;
                }
                let layout = BlockLayout {
                    bands: 3,
                    bits,
                    sample,
                    predictor,
                    ..plain(Size::new(5, 2), Compression::Zstd)
                };
                let samples = &bytes[..layout.decoded_bytes()];
                let mut stored = samples.to_vec();
                predictor.apply(&mut stored, 5, 3, sample.bytes());
                assert_eq!(decode(&compressed(&stored), &layout).expect("it is well formed"), samples);
            }
        }
    }
}
