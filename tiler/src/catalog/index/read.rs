//! Reads an index of our own.

use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use super::{
    columns,
    error::{IndexError, Problem},
    fgb::Reader,
    header::Header,
    record::Record,
};

/// What an index of our own says of all its records.
///
/// # Errors
/// When it cannot be read, or is not one of this version.
pub fn read_header(path: &Path) -> Result<Header, IndexError> {
    open(path).map(|(_, header)| header).map_err(|problem| IndexError { path: path.to_owned(), problem })
}

/// Gives each record of an index of our own, in the order of the file, which is one of place.
///
/// Records are to be believed only after the end: that the file is whole is known by then.
///
/// # Errors
/// When it cannot be read, is not one of this version, or was changed.
pub fn read(path: &Path, each: &mut dyn FnMut(Record)) -> Result<Header, IndexError> {
    records(path, each).map_err(|problem| IndexError { path: path.to_owned(), problem })
}

fn open(path: &Path) -> Result<(Reader, Header), Problem> {
    let reader = Reader::open(path)?;
    let header = Header::of(&reader.head)?;
    if columns::are_ours(&reader.head.columns) { Ok((reader, header)) } else { Err(Problem::OtherVersion) }
}

fn records(path: &Path, each: &mut dyn FnMut(Record)) -> Result<Header, Problem> {
    let (mut reader, header) = open(path)?;
    let mut sum = 0_u64;
    while let Some(feature) = reader.next()? {
        sum = sum.wrapping_add(xxh3_64(feature.bytes));
        let mut record = Record::default();
        let mut has_bounds = false;
        feature.fields(|at, field| {
            has_bounds |= at == columns::BOUNDS;
            columns::decode(&mut record, &feature.head.columns, at, field)
        })?;
        if record.location.as_os_str().is_empty() {
            return Err(Problem::damaged("a record has no location"));
        }
        if !has_bounds {
            record.bounds = columns::derived_bounds(&record);
        }
        each(record);
    }
    if sum != header.sum || reader.count() != header.count {
        return Err(Problem::damaged("its sum is another one"));
    }
    Ok(header)
}
