use geo_types::polygon;

use super::*;
use crate::{
    catalog::{Imagery, Kind, Mosaic, Order, fixture},
    crs::{Crs, Transform},
    geom::{GeoTransform, Size},
    raster::{Interpretation, SampleType},
    render::{RenderSettings, TileAddress, plan},
    style::{LayerFacts, StyleSpec},
    tms::{Registry, TileId},
};

/// The upper left corner of a tile of matrix 22 of `LAMB93_5cm`: of its column 50,000 and row 450,000.
const CORNER: (f64, f64) = (640_000.0, 6_240_000.0);
const TILE_M: f64 = 12.8;

/// A dalle of 200 m at 5 cm, beside a corner of tiles by some pixels.
fn dalle(name: &str, beside_px: (f64, f64)) -> Dalle {
    fixture::dalle(name, CORNER.0 + beside_px.0 * 0.05, CORNER.1 - beside_px.1 * 0.05)
}

/// How a tile is asked for.
struct Asked {
    /// Columns and rows from the corner.
    tile: (u32, u32),
    matrix: &'static str,
    set: &'static str,
    scale: u32,
    format: OutputFormat,
    style: StyleSpec,
    settings: RenderSettings,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            tile: (3, 2),
            matrix: "22",
            set: "LAMB93_5cm",
            scale: 1,
            format: OutputFormat::Jpeg,
            style: StyleSpec::default(),
            settings: RenderSettings::default(),
        }
    }
}

impl Asked {
    fn plan(&self, dalles: Vec<Dalle>) -> Plan {
        let registry = Registry::standard();
        let set = registry.get(self.set).expect("it is a standard set");
        let matrix = set.matrices.iter().position(|matrix| matrix.id == self.matrix).expect("it is there");
        let there = &set.matrices[matrix];
        let middle = (
            CORNER.0 + (f64::from(self.tile.0) + 0.5) * TILE_M,
            CORNER.1 - (f64::from(self.tile.1) + 0.5) * TILE_M,
        );
        let (col, row) = there.tile_at(middle.0, middle.1).expect("it is in the set");
        let tile = TileId { matrix, col, row };
        let facts = LayerFacts::plain(3, SampleType::U8, Interpretation::Rgb);
        let style = &self.style.resolve(&facts).expect("it fits");
        let address = TileAddress { set, tile, scale: self.scale, format: self.format, style };
        let mosaic = Mosaic::new(dalles.into_iter().map(Arc::new).collect(), Order::Given);
        plan(&Imagery::new(mosaic), &address, &self.settings).expect("it can be planned")
    }

    fn window(&self, dalles: Vec<Dalle>) -> Option<(String, usize, Window)> {
        let plan = self.plan(dalles);
        let Passage { level, window, .. } = plan.passage()?.as_ref();
        Some((plan.passage()?.dalle().stem(), *level, *window))
    }
}

fn found(dalles: Vec<Dalle>) -> Option<(String, usize, Window)> {
    Asked::default().window(dalles)
}

fn on(name: &str, level: usize, col: i64, row: i64) -> (String, usize, Window) {
    (name.to_owned(), level, Window::new(col, row, 256, 256))
}

/// A dalle that shows in a rectangle of pixels only.
fn shown_in(dalle: Dalle, from: (f64, f64), to: (f64, f64)) -> Dalle {
    let at = |col: f64, row: f64| dalle.geotransform.apply(col, row);
    let ((left, top), (right, bottom)) = (at(from.0, from.1), at(to.0, to.1));
    let around = polygon![(x: left, y: top), (x: right, y: top), (x: right, y: bottom), (x: left, y: bottom)];
    let footprint = Some(Arc::new(Footprint::new(geo_types::MultiPolygon(vec![around]))));
    Dalle { footprint, ..dalle }
}

#[test]
fn a_tile_on_whole_pixels_of_one_dalle_is_found_on_its_level() {
    assert_eq!(found(vec![dalle("a", (0.0, 0.0))]), Some(on("a", 0, 768, 512)));
    assert_eq!(
        found(vec![dalle("a", (-100.0, 7.0))]),
        Some(on("a", 0, 868, 505)),
        "the file tells whether it is a block"
    );
    let coarser = Asked { matrix: "21", tile: (4, 2), ..Asked::default() };
    assert_eq!(coarser.window(vec![dalle("a", (0.0, 0.0))]), Some(on("a", 1, 512, 256)));
    let double = Asked { scale: 2, tile: (4, 2), matrix: "21", ..Asked::default() };
    let window = Some(("a".to_owned(), 0, Window::new(1024, 512, 512, 512)));
    assert_eq!(double.window(vec![dalle("a", (0.0, 0.0))]), window);
}

