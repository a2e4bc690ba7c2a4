//! Four pixels become one: averaged as GDAL's `AVERAGE`, where only valid ones weigh, or the most frequent of a palette.

use crate::{
    geom::Size,
    raster::{Raster, SampleType, Samples},
};

/// How four pixels become one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reduction {
    /// The most frequent value instead of the mean: of indices there is no mean.
    pub is_mode: bool,
    /// The value that means nothing: no mean of valid pixels may be it.
    pub nodata: Option<f64>,
    /// Whether a mask is as strong as the mean of four, not as the strongest of them.
    pub has_alpha: bool,
}

/// The raster at half its size, odd columns and rows rounded up: those at the edge are made of two pixels or one.
pub(crate) fn halved(raster: &Raster, how: Reduction) -> Raster {
    let size = raster.size();
    let target = Size::new(size.width.div_ceil(2), size.height.div_ceil(2));
    let grid = Grid { size, target, bands: raster.bands() };
    let mask = raster.mask().map(|mask| grid.mask(mask, how.has_alpha));
    // Nothing is not a value: also where a pixel holds no number.
    let filler = how.nodata.unwrap_or(if raster.samples().kind().is_float() { f64::NAN } else { 0.0 });
    macro_rules! halved {
        ($values:expr, $variant:ident, $word:ty) => {{
            let nodata = how.nodata.map(|value| value as $word);
            let whole = |four: [$word; 4]| <$word>::mean(&four);
            let combine = |four: &[$word]| {
                let value = if how.is_mode { mode(four) } else { <$word>::mean(four) };
                if nodata == Some(value) && !how.is_mode { value.next() } else { value }
            };
            Samples::$variant(match raster.mask() {
                None if !how.is_mode && nodata.is_none() => grid.all($values, whole),
                mask => grid.valid($values, mask, filler as $word, combine),
            })
        }};
    }
    let samples = match raster.samples() {
        Samples::U8(values) => halved!(values, U8, u8),
        Samples::I8(values) => halved!(values, I8, i8),
        Samples::U16(values) => halved!(values, U16, u16),
        Samples::I16(values) => halved!(values, I16, i16),
        Samples::U32(values) => halved!(values, U32, u32),
        Samples::I32(values) => halved!(values, I32, i32),
        Samples::U64(values) => halved!(values, U64, u64),
        Samples::I64(values) => halved!(values, I64, i64),
        Samples::F32(values) => halved!(values, F32, f32),
        Samples::F64(values) => halved!(values, F64, f64),
    };
    Raster::new(target, raster.bands(), samples, mask)
}

/// Four rasters, upper left, upper right, lower left, lower right, of which those on the right and below may be missing,
/// to one.
pub(super) fn joined(parts: &[Option<Raster>; 4], bands: usize, kind: SampleType) -> Raster {
    let size = |part: usize| parts[part].as_ref().map_or(Size::new(0, 0), Raster::size);
    let (left, right, below) = (size(0), size(1), size(2));
    let whole = Size::new(left.width + right.width, left.height + below.height);
    if let ([Some(only), None, None, None], true) = (parts, whole == left) {
        return only.clone();
    }
    let has_mask = parts.iter().flatten().any(|part| part.mask().is_some());
    let mut mask = has_mask.then(|| vec![255; whole.pixels() as usize]);
    let mut samples = Samples::zeros(kind, whole.pixels() as usize * bands);
    let corners = [(0, 0), (left.width, 0), (0, left.height), (left.width, left.height)];
    for (part, (col, row)) in parts.iter().zip(corners).filter_map(|(part, at)| Some((part.as_ref()?, at))) {
        let width = part.size().width as usize;
        for line in 0..part.size().height as usize {
            let to = (row as usize + line) * whole.width as usize + col as usize;
            let from = line * width;
            samples.copy_from(to * bands, part.samples(), from * bands..(from + width) * bands);
            if let (Some(mask), Some(of_part)) = (&mut mask, part.mask()) {
                mask[to..to + width].copy_from_slice(&of_part[from..from + width]);
            }
        }
    }
    Raster::new(whole, bands, samples, mask)
}

/// Sizes before and after.
struct Grid {
    size: Size,
    target: Size,
    bands: usize,
}

impl Grid {
    /// The four pixels under a row of the target; the last ones count twice where there are only two or one.
    fn fours(&self, row: usize) -> impl Iterator<Item = [usize; 4]> + use<> {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let (upper, lower) = (row * 2 * width, (row * 2 + 1).min(height - 1) * width);
        (0..self.target.width as usize).map(move |col| {
            let (left, right) = (col * 2, (col * 2 + 1).min(width - 1));
            [upper + left, upper + right, lower + left, lower + right]
        })
    }

    fn mask(&self, mask: &[u8], has_alpha: bool) -> Vec<u8> {
        let one = |four: [usize; 4]| {
            let four = four.map(|at| mask[at]);
            if has_alpha { u8::mean(&four) } else { four.into_iter().max().unwrap_or(0) }
        };
        (0..self.target.height as usize).flat_map(|row| self.fours(row).map(one)).collect()
    }

    /// Every pixel is valid.
    fn all<T: Copy>(&self, values: &[T], whole: impl Fn([T; 4]) -> T) -> Vec<T> {
        let bands = self.bands;
        let mut out = Vec::with_capacity(self.target.pixels() as usize * bands);
        for row in 0..self.target.height as usize {
            for four in self.fours(row) {
                let [a, b, c, d] = four.map(|at| &values[at * bands..][..bands]);
                out.extend((0..bands).map(|band| whole([a[band], b[band], c[band], d[band]])));
            }
        }
        out
    }

