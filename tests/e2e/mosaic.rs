//! A folder of dalles as one layer: no seam, the newest on top, holes filled, changes seen and exact, drives that are gone.

use std::{fs, path::Path};

use server::layers::{Catalog, What};
use support::{GeoTiff, Running, opened};
use tiler::{
    cap::build,
    catalog::OpenFiles,
    crs::{Crs, Transform},
};

/// The upper left corner of the first dalle, in Lambert-93.
const CORNER: (f64, f64) = (650_000.0, 6_235_000.0);
/// Columns and rows of a dalle, and metres of a side, at 1 m.
const SIDE: u32 = 256;
const RED: [u8; 3] = [200, 30, 30];
const BLUE: [u8; 3] = [30, 30, 200];

fn corner(col: u32, row: u32) -> (f64, f64) {
    (CORNER.0 + f64::from(col * SIDE), CORNER.1 - f64::from(row * SIDE))
}

/// A dalle at a place on the grid, of the picture that is at its pixels in the whole.
fn dalle(col: u32, row: u32, at: impl Fn(u32, u32) -> [u8; 3]) -> GeoTiff {
    GeoTiff::painted(SIDE, move |c, r| at(col * SIDE + c, row * SIDE + r)).placed(corner(col, row), 1.0)
}

/// A picture in which every shift shows.
fn texture(col: u32, row: u32) -> [u8; 3] {
    let wave = (col * 7 + row * 13) % 97;
    [(col % 251) as u8, (row % 241) as u8, (wave * 2) as u8]
}

/// The tile of `WebMercatorQuad` that holds a place of Lambert-93.
fn tile_at(z: u32, (x, y): (f64, f64)) -> (u32, u32) {
    let crs = |code| Crs::from_epsg(code).expect("is a known code");
    let way = Transform::new(&crs(2154), &crs(3857)).expect("there is a way");
    let (x, y) = way.convert(x, y).expect("it is on earth");
    let (half, side) = (20_037_508.342_789_244, 2.0 * 20_037_508.342_789_244 / f64::from(1 << z));
    (((x + half) / side) as u32, ((half - y) / side) as u32)
}

fn served(folder: &Path, more: &str) -> Running {
    Running::configured(folder, &format!("[[layer]]\nid = \"ortho\"\npath = \"dalles\"\n{more}"))
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("dalles")).expect("it can be made");
    folder
}

/// Replaces a file as deliveries do: under another name first.
fn replace(path: &Path, image: &GeoTiff) {
    let new = path.with_extension("new");
    image.write(&new);
    fs::rename(new, path).expect("it can be renamed");
}

#[test]
fn four_dalles_look_like_one_file_with_every_kernel_and_at_every_zoom() {
    let folder = folder();
    for (col, row) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
        dalle(col, row, texture).write(&folder.path().join(format!("dalles/{col}_{row}.tif")));
    }
    GeoTiff::painted(2 * SIDE, texture).placed(CORNER, 1.0).write(&folder.path().join("whole.tif"));
    for kernel in ["nearest", "bilinear", "cubic", "lanczos"] {
        let layer = |id: &str, path: &str| {
            format!("[[layer]]\nid = \"{id}\"\npath = \"{path}\"\nresampling = \"{kernel}\"\n")
        };
        let config = layer("parts", "dalles") + &layer("whole", "whole.tif");
        let server = Running::configured(folder.path(), &config);
        let middle = corner(1, 1);
        for z in [14, 16, 17, 18, 19] {
            let (x, y) = tile_at(z, middle);
            let get = |layer: &str| server.get(&format!("/xyz/{layer}/{z}/{x}/{y}.png")).picture();
            let (parts, whole) = (get("parts"), get("whole"));
            assert!(whole.chunks_exact(4).any(|pixel| pixel[3] == 255), "{kernel} {z}: there is imagery");
            let worst = parts.iter().zip(&whole).map(|(a, b)| a.abs_diff(*b)).max();
            assert_eq!(worst, Some(0), "{kernel} at {z}");
        }
    }
}

#[test]
fn a_damaged_dalle_is_a_hole_that_the_older_one_fills() {
    let folder = folder();
    let newer = folder.path().join("dalles/2023.tif");
    dalle(0, 0, |_, _| RED).write(&folder.path().join("dalles/2019.tif"));
    dalle(0, 0, |_, _| BLUE).write(&newer);
    let whole = fs::read(&newer).expect("it was just written");
    fs::write(&newer, &whole[..whole.len() / 2]).expect("the folder can be written to");
    let server = served(folder.path(), "");
    let (x, y) = tile_at(18, (CORNER.0 + 128.0, CORNER.1 - 128.0));
    let tile = format!("/xyz/ortho/18/{x}/{y}.png");
    assert_eq!(server.get(&tile).middle_pixel()[..3], RED);
    fs::write(&newer, whole).expect("the folder can be written to");
    server.wait_for(&tile, |answer| answer.middle_pixel()[..3] == BLUE);
}