#[test]
fn pixels_beside_those_of_the_tile_are_refused() {
    assert_eq!(found(vec![dalle("a", (0.0005, 0.0))]), Some(on("a", 0, 768, 512)), "it is rounding");
    assert_eq!(found(vec![dalle("a", (0.005, 0.0))]), None);
    assert_eq!(found(vec![dalle("a", (0.5, 0.0))]), None);
    let wider = |cell: f64| Dalle {
        geotransform: GeoTransform::north_up(CORNER.0, CORNER.1, cell, cell),
        ..dalle("a", (0.0, 0.0))
    };
    assert_eq!(found(vec![wider(0.050_001)]), None);
    let turned = GeoTransform([CORNER.0, 0.05, 1e-5, CORNER.1, 1e-5, -0.05]);
    assert_eq!(found(vec![Dalle { geotransform: turned, ..dalle("a", (0.0, 0.0)) }]), None);
}

#[test]
fn another_projection_is_refused() {
    // Pixels of Lambert-93 of the cell size of a tile of Web Mercator that lies over them.
    let lambert = Crs::from_epsg(2154).expect("is known");
    let mercator = Crs::from_epsg(3857).expect("is known");
    let there = Transform::new(&lambert, &mercator).expect("there is a way");
    let (x, y) = there.convert(CORNER.0 + 100.0, CORNER.1 - 100.0).expect("it is in France");
    let registry = Registry::standard();
    let set = registry.get("WebMercatorQuad").expect("it is a standard set");
    let (col, row) = set.matrices[20].tile_at(x, y).expect("it is on earth");
    let facts = LayerFacts::plain(3, SampleType::U8, Interpretation::Rgb);
    let style = &StyleSpec::default().resolve(&facts).expect("it fits");
    let tile = TileId { matrix: 20, col, row };
    let address = TileAddress { set, tile, scale: 1, format: OutputFormat::Jpeg, style };
    let mosaic = Mosaic::new(vec![Arc::new(dalle("a", (0.0, 0.0)))], Order::Given);
    let plan = plan(&Imagery::new(mosaic), &address, &RenderSettings::default()).expect("it can be planned");
    assert!(!plan.is_empty() && plan.passage().is_none());
}

#[test]
fn the_edge_of_imagery_is_refused() {
    // 4,000 px are 15.6 tiles.
    let last = |tile| Asked { tile, ..Asked::default() }.window(vec![dalle("a", (0.0, 0.0))]);
    assert_eq!(last((14, 14)), Some(on("a", 0, 3584, 3584)));
    assert_eq!(last((15, 14)), None);
    assert_eq!(last((14, 15)), None);
}

#[test]
fn of_several_dalles_the_one_that_holds_the_tile_passes_unless_a_better_one_lies_over_it() {
    let (a, b) = (dalle("a", (0.0, 0.0)), dalle("b", (0.0, 0.0)));
    assert_eq!(found(vec![a.clone(), b.clone()]), Some(on("a", 0, 768, 512)));
    assert_eq!(found(vec![b.clone(), a.clone()]), Some(on("b", 0, 768, 512)));
    // One that ends where the tile begins, or only kernels reach.
    let beside = dalle("beside", (768.0 - 4000.0, 0.0));
    assert_eq!(found(vec![beside, b.clone()]), Some(on("b", 0, 768, 512)));
    // One pixel over it.
    let over = dalle("over", (769.0 - 4000.0, 0.0));
    assert_eq!(found(vec![over.clone(), b.clone()]), None);
    assert_eq!(found(vec![b.clone(), over]), Some(on("b", 0, 768, 512)), "below it may lie");
    // Of other pixels.
    let other = dalle("other", (0.5, 0.5));
    assert_eq!(found(vec![other.clone(), b.clone()]), None);
    assert_eq!(found(vec![b.clone(), other]), Some(on("b", 0, 768, 512)));
    let far = dalle("far", (-3900.5, 0.0));
    assert_eq!(found(vec![far, b]), Some(on("b", 0, 768, 512)));
}

#[test]
fn neighbours_on_the_grid_of_tiles_pass_each_for_itself() {
    let dalles = || vec![dalle("west", (0.0, 0.0)), dalle("east", (4096.0 - 96.0, 0.0))];
    let at = |col| Asked { tile: (col, 2), ..Asked::default() }.window(dalles());
    assert_eq!(at(14), Some(on("west", 0, 3584, 512)));
    assert_eq!(at(15), None, "it is made of both");
    assert_eq!(at(16), Some(on("east", 0, 96, 512)));
}

