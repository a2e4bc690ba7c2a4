//! Coordinates from one CRS to another, point by point. It knows no pixel and no tile.

use std::sync::Arc;

use proj_core::{CrsDef, GeographicCrsDef, SelectionOptions};

use super::{
    Crs, CrsError, Engine, Key,
    definition::{bare_datum, is_other_unit},
    proj4::Proj4,
};
use crate::geom::Bounds;

/// Steps along an edge when a rectangle is converted.
const EDGE_STEPS: u32 = 32;

/// A prepared conversion, to be shared between threads; a call costs 0.1 to 0.5 µs and allocates nothing.
#[derive(Clone, Debug)]
pub struct Transform {
    /// None: both are the same. Two: no datum shift is known, latitude and longitude are kept between them, or the
    /// way leads through WGS 84.
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    Core {
        proj: Box<proj_core::Transform>,
        swap_before: bool,
        swap_after: bool,
    },
    ToWgs84(Arc<Proj4>),
    FromWgs84(Arc<Proj4>),
    /// Angles in another unit than degrees.
    Scale(f64),
}

impl Transform {
    /// Prepares the conversion; some microseconds.
    ///
    /// When a CRS comes from a file that names no datum, latitude and longitude are kept as they are, which
    /// PROJ calls a ballpark transformation.
    ///
    /// # Errors
    ///
    /// When the datums are known and no shift between them works without a grid file.
    pub fn new(from: &Crs, to: &Crs) -> Result<Self, CrsError> {
        if from == to {
            return Ok(Self { steps: Vec::new() });
        }
        let core = |crs: &Crs| matches!(crs.0.engine, Engine::Core { .. });
        if !core(from) || !core(to) {
            return Self::through_wgs84(from, to);
        }
        match Self::core(from, to) {
            Err(error) if from.epsg() != Some(4326) && to.epsg() != Some(4326) => {
                Self::through_wgs84(from, to).map_err(|_| error)
            }
            result => result,
        }
    }

    /// Both by the first engine.
    fn core(from: &Crs, to: &Crs) -> Result<Self, CrsError> {
        let failed = |reason: String| no_transform(from, to, reason);
        let (
            Engine::Core { def: from_def, shifted: from_shift, degrees_per_unit: from_unit },
            Engine::Core { def: to_def, shifted: to_shift, degrees_per_unit: to_unit },
        ) = (&from.0.engine, &to.0.engine)
        else {
            return Err(failed("the first engine does not know it".to_owned()));
        };
        let mut steps = if from_def.semantically_equivalent(to_def) {
            Vec::new()
        } else if from_shift.is_some() || to_shift.is_some() {
            let (Some(source), Some(target)) = (text(from), text(to)) else {
                return Self::through_wgs84(from, to);
            };
            vec![declared_step(&source, &target).map_err(|e| failed(e.to_string()))?]
        } else {
            match plain_step(from_def, to_def) {
                Ok(step) => vec![step],
                Err(_) if from_def.datum().epsg() == 0 || to_def.datum().epsg() == 0 => {
                    ballpark(from_def, to_def).map_err(|e| failed(e.to_string()))?
                }
                Err(error) => return Err(failed(error.to_string())),
            }
        };
        if is_other_unit(*from_unit) {
            steps.insert(0, Step::Scale(*from_unit));
        }
        if is_other_unit(*to_unit) {
            steps.push(Step::Scale(1.0 / to_unit));
        }
        Ok(Self { steps })
    }

    /// In two halves, each by the engine that can.
    fn through_wgs84(from: &Crs, to: &Crs) -> Result<Self, CrsError> {
        let wgs84 = Crs::crs84()?;
        let failed = |reason: &str| no_transform(from, to, reason.to_owned());
        let mut steps = match &from.0.engine {
            Engine::Core { .. } => Self::half(from, &wgs84)?,
            Engine::Proj4(proj4) => vec![Step::ToWgs84(Arc::new(Proj4::clone(proj4)))],
            Engine::Named { reason } => return Err(failed(reason)),
        };
        steps.extend(match &to.0.engine {
            Engine::Core { .. } => Self::half(&wgs84, to)?,
            Engine::Proj4(proj4) => vec![Step::FromWgs84(Arc::new(Proj4::clone(proj4)))],
            Engine::Named { reason } => return Err(failed(reason)),
        });
        Ok(Self { steps })
    }

