//! Makes a territory: a folder of dalles as IGN delivers them, with defects that tests can look for.
//!
//! Up to some dozens of dalles show the landscape of the demo; more are cheap files of one colour that changes slowly from dalle to
//! dalle. The file `territory.json` tells what was planted where. Everything is a function of the number of places, and dalles that
//! are there already are kept, so a territory that was begun is finished by the same command.

mod layout;
mod report;
mod template;

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;
use rayon::prelude::*;
use tiler::{
    cog::write::{PixelError, PixelSource, WriteError, WriteOptions, write},
    crs::Crs,
    geom::{GeoTransform, Size, Window},
    raster::Raster,
};

use self::{
    layout::{Dalle, Flaw, Ground, Layout},
    template::Template,
};
use super::{
    DemoError,
    ground::{mix, shade},
    noise::rough,
    paint,
};

/// More would not be a department.
pub(crate) const MOST_DALLES: u32 = 200_000;
/// Up to here dalles are painted.
const PAINTED_DALLES: u32 = 64;
/// Metres over which the colour of cheap dalles changes.
const REGION_M: f32 = 9_000.0;
/// Colours of cheap dalles.
const SHADES: f32 = 96.0;
/// What is left of a truncated file.
const LEFT_OF_TRUNCATED: f64 = 0.6;

/// What dalles show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Detail {
    /// The landscape, at 5 cm: some seconds and some megabytes a dalle.
    Real,
    /// One colour a dalle: some kilobytes.
    Cheap,
}

/// A territory to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Territory {
    /// Places for dalles; what is planted beside them comes on top.
    pub places: u32,
    /// Default: real up to 64 places.
    pub detail: Option<Detail>,
    /// Whether defects are planted, where there is room for them.
    pub with_defects: bool,
}

impl Territory {
    fn detail(self) -> Detail {
        self.detail.unwrap_or(if self.places <= PAINTED_DALLES { Detail::Real } else { Detail::Cheap })
    }
}

/// Makes what is not there yet.
///
/// # Errors
/// When the folder cannot be written to, or holds another territory.
pub(crate) fn make(folder: &Path, territory: Territory) -> Result<(), DemoError> {
    let layout = Layout::new(territory.places, territory.with_defects)?;
    for below in ["", "2024", "cc43", "duplicate"] {
        if layout.files().any(|dalle| dalle.folder == below) {
            let path = folder.join(below);
            fs::create_dir_all(&path).map_err(|source| DemoError::Folder { path, source })?;
        }
    }
    report::leave(folder, territory, &layout)?;
    let maker = Maker { folder, ground: Ground::new()?, templates: Mutex::default() };
    let missing = layout.files().filter(|dalle| !folder.join(dalle.path()).exists());
    let is_painted = |dalle: &&Dalle| territory.detail() == Detail::Real || dalle.flaw == Some(Flaw::Collar);
    let (painted, cheap): (Vec<&Dalle>, Vec<&Dalle>) = missing.partition(is_painted);
    let bar = ProgressBar::new((painted.len() + cheap.len()) as u64).with_style(
        ProgressStyle::with_template("laying {wide_bar} {pos}/{len} dalles, {eta} left")
            .expect("the template is well formed"),
    );
    // A painted dalle keeps all cores busy by itself.
    for dalle in painted {
        maker.paint(dalle, territory.detail())?;
        bar.inc(1);
    }
    cheap.par_iter().try_for_each(|dalle| {
        bar.inc(1);
        maker.lay(dalle)
    })?;
    bar.finish_and_clear();
    Ok(())
}

/// By code of the CRS and colour.
type Templates = HashMap<(u16, [u8; 3]), Arc<Template>>;

struct Maker<'a> {
    folder: &'a Path,
    ground: Ground,
    templates: Mutex<Templates>,
}

impl Maker<'_> {
    fn paint(&self, dalle: &Dalle, detail: Detail) -> Result<(), DemoError> {
        let path = self.folder.join(dalle.path());
        let size = Size::new(dalle.grid.side_px, dalle.grid.side_px);
        let (x, y) = dalle.corner();
        let geotransform = GeoTransform::north_up(x, y, dalle.grid.cell_m(), dalle.grid.cell_m());
        let options = WriteOptions::new(size, geotransform, &Crs::from_epsg(dalle.grid.epsg.into())?);
        let ground = self.ground.of(dalle);
        let colour = (detail == Detail::Cheap).then(|| colour(&ground, dalle));
        let painter = Painter { ground, dalle, colour };
        if dalle.flaw != Some(Flaw::Truncated) {
            write(&path, &options, &painter)?;
            return Ok(());
        }
        let whole = path.with_extension("whole");
        write(&whole, &options, &painter)?;
        let bytes = fs::read(&whole);
        let cut =
            bytes.and_then(|bytes| place(&path, truncated(&bytes))).and_then(|()| fs::remove_file(&whole));
        cut.map_err(|source| failed(path, source))
    }

    fn lay(&self, dalle: &Dalle) -> Result<(), DemoError> {
        let path = self.folder.join(dalle.path());
        let laid = self.template(dalle).and_then(|template| {
            let bytes = template.file(dalle.corner());
            place(&path, if dalle.flaw == Some(Flaw::Truncated) { truncated(&bytes) } else { &bytes })
        });
        laid.map_err(|source| failed(path, source))
    }

    fn template(&self, dalle: &Dalle) -> io::Result<Arc<Template>> {
        let colour = colour(&self.ground.of(dalle), dalle);
        let key = (dalle.grid.epsg, colour);
        if let Some(template) = self.templates.lock().get(&key) {
            return Ok(Arc::clone(template));
        }
        let template = Arc::new(Template::new(dalle.grid, colour)?);
        self.templates.lock().insert(key, Arc::clone(&template));
        Ok(template)
    }
}

