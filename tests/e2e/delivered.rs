//! Imagery as producers deliver it: placed by the files beside it, or by the configuration; with external overviews and
//! masks; with tags that are wrong; with neighbours that cannot be read.

use std::{fs, path::Path};

use server::layers::Catalog;
use support::{GeoTiff, Running, opened};

use crate::pictures::inside;

const CORNER: (f64, f64) = (650_000.0, 6_235_000.0);
/// West, south, east, north of the image, by PROJ: the four corners through `cs2cs EPSG:2154 EPSG:4326 -f %.6f`.
const BOUNDS_DEG: [f64; 4] = [2.385_099, 43.210_156, 2.388_271, 43.212_477];
const SIDE_PX: u32 = 256;
const CELL: f64 = 1.0;
/// Of the CRS, as QGIS and GDAL write it into a `.prj`.
const LAMBERT_93: &str = r#"PROJCS["RGF93_Lambert_93",GEOGCS["GCS_RGF_1993",DATUM["D_RGF_1993",SPHEROID["GRS_1980",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Lambert_Conformal_Conic"],PARAMETER["False_Easting",700000.0],PARAMETER["False_Northing",6600000.0],PARAMETER["Central_Meridian",3.0],PARAMETER["Standard_Parallel_1",44.0],PARAMETER["Standard_Parallel_2",49.0],PARAMETER["Latitude_Of_Origin",46.5],UNIT["Meter",1.0]]"#;
/// Of the middle of the first pixel.
const WORLD_FILE: &str = "1.0\n0.0\n0.0\n-1.0\n650000.5\n6234999.5\n";
const CONFIG: &str = "[[layer]]\nid = \"ortho\"\npath = \"ortho.tif\"\n";

/// One of a colour that is nowhere else.
fn plain(colour: [u8; 3]) -> GeoTiff {
    GeoTiff::painted(SIDE_PX, |_, _| colour)
}

fn folder_with(image: &GeoTiff) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    image.write(&folder.path().join("ortho.tif"));
    folder
}

fn put(folder: &tempfile::TempDir, name: &str, text: &str) {
    fs::write(folder.path().join(name), text).expect("the folder can be written to");
}

/// Why nothing is served.
fn refused(folder: &Path, config: &str) -> String {
    opened(folder, config, None).1.expect_err("it is refused").to_string()
}

/// The layer lies where it should, to the size of a pixel, and shows its colour.
fn assert_lies_at_the_corner(server: &Running) {
    let json: serde_json::Value =
        serde_json::from_slice(&server.get("/xyz/ortho/tilejson.json").body).expect("TileJSON");
    for (i, expected) in BOUNDS_DEG.into_iter().enumerate() {
        let bound = json["bounds"][i].as_f64().expect("a number");
        assert!((bound - expected).abs() < 5e-6, "{bound} for {expected}");
    }
    let (x, y) = inside(server, "ortho", 18);
    assert_eq!(server.get(&format!("/xyz/ortho/18/{x}/{y}.png")).middle_pixel(), [10, 200, 30, 255]);
}

#[test]
fn a_world_file_and_a_crs_in_the_configuration_place_an_image() {
    let folder = folder_with(&plain([10, 200, 30]));
    put(&folder, "ortho.tfw", WORLD_FILE);
    let server = Running::configured(folder.path(), &format!("{CONFIG}crs = \"EPSG:2154\"\n"));
    assert_lies_at_the_corner(&server);
}

#[test]
fn a_world_file_alone_is_refused_with_the_key_that_mends_it() {
    let folder = folder_with(&plain([10, 200, 30]));
    put(&folder, "ortho.tfw", WORLD_FILE);
    let told = refused(folder.path(), CONFIG);
    assert!(
        told.contains("ortho.tif: ") && told.contains("CRS") && told.contains("crs = \"EPSG:2154\""),
        "{told}"
    );
}

#[test]
fn a_world_file_and_a_prj_place_an_image() {
    let folder = folder_with(&plain([10, 200, 30]));
    put(&folder, "ortho.tfw", WORLD_FILE);
    put(&folder, "ortho.prj", LAMBERT_93);
    assert_lies_at_the_corner(&Running::configured(folder.path(), CONFIG));
}

