//! What the benches share: imagery with texture, made on the spot.

mod block;
mod scene;

use std::{path::PathBuf, sync::Arc};

pub use block::jpeg_block;
pub use scene::{Kept, Scene};

use tiler::{
    cog::write::{PixelError, PixelSource, WriteOptions, write},
    crs::Crs,
    geom::{GeoTransform, Size, Window},
    raster::Raster,
    source::{OpenOptions, Source},
};

/// Waves and noise: about as hard to compress as a field.
struct Texture;

impl PixelSource for Texture {
    fn pixels(&self, window: Window) -> Result<Raster, PixelError> {
        let mut pixels = Vec::with_capacity(window.pixels() as usize * 3);
        for row in window.row_off..window.row_end() {
            for col in window.col_off..window.col_end() {
                let wave = (col as f32 / 9.0).sin() * 40.0 + (row as f32 / 13.0).cos() * 40.0;
                let noise = ((col * 7919 + row * 104_729) % 37) as f32;
                pixels.extend([110.0, 120.0, 80.0].map(|base| (base + wave + noise) as u8));
            }
        }
        Ok(Raster::new(window.size(), 3, pixels, None))
    }
}

/// A JPEG COG of 4096 x 4096 px at 5 cm in Lambert-93, made once per run of the benches.
///
/// # Panics
/// When the folder for temporary files cannot be written to.
pub fn cog() -> Arc<Source> {
    cog_of(4096)
}

/// The same with so many pixels a side.
///
/// # Panics
/// When the folder for temporary files cannot be written to.
pub fn cog_of(side: u32) -> Arc<Source> {
    let path: PathBuf = std::env::temp_dir().join(format!("pavage-bench-{}.tif", std::process::id()));
    let geotransform = GeoTransform::north_up(650_000.0, 6_235_000.0, 0.05, 0.05);
    let crs = Crs::from_epsg(2154).expect("Lambert-93 is known");
    write(&path, &WriteOptions::new(Size::new(side, side), geotransform, &crs), &Texture)
        .expect("the folder for temporary files can be written to");
    let cog = Source::open(&path, &OpenOptions::default()).expect("it was just written");
    // The map keeps the content.
    let _ = std::fs::remove_file(&path);
    cog
}
