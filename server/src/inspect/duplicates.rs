//! Files that are there twice: by name in several folders, or by the ground that they cover.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::{Dalle, dalle::Placed, groups::significant};

/// Groups that are listed; the others are counted.
const LISTED: usize = 100;

/// Groups of files that are the same in one way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Duplicates {
    pub groups: usize,
    /// In all groups.
    pub files: usize,
    /// The first groups, each by path.
    pub examples: Vec<Vec<PathBuf>>,
}

impl Duplicates {
    fn of<K: Ord>(grouped: BTreeMap<K, Vec<&Path>>) -> Self {
        let mut out = Self::default();
        let mut groups: Vec<_> = grouped.into_values().filter(|paths| paths.len() > 1).collect();
        for paths in &mut groups {
            paths.sort();
        }
        groups.sort();
        for paths in groups {
            out.groups += 1;
            out.files += paths.len();
            if out.examples.len() < LISTED {
                out.examples.push(paths.into_iter().take(LISTED).map(Path::to_owned).collect());
            }
        }
        out
    }
}

/// Files of the same name and year in several folders.
pub(super) fn names(dalles: &[Dalle]) -> Duplicates {
    let mut grouped: BTreeMap<(&OsStr, Option<u16>), Vec<&Path>> = BTreeMap::new();
    for dalle in dalles {
        let name = dalle.path.file_name().unwrap_or_default();
        grouped.entry((name, dalle.year)).or_default().push(&dalle.path);
    }
    Duplicates::of(grouped)
}

/// Files of one year that cover the same ground to the pixel.
pub(super) fn footprints(placed: &[Placed<'_>]) -> Duplicates {
    let mut grouped: BTreeMap<_, Vec<&Path>> = BTreeMap::new();
    for placed in placed {
        grouped.entry(footprint(placed)).or_default().push(&placed.dalle.path);
    }
    Duplicates::of(grouped)
}

/// Equal for what covers the same ground in the same year: the corners in pixels. Half pixels, which occur, are not where rounding turns.
pub(super) fn footprint(placed: &Placed<'_>) -> (String, [i64; 4], Option<u16>) {
    let b = placed.bounds;
    let to_px = |value: f64, cell: f64| (value / cell + 0.25).floor() as i64;
    // Rounded: noise in the cell size would add up over millions of pixels.
    let cell = |cell: f64| significant(cell).parse().unwrap_or(cell);
    let (x, y) = (cell(placed.cell.0), cell(placed.cell.1));
    let corners = [to_px(b.min_x, x), to_px(b.min_y, y), to_px(b.max_x, x), to_px(b.max_y, y)];
    (placed.crs.name(), corners, placed.dalle.year)
}

#[cfg(test)]
mod tests {
    use super::{super::dalle::dalle, *};

    #[test]
    fn a_name_in_two_folders_is_a_duplicate() {
        let all =
            [dalle("2021/a.tif", 0.0, 0.0), dalle("2024/a.tif", 0.0, 0.0), dalle("2024/b.tif", 0.0, 0.0)];
        let found = names(&all);
        assert_eq!((found.groups, found.files), (1, 2));
        assert_eq!(found.examples, [[PathBuf::from("2021/a.tif"), PathBuf::from("2024/a.tif")]]);
    }

    #[test]
    fn another_year_is_no_duplicate() {
        let of = |year| Dalle { year: Some(year), ..dalle("a.tif", 0.0, 0.0) };
        let all = [of(2021), of(2024)];
        assert_eq!(names(&all).groups, 0);
        let placed: Vec<_> = all.iter().filter_map(Dalle::placed).collect();
        assert_eq!(footprints(&placed).groups, 0);
    }

    #[test]
    fn the_same_ground_is_a_duplicate_in_spite_of_rounding() {
        let all = [
            dalle("a.tif", 650_000.0, 6_235_000.0),
            dalle("b.tif", 650_000.000_001, 6_235_000.0),
            dalle("c.tif", 650_000.2, 6_235_000.0),
        ];
        let placed: Vec<_> = all.iter().filter_map(Dalle::placed).collect();
        assert_eq!(footprints(&placed).examples, [[PathBuf::from("a.tif"), PathBuf::from("b.tif")]]);
    }
}