    /// Between WGS 84 and a CRS of the first engine; by the second where the first knows no shift.
    fn half(from: &Crs, to: &Crs) -> Result<Vec<Step>, CrsError> {
        let error = match Self::core(from, to) {
            Ok(transform) => return Ok(transform.steps),
            Err(error) => error,
        };
        let second = |crs: &Crs| crs.epsg().and_then(Proj4::from_epsg)?.ok().map(Arc::new);
        match (second(from), second(to)) {
            (Some(proj4), _) => Ok(vec![Step::ToWgs84(proj4)]),
            (_, Some(proj4)) => Ok(vec![Step::FromWgs84(proj4)]),
            _ => Err(error),
        }
    }

    /// The point `x, y` in the target CRS; `None` outside the domain of either CRS and for what is not finite.
    #[inline]
    pub fn convert(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        if !x.is_finite() || !y.is_finite() {
            return None;
        }
        self.steps.iter().try_fold((x, y), |point, step| step.convert(point))
    }

    /// Whether points come out as they go in.
    pub fn is_identity(&self) -> bool {
        self.steps.is_empty()
    }

    /// The rectangle of the target CRS around what `bounds` covers; `None` when none of it is in the domain.
    ///
    /// Edges are cut into steps, and the result is grown by as much as an edge can bulge between two of them.
    /// Points outside the domain are left out. A rectangle around a pole is not supported.
    pub fn convert_bounds(&self, bounds: &Bounds) -> Option<Bounds> {
        if self.is_identity() {
            return Some(*bounds);
        }
        let mut all: Option<Bounds> = None;
        let (mut bulge_x, mut bulge_y) = (0.0_f64, 0.0_f64);
        let mut complete = true;
        for edge in edges(bounds) {
            let points: Vec<Option<(f64, f64)>> = edge.map(|(x, y)| self.convert(x, y)).collect();
            for &(x, y) in points.iter().flatten() {
                extend(&mut all, x, y);
            }
            complete &= points.iter().all(Option::is_some);
            for three in points.windows(3) {
                if let [Some(a), Some(b), Some(c)] = three {
                    bulge_x = bulge_x.max((a.0 - 2.0 * b.0 + c.0).abs());
                    bulge_y = bulge_y.max((a.1 - 2.0 * b.1 + c.1).abs());
                }
            }
        }
        if !complete {
            for (x, y) in inside(bounds).filter_map(|(x, y)| self.convert(x, y)) {
                extend(&mut all, x, y);
            }
        }
        // Between two samples a curve leaves their chord by at most an eighth of its second difference.
        let all = all?;
        let (margin_x, margin_y) = (bulge_x / 8.0, bulge_y / 8.0);
        Some(Bounds::new(
            all.min_x - margin_x,
            all.min_y - margin_y,
            all.max_x + margin_x,
            all.max_y + margin_y,
        ))
    }
}

impl Step {
    #[inline]
    fn convert(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        match self {
            Self::Core { proj, swap_before, swap_after } => {
                let point = if *swap_before { (y, x) } else { (x, y) };
                let (x, y) = proj.convert(point).ok()?;
                let (x, y) = if *swap_after { (y, x) } else { (x, y) };
                (x.is_finite() && y.is_finite()).then_some((x, y))
            }
            Self::ToWgs84(proj4) => proj4.to_wgs84((x, y)),
            Self::FromWgs84(proj4) => proj4.out_of_wgs84((x, y)),
            Self::Scale(factor) => Some((x * factor, y * factor)),
        }
    }
}

fn no_transform(from: &Crs, to: &Crs, reason: String) -> CrsError {
    CrsError::NoTransform { from: from.name(), to: to.name(), reason }
}

