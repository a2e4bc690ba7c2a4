//! `--bbox` and `--within`: polygons of longitude and latitude, cut to the layer and brought into the CRS of the set. Edges are
//! straight in longitude and latitude (RFC 7946, 3.1.1), so they are cut into short ones first.

use std::{fs::File, io::Read as _, path::Path};

use serde::Deserialize;
use tiler::{
    crs::{Crs, Transform},
    geom::Bounds,
    seed::{Area, Polygon},
    tms::TileMatrixSet,
};

use super::Failure;
use crate::{layers::Layer, log};

/// A file longer than this is no area.
const FILE_LIMIT_BYTES: u64 = 256 << 20;
/// Of so many degrees is an edge at most before it is projected: it leaves its curve by less than half a metre then.
const STEP_DEG: f64 = 0.05;
/// Around the layer, so that its border is no edge of the area.
const MARGIN_DEG: f64 = 0.01;

type Ring = Vec<(f64, f64)>;

/// The area that the arguments name; everything where they name none.
pub(super) fn area(
    (bbox, within): (Option<&str>, Option<&Path>),
    layer: &Layer,
    set: &TileMatrixSet,
) -> Result<Area, Failure> {
    let polygons = match (bbox, within) {
        (Some(bbox), _) => vec![vec![rectangle(bbox)?]],
        (None, Some(file)) => polygons(file)
            .map_err(|reason| format!("{}: {reason}", log::printable(&file.display().to_string())))?,
        (None, None) => return Ok(Area::everywhere()),
    };
    let bounds = layer.wgs84_bounds;
    let around = bounds.grown(MARGIN_DEG);
    let transform = Transform::new(&Crs::crs84()?, &set.crs).map_err(|error| log::chain(&error))?;
    let mut projected = Vec::new();
    for polygon in polygons {
        let cut = polygon.into_iter().map(|ring| clipped(ring, &around)).filter(|ring| ring.len() > 2);
        let rings: Option<Vec<Ring>> = cut.map(|ring| densified(&ring, &transform)).collect();
        let rings = rings.ok_or_else(|| format!("the area cannot be brought into {}", set.id))?;
        if !rings.is_empty() {
            projected.push(Polygon::new(rings));
        }
    }
    if projected.is_empty() {
        let Bounds { min_x, min_y, max_x, max_y } = bounds;
        return Err(format!(
            "the area does not touch {}, which lies within {min_x:.5},{min_y:.5},{max_x:.5},{max_y:.5} (west, south, east, north)",
            layer.id
        )
        .into());
    }
    Ok(Area::of(projected))
}

fn rectangle(text: &str) -> Result<Ring, Failure> {
    let numbers: Vec<f64> = text.split(',').filter_map(|number| number.trim().parse().ok()).collect();
    let &[west, south, east, north] = numbers.as_slice() else {
        return Err(
            format!("--bbox {text}: it must be four numbers, west,south,east,north, in degrees").into()
        );
    };
    let bounds = Bounds::new(west, south, east, north);
    if !bounds.is_valid() {
        return Err(format!("--bbox {text}: west must be less than east, and south less than north").into());
    }
    if !Bounds::new(-180.0, -90.0, 180.0, 90.0).contains(west, south) || east > 180.0 || north > 90.0 {
        return Err(format!("--bbox {text}: it must be degrees of longitude and latitude").into());
    }
    Ok(vec![(west, south), (east, south), (east, north), (west, north)])
}

/// Any object of GeoJSON; members that say nothing of an area are passed over.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum Object {
    FeatureCollection {
        features: Vec<Object>,
    },
    Feature {
        geometry: Option<Box<Object>>,
    },
    GeometryCollection {
        geometries: Vec<Object>,
    },
    Polygon {
        coordinates: Vec<Vec<Position>>,
    },
    MultiPolygon {
        coordinates: Vec<Vec<Vec<Position>>>,
    },
    #[serde(other)]
    Other,
}

/// Longitude, latitude, and what else there is.
#[derive(Deserialize)]
struct Position(Vec<f64>);