#[test]
fn a_replaced_dalle_changes_the_tiles_over_it_and_no_other() {
    let folder = folder();
    for col in 0..3 {
        dalle(col, 0, texture).write(&folder.path().join(format!("dalles/{col}.tif")));
    }
    let server = served(folder.path(), "");
    let place = |col: u32| (corner(col, 0).0 + 128.0, CORNER.1 - 128.0);
    let tile = |col: u32| {
        let (x, y) = tile_at(19, place(col));
        format!("/xyz/ortho/19/{x}/{y}.png")
    };
    let before: Vec<_> = (0..3).map(|col| server.get(&tile(col)).header("etag").to_owned()).collect();
    replace(&folder.path().join("dalles/1.tif"), &dalle(1, 0, |_, _| BLUE));
    let after = server.wait_for(&tile(1), |answer| answer.header("etag") != before[1]);
    assert_eq!(after.middle_pixel()[..3], BLUE);
    for col in [0, 2] {
        let if_none_match = format!("If-None-Match: {}", before[col as usize]);
        assert_eq!(server.request("GET", &tile(col), &[&if_none_match]).status, 304);
    }
    fs::remove_file(folder.path().join("dalles/1.tif")).expect("it is there");
    server.wait_for(&tile(1), |answer| answer.status == 200 && answer.middle_pixel()[3] == 0);
}

#[test]
fn what_cannot_be_read_any_more_stays_published() {
    let folder = folder();
    for col in 0..2 {
        dalle(col, 0, |_, _| RED).write(&folder.path().join(format!("dalles/{col}.tif")));
    }
    let server = served(folder.path(), "");
    let (dalles, away) = (folder.path().join("dalles"), folder.path().join("away"));
    fs::rename(&dalles, &away).expect("it can be renamed");
    // What is left of a drive that is not mounted.
    fs::create_dir(&dalles).expect("it can be made");
    let ready = server.wait_for("/readyz", |answer| answer.text().contains("cannot be read"));
    assert_eq!(ready.status, 200);
    assert!(server.metric("pavage_lost_folders") > 0.5);
    assert_eq!(server.get("/xyz/ortho/tilejson.json").status, 200);
    fs::remove_dir(&dalles).expect("it is empty");
    fs::rename(&away, &dalles).expect("it can be renamed");
    server.wait_for("/readyz", |answer| answer.text() == "ready\n");
}

#[test]
fn an_index_is_kept_and_files_that_changed_meanwhile_are_seen_at_the_first_look() {
    let folder = folder();
    let path = |col: u32| folder.path().join(format!("dalles/{col}.tif"));
    for col in 0..3 {
        dalle(col, 0, |_, _| RED).write(&path(col));
    }
    let config = "[cache]\ndir = \"cache\"\n[[layer]]\nid = \"ortho\"\npath = \"dalles\"\n";
    let open = || opened(folder.path(), config, None).1.expect("it can be served").0;
    drop(open());
    let kept = fs::read_dir(folder.path().join("cache")).expect("it was made").flatten().next();
    assert!(kept.expect("one layer").path().join("index.fgb").is_file());
    let mut again: Catalog = open();
    assert!(again.refresh().is_empty());
    dalle(3, 0, |_, _| RED).write(&path(3));
    let mut again = open();
    let seen: Vec<_> = again.refresh().into_iter().map(|change| (change.path, change.what)).collect();
    assert_eq!(seen, [(path(3), What::Added)], "the index is believed until the first look");
    assert!(open().refresh().is_empty(), "the index has it");
}

#[test]
fn files_that_are_all_called_otherwise_now_are_found_in_spite_of_the_index() {
    let folder = folder();
    for col in 0..2 {
        dalle(col, 0, |_, _| RED).write(&folder.path().join(format!("dalles/{col}.tif")));
    }
    let config = "[cache]\ndir = \"cache\"\n[[layer]]\nid = \"ortho\"\npath = \"dalles\"\n";
    drop(opened(folder.path(), config, None).1.expect("it can be served"));
    for col in 0..2 {
        let name = |prefix: &str| folder.path().join(format!("dalles/{prefix}{col}.tif"));
        fs::rename(name(""), name("new-")).expect("it can be renamed");
    }
    let (catalog, _) = opened(folder.path(), config, None).1.expect("it can be served");
    assert_eq!(catalog.snapshot().layers["ortho"].imagery.mosaic.dalles().len(), 2);
}