/// Both definitions as they are, in east, north order.
fn plain_step(from: &CrsDef, to: &CrsDef) -> Result<Step, proj_core::Error> {
    let options = SelectionOptions::new().with_wgs84_pivot();
    let proj = proj_core::Transform::from_horizontal_components_with_selection_options(from, to, options)?;
    Ok(Step::Core { proj: Box::new(proj), swap_before: false, swap_after: false })
}

/// What the projection library's parser takes for the CRS; `None` for numbers without a text.
fn text(crs: &Crs) -> Option<String> {
    let code = || crs.epsg().map(|code| format!("EPSG:{code}"));
    let crs84 = || (crs.0.key == Key::Crs84).then(|| "OGC:CRS84".to_owned());
    let shifted = match &crs.0.engine {
        Engine::Core { shifted, .. } => shifted.clone(),
        Engine::Proj4(_) | Engine::Named { .. } => None,
    };
    shifted.or_else(code).or_else(crs84)
}

/// Through the text of the definitions, for a datum shift that one of them declares itself.
fn declared_step(from: &str, to: &str) -> Result<Step, proj_wkt::ParseError> {
    let proj = proj_wkt::transform_from_crs_strings_horizontal(from, to)?;
    let swapped = |def: &CrsDef| def.axis_order() == Some(proj_core::AxisOrder::NorthEast);
    let (swap_before, swap_after) = (swapped(proj.source_crs()), swapped(proj.target_crs()));
    Ok(Step::Core { proj: Box::new(proj), swap_before, swap_after })
}

/// To longitude and latitude on the own ellipsoid, then on from there as if it were the other's.
fn ballpark(from: &CrsDef, to: &CrsDef) -> Result<Vec<Step>, proj_core::Error> {
    let alone = |def: &CrsDef| def.clone().with_datum(bare_datum(def.datum()));
    let geographic = |def: &CrsDef| CrsDef::Geographic(GeographicCrsDef::new(0, bare_datum(def.datum()), ""));
    Ok(vec![plain_step(&alone(from), &geographic(from))?, plain_step(&geographic(to), &alone(to))?])
}

fn edges(b: &Bounds) -> [Box<dyn Iterator<Item = (f64, f64)>>; 4] {
    let b = *b;
    let steps = || (0..=EDGE_STEPS).map(|i| f64::from(i) / f64::from(EDGE_STEPS));
    let at = move |t: f64| (b.min_x + t * b.width(), b.min_y + t * b.height());
    [
        Box::new(steps().map(move |t| (at(t).0, b.min_y))),
        Box::new(steps().map(move |t| (at(t).0, b.max_y))),
        Box::new(steps().map(move |t| (b.min_x, at(t).1))),
        Box::new(steps().map(move |t| (b.max_x, at(t).1))),
    ]
}

fn inside(b: &Bounds) -> impl Iterator<Item = (f64, f64)> {
    let b = *b;
    let steps = || (1..EDGE_STEPS).map(|i| f64::from(i) / f64::from(EDGE_STEPS));
    steps().flat_map(move |u| steps().map(move |v| (b.min_x + u * b.width(), b.min_y + v * b.height())))
}

