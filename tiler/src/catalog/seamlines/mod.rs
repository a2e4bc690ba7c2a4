//! Seamlines: polygons that say where each picture of a mosaic is to be seen. It knows neither the pictures nor their order.

mod cut;
mod mask;

use std::{collections::HashSet, path::Path};

use geo_types::MultiPolygon;

pub use cut::cut;
pub use mask::mask;

use super::index::{
    IndexError, Problem, Value,
    fgb::{self, Field},
    file, geojson, geopackage,
};

/// Fields that name a picture, the plainest first.
const KEYS: [&str; 16] = [
    "location",
    "filename",
    "file_name",
    "file",
    "fichier",
    "nom_fichier",
    "path",
    "image",
    "name",
    "nom",
    "nom_image",
    "dalle",
    "nom_dalle",
    "cliche",
    "numero",
    "id",
];

/// Where a picture is to be seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Seamline {
    /// The name of the picture's file, with or without its extension, in whatever case; of a path only the last part.
    pub key: String,
    /// In `crs`.
    pub polygon: MultiPolygon,
    /// A name or definition; `None` where the file does not say.
    pub crs: Option<String>,
}

/// The seamlines of a file: `GeoJSON`, `FlatGeobuf` or `GeoPackage`. Features without polygons are left out.
///
/// # Errors
/// When it cannot be read, or no field names the pictures.
pub fn read(path: &Path) -> Result<Vec<Seamline>, IndexError> {
    by_content(path).map_err(|problem| IndexError { path: path.to_owned(), problem })
}

fn by_content(path: &Path) -> Result<Vec<Seamline>, Problem> {
    let start = file::start(path)?;
    if start.starts_with(&fgb::MAGIC[..3]) {
        flatgeobuf(path)
    } else if start.starts_with(b"SQLite format 3\0") {
        geopackage(path)
    } else {
        geojson(path)
    }
}

fn flatgeobuf(path: &Path) -> Result<Vec<Seamline>, Problem> {
    let mut reader = fgb::Reader::open(path)?;
    let crs = reader.head.crs.clone();
    let field = field(reader.head.columns.iter().map(|column| column.name.as_str()))?;
    let mut found = Vec::new();
    while let Some(row) = reader.next()? {
        let mut key = None;
        row.fields(|at, value| {
            if row.head.columns[at].name == field {
                key = match value {
                    Field::Text(text) => Some(text.to_owned()),
                    Field::Integer(number) => Some(number.to_string()),
                    Field::Unsigned(number) => Some(number.to_string()),
                    Field::Number(number) => Some(number.to_string()),
                    Field::Bool(_) | Field::Bytes(_) => None,
                };
            }
            Ok(())
        })?;
        found.extend(seamline(key, row.polygons()?, crs.clone()));
    }
    Ok(found)
}

fn geopackage(path: &Path) -> Result<Vec<Seamline>, Problem> {
    let database = geopackage::Database::open(path)?;
    let tables = database.tables()?;
    let named =
        tables.iter().find_map(|table| Some((table, field(table.columns.iter().map(String::as_str)).ok()?)));
    let (table, field) = named.ok_or_else(no_key)?;
    let mut found = Vec::new();
    database.rows(table, |polygons, values| {
        found.extend(seamline(text(&values, &field), polygons, table.crs.clone()));
        Ok(())
    })?;
    Ok(found)
}

fn geojson(path: &Path) -> Result<Vec<Seamline>, Problem> {
    let (features, crs) = geojson::Collection::read(path)?;
    let names: HashSet<&str> = features
        .iter()
        .flat_map(|feature| feature.properties.iter().flatten())
        .map(|(name, _)| name.as_str())
        .collect();
    let field = field(names.iter().copied())?;
    let mut found = Vec::new();
    for feature in &features {
        found.extend(seamline(text(&feature.attributes(), &field), feature.polygons()?, Some(crs.clone())));
    }
    Ok(found)
}

/// The field that names pictures.
fn field<'a>(names: impl Iterator<Item = &'a str>) -> Result<String, Problem> {
    let rank = |name: &str| KEYS.iter().position(|key| name.eq_ignore_ascii_case(key));
    let found = names.filter_map(|name| Some((rank(name)?, name))).min();
    found.map(|(_, name)| name.to_owned()).ok_or_else(no_key)
}

fn no_key() -> Problem {
    Problem::NoLocation { field: KEYS.join("\", \"") }
}

fn text(values: &[(String, Value)], field: &str) -> Option<String> {
    values.iter().find(|(name, _)| name == field).map(|(_, value)| match value {
        Value::Number(number) => number.to_string(),
        Value::Text(text) => text.clone(),
    })
}

fn seamline(key: Option<String>, polygon: Option<MultiPolygon>, crs: Option<String>) -> Option<Seamline> {
    let key = key?;
    let key = key.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    (!key.is_empty()).then_some(Seamline { key: key.to_owned(), polygon: polygon?, crs })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_named_by_the_plainest_field() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seams.geojson");
        let square = "[[[0,0],[1,0],[1,1],[0,0]]]";
        let feature = |name: &str, kind: &str, coordinates: &str| {
            format!(
                "{{\"type\":\"Feature\",\"properties\":{{\"id\":7,\"Fichier\":{name}}},\
                 \"geometry\":{{\"type\":\"{kind}\",\"coordinates\":{coordinates}}}}}"
            )
        };
        let features = [
            feature("\"C:\\\\vol\\\\a.tif\"", "Polygon", square),
            feature("12", "MultiPolygon", &format!("[{square},{square}]")),
            feature("null", "Polygon", square),
            feature("\"b.tif\"", "Point", "[0,0]"),
        ];
        let crs = "{\"type\":\"name\",\"properties\":{\"name\":\"urn:ogc:def:crs:EPSG::2154\"}}";
        let json =
            format!("{{\"type\":\"FeatureCollection\",\"crs\":{crs},\"features\":[{}]}}", features.join(","));
        std::fs::write(&path, json).unwrap();
        let found = read(&path).unwrap();
        let keys: Vec<_> =
            found.iter().map(|seamline| (seamline.key.as_str(), seamline.polygon.0.len())).collect();
        assert_eq!(keys, [("a.tif", 1), ("12", 2)]);
        assert_eq!(found[0].crs.as_deref(), Some("urn:ogc:def:crs:EPSG::2154"));
    }

    #[test]
    fn a_file_without_names_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seams.geojson");
        std::fs::write(&path, "{\"type\":\"FeatureCollection\",\"features\":[]}").unwrap();
        assert!(matches!(read(&path).unwrap_err().problem, Problem::NoLocation { .. }));
        std::fs::write(&path, "[1, 2]").unwrap();
        assert!(read(&path).is_err());
    }
}