#[test]
fn the_aux_xml_of_gdal_places_an_image_and_wins_over_the_world_file() {
    let folder = folder_with(&plain([10, 200, 30]));
    put(&folder, "ortho.tfw", "1.0\n0.0\n0.0\n-1.0\n0.5\n-0.5\n");
    let place = "<GeoTransform>650000, 1, 0, 6235000, 0, -1</GeoTransform>";
    put(&folder, "ortho.tif.aux.xml", &format!("<PAMDataset><SRS>{LAMBERT_93}</SRS>{place}</PAMDataset>"));
    assert_lies_at_the_corner(&Running::configured(folder.path(), CONFIG));
}

#[test]
fn external_overviews_are_what_zoomed_out_tiles_are_read_from() {
    let folder = folder_with(&plain([200, 0, 0]).placed(CORNER, CELL));
    let overview = |side| GeoTiff::painted(side, |_, _| [0, 0, 200]);
    GeoTiff::write_beside(&folder.path().join("ortho.tif.ovr"), &[overview(128), overview(64)]);
    let server = Running::configured(folder.path(), CONFIG);
    let pixel = |zoom: u32| {
        let (x, y) = inside(&server, "ortho", zoom);
        let answer = server.get(&format!("/xyz/ortho/{zoom}/{x}/{y}.png"));
        let image = image::load_from_memory(&answer.body).expect("a picture").to_rgba8();
        image.pixels().find(|pixel| pixel.0[3] == 255).map(|pixel| pixel.0)
    };
    assert_eq!(pixel(18), Some([200, 0, 0, 255]), "full resolution");
    assert_eq!(pixel(14), Some([0, 0, 200, 255]), "an overview");
}

#[test]
fn an_external_mask_hides_and_is_noticed_when_it_is_rewritten() {
    let folder = folder_with(&plain([10, 200, 30]).placed(CORNER, CELL));
    let mask = folder.path().join("ortho.tif.msk");
    GeoTiff::mask(SIDE_PX, |col, _| col < 64).write(&mask);
    let server = Running::configured(folder.path(), CONFIG);
    let (x, y) = inside(&server, "ortho", 18);
    let target = format!("/xyz/ortho/18/{x}/{y}.png");
    let before = server.get(&target);
    assert_eq!(before.middle_pixel()[3], 0, "the middle is hidden");
    GeoTiff::mask(SIDE_PX, |col, _| col >= 64).write(&mask);
    let after = server.wait_for(&target, |answer| answer.header("etag") != before.header("etag"));
    assert_eq!(after.middle_pixel(), [10, 200, 30, 255], "and now it is not");
}

#[test]
fn the_configuration_knows_better_which_value_is_nothing() {
    let folder = folder_with(&GeoTiff { nodata: Some("0"), ..plain([0, 0, 0]).placed(CORNER, CELL) });
    let alpha = |rule: &str| {
        let server = Running::configured(folder.path(), &format!("{CONFIG}{rule}\n"));
        let (x, y) = inside(&server, "ortho", 18);
        server.get(&format!("/xyz/ortho/18/{x}/{y}.png")).middle_pixel()[3]
    };
    assert_eq!(["", "nodata = \"file\"", "nodata = 0"].map(alpha), [0; 3]);
    assert_eq!(["nodata = \"none\"", "nodata = 255"].map(alpha), [255; 2]);
}

#[test]
fn a_band_that_is_called_alpha_can_be_data() {
    let rgbn = GeoTiff::painted(SIDE_PX, |_, _| [10, 20, 30, 40]).placed(CORNER, CELL);
    let folder = folder_with(&GeoTiff { has_alpha: true, ..rgbn });
    let styles = "[[layer.style]]\nname = \"rgb\"\n[[layer.style]]\nname = \"irc\"\nbands = [4, 1, 2]\n";
    let server = Running::configured(folder.path(), &format!("{CONFIG}alpha = false\n{styles}"));
    let (x, y) = inside(&server, "ortho", 18);
    let pixel = |style: &str| server.get(&format!("/xyz/ortho/18/{x}/{y}.png?style={style}")).middle_pixel();
    assert_eq!([pixel("rgb"), pixel("irc")], [[10, 20, 30, 255], [40, 10, 20, 255]]);
    let server = Running::configured(folder.path(), CONFIG);
    assert_eq!(server.get(&format!("/xyz/ortho/18/{x}/{y}.png")).middle_pixel(), [10, 20, 30, 40]);
}