fn extend(all: &mut Option<Bounds>, x: f64, y: f64) {
    let point = Bounds::new(x, y, x, y);
    *all = Some(all.map_or(point, |b| b.union(&point)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn between(from: u32, to: u32) -> Transform {
        Transform::new(&Crs::from_epsg(from).unwrap(), &Crs::from_epsg(to).unwrap()).unwrap()
    }

    #[test]
    fn the_same_crs_needs_no_step() {
        let none = between(2154, 2154);
        assert!(none.is_identity());
        assert_eq!(none.convert(1.0, 2.0), Some((1.0, 2.0)));
        assert!(!between(2154, 3857).is_identity());
    }

    #[test]
    fn points_outside_the_domain_are_none() {
        let t = between(4326, 2154);
        assert_eq!(t.convert(f64::NAN, 45.0), None);
        assert_eq!(t.convert(3.0, f64::INFINITY), None);
        assert_eq!(t.convert(3.0, 91.0), None);
        assert_eq!(between(4326, 3857).convert(0.0, 90.0), None);
        assert_eq!(between(4326, 32631).convert(93.0, 0.0), None, "a quarter of the world away");
    }

    #[test]
    fn a_declared_datum_shift_is_applied_in_x_y_order() {
        let text = "+proj=longlat +ellps=intl +towgs84=-87,-98,-121 +no_defs";
        let old = Crs::from_name(text).unwrap();
        let t = Transform::new(&old, &Crs::from_epsg(4326).unwrap()).unwrap();
        // pyproj 3.7.2 (PROJ 9.5.1): Transformer.from_crs(text, 4326, always_xy=True).transform(3, 46)
        let (x, y) = t.convert(3.0, 46.0).unwrap();
        assert!((x - 2.998_795_429).abs() < 1e-8 && (y - 45.999_017_646).abs() < 1e-8, "{x} {y}");
    }

    #[test]
    fn a_declared_datum_shift_reaches_a_crs_without_code() {
        let old = Crs::from_name("+proj=longlat +ellps=intl +towgs84=-87,-98,-121 +no_defs").unwrap();
        let own = Crs::from_name("+proj=tmerc +lon_0=3.1 +lat_0=46 +ellps=GRS80").unwrap();
        assert_eq!((old.epsg(), own.epsg()), (None, None));
        let (x, y) = Transform::new(&old, &own).unwrap().convert(3.0, 46.0).unwrap();
        // pyproj 3.7.2, the same two texts with +towgs84=0,0,0 on the second.
        assert!((x - -7_839.778_554).abs() < 1e-3 && (y - -104.209_319).abs() < 1e-3, "{x} {y}");
        let (lon, lat) = Transform::new(&own, &old).unwrap().convert(x, y).unwrap();
        assert!((lon - 3.0).abs() < 1e-6 && (lat - 46.0).abs() < 1e-6, "{lon} {lat}");
    }

    #[test]
    fn converted_bounds_hold_what_the_rectangle_holds() {
        let t = between(2154, 3857);
        let france = Bounds::new(100_000.0, 6_050_000.0, 1_240_000.0, 7_110_000.0);
        let converted = t.convert_bounds(&france).unwrap();
        for (x, y) in inside(&france).chain(france.edge_points(777)) {
            let (x, y) = t.convert(x, y).unwrap();
            assert!(converted.contains(x, y));
        }
        let corners = Bounds::around(france.edge_points(1).filter_map(|(x, y)| t.convert(x, y))).unwrap();
        assert!(converted.height() > corners.height() + 1000.0, "the edges are curved");
    }

    #[test]
    fn bounds_partly_outside_the_domain_are_cut() {
        let world = Bounds::new(-180.0, -90.0, 180.0, 90.0);
        let converted = between(4326, 3857).convert_bounds(&world).unwrap();
        assert!(converted.is_valid() && converted.max_x > 2.0e7, "{converted:?}");
    }

    proptest! {
        #[test]
        fn there_and_back_is_where_we_started(x in 100_000.0..1_200_000.0, y in 6_050_000.0..7_100_000.0) {
            let (u, v) = between(2154, 3857).convert(x, y).unwrap();
            let (a, b) = between(3857, 2154).convert(u, v).unwrap();
            prop_assert!((a - x).abs() < 1e-4 && (b - y).abs() < 1e-4, "{} {}", a - x, b - y);
        }

        #[test]
        fn any_number_is_converted_or_refused(x in any::<f64>(), y in any::<f64>()) {
            for (from, to) in [(4326, 3857), (3857, 2154), (2154, 4326), (4326, 32631), (32631, 4326)] {
                if let Some((u, v)) = between(from, to).convert(x, y) {
                    prop_assert!(u.is_finite() && v.is_finite());
                }
            }
        }
    }
}
