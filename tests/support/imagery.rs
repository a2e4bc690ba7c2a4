//! Small GeoTIFF files in Lambert-93.

use std::path::Path;

use tiler::{
    cog::write::{PixelError, PixelSource, WriteOptions, write},
    crs::Crs,
    geom::{GeoTransform, Size, Window},
    raster::Raster,
};

/// The upper left corner of every file, in Lambert-93.
pub const CORNER: (f64, f64) = (650_000.0, 6_235_000.0);

/// Every pixel of one colour, red green blue.
#[derive(Debug, Clone, Copy)]
pub struct Painted(pub [u8; 3]);

impl PixelSource for Painted {
    fn pixels(&self, window: Window) -> Result<Raster, PixelError> {
        Ok(Raster::new(window.size(), 3, self.0.repeat(window.pixels() as usize), None))
    }
}

/// Writes a square COG of `side_px` pixels of 20 cm.
///
/// # Panics
/// When it cannot be written.
pub fn write_cog(path: &Path, side_px: u32, pixels: &dyn PixelSource) {
    let geotransform = GeoTransform::north_up(CORNER.0, CORNER.1, 0.2, 0.2);
    let crs = Crs::from_epsg(2154).expect("Lambert-93 is known");
    let size = Size::new(side_px, side_px);
    let options =
        WriteOptions { block_px: 256, smallest_px: 256, ..WriteOptions::new(size, geotransform, &crs) };
    write(path, &options, pixels).expect("the folder can be written to");
}
