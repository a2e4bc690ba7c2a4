//! `FlatGeobuf` as it lies in a file: a header, a tree that is skipped, and features, each within its limits.
//!
//! The crate's own reader trusts the lengths it finds; here only its verified tables are used. It knows no record.
//! Format: <https://flatgeobuf.org/>.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

use flatbuffers::VerifierOptions;
use flatgeobuf::{ColumnType, Feature, GeometryType};
use geo_types::{Coord, LineString, MultiPolygon, Polygon};

use super::{
    error::{MAX_COLUMNS, MAX_FEATURE, MAX_HEADER, MAX_RECORDS, MAX_TEXT, Problem},
    file,
};

/// The first bytes of a file of version 3; the last of them is a patch level.
pub(in crate::catalog) const MAGIC: [u8; 8] = *b"fgb\x03fgb\0";
/// Bytes of a node of the tree.
const NODE_BYTES: u64 = 40;
/// What several tables may claim of the same bytes.
const APPARENT: usize = 4 * MAX_FEATURE;
const BUFFER_BYTES: usize = 256 << 10;

/// A column of the table of attributes.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::catalog) struct Column {
    pub name: String,
    pub title: Option<String>,
    pub kind: ColumnType,
}

/// What the header says.
#[derive(Debug)]
pub(in crate::catalog) struct Head {
    pub columns: Vec<Column>,
    /// Number of features; 0 where it was not known.
    pub count: u64,
    pub crs: Option<String>,
    /// A JSON object by custom.
    pub metadata: Option<String>,
    geometry: GeometryType,
}

/// One value of a feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::catalog) enum Field<'a> {
    Bool(bool),
    Integer(i64),
    Unsigned(u64),
    Number(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

/// One feature.
pub(in crate::catalog) struct Row<'a> {
    pub head: &'a Head,
    /// As it lies in the file, with its length.
    pub bytes: &'a [u8],
    feature: Feature<'a>,
}

/// Features of a file, one after the other.
pub(in crate::catalog) struct Reader {
    pub head: Head,
    input: BufReader<File>,
    /// Bytes of the file that were not read yet.
    left: u64,
    read: u64,
    feature: Vec<u8>,
}

impl Reader {
    pub fn open(path: &Path) -> Result<Self, Problem> {
        let (file, mut left) = file::regular(path)?;
        let mut input = BufReader::with_capacity(BUFFER_BYTES, file);
        let mut magic = [0; 8];
        take(&mut input, &mut left, &mut magic)?;
        if magic[..7] != MAGIC[..7] {
            return Err(Problem::damaged("it does not begin as a FlatGeobuf file of version 3"));
        }
        let mut bytes = Vec::new();
        sized(&mut input, &mut left, &mut bytes, MAX_HEADER)?;
        let (head, node_size) = head(&bytes)?;
        let tree = tree_bytes(head.count, node_size)?;
        left = left.checked_sub(tree).ok_or(Problem::damaged("its tree ends after the file"))?;
        input.seek_relative(tree as i64)?;
        Ok(Self { head, input, left, read: 0, feature: Vec::new() })
    }

    /// The next feature, `None` after the last one.
    pub fn next(&mut self) -> Result<Option<Row<'_>>, Problem> {
        if self.left == 0 {
            let complete = self.head.count == 0 || self.head.count == self.read;
            return if complete { Ok(None) } else { Err(Problem::damaged("features are missing")) };
        }
        if self.read == MAX_RECORDS {
            return Err(Problem::TooMuch { what: "records", limit: MAX_RECORDS });
        }
        self.read += 1;
        sized(&mut self.input, &mut self.left, &mut self.feature, MAX_FEATURE)?;
        let options = VerifierOptions { max_apparent_size: APPARENT, ..VerifierOptions::default() };
        let feature = flatgeobuf::size_prefixed_root_as_feature_with_opts(&options, &self.feature)
            .map_err(|_| Problem::damaged("a feature is not one"))?;
        Ok(Some(Row { head: &self.head, bytes: &self.feature, feature }))
    }

    /// How many features were read.
    pub fn count(&self) -> u64 {
        self.read
    }
}

