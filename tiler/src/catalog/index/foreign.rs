//! Tile indexes that others wrote, recognised by what is in them.

use std::path::Path;

use flatgeobuf::ColumnType;
use geo_types::{Coord, MultiPolygon};

use super::{
    confinement::{Confinement, Locator},
    error::{IndexError, MAX_RECORDS, MAX_TEXT, Problem},
    fgb::{self, Field},
    file, geojson, geopackage, geoparquet, gti, mosaicjson, read,
    record::{Record, Value},
    vrt,
};
use crate::geom::Bounds;

/// Attributes of one record.
const MAX_ATTRIBUTES: usize = 128;
/// Fields that say when a picture was taken, the plainest first.
const TIMES: [&str; 13] = [
    "year",
    "annee",
    "année",
    "millesime",
    "millésime",
    "datetime",
    "date",
    "acquisition",
    "acquisition_date",
    "date_vol",
    "date_pva",
    "start_datetime",
    "timestamp",
];

/// The records of an index.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Index {
    /// One for each file. A file that the index must not name has a [`Record::fault`], and its location as it was written.
    pub records: Vec<Record>,
    /// Which lies on top where files overlap, if the index says so.
    pub order: Option<Order>,
}

/// Which of two files that overlap lies on top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// The one that comes first.
    First,
    /// The one that comes last.
    Last,
    /// The one with the greatest value of an attribute.
    Greatest(String),
    /// The one with the least value of an attribute.
    Least(String),
}

/// Reads an index of any known format. Files are not opened: what is known of them is what the index says.
///
/// `crs` of a record is that of its `bounds` and `footprint`; where there is no geotransform, the file may have another.
///
/// # Errors
/// When the index cannot be read, or does something that cannot be followed.
pub fn open(path: &Path, confinement: &Confinement) -> Result<Index, IndexError> {
    by_content(path, confinement).map_err(|problem| IndexError { path: path.to_owned(), problem })
}

fn by_content(path: &Path, confinement: &Confinement) -> Result<Index, Problem> {
    let start = file::start(path)?;
    if let Some(index) = table(path, &start, confinement, &Fields::default())? {
        return Ok(index);
    }
    if start.starts_with(&[0x1f, 0x8b]) {
        return mosaicjson::open(path, confinement);
    }
    let text = String::from_utf8_lossy(&start);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    match text.as_bytes().first() {
        Some(b'<') if text.contains("<GDALTileIndexDataset") => gti::open(path, confinement),
        Some(b'<') if text.contains("<VRTDataset") => vrt::open(path, confinement),
        Some(b'{') if text.contains("\"mosaicjson\"") => mosaicjson::open(path, confinement),
        Some(b'{') => geojson::open(path, confinement),
        _ => Err(Problem::Unknown),
    }
}

/// An index in a format of tables, `None` for any other.
pub(super) fn table(
    path: &Path,
    start: &[u8],
    confinement: &Confinement,
    fields: &Fields,
) -> Result<Option<Index>, Problem> {
    if start.starts_with(&fgb::MAGIC[..3]) {
        flatgeobuf(path, confinement, fields).map(Some)
    } else if start.starts_with(b"SQLite format 3\0") {
        geopackage::open(path, confinement, fields).map(Some)
    } else if start.starts_with(b"PAR1") {
        geoparquet::open(path, confinement, fields).map(Some)
    } else {
        Ok(None)
    }
}

/// What the operator of an index calls its fields, where that is not the usual.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    pub layer: Option<String>,
    pub location: Option<String>,
    pub sort: Option<String>,
    pub sort_descending: bool,
    pub crs: Option<String>,
}

impl Fields {
    /// Takes an item of GDAL's tile index; what is already known stays.
    pub fn take(&mut self, name: &str, value: &str) {
        let set = |field: &mut Option<String>| _ = field.get_or_insert_with(|| value.to_owned());
        match name {
            "LOCATION_FIELD" => set(&mut self.location),
            "SORT_FIELD" => set(&mut self.sort),
            "SORT_FIELD_ASC" => self.sort_descending |= value.eq_ignore_ascii_case("NO"),
            "SRS" => set(&mut self.crs),
            _ => {}
        }
    }

    pub fn location(&self) -> &str {
        self.location.as_deref().unwrap_or("location")
    }

    /// GDAL draws in the order of the field, so that the last one is on top.
    pub fn order(&self) -> Option<Order> {
        let field = self.sort.clone()?;
        Some(if self.sort_descending { Order::Least(field) } else { Order::Greatest(field) })
    }
}

