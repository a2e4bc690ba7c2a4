//! A rectangle in the units of a CRS.

/// A rectangle in CRS units, axes in x, y (easting, northing; longitude, latitude) order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// West, in CRS units.
    pub min_x: f64,
    /// South, in CRS units.
    pub min_y: f64,
    /// East, in CRS units.
    pub max_x: f64,
    /// North, in CRS units.
    pub max_y: f64,
}

impl Bounds {
    /// The rectangle between two opposite corners.
    pub const fn new(min_x: f64, min_y: f64, max_x: f64, max_y: f64) -> Self {
        Self { min_x, min_y, max_x, max_y }
    }

    /// East minus west, in CRS units.
    pub fn width(&self) -> f64 {
        self.max_x - self.min_x
    }

    /// North minus south, in CRS units.
    pub fn height(&self) -> f64 {
        self.max_y - self.min_y
    }

    /// The middle, `(x, y)`.
    pub fn center(&self) -> (f64, f64) {
        (f64::midpoint(self.min_x, self.max_x), f64::midpoint(self.min_y, self.max_y))
    }

    /// Whether the two share an area; touching edges do not count.
    pub fn intersects(&self, other: &Self) -> bool {
        self.min_x < other.max_x
            && other.min_x < self.max_x
            && self.min_y < other.max_y
            && other.min_y < self.max_y
    }

    /// What both cover, `None` where they share no area.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        self.intersects(other).then(|| Self {
            min_x: self.min_x.max(other.min_x),
            min_y: self.min_y.max(other.min_y),
            max_x: self.max_x.min(other.max_x),
            max_y: self.max_y.min(other.max_y),
        })
    }

    /// The smallest rectangle that holds both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            min_x: self.min_x.min(other.min_x),
            min_y: self.min_y.min(other.min_y),
            max_x: self.max_x.max(other.max_x),
            max_y: self.max_y.max(other.max_y),
        }
    }

    /// Grown by `margin` CRS units on every side.
    #[must_use]
    pub fn grown(&self, margin: f64) -> Self {
        Self {
            min_x: self.min_x - margin,
            min_y: self.min_y - margin,
            max_x: self.max_x + margin,
            max_y: self.max_y + margin,
        }
    }

    /// Whether the point is inside or on the edge.
    pub fn contains(&self, x: f64, y: f64) -> bool {
        x >= self.min_x && x <= self.max_x && y >= self.min_y && y <= self.max_y
    }

    /// Whether all four numbers are finite and the rectangle has an area.
    pub fn is_valid(&self) -> bool {
        [self.min_x, self.min_y, self.max_x, self.max_y].iter().all(|v| v.is_finite())
            && self.min_x < self.max_x
            && self.min_y < self.max_y
    }

    /// The smallest rectangle around points, `None` when there is none or one is not finite.
    pub fn around(points: impl IntoIterator<Item = (f64, f64)>) -> Option<Self> {
        let mut all: Option<Self> = None;
        for (x, y) in points {
            if !x.is_finite() || !y.is_finite() {
                return None;
            }
            let point = Self::new(x, y, x, y);
            all = Some(all.map_or(point, |b| b.union(&point)));
        }
        all
    }

    /// `steps + 1` points along each edge: projecting these instead of four corners keeps curved edges inside the result.
    pub fn edge_points(&self, steps: u32) -> impl Iterator<Item = (f64, f64)> + use<> {
        let b = *self;
        (0..=steps).flat_map(move |i| {
            let t = f64::from(i) / f64::from(steps);
            let x = b.min_x + t * b.width();
            let y = b.min_y + t * b.height();
            [(x, b.min_y), (x, b.max_y), (b.min_x, y), (b.max_x, y)]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touching_edges_do_not_intersect() {
        let a = Bounds::new(0.0, 0.0, 1.0, 1.0);
        assert!(!a.intersects(&Bounds::new(1.0, 0.0, 2.0, 1.0)));
        assert!(a.intersection(&Bounds::new(0.5, 0.5, 2.0, 2.0)) == Some(Bounds::new(0.5, 0.5, 1.0, 1.0)));
    }

    #[test]
    fn a_point_that_is_not_finite_gives_no_bounds() {
        assert!(Bounds::around([(0.0, 0.0), (f64::NAN, 1.0)]).is_none());
        assert!(Bounds::around([]).is_none());
    }

    #[test]
    fn edge_points_stay_on_the_edge() {
        let b = Bounds::new(-1.0, 2.0, 3.0, 5.0);
        assert!(b.edge_points(8).all(|(x, y)| b.contains(x, y)));
        assert_eq!(Bounds::around(b.edge_points(8)), Some(b));
    }
}
