//! Dalles that cover part of each other: a line is swept over the longer side of the territory, so that only neighbours
//! are compared.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
};

use tiler::{crs::Crs, geom::Bounds};

use super::{dalle::Placed, duplicates::footprint};

/// More comparisons than this are given up: all files lie on one spot.
const COMPARISONS: u64 = 1 << 30;

/// Pairs that overlap by more than a pixel along both axes; those that cover the very same ground are duplicates instead.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Overlaps {
    pub pairs: u64,
    /// In one pair or more.
    pub files: usize,
    pub worst: Option<Overlap>,
    /// Whether so many files lie on one spot that the rest was not counted.
    pub is_incomplete: bool,
}

/// Two dalles that overlap.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Overlap {
    pub paths: [PathBuf; 2],
    /// Width and height of what both cover, pixels of the finer one.
    pub size_px: (f64, f64),
    /// Of the smaller one, 0 to 1.
    pub share: f64,
}

pub(super) fn overlaps(placed: &[Placed<'_>]) -> Overlaps {
    let mut by_crs: HashMap<&Crs, Vec<&Placed<'_>>> = HashMap::new();
    let mut seen = HashSet::new();
    for one in placed.iter().filter(|one| seen.insert(footprint(one))) {
        by_crs.entry(one.crs).or_default().push(one);
    }
    let mut out = Overlaps::default();
    let mut budget = COMPARISONS;
    let mut crss: Vec<_> = by_crs.into_iter().collect();
    crss.sort_by_key(|(crs, _)| crs.name());
    for (_, dalles) in crss {
        sweep(&dalles, &mut budget, &mut out);
    }
    out
}

fn sweep(dalles: &[&Placed<'_>], budget: &mut u64, out: &mut Overlaps) {
    let Some(all) = dalles.iter().map(|one| one.bounds).reduce(|a, b| a.union(&b)) else { return };
    let is_wide = all.width() >= all.height();
    let along = |b: &Bounds| if is_wide { (b.min_x, b.max_x) } else { (b.min_y, b.max_y) };
    let mut order: Vec<usize> = (0..dalles.len()).collect();
    order.sort_by(|&a, &b| along(&dalles[a].bounds).0.total_cmp(&along(&dalles[b].bounds).0));
    let mut active: Vec<usize> = Vec::new();
    let mut involved = HashSet::new();
    for at in order {
        let one = dalles[at];
        let start = along(&one.bounds).0;
        active.retain(|&other| along(&dalles[other].bounds).1 > start);
        let Some(left) = budget.checked_sub(active.len() as u64) else {
            out.is_incomplete = true;
            break;
        };
        *budget = left;
        for &other in &active {
            if let Some(overlap) = overlap(one, dalles[other]) {
                out.pairs += 1;
                involved.extend([at, other]);
                let is_worse = |worst: &Overlap| overlap.share > worst.share;
                if out.worst.as_ref().is_none_or(is_worse) {
                    out.worst = Some(overlap);
                }
            }
        }
        active.push(at);
    }
    out.files += involved.len();
}

fn overlap(a: &Placed<'_>, b: &Placed<'_>) -> Option<Overlap> {
    // That one year lies over another is what vintages are.
    if a.dalle.year.zip(b.dalle.year).is_some_and(|(a, b)| a != b) {
        return None;
    }
    let both = a.bounds.intersection(&b.bounds)?;
    let coarser = (a.cell.0.max(b.cell.0), a.cell.1.max(b.cell.1));
    // A pixel, and what rounding adds to it.
    if both.width() <= coarser.0 * 1.01 || both.height() <= coarser.1 * 1.01 {
        return None;
    }
    let area = |bounds: &Bounds| bounds.width() * bounds.height();
    let finer = (a.cell.0.min(b.cell.0), a.cell.1.min(b.cell.1));
    let mut paths = [a.dalle.path.clone(), b.dalle.path.clone()];
    paths.sort();
    Some(Overlap {
        paths,
        size_px: (both.width() / finer.0, both.height() / finer.1),
        share: area(&both) / area(&a.bounds).min(area(&b.bounds)),
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Dalle, dalle::dalle},
        *,
    };

    fn found(dalles: &[Dalle]) -> Overlaps {
        overlaps(&dalles.iter().filter_map(Dalle::placed).collect::<Vec<_>>())
    }

    #[test]
    fn dalles_that_touch_or_share_a_pixel_do_not_overlap() {
        let dalles = [dalle("a.tif", 0.0, 0.0), dalle("b.tif", 20.0, 0.0), dalle("c.tif", 39.8, 0.0)];
        assert_eq!(found(&dalles), Overlaps::default());
    }

    #[test]
    fn the_worst_overlap_is_named_with_its_share() {
        let dalles = [dalle("a.tif", 0.0, 0.0), dalle("b.tif", 18.0, 0.0), dalle("c.tif", 28.0, 0.0)];
        let found = found(&dalles);
        assert_eq!((found.pairs, found.files), (2, 3));
        let worst = found.worst.unwrap();
        assert_eq!(worst.paths, [PathBuf::from("b.tif"), PathBuf::from("c.tif")]);
        assert!((worst.share - 0.5).abs() < 1e-9 && (worst.size_px.0 - 50.0).abs() < 1e-6);
    }

    #[test]
    fn the_same_ground_is_no_overlap_but_a_duplicate() {
        assert_eq!(found(&[dalle("a.tif", 0.0, 0.0), dalle("b.tif", 0.0, 0.0)]).pairs, 0);
    }

    #[test]
    fn a_column_of_many_dalles_is_swept_along_itself() {
        let dalles: Vec<_> =
            (0..20_000).map(|i| dalle(&format!("{i}.tif"), 0.0, f64::from(i) * 19.0)).collect();
        let found = found(&dalles);
        assert_eq!((found.pairs, found.is_incomplete), (19_999, false));
    }
}
