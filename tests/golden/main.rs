//! Golden pictures of every kind of style, drawn by the running server. `make bless` renews them; a difference is written
//! as expected | difference | actual to `target/tmp/golden`. They say that pictures stay as they are; that the numbers are
//! right, `tests/oracle/styles.py` and the tests of `tiler::style` say.

mod imagery;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use support::{Answer, Running, golden};

/// libm differs between systems in its last digit, and so may a level.
const TOLERANCE: u8 = 1;
const CONFIG: &str = include_str!("styles.toml");
/// A ramp, classes, and channels as pictures.
const LEGENDS: [(&str, &str); 3] = [("elevation", "ramp"), ("rgbn", "classes"), ("rgbn", "irc")];

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn served() -> (tempfile::TempDir, Running) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    imagery::write(folder.path());
    for name in ["grid.json", "qgis.txt", "gdaldem.txt", "map.sld"] {
        fs::copy(here().join(name), folder.path().join(name)).expect("it is there");
    }
    let server = Running::configured(folder.path(), CONFIG);
    (folder, server)
}

/// All styles of all layers, as the server tells them.
fn styles(server: &Running) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for layer in server.layers() {
        let json = server.get(&format!("/xyz/{layer}/golden/tilejson.json"));
        let json: serde_json::Value = serde_json::from_slice(&json.body).expect("TileJSON");
        let styles = json["styles"].as_array().expect("a list").iter();
        all.extend(styles.map(|style| (layer.clone(), style.as_str().expect("a name").to_owned())));
    }
    all
}

/// The name of a golden picture; the automatic style goes by the layer's name.
fn case(layer: &str, style: &str) -> String {
    if style == "normal" { layer.to_owned() } else { format!("{layer}-{style}") }
}

fn differences(area: &str, pictures: impl Iterator<Item = (String, Answer)>) -> Vec<String> {
    let reports = Path::new(env!("CARGO_TARGET_TMPDIR")).join("golden").join(area);
    let of = |(case, answer): (String, Answer)| {
        assert_eq!(answer.status, 200, "{case}: {}", String::from_utf8_lossy(&answer.body));
        let golden = here().join(area).join(format!("{case}.png"));
        golden::compare(&golden, &answer.body, TOLERANCE, &reports).err()
    };
    pictures.filter_map(of).collect()
}

#[test]
fn every_kind_of_style_looks_as_it_did() {
    let (_folder, server) = served();
    let styles = styles(&server);
    let tile = |(layer, style): &(String, String)| {
        (case(layer, style), server.get(&format!("/xyz/{layer}/golden/0/0/0.png?style={style}")))
    };
    let differences = differences("style", styles.iter().map(tile));
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn legends_look_as_they_did() {
    let (_folder, server) = served();
    let legend = |(layer, style): &(&str, &str)| {
        (case(layer, style), server.get(&format!("/legend/{layer}/{style}.png")))
    };
    let differences = differences("legend", LEGENDS.iter().map(legend));
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn a_difference_is_told_and_drawn() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let reports = folder.path().join("reports");
    let golden = here().join("style/rgbn-rgb.png");
    let other = fs::read(here().join("style/rgbn-irc.png")).expect("it is there");
    let told = golden::compare(&golden, &other, TOLERANCE, &reports).expect_err("they differ");
    let report = image::open(reports.join("rgbn-rgb.png")).expect("a picture");
    assert!(told.contains("levels") && report.width() >= 3 * 96, "{told}");
    let missing = golden::compare(&folder.path().join("none.png"), &other, TOLERANCE, &reports);
    assert!(missing.is_err_and(|told| told.contains("make bless")));
}

#[test]
fn every_golden_picture_has_its_case() {
    let (_folder, server) = served();
    let names = |area: &str| -> BTreeSet<String> {
        let files = fs::read_dir(here().join(area)).expect("it is there").flatten();
        files.map(|file| file.file_name().to_string_lossy().into_owned()).collect()
    };
    let cases = |pairs: &[(String, String)]| -> BTreeSet<String> {
        pairs.iter().map(|(layer, style)| format!("{}.png", case(layer, style))).collect()
    };
    assert_eq!(names("style"), cases(&styles(&server)));
    let legends = LEGENDS.map(|(layer, style)| (layer.to_owned(), style.to_owned()));
    assert_eq!(names("legend"), cases(&legends));
}
