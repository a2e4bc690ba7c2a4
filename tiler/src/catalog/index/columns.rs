//! A record as a row of a table, and back.

use std::{ffi::OsString, os::unix::ffi::OsStringExt, path::PathBuf, str::FromStr};

use flatgeobuf::ColumnType;

use super::{
    error::Problem,
    fgb::{Column, Field},
    record::{Record, Value},
    wkb,
};
use crate::{
    geom::{Bounds, GeoTransform, Size},
    raster::SampleType,
};

/// The columns of every index of ours; those of attributes come after them.
pub(super) const FIXED: [(&str, ColumnType); 21] = [
    ("location", ColumnType::String),
    ("crs", ColumnType::String),
    ("geotransform", ColumnType::String),
    ("bounds", ColumnType::String),
    ("width", ColumnType::UInt),
    ("height", ColumnType::UInt),
    ("overviews", ColumnType::String),
    ("bands", ColumnType::UInt),
    ("data_type", ColumnType::String),
    ("compression", ColumnType::String),
    ("is_lossy", ColumnType::Bool),
    ("has_transparency", ColumnType::Bool),
    ("bytes", ColumnType::ULong),
    ("mtime_ns", ColumnType::Long),
    ("inode", ColumnType::ULong),
    ("generation", ColumnType::String),
    ("beside", ColumnType::String),
    ("year", ColumnType::Int),
    ("fault", ColumnType::String),
    ("footprint", ColumnType::Binary),
    // Of a location that is not UTF-8, which is lossy in its own column.
    ("location_bytes", ColumnType::Binary),
];

/// The column of bounds, which is null where they follow from the geotransform and empty where there are none.
pub(super) const BOUNDS: usize = 3;

/// The bounds that a geotransform and a size give.
pub(super) fn derived_bounds(record: &Record) -> Option<Bounds> {
    Some(record.geotransform?.bounds(record.size?))
}

/// The column of an attribute: its name, apart from the fixed ones.
pub(super) fn attribute(name: &str, kind: ColumnType) -> Column {
    let taken = FIXED.iter().any(|(fixed, _)| fixed.eq_ignore_ascii_case(name));
    let column = if taken { format!("attribute_{name}") } else { name.to_owned() };
    Column { name: column, title: Some(name.to_owned()), kind }
}

/// Whether the columns of a file are those of an index of ours.
pub(super) fn are_ours(columns: &[Column]) -> bool {
    let fixed = columns.len() >= FIXED.len()
        && columns.iter().zip(FIXED).all(|(column, (name, kind))| column.name == name && column.kind == kind);
    fixed
        && columns[FIXED.len()..].iter().all(|column| {
            column.title.is_some() && matches!(column.kind, ColumnType::String | ColumnType::Double)
        })
}

/// Writes the values of a record that are not null.
pub(super) fn encode(record: &Record, columns: &[Column], out: &mut Vec<u8>) {
    let mut row = Encoder { out };
    let location = record.location.as_os_str();
    row.text(0, &location.to_string_lossy());
    if location.to_str().is_none() {
        row.bytes(20, location.as_encoded_bytes());
    }
    row.some_text(1, record.crs.as_deref());
    row.some_text(2, record.geotransform.map(|transform| join(&transform.0)).as_deref());
    match record.bounds {
        bounds if bounds == derived_bounds(record) => {}
        Some(b) => row.text(BOUNDS, &join(&[b.min_x, b.min_y, b.max_x, b.max_y])),
        None => row.text(BOUNDS, ""),
    }
    if let Some(size) = record.size {
        row.plain(4, &size.width.to_le_bytes());
        row.plain(5, &size.height.to_le_bytes());
    }
    if !record.overviews.is_empty() {
        let sizes: Vec<_> =
            record.overviews.iter().map(|size| format!("{}x{}", size.width, size.height)).collect();
        row.text(6, &sizes.join(" "));
    }
    row.some_plain(7, record.bands.and_then(|bands| u32::try_from(bands).ok()).map(u32::to_le_bytes));
    row.some_text(8, record.sample.map(SampleType::name));
    row.some_text(9, record.compression.as_deref());
    row.some_plain(10, record.is_lossy.map(|is| [u8::from(is)]));
    row.some_plain(11, record.has_transparency.map(|has| [u8::from(has)]));
    row.some_plain(12, record.bytes.map(u64::to_le_bytes));
    row.some_plain(13, record.mtime_ns.map(i64::to_le_bytes));
    row.some_plain(14, record.inode.map(u64::to_le_bytes));
    row.some_text(15, record.generation.map(|hash| format!("{hash:032x}")).as_deref());
    row.some_text(16, record.beside.map(|hash| format!("{hash:032x}")).as_deref());
    row.some_plain(17, record.year.map(i32::to_le_bytes));
    row.some_text(18, record.fault.as_deref());
    if let Some(footprint) = &record.footprint {
        row.bytes(19, &wkb::encode(footprint));
    }
    for (name, value) in &record.attributes {
        let named = |column: &Column| column.title.as_deref() == Some(name);
        let Some(at) = columns.iter().skip(FIXED.len()).position(named).map(|at| at + FIXED.len()) else {
            continue;
        };
        match value {
            Value::Number(number) if columns[at].kind == ColumnType::Double => {
                row.plain(at, &number.to_le_bytes());
            }
            Value::Number(number) => row.text(at, &number.to_string()),
            Value::Text(text) => row.text(at, text),
        }
    }
}

