//! What an index says of all its records, as metadata of its layer: GDAL reads its own names there, and we find ours.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::{error::Problem, fgb::Head};

/// The form of our own index. One of another version is not believed.
const VERSION: &str = "1";
const VERSION_KEY: &str = "PAVAGE_INDEX";
const SUM_KEY: &str = "PAVAGE_SUM";
const NOTE_PREFIX: &str = "PAVAGE_NOTE_";

/// Free texts of the writer, by their names: what was scanned, and how.
pub type Notes = BTreeMap<String, String>;

/// What an index of our own says before its first record.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Number of records.
    pub count: u64,
    /// The CRS in which the polygons are drawn. Each record has its own.
    pub crs: Option<String>,
    /// As they were written.
    pub notes: Notes,
    /// Of the features, in any order.
    pub(super) sum: u64,
}

impl Header {
    /// The header of our own index.
    pub(super) fn of(head: &Head) -> Result<Self, Problem> {
        let text = head.metadata.as_deref().ok_or(Problem::OtherVersion)?;
        let Ok(metadata) = serde_json::from_str::<BTreeMap<String, String>>(text) else {
            return Err(Problem::OtherVersion);
        };
        if metadata.get(VERSION_KEY).map(String::as_str) != Some(VERSION) {
            return Err(Problem::OtherVersion);
        }
        let sum = metadata.get(SUM_KEY).and_then(|sum| u64::from_str_radix(sum, 16).ok());
        let notes = metadata
            .into_iter()
            .filter_map(|(name, note)| Some((name.strip_prefix(NOTE_PREFIX)?.to_owned(), note)))
            .collect();
        Ok(Self {
            count: head.count,
            crs: head.crs.clone(),
            notes,
            sum: sum.ok_or(Problem::damaged("it has no sum"))?,
        })
    }
}

/// The metadata of an index: GDAL's items beside ours.
pub(super) fn metadata(items: &[(&str, String)], notes: &Notes, sum: u64) -> String {
    let ours = [(VERSION_KEY.to_owned(), VERSION.to_owned()), (SUM_KEY.to_owned(), format!("{sum:016x}"))];
    let notes = notes.iter().map(|(name, note)| (format!("{NOTE_PREFIX}{name}"), note.clone()));
    let gdal = items.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let all: Map<_, _> =
        gdal.chain(ours).chain(notes).map(|(name, text)| (name, Json::String(text))).collect();
    Json::Object(all).to_string()
}
