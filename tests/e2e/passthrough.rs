//! A tile that is one stored block is sent as it is stored: from one file, an overview, a mosaic; and whatever could hide or
//! change a pixel of it is rendered.

use std::{fs, path::Path};

use libjpeg_turbo_rs::decompress;
use support::{Answer, GeoTiff, Running};
use tiler::{
    raster::Samples,
    source::{BlockAddress, OpenOptions, Plane, Source},
};

/// On the grid of `LAMB93_5cm`: column 12,700 and row 112,600 of its tiles of 20 cm.
const CORNER: (f64, f64) = (12_700.0 * 51.2, 12_000_000.0 - 112_600.0 * 51.2);
const CELL: f64 = 0.2;
const SIDE_PX: u32 = 512;
const TILE: &str = "20/12700/112600";
const COARSER: &str = "19/6350/56300";

/// An image of two by two blocks of 256 px, each of them a tile.
fn image(tint: u8) -> GeoTiff {
    let pixel = move |col: u32, row: u32| [tint, (col / 2) as u8, (row / 2 + col % 7) as u8];
    GeoTiff { jpeg_quality: Some(80), block_px: 256, ..GeoTiff::painted(SIDE_PX, pixel).placed(CORNER, CELL) }
}

fn overview() -> GeoTiff {
    let pixel = |col: u32, row: u32| [90, (col / 2) as u8, row as u8];
    GeoTiff { jpeg_quality: Some(80), block_px: 256, ..GeoTiff::painted(SIDE_PX / 2, pixel) }
}

fn beside(image: GeoTiff, cols: f64, rows: f64) -> GeoTiff {
    image.placed((CORNER.0 + cols * CELL, CORNER.1 - rows * CELL), CELL)
}

struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("dalles")).expect("it can be made");
        Self { folder }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("dalles").join(name)
    }

    fn serve(&self, more: &str) -> Running {
        let layer = format!("[[layer]]\nid = \"ortho\"\npath = \"dalles\"\norder = \"name\"\n{more}\n");
        Running::configured(self.folder.path(), &layer)
    }

    fn get(&self, tile: &str) -> Answer {
        get(&self.serve(""), tile)
    }
}

fn get(server: &Running, tile: &str) -> Answer {
    let answer = server.get(&format!("/xyz/ortho/LAMB93_5cm/{tile}.jpg"));
    assert_eq!((answer.status, answer.header("content-type")), (200, "image/jpeg"), "{}", answer.text());
    answer
}

fn came_by(answer: &Answer) -> &str {
    answer.header("pavage-path")
}

/// What the decoder of blocks makes of one.
fn block(path: &Path, level: usize, col: u32, row: u32) -> Vec<u8> {
    let source = Source::open(path, &OpenOptions::default()).expect("it is sound");
    let block = BlockAddress { level, plane: Plane::Image, col, row };
    let stored = source.fetch(&[block]).expect("it is there");
    let raster = source.decode(block, &stored[0]).expect("it decodes");
    let Samples::U8(pixels) = raster.into_parts().0 else { panic!("bytes are bytes") };
    pixels
}

/// Another decoder on the file that was sent.
fn shows(answer: &Answer) -> Vec<u8> {
    decompress(&answer.body).expect("it is a JPEG file").data
}

#[test]
fn blocks_and_overviews_go_out_as_they_are_stored() {
    let fixture = Fixture::new();
    let path = fixture.path("a.tif");
    image(30).write_with(&path, &[overview()]);
    let server = fixture.serve("");
    for (tile, level, col, row) in
        [(TILE, 0, 0, 0), ("20/12701/112600", 0, 1, 0), ("20/12700/112601", 0, 0, 1), (COARSER, 1, 0, 0)]
    {
        let answer = get(&server, tile);
        assert_eq!(came_by(&answer), "passthrough", "{tile}");
        assert_eq!(shows(&answer), block(&path, level, col, row), "{tile}");
        let again = get(&server, tile);
        assert_eq!((came_by(&again), &again.body), ("passthrough", &answer.body));
    }
    assert!(server.metric("pavage_tiles_passed_total") > 7.9);
    assert!(server.metric("pavage_tiles_rendered_total") < 0.1);
    let rendered = server.get(&format!("/xyz/ortho/LAMB93_5cm/{TILE}.png"));
    assert_eq!(came_by(&rendered), "rendered");
    let opaque =
        |pixels: &[u8]| pixels.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect::<Vec<_>>();
    assert_eq!(rendered.picture(), opaque(&block(&path, 0, 0, 0)), "what is rendered is the same picture");
}

#[test]
fn the_tag_of_a_block_is_answered_304_and_tells_it_from_a_rendered_tile() {
    let fixture = Fixture::new();
    image(30).write(&fixture.path("a.tif"));
    let server = fixture.serve("");
    let (passed, target) = (get(&server, TILE), format!("/xyz/ortho/LAMB93_5cm/{TILE}.jpg"));
    let tag = passed.header("etag");
    let answer = server.request("GET", &target, &[&format!("If-None-Match: {tag}")]);
    assert_eq!((answer.status, answer.header("etag"), answer.body.len()), (304, tag, 0));
    let rendered = get(&fixture.serve("passthrough = false"), TILE);
    assert_eq!(came_by(&rendered), "rendered");
    assert_ne!(rendered.header("etag"), tag);
}