/// What the system said of a file.
fn failed(path: PathBuf, source: io::Error) -> DemoError {
    WriteError { path, problem: source.into() }.into()
}

/// Writes a file whole or not at all.
fn place(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part: PathBuf = path.with_extension("tif.part");
    fs::write(&part, bytes)?;
    fs::rename(&part, path)
}

fn truncated(bytes: &[u8]) -> &[u8] {
    &bytes[..(bytes.len() as f64 * LEFT_OF_TRUNCATED) as usize]
}

/// The ground of a cheap dalle: forest, vineyards, garrigue or limestone, as the region is.
fn colour(ground: &GeoTransform, dalle: &Dalle) -> [u8; 3] {
    let half = f64::from(dalle.grid.side_px) / 2.0;
    let (x, y) = ground.apply(half, half);
    let region = (rough(x as f32, y as f32, REGION_M, 210) * SHADES).round() / SHADES;
    let steps = [[70.0, 88.0, 52.0], [112.0, 122.0, 74.0], [158.0, 140.0, 106.0], [196.0, 184.0, 160.0]];
    let at = (region * 1.4 - 0.2).clamp(0.0, 0.999) * 3.0;
    let below = at as usize;
    shade(mix(steps[below], steps[below + 1], at.fract()), dalle.light).map(|value| value as u8)
}

/// The pixels of one dalle.
struct Painter<'a> {
    /// From its pixels to the landscape.
    ground: GeoTransform,
    dalle: &'a Dalle,
    /// In place of the landscape.
    colour: Option<[u8; 3]>,
}

impl Painter<'_> {
    /// A collar is what a rectified photograph leaves: black up to a straight edge that is not quite north.
    fn is_collar(&self, col: i64, row: i64) -> bool {
        self.dalle.flaw == Some(Flaw::Collar) && col < 180 + row / 40
    }
}

impl PixelSource for Painter<'_> {
    fn pixels(&self, window: Window) -> Result<Raster, PixelError> {
        let place = |col: i64, row: i64| {
            let (x, y) = self.ground.apply(col as f64 + 0.5, row as f64 + 0.5);
            (x as f32, y as f32)
        };
        let mut pixels = match self.colour {
            Some(colour) => colour.repeat(window.pixels() as usize),
            None => paint(window, place),
        };
        let width = window.width as usize;
        for (i, pixel) in pixels.chunks_exact_mut(3).enumerate() {
            let (col, row) = ((i % width) as i64, (i / width) as i64);
            let light = if self.is_collar(window.col_off + col, window.row_off + row) {
                0.0
            } else {
                self.dalle.light
            };
            for value in pixel {
                *value = (f32::from(*value) * light) as u8;
            }
        }
        Ok(Raster::new(window.size(), 3, pixels, None))
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    const CHEAP: Territory = Territory { places: 30, detail: Some(Detail::Cheap), with_defects: true };

    fn modified(path: &Path) -> SystemTime {
        fs::metadata(path).and_then(|facts| facts.modified()).expect("it is there")
    }

    #[test]
    fn a_territory_that_was_begun_is_finished() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        make(folder.path(), CHEAP).expect("the folder can be written to");
        let (lost, kept) = ("2023-06500-62350-LA93-0M05-RVB.tif", "2023-06502-62350-LA93-0M05-RVB.tif");
        let (lost, kept) = (folder.path().join(lost), folder.path().join(kept));
        let (bytes, before) = (fs::read(&lost).expect("it is there"), modified(&kept));
        fs::remove_file(&lost).expect("it is there");
        make(folder.path(), CHEAP).expect("the folder can be written to");
        assert_eq!((fs::read(&lost).expect("it is there again"), modified(&kept)), (bytes, before));
    }

    #[test]
    fn another_territory_is_not_mixed_into_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        make(folder.path(), CHEAP).expect("the folder can be written to");
        let larger = Territory { places: 40, ..CHEAP };
        assert!(matches!(make(folder.path(), larger), Err(DemoError::OtherTerritory { .. })));
    }

    #[test]
    fn neighbours_differ_by_little() {
        let layout = Layout::new(10_000, false).expect("both CRSs are known");
        let ground = Ground::new().expect("both CRSs are known");
        let colours: Vec<_> = layout.flown.iter().map(|dalle| colour(&ground.of(dalle), dalle)).collect();
        let different: std::collections::HashSet<_> = colours.iter().collect();
        assert!(different.len() > 20, "{}", different.len());
        for pair in colours.chunks(100).flat_map(|row| row.windows(2)) {
            assert!((0..3).all(|band| pair[0][band].abs_diff(pair[1][band]) < 30), "{pair:?}");
        }
    }
}
