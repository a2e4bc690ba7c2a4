//! Collections of `GeoJSON`: items of STAC with their assets, or a tile index with a field for the location.
//!
//! Source: RFC 7946.

use std::{collections::BTreeMap, path::Path};

use geo_types::{Coord, LineString, MultiPolygon, Polygon};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::{
    confinement::Confinement,
    error::Problem,
    file,
    foreign::{self, Fields, Index, Rows},
    record::{Record, Value},
    stac::{self, Asset},
};

const LIMIT_BYTES: u64 = 512 << 20;
/// The CRS of coordinates where nothing is said.
pub(super) const LONGITUDE_LATITUDE: &str = "OGC:CRS84";

/// A collection of features, or a single one.
#[derive(Deserialize)]
pub(in crate::catalog) struct Collection {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    pub features: Vec<Feature>,
    crs: Option<NamedCrs>,
    #[serde(flatten)]
    single: Feature,
}

/// The member of old files.
#[derive(Deserialize)]
struct NamedCrs {
    properties: Map<String, Json>,
}

/// A feature; an item of STAC where it has assets.
#[derive(Deserialize, Default)]
pub(in crate::catalog) struct Feature {
    pub id: Option<Json>,
    geometry: Option<Geometry>,
    /// Where a format has it that is not JSON.
    #[serde(skip)]
    pub drawn: Option<MultiPolygon>,
    #[serde(default)]
    pub properties: Option<Map<String, Json>>,
    #[serde(default)]
    pub assets: BTreeMap<String, Asset>,
    pub collection: Option<String>,
}

#[derive(Deserialize)]
struct Geometry {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    coordinates: Json,
}

impl Collection {
    /// The features of a file, and the CRS of their coordinates.
    pub fn read(path: &Path) -> Result<(Vec<Feature>, String), Problem> {
        let bytes = file::whole(path, LIMIT_BYTES)?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let collection: Self = serde_json::from_slice(bytes)?;
        let name = collection.crs.and_then(|crs| Some(crs.properties.get("name")?.as_str()?.to_owned()));
        let crs = name.unwrap_or_else(|| LONGITUDE_LATITUDE.to_owned());
        match collection.kind.as_str() {
            "FeatureCollection" => Ok((collection.features, crs)),
            "Feature" => Ok((vec![collection.single], crs)),
            _ => Err(Problem::Unknown),
        }
    }
}

impl Feature {
    /// Its polygons; `None` where it has none.
    pub fn polygons(&self) -> Result<Option<MultiPolygon>, Problem> {
        let Some(geometry) = &self.geometry else { return Ok(self.drawn.clone()) };
        let one =
            |json: &Json| serde_json::from_value::<Vec<Vec<Vec<f64>>>>(json.clone()).map_err(Problem::from);
        let polygons = match geometry.kind.as_str() {
            "Polygon" => vec![one(&geometry.coordinates)?],
            "MultiPolygon" => {
                geometry.coordinates.as_array().into_iter().flatten().map(one).collect::<Result<_, _>>()?
            }
            _ => return Ok(None),
        };
        let polygons = polygons.iter().map(|rings| polygon(rings)).collect::<Option<Vec<_>>>();
        let polygons = polygons.ok_or(Problem::damaged("a polygon has no coordinates"))?;
        Ok((!polygons.is_empty()).then_some(MultiPolygon(polygons)))
    }

    /// Adds its file, if it has one that is a picture.
    pub(super) fn take_to(&self, rows: &mut Rows, crs: &str, fields: &Fields) -> Result<(), Problem> {
        if !self.assets.is_empty() {
            return stac::picture(self)?.map_or(Ok(()), |(location, record)| rows.push(location, record));
        }
        let mut attributes = self.attributes();
        let at = attributes.iter().position(|(name, _)| name.eq_ignore_ascii_case(fields.location()));
        let Some(Value::Text(location)) = at.map(|at| attributes.remove(at).1) else {
            return Err(Problem::NoLocation { field: fields.location().to_owned() });
        };
        let mut record = Record { crs: Some(crs.to_owned()), attributes, ..Record::default() };
        foreign::draw(&mut record, self.polygons()?);
        rows.push(&location, record)
    }

    /// Its properties that are numbers or texts.
    pub fn attributes(&self) -> Vec<(String, Value)> {
        let properties = self.properties.iter().flatten();
        properties.filter_map(|(name, json)| Some((name.clone(), value(json)?))).collect()
    }
}

pub(super) fn open(path: &Path, confinement: &Confinement) -> Result<Index, Problem> {
    let (features, crs) = Collection::read(path)?;
    let mut rows = Rows::new(path, confinement)?;
    for feature in &features {
        feature.take_to(&mut rows, &crs, &Fields::default())?;
    }
    Ok(rows.finish(None))
}

/// A number or a text.
pub(super) fn value(json: &Json) -> Option<Value> {
    match json {
        Json::String(text) => Some(Value::Text(text.clone())),
        Json::Number(number) => number.as_f64().map(Value::Number),
        Json::Bool(is) => Some(Value::Number(f64::from(u8::from(*is)))),
        _ => None,
    }
}

fn polygon(rings: &[Vec<Vec<f64>>]) -> Option<Polygon> {
    let ring = |ring: &Vec<Vec<f64>>| {
        let points = ring.iter().map(|point| Some(Coord { x: *point.first()?, y: *point.get(1)? }));
        points.collect::<Option<Vec<_>>>().map(LineString)
    };
    let mut rings = rings.iter().map(ring).collect::<Option<Vec<_>>>()?.into_iter();
    let exterior = rings.next().filter(|exterior| !exterior.0.is_empty())?;
    Some(Polygon::new(exterior, rings.collect()))
}

#[cfg(test)]
mod tests {
    use super::super::open;
    use super::*;
    use crate::geom::Bounds;

    fn index(json: &str) -> Result<Index, Problem> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.tif"), "").unwrap();
        let path = folder.path().join("index.json");
        std::fs::write(&path, json).unwrap();
        open(&path, &Confinement::to_own_folder()).map_err(|error| error.problem)
    }

    #[test]
    fn a_polygon_that_is_no_rectangle_is_a_footprint() {
        let json = r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"location":"a.tif","annee":2019},
            "geometry":{"type":"Polygon","coordinates":[[[2,43],[3,43],[3,44],[2,43]]]}}]}"#;
        let record = index(json).unwrap().records.remove(0);
        assert_eq!((record.year, record.footprint.unwrap().0.len()), (Some(2019), 1));
        assert_eq!(record.bounds, Some(Bounds::new(2.0, 43.0, 3.0, 44.0)));
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for json in ["{}", "{\"type\":\"Feature\"", "{\"type\":\"Topology\"}", "[", "\"a\""] {
            assert!(index(json).is_err(), "{json}");
        }
        let nested = format!("{{\"type\":\"FeatureCollection\",\"features\":{}", "[".repeat(100_000));
        assert!(index(&nested).is_err());
        let one = r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"name":"a"},"geometry":null}]}"#;
        assert!(matches!(index(one), Err(Problem::NoLocation { .. })));
    }
}
