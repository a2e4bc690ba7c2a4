//! `pavage check` and `pavage info` as scripts run them: the binary, its exit status and its JSON.
#![expect(clippy::unwrap_used, reason = "a helper of tests that cannot go on panics, as a test does")]

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use tiler::{
    cog::write::{PixelError, PixelSource, WriteOptions, write},
    crs::Crs,
    geom::{GeoTransform, Size, Window},
    raster::Raster,
};

struct Grey;

impl PixelSource for Grey {
    fn pixels(&self, window: Window) -> Result<Raster, PixelError> {
        Ok(Raster::new(window.size(), 3, vec![128u8; window.pixels() as usize * 3], None))
    }
}

/// 256 x 256 px of 20 cm, the upper left corner in metres east and south of 650000, 6235000.
fn dalle(path: &Path, east: f64, south: f64) {
    let geotransform = GeoTransform::north_up(650_000.0 + east, 6_235_000.0 - south, 0.2, 0.2);
    let crs = Crs::from_epsg(2154).unwrap();
    let options =
        WriteOptions { block_px: 256, ..WriteOptions::new(Size::new(256, 256), geotransform, &crs) };
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    write(path, &options, &Grey).unwrap();
}

/// Three by three dalles, without the one in the middle.
fn ring(folder: &Path) {
    for (col, row) in [(0, 0), (1, 0), (2, 0), (0, 1), (2, 1), (0, 2), (1, 2), (2, 2)] {
        let path = folder.join(format!("{col}_{row}.tif"));
        dalle(&path, f64::from(col) * 51.2, f64::from(row) * 51.2);
    }
}

fn pavage(arguments: &[&str], path: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pavage")).args(arguments).arg(path).output().unwrap()
}

/// The exit status and the only collection.
fn check(folder: &Path) -> (i32, Value) {
    let done = pavage(&["check", "--json"], folder);
    let mut document: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(document["status"].as_i64(), done.status.code().map(i64::from));
    (done.status.code().unwrap(), document["collections"][0].take())
}

#[test]
fn a_sound_folder_gives_0() {
    let folder = tempfile::tempdir().unwrap();
    dalle(&folder.path().join("a.tif"), 0.0, 0.0);
    dalle(&folder.path().join("b.tif"), 51.2, 0.0);
    let (status, report) = check(folder.path());
    assert_eq!((status, &report["problems"][0]["code"]), (0, &Value::from("ready")));
}

#[test]
fn a_gap_an_overlap_and_a_duplicate_are_told_and_give_1() {
    let folder = tempfile::tempdir().unwrap();
    ring(folder.path());
    dalle(&folder.path().join("odd.tif"), 140.0, 0.0);
    dalle(&folder.path().join("again/0_0.tif"), 0.0, 0.0);
    let (status, report) = check(folder.path());
    assert_eq!(status, 1);
    assert_eq!(report["grids"][0]["gaps"]["enclosed"], 1);
    assert_eq!(report["grids"][0]["off_grid"]["files"], 1);
    assert_eq!(report["overlaps"]["pairs"], 1);
    assert_eq!(report["duplicate_names"]["groups"], 1);
    assert_eq!(report["duplicate_footprints"]["groups"], 1);
}

#[test]
fn a_broken_file_and_a_foreign_one_are_named_and_give_2() {
    let folder = tempfile::tempdir().unwrap();
    ring(folder.path());
    std::fs::write(folder.path().join("broken.tif"), b"II*\0").unwrap();
    std::fs::write(folder.path().join("old.sid"), b"msid\x01\x02\x03\x04").unwrap();
    let (status, report) = check(folder.path());
    assert_eq!((status, &report["files"], &report["served"]), (2, &Value::from(10), &Value::from(8)));
    let reasons = report["refused"].to_string();
    assert!(reasons.contains("broken.tif") && reasons.contains("it is MrSID"), "{reasons}");
}

#[test]
fn alignment_with_the_national_grid_is_told() {
    let folder = tempfile::tempdir().unwrap();
    dalle(&folder.path().join("a.tif"), 0.0, 0.0);
    let (_, report) = check(folder.path());
    let best = &report["alignment"][0];
    assert_eq!((&best["set"], &best["matrix"]), (&Value::from("LAMB93_5cm"), &Value::from("20")));
    assert_eq!(best["same_cell_size"]["pixels_coincide"], 1);
}

#[test]
fn the_text_says_the_same_in_words() {
    let folder = tempfile::tempdir().unwrap();
    ring(folder.path());
    let done = pavage(&["check"], folder.path());
    let text = String::from_utf8(done.stdout).unwrap();
    assert!(
        text.contains("gaps  1 dalle missing among others: 650051.2..650102.4, 6234897.6..6234948.8"),
        "{text}"
    );
    assert!(text.ends_with("All can be served; see above what could be better.\n"), "{text}");
}

#[test]
fn a_mistake_in_the_configuration_gives_2() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pavage.toml");
    std::fs::write(&path, "nonsense = 1\n").unwrap();
    let done = pavage(&["check", "--config"], &path);
    assert_eq!(done.status.code(), Some(2));
    assert!(String::from_utf8(done.stderr).unwrap().contains("nonsense"));
}

#[test]
fn info_tells_a_verdict_and_a_cost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    dalle(&path, 0.0, 0.0);
    let facts: Value = serde_json::from_slice(&pavage(&["info", "--json"], &path).stdout).unwrap();
    assert_eq!(facts["verdict"][0]["code"], "ready");
    assert!(facts["cost"]["native_tile_ms"].as_f64().unwrap() > 0.2);
    assert_eq!(facts["corners_wgs84"].as_array().unwrap().len(), 4);
    assert_eq!(facts["band_details"][2]["interpretation"], "Blue");
    assert_eq!(facts["files"].as_array().unwrap().len(), 1);
}

#[test]
fn info_gives_one_line_of_reason_without_control_characters() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a\n\u{1b}[31m.tif");
    std::fs::write(&path, b"nothing").unwrap();
    let done = pavage(&["info"], &path);
    let reason = String::from_utf8(done.stderr).unwrap();
    assert_eq!((done.status.code(), reason.lines().count(), reason.contains('\u{1b}')), (Some(2), 1, false));
}
