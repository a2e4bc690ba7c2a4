//! What the channels of a JP2 file stand for: `colr`, `cdef`, `pclr`, `cmap`.
//!
//! Source: ISO/IEC 15444-1, Annex I.5.3.

use super::{Jp2Error, boxes::Jp2Box};
use crate::io::ByteSource;

/// What a band stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Channel {
    Grey,
    Red,
    Green,
    Blue,
    Alpha,
    PremultipliedAlpha,
    Undefined,
}

/// Colours of a file, as far as its boxes tell.
#[derive(Debug, Clone, Default)]
pub(super) struct Colours {
    /// `EnumCS`: 16 sRGB, 17 grey, 18 sYCC.
    space: Option<u32>,
    /// Number of a channel, its type and what it is associated with.
    definitions: Vec<(u16, u16, u16)>,
    /// Red, green, blue, alpha of each index.
    pub palette: Option<Vec<[u8; 4]>>,
}

impl Colours {
    pub fn read(source: &dyn ByteSource, boxes: &[Jp2Box]) -> Result<Self, Jp2Error> {
        let mut colours = Self::default();
        // Nothing here decides how pixels are decoded but the palette, so what is too short counts as absent.
        for one in boxes.iter().filter(|one| one.depth == 1) {
            match &one.kind {
                b"colr" if colours.space.is_none() => colours.space = space(&one.read(source)?),
                b"cdef" => {
                    let bytes = one.read(source)?;
                    let (words, _) = bytes.get(2..).unwrap_or_default().as_chunks::<2>();
                    let words: Vec<u16> = words.iter().map(|word| u16::from_be_bytes(*word)).collect();
                    colours.definitions = words.chunks_exact(3).map(|own| (own[0], own[1], own[2])).collect();
                }
                b"pclr" => colours.palette = palette(&one.read(source)?),
                _ => {}
            }
        }
        Ok(colours)
    }

    /// Whether three components are luma and chroma that no decoder converts.
    pub fn is_ycc(&self, subsampled: bool) -> bool {
        match self.space {
            Some(18) => true,
            Some(_) => false,
            None => subsampled,
        }
    }

    /// What each band stands for.
    pub fn channels(&self, bands: usize) -> Vec<Channel> {
        let colour = |number: usize| match (bands, number) {
            (1 | 2, 0) => Channel::Grey,
            (3.., 0) => Channel::Red,
            (3.., 1) => Channel::Green,
            (3.., 2) => Channel::Blue,
            _ => Channel::Undefined,
        };
        let mut channels: Vec<Channel> = (0..bands).map(colour).collect();
        for &(number, kind, association) in &self.definitions {
            if let Some(channel) = channels.get_mut(usize::from(number)) {
                *channel = match (kind, association) {
                    (0, 1..) => colour(usize::from(association) - 1),
                    (1, _) => Channel::Alpha,
                    (2, _) => Channel::PremultipliedAlpha,
                    _ => Channel::Undefined,
                };
            }
        }
        channels
    }
}

fn space(bytes: &[u8]) -> Option<u32> {
    match bytes {
        [1, _, _, rest @ ..] => rest.first_chunk().copied().map(u32::from_be_bytes),
        _ => None,
    }
}

/// A palette of three or four columns of 8 bits; GDAL shows no other.
fn palette(bytes: &[u8]) -> Option<Vec<[u8; 4]>> {
    let (&[high, low, columns], rest) = bytes.split_first_chunk()?;
    let columns = usize::from(columns);
    let (depths, rest) = rest.split_at_checked(columns)?;
    if !(3..=4).contains(&columns) || depths.iter().any(|&depth| depth != 7) {
        return None;
    }
    let entries = usize::from(u16::from_be_bytes([high, low]));
    let colours: Vec<[u8; 4]> = rest
        .chunks_exact(columns)
        .take(entries)
        .map(|own| [own[0], own[1], own[2], own.get(3).copied().unwrap_or(255)])
        .collect();
    (colours.len() == entries && (1..=1024).contains(&entries)).then_some(colours)
}

/// Luma and chroma of 8 bits to red, green, blue, in place.
pub(super) fn ycc_to_rgb(planes: &mut [Vec<i32>]) {
    let [a, b, c, ..] = planes else { return };
    for ((y, u), v) in a.iter_mut().zip(b).zip(c) {
        let (luma, cb, cr) = (*y as f32, *u as f32 - 128.0, *v as f32 - 128.0);
        let rounded = |value: f32| (value.round() as i32).clamp(0, 255);
        *y = rounded(luma + 1.402 * cr);
        *u = rounded(luma - 0.344_136 * cb - 0.714_136 * cr);
        *v = rounded(luma + 1.772 * cb);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_say_which_band_is_what() {
        let colours = Colours { definitions: vec![(0, 0, 3), (2, 0, 1), (3, 2, 0)], ..Colours::default() };
        let expected = [Channel::Blue, Channel::Green, Channel::Red, Channel::PremultipliedAlpha];
        assert_eq!(colours.channels(4), expected);
        assert_eq!(Colours::default().channels(4)[3], Channel::Undefined);
    }

    #[test]
    fn a_palette_that_is_cut_short_counts_as_absent() {
        let whole = [0, 2, 3, 7, 7, 7, 1, 2, 3, 4, 5, 6];
        assert_eq!(palette(&whole), Some(vec![[1, 2, 3, 255], [4, 5, 6, 255]]));
        assert_eq!(palette(&whole[..11]), None);
    }

    #[test]
    fn grey_chroma_changes_nothing() {
        let mut planes = vec![vec![0, 77, 255], vec![128; 3], vec![128; 3]];
        ycc_to_rgb(&mut planes);
        assert_eq!(planes, vec![vec![0, 77, 255]; 3]);
    }
}