impl<'a> Row<'a> {
    /// Calls for each value that is not null, with the number of its column.
    pub fn fields(
        &self,
        mut each: impl FnMut(usize, Field<'a>) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let mut rest = self.feature.properties().map_or(&[][..], |bytes| bytes.bytes());
        while !rest.is_empty() {
            let column = usize::from(u16::from_le_bytes(array(&mut rest)?));
            let column_of =
                self.head.columns.get(column).ok_or(Problem::damaged("a value is of no column"))?;
            each(column, field(column_of.kind, &mut rest)?)?;
        }
        Ok(())
    }

    /// Its polygons; `None` where it has none.
    pub fn polygons(&self) -> Result<Option<MultiPolygon>, Problem> {
        let Some(geometry) = self.feature.geometry() else { return Ok(None) };
        let declared = self.head.geometry;
        let kind = if declared == GeometryType::Unknown { geometry.type_() } else { declared };
        let polygons: Vec<_> = match kind {
            GeometryType::Polygon => polygon(&geometry)?.into_iter().collect(),
            GeometryType::MultiPolygon => {
                let parts = geometry.parts();
                let parts = parts.iter().flatten().map(|part| polygon(&part));
                parts.filter_map(Result::transpose).collect::<Result<_, _>>()?
            }
            _ => Vec::new(),
        };
        Ok((!polygons.is_empty()).then_some(MultiPolygon(polygons)))
    }
}

fn head(bytes: &[u8]) -> Result<(Head, u16), Problem> {
    let header = flatgeobuf::size_prefixed_root_as_header(bytes)
        .map_err(|_| Problem::damaged("its header is not one"))?;
    let columns = header.columns();
    if columns.is_some_and(|columns| columns.len() > MAX_COLUMNS) {
        return Err(Problem::TooMuch { what: "columns", limit: MAX_COLUMNS as u64 });
    }
    let columns = columns.iter().flatten().map(|column| Column {
        name: column.name().to_owned(),
        title: column.title().map(str::to_owned),
        kind: column.type_(),
    });
    let crs = header.crs().and_then(|crs| {
        let org = crs.org().filter(|org| !org.is_empty()).unwrap_or("EPSG");
        let code = Some(crs.code()).filter(|code| *code != 0).map(|code| code.to_string());
        let code = code.or_else(|| crs.code_string().map(str::to_owned));
        code.map(|code| format!("{org}:{code}")).or_else(|| crs.wkt().map(str::to_owned))
    });
    let count = header.features_count();
    if count > MAX_RECORDS {
        return Err(Problem::TooMuch { what: "records", limit: MAX_RECORDS });
    }
    let head = Head {
        columns: columns.collect(),
        count,
        crs: crs.filter(|crs| !crs.is_empty()),
        metadata: header.metadata().map(str::to_owned),
        geometry: header.geometry_type(),
    };
    Ok((head, header.index_node_size()))
}

/// Bytes of the tree, which is there where the count is known and nodes have a size.
fn tree_bytes(count: u64, node_size: u16) -> Result<u64, Problem> {
    if count == 0 || node_size == 0 {
        return Ok(0);
    }
    if node_size == 1 {
        return Err(Problem::damaged("nodes of its tree have one child"));
    }
    let (mut level, mut nodes) = (count, count);
    loop {
        level = level.div_ceil(u64::from(node_size));
        nodes += level;
        if level == 1 {
            return Ok(nodes * NODE_BYTES);
        }
    }
}

/// Reads a table with its length before it, which stays part of it.
fn sized(input: &mut impl Read, left: &mut u64, bytes: &mut Vec<u8>, limit: usize) -> Result<(), Problem> {
    let mut length = [0; 4];
    take(input, left, &mut length)?;
    let size = u32::from_le_bytes(length) as usize;
    if size > limit {
        return Err(Problem::TooMuch { what: "bytes of a header or feature", limit: limit as u64 });
    }
    // A table without room for its root would not be verified but read past its end.
    if size < 8 || size as u64 > *left {
        return Err(Problem::damaged("a header or feature ends after the file"));
    }
    bytes.clear();
    bytes.extend_from_slice(&length);
    bytes.resize(4 + size, 0);
    take(input, left, &mut bytes[4..])
}

fn take(input: &mut impl Read, left: &mut u64, bytes: &mut [u8]) -> Result<(), Problem> {
    *left = left.checked_sub(bytes.len() as u64).ok_or(Problem::damaged("it ends too early"))?;
    Ok(input.read_exact(bytes)?)
}

fn array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Problem> {
    let (bytes, after) =
        rest.split_first_chunk().ok_or(Problem::damaged("a value ends after its feature"))?;
    *rest = after;
    Ok(*bytes)
}

fn field<'a>(kind: ColumnType, rest: &mut &'a [u8]) -> Result<Field<'a>, Problem> {
    Ok(match kind {
        ColumnType::Bool => Field::Bool(array::<1>(rest)? != [0]),
        ColumnType::Byte => Field::Integer(i8::from_le_bytes(array(rest)?).into()),
        ColumnType::UByte => Field::Integer(u8::from_le_bytes(array(rest)?).into()),
        ColumnType::Short => Field::Integer(i16::from_le_bytes(array(rest)?).into()),
        ColumnType::UShort => Field::Integer(u16::from_le_bytes(array(rest)?).into()),
        ColumnType::Int => Field::Integer(i32::from_le_bytes(array(rest)?).into()),
        ColumnType::UInt => Field::Integer(u32::from_le_bytes(array(rest)?).into()),
        ColumnType::Long => Field::Integer(i64::from_le_bytes(array(rest)?)),
        ColumnType::ULong => Field::Unsigned(u64::from_le_bytes(array(rest)?)),
        ColumnType::Float => Field::Number(f32::from_le_bytes(array(rest)?).into()),
        ColumnType::Double => Field::Number(f64::from_le_bytes(array(rest)?)),
        ColumnType::String | ColumnType::DateTime | ColumnType::Json => {
            let bytes = counted(rest, MAX_TEXT)?;
            Field::Text(str::from_utf8(bytes).map_err(|_| Problem::damaged("a text is not UTF-8"))?)
        }
        ColumnType::Binary => Field::Bytes(counted(rest, MAX_FEATURE)?),
        _ => return Err(Problem::damaged("a column is of no type")),
    })
}

