//! Which dalles a territory has, where they lie, and what is wrong with some of them. It paints and writes nothing.

use std::path::PathBuf;

use tiler::{
    crs::{Crs, CrsError, Transform},
    geom::GeoTransform,
};

use super::super::CORNER;

/// Side of a dalle.
pub(super) const DALLE_M: u32 = 200;
/// When the whole territory was flown, and when a part of it again.
pub(super) const YEAR: u16 = 2023;
pub(super) const LATER_YEAR: u16 = 2024;
/// With fewer places than this nothing is planted.
const PLANTED_FROM: u32 = 16;
/// Columns and rows of the neighbour in another zone.
const NEIGHBOUR: (u32, u32) = (2, 3);

/// The grid that dalles lie on.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Grid {
    pub epsg: u16,
    /// As in file names.
    pub crs: &'static str,
    pub cell: &'static str,
    pub side_px: u32,
}

/// 5 cm in Lambert-93.
pub(super) static LAMBERT_93: Grid = Grid { epsg: 2154, crs: "LA93", cell: "0M05", side_px: 4000 };
/// 8 cm in the conic conformal zone of the 43rd parallel.
pub(super) static ZONE_43: Grid = Grid { epsg: 3943, crs: "CC43", cell: "0M08", side_px: 2500 };

impl Grid {
    pub(super) fn cell_m(&self) -> f64 {
        f64::from(DALLE_M) / f64::from(self.side_px)
    }
}

/// What is wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Black along its western side.
    Collar,
    /// Cut off.
    Truncated,
}

/// One file to be made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dalle {
    pub folder: &'static str,
    pub year: u16,
    pub grid: &'static Grid,
    /// The upper left corner in its CRS, in hectometres.
    pub corner_hm: (u32, u32),
    /// Its light: another day is brighter or darker than the first one's 1.
    pub light: f32,
    pub flaw: Option<Flaw>,
}

impl Dalle {
    /// The path below the territory's folder: year, corner in hectometres, CRS, cell size, bands, as IGN does.
    pub(super) fn path(&self) -> PathBuf {
        let ((x, y), Grid { crs, cell, .. }) = (self.corner_hm, self.grid);
        let name = format!("{}-{x:05}-{y:05}-{crs}-{cell}-RVB.tif", self.year);
        PathBuf::from(self.folder).join(name)
    }

    /// The upper left corner in its CRS.
    pub(super) fn corner(&self) -> (f64, f64) {
        (f64::from(self.corner_hm.0) * 100.0, f64::from(self.corner_hm.1) * 100.0)
    }
}

/// A territory, dalle by dalle: first the flight over all of it, row by row, then what was planted beside it.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub columns: u32,
    pub rows: u32,
    pub flown: Vec<Dalle>,
    /// The place that has no file.
    pub hole: Option<Dalle>,
    pub reflown: Vec<Dalle>,
    pub neighbour: Vec<Dalle>,
    /// Has the footprint and the year of one of the first.
    pub duplicate: Option<Dalle>,
}

impl Layout {
    /// A compact territory of so many places, with defects if they are wanted and there is room.
    pub(super) fn new(places: u32, with_defects: bool) -> Result<Self, CrsError> {
        let columns = f64::from(places).sqrt().ceil() as u32;
        let rows = places.div_ceil(columns.max(1));
        let mut layout = Self {
            columns,
            rows,
            flown: (0..places).map(|i| first(i % columns, i / columns)).collect(),
            ..Self::default()
        };
        if with_defects && places >= PLANTED_FROM {
            layout.plant()?;
        }
        Ok(layout)
    }

    fn plant(&mut self) -> Result<(), CrsError> {
        let (columns, rows) = (self.columns, self.rows);
        let index = |(col, row): (u32, u32)| (row * columns + col) as usize;
        self.flown[index((0, rows / 2))].flaw = Some(Flaw::Collar);
        self.flown[index((columns * 2 / 3, rows / 3))].flaw = Some(Flaw::Truncated);
        let twin = first(columns / 3, rows * 2 / 3);
        self.duplicate = Some(Dalle { folder: "duplicate", light: 1.08, ..twin });
        let town = (columns / 4).clamp(1, 20);
        let again = |dalle| Dalle { folder: "2024", year: LATER_YEAR, light: 0.86, ..dalle };
        self.reflown =
            (0..town * town).map(|i| again(first(columns / 2 + i % town, rows / 2 + i / town))).collect();
        self.neighbour = neighbour(columns, rows)?;
        // Last, since it moves those after it.
        self.hole = Some(self.flown.remove(index((columns / 3, rows / 3))));
        Ok(())
    }

    /// Every file.
    pub(super) fn files(&self) -> impl Iterator<Item = &Dalle> {
        self.flown.iter().chain(&self.reflown).chain(&self.neighbour).chain(&self.duplicate)
    }

    /// The file that has a flaw.
    pub(super) fn with(&self, flaw: Flaw) -> Option<&Dalle> {
        self.flown.iter().find(|dalle| dalle.flaw == Some(flaw))
    }
}

