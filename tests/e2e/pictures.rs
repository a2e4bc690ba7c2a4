//! What a tile shows.

use support::{Painted, Running, write_cog};
use tiler::{
    cog::write::{PixelError, PixelSource},
    geom::Window,
    raster::Raster,
};

fn served(pixels: &dyn PixelSource) -> (tempfile::TempDir, Running) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("ortho.tif");
    write_cog(&path, 2048, pixels);
    let server = Running::serve(&[path]);
    (folder, server)
}

/// A tile somewhere inside the imagery, by way of the limits in the TileJSON.
pub(crate) fn inside(server: &Running, layer: &str, zoom: u32) -> (u32, u32) {
    let json: serde_json::Value =
        serde_json::from_slice(&server.get(&format!("/xyz/{layer}/tilejson.json")).body).expect("TileJSON");
    let bound = |i: usize| json["bounds"][i].as_f64().expect("a number");
    let (lon, lat) = (f64::midpoint(bound(0), bound(2)), f64::midpoint(bound(1), bound(3)));
    let n = f64::from(1u32 << zoom);
    let y = (1.0 - lat.to_radians().tan().asinh() / std::f64::consts::PI) / 2.0;
    (((lon + 180.0) / 360.0 * n) as u32, (y * n) as u32)
}

#[test]
fn the_colour_of_the_file_is_the_colour_of_the_tile_in_every_format_and_size() {
    let (_folder, server) = served(&Painted([200, 60, 30]));
    let (x, y) = inside(&server, "ortho", 18);
    for (suffix, side) in [(".jpg", 256), (".png", 256), (".webp", 256), (".auto", 256), ("@2x.jpg", 512)] {
        let answer = server.get(&format!("/xyz/ortho/18/{x}/{y}{suffix}"));
        assert_eq!(answer.status, 200, "{suffix}: {}", String::from_utf8_lossy(&answer.body));
        let [r, g, b, a] = answer.middle_pixel();
        assert!(r.abs_diff(200) < 4 && g.abs_diff(60) < 4 && b.abs_diff(30) < 4 && a == 255, "{suffix}");
        let image = image::load_from_memory(&answer.body).expect("a picture");
        assert_eq!((image.width(), image.height()), (side, side), "{suffix}");
    }
}

/// Each level of detail has a colour of its own: red in full resolution, and stripes that average out above it.
struct Stripes;

impl PixelSource for Stripes {
    fn pixels(&self, window: Window) -> Result<Raster, PixelError> {
        let pixels: Vec<u8> = (window.row_off..window.row_end())
            .flat_map(|_| (window.col_off..window.col_end()).map(|col| if col % 2 == 0 { 255 } else { 0 }))
            .flat_map(|v| [v, 128, 128])
            .collect();
        Ok(Raster::new(window.size(), 3, pixels, None))
    }
}

#[test]
fn a_zoomed_out_tile_is_an_average_and_not_an_alias() {
    let (_folder, server) = served(&Stripes);
    for zoom in [14, 15, 16, 17] {
        let (x, y) = inside(&server, "ortho", zoom);
        let answer = server.get(&format!("/xyz/ortho/{zoom}/{x}/{y}.png"));
        let image = image::load_from_memory(&answer.body).expect("a picture").to_rgba8();
        let opaque = image.pixels().filter(|p| p.0[3] == 255);
        let worst = opaque.map(|p| p.0[0].abs_diff(128)).max().expect("imagery");
        assert!(worst < 24, "zoom {zoom}: {worst} from the average");
    }
}

#[test]
fn outside_the_imagery_a_png_is_transparent_and_a_jpeg_shows_the_background() {
    let (_folder, server) = served(&Painted([10, 20, 30]));
    let (x, y) = inside(&server, "ortho", 12);
    let far = format!("/xyz/ortho/12/{}/{y}", x + 50);
    assert_eq!(server.get(&format!("{far}.png")).middle_pixel()[3], 0);
    assert_eq!(server.get(&format!("{far}.jpg")).middle_pixel(), [255; 4]);
    let auto = server.get(&format!("{far}.auto"));
    assert_eq!((auto.header("content-type"), auto.header("pavage-path")), ("image/png", "blank"));
}

#[test]
fn auto_is_jpeg_inside_and_webp_at_the_edges_where_the_configuration_says_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_cog(&folder.path().join("ortho.tif"), 2048, &Painted([200, 60, 30]));
    let layer = "[[layer]]\nid = \"ortho\"\npath = \"ortho.tif\"\n";
    for (rule, edge) in [("", "image/png"), ("auto_edges = \"webp\"\n", "image/webp")] {
        let server = Running::configured(folder.path(), &format!("{layer}{rule}"));
        let media = |zoom: u32, east: u32| {
            let (x, y) = inside(&server, "ortho", zoom);
            let answer = server.get(&format!("/xyz/ortho/{zoom}/{}/{y}.auto", x + east));
            let picture = image::load_from_memory(&answer.body).expect("a picture").to_rgba8();
            let shown = picture.pixels().filter(|pixel| pixel.0[3] > 0).count();
            (answer.header("content-type").to_owned(), shown)
        };
        assert_eq!(media(19, 0), ("image/jpeg".to_owned(), 65_536), "full of imagery");
        let (partly, shown) = media(14, 0);
        assert!(partly == edge && (1..65_536).contains(&shown), "partly: {partly}, {shown}");
        assert_eq!(media(14, 50), (edge.to_owned(), 0), "beside it");
    }
    let jpeg_only = format!("{layer}auto_edges = \"webp\"\nformats = [\"jpeg\", \"png\"]\n");
    let server = Running::configured(folder.path(), &jpeg_only);
    let (x, y) = inside(&server, "ortho", 19);
    assert_eq!(
        server.get(&format!("/xyz/ortho/19/{x}/{y}.auto")).status,
        400,
        "one of its formats is not offered"
    );
}

#[test]
fn the_edge_of_the_imagery_has_no_dark_fringe() {
    let (_folder, server) = served(&Painted([250, 250, 250]));
    for zoom in [15, 16, 18] {
        let (x, y) = inside(&server, "ortho", zoom);
        for (dx, dy) in [(0, 0), (1, 0), (0, 1), (2, 2)] {
            let answer = server.get(&format!("/xyz/ortho/{zoom}/{}/{}.png", x + dx, y + dy));
            let image = image::load_from_memory(&answer.body).expect("a picture").to_rgba8();
            let darkest = image.pixels().filter(|p| p.0[3] > 0).map(|p| p.0[0]).min().unwrap_or(255);
            assert!(darkest > 240, "zoom {zoom}: a pixel of {darkest}");
        }
    }
}
