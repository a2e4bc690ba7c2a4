//! Plans in a mosaic of 150,000 dalles beside plans in one of 64: random tiles of native zoom, none twice.
//!
//! `cargo bench -p pavage-benches --bench mosaic`; what needs files is measured by `make bench-mosaic`.

use std::{hint::black_box, sync::Arc, time::Instant};

use tiler::{
    catalog::{Dalle, Imagery, Kind, Mosaic, Order, Stamp},
    crs::Crs,
    encode::OutputFormat,
    geom::{GeoTransform, Size},
    raster::SampleType,
    render::{self, RenderSettings, TileAddress},
    source::OpenOptions,
    style::{Interpretation, LayerFacts, StyleSpec},
    tms::{Registry, TileId},
};

const MANY: u32 = 150_000;
const FEW: u32 = 64;
const PLANS: usize = 20_000;
/// Of a dalle.
const SIDE_M: f64 = 200.0;
const CORNER: (f64, f64) = (600_000.0, 6_250_000.0);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "{:>8} {:>18} {:>10} {:>8} {:>8} {:>8}",
        "dalles", "set", "mosaic ms", "p50 us", "p99 us", "max us"
    );
    for count in [FEW, MANY] {
        let dalles = (0..count).map(|number| dalle(number, count)).collect::<Result<Vec<_>, _>>()?;
        let start = Instant::now();
        let imagery = Imagery::new(Mosaic::new(dalles, Order::Newest));
        let built_ms = start.elapsed().as_secs_f64() * 1e3;
        for (set, matrix) in [("WebMercatorQuad", 21), ("LAMB93_5cm", 22), ("WorldCRS84Quad", 20)] {
            let times = plans(&imagery, set, matrix, across(count))?;
            let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
            println!("{count:8} {set:>18} {built_ms:10.1} {:8.1} {:8.1} {:8.1}", at(0.5), at(0.99), at(1.0));
        }
    }
    Ok(())
}

/// Microseconds of each plan, in ascending order.
fn plans(
    imagery: &Imagery,
    set: &str,
    matrix: usize,
    across: u32,
) -> Result<Vec<f64>, Box<dyn std::error::Error>> {
    let registry = Registry::standard();
    let set = registry.get(set).ok_or("an unknown set")?;
    let settings = RenderSettings::default();
    let facts = LayerFacts::plain(3, SampleType::U8, Interpretation::Rgb);
    let style = &StyleSpec::default().resolve(&facts)?;
    let there = tiler::crs::Transform::new(&Crs::from_epsg(2154)?, &set.crs)?;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut times = Vec::with_capacity(PLANS);
    while times.len() < PLANS {
        let side = SIDE_M * f64::from(across);
        let (x, y) = (CORNER.0 + random.next() * side, CORNER.1 - random.next() * side * 0.9);
        let Some((x, y)) = there.convert(x, y) else { continue };
        let m = set.matrices.get(matrix).ok_or("a matrix that the set has not")?;
        let tile_side = m.cell_size * f64::from(m.tile_width);
        let tile = TileId {
            matrix,
            col: ((x - m.point_of_origin.0) / tile_side) as u32,
            row: ((m.point_of_origin.1 - y) / tile_side) as u32,
        };
        let address = TileAddress { set, tile, scale: 1, format: OutputFormat::Jpeg, style };
        let start = Instant::now();
        let plan = black_box(render::plan(imagery, &address, &settings)?);
        let took = start.elapsed().as_secs_f64() * 1e6;
        if !plan.is_empty() {
            times.push(took);
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

/// So many dalles in a row make a square.
fn across(count: u32) -> u32 {
    f64::from(count).sqrt().ceil() as u32
}

fn dalle(number: u32, count: u32) -> Result<Arc<Dalle>, tiler::crs::CrsError> {
    let (col, row) = (number % across(count), number / across(count));
    let kind = Kind {
        crs: Crs::from_epsg(2154)?,
        levels: [4000, 2000, 1000, 500].map(|side| Size::new(side, side)).to_vec(),
        bands: 3,
        sample: SampleType::U8,
        has_transparency: false,
        is_lossy: true,
        compression: "JPEG".to_owned(),
        options: Arc::new(OpenOptions::default()),
    };
    let path = format!("/nas/pcrs-aude/PCRS-11-{col:04}-{row:04}-LA93-0M05.tif");
    Ok(Arc::new(Dalle {
        path: std::path::Path::new(&path).into(),
        stamp: Stamp { inode: u64::from(number), bytes: 9_000_000, mtime_ns: i64::from(number) },
        generation: u128::from(number) + 1,
        geotransform: GeoTransform::north_up(
            CORNER.0 + f64::from(col) * SIDE_M,
            CORNER.1 - f64::from(row) * SIDE_M,
            0.05,
            0.05,
        ),
        kind: Arc::new(kind),
        year: Some(2024),
        footprint: None,
    }))
}

/// A generator of numbers between 0 and 1 (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}
