//! A layer with several styles, by every protocol.

use roxmltree::{Document, Node};
use support::{Answer, GeoTiff, Running};

use crate::pictures::inside;

const CORNER: (f64, f64) = (650_000.0, 6_235_000.0);
const SIDE_PX: u32 = 256;
const CONFIG: &str = r#"
[[layer]]
id = "ortho"
path = "ortho.tif"
[[layer.style]]
name = "rgb"
title = "Couleurs naturelles"
[[layer.style]]
name = "second"
title = "Infrarouge"
bands = [4, 1, 2]
[[layer]]
id = "dem"
path = "dem.tif"
formats = ["jpeg", "png", "webp"]
auto_edges = "webp"
[[layer.style]]
name = "terrain"
terrain_rgb = "mapbox"
[[layer.style]]
name = "shade"
hillshade = true
"#;

fn served() -> (tempfile::TempDir, Running) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ortho = GeoTiff::painted(SIDE_PX, |col, row| [200, 90, (col / 8 * 8) as u8, (row / 8 * 8) as u8]);
    ortho.placed(CORNER, 1.0).write(&folder.path().join("ortho.tif"));
    let dem = GeoTiff::painted(SIDE_PX, |col, row| [((col * 7 + row * 13) % 251) as u8]);
    dem.placed(CORNER, 1.0).write(&folder.path().join("dem.tif"));
    let server = Running::configured(folder.path(), CONFIG);
    (folder, server)
}

fn all<'a>(node: Node<'a, 'a>, name: &str) -> Vec<Node<'a, 'a>> {
    node.descendants().filter(|node| node.tag_name().name() == name).collect()
}

fn text_of(node: Node<'_, '_>, name: &str) -> Option<String> {
    node.children().find(|child| child.tag_name().name() == name)?.text().map(str::to_owned)
}

fn json(answer: &Answer) -> serde_json::Value {
    serde_json::from_slice(&answer.body).expect("JSON")
}

/// The part of an address of this server behind its authority.
fn target(address: &str) -> &str {
    let rest = address.strip_prefix("http://").expect("a whole address");
    &rest[rest.find('/').expect("a path")..]
}

#[test]
fn capabilities_list_every_style_with_its_legend_and_a_template_for_all() {
    let (_folder, server) = served();
    let answer = server.get("/wmts?service=WMTS&request=GetCapabilities");
    let document = Document::parse(answer.text()).expect("it is well formed");
    let layers = all(document.root_element(), "Layer");
    let ortho = layers
        .iter()
        .find(|layer| text_of(**layer, "Identifier").as_deref() == Some("ortho"))
        .expect("it is listed");
    let styles = all(*ortho, "Style");
    let listed: Vec<_> = styles
        .iter()
        .map(|style| (text_of(*style, "Identifier").expect("one"), style.attribute("isDefault")))
        .collect();
    assert_eq!(listed, [("rgb".to_owned(), Some("true")), ("second".to_owned(), Some("false"))]);
    for style in styles {
        let legend = all(style, "LegendURL")[0];
        let address = legend.attribute(("http://www.w3.org/1999/xlink", "href")).expect("a link");
        let answer = server.get(target(address));
        assert_eq!((answer.status, answer.header("content-type")), (200, "image/png"));
        assert_eq!(legend.attribute("format"), Some("image/png"));
    }
    for resource in all(*ortho, "ResourceURL") {
        let template = resource.attribute("template").expect("one");
        assert!(template.contains("/ortho/{Style}/"), "{template}");
    }
}

#[test]
fn a_style_gives_the_same_bytes_by_kvp_rest_and_xyz() {
    let (_folder, server) = served();
    let (x, y) = inside(&server, "ortho", 17);
    for (extension, media) in [("jpg", "image/jpeg"), ("png", "image/png"), ("webp", "image/webp")] {
        let xyz = server.get(&format!("/xyz/ortho/17/{x}/{y}.{extension}?style=second"));
        let rest = server.get(&format!("/wmts/1.0.0/ortho/second/WebMercatorQuad/17/{y}/{x}.{extension}"));
        let kvp = server.get(&kvp("second", media, (x, y)));
        assert_eq!((xyz.status, rest.status, kvp.status), (200, 200, 200), "{extension}");
        assert!(xyz.body == rest.body && rest.body == kvp.body, "{extension}");
        assert!(xyz.header("etag") == rest.header("etag") && rest.header("etag") == kvp.header("etag"));
        let [_, g, b, _] = xyz.middle_pixel();
        assert!(g.abs_diff(200) < 8 && b.abs_diff(90) < 8, "infrared, red, green");
    }
}

fn kvp(style: &str, media: &str, (x, y): (u32, u32)) -> String {
    format!(
        "/wmts?service=WMTS&request=GetTile&version=1.0.0&layer=ortho&style={style}&format={media}\
         &tilematrixset=WebMercatorQuad&tilematrix=17&tilerow={y}&tilecol={x}"
    )
}

#[test]
fn the_first_style_goes_by_the_names_that_clients_have_for_it() {
    let (_folder, server) = served();
    let (x, y) = inside(&server, "ortho", 17);
    let first = server.get(&format!("/xyz/ortho/17/{x}/{y}.png"));
    for style in ["rgb", "normal", "default", ""] {
        let xyz = server.get(&format!("/xyz/ortho/17/{x}/{y}.png?style={style}"));
        let kvp = server.get(&kvp(style, "image/png", (x, y)));
        assert!(xyz.body == first.body && kvp.body == first.body, "{style:?}");
        assert!(xyz.header("etag") == first.header("etag") && kvp.header("etag") == first.header("etag"));
    }
    for style in ["rgb", "normal", "default"] {
        let rest = server.get(&format!("/wmts/1.0.0/ortho/{style}/WebMercatorQuad/17/{y}/{x}.png"));
        assert!(rest.body == first.body, "{style}");
    }
    let second = server.get(&format!("/xyz/ortho/17/{x}/{y}.png?style=second"));
    assert_ne!(first.header("etag"), second.header("etag"));
}

