//! Nodata and alpha become the mask that travels with the pixels.

use super::{NodataRule, OpenOptions};
use crate::{
    cog::Alpha,
    geom::Size,
    raster::{Raster, SampleType, Samples},
};

/// Why a nodata value cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value is not a number")]
pub struct NodataError;

/// The value of the tag `GDAL_NODATA` (42113); `None` where no sample of that type can have it.
pub(super) fn nodata(text: Option<&str>, sample: SampleType) -> Result<Option<f64>, NodataError> {
    let Some(text) = text else { return Ok(None) };
    let text = text.trim_matches(['\0', ' ']);
    if text.is_empty() {
        return Ok(None);
    }
    let value: f64 = text.replace(',', ".").parse().map_err(|_| NodataError)?;
    Ok(can_be(value, sample).then_some(value))
}

/// Whether a sample of that type can have the value.
pub(super) fn can_be(value: f64, sample: SampleType) -> bool {
    let (least, most) = sample.range();
    sample.is_float() || (value.fract() == 0.0 && (least..=most).contains(&value))
}

/// What decides which pixels of a decoded block show.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rules {
    pub alpha: Option<Alpha>,
    pub nodata: Option<f64>,
    /// Nodata hides nothing by itself: a collar does, where it is connected with the edge.
    pub nodata_is_collar: bool,
}

impl Rules {
    /// What the file says, or what was said instead.
    pub(super) fn new(
        alpha: Option<Alpha>,
        nodata: Option<f64>,
        sample: SampleType,
        options: &OpenOptions,
    ) -> Self {
        let nodata = match options.nodata {
            NodataRule::Own => nodata,
            NodataRule::Off => None,
            NodataRule::Value(value) => Some(value).filter(|value| can_be(*value, sample)),
        };
        Self { alpha: alpha.filter(|_| !options.alpha_is_data), nodata, nodata_is_collar: false }
    }

    /// Whether a pixel can be invalid.
    pub(super) fn hide_anything(self) -> bool {
        self.alpha.is_some() || self.nodata.is_some()
    }

    /// A block as it is stored, alpha among its bands, to colours with a mask.
    ///
    /// `full_alpha` is the value of alpha that is opaque.
    pub(super) fn apply(self, size: Size, bands: usize, samples: Samples, full_alpha: f64) -> Raster {
        let count = size.pixels() as usize;
        let mut mask = hidden_by_value(&samples, bands, self);
        let Some(alpha) = self.alpha.filter(|alpha| alpha.band < bands) else {
            return Raster::new(size, bands, samples, mask);
        };
        let (colours, validity) = split(samples, bands, alpha, full_alpha);
        let mask = match &mut mask {
            Some(mask) => {
                mask.iter_mut().zip(&validity).for_each(|(a, &b)| *a = (*a).min(b));
                mask.split_off(0)
            }
            None => validity,
        };
        debug_assert_eq!(mask.len(), count);
        Raster::new(size, bands - 1, colours, Some(mask))
    }
}

/// The mask of pixels whose every colour has the nodata value, as GDAL's `UNIFIED_SRC_NODATA`, or is not a number.
fn hidden_by_value(samples: &Samples, bands: usize, rules: Rules) -> Option<Vec<u8>> {
    let alpha = rules.alpha.map_or(usize::MAX, |alpha| alpha.band);
    let hiding = rules.nodata.filter(|_| !rules.nodata_is_collar);
    macro_rules! equal {
        ($values:expr, $word:ty) => {{
            let nodata = hiding? as $word;
            hidden($values, bands, alpha, |value| value == nodata)
        }};
    }
    Some(match samples {
        Samples::U8(values) => equal!(values, u8),
        Samples::I8(values) => equal!(values, i8),
        Samples::U16(values) => equal!(values, u16),
        Samples::I16(values) => equal!(values, i16),
        Samples::U32(values) => equal!(values, u32),
        Samples::I32(values) => equal!(values, i32),
        Samples::U64(values) => equal!(values, u64),
        Samples::I64(values) => equal!(values, i64),
        Samples::F32(values) => {
            let nodata = hiding.unwrap_or(f64::NAN) as f32;
            hidden(values, bands, alpha, |value| value.is_nan() || close(value, nodata))
        }
        Samples::F64(values) => {
            let nodata = hiding.unwrap_or(f64::NAN);
            let is_close = |a: f64, b: f64| {
                (a - b).abs() <= b.abs() * (4.0 * f64::EPSILON) || a.to_bits() == b.to_bits()
            };
            hidden(values, bands, alpha, |value: f64| value.is_nan() || is_close(value, nodata))
        }
    })
}