/// Makes records of rows.
pub(super) struct Rows {
    locator: Locator,
    records: Vec<Record>,
}

impl Rows {
    pub fn new(path: &Path, confinement: &Confinement) -> Result<Self, Problem> {
        Ok(Self { locator: confinement.of(path)?, records: Vec::new() })
    }

    /// A record of a location, refused or not.
    pub fn push(&mut self, location: &str, record: Record) -> Result<(), Problem> {
        if self.records.len() as u64 == MAX_RECORDS {
            return Err(Problem::TooMuch { what: "records", limit: MAX_RECORDS });
        }
        if location.len() > MAX_TEXT {
            return Err(Problem::TooMuch { what: "bytes of a location", limit: MAX_TEXT as u64 });
        }
        if record.attributes.len() > MAX_ATTRIBUTES {
            return Err(Problem::TooMuch { what: "attributes", limit: MAX_ATTRIBUTES as u64 });
        }
        let record = match self.locator.find(location) {
            Ok(location) => Record { location, ..record },
            Err(refusal) => {
                Record { location: location.into(), fault: Some(format!("{location}: {refusal}")), ..record }
            }
        };
        let year = record.year.or_else(|| year(&record.attributes));
        self.records.push(Record { year, ..record });
        Ok(())
    }

    pub fn finish(self, order: Option<Order>) -> Index {
        Index { records: self.records, order }
    }
}

fn flatgeobuf(path: &Path, confinement: &Confinement, fields: &Fields) -> Result<Index, Problem> {
    if read::read_header(path).is_ok() {
        return own(path, confinement);
    }
    let mut reader = fgb::Reader::open(path)?;
    let mut fields = fields.clone();
    let metadata =
        reader.head.metadata.as_deref().and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    for (name, value) in metadata.as_ref().and_then(|metadata| metadata.as_object()).into_iter().flatten() {
        fields.take(name, value.as_str().unwrap_or_default());
    }
    let named = |column: &fgb::Column| {
        column.name.eq_ignore_ascii_case(fields.location()) && column.kind == ColumnType::String
    };
    let location_column = reader.head.columns.iter().position(named);
    let location_column =
        location_column.ok_or_else(|| Problem::NoLocation { field: fields.location().to_owned() })?;
    let crs = fields.crs.clone().or_else(|| reader.head.crs.clone());
    let mut rows = Rows::new(path, confinement)?;
    while let Some(row) = reader.next()? {
        let mut location = String::new();
        let mut record = Record { crs: crs.clone(), ..Record::default() };
        row.fields(|at, field| {
            let value = match field {
                Field::Text(text) if at == location_column => {
                    text.clone_into(&mut location);
                    return Ok(());
                }
                Field::Text(text) => Value::Text(text.to_owned()),
                Field::Number(number) => Value::Number(number),
                Field::Integer(number) => Value::Number(number as f64),
                Field::Unsigned(number) => Value::Number(number as f64),
                Field::Bool(is) => Value::Number(f64::from(u8::from(is))),
                Field::Bytes(_) => return Ok(()),
            };
            record.attributes.push((row.head.columns[at].name.clone(), value));
            Ok(())
        })?;
        draw(&mut record, row.polygons()?);
        rows.push(&location, record)?;
    }
    Ok(rows.finish(fields.order()))
}

/// An index of our own, as a source.
fn own(path: &Path, confinement: &Confinement) -> Result<Index, Problem> {
    let mut locator = confinement.of(path)?;
    let mut records = Vec::new();
    let header = read::read(path, &mut |record| records.push(record)).map_err(|error| error.problem)?;
    debug_assert_eq!(header.count, records.len() as u64);
    for record in &mut records {
        let Some(location) = record.location.to_str() else { continue };
        match locator.find(location) {
            Ok(found) => record.location = found,
            Err(refusal) => record.fault = Some(refusal.to_string()),
        }
    }
    Ok(Index { records, order: None })
}

/// Takes polygons as the bounds and the footprint of a record.
pub(super) fn draw(record: &mut Record, polygons: Option<MultiPolygon>) {
    let Some(polygons) = polygons else { return };
    let points = polygons.0.iter().flat_map(|polygon| &polygon.exterior().0);
    record.bounds = Bounds::around(points.map(|point| (point.x, point.y))).filter(Bounds::is_valid);
    record.footprint =
        record.bounds.and_then(|bounds| (!is_rectangle(&polygons, &bounds)).then_some(polygons));
}

