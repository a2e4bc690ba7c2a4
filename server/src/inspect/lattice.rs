//! The regular grid that dalles of one size lie on: inferred from their corners, since names and indexes lie.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};

use tiler::geom::{Bounds, Size};

use super::{
    dalle::Placed,
    gaps::{self, Gaps},
    groups::significant,
};

/// Fewer dalles make no grid.
const LEAST: usize = 4;
/// Corners are compared in hundredths of a pixel.
const PARTS: f64 = 100.0;

/// Dalles of one size on a regular grid.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lattice {
    pub crs: String,
    pub dalles: usize,
    pub size: Size,
    /// From one dalle to the next, CRS units.
    pub step: (f64, f64),
    /// A corner of the grid: the upper left one of its westernmost and northernmost dalles, CRS units.
    pub origin: (f64, f64),
    pub off_grid: OffGrid,
    pub gaps: Gaps,
}

/// Dalles beside the grid.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct OffGrid {
    pub files: usize,
    /// How far, pixels.
    pub worst_px: f64,
    pub example: Option<PathBuf>,
}

/// The grids of a collection, the largest first.
pub(super) fn lattices(placed: &[Placed<'_>]) -> Vec<Lattice> {
    let mut groups: BTreeMap<_, Vec<&Placed<'_>>> = BTreeMap::new();
    for one in placed {
        let size = one.dalle.size;
        let cell = (significant(one.cell.0), significant(one.cell.1));
        groups.entry((one.crs.name(), size.width, size.height, cell)).or_default().push(one);
    }
    let mut found: Vec<Lattice> = groups
        .into_values()
        .filter_map(|group| Axes::of(&group).map(|axes| axes.lattice(&group, placed)))
        .collect();
    found.sort_by_key(|lattice| std::cmp::Reverse(lattice.dalles));
    found
}

/// Both directions of a grid.
struct Axes {
    x: Axis,
    y: Axis,
}

/// One direction of a grid, in hundredths of a pixel.
#[derive(Debug, Clone, Copy)]
struct Axis {
    step: i64,
    origin: i64,
    cell: f64,
}

impl Axis {
    /// `None` where corners are scattered.
    fn of(corners: impl Iterator<Item = f64>, cell: f64, size_px: u32) -> Option<Self> {
        let parts: Vec<i64> = corners.map(|corner| (corner / cell * PARTS).round() as i64).collect();
        let span = i64::from(size_px) * PARTS as i64;
        let mut lines: BTreeMap<i64, usize> = BTreeMap::new();
        for part in &parts {
            *lines.entry(*part).or_default() += 1;
        }
        // Lines that many dalles start on count for more, so that a few beside the grid do not change its step.
        let steps =
            lines.iter().zip(lines.iter().skip(1)).map(|((a, on_a), (b, on_b))| (b - a, *on_a.min(on_b)));
        let step =
            most_frequent(steps.filter(|(step, _)| (span / 2..=span * 4).contains(step))).unwrap_or(span);
        let phase = most_frequent(parts.iter().map(|part| (part.rem_euclid(step), 1)))?;
        let on_grid = parts.iter().filter(|part| part.rem_euclid(step) == phase).count();
        let first = parts.iter().filter(|part| part.rem_euclid(step) == phase).min()?;
        (on_grid * 2 > parts.len()).then_some(Self { step, origin: *first, cell })
    }

    /// The cell of a corner, and how far the corner is from that cell's, pixels.
    fn place(&self, corner: f64) -> (i64, f64) {
        let from_origin = corner / self.cell * PARTS - self.origin as f64;
        let cell = (from_origin / self.step as f64).round();
        (cell as i64, (from_origin - cell * self.step as f64) / PARTS)
    }

    /// The coordinate where a cell starts.
    fn start(&self, cell: i64) -> f64 {
        (self.origin + cell * self.step) as f64 / PARTS * self.cell
    }

    fn step(&self) -> f64 {
        self.step as f64 / PARTS * self.cell
    }
}

impl Axes {
    fn of(group: &[&Placed<'_>]) -> Option<Self> {
        let first = group.first().filter(|_| group.len() >= LEAST)?;
        let x = Axis::of(group.iter().map(|one| one.bounds.min_x), first.cell.0, first.dalle.size.width)?;
        // Rows run down: southward is positive, as in images.
        let y = Axis::of(group.iter().map(|one| -one.bounds.max_y), first.cell.1, first.dalle.size.height)?;
        Some(Self { x, y })
    }

    fn lattice(&self, group: &[&Placed<'_>], all: &[Placed<'_>]) -> Lattice {
        let mut off_grid = OffGrid::default();
        let mut cells = Vec::with_capacity(group.len());
        for one in group {
            let (col, off_x) = self.x.place(one.bounds.min_x);
            let (row, off_y) = self.y.place(-one.bounds.max_y);
            cells.push((col, row));
            let off = off_x.abs().max(off_y.abs());
            if off > 1.0 / PARTS {
                off_grid.files += 1;
                if off > off_grid.worst_px {
                    off_grid.worst_px = off;
                    off_grid.example = Some(one.dalle.path.clone());
                }
            }
        }
        let size = group[0].dalle.size;
        let (crs, own) = (group[0].crs, (size.width, size.height));
        let others: Vec<Bounds> = all
            .iter()
            .filter(|one| one.crs == crs && (one.dalle.size.width, one.dalle.size.height) != own)
            .map(|one| one.bounds)
            .collect();
        let bounds = |(col, row): (i64, i64)| {
            let (left, top) = (self.x.start(col), -self.y.start(row));
            Bounds::new(left, top - self.y.step(), left + self.x.step(), top)
        };
        Lattice {
            crs: crs.name(),
            dalles: group.len(),
            size,
            step: (self.x.step(), self.y.step()),
            origin: (self.x.start(0), -self.y.start(0)),
            off_grid,
            gaps: gaps::gaps(&cells, bounds, &others),
        }
    }
}

/// Of values with weights; the least of equals.
fn most_frequent(values: impl Iterator<Item = (i64, usize)>) -> Option<i64> {
    let mut counts: HashMap<i64, usize> = HashMap::new();
    values.for_each(|(value, weight)| *counts.entry(value).or_default() += weight);
    counts.into_iter().max_by_key(|&(value, count)| (count, std::cmp::Reverse(value))).map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Dalle, dalle::dalle},
        *,
    };

    fn grid(step: f64, cells: &[(i32, i32)]) -> Vec<Dalle> {
        let corner = |&(col, row): &(i32, i32)| {
            (650_000.0 + f64::from(col) * step, 6_235_000.0 - f64::from(row) * step)
        };
        let named = |(at, (x, y)): (usize, (f64, f64))| dalle(&format!("{at}.tif"), x, y);
        cells.iter().map(corner).enumerate().map(named).collect()
    }

    fn found(dalles: &[Dalle]) -> Vec<Lattice> {
        lattices(&dalles.iter().filter_map(Dalle::placed).collect::<Vec<_>>())
    }

    const RING: [(i32, i32); 8] = [(0, 0), (1, 0), (2, 0), (0, 1), (2, 1), (0, 2), (1, 2), (2, 2)];

    #[test]
    fn a_missing_dalle_in_the_middle_is_a_gap() {
        let found = found(&grid(20.0, &RING));
        assert!((found[0].step.0 - 20.0).abs() < 1e-6);
        assert_eq!((found[0].gaps.enclosed, found[0].off_grid.files), (1, 0));
        let cell = found[0].gaps.cells[0];
        assert!((cell.min_x - 650_020.0).abs() < 1e-6 && (cell.max_y - 6_234_980.0).abs() < 1e-6, "{cell:?}");
    }

    #[test]
    fn a_grid_of_overlapping_dalles_has_its_own_step() {
        let found = found(&grid(18.0, &RING));
        assert!((found[0].step.0 - 18.0).abs() < 1e-6, "{:?}", found[0].step);
    }

    #[test]
    fn a_dalle_beside_the_grid_is_told_in_pixels() {
        let mut dalles = grid(20.0, &RING);
        dalles[3] = dalle("odd.tif", 650_000.07, 6_234_980.0);
        let found = found(&dalles);
        assert_eq!((found[0].off_grid.files, found[0].gaps.enclosed), (1, 1));
        assert!((found[0].off_grid.worst_px - 0.35).abs() < 0.01, "{:?}", found[0].off_grid);
        assert_eq!(found[0].off_grid.example, Some(PathBuf::from("odd.tif")));
    }

    #[test]
    fn scattered_dalles_make_no_grid() {
        let corners = [(0.0, 0.0), (171.3, 33.1), (500.7, 250.9), (911.9, 777.7), (1303.1, 1111.3)];
        let dalles: Vec<_> = corners.iter().map(|&(x, y)| dalle("a.tif", x, y)).collect();
        assert!(found(&dalles).is_empty());
    }

    #[test]
    fn a_gap_that_a_larger_dalle_covers_is_none() {
        let mut dalles = grid(20.0, &RING);
        dalles.push(Dalle { size: Size::new(150, 150), ..dalle("large.tif", 650_015.0, 6_234_985.0) });
        assert_eq!(found(&dalles)[0].gaps.enclosed, 0);
    }
}