#[test]
fn a_footprint_must_show_all_of_the_tile() {
    let shown = |from, to| found(vec![shown_in(dalle("a", (0.0, 0.0)), from, to)]);
    assert_eq!(shown((768.0, 512.0), (1024.0, 768.0)), Some(on("a", 0, 768, 512)));
    assert_eq!(shown((769.0, 512.0), (1024.0, 768.0)), None);
    assert_eq!(shown((1024.0, 512.0), (2000.0, 2000.0)), None);
    assert_eq!(shown((800.0, 600.0), (801.0, 601.0)), None, "a hole within");
    let pair = |to| found(vec![shown_in(dalle("a", (0.0, 0.0)), (0.0, 0.0), to), dalle("b", (0.0, 0.0))]);
    assert_eq!(pair((768.0, 4000.0)), Some(on("b", 0, 768, 512)), "the better one shows elsewhere");
    assert_eq!(pair((770.0, 4000.0)), None);
    assert_eq!(pair((4000.0, 4000.0)), Some(on("a", 0, 768, 512)));
}

#[test]
fn a_slanted_edge_near_a_corner_does_not_count() {
    let place = Bounds::new(0.0, 0.0, 10.0, 10.0);
    let inside =
        |shape: geo_types::Polygon| within(&Footprint::new(geo_types::MultiPolygon(vec![shape])), &place);
    let triangle = polygon![(x: -5.0, y: -5.0), (x: 30.0, y: -5.0), (x: -5.0, y: 30.0)];
    assert_eq!(inside(triangle), Shows::All);
    assert_eq!(inside(polygon![(x: -5.0, y: -5.0), (x: 12.0, y: -5.0), (x: -5.0, y: 12.0)]), Shows::Part);
    assert_eq!(inside(polygon![(x: 12.0, y: 9.0), (x: 9.0, y: 12.0), (x: 30.0, y: 30.0)]), Shows::Nothing);
}

#[test]
fn what_changes_pixels_is_refused() {
    let dalles = || vec![dalle("a", (0.0, 0.0))];
    let style = StyleSpec { gamma: vec![1.2], ..StyleSpec::default() };
    assert_eq!(Asked { style, ..Asked::default() }.window(dalles()), None);
    let grey = Kind { bands: 1, ..(*dalle("a", (0.0, 0.0)).kind).clone() };
    assert_eq!(
        found(vec![Dalle { kind: Arc::new(grey), ..dalle("a", (0.0, 0.0)) }]),
        None,
        "bands are not those shown"
    );
    let deep = Kind { sample: SampleType::U16, ..(*dalle("a", (0.0, 0.0)).kind).clone() };
    assert_eq!(found(vec![Dalle { kind: Arc::new(deep), ..dalle("a", (0.0, 0.0)) }]), None);
}

#[test]
fn a_format_that_no_block_has_is_refused_and_so_is_all_where_it_is_switched_off() {
    let of = |format| Asked { format, ..Asked::default() }.window(vec![dalle("a", (0.0, 0.0))]).is_some();
    assert!(of(OutputFormat::Auto) && of(OutputFormat::WebP));
    assert!(!of(OutputFormat::Png));
    let settings = RenderSettings { passthrough: false, ..RenderSettings::default() };
    assert_eq!(Asked { settings, ..Asked::default() }.window(vec![dalle("a", (0.0, 0.0))]), None);
}

#[test]
fn fingerprints_tell_what_may_be_passed() {
    let dalles = || vec![dalle("a", (0.0, 0.0))];
    let on = Asked::default().plan(dalles()).fingerprint();
    let settings = RenderSettings { passthrough: false, ..RenderSettings::default() };
    let off = Asked { settings: settings.clone(), ..Asked::default() }.plan(dalles()).fingerprint();
    assert_ne!(on, off);
    let png = |settings| Asked { settings, format: OutputFormat::Png, ..Asked::default() }.plan(dalles());
    assert_eq!(png(settings).fingerprint(), png(RenderSettings::default()).fingerprint());
}

#[test]
fn a_provisional_tile_is_refused() {
    let many = (0..70).map(|i| {
        let kind = Kind { levels: vec![Size::new(4000, 4000)], ..(*dalle("a", (0.0, 0.0)).kind).clone() };
        Dalle { kind: Arc::new(kind), ..dalle(&i.to_string(), (0.0, 0.0)) }
    });
    let plan = Asked::default().plan(many.collect());
    assert!(plan.is_provisional() && plan.passage().is_none());
}