/// Takes one value into a record.
pub(super) fn decode(
    record: &mut Record,
    columns: &[Column],
    at: usize,
    field: Field<'_>,
) -> Result<(), Problem> {
    match (at, field) {
        (0, Field::Text(text)) => record.location = PathBuf::from(text),
        (1, Field::Text(text)) => record.crs = Some(text.to_owned()),
        (2, Field::Text(text)) => record.geotransform = Some(GeoTransform(split(text)?)),
        (BOUNDS, Field::Text("")) => record.bounds = None,
        (BOUNDS, Field::Text(text)) => {
            let [min_x, min_y, max_x, max_y] = split(text)?;
            record.bounds = Some(Bounds::new(min_x, min_y, max_x, max_y));
        }
        (4, Field::Integer(width)) => size(record).width = width as u32,
        (5, Field::Integer(height)) => size(record).height = height as u32,
        (6, Field::Text(text)) => {
            record.overviews = text.split(' ').map(overview).collect::<Result<_, _>>()?;
        }
        (7, Field::Integer(bands)) => record.bands = usize::try_from(bands).ok(),
        (8, Field::Text(text)) => record.sample = Some(sample(text)?),
        (9, Field::Text(text)) => record.compression = Some(text.to_owned()),
        (10, Field::Bool(is)) => record.is_lossy = Some(is),
        (11, Field::Bool(has)) => record.has_transparency = Some(has),
        (12, Field::Unsigned(bytes)) => record.bytes = Some(bytes),
        (13, Field::Integer(time)) => record.mtime_ns = Some(time),
        (14, Field::Unsigned(inode)) => record.inode = Some(inode),
        (15, Field::Text(text)) => record.generation = Some(hash(text)?),
        (16, Field::Text(text)) => record.beside = Some(hash(text)?),
        (17, Field::Integer(year)) => record.year = i32::try_from(year).ok(),
        (18, Field::Text(text)) => record.fault = Some(text.to_owned()),
        (19, Field::Bytes(bytes)) => record.footprint = wkb::decode(bytes)?,
        (20, Field::Bytes(bytes)) => record.location = OsString::from_vec(bytes.to_vec()).into(),
        (_, field) => {
            let value = match field {
                Field::Text(text) => Value::Text(text.to_owned()),
                Field::Number(number) => Value::Number(number),
                _ => return Err(Problem::damaged("an attribute is neither number nor text")),
            };
            let name = columns.get(at).and_then(|column| column.title.clone());
            record.attributes.push((name.ok_or(Problem::damaged("an attribute has no name"))?, value));
        }
    }
    Ok(())
}

struct Encoder<'a> {
    out: &'a mut Vec<u8>,
}

impl Encoder<'_> {
    fn plain(&mut self, column: usize, bytes: &[u8]) {
        self.out.extend_from_slice(&(column as u16).to_le_bytes());
        self.out.extend_from_slice(bytes);
    }

    fn bytes(&mut self, column: usize, bytes: &[u8]) {
        self.plain(column, &(bytes.len() as u32).to_le_bytes());
        self.out.extend_from_slice(bytes);
    }

    fn text(&mut self, column: usize, text: &str) {
        self.bytes(column, text.as_bytes());
    }

    fn some_plain<const N: usize>(&mut self, column: usize, bytes: Option<[u8; N]>) {
        if let Some(bytes) = bytes {
            self.plain(column, &bytes);
        }
    }

    fn some_text(&mut self, column: usize, text: Option<&str>) {
        if let Some(text) = text {
            self.text(column, text);
        }
    }
}

fn size(record: &mut Record) -> &mut Size {
    record.size.get_or_insert(Size::new(0, 0))
}

/// Numbers in the shortest form that gives them back exactly.
fn join(numbers: &[f64]) -> String {
    numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(" ")
}

fn split<const N: usize>(text: &str) -> Result<[f64; N], Problem> {
    let mut numbers = [0.0_f64; N];
    let mut words = text.split(' ');
    for number in &mut numbers {
        *number = parse(words.next())?;
        if !number.is_finite() {
            return Err(Problem::damaged("a coordinate is not a number"));
        }
    }
    if words.next().is_some() { Err(Problem::damaged("there are too many numbers")) } else { Ok(numbers) }
}

fn parse<T: FromStr>(word: Option<&str>) -> Result<T, Problem> {
    word.and_then(|word| word.parse().ok()).ok_or(Problem::damaged("a number cannot be read"))
}

fn overview(text: &str) -> Result<Size, Problem> {
    let (width, height) = text.split_once('x').ok_or(Problem::damaged("an overview has no size"))?;
    Ok(Size::new(parse(Some(width))?, parse(Some(height))?))
}

fn hash(text: &str) -> Result<u128, Problem> {
    u128::from_str_radix(text, 16).map_err(|_| Problem::damaged("a hash cannot be read"))
}

fn sample(name: &str) -> Result<SampleType, Problem> {
    use SampleType::{F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
    [U8, I8, U16, I16, U32, I32, U64, I64, F32, F64]
        .into_iter()
        .find(|sample| sample.name() == name)
        .ok_or(Problem::damaged("a type of samples is unknown"))
}
