//! Which file is made of which: one of each, or one for each cell of a grid.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
};

use rayon::prelude::*;

use super::{ConvertError, Options, target::place};
use crate::{crs::Crs, geom::Bounds, source::Source};

/// Parts of a pixel that a file may reach into a cell without belonging there.
const TOLERANCE_PX: f64 = 0.01;
/// More cells than this are a mistake.
const CELLS: i64 = 1_000_000;

/// A file to be converted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Where it is.
    pub path: PathBuf,
    /// Its place in the output folder, with its sub-folders.
    pub relative: PathBuf,
}

/// One file that is written.
#[derive(Debug, Clone)]
pub struct Job {
    /// What it is made of, the first one that is valid wins.
    pub sources: Vec<PathBuf>,
    /// The file.
    pub target: PathBuf,
    /// What it covers, where that is not what its only source covers.
    pub cell: Option<Cell>,
}

/// What a file covers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// In the CRS of the first source.
    pub bounds: Bounds,
}

/// How files are joined.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Merge {
    /// Squares of so many metres, counted from the origin of the CRS.
    Side(f64),
    /// So many columns and rows of files like the first one, counted from its corner.
    Count(u32, u32),
}

/// Which of two files wins where both are valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The one that was changed last.
    #[default]
    Newest,
    /// The one that was named first.
    First,
}

/// A file that becomes no part of any job.
#[derive(Debug)]
pub struct Refused {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// One job a file. Two files that would become the same one are refused but for the first.
pub fn jobs(inputs: &[Input], output: &Path) -> (Vec<Job>, Vec<Refused>) {
    let mut taken: HashMap<PathBuf, &Path> = HashMap::new();
    let (mut jobs, mut refused) = (Vec::new(), Vec::new());
    for input in inputs {
        let target = output.join(&input.relative).with_extension("tif");
        match taken.get(&target) {
            Some(first) if *first == input.path => {}
            Some(first) => refused.push(Refused {
                path: input.path.clone(),
                reason: format!(
                    "{} becomes {} already: rename one of them",
                    first.display(),
                    target.display()
                ),
            }),
            None => {
                taken.insert(target.clone(), &input.path);
                jobs.push(Job { sources: vec![input.path.clone()], target, cell: None });
            }
        }
    }
    (jobs, refused)
}

/// What is known of a file before it is joined with others.
struct Dalle {
    path: PathBuf,
    crs: Crs,
    bounds: Bounds,
    cell_size: (f64, f64),
    changed_ns: i128,
}

/// One job a cell that any file touches, named by its upper left corner.
///
/// # Errors
/// When the grid makes no sense for the first file: metres in degrees, or cells without number.
pub fn merged(
    inputs: &[Input],
    output: &Path,
    (merge, order): (Merge, Order),
    options: &Options,
) -> Result<(Vec<Job>, Vec<Refused>), ConvertError> {
    let opened: Vec<Result<Dalle, Refused>> = inputs
        .par_iter()
        .map(|input| {
            dalle(&input.path, options).map_err(|reason| Refused { path: input.path.clone(), reason })
        })
        .collect();
    let (mut dalles, mut refused) = (Vec::new(), Vec::new());
    for one in opened {
        match one {
            Ok(dalle) => dalles.push(dalle),
            Err(one) => refused.push(one),
        }
    }
    let Some(first) = dalles.first() else { return Ok((Vec::new(), refused)) };
    let grid = Grid::of(first, merge)?;
    let crs = first.crs.clone();
    if order == Order::Newest {
        dalles.sort_by_key(|dalle| std::cmp::Reverse(dalle.changed_ns));
    }
    let mut cells: BTreeMap<(i64, i64), Vec<PathBuf>> = BTreeMap::new();
    for dalle in &dalles {
        let bounds = if dalle.crs == crs { Some(dalle.bounds) } else { bounds_in(dalle, &crs, options) };
        let Some(bounds) = bounds else {
            let reason = format!("it does not lie in {}", crs.name());
            refused.push(Refused { path: dalle.path.clone(), reason });
            continue;
        };
        for cell in grid.cells(&bounds, dalle.cell_size)? {
            cells.entry(cell).or_default().push(dalle.path.clone());
        }
    }
    let job = |((col, row), sources)| {
        let bounds = grid.bounds(col, row);
        let target = output.join(format!("{}_{}.tif", number(bounds.min_x), number(bounds.max_y)));
        Job { sources, target, cell: Some(Cell { bounds }) }
    };
    Ok((cells.into_iter().map(job).collect(), refused))
}

fn dalle(path: &Path, options: &Options) -> Result<Dalle, String> {
    let told = |error: &dyn std::error::Error| {
        let mut text = String::new();
        let mut cause = Some(error);
        while let Some(error) = cause {
            text = if text.is_empty() { error.to_string() } else { format!("{text}: {error}") };
            cause = error.source();
        }
        text
    };
    let source: Arc<Source> =
        Source::open(path, &options.open_options()).map_err(|error| told(&error.problem))?;
    let place = place(&source).map_err(|error| told(&error))?;
    Ok(Dalle {
        path: path.to_owned(),
        crs: place.crs().clone(),
        bounds: place.bounds(),
        cell_size: place.geotransform().cell_size(),
        changed_ns: source.identity().mtime_ns,
    })
}

fn bounds_in(dalle: &Dalle, crs: &Crs, options: &Options) -> Option<Bounds> {
    Source::open(&dalle.path, &options.open_options()).ok()?.bounds_in(crs)
}

/// Cells of equal size.
struct Grid {
    origin: (f64, f64),
    side: (f64, f64),
}

impl Grid {
    fn of(first: &Dalle, merge: Merge) -> Result<Self, ConvertError> {
        let grid = match merge {
            Merge::Side(metres) => {
                let side = metres / first.crs.metres_per_unit();
                Self { origin: (0.0, 0.0), side: (side, side) }
            }
            Merge::Count(cols, rows) => Self {
                origin: (first.bounds.min_x, first.bounds.max_y),
                side: (first.bounds.width() * f64::from(cols), first.bounds.height() * f64::from(rows)),
            },
        };
        let is_usable = [grid.side.0, grid.side.1].iter().all(|side| side.is_finite() && *side > 0.0);
        let is_metric = !first.crs.is_geographic() || matches!(merge, Merge::Count(..));
        if is_usable && is_metric {
            return Ok(grid);
        }
        let grid = format!("a grid of metres: its CRS is {}", first.crs.name());
        Err(ConvertError::Outside { path: first.path.clone(), grid })
    }

