//! From values to colours: ramps, classes, single values, named gradients. It knows no pixels.

mod named;
mod sld;
mod table;

pub(super) use named::{Gradient, gradient};
pub use named::{is_known, names};
pub use table::{ColorTable, Position, TableError, TableStop, parse_colour};

/// Red, green, blue, alpha.
pub type Rgba = [u8; 4];

/// What becomes transparent.
pub(super) const CLEAR: Rgba = [0; 4];

/// Entries of one colour map.
pub(super) const ENTRY_LIMIT: usize = 4096;

/// How the entries of a colour map are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapKind {
    /// Colours in between are mixed; beyond the ends the first and the last colour go on.
    Ramp,
    /// An entry is for all values up to its own, that one included, as QGIS' `DISCRETE`.
    Classes,
    /// An entry is for all values below its own, as SLD's `intervals`.
    ClassesBelow,
    /// An entry is for its own value alone: categories. Such pixels are never interpolated.
    Exact,
}

/// A value and its colour.
#[derive(Debug, Clone, PartialEq)]
pub struct Stop {
    /// The value, in the units of the band or expression.
    pub value: f64,
    /// Its colour; alpha becomes transparency.
    pub colour: Rgba,
    /// What the legend says; without it the value.
    pub label: Option<String>,
}

/// Colours by value.
#[derive(Debug, Clone, PartialEq)]
pub struct ColorMap {
    pub(super) kind: MapKind,
    /// Ascending.
    pub(super) stops: Vec<Stop>,
    pub(super) otherwise: Rgba,
}

impl ColorMap {
    /// A colour map from its entries in any order, and the colour of what no entry is for (often transparent).
    ///
    /// Entries of NaN are left out. Values are kept with the precision of 32-bit floating point, in which pixels come.
    pub fn new(kind: MapKind, stops: Vec<Stop>, otherwise: Rgba) -> Self {
        let mut stops = stops;
        stops.retain(|stop| !stop.value.is_nan());
        for stop in &mut stops {
            stop.value = f64::from(stop.value as f32);
        }
        stops.sort_by(|a, b| a.value.total_cmp(&b.value));
        Self { kind, stops, otherwise }
    }

    /// The colour of a value; clear for NaN.
    pub fn colour(&self, value: f64) -> Rgba {
        if value.is_nan() {
            return CLEAR;
        }
        let at = match self.kind {
            MapKind::ClassesBelow => self.stops.partition_point(|stop| stop.value <= value),
            _ => self.stops.partition_point(|stop| stop.value < value),
        };
        match (self.kind, self.stops.get(at), at.checked_sub(1).and_then(|at| self.stops.get(at))) {
            (MapKind::Exact, Some(stop), _) if stop.value != value => self.otherwise,
            (MapKind::Ramp, Some(above), Some(below)) => mix(below, above, value),
            (MapKind::Ramp, None, Some(stop)) | (_, Some(stop), _) => stop.colour,
            _ => self.otherwise,
        }
    }
}

/// The colour between two stops, rounded half up as `gdaldem color-relief` does.
fn mix(below: &Stop, above: &Stop, value: f64) -> Rgba {
    if value == above.value || !below.value.is_finite() {
        return above.colour;
    }
    let ratio = (value - below.value) / (above.value - below.value);
    std::array::from_fn(|i| {
        let (a, b) = (f64::from(below.colour[i]), f64::from(above.colour[i]));
        (0.5 + a + ratio * (b - a)) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(kind: MapKind) -> ColorMap {
        let stop = |value, grey| Stop { value, colour: [grey, grey, grey, 255], label: None };
        ColorMap::new(kind, vec![stop(20.0, 200), stop(10.0, 100), stop(30.0, 250)], CLEAR)
    }

    fn greys(kind: MapKind, values: &[f64]) -> Vec<Option<u8>> {
        values.iter().map(|&v| map(kind).colour(v)).map(|c| (c[3] > 0).then_some(c[0])).collect()
    }

    #[test]
    fn a_ramp_is_that_of_gdaldem() {
        // GDAL 3.10.3, gdaldem color-relief -alpha, on the grid of hillshade.rs, with this table; up to 3.10 it
        // rounded up from .55 on, since then from .5
        let table = "0 46 154 88\n20 251 255 128\n60 brown\n90 indigo\n";
        let map =
            ColorTable::parse(table).expect("it is a table").resolve(None).expect("it has no percentages");
        let expected = [
            (0.0, [46, 154, 88]),
            (10.5, [154, 207, 109]),
            (18.0, [230, 245, 124]),
            (21.0, [249, 252, 126]),
            (27.0, [240, 233, 117]),
            (34.5, [229, 209, 104]),
            (40.5, [220, 189, 95]),
            (43.5, [216, 180, 90]),
            (46.5, [211, 170, 85]),
            (67.5, [143, 127, 111]),
            (70.5, [124, 127, 130]),
            (99.0, [0, 127, 255]),
            (108.0, [0, 127, 255]),
        ];
        for (value, [r, g, b]) in expected {
            let near = map.colour(value).iter().zip([r, g, b, 255]).all(|(a, b)| a.abs_diff(b) <= 1);
            assert!(near, "{value}: {:?}", map.colour(value));
        }
    }

    #[test]
    fn a_ramp_goes_on_beyond_its_ends() {
        let greys = greys(MapKind::Ramp, &[-5.0, 10.0, 12.5, 99.0, f64::NAN]);
        assert_eq!(greys, [Some(100), Some(100), Some(125), Some(250), None]);
    }

    #[test]
    fn classes_hold_their_upper_limit_or_not() {
        let values = [5.0, 10.0, 10.5, 30.0, 30.5];
        assert_eq!(greys(MapKind::Classes, &values), [Some(100), Some(100), Some(200), Some(250), None]);
        assert_eq!(greys(MapKind::ClassesBelow, &values), [Some(100), Some(200), Some(200), None, None]);
    }

    #[test]
    fn categories_are_single_values() {
        assert_eq!(greys(MapKind::Exact, &[10.0, 11.0, 20.0, 0.0]), [Some(100), None, Some(200), None]);
    }

    #[test]
    fn a_category_that_binary_cannot_hold_is_found() {
        let stop = Stop { value: 0.1, colour: [1, 2, 3, 255], label: None };
        let map = ColorMap::new(MapKind::Exact, vec![stop], CLEAR);
        assert_eq!(map.colour(f64::from(0.1_f32)), [1, 2, 3, 255]);
    }

    #[test]
    fn an_open_class_ends_nowhere() {
        let stop = Stop { value: f64::INFINITY, colour: [9; 4], label: None };
        assert_eq!(ColorMap::new(MapKind::Classes, vec![stop.clone()], CLEAR).colour(1e30), [9; 4]);
        assert_eq!(ColorMap::new(MapKind::Ramp, vec![stop], CLEAR).colour(1e30), [9; 4]);
    }
}