#[test]
fn patches_are_built_once_and_after_a_change_only_those_above_it() {
    let folder = folder();
    let path = |col: u32, row: u32| folder.path().join(format!("dalles/{col}_{row}.tif"));
    for (col, row) in (0..5).flat_map(|row| (0..5).map(move |col| (col, row))) {
        dalle(col, row, texture).write(&path(col, row));
    }
    let config = "[cache]\ndir = \"cache\"\n[[layer]]\nid = \"ortho\"\npath = \"dalles\"\n";
    let mut catalog = opened(folder.path(), config, None).1.expect("it can be served").0;
    let jobs = catalog.take_caps();
    assert!(!jobs.is_empty());
    let files = OpenFiles::default();
    for job in &jobs {
        build(job, &files).expect("it can be built");
    }
    assert!(catalog.take_caps().is_empty(), "all are there");
    let cap =
        |catalog: &Catalog| catalog.snapshot().layers["ortho"].imagery.cap.clone().expect("there is one");
    assert!(cap(&catalog).tiers.iter().all(|tier| tier.stale.is_empty()));
    replace(&path(2, 2), &dalle(2, 2, |_, _| BLUE));
    catalog.refresh();
    let jobs = catalog.take_caps();
    assert_eq!(jobs.len(), cap(&catalog).tiers.len(), "one in each tier");
    let stale = cap(&catalog).tiers[0].stale.clone();
    assert_eq!(stale.len(), 1, "the dalle, and nothing else");
    assert!((stale[0].min_x - corner(2, 2).0).abs() < 1e-6 && (stale[0].width() - 256.0).abs() < 1e-6);
}

#[test]
fn an_index_of_gdal_is_a_layer_of_the_files_that_it_names_and_no_others() {
    let folder = folder();
    for col in 0..3 {
        dalle(col, 0, |_, _| RED).write(&folder.path().join(format!("dalles/{col}.tif")));
    }
    let feature = |location: &str, year: u32| {
        format!(
            r#"{{"type":"Feature","properties":{{"location":"{location}","year":{year}}},"geometry":null}}"#
        )
    };
    let features =
        [feature("dalles/0.tif", 2019), feature("dalles/2.tif", 2023), feature("/etc/passwd", 2023)];
    let text = format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","));
    fs::write(folder.path().join("index.geojson"), text).expect("the folder can be written to");
    let (_, opened) = opened(folder.path(), "[[layer]]\npath = \"index.geojson\"\n", None);
    let (catalog, skipped) = opened.expect("it can be served");
    let snapshot = catalog.snapshot();
    let layer = &snapshot.layers["index"];
    let years: Vec<_> = layer.vintages.iter().map(|vintage| vintage.year).collect();
    assert_eq!((layer.imagery.mosaic.dalles().len(), years), (2, vec![2019, 2023]));
    assert_eq!(skipped.len(), 1, "{skipped:?}");
}

#[test]
fn a_seamline_shows_each_dalle_in_its_polygon_only() {
    let folder = folder();
    dalle(0, 0, |_, _| RED).write(&folder.path().join("dalles/a.tif"));
    dalle(0, 0, |_, _| BLUE).write(&folder.path().join("dalles/b.tif"));
    let (left, top) = CORNER;
    let feature = |name: &str, from: f64, to: f64| {
        let (west, east, south) = (left + from, left + to, top - 256.0);
        let ring =
            format!("[[{west},{top}],[{east},{top}],[{east},{south}],[{west},{south}],[{west},{top}]]");
        format!(
            r#"{{"type":"Feature","properties":{{"name":"{name}"}},"geometry":{{"type":"Polygon","coordinates":[{ring}]}}}}"#
        )
    };
    let crs = r#""crs":{"type":"name","properties":{"name":"EPSG:2154"}}"#;
    let features = [feature("a", 0.0, 128.0), feature("b", 128.0, 256.0)].join(",");
    let text = format!(r#"{{"type":"FeatureCollection",{crs},"features":[{features}]}}"#);
    fs::write(folder.path().join("seams.geojson"), text).expect("the folder can be written to");
    let server = served(folder.path(), "seamlines = \"seams.geojson\"\n");
    for (offset, colour) in [(40.0, RED), (216.0, BLUE)] {
        let (x, y) = tile_at(20, (left + offset, top - 128.0));
        let answer = server.get(&format!("/xyz/ortho/20/{x}/{y}.png"));
        assert_eq!(answer.middle_pixel()[..3], colour, "{offset} m from the west");
    }
}

#[test]
fn a_look_at_all_files_can_be_asked_for_from_this_machine_only() {
    let folder = folder();
    dalle(0, 0, |_, _| RED).write(&folder.path().join("dalles/a.tif"));
    let server = served(folder.path(), "");
    assert_eq!(server.get("/admin/rescan").status, 405);
    assert_eq!(server.request("POST", "/admin/rescan", &["X-Forwarded-For: 192.0.2.1"]).status, 403);
}
