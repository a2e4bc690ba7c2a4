//! Luma and chroma that are packed together, without JPEG, to RGB. It agrees with libtiff bit by bit.

use super::YCbCr;
use crate::geom::Size;

/// Bytes of a block: units of several luma samples and one pair of chroma samples, whole ones also at the edges.
pub(super) fn packed_bytes(size: Size, colours: &YCbCr) -> usize {
    let unit = Unit::new(size, colours);
    unit.per_row.saturating_mul(unit.bytes).saturating_mul((size.height as usize).div_ceil(unit.rows))
}

/// The pixels that share one pair of chroma samples.
struct Unit {
    cols: usize,
    rows: usize,
    bytes: usize,
    per_row: usize,
}

impl Unit {
    fn new(size: Size, colours: &YCbCr) -> Self {
        let (cols, rows) =
            (usize::from(colours.subsampling.0.max(1)), usize::from(colours.subsampling.1.max(1)));
        Self { cols, rows, bytes: cols * rows + 2, per_row: (size.width as usize).div_ceil(cols) }
    }
}

/// Source: TIFF 6.0, section 21.
pub(super) fn to_rgb(packed: &[u8], size: Size, colours: &YCbCr) -> Vec<u8> {
    let unit = Unit::new(size, colours);
    let tables = Tables::new(colours);
    let (width, height) = (size.width as usize, size.height as usize);
    let mut out = vec![0; width * height * 3];
    let rows_of_units = packed.chunks_exact((unit.per_row * unit.bytes).max(1));
    for (band, units) in out.chunks_mut((width * 3 * unit.rows).max(1)).zip(rows_of_units) {
        for (row, line) in band.chunks_exact_mut(width * 3).enumerate() {
            for (pixels, stored) in line.chunks_mut(unit.cols * 3).zip(units.chunks_exact(unit.bytes)) {
                let (luma, chroma) = stored.split_at(unit.cols * unit.rows);
                let shades = &luma[row * unit.cols..];
                for (pixel, &shade) in pixels.as_chunks_mut().0.iter_mut().zip(shades) {
                    *pixel = tables.rgb(shade, chroma[0], chroma[1]);
                }
            }
        }
    }
    out
}

const SHIFT: u32 = 16;
const ONE_HALF: i32 = 1 << (SHIFT - 1);

/// What every value of luma and chroma adds to a colour.
///
/// Source: libtiff, `TIFFYCbCrToRGBInit` in `tif_color.c`: fixed point numbers with 16 bits after the point.
struct Tables {
    luma: [i32; 256],
    red_of_cr: [i32; 256],
    blue_of_cb: [i32; 256],
    green_of_cr: [i32; 256],
    green_of_cb: [i32; 256],
}

impl Tables {
    fn new(colours: &YCbCr) -> Self {
        let [red, green, blue] = colours.coefficients;
        let [black, white, zero_cb, full_cb, zero_cr, full_cr] = colours.reference;
        let red_weight = 2.0 - 2.0 * red;
        let blue_weight = 2.0 - 2.0 * blue;
        let of_cr = (fixed(red_weight), -fixed(red * red_weight / green));
        let of_cb = (fixed(blue_weight), -fixed(blue * blue_weight / green));
        let mut tables = Self {
            luma: [0; 256],
            red_of_cr: [0; 256],
            blue_of_cb: [0; 256],
            green_of_cr: [0; 256],
            green_of_cb: [0; 256],
        };
        for (i, code) in (-128..128).enumerate() {
            let cr = scaled(code, zero_cr - 128.0, full_cr - 128.0, 127.0);
            let cb = scaled(code, zero_cb - 128.0, full_cb - 128.0, 127.0);
            tables.luma[i] = scaled(code + 128, black, white, 255.0);
            tables.red_of_cr[i] = of_cr.0.wrapping_mul(cr).wrapping_add(ONE_HALF) >> SHIFT;
            tables.blue_of_cb[i] = of_cb.0.wrapping_mul(cb).wrapping_add(ONE_HALF) >> SHIFT;
            tables.green_of_cr[i] = of_cr.1.wrapping_mul(cr);
            tables.green_of_cb[i] = of_cb.1.wrapping_mul(cb).wrapping_add(ONE_HALF);
        }
        tables
    }

    fn rgb(&self, shade: u8, cb: u8, cr: u8) -> [u8; 3] {
        let (luma, cb, cr) = (self.luma[usize::from(shade)], usize::from(cb), usize::from(cr));
        let green = self.green_of_cb[cb].wrapping_add(self.green_of_cr[cr]) >> SHIFT;
        [luma + self.red_of_cr[cr], luma + green, luma + self.blue_of_cb[cb]].map(|c| c.clamp(0, 255) as u8)
    }
}

fn fixed(weight: f32) -> i32 {
    // The factor is no number to libtiff's `CLAMP`, which lets it pass and casts it: here it becomes 0.
    (f64::from(weight.clamp(0.0, 2.0) * 65_536.0) + 0.5) as i32
}

/// A code as a number between black and white. The bounds keep nonsense in `ReferenceBlackWhite` from overflowing.
fn scaled(code: i32, black: f32, white: f32, range: f32) -> i32 {
    let span = if white - black == 0.0 { 1.0 } else { white - black };
    (code.saturating_sub(black as i32) as f32 * range / span).clamp(-4096.0, 4096.0) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{BlockLayout, Compression, Photometric, decode, plain};

    fn layout(width: u32, height: u32, subsampling: (u16, u16)) -> BlockLayout {
        let colours = YCbCr { subsampling, ..YCbCr::default() };
        BlockLayout {
            bands: 3,
            photometric: Photometric::YCbCr(colours),
            ..plain(Size::new(width, height), Compression::None)
        }
    }

    #[test]
    fn grey_stays_grey_and_units_reach_over_the_edges() {
        let packed = [10, 20, 30, 40, 128, 128, 50, 0, 60, 0, 128, 128];
        let rgb = decode(&packed, &layout(3, 2, (2, 2))).expect("it is well formed");
        assert_eq!(rgb, [10, 10, 10, 20, 20, 20, 50, 50, 50, 30, 30, 30, 40, 40, 40, 60, 60, 60]);
        assert!(decode(&packed[..11], &layout(3, 2, (2, 2))).is_err());
    }

    #[test]
    fn full_chroma_is_a_full_colour() {
        let rgb = decode(&[76, 85, 255], &layout(1, 1, (1, 1))).expect("it is well formed");
        assert_eq!(rgb, [254, 0, 0]);
    }

    #[test]
    fn nonsense_in_the_tags_neither_overflows_nor_divides_by_zero() {
        for bad in [0.0, f32::NAN, f32::INFINITY, f32::MIN] {
            let colours = YCbCr { coefficients: [bad; 3], reference: [bad; 6], ..YCbCr::default() };
            let rgb = to_rgb(&[1, 2, 3, 4, 255, 0], Size::new(2, 2), &colours);
            assert_eq!(rgb.len(), 12);
        }
    }
}
