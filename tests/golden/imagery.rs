//! A small landscape, the same wherever it is made: whole numbers and plain arithmetic, no function of libm.

use std::path::Path;

use support::{GeoTiff, Photometric, Samples};

/// The tile of `grid.json` and two pixels more on every side, so that relief has neighbours.
const SIDE_PX: u32 = 100;
const MARGIN_PX: u32 = 2;
const CELL: f64 = 2.0;
const CORNER: (f64, f64) = (650_000.0 - MARGIN_PX as f64 * CELL, 6_235_000.0 + MARGIN_PX as f64 * CELL);

/// Red, green, blue, near infrared of water, road, roof, wheat, meadow, wood.
const REFLECTANCE: [[u8; 4]; 6] = [
    [34, 62, 84, 12],
    [132, 130, 126, 96],
    [184, 82, 62, 104],
    [204, 182, 112, 150],
    [92, 142, 60, 204],
    [42, 82, 42, 172],
];

/// Writes all files that `styles.toml` names.
pub fn write(folder: &Path) {
    let write = |name: &str, image: GeoTiff| image.placed(CORNER, CELL).write(&folder.join(name));
    let cover = || GeoTiff::painted(SIDE_PX, |col, row| [cover(col, row) as u8]);
    let palette = REFLECTANCE.iter().map(|&[r, g, b, _]| [r, g, b]).collect();
    write("rgbn.tif", GeoTiff::painted(SIDE_PX, rgbn));
    write("deep.tif", deep());
    write("elevation.tif", elevations());
    write("cover.tif", cover());
    write("palette.tif", GeoTiff { photometric: Photometric::Palette, palette, ..cover() });
    let grey = GeoTiff::painted(SIDE_PX, |col, row| [rgbn(col, row)[0]]);
    write("white-is-zero.tif", GeoTiff { photometric: Photometric::WhiteIsZero, ..grey });
}

/// What grows or stands there, by its index in [`REFLECTANCE`].
fn cover(col: u32, row: u32) -> usize {
    let river = (col + row / 3).abs_diff(30);
    match (col, row) {
        _ if river < 5 => 0,
        _ if row.abs_diff(60) < 3 => 1,
        (58..=71, 68..=79) | (78..=87, 70..=89) => 2,
        _ if river < 14 => 5,
        (_, 0..=33) => 3,
        (_, 34..=59) => 4,
        _ if (col / 12 + row / 12).is_multiple_of(2) => 4,
        _ => 3,
    }
}

/// Lighter towards the south.
fn rgbn(col: u32, row: u32) -> [u8; 4] {
    REFLECTANCE[cover(col, row)].map(|value| (u32::from(value) * (200 + row / 2) / 250) as u8)
}

/// As a sensor of 12 bits sees it through haze, which is blue.
fn deep() -> GeoTiff {
    let haze = [200, 320, 520];
    let pixels = (0..SIDE_PX).flat_map(|row| (0..SIDE_PX).map(move |col| rgbn(col, row)));
    let samples =
        pixels.flat_map(|rgbn| [0, 1, 2].map(|band: usize| u16::from(rgbn[band]) * 11 + haze[band]));
    GeoTiff::new(SIDE_PX, 3, Samples::U16(samples.collect()))
}

/// Two hills on a slope, and a hole.
fn elevations() -> GeoTiff {
    const NODATA: f32 = -9999.0;
    let hill = |(col, row): (f64, f64), (x, y): (f64, f64), radius: f64, height: f64| {
        let near = 1.0 - ((col - x) * (col - x) + (row - y) * (row - y)) / (radius * radius);
        height * near.max(0.0) * near.max(0.0)
    };
    let is_hole = |(col, row): (f64, f64)| (col - 76.0) * (col - 76.0) + (row - 24.0) * (row - 24.0) < 81.0;
    let at = |here: (f64, f64)| {
        let slope = 400.0 + here.0 / 8.0;
        let height = slope + hill(here, (40.0, 58.0), 42.0, 60.0) + hill(here, (78.0, 30.0), 30.0, 30.0);
        // To 3 cm: terrain in colours of 10 kB.
        if is_hole(here) { NODATA } else { (height * 32.0).floor() as f32 / 32.0 }
    };
    let pixels = (0..SIDE_PX).flat_map(|row| (0..SIDE_PX).map(move |col| (f64::from(col), f64::from(row))));
    let samples = Samples::F32(pixels.map(at).collect());
    GeoTiff { nodata: Some("-9999"), ..GeoTiff::new(SIDE_PX, 1, samples) }
}