    fn valid<T: Copy>(
        &self,
        values: &[T],
        mask: Option<&[u8]>,
        filler: T,
        combine: impl Fn(&[T]) -> T,
    ) -> Vec<T> {
        let bands = self.bands;
        let mut out = Vec::with_capacity(self.target.pixels() as usize * bands);
        let mut found = [filler; 4];
        for row in 0..self.target.height as usize {
            for four in self.fours(row) {
                for band in 0..bands {
                    let mut count = 0;
                    for at in four.into_iter().filter(|&at| mask.is_none_or(|mask| mask[at] != 0)) {
                        found[count] = values[at * bands + band];
                        count += 1;
                    }
                    out.push(if count == 0 { filler } else { combine(&found[..count]) });
                }
            }
        }
        out
    }
}

/// The most frequent of up to four values; the first of several.
fn mode<T: Copy + PartialEq>(values: &[T]) -> T {
    let count = |value: T| values.iter().filter(|other| **other == value).count();
    let mut best = values[0];
    for &value in values {
        if count(value) > count(best) {
            best = value;
        }
    }
    best
}

trait Number: Copy {
    /// The mean, halves rounded up as in GDAL.
    fn mean(values: &[Self]) -> Self;
    /// A value beside this one.
    fn next(self) -> Self;
}

macro_rules! integer {
    ($($word:ty, $wide:ty);*) => {$(
        impl Number for $word {
            #[inline]
            fn mean(values: &[Self]) -> Self {
                let count = values.len() as $wide;
                let sum: $wide = values.iter().map(|&value| value as $wide).sum();
                (2 * sum + count).div_euclid(2 * count) as Self
            }

            fn next(self) -> Self {
                if self == Self::MAX { self - 1 } else { self + 1 }
            }
        }
    )*};
}
integer!(u8, u32; i8, i32; u16, u32; i16, i32; u32, u64; i32, i64; u64, i128; i64, i128);

macro_rules! floating {
    ($($word:ty),*) => {$(
        impl Number for $word {
            #[inline]
            #[allow(clippy::unnecessary_cast, clippy::allow_attributes, reason = "one of the types is f64")]
            fn mean(values: &[Self]) -> Self {
                let sum: f64 = values.iter().map(|&value| value as f64).sum();
                (sum / values.len() as f64) as Self
            }

            fn next(self) -> Self {
                self.next_up()
            }
        }
    )*};
}
floating!(f32, f64);

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Reduction = Reduction { is_mode: false, nodata: None, has_alpha: false };

    fn grey(width: u32, values: &[u8], mask: Option<&[u8]>) -> Raster {
        let size = Size::new(width, values.len() as u32 / width);
        Raster::new(size, 1, values.to_vec(), mask.map(<[u8]>::to_vec))
    }

    #[test]
    fn only_valid_pixels_weigh_and_one_is_enough() {
        let mask = [255, 0, 0, 0, 0, 255, 0, 0];
        let half = halved(&grey(4, &[10, 99, 1, 2, 99, 13, 3, 4], Some(&mask)), PLAIN);
        assert_eq!(half.samples(), &Samples::U8(vec![12, 0]));
        assert_eq!(half.mask(), Some(&[255, 0][..]));
    }

    #[test]
    fn an_odd_edge_is_made_of_what_is_there() {
        let half = halved(&grey(3, &[1, 3, 10, 5, 7, 21, 9, 9, 8], None), PLAIN);
        assert_eq!((half.size(), half.samples()), (Size::new(2, 2), &Samples::U8(vec![4, 16, 9, 8])));
    }

    #[test]
    fn a_mean_is_never_the_value_that_means_nothing() {
        let raster = Raster::new(Size::new(2, 2), 1, Samples::I16(vec![-4, -2, -4, -2]), None);
        let half = halved(&raster, Reduction { nodata: Some(-3.0), ..PLAIN });
        assert_eq!(half.samples(), &Samples::I16(vec![-2]));
    }

    #[test]
    fn an_index_is_the_most_frequent_one() {
        let half = halved(&grey(2, &[7, 3, 3, 9], None), Reduction { is_mode: true, ..PLAIN });
        assert_eq!(half.samples(), &Samples::U8(vec![3]));
    }

    #[test]
    fn alpha_is_averaged_and_a_mask_is_not() {
        let raster = grey(2, &[1, 1, 1, 1], Some(&[255, 0, 0, 0]));
        assert_eq!(halved(&raster, PLAIN).mask(), None);
        assert_eq!(halved(&raster, Reduction { has_alpha: true, ..PLAIN }).mask(), Some(&[64][..]));
    }

    #[test]
    fn four_become_one_whatever_is_missing() {
        let part = |v: u8, width: u32| Some(grey(width, &vec![v; width as usize], None));
        let whole = joined(&[part(1, 2), part(2, 1), part(3, 2), part(4, 1)], 1, SampleType::U8);
        assert_eq!(whole.samples(), &Samples::U8(vec![1, 1, 2, 3, 3, 4]));
        let left = joined(&[part(1, 2), None, part(3, 2), None], 1, SampleType::U8);
        assert_eq!((left.size(), left.samples()), (Size::new(2, 2), &Samples::U8(vec![1, 1, 3, 3])));
    }
}