/// Whether polygons are all of their bounds.
fn is_rectangle(polygons: &MultiPolygon, b: &Bounds) -> bool {
    let [polygon] = &polygons.0[..] else { return false };
    let ring = &polygon.exterior().0;
    let corners =
        [(b.min_x, b.min_y), (b.min_x, b.max_y), (b.max_x, b.min_y), (b.max_x, b.max_y)].map(Coord::from);
    polygon.interiors().is_empty()
        && ring.len() == 5
        && corners.iter().all(|corner| ring.contains(corner))
        && ring.windows(2).all(|side| side[0].x - side[1].x == 0.0 || side[0].y - side[1].y == 0.0)
}

/// The year in the first field that has one.
fn year(attributes: &[(String, Value)]) -> Option<i32> {
    TIMES.iter().find_map(|name| {
        let (_, value) = attributes.iter().find(|(attribute, _)| attribute.to_lowercase() == *name)?;
        let year = match value {
            Value::Number(number) => number.to_string().parse().ok(),
            Value::Text(text) => text.trim().get(..4)?.parse().ok(),
        };
        year.filter(|year| (1850..=2200).contains(year))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_is_found_in_numbers_and_dates() {
        let of = |name: &str, value: Value| {
            year(&[("other".to_owned(), Value::Number(2000.0)), (name.to_owned(), value)])
        };
        assert_eq!(of("Annee", Value::Number(2019.0)), Some(2019));
        assert_eq!(of("datetime", Value::Text("2021-07-14T10:00:00Z".to_owned())), Some(2021));
        assert_eq!(of("date_vol", Value::Text("20230612".to_owned())), Some(2023));
        assert_eq!(of("year", Value::Number(2019.5)), None);
        assert_eq!(of("year", Value::Text("été".to_owned())), None);
        assert_eq!(of("date", Value::Text("14/07/2021".to_owned())), None);
    }

    #[test]
    fn an_xml_names_a_table_that_must_lie_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.gti");
        let xml = |name: &str, more: &str| {
            let xml = format!(
                "<GDALTileIndexDataset><IndexDataset>{name}</IndexDataset>{more}</GDALTileIndexDataset>"
            );
            std::fs::write(&path, xml).unwrap();
            open(&path, &Confinement::to_own_folder()).unwrap_err().problem
        };
        assert!(matches!(xml("/etc/hostname", ""), Problem::Refused(_)));
        assert!(matches!(xml("https://example.org/index.fgb", ""), Problem::Refused(_)));
        assert!(matches!(xml("index.gti", ""), Problem::Unknown), "an XML names no other XML");
        assert!(matches!(xml("a.fgb", "<Filter>a = 1</Filter>"), Problem::Unsupported { .. }));
    }

    #[test]
    fn a_damaged_index_without_a_sum_is_read_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.fgb");
        let record = |at: i32| Record {
            location: format!("/nas/{at}.tif").into(),
            bounds: Some(Bounds::new(f64::from(at), 0.0, f64::from(at) + 1.0, 1.0)),
            attributes: vec![("cloud".to_owned(), Value::Number(0.5))],
            ..Record::default()
        };
        super::super::write(&path, &super::super::Notes::new(), (0..30).map(record)).unwrap();
        let mut whole = std::fs::read(&path).unwrap();
        // No longer one of ours, of which each change is seen.
        let at = whole.windows(12).position(|bytes| bytes == b"PAVAGE_INDEX").unwrap();
        whole[at] = b'p';
        std::fs::write(&path, &whole).unwrap();
        let found = open(&path, &Confinement::to_own_folder()).unwrap();
        assert_eq!(found.records.len(), 30);
        assert!(found.records.iter().all(|record| record.fault.is_some() && record.footprint.is_none()));
        for at in (0..whole.len()).step_by(41) {
            let mut bytes = whole.clone();
            bytes[at] = [0, 1, 0x7f, 0xff][at % 4];
            std::fs::write(&path, &bytes).unwrap();
            if let Ok(index) = open(&path, &Confinement::to_own_folder()) {
                assert!(index.records.len() <= 30);
            }
        }
    }

    #[test]
    fn what_is_no_index_at_all_is_unknown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index");
        for bytes in [&b""[..], b"II*\0", b"<html/>", b"PK\x03\x04", b"\xff\xfe<\0"] {
            std::fs::write(&path, bytes).unwrap();
            let error = open(&path, &Confinement::to_own_folder()).unwrap_err();
            assert!(matches!(error.problem, Problem::Unknown), "{bytes:?}: {error:?}");
        }
        assert!(matches!(
            open(folder.path(), &Confinement::to_own_folder()).unwrap_err().problem,
            Problem::NotAFile
        ));
    }
}
