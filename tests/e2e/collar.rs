//! The nearly black frame of lossy imagery is nothing; what is as dark inside is a roof.

use image::RgbaImage;
use support::{GeoTiff, Running};

/// On the grid of `LAMB93_5cm`: column 12,700 and row 112,600 of its tiles of 20 cm.
const CORNER: (f64, f64) = (12_700.0 * 51.2, 12_000_000.0 - 112_600.0 * 51.2);
const CELL: f64 = 0.2;
const SIDE_PX: u32 = 512;
/// Brighter than any ringing beside the frame, darker than all imagery but the roofs.
const DARK: u8 = 40;

/// The imagery is a square on its corner, as aerial photographs lie in a north-up grid.
fn is_imagery(col: u32, row: u32) -> bool {
    distance_inside(col, row) > 0
}

/// Pixels from the frame, by columns and rows together; below zero in the frame.
fn distance_inside(col: u32, row: u32) -> i64 {
    let middle = i64::from(SIDE_PX / 2);
    200 - (i64::from(col) - middle).abs() - (i64::from(row) - middle).abs()
}

fn is_roof(col: u32, row: u32) -> bool {
    is_near_roof(col, row, 0)
}

/// Roofs, and so many pixels around them.
fn is_near_roof(col: u32, row: u32, margin_px: u32) -> bool {
    const ROOFS: [(u32, u32); 2] = [(230, 180), (180, 260)];
    let side = 40 + 2 * margin_px;
    let is_in = |at: u32, from: u32| (from - margin_px..from - margin_px + side).contains(&at);
    ROOFS.iter().any(|&(left, top)| is_in(col, left) && is_in(row, top))
}

fn pixel(col: u32, row: u32) -> [u8; 3] {
    match (is_imagery(col, row), is_roof(col, row)) {
        (false, _) => [0; 3],
        (_, true) => [((col + row) % 7) as u8; 3],
        _ => [150 + (col % 32) as u8, 160 + (row % 24) as u8, 130],
    }
}

/// The image at half its size, as an encoder makes an overview: frame and imagery mix.
fn averaged(scale: u32) -> GeoTiff {
    GeoTiff::painted(SIDE_PX / scale, |col, row| {
        let all = (0..scale).flat_map(|dy| (0..scale).map(move |dx| (col * scale + dx, row * scale + dy)));
        let sum = all
            .map(|(col, row)| pixel(col, row))
            .fold([0_u32; 3], |sum, pixel| [0, 1, 2].map(|band| sum[band] + u32::from(pixel[band])));
        sum.map(|sum| (sum / (scale * scale)) as u8)
    })
}

struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let jpeg = |image| GeoTiff { jpeg_quality: Some(75), ..image };
        let image = GeoTiff { nodata: Some("0"), ..averaged(1).placed(CORNER, CELL) };
        jpeg(image).write_with(&folder.path().join("ortho.tif"), &[jpeg(averaged(2)), jpeg(averaged(4))]);
        Self { folder }
    }

    /// The whole image at 20 cm (four tiles), 40 cm (one) or 80 cm (a quarter of one).
    fn picture(&self, rule: &str, scale: u32) -> RgbaImage {
        let config = format!("[[layer]]\nid = \"ortho\"\npath = \"ortho.tif\"\n{rule}\n");
        let server = Running::configured(self.folder.path(), &config);
        let (zoom, col, row) = match scale {
            1 => (20, 12_700, 112_600),
            2 => (19, 6_350, 56_300),
            _ => (18, 3_175, 28_150),
        };
        let side = SIDE_PX / scale;
        let mut whole = RgbaImage::new(side, side);
        for (dx, dy) in
            [(0, 0), (1, 0), (0, 1), (1, 1)].into_iter().filter(|&(dx, dy)| scale == 1 || dx + dy == 0)
        {
            let answer = server.get(&format!("/xyz/ortho/LAMB93_5cm/{zoom}/{}/{}.png", col + dx, row + dy));
            assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
            let tile = image::load_from_memory(&answer.body).expect("a picture").to_rgba8();
            image::imageops::replace(&mut whole, &tile, i64::from(dx * 256), i64::from(dy * 256));
        }
        whole
    }
}

/// What compression and resampling mix with a roof.
const MIXED_PX: u32 = 8;

/// Pixels that show and are dark and no roof.
fn fringe(picture: &RgbaImage, scale: u32) -> usize {
    let dark = picture.enumerate_pixels().filter(|(x, y, pixel)| {
        let (col, row) = (x * scale + scale / 2, y * scale + scale / 2);
        pixel.0[3] > 0 && pixel.0[..3].iter().max() < Some(&DARK) && !is_near_roof(col, row, MIXED_PX)
    });
    dark.count()
}

/// The frame is gone, a margin of mixed pixels with it, at the level that is read; the rest shows.
fn assert_shows_imagery_alone(picture: &RgbaImage, scale: u32) {
    assert_eq!(fringe(picture, scale), 0, "at {scale} times 20 cm");
    for (x, y, pixel) in picture.enumerate_pixels() {
        let (col, row) = (x * scale + scale / 2, y * scale + scale / 2);
        let wanted = match distance_inside(col, row) / i64::from(scale) {
            ..-1 => 0,
            7.. if !is_near_roof(col, row, MIXED_PX) => 255,
            _ => continue,
        };
        assert_eq!(pixel.0[3], wanted, "at {x} {y}, {scale} times 20 cm");
    }
}

fn holes_in_roofs(picture: &RgbaImage, scale: u32) -> usize {
    let in_roof = |x: u32, y: u32| is_roof(x * scale + scale / 2, y * scale + scale / 2);
    picture.enumerate_pixels().filter(|(x, y, pixel)| in_roof(*x, *y) && pixel.0[3] < 255).count()
}

#[test]
fn the_frame_of_lossy_imagery_is_transparent_without_a_fringe() {
    let it = Fixture::new();
    for scale in [1, 2, 4] {
        assert_shows_imagery_alone(&it.picture("", scale), scale);
    }
}

#[test]
fn a_frame_that_the_file_does_not_name_is_found_where_the_configuration_names_it_and_roofs_stay() {
    let it = Fixture::new();
    let off = it.picture("nodata = \"none\"", 2);
    assert!(off.pixels().all(|pixel| pixel.0[3] == 255), "nothing says that it is nothing");
    for scale in [1, 2, 4] {
        let black = it.picture("nodata = \"none\"\ncollar = \"black\"", scale);
        assert_shows_imagery_alone(&black, scale);
        assert_eq!(holes_in_roofs(&black, scale), 0, "{scale} times 20 cm");
    }
}

#[test]
fn a_tolerance_of_nothing_leaves_the_fringe() {
    let it = Fixture::new();
    let exact = it.picture("collar = { value = 0, tolerance = 0 }", 1);
    let wide = it.picture("collar = { value = 0, tolerance = 30 }", 1);
    assert!(fringe(&exact, 1) > fringe(&wide, 1), "{} {}", fringe(&exact, 1), fringe(&wide, 1));
}

#[test]
fn without_a_collar_exact_nodata_leaves_a_fringe() {
    let it = Fixture::new();
    for scale in [1, 2, 4] {
        let left = fringe(&it.picture("collar = \"off\"", scale), scale);
        assert!(left > 100, "{left} dark pixels at {scale} times 20 cm");
    }
}

#[test]
fn dark_roofs_stay_in_imagery_that_names_its_nodata() {
    let it = Fixture::new();
    let holes = [1, 2, 4].map(|scale| holes_in_roofs(&it.picture("", scale), scale));
    assert_eq!(holes, [0, 0, 0]);
}
