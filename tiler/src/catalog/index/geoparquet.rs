//! `GeoParquet`: items of STAC or a tile index, a feature a row.
//!
//! Source: <https://geoparquet.org/releases/v1.1.0/>, <https://github.com/stac-utils/stac-geoparquet>. The library checks
//! less than it should where files lie, so a panic of it is an error here, and what it may unpack has a limit.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use parquet::{
    errors::ParquetError,
    file::reader::{FileReader, SerializedFileReader},
    record::Field,
};
use serde_json::{Map, Value as Json, json};

use super::{
    confinement::Confinement,
    error::{MAX_COLUMNS, MAX_RECORDS, Problem},
    file,
    foreign::{Fields, Index, Rows},
    geojson::{Feature, LONGITUDE_LATITUDE},
    wkb,
};

/// Bytes of the file, and once decompressed.
const LIMIT_BYTES: u64 = 1 << 30;
/// Columns of structures count one by one, and an item has an asset for each of its bands.
const MAX_LEAVES: usize = 16 * MAX_COLUMNS;
/// Lists and structures within each other.
const MAX_DEPTH: u32 = 8;

impl From<ParquetError> for Problem {
    fn from(error: ParquetError) -> Self {
        Self::Parquet { reason: error.to_string() }
    }
}

pub(super) fn open(path: &Path, confinement: &Confinement, fields: &Fields) -> Result<Index, Problem> {
    let read = AssertUnwindSafe(|| index(path, confinement, fields));
    catch_unwind(read).unwrap_or(Err(Problem::damaged("it contradicts itself")))
}

fn index(path: &Path, confinement: &Confinement, fields: &Fields) -> Result<Index, Problem> {
    let (file, length) = file::regular(path)?;
    let reader = SerializedFileReader::new(file)?;
    let metadata = reader.metadata();
    let unpacked =
        metadata.row_groups().iter().map(|group| u64::try_from(group.total_byte_size()).unwrap_or(u64::MAX));
    if unpacked.fold(length, u64::saturating_add) > LIMIT_BYTES {
        return Err(Problem::TooMuch { what: "bytes", limit: LIMIT_BYTES });
    }
    if metadata.file_metadata().schema_descr().num_columns() > MAX_LEAVES {
        return Err(Problem::TooMuch { what: "columns", limit: MAX_LEAVES as u64 });
    }
    let pairs = metadata.file_metadata().key_value_metadata();
    let geo =
        pairs.into_iter().flatten().find(|pair| pair.key == "geo").and_then(|pair| pair.value.as_deref());
    let geo = geo.map(serde_json::from_str::<Json>).transpose()?.unwrap_or_default();
    let geometry = geo["primary_column"].as_str().unwrap_or("geometry").to_owned();
    let crs = fields.crs.clone().unwrap_or_else(|| crs(&geo["columns"][&geometry]["crs"]));
    let mut rows = Rows::new(path, confinement)?;
    for (count, row) in reader.get_row_iter(None)?.enumerate() {
        if count as u64 == MAX_RECORDS {
            return Err(Problem::TooMuch { what: "records", limit: MAX_RECORDS });
        }
        feature(row?.into_columns(), &geometry)?.take_to(&mut rows, &crs, fields)?;
    }
    Ok(rows.finish(fields.order()))
}

/// The name in a definition as PROJJSON, or all of it.
fn crs(projjson: &Json) -> String {
    match (projjson["id"]["authority"].as_str(), &projjson["id"]["code"]) {
        (Some(authority), Json::Number(code)) => format!("{authority}:{code}"),
        (Some(authority), Json::String(code)) => format!("{authority}:{code}"),
        _ if projjson.is_object() => projjson.to_string(),
        _ => LONGITUDE_LATITUDE.to_owned(),
    }
}

fn feature(columns: Vec<(String, Field)>, geometry: &str) -> Result<Feature, Problem> {
    let mut feature = Feature::default();
    let mut properties = Map::new();
    for (name, field) in columns {
        match field {
            Field::Bytes(bytes) if name == geometry => feature.drawn = wkb::decode(bytes.data())?,
            Field::Null | Field::Bytes(_) => {}
            field if name == "assets" => feature.assets = assets(json(&field, MAX_DEPTH))?,
            Field::Str(text) if name == "id" => feature.id = Some(Json::String(text)),
            Field::Str(text) if name == "collection" => feature.collection = Some(text),
            field => _ = properties.insert(name, json(&field, MAX_DEPTH)),
        }
    }
    feature.properties = Some(properties);
    Ok(feature)
}

/// An asset that an item has not is null, as one that others have.
fn assets(json: Json) -> Result<BTreeMap<String, super::stac::Asset>, Problem> {
    let Json::Object(mut assets) = json else { return Ok(BTreeMap::new()) };
    assets.retain(|_, asset| asset["href"].is_string());
    Ok(serde_json::from_value(Json::Object(assets))?)
}

fn json(field: &Field, depth: u32) -> Json {
    if depth == 0 {
        return Json::Null;
    }
    match field {
        Field::Null | Field::Bytes(_) => Json::Null,
        Field::Bool(is) => json!(is),
        Field::Byte(number) => json!(number),
        Field::Short(number) => json!(number),
        Field::Int(number) => json!(number),
        Field::Long(number) => json!(number),
        Field::UByte(number) => json!(number),
        Field::UShort(number) => json!(number),
        Field::UInt(number) => json!(number),
        Field::ULong(number) => json!(number),
        Field::Float(number) => json!(number),
        Field::Double(number) => json!(number),
        Field::Str(text) => json!(text),
        Field::Group(row) => {
            row.get_column_iter().map(|(name, field)| (name.clone(), json(field, depth - 1))).collect()
        }
        Field::ListInternal(list) => list.elements().iter().map(|field| json(field, depth - 1)).collect(),
        Field::MapInternal(map) => {
            let entries = map.entries().iter();
            entries
                .filter_map(|(name, field)| match name {
                    Field::Str(name) => Some((name.clone(), json(field, depth - 1))),
                    _ => None,
                })
                .collect()
        }
        // Dates and times as the library writes them, which begins with the year.
        other => json!(other.to_string()),
    }
}