    fn bounds(&self, col: i64, row: i64) -> Bounds {
        let x = |col: i64| self.origin.0 + col as f64 * self.side.0;
        let y = |row: i64| self.origin.1 - row as f64 * self.side.1;
        Bounds::new(x(col), y(row + 1), x(col + 1), y(row))
    }

    /// Columns and rows of the cells that a file touches.
    fn cells(&self, bounds: &Bounds, cell: (f64, f64)) -> Result<Vec<(i64, i64)>, ConvertError> {
        let index = |length: f64, side: f64| (length / side).clamp(-1e15, 1e15);
        let (x, y) = (cell.0 * TOLERANCE_PX, cell.1 * TOLERANCE_PX);
        let first_col = index(bounds.min_x + x - self.origin.0, self.side.0).floor() as i64;
        let last_col = index(bounds.max_x - x - self.origin.0, self.side.0).floor() as i64;
        let first_row = index(self.origin.1 - bounds.max_y + y, self.side.1).floor() as i64;
        let last_row = index(self.origin.1 - bounds.min_y - y, self.side.1).floor() as i64;
        let count = (last_col - first_col + 1).saturating_mul(last_row - first_row + 1);
        if count > CELLS {
            let grid = format!("a grid of cells that small: it would touch {count}");
            return Err(ConvertError::Outside { path: PathBuf::from("the first file"), grid });
        }
        Ok((first_row..=last_row).flat_map(|row| (first_col..=last_col).map(move |col| (col, row))).collect())
    }
}

/// Without a fraction where it has none.
fn number(value: f64) -> String {
    if (value - value.round()).abs() < 1e-6 { format!("{value:.0}") } else { format!("{value:.3}") }
}
