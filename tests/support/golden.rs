//! Pictures that were looked at and found right, and the comparison with them.

use std::{fs, path::Path};

use image::{
    ExtendedColorType, ImageEncoder, Rgba, RgbaImage,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};

/// A golden picture is small: people look at all of them at once, and the repository keeps each version.
const LIMIT_BYTES: usize = 10_000;

/// Compares a picture with the golden one; `PAVAGE_BLESS=1` makes it the golden one.
///
/// Channels may differ by `tolerance` levels. Where they differ by more, expected | difference | actual is written to
/// `reports`.
///
/// # Errors
/// What is different, and where to look.
///
/// # Panics
/// When `actual` is no picture, or files cannot be written.
pub fn compare(golden: &Path, actual: &[u8], tolerance: u8, reports: &Path) -> Result<(), String> {
    let actual = image::load_from_memory(actual).expect("a picture").to_rgba8();
    if std::env::var_os("PAVAGE_BLESS").is_some_and(|value| !value.is_empty()) {
        let png = to_png(&actual);
        assert!(png.len() <= LIMIT_BYTES, "{} would have {} bytes", golden.display(), png.len());
        fs::create_dir_all(golden.parent().expect("it is in a folder")).expect("the folder can be made");
        fs::write(golden, png).expect("the folder can be written to");
        return Ok(());
    }
    let expected = image::open(golden)
        .map_err(|error| format!("{}: {error}; look at it, then `make bless`", golden.display()))?
        .to_rgba8();
    let worst = worst(&expected, &actual);
    if worst.is_some_and(|worst| worst <= tolerance) {
        return Ok(());
    }
    let report = reports.join(golden.file_name().expect("it is a file"));
    fs::create_dir_all(reports).expect("target can be written to");
    fs::write(&report, to_png(&beside(&expected, &actual))).expect("target can be written to");
    let how = worst.map_or("has another size".to_owned(), |levels| format!("differs by {levels} levels"));
    Err(format!("{} {how}: see {}", golden.display(), report.display()))
}

/// The greatest difference of any channel; `None` for pictures of different sizes. The colour of what does not show is
/// nobody's business.
fn worst(expected: &RgbaImage, actual: &RgbaImage) -> Option<u8> {
    let pixels = expected.pixels().zip(actual.pixels());
    let same_size = expected.dimensions() == actual.dimensions();
    same_size.then(|| pixels.map(|(a, b)| difference(*a, *b)).max().unwrap_or(0))
}

fn difference(Rgba(a): Rgba<u8>, Rgba(b): Rgba<u8>) -> u8 {
    if a[3] == 0 && b[3] == 0 {
        return 0;
    }
    a.iter().zip(b).map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0)
}

/// Expected, difference (white where nothing is, black where it is two levels and more) and actual, side by side.
fn beside(expected: &RgbaImage, actual: &RgbaImage) -> RgbaImage {
    const GAP_PX: u32 = 8;
    let width = expected.width().max(actual.width());
    let height = expected.height().max(actual.height());
    let mut sheet = RgbaImage::new(3 * width + 2 * GAP_PX, height);
    image::imageops::replace(&mut sheet, expected, 0, 0);
    for (x, y, pixel) in actual.enumerate_pixels() {
        let other = expected.get_pixel_checked(x, y).copied().unwrap_or(Rgba([0; 4]));
        let shade = 255 - difference(other, *pixel).saturating_mul(100);
        sheet.put_pixel(width + GAP_PX + x, y, Rgba([shade, shade, shade, 255]));
    }
    image::imageops::replace(&mut sheet, actual, i64::from(2 * (width + GAP_PX)), 0);
    sheet
}

/// As small as it gets: without alpha where all shows.
fn to_png(picture: &RgbaImage) -> Vec<u8> {
    let opaque = picture.pixels().all(|pixel| pixel.0[3] == 255);
    let (bytes, kind) = if opaque {
        let rgb = picture.pixels().flat_map(|pixel| [pixel.0[0], pixel.0[1], pixel.0[2]]).collect();
        (rgb, ExtendedColorType::Rgb8)
    } else {
        (picture.as_raw().clone(), ExtendedColorType::Rgba8)
    };
    let mut out = Vec::new();
    PngEncoder::new_with_quality(&mut out, CompressionType::Best, FilterType::Adaptive)
        .write_image(&bytes, picture.width(), picture.height(), kind)
        .expect("memory takes all");
    out
}
