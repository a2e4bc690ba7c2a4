//! Imagery of several years in one layer: which one a request gets, and what is told of it.

use serde_json::Value;
use support::{Answer, Painted, Running, write_cog};

use crate::pictures::inside;

const OLD: [u8; 3] = [200, 60, 30];
const NEW: [u8; 3] = [30, 90, 200];

/// The same ground in 2019 and in 2023.
fn served() -> (tempfile::TempDir, Running) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (year, colour) in [(2019, OLD), (2023, NEW)] {
        let vol = folder.path().join(format!("vol{year}"));
        std::fs::create_dir(&vol).expect("it can be made");
        write_cog(&vol.join("0650-6235.tif"), 512, &Painted(colour));
    }
    let server = Running::configured(folder.path(), "[[layer]]\nid = \"ortho\"\npath = \".\"\n");
    (folder, server)
}

fn shows(answer: &Answer, colour: [u8; 3]) -> bool {
    answer.status == 200 && answer.middle_pixel().iter().zip(colour).all(|(a, b)| a.abs_diff(b) < 4)
}

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{}", answer.text()))
}

#[test]
fn every_protocol_takes_a_time_and_gives_the_newest_without() {
    let (_folder, server) = served();
    let (x, y) = inside(&server, "ortho", 18);
    let kvp = format!(
        "/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=ortho&STYLE=normal&FORMAT=image/png\
         &TILEMATRIXSET=WebMercatorQuad&TILEMATRIX=18&TILEROW={y}&TILECOL={x}"
    );
    let rest = |time: &str| format!("/wmts/1.0.0/ortho/normal{time}/WebMercatorQuad/18/{y}/{x}.png");
    let xyz = format!("/xyz/ortho/18/{x}/{y}.png");
    for (target, colour) in [
        (kvp.clone(), NEW),
        (format!("{kvp}&TIME=2019"), OLD),
        (format!("{kvp}&Time=2022-07-14"), OLD),
        (format!("{kvp}&time=current"), NEW),
        (format!("{kvp}&time=default"), NEW),
        (rest(""), NEW),
        (rest("/2019"), OLD),
        (rest("/2023"), NEW),
        (rest("/current"), NEW),
        (rest("") + "?time=2019", OLD),
        (xyz.clone(), NEW),
        (format!("{xyz}?time=2020"), OLD),
        (format!("{xyz}?time=2040"), NEW),
    ] {
        assert!(shows(&server.get(&target), colour), "{target}");
    }
    for target in [format!("{kvp}&TIME=2018"), format!("{kvp}&TIME=bogus"), rest("/2018"), rest("/bogus")] {
        let answer = server.get(&target);
        assert_eq!(answer.status, 400, "{target}");
        assert!(
            answer.text().contains("InvalidParameterValue") && answer.text().contains("locator=\"time\"")
        );
    }
    let refused = server.get(&format!("{xyz}?time=2018"));
    assert_eq!((refused.status, refused.header("content-type")), (400, "text/plain; charset=utf-8"));
}

#[test]
fn a_tile_of_the_newest_year_is_one_resource_however_it_is_asked_for() {
    let (_folder, server) = served();
    let (x, y) = inside(&server, "ortho", 18);
    let etag =
        |query: &str| server.get(&format!("/xyz/ortho/18/{x}/{y}.png{query}")).header("etag").to_owned();
    assert_eq!(etag(""), etag("?time=2023"));
    assert_ne!(etag(""), etag("?time=2019"));
}

#[test]
fn feature_info_is_of_the_time_that_is_asked_for() {
    let (_folder, server) = served();
    let (x, y) = inside(&server, "ortho", 19);
    let shown = |time: &str| {
        let target = format!("/wmts/1.0.0/ortho/normal{time}/WebMercatorQuad/19/{y}/{x}/20/10.json");
        json(&server.get(&target))["features"][0]["properties"]["year"].clone()
    };
    assert_eq!((shown(""), shown("/2019"), shown("/2023")), (2023.into(), 2019.into(), 2023.into()));
}

#[test]
fn documents_list_the_years() {
    let (_folder, server) = served();
    let capabilities = server.get("/wmts/1.0.0/WMTSCapabilities.xml");
    let document = roxmltree::Document::parse(capabilities.text()).expect("it is well formed");
    let years: Vec<_> = document
        .descendants()
        .filter(|node| node.tag_name().name() == "Dimension")
        .flat_map(|dimension| dimension.children())
        .filter(|node| node.tag_name().name() == "Value")
        .filter_map(|node| node.text())
        .collect();
    assert_eq!(years, ["2019", "2023"]);
    let tilejson = json(&server.get("/xyz/ortho/tilejson.json?time=2019"));
    assert_eq!(tilejson["vintages"], serde_json::json!([2019, 2023]));
    assert!(tilejson["tiles"][0].as_str().is_some_and(|tiles| tiles.ends_with("?time=2019")));
    assert_eq!(server.get("/xyz/ortho/tilejson.json?time=2018").status, 400);
}

#[test]
fn a_point_tells_which_dalles_made_it() {
    let (_folder, server) = served();
    let bounds = json(&server.get("/xyz/ortho/tilejson.json"))["bounds"].clone();
    let middle = |a: usize, b: usize| {
        f64::midpoint(bounds[a].as_f64().expect("a number"), bounds[b].as_f64().expect("a number"))
    };
    let (lon, lat) = (middle(0, 2), middle(1, 3));
    let answer = server.get(&format!("/xyz/ortho/point?lon={lon}&lat={lat}"));
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/geo+json"));
    assert_eq!(answer.header("cache-control"), "no-store");
    let document = json(&answer);
    let facts = |feature: &Value| {
        let of = |name: &str| feature["properties"][name].clone();
        let red = of("band_1").as_i64().expect("a number");
        assert!([OLD, NEW].iter().any(|colour| (red - i64::from(colour[0])).abs() < 4), "{red}");
        (of("year"), of("file"), of("shown"), of("resolution_m"), red > 100)
    };
    let features = document["features"].as_array().expect("a list");
    let expected = |year: u16, shown: bool| {
        (year.into(), "0650-6235.tif".into(), shown.into(), 0.2.into(), year == 2019)
    };
    assert_eq!(facts(&features[0]), expected(2023, true));
    assert_eq!(facts(&features[1]), expected(2019, false));

    let earlier = json(&server.get(&format!("/xyz/ortho/point?lon={lon}&lat={lat}&time=2022")));
    assert_eq!(earlier["features"].as_array().map(Vec::len), Some(1));
    assert_eq!(facts(&earlier["features"][0]), expected(2019, true));

    let elsewhere = server.get("/xyz/ortho/point?lon=-170&lat=-80");
    assert_eq!((elsewhere.status, &json(&elsewhere)["features"]), (200, &serde_json::json!([])));
    for query in ["lon=1", "lon=181&lat=1", "lon=NaN&lat=1", "lon=2.4&lat=43&time=2018", "lon=2&lat=4%3Cb"] {
        let answer = server.get(&format!("/xyz/ortho/point?{query}"));
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.header("content-type").starts_with("text/plain"), "{query}");
    }
    assert_eq!(server.get("/xyz/bogus/point?lon=1&lat=1").status, 404);
}
