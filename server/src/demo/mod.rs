//! Makes imagery for a first look: a village of the Corbières that does not exist, from a flight that never was.
//!
//! The picture is a pure function of the place ([`landscape::colour`]), so that blocks can be painted in any order, on all
//! cores, and come out the same on every machine.

mod ground;
mod landscape;
mod noise;
pub(crate) mod territory;
mod village;

use std::{
    fs,
    path::{Path, PathBuf},
};

use indicatif::{ProgressBar, ProgressStyle};
use tiler::{
    cog::write::{PixelError, PixelSource, WriteError, WriteOptions, write},
    crs::{Crs, CrsError},
    geom::{GeoTransform, Size, Window},
    raster::Raster,
};

use self::landscape::Trees;

/// Lambert-93.
const EPSG: u32 = 2154;
/// The upper left corner, on the grid of dalles.
const CORNER: (f64, f64) = (650_000.0, 6_235_000.0);
const CELL_M: f64 = 0.05;
const DALLE_PX: u32 = 2048;

/// How much is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum DemoSize {
    /// One dalle of 2048 x 2048 px, for tests.
    Small,
    /// 8 x 8 dalles.
    #[default]
    Full,
}

impl DemoSize {
    fn image(self) -> Size {
        let side = match self {
            Self::Small => DALLE_PX,
            Self::Full => 8 * DALLE_PX,
        };
        Size::new(side, side)
    }

    fn file_name(self) -> &'static str {
        match self {
            Self::Small => "demo-small.tif",
            Self::Full => "demo.tif",
        }
    }
}

/// Why there is no imagery.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    #[error("the folder {} cannot be made", path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(transparent)]
    Crs(#[from] CrsError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(
        "{} tells of another territory than the one asked for: remove that folder, or name another one with --dir",
        path.display()
    )]
    OtherTerritory { path: PathBuf },
}

/// The demo file in a folder, made now unless it is there already.
///
/// # Errors
/// When the folder cannot be written to.
pub fn make(folder: &Path, size: DemoSize) -> Result<PathBuf, DemoError> {
    let path = folder.join(size.file_name());
    if path.exists() {
        return Ok(path);
    }
    fs::create_dir_all(folder).map_err(|source| DemoError::Folder { path: folder.to_owned(), source })?;
    let image = size.image();
    let geotransform = GeoTransform::north_up(CORNER.0, CORNER.1, CELL_M, CELL_M);
    let options = WriteOptions::new(image, geotransform, &Crs::from_epsg(EPSG)?);
    let bar = ProgressBar::new(options.block_count()).with_style(
        ProgressStyle::with_template("painting {wide_bar} {pos}/{len} blocks, {eta} left")
            .expect("the template is well formed"),
    );
    write(&path, &options, &Painter { bar: bar.clone() })?;
    bar.finish_and_clear();
    Ok(path)
}

struct Painter {
    bar: ProgressBar,
}

impl PixelSource for Painter {
    fn pixels(&self, window: Window) -> Result<Raster, PixelError> {
        let metres = |pixel: i64| (pixel as f32 + 0.5) * CELL_M as f32;
        let pixels = paint(window, |col, row| (metres(col), metres(row)));
        Ok(Raster::new(window.size(), 3, pixels, None))
    }

    fn block_done(&self) {
        self.bar.inc(1);
    }
}

/// The landscape in a window, whose pixels lie at places in metres east and south of the corner.
fn paint(window: Window, place: impl Fn(i64, i64) -> (f32, f32)) -> Vec<u8> {
    let (left, top, right, bottom) = (window.col_off, window.row_off, window.col_end(), window.row_end());
    let corners = [(left, top), (right, top), (left, bottom), (right, bottom)].map(|(c, r)| place(c, r));
    let of = |pick: fn(f32, f32) -> f32| {
        corners.into_iter().reduce(|a, b| (pick(a.0, b.0), pick(a.1, b.1))).unwrap_or_default()
    };
    let trees = Trees::of(of(f32::min), of(f32::max));
    let mut pixels = Vec::with_capacity(window.pixels() as usize * 3);
    for row in top..bottom {
        for col in left..right {
            let (x, y) = place(col, row);
            pixels.extend(landscape::colour(&trees, x, y));
        }
    }
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_place_has_the_same_colour_whichever_block_it_is_painted_with() {
        let painter = Painter { bar: ProgressBar::hidden() };
        let wide = painter.pixels(Window::new(5000, 5000, 32, 2)).expect("it paints anything");
        let narrow = painter.pixels(Window::new(5016, 5001, 1, 1)).expect("it paints anything");
        assert_eq!(wide.pixel(16, 1), narrow.pixel(0, 0));
    }

    #[test]
    fn it_is_made_once() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = make(folder.path(), DemoSize::Small).expect("the folder can be written to");
        let made = fs::metadata(&path).expect("it is there").modified().expect("it has a date");
        assert_eq!(make(folder.path(), DemoSize::Small).expect("it is there"), path);
        assert_eq!(fs::metadata(&path).expect("it is there").modified().expect("it has a date"), made);
    }
}