/// A dalle of the first flight.
fn first(col: u32, row: u32) -> Dalle {
    let (x, y) = ((CORNER.0 / 100.0) as u32, (CORNER.1 / 100.0) as u32);
    let side = DALLE_M / 100;
    let corner_hm = (x + col * side, y - row * side);
    Dalle { folder: "", year: YEAR, grid: &LAMBERT_93, corner_hm, light: 1.0, flaw: None }
}

/// Dalles of another zone at the middle of the eastern edge, over which they reach by less than a dalle.
fn neighbour(columns: u32, rows: u32) -> Result<Vec<Dalle>, CrsError> {
    let metres = |dalles: u32| f64::from(dalles * DALLE_M);
    let edge = (CORNER.0 + metres(columns), CORNER.1 - metres(rows / 2));
    let to_zone = Transform::new(&Crs::from_epsg(2154)?, &Crs::from_epsg(3943)?)?;
    let Some((x, y)) = to_zone.convert(edge.0, edge.1) else { return Ok(Vec::new()) };
    let side = DALLE_M / 100;
    let on_grid = |metres: f64| (metres / f64::from(DALLE_M)).floor() as u32 * side;
    let (left, top) = (on_grid(x), on_grid(y));
    let places = (0..NEIGHBOUR.1).flat_map(|row| (0..NEIGHBOUR.0).map(move |col| (col, row)));
    Ok(places
        .map(|(col, row)| Dalle {
            folder: "cc43",
            grid: &ZONE_43,
            corner_hm: (left + col * side, top - row * side),
            ..first(0, 0)
        })
        .collect())
}

/// From the pixels of dalles to the landscape: metres east and south of its corner.
#[derive(Debug)]
pub(super) struct Ground {
    from_zone: Transform,
}

impl Ground {
    pub(super) fn new() -> Result<Self, CrsError> {
        Ok(Self { from_zone: Transform::new(&Crs::from_epsg(3943)?, &Crs::from_epsg(2154)?)? })
    }

    /// Within the 200 m of a dalle two conic projections differ by a straight map, to a millimetre.
    pub(super) fn of(&self, dalle: &Dalle) -> GeoTransform {
        let (x, y) = dalle.corner();
        let place = |east: f64, south: f64| {
            let (x, y) = (x + east, y - south);
            let there =
                if dalle.grid.epsg == LAMBERT_93.epsg { Some((x, y)) } else { self.from_zone.convert(x, y) };
            let (x, y) = there.unwrap_or(CORNER);
            (x - CORNER.0, CORNER.1 - y)
        };
        let (side_m, side_px) = (f64::from(DALLE_M), f64::from(dalle.grid.side_px));
        let (corner, east, south) = (place(0.0, 0.0), place(side_m, 0.0), place(0.0, side_m));
        GeoTransform([
            corner.0,
            (east.0 - corner.0) / side_px,
            (south.0 - corner.0) / side_px,
            corner.1,
            (east.1 - corner.1) / side_px,
            (south.1 - corner.1) / side_px,
        ])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_those_of_ign() {
        assert_eq!(first(0, 0).path().to_str(), Some("2023-06500-62350-LA93-0M05-RVB.tif"));
        assert_eq!(first(1, 2).path().to_str(), Some("2023-06502-62346-LA93-0M05-RVB.tif"));
    }

    #[test]
    fn every_size_is_compact_and_its_defects_are_apart() {
        for places in [1, 2, 3, 15, 16, 17, 20, 21, 64, 1000, 4096, 200_000] {
            let layout = Layout::new(places, true).expect("both CRSs are known");
            assert!(layout.columns.abs_diff(layout.rows) <= 1, "{places}");
            let planted = places >= PLANTED_FROM;
            assert_eq!(layout.flown.len() as u32, places - u32::from(planted));
            let paths: HashSet<PathBuf> = layout.files().map(Dalle::path).collect();
            assert_eq!(paths.len(), layout.files().count(), "{places}: a path is there twice");
            assert_eq!(layout.hole.is_some(), planted);
            let at = |dalle: &Dalle| (dalle.grid.epsg, dalle.corner_hm);
            let flown: HashSet<_> = layout.flown.iter().map(at).collect();
            assert!(layout.reflown.iter().chain(&layout.duplicate).all(|dalle| flown.contains(&at(dalle))));
            let flawed = layout.flown.iter().filter(|dalle| dalle.flaw.is_some());
            let mut special: Vec<_> = flawed.chain(&layout.hole).chain(&layout.duplicate).map(at).collect();
            special.extend(layout.reflown.iter().map(at));
            assert_eq!(special.iter().collect::<HashSet<_>>().len(), special.len(), "{places}");
            assert_eq!(special.len(), if planted { 4 + layout.reflown.len() } else { 0 });
        }
    }

    #[test]
    fn the_neighbour_touches_the_eastern_edge() {
        let layout = Layout::new(64, true).expect("both CRSs are known");
        let ground = Ground::new().expect("both CRSs are known");
        let (x, y) = ground.of(&layout.neighbour[0]).apply(0.0, 0.0);
        let edge = f64::from(layout.columns * DALLE_M);
        assert!(x < edge && x > edge - 250.0, "{x}");
        assert!((y - edge / 2.0).abs() < 250.0, "{y}");
        assert_eq!(ground.of(&layout.flown[1]).apply(4000.0, 4000.0), (400.0, 200.0));
    }
}