#[test]
fn the_tag_of_one_style_is_not_taken_for_another() {
    let (_folder, server) = served();
    let (x, y) = inside(&server, "ortho", 17);
    let tile = format!("/xyz/ortho/17/{x}/{y}.png");
    let condition = format!("If-None-Match: {}", server.get(&tile).header("etag"));
    assert_eq!(server.request("GET", &tile, &[&condition]).status, 304);
    assert_eq!(server.request("GET", &format!("{tile}?style=second"), &[&condition]).status, 200);
}

#[test]
fn an_unknown_style_is_refused_by_every_protocol() {
    let (_folder, server) = served();
    let (x, y) = inside(&server, "ortho", 17);
    let answer = server.get(&kvp("bogus", "image/png", (x, y)));
    assert_eq!(answer.status, 400);
    let document = Document::parse(answer.text()).expect("it is well formed");
    let exception = all(document.root_element(), "Exception")[0];
    assert_eq!(exception.attribute("exceptionCode"), Some("InvalidParameterValue"));
    assert!(exception.attribute("locator").is_some_and(|locator| locator.eq_ignore_ascii_case("style")));
    for other in [
        format!("/wmts/1.0.0/ortho/bogus/WebMercatorQuad/17/{y}/{x}.png"),
        format!("/xyz/ortho/17/{x}/{y}.png?style=bogus"),
        "/xyz/ortho/tilejson.json?style=bogus".to_owned(),
        "/legend/ortho/bogus.png".to_owned(),
        "/legend/bogus/rgb.json".to_owned(),
        "/legend/ortho/rgb.gif".to_owned(),
    ] {
        let answer = server.get(&other);
        assert!(matches!(answer.status, 400 | 404), "{} for {other}", answer.status);
        assert!(!answer.text().contains("bogus"), "what clients send is not sent back");
    }
}

#[test]
fn tilejson_of_a_style_leads_to_its_tiles_and_its_legend() {
    let (_folder, server) = served();
    let (x, y) = inside(&server, "ortho", 17);
    let second = json(&server.get("/xyz/ortho/tilejson.json?style=second"));
    assert_eq!((&second["style"], &second["styles"][0]), (&"second".into(), &"rgb".into()));
    let template = target(second["tiles"][0].as_str().expect("an address"));
    let address = template.replace("{z}", "17").replace("{x}", &x.to_string()).replace("{y}", &y.to_string());
    let direct = server.get(&format!("/xyz/ortho/17/{x}/{y}.jpg?style=second"));
    assert!(server.get(&address).body == direct.body, "{address}");
    let legend = json(&server.get(target(second["legend"].as_str().expect("an address"))));
    assert_eq!((&legend["name"], &legend["title"]), (&"second".into(), &"Infrarouge".into()));
    let first = json(&server.get("/xyz/ortho/tilejson.json"));
    assert!(first["tiles"][0].as_str().is_some_and(|address| !address.contains('?')));
}

#[test]
fn a_legend_for_fine_screens_has_twice_the_pixels() {
    let (_folder, server) = served();
    let size = |target: &str| {
        let answer = server.get(target);
        assert_eq!((answer.status, answer.header("content-type")), (200, "image/png"));
        let image = image::load_from_memory(&answer.body).expect("a picture");
        (image.width(), image.height())
    };
    let (width, height) = size("/legend/ortho/second.png");
    let (double_width, double_height) = size("/legend/ortho/second@2x.png");
    // Text is not exactly twice as wide.
    assert!(double_width.abs_diff(2 * width) <= 4 && double_height.abs_diff(2 * height) <= 4);
}

#[test]
fn elevations_for_programs_are_never_lossy() {
    let (_folder, server) = served();
    let (x, y) = inside(&server, "dem", 17);
    let tile = |extension: &str| server.get(&format!("/xyz/dem/17/{x}/{y}.{extension}"));
    assert_eq!(tile("jpg").status, 400);
    assert_eq!(server.get(&format!("/xyz/dem/17/{x}/{y}.jpg?style=shade")).status, 200);
    let picture = |answer: &Answer| image::load_from_memory(&answer.body).expect("a picture").to_rgba8();
    let (png, webp, auto) = (tile("png"), tile("webp"), tile("auto"));
    assert_eq!((png.status, auto.header("content-type")), (200, "image/webp"));
    assert!(picture(&png) == picture(&webp) && picture(&png) == picture(&auto), "every value is kept");
    let json = json(&server.get("/xyz/dem/tilejson.json"));
    assert!(json["tiles"][0].as_str().is_some_and(|address| address.contains("/{y}.png")), "no .jpg there");
}

#[test]
fn a_named_colour_map_can_be_turned_round() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    GeoTiff::painted(SIDE_PX, |col, _| [col as u8]).placed(CORNER, 1.0).write(&folder.path().join("dem.tif"));
    let layer = "[[layer]]\nid = \"dem\"\npath = \"dem.tif\"\n";
    let pixel = |style: &str| {
        let style = format!("{layer}[[layer.style]]\nname = \"map\"\n{style}\n");
        let server = Running::configured(folder.path(), &style);
        let (x, y) = inside(&server, "dem", 17);
        server.get(&format!("/xyz/dem/17/{x}/{y}.png")).middle_pixel()
    };
    let turned = pixel("rescale = [255, 0]\ncolormap = \"magma\"");
    assert_eq!(pixel("rescale = [0, 255]\ncolormap = \"magma_r\""), turned);
}
