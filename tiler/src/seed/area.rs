//! Polygons that tiles are wanted of: whether a rectangle touches them, and, for the rectangles within it, which of their
//! edges still matter. Coordinates are those of one CRS, that of the tiles.

use crate::geom::Bounds;

/// A ring and the rings of its holes, each closed by itself; inside is what a ray leaves an odd number of times.
#[derive(Debug, Clone, PartialEq)]
pub struct Polygon {
    rings: Vec<Vec<(f64, f64)>>,
}

impl Polygon {
    /// A polygon of rings of points, x, y.
    pub fn new(rings: Vec<Vec<(f64, f64)>>) -> Self {
        Self { rings }
    }

    fn edges(&self) -> impl Iterator<Item = [(f64, f64); 2]> {
        self.rings.iter().flat_map(|ring| {
            let next = ring.iter().cycle().skip(1);
            ring.iter().zip(next).map(|(&a, &b)| [a, b])
        })
    }

    fn contains(&self, (x, y): (f64, f64)) -> bool {
        let crossed = self
            .edges()
            .filter(|[a, b]| (a.1 > y) != (b.1 > y) && x < (b.0 - a.0) * (y - a.1) / (b.1 - a.1) + a.0);
        crossed.count() % 2 == 1
    }
}

/// Some polygons, or everything.
#[derive(Debug, Clone, Default)]
pub struct Area {
    /// `None` is everything.
    polygons: Option<Vec<Polygon>>,
    edges: Vec<Edge>,
}

#[derive(Debug, Clone, Copy)]
struct Edge {
    polygon: u32,
    ends: [(f64, f64); 2],
}

/// How a rectangle lies to the area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// No part of it is in the area.
    Outside,
    /// All of it is.
    Inside,
    /// These edges pass through it.
    Some(Vec<u32>),
}

impl Area {
    /// No restriction.
    pub fn everywhere() -> Self {
        Self::default()
    }

    /// What any of the polygons covers.
    pub fn of(polygons: Vec<Polygon>) -> Self {
        let edges = polygons.iter().enumerate().flat_map(|(number, polygon)| {
            polygon.edges().map(move |ends| Edge { polygon: number as u32, ends })
        });
        Self { edges: edges.collect(), polygons: Some(polygons) }
    }

    /// The rectangle around it; `None` where it is everything or has no point.
    pub fn bounds(&self) -> Option<Bounds> {
        Bounds::around(self.edges.iter().flat_map(|edge| edge.ends))
    }

    /// Where a descent begins.
    pub(super) fn all(&self) -> Part {
        if self.polygons.is_some() {
            Part::Some((0..self.edges.len() as u32).collect())
        } else {
            Part::Inside
        }
    }

    /// The part of a rectangle within one whose part is known.
    pub(super) fn narrow(&self, around: &Part, bounds: impl FnOnce() -> Bounds) -> Part {
        let Part::Some(edges) = around else { return around.clone() };
        let bounds = bounds();
        let (mut here, mut passed) = (Vec::new(), Vec::new());
        for &number in edges {
            let edge = &self.edges[number as usize];
            if passes(edge.ends, &bounds) {
                here.push(number);
            } else if passed.last() != Some(&edge.polygon) {
                passed.push(edge.polygon);
            }
        }
        // A polygon whose edges all pass by lies around the rectangle or beside it.
        passed.dedup();
        passed.retain(|&polygon| !here.iter().any(|&edge| self.edges[edge as usize].polygon == polygon));
        let is_around = |&polygon: &u32| {
            self.polygons.as_ref().is_some_and(|all| all[polygon as usize].contains(bounds.center()))
        };
        if passed.iter().any(is_around) {
            Part::Inside
        } else if here.is_empty() {
            Part::Outside
        } else {
            Part::Some(here)
        }
    }
}

/// Whether a segment has a point in a rectangle, by cutting it with one side after the other (Liang and Barsky).
fn passes([a, b]: [(f64, f64); 2], bounds: &Bounds) -> bool {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let (mut from, mut to) = (0.0_f64, 1.0_f64);
    for (step, room) in [
        (-dx, a.0 - bounds.min_x),
        (dx, bounds.max_x - a.0),
        (-dy, a.1 - bounds.min_y),
        (dy, bounds.max_y - a.1),
    ] {
        if step == 0.0 {
            if room < 0.0 {
                return false;
            }
        } else if step < 0.0 {
            from = from.max(room / step);
        } else {
            to = to.min(room / step);
        }
    }
    from <= to
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_segment_passes_through_a_rectangle_or_beside_it() {
        let bounds = Bounds::new(0.0, 0.0, 2.0, 1.0);
        for (ends, expected) in [
            ([(-1.0, 0.5), (3.0, 0.5)], true),
            ([(0.5, 0.2), (0.6, 0.3)], true),
            ([(-1.0, 0.0), (1.0, 3.0)], false),
            ([(1.5, -1.0), (2.2, 0.9)], true),
            ([(3.0, -5.0), (3.0, 5.0)], false),
            ([(1.0, 1.0), (1.0, 1.0)], true),
        ] {
            assert_eq!(passes(ends, &bounds), expected, "{ends:?}");
        }
    }

    #[test]
    fn polygons_that_overlap_leave_no_hole() {
        let square = |a: f64, b: f64| Polygon::new(vec![vec![(a, a), (b, a), (b, b), (a, b)]]);
        let area = Area::of(vec![square(0.0, 10.0), square(5.0, 15.0)]);
        let part = |x: f64, y: f64| area.narrow(&area.all(), || Bounds::new(x, y, x + 1.0, y + 1.0));
        assert_eq!(part(7.0, 7.0), Part::Inside);
        assert_eq!(part(12.0, 2.0), Part::Outside);
        assert!(matches!(part(9.5, 2.0), Part::Some(_)));
        assert_eq!(area.bounds(), Some(Bounds::new(0.0, 0.0, 15.0, 15.0)));
    }

    proptest! {
        #[test]
        fn what_is_narrowed_in_steps_is_what_is_narrowed_at_once(
            ring in proptest::collection::vec((0.0..16.0_f64, 0.0..16.0_f64), 3..9),
            x in 0..8u32, y in 0..8u32,
        ) {
            let area = Area::of(vec![Polygon::new(vec![ring])]);
            let bounds = |x: u32, y: u32, side: u32| {
                let at = |n: u32| f64::from(n);
                Bounds::new(at(x), at(y), at(x + side), at(y + side))
            };
            let coarse = area.narrow(&area.all(), || bounds(x / 4 * 4 * 2, y / 4 * 4 * 2, 8));
            let stepwise = area.narrow(&coarse, || bounds(x * 2, y * 2, 2));
            prop_assert_eq!(stepwise, area.narrow(&area.all(), || bounds(x * 2, y * 2, 2)));
        }
    }
}