#[test]
fn dalles_whose_blocks_lie_on_tiles_go_out_and_a_better_one_that_covers_a_part_does_not() {
    let fixture = Fixture::new();
    image(30).write(&fixture.path("a.tif"));
    beside(image(60), 512.0, 0.0).write(&fixture.path("b.tif"));
    // Of the last name, so above the others: it covers half of the second tile.
    beside(image(90), 384.0, -512.0 + 8.0).write(&fixture.path("c.tif"));
    let server = fixture.serve("");
    let of = |tile: &str| came_by(&get(&server, tile)).to_owned();
    assert_eq!(of(TILE), "passthrough");
    assert_eq!(of("20/12701/112600"), "rendered");
    assert_eq!(of("20/12702/112600"), "rendered");
    assert_eq!(of("20/12703/112601"), "passthrough");
    let east = get(&server, "20/12703/112601");
    assert_eq!(shows(&east), block(&fixture.path("b.tif"), 0, 1, 1));
}

#[test]
fn where_a_mask_hides_a_pixel_the_tile_is_rendered_and_elsewhere_not() {
    let fixture = Fixture::new();
    let mask = GeoTiff::mask(SIDE_PX, |col, row| (col, row) != (300, 10));
    image(30).write_with(&fixture.path("a.tif"), &[mask]);
    assert_eq!(came_by(&fixture.get(TILE)), "passthrough");
    assert_eq!(came_by(&fixture.get("20/12701/112600")), "rendered");
}

#[test]
fn nodata_hides_only_where_there_is_some() {
    let fixture = Fixture::new();
    // The right half of the second block is a collar.
    let pixel = |col: u32, row: u32| if col >= 384 { [0; 3] } else { [90, (col / 2) as u8, (row / 2) as u8] };
    let picture = GeoTiff::painted(SIDE_PX, pixel).placed(CORNER, CELL);
    let stored = GeoTiff { jpeg_quality: Some(80), block_px: 256, nodata: Some("0"), ..picture };
    stored.write(&fixture.path("a.tif"));
    assert_eq!(came_by(&fixture.get(TILE)), "passthrough");
    assert_eq!(came_by(&fixture.get("20/12701/112600")), "rendered");
}

#[test]
fn a_padded_block_at_the_edge_a_part_of_a_block_and_more_than_one_are_rendered() {
    for (side, block_px, tile) in [(384, 256, "20/12701/112600"), (512, 512, TILE), (512, 128, TILE)] {
        let fixture = Fixture::new();
        let pixel = |col: u32, row: u32| [40, (col / 2) as u8, (row / 2) as u8];
        let picture = GeoTiff::painted(side, pixel).placed(CORNER, CELL);
        GeoTiff { jpeg_quality: Some(80), block_px, ..picture }.write(&fixture.path("a.tif"));
        assert_eq!(came_by(&fixture.get(tile)), "rendered", "{side} {block_px}");
    }
}

#[test]
fn a_tile_of_twice_the_pixels_is_a_block_of_as_many() {
    let fixture = Fixture::new();
    GeoTiff { block_px: 512, ..image(30) }.write(&fixture.path("a.tif"));
    let double = fixture.get(&format!("{COARSER}@2x"));
    assert_eq!(came_by(&double), "passthrough");
    assert_eq!(shows(&double), block(&fixture.path("a.tif"), 0, 0, 0));
}

#[test]
fn a_style_that_changes_pixels_is_rendered() {
    let fixture = Fixture::new();
    image(30).write(&fixture.path("a.tif"));
    let server = fixture.serve("[[layer.style]]\nname = \"bright\"\ngamma = 1.4");
    assert_eq!(came_by(&get(&server, TILE)), "rendered");
}

#[test]
fn a_damaged_block_is_rendered_which_tells_what_is_wrong() {
    let fixture = Fixture::new();
    let path = fixture.path("a.tif");
    image(30).write(&path);
    let mut bytes = fs::read(&path).expect("it was written");
    // The first start of a frame is that of the first block.
    let frame = bytes.windows(4).position(|w| w == [0xff, 0xc0, 0, 17]).expect("it is a baseline stream");
    bytes[frame + 5] ^= 0xff;
    fs::write(&path, bytes).expect("it can be written");
    let server = fixture.serve("");
    assert_eq!(server.get(&format!("/xyz/ortho/LAMB93_5cm/{TILE}.jpg")).status, 503);
    assert_eq!(came_by(&get(&server, "20/12701/112600")), "passthrough");
    assert!(server.metric("pavage_source_errors_total") > 0.9);
}

#[test]
fn a_file_that_is_changed_under_the_server_gives_no_old_block() {
    let fixture = Fixture::new();
    let path = fixture.path("a.tif");
    image(30).write(&path);
    let server = fixture.serve("");
    let before = get(&server, TILE);
    image(200).write(&path);
    let target = format!("/xyz/ortho/LAMB93_5cm/{TILE}.jpg");
    let after = server.wait_for(&target, |answer| answer.header("etag") != before.header("etag"));
    assert_eq!(came_by(&after), "passthrough");
    assert_eq!(shows(&after), block(&path, 0, 0, 0));
}
