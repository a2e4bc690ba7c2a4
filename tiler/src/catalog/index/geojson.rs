//! Collections of `GeoJSON`: items of STAC with their assets, or a tile index with a field for the location.
//!
//! Source: RFC 7946, <https://github.com/radiantearth/stac-spec> and its extension `projection`.

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
};
use crate::geom::{GeoTransform, Size};

const LIMIT_BYTES: u64 = 512 << 20;
const LONGITUDE_LATITUDE: &str = "OGC:CRS84";

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
    id: Option<Json>,
    geometry: Option<Geometry>,
    #[serde(default)]
    pub properties: Option<Map<String, Json>>,
    #[serde(default)]
    assets: BTreeMap<String, Asset>,
    collection: Option<String>,
}

#[derive(Deserialize)]
struct Geometry {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    coordinates: Json,
}

#[derive(Deserialize)]
struct Asset {
    href: String,
    #[serde(rename = "type")]
    media_type: Option<String>,
    #[serde(default)]
    roles: Option<Vec<String>>,
    #[serde(flatten)]
    more: Map<String, Json>,
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
        let Some(geometry) = &self.geometry else { return Ok(None) };
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

    /// Its properties that are numbers or texts.
    pub fn attributes(&self) -> Vec<(String, Value)> {
        let properties = self.properties.iter().flatten();
        properties.filter_map(|(name, json)| Some((name.clone(), value(json)?))).collect()
    }

    /// A value of the chosen asset or of the item.
    fn value<'a>(&'a self, asset: &'a Asset, name: &str) -> Option<&'a Json> {
        asset.more.get(name).or_else(|| self.properties.as_ref()?.get(name)).filter(|json| !json.is_null())
    }

    fn asset(&self) -> Option<&Asset> {
        self.assets
            .iter()
            .map(|(key, asset)| (asset.rank(key), asset))
            .filter(|(rank, _)| *rank > 0)
            .max_by_key(|(rank, _)| *rank)
            .map(|(_, asset)| asset)
    }
}

impl Asset {
    /// How likely it is the picture; 0 where it is not.
    fn rank(&self, key: &str) -> u8 {
        let has = |role: &str| self.roles.iter().flatten().any(|own| own.eq_ignore_ascii_case(role));
        let media_type = self.media_type.as_deref().unwrap_or_default().to_ascii_lowercase();
        let extension =
            Path::new(&self.href).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let is_raster = media_type.starts_with("image/tiff")
            || media_type.starts_with("image/jp2")
            || media_type.is_empty()
                && ["tif", "tiff", "jp2", "j2k"].iter().any(|own| extension.eq_ignore_ascii_case(own));
        if !is_raster || has("thumbnail") || has("overview") || has("metadata") {
            return 0;
        }
        1 + u8::from(media_type.contains("cloud-optimized"))
            + 2 * u8::from(has("data"))
            + 4 * u8::from(has("visual") || key == "visual")
    }
}

pub(super) fn open(path: &Path, confinement: &Confinement) -> Result<Index, Problem> {
    let (features, crs) = Collection::read(path)?;
    let fields = Fields::default();
    let mut rows = Rows::new(path, confinement)?;
    for feature in &features {
        let mut attributes = feature.attributes();
        if feature.assets.is_empty() {
            let at = attributes.iter().position(|(name, _)| name.eq_ignore_ascii_case(fields.location()));
            let location = at.map(|at| attributes.remove(at).1);
            let Some(Value::Text(location)) = location else {
                return Err(Problem::NoLocation { field: fields.location().to_owned() });
            };
            let mut record = Record { crs: Some(crs.clone()), attributes, ..Record::default() };
            foreign::draw(&mut record, feature.polygons()?);
            rows.push(&location, record)?;
            continue;
        }
        attributes.extend(feature.id.as_ref().and_then(value).map(|id| ("id".to_owned(), id)));
        attributes
            .extend(feature.collection.clone().map(|name| ("collection".to_owned(), Value::Text(name))));
        let Some(asset) = feature.asset() else { continue };
        rows.push(&asset.href, item(feature, asset, attributes)?)?;
    }
    Ok(rows.finish(None))
}