fn polygons(file: &Path) -> Result<Vec<Vec<Ring>>, String> {
    let failed = |error: std::io::Error| format!("cannot be read: {error}");
    let mut text = Vec::new();
    let opened = File::open(file).map_err(failed)?;
    opened.take(FILE_LIMIT_BYTES + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() as u64 > FILE_LIMIT_BYTES {
        return Err(format!("is longer than {FILE_LIMIT_BYTES} bytes"));
    }
    let object: Object = serde_json::from_slice(&text).map_err(|error| format!("is no GeoJSON: {error}"))?;
    let mut found = Vec::new();
    gather(object, &mut found)?;
    if found.is_empty() {
        return Err("has no polygon".to_owned());
    }
    Ok(found)
}

fn gather(object: Object, found: &mut Vec<Vec<Ring>>) -> Result<(), String> {
    let polygon = |rings: Vec<Vec<Position>>| -> Result<Vec<Ring>, String> {
        rings.into_iter().map(|ring| ring.into_iter().map(point).collect()).collect()
    };
    match object {
        Object::FeatureCollection { features: parts } | Object::GeometryCollection { geometries: parts } => {
            parts.into_iter().try_for_each(|part| gather(part, found))
        }
        Object::Feature { geometry: Some(geometry) } => gather(*geometry, found),
        Object::Polygon { coordinates } => {
            found.push(polygon(coordinates)?);
            Ok(())
        }
        Object::MultiPolygon { coordinates } => coordinates.into_iter().try_for_each(|rings| {
            found.push(polygon(rings)?);
            Ok(())
        }),
        Object::Feature { geometry: None } | Object::Other => Ok(()),
    }
}

fn point(Position(numbers): Position) -> Result<(f64, f64), String> {
    match numbers.as_slice() {
        &[x, y, ..] if x.abs() <= 180.0 && y.abs() <= 90.0 => Ok((x, y)),
        [x, y, ..] => Err(format!("has the place {x}, {y}: GeoJSON is longitude and latitude in degrees")),
        _ => Err("has a place without two coordinates".to_owned()),
    }
}

/// What of a ring is within a rectangle, by cutting it with one side after the other (Sutherland and Hodgman).
fn clipped(ring: Ring, bounds: &Bounds) -> Ring {
    type Side<'a> = (&'a dyn Fn((f64, f64)) -> f64,);
    let sides: [Side<'_>; 4] = [
        (&|p| p.0 - bounds.min_x,),
        (&|p| bounds.max_x - p.0,),
        (&|p| p.1 - bounds.min_y,),
        (&|p| bounds.max_y - p.1,),
    ];
    sides.iter().fold(ring, |ring, (inside,)| {
        let mut cut = Vec::with_capacity(ring.len());
        for (i, &b) in ring.iter().enumerate() {
            let a = ring[if i == 0 { ring.len() - 1 } else { i - 1 }];
            let (from, to) = (inside(a), inside(b));
            if (from < 0.0) != (to < 0.0) {
                let t = from / (from - to);
                cut.push((a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1)));
            }
            if to >= 0.0 {
                cut.push(b);
            }
        }
        cut
    })
}

/// A ring with edges as short as projecting them takes; `None` where a point cannot be projected.
fn densified(ring: &[(f64, f64)], transform: &Transform) -> Option<Ring> {
    let mut dense = Vec::with_capacity(ring.len());
    for (&a, &b) in ring.iter().zip(ring.iter().cycle().skip(1)) {
        let steps = ((b.0 - a.0).abs().max((b.1 - a.1).abs()) / STEP_DEG).ceil().max(1.0) as u32;
        for step in 0..steps {
            let t = f64::from(step) / f64::from(steps);
            dense.push(transform.convert(a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1))?);
        }
    }
    Some(dense)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_is_cut_to_the_rectangle() {
        let bounds = Bounds::new(0.0, 0.0, 10.0, 10.0);
        let ring = clipped(vec![(-5.0, 5.0), (5.0, -5.0), (15.0, 5.0), (5.0, 15.0)], &bounds);
        assert!(ring.len() >= 4 && ring.iter().all(|&(x, y)| bounds.contains(x, y)), "{ring:?}");
        assert!(clipped(vec![(20.0, 0.0), (30.0, 0.0), (30.0, 9.0)], &bounds).is_empty());
    }

    #[test]
    fn a_rectangle_is_west_south_east_north_in_degrees() {
        assert_eq!(rectangle("3,43, 4,44").expect("is one")[2], (4.0, 44.0));
        for (text, word) in [
            ("3,43,4", "four numbers"),
            ("4,43,3,44", "west must be less"),
            ("650000,6230000,651000,6231000", "degrees"),
            ("a,b,c,d", "four numbers"),
        ] {
            let error = rectangle(text).expect_err("is none").to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn polygons_are_found_in_all_objects_of_geojson() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("area.geojson");
        let square = "[[[3,43],[4,43],[4,44],[3,43]]]";
        let read = |text: &str| {
            std::fs::write(&file, text).expect("it can be written");
            polygons(&file)
        };
        let polygon = format!(r#"{{"type":"Polygon","coordinates":{square}}}"#);
        let feature = format!(r#"{{"type":"Feature","properties":{{"type":1}},"geometry":{polygon}}}"#);
        let multi = format!(r#"{{"type":"MultiPolygon","coordinates":[{square},{square}]}}"#);
        let all = format!(
            r#"{{"type":"FeatureCollection","name":"x","features":[{feature},{{"type":"Feature","geometry":null}},
               {{"type":"Feature","geometry":{{"type":"GeometryCollection","geometries":[{multi}]}}}}]}}"#
        );
        for (text, count) in [(&polygon, 1), (&feature, 1), (&multi, 2), (&all, 3)] {
            assert_eq!(read(text).expect("is an area").len(), count, "{text}");
        }
        for (text, word) in [
            (r#"{"type":"Point","coordinates":[3,43]}"#, "no polygon"),
            ("[1]", "no GeoJSON"),
            (r#"{"type":"Polygon","coordinates":[[[650000,6230000],[1,1],[2,2]]]}"#, "degrees"),
            (r#"{"type":"Polygon","coordinates":[[[1],[1,1],[2,2]]]}"#, "two coordinates"),
        ] {
            let error = read(text).expect_err("is none");
            assert!(error.contains(word), "{error}");
        }
    }
}
