//! Dalles that are written for tests, and plans of the tiles over a place.

use std::{path::Path, sync::Arc};

use super::{Plan, RenderSettings, TileAddress, plan};
use crate::{
    catalog::{Dalle, Imagery},
    cog::write::{PixelError, PixelSource, WriteOptions, write},
    crs::{Crs, Transform},
    encode::OutputFormat,
    geom::{GeoTransform, Size, Window},
    raster::{Interpretation, Raster, SampleType},
    source::{OpenOptions, Source},
    style::{LayerFacts, StyleSpec},
    tms::{Registry, TileId},
};

/// The upper left corner of the ground, in Lambert-93.
pub(crate) const CORNER: (f64, f64) = (650_000.0, 6_235_000.0);
const CELL_M: f64 = 0.05;

/// The place so many pixels to the right of the corner, and below it.
pub(crate) fn place(right_px: f64, down_px: f64) -> (f64, f64) {
    (CORNER.0 + right_px * CELL_M, CORNER.1 - down_px * CELL_M)
}

/// Ground whose colours change slowly, from so many pixels to the right of the corner on, and below it.
struct Ground(i64, i64);

impl PixelSource for Ground {
    fn pixels(&self, window: Window) -> Result<Raster, PixelError> {
        let wave = |at: i64, length: f64| 128.0 + 90.0 * (at as f64 / length).sin();
        let colour =
            |col: i64, row: i64| [wave(col, 9.0) as u8, wave(row, 30.0) as u8, wave(col + row, 50.0) as u8];
        let places = (window.row_off..window.row_end())
            .flat_map(|row| (window.col_off..window.col_end()).map(move |col| (col, row)));
        let samples: Vec<u8> = places.flat_map(|(col, row)| colour(col + self.0, row + self.1)).collect();
        Ok(Raster::new(window.size(), 3, samples, None))
    }
}

/// A dalle of the ground, so many pixels to the right of the corner and below it, of so many a side, in blocks of so many. One of one
/// block has no overviews.
pub(crate) fn dalle(
    folder: &Path,
    (right_px, down_px): (u32, u32),
    (side_px, block_px): (u32, u32),
    options: &Arc<OpenOptions>,
) -> Dalle {
    let path = folder.join(format!("{right_px}_{down_px}.tif"));
    let crs = Crs::from_epsg(2154).expect("it is known");
    let (x, y) = place(f64::from(right_px), f64::from(down_px));
    let transform = GeoTransform::north_up(x, y, CELL_M, CELL_M);
    let written =
        WriteOptions { block_px, ..WriteOptions::new(Size::new(side_px, side_px), transform, &crs) };
    write(&path, &written, &Ground(right_px.into(), down_px.into())).expect("the folder can be written to");
    Dalle::of(&Source::open(&path, options).expect("it is a GeoTIFF"), options).expect("it has a place")
}

/// The plan of the tile of `WebMercatorQuad` over a place in Lambert-93.
pub(crate) fn planned(
    imagery: &Imagery,
    zoom: usize,
    (x, y): (f64, f64),
    (format, settings): (OutputFormat, &RenderSettings),
) -> Plan {
    let registry = Registry::standard();
    let set = registry.get("WebMercatorQuad").expect("it is a standard set");
    let lambert = Crs::from_epsg(2154).expect("it is known");
    let there = Transform::new(&lambert, &set.crs).expect("both are known");
    let (x, y) = there.convert(x, y).expect("it is in France");
    let (col, row) = set.matrices[zoom].tile_at(x, y).expect("it is in the set");
    let facts = LayerFacts::plain(3, SampleType::U8, Interpretation::Rgb);
    let style = &StyleSpec::default().resolve(&facts).expect("it fits");
    let tile = TileId { matrix: zoom, col, row };
    let address = TileAddress { set, tile, scale: 1, format, style };
    plan(imagery, &address, settings).expect("it can be planned")
}