fn counted<'a>(rest: &mut &'a [u8], limit: usize) -> Result<&'a [u8], Problem> {
    let length = u32::from_le_bytes(array(rest)?) as usize;
    if length > limit {
        return Err(Problem::TooMuch { what: "bytes of a value", limit: limit as u64 });
    }
    let (bytes, after) =
        rest.split_at_checked(length).ok_or(Problem::damaged("a value ends after its feature"))?;
    *rest = after;
    Ok(bytes)
}

fn polygon(geometry: &flatgeobuf::Geometry<'_>) -> Result<Option<Polygon>, Problem> {
    let Some(xy) = geometry.xy() else { return Ok(None) };
    let points = xy.len() / 2;
    let coordinate = |at: usize| Coord { x: xy.get(2 * at), y: xy.get(2 * at + 1) };
    let ends: Vec<usize> = match geometry.ends() {
        Some(ends) if !ends.is_empty() => ends.iter().map(|end| end as usize).collect(),
        _ => vec![points],
    };
    let mut start = 0;
    let mut rings = Vec::new();
    for end in ends {
        if end < start || end > points {
            return Err(Problem::damaged("the rings of a polygon contradict its points"));
        }
        let ring: Vec<_> = (start..end).map(coordinate).collect();
        if ring.iter().any(|point| !point.x.is_finite() || !point.y.is_finite()) {
            return Err(Problem::damaged("a coordinate is not a number"));
        }
        rings.push(LineString(ring));
        start = end;
    }
    let mut rings = rings.into_iter();
    Ok(rings
        .next()
        .filter(|exterior| !exterior.0.is_empty())
        .map(|exterior| Polygon::new(exterior, rings.collect())))
}