/// Equal but for the last digits, which writers of text lose.
fn close(a: f32, b: f32) -> bool {
    (a - b).abs() <= b.abs() * (4.0 * f32::EPSILON) || a.to_bits() == b.to_bits()
}

fn hidden<T: Copy>(values: &[T], bands: usize, alpha: usize, is_nothing: impl Fn(T) -> bool) -> Vec<u8> {
    let pixel = |pixel: &[T]| {
        let nothing = pixel.iter().enumerate().all(|(band, &value)| band == alpha || is_nothing(value));
        if nothing { 0 } else { 255 }
    };
    values.chunks_exact(bands).map(pixel).collect()
}

/// Takes the alpha band out, as 8 bits, of which `full` is opaque; premultiplied colours of 8 or 16 bits are restored.
fn split(samples: Samples, bands: usize, alpha: Alpha, full: f64) -> (Samples, Vec<u8>) {
    macro_rules! numbers {
        ($variant:ident, $values:expr, $to_byte:expr) => {{
            let validity = $values.iter().skip(alpha.band).step_by(bands).map($to_byte).collect();
            (Samples::$variant(without(&$values, bands, alpha.band)), validity)
        }};
    }
    match samples {
        Samples::U8(values) => {
            let validity: Vec<u8> = values.iter().skip(alpha.band).step_by(bands).copied().collect();
            let mut colours = without(&values, bands, alpha.band);
            if alpha.is_premultiplied {
                for (pixel, &a) in colours.chunks_exact_mut(bands - 1).zip(&validity) {
                    restore(pixel, u32::from(a), 255, u32::from, |v| v as u8);
                }
            }
            (Samples::U8(colours), validity)
        }
        Samples::U16(values) => {
            let alphas = values.iter().skip(alpha.band).step_by(bands);
            let mut colours = without(&values, bands, alpha.band);
            if alpha.is_premultiplied {
                for (pixel, &a) in colours.chunks_exact_mut(bands - 1).zip(alphas.clone()) {
                    restore(pixel, u32::from(a), full as u32, u32::from, |v| v as u16);
                }
            }
            (Samples::U16(colours), alphas.map(|&a| byte(f64::from(a), full)).collect())
        }
        Samples::I8(v) => numbers!(I8, v, |&a| byte(f64::from(a), full)),
        Samples::I16(v) => numbers!(I16, v, |&a| byte(f64::from(a), full)),
        Samples::U32(v) => numbers!(U32, v, |&a| byte(f64::from(a), full)),
        Samples::I32(v) => numbers!(I32, v, |&a| byte(f64::from(a), full)),
        Samples::U64(v) => numbers!(U64, v, |&a| byte(a as f64, full)),
        Samples::I64(v) => numbers!(I64, v, |&a| byte(a as f64, full)),
        Samples::F32(v) => numbers!(F32, v, |&a| byte(f64::from(a), full)),
        Samples::F64(v) => numbers!(F64, v, |&a| byte(a, full)),
    }
}

fn byte(value: f64, most: f64) -> u8 {
    (value / most * 255.0).clamp(0.0, 255.0) as u8
}