#[test]
fn what_cannot_be_read_in_a_folder_is_named_and_the_rest_is_served() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let deliveries = folder.path().join("deliveries");
    fs::create_dir(&deliveries).expect("the folder can be written to");
    plain([1, 2, 3]).placed(CORNER, CELL).write(&deliveries.join("good.tif"));
    fs::write(deliveries.join("old.ecw"), b"e\x02\x01\x01 whatever").expect("it can be written");
    fs::write(deliveries.join("broken.tif"), b"II*\0\x08").expect("it can be written");
    for (id, name) in [("", "deliveries"), ("id = \"all\"\n", "all"), ("each = true\n", "good")] {
        let config = format!("[[layer]]\n{id}path = \"deliveries\"\n");
        let (catalog, skipped) = opened(folder.path(), &config, None).1.expect("one can be served");
        let layers: Vec<_> = catalog.snapshot().layers.into_keys().collect();
        assert_eq!(layers, [name]);
        let told: Vec<_> = skipped.iter().map(ToString::to_string).collect();
        let [broken, ecw] = &told[..] else { panic!("{told:#?}") };
        assert!(broken.contains("broken.tif: ") && ecw.contains("old.ecw: "), "{told:#?}");
        assert!(ecw.contains("ECW") && ecw.contains("gdal_translate"), "the remedy: {ecw}");
    }
}

#[test]
fn a_reload_reads_files_by_the_rules_that_are_new() {
    let folder = folder_with(&GeoTiff { nodata: Some("0"), ..plain([0, 0, 0]).placed(CORNER, CELL) });
    let has_nodata =
        |catalog: &Catalog| catalog.snapshot().layers["ortho"].imagery.mosaic.dalle(0).kind.has_transparency;
    let (before, _) = opened(folder.path(), CONFIG, None).1.expect("it can be served");
    assert!(has_nodata(&before));
    let changed = format!("{CONFIG}nodata = \"none\"\n");
    let (after, _) = opened(folder.path(), &changed, Some(&before)).1.expect("it can be served");
    assert!(!has_nodata(&after));
}

#[test]
fn a_mask_that_is_copied_after_its_image_is_noticed() {
    let folder = folder_with(&plain([10, 200, 30]).placed(CORNER, CELL));
    let server = Running::configured(folder.path(), CONFIG);
    let (x, y) = inside(&server, "ortho", 18);
    let target = format!("/xyz/ortho/18/{x}/{y}.png");
    assert_eq!(server.get(&target).middle_pixel()[3], 255);
    GeoTiff::mask(SIDE_PX, |col, _| col < 64).write(&folder.path().join("ortho.tif.msk"));
    server.wait_for(&target, |answer| answer.middle_pixel()[3] == 0);
}

#[test]
fn a_world_file_that_is_corrected_is_noticed() {
    let folder = folder_with(&GeoTiff { epsg: Some(2154), ..plain([10, 200, 30]) });
    put(&folder, "ortho.tfw", "1.0\n0.0\n0.0\n-1.0\n652000.5\n6234999.5\n");
    let server = Running::configured(folder.path(), CONFIG);
    let before = server.get("/xyz/ortho/tilejson.json").body;
    put(&folder, "ortho.tfw", WORLD_FILE);
    server.wait_for("/xyz/ortho/tilejson.json", |answer| answer.body != before);
    assert_lies_at_the_corner(&server);
}

#[test]
fn an_image_whose_aux_xml_comes_later_is_served_then() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    plain([1, 2, 3]).placed(CORNER, CELL).write(&folder.path().join("good.tif"));
    plain([10, 200, 30]).write(&folder.path().join("ortho.tif"));
    let server = Running::configured(folder.path(), "[[layer]]\npath = \".\"\neach = true\n");
    let place = "<GeoTransform>650000, 1, 0, 6235000, 0, -1</GeoTransform>";
    put(&folder, "ortho.tif.aux.xml", &format!("<PAMDataset><SRS>{LAMBERT_93}</SRS>{place}</PAMDataset>"));
    server.wait_for("/xyz/ortho/tilejson.json", |answer| answer.status == 200);
}
