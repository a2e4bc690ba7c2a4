//! Items of STAC: which of their assets is the picture, and where it lies.
//!
//! Source: <https://github.com/radiantearth/stac-spec>, <https://github.com/stac-extensions/projection>.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::{
    error::Problem,
    foreign,
    geojson::{self, Feature, LONGITUDE_LATITUDE},
    record::{Record, Value},
};
use crate::geom::{GeoTransform, Size};

/// A file of an item.
#[derive(Deserialize)]
pub(in crate::catalog) struct Asset {
    href: String,
    #[serde(rename = "type")]
    media_type: Option<String>,
    #[serde(default)]
    roles: Option<Vec<String>>,
    #[serde(flatten)]
    more: Map<String, Json>,
}

/// The location of an item's picture and what is known of it. Its polygon is rough by custom and must not cut it, so only the rectangle around it is taken, and only
/// where there is no better one.
pub(super) fn picture(feature: &Feature) -> Result<Option<(&str, Record)>, Problem> {
    let Some(asset) = asset(feature) else { return Ok(None) };
    let mut attributes = feature.attributes();
    attributes.extend(feature.id.as_ref().and_then(geojson::value).map(|id| ("id".to_owned(), id)));
    attributes.extend(feature.collection.clone().map(|name| ("collection".to_owned(), Value::Text(name))));
    let of = |name| of(feature, asset, name);
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
    Ok(Some((&asset.href, record)))
}

fn is_count(number: f64) -> bool {
    (1.0..=f64::from(u32::MAX)).contains(&number)
}

/// A value of the chosen asset or of the item.
fn of<'a>(item: &'a Feature, asset: &'a Asset, name: &str) -> Option<&'a Json> {
    asset.more.get(name).or_else(|| item.properties.as_ref()?.get(name)).filter(|json| !json.is_null())
}

fn asset(item: &Feature) -> Option<&Asset> {
    item.assets
        .iter()
        .map(|(key, asset)| (asset.rank(key), asset))
        .filter(|(rank, _)| *rank > 0)
        .max_by_key(|(rank, _)| *rank)
        .map(|(_, asset)| asset)
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

#[cfg(test)]
mod tests {
    use super::super::{Confinement, Index, open};
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
}