fn without<T: Copy>(values: &[T], bands: usize, band: usize) -> Vec<T> {
    let mut out = Vec::with_capacity(values.len() / bands * (bands - 1));
    for pixel in values.chunks_exact(bands) {
        out.extend_from_slice(&pixel[..band]);
        out.extend_from_slice(&pixel[band + 1..]);
    }
    out
}

fn restore<T: Copy>(
    pixel: &mut [T],
    alpha: u32,
    full: u32,
    wide: impl Fn(T) -> u32,
    narrow: impl Fn(u32) -> T,
) {
    if alpha == 0 || alpha >= full {
        return;
    }
    for value in pixel {
        let restored = (u64::from(wide(*value)) * u64::from(full) + u64::from(alpha) / 2) / u64::from(alpha);
        *value = narrow(restored.min(u64::from(full)) as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(alpha: Option<bool>, nodata: Option<f64>) -> Rules {
        let alpha = alpha.map(|is_premultiplied| Alpha { band: 3, is_premultiplied });
        Rules { alpha, nodata, nodata_is_collar: false }
    }

    #[test]
    fn a_pixel_is_nothing_when_all_its_bands_say_so() {
        let samples = vec![255u8, 255, 255, 255, 255, 0];
        let block = rules(None, Some(255.0)).apply(Size::new(2, 1), 3, samples.into(), 255.0);
        assert_eq!(block.mask(), Some(&[0, 255][..]));
    }

    #[test]
    fn what_is_not_a_number_is_nothing() {
        let samples = vec![f32::NAN, -9999.0, 1.0];
        let block = rules(None, Some(-9999.0)).apply(Size::new(3, 1), 1, samples.into(), 255.0);
        assert_eq!(block.mask(), Some(&[0, 0, 255][..]));
    }

    #[test]
    fn nodata_at_the_end_of_the_range_hides_only_itself() {
        let samples = vec![f32::MIN, 0.0, -1e30];
        let block = rules(None, Some(f64::from(f32::MIN))).apply(Size::new(3, 1), 1, samples.into(), 255.0);
        assert_eq!(block.mask(), Some(&[0, 255, 255][..]));
        let samples = Samples::F64(vec![100_000.0, 100_000.02, f64::MIN]);
        let block = rules(None, Some(100_000.0)).apply(Size::new(3, 1), 1, samples, 255.0);
        assert_eq!(block.mask(), Some(&[0, 255, 255][..]));
    }

    #[test]
    fn values_that_no_pixel_can_have_hide_nothing() {
        let parse = |text| nodata(Some(text), SampleType::U8);
        assert_eq!(parse("255\0"), Ok(Some(255.0)));
        assert_eq!(parse("-9999"), Ok(None));
        assert_eq!(parse("nan"), Ok(None));
        assert_eq!(parse("white"), Err(NodataError));
        assert_eq!(nodata(Some("-3.4e+38"), SampleType::F32), Ok(Some(-3.4e38)));
    }

    #[test]
    fn alpha_becomes_the_mask_and_premultiplied_colours_are_restored() {
        let samples = vec![100u8, 50, 0, 128, 10, 20, 30, 0];
        let straight = rules(Some(false), None).apply(Size::new(2, 1), 4, samples.clone().into(), 255.0);
        assert_eq!(straight.samples(), &Samples::U8(vec![100, 50, 0, 10, 20, 30]));
        assert_eq!(straight.mask(), Some(&[128, 0][..]));
        let premultiplied = rules(Some(true), None).apply(Size::new(2, 1), 4, samples.into(), 255.0);
        assert_eq!(premultiplied.samples(), &Samples::U8(vec![199, 100, 0, 10, 20, 30]));
    }

    #[test]
    fn nodata_and_alpha_add_up() {
        let samples = vec![0u8, 0, 0, 255, 9, 9, 9, 255, 9, 9, 9, 0];
        let block = rules(Some(false), Some(0.0)).apply(Size::new(3, 1), 4, samples.into(), 255.0);
        assert_eq!(block.mask(), Some(&[0, 255, 0][..]));
    }
}
