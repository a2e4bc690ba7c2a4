//! A row of components to a row of pixels, as libjpeg rounds it.

/// Factors of the chromas, in units of 2^-16, less the whole numbers that are added apart: red has 1 + `RED`, blue 2 +
/// `BLUE`, green -1 + `GREEN_CR`.
pub(super) const RED: i16 = 26_345;
pub(super) const BLUE: i16 = -14_942;
pub(super) const GREEN_CB: i16 = -22_554;
pub(super) const GREEN_CR: i16 = 18_734;

/// A row of three components of the same length.
pub(super) type Row<'a> = [&'a [u8]; 3];

/// YCbCr to interleaved RGB.
pub(super) fn convert([luma, blue, red]: Row<'_>, out: &mut [u8]) {
    let (pixels, _) = out.as_chunks_mut::<3>();
    for (((pixel, &y), &cb), &cr) in pixels.iter_mut().zip(luma).zip(blue).zip(red) {
        *pixel = pixel_of(y, cb, cr);
    }
}

#[inline(always)]
fn pixel_of(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    let scaled = |sum: i32| (sum + 0x8000) >> 16;
    let r = y + cr + scaled(i32::from(RED) * cr);
    let g = y - cr + scaled(i32::from(GREEN_CB) * cb + i32::from(GREEN_CR) * cr);
    let b = y + 2 * cb + scaled(i32::from(BLUE) * cb);
    [r, g, b].map(|value| value.clamp(0, 255) as u8)
}

/// Three components as they are, interleaved.
pub(super) fn interleave([first, second, third]: Row<'_>, out: &mut [u8]) {
    let (pixels, _) = out.as_chunks_mut::<3>();
    for (((pixel, &a), &b), &c) in pixels.iter_mut().zip(first).zip(second).zip(third) {
        *pixel = [a, b, c];
    }
}