/// A picture of STAC. Its polygon is rough by custom and must not cut it, so only the rectangle around it is taken, and only
/// where there is no better one.
fn item(feature: &Feature, asset: &Asset, attributes: Vec<(String, Value)>) -> Result<Record, Problem> {
    let of = |name| feature.value(asset, name);
    let crs = of("proj:code").and_then(Json::as_str).map(str::to_owned);
    let crs = crs.or_else(|| of("proj:epsg").and_then(Json::as_u64).map(|code| format!("EPSG:{code}")));
    let numbers = |name| {
        let numbers = of(name).and_then(Json::as_array).into_iter().flatten().map(Json::as_f64);
        numbers.collect::<Option<Vec<f64>>>().unwrap_or_default()
    };
    // Rows of a matrix, of which the last may be left out.
    let transform = match numbers("proj:transform")[..] {
        [a, b, c, d, e, f] | [a, b, c, d, e, f, ..] if crs.is_some() => {
            Some(GeoTransform([c, a, b, f, d, e]))
        }
        _ => None,
    };
    let size = match numbers("proj:shape")[..] {
        [rows, cols] if is_count(rows) && is_count(cols) => Some(Size::new(cols as u32, rows as u32)),
        _ => None,
    };
    let mut record = Record { size, attributes, ..Record::default() };
    match (crs, transform, size) {
        (Some(crs), Some(transform), Some(size)) if transform.inverse().is_some() => {
            record.crs = Some(crs);
            record.geotransform = Some(transform);
            record.bounds = Some(transform.bounds(size));
        }
        _ => {
            record.crs = Some(LONGITUDE_LATITUDE.to_owned());
            foreign::draw(&mut record, feature.polygons()?);
            record.footprint = None;
        }
    }
    Ok(record)
}

fn is_count(number: f64) -> bool {
    (1.0..=f64::from(u32::MAX)).contains(&number)
}

fn value(json: &Json) -> Option<Value> {
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
        for name in ["a.tif", "b c.tif", "small.tif"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let path = folder.path().join("items.json");
        std::fs::write(&path, json.replace("ROOT", folder.path().canonicalize().unwrap().to_str().unwrap()))
            .unwrap();
        open(&path, &Confinement::to_own_folder()).map_err(|error| error.problem)
    }

    const ITEM: &str = r#"{"type":"Feature","stac_version":"1.0.0","id":"one","collection":"pcrs","bbox":[2,43,3,44],
        "geometry":{"type":"Polygon","coordinates":[[[2,43],[3,43],[3,44],[2,44],[2,43]]]},
        "properties":{"datetime":"2021-07-14T10:00:00Z","proj:epsg":2154,"eo:cloud_cover":0.1,"x":{}},
        "assets":{
            "thumbnail":{"href":"small.tif","type":"image/tiff","roles":["thumbnail","data"]},
            "metadata":{"href":"https://example.org/m.xml","type":"application/xml"},
            "image":{"href":"file://ROOT/b%20c.tif","type":"image/tiff; application=geotiff; profile=cloud-optimized",
                "roles":["data"],"proj:transform":[0.05,0,650000,0,-0.05,6235000,0,0,1],"proj:shape":[100,200]}}}"#;

    #[test]
    fn an_item_is_its_picture_with_its_place_and_year() {
        let collection = format!(r#"{{"type":"FeatureCollection","features":[{ITEM}]}}"#);
        for json in [ITEM, &collection] {
            let index = index(json).unwrap();
            let [record] = &index.records[..] else { panic!("{index:?}") };
            assert_eq!(record.fault, None);
            assert!(record.location.ends_with("b c.tif") && record.location.is_absolute());
            assert_eq!((record.crs.as_deref(), record.year), (Some("EPSG:2154"), Some(2021)));
            assert_eq!(record.geotransform, Some(GeoTransform::north_up(650_000.0, 6_235_000.0, 0.05, 0.05)));
            assert_eq!(record.size, Some(Size::new(200, 100)));
            assert_eq!(record.bounds, Some(Bounds::new(650_000.0, 6_234_995.0, 650_010.0, 6_235_000.0)));
            assert!(record.attributes.contains(&("eo:cloud_cover".to_owned(), Value::Number(0.1))));
            assert!(record.attributes.contains(&("id".to_owned(), Value::Text("one".to_owned()))));
        }
    }

    #[test]
    fn without_a_projection_the_rectangle_around_its_polygon_is_its_place() {
        let record = index(&ITEM.replace("proj:", "other:")).unwrap().records.remove(0);
        assert_eq!(record.bounds, Some(Bounds::new(2.0, 43.0, 3.0, 44.0)));
        assert_eq!((record.crs.as_deref(), record.footprint), (Some("OGC:CRS84"), None));
    }

    #[test]
    fn a_remote_picture_is_a_record_with_a_fault() {
        let record = index(&ITEM.replace("file://ROOT/", "https://example.org/")).unwrap().records.remove(0);
        assert!(record.fault.unwrap().contains("URL"));
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
