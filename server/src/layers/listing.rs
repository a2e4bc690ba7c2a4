//! From a path of the operator to the files of a layer: the path itself, the rasters of a folder, or what a tile index of
//! somebody else's names. Rasters are not opened.

use std::path::{Path, PathBuf};

use tiler::catalog::index::{self, Confinement, Order, Record, Value};

use super::scan::{Found, Skipped, scan};
use crate::{config::LayerConfig, log};

/// Endings of tile indexes: GTI and `gdaltindex`, VRT, `MosaicJSON`, STAC, `GeoParquet`.
const INDEXES: [&str; 8] = ["fgb", "gpkg", "gti", "vrt", "json", "geojson", "gz", "parquet"];

/// A file of a layer.
pub(super) struct Listed {
    pub path: PathBuf,
    /// Where an index tells it.
    pub year: Option<u16>,
}

/// What is at a path.
#[derive(Default)]
pub(super) struct Listing {
    pub files: Vec<Listed>,
    /// What is not served, with the reason.
    pub skipped: Vec<Skipped>,
    /// Whether the path is a raster that the operator named himself.
    pub is_named: bool,
    /// Whether the order of the files says which of them lies on top.
    pub is_ordered: bool,
}

/// Whether a path is that of a tile index, by its name.
pub(super) fn is_index(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    INDEXES.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// Looks at a path of a layer.
///
/// # Errors
/// Why nothing of it can be served, in one line.
pub(super) fn list(path: &Path, layer: &LayerConfig) -> Result<Listing, String> {
    if is_index(path) && !path.is_dir() {
        return of_index(path, layer);
    }
    let plain = |path| Listed { path, year: None };
    match scan(path).map_err(|error| log::chain(&error))? {
        Found::File(path) => Ok(Listing { files: vec![plain(path)], is_named: true, ..Listing::default() }),
        Found::Folder(found) => {
            let files = found.files.into_iter().map(plain).collect();
            Ok(Listing { files, skipped: found.skipped, ..Listing::default() })
        }
    }
}

fn of_index(path: &Path, layer: &LayerConfig) -> Result<Listing, String> {
    let folders = &layer.options.folders;
    let confinement = if folders.is_empty() {
        Confinement::to_own_folder()
    } else {
        Confinement::below(folders)
            .map_err(|error| format!("a folder of `folders` cannot be read: {error}"))?
    };
    let index = index::open(path, &confinement).map_err(|error| log::chain(&error))?;
    let mut listing = Listing { is_ordered: index.order.is_some(), ..Listing::default() };
    let mut records = index.records;
    if let Some(order) = &index.order {
        sort(&mut records, order);
    }
    for record in records {
        match record.fault {
            Some(reason) => listing.skipped.push(Skipped { path: record.location, reason }),
            None => listing.files.push(Listed {
                path: record.location,
                year: record.year.and_then(|year| u16::try_from(year).ok()),
            }),
        }
    }
    Ok(listing)
}

/// The one on top first.
fn sort(records: &mut [Record], order: &Order) {
    let number = |record: &Record, field: &str| {
        let value = record.attributes.iter().find(|(name, _)| name == field).map(|(_, value)| value.clone());
        value.unwrap_or(Value::Text(String::new()))
    };
    let compare = |a: &Record, b: &Record, field: &str| match (number(a, field), number(b, field)) {
        (Value::Number(a), Value::Number(b)) => a.total_cmp(&b),
        (Value::Text(a), Value::Text(b)) => a.cmp(&b),
        (Value::Number(_), Value::Text(_)) => std::cmp::Ordering::Greater,
        (Value::Text(_), Value::Number(_)) => std::cmp::Ordering::Less,
    };
    match order {
        Order::First => {}
        Order::Last => records.reverse(),
        Order::Greatest(field) => records.sort_by(|a, b| compare(b, a, field)),
        Order::Least(field) => records.sort_by(|a, b| compare(a, b, field)),
    }
}
