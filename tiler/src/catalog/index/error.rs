//! Why an index cannot be read or written, and the limits that a file from outside must keep.

use std::{io, path::PathBuf};

use thiserror::Error;

use super::confinement::Refusal;

/// Records of one index.
pub const MAX_RECORDS: u64 = 2_000_000;
/// Fields of one index.
pub(super) const MAX_COLUMNS: usize = 256;
/// Bytes of one text: a location, an attribute.
pub(super) const MAX_TEXT: usize = 64 << 10;
/// Bytes of what stands before the first record.
pub(super) const MAX_HEADER: usize = 1 << 20;
/// Bytes of one record with its polygon.
pub(super) const MAX_FEATURE: usize = 16 << 20;

/// An index that cannot be read or written.
#[derive(Debug, Error)]
#[error("{}", path.display())]
pub struct IndexError {
    /// The file of the index.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: Problem,
}

/// What is wrong with an index.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Problem {
    /// The system says no.
    #[error("it cannot be read or written")]
    Io(#[from] io::Error),
    /// A folder, a FIFO, a device.
    #[error("it is not a regular file")]
    NotAFile,
    /// More than anyone needs.
    #[error("{what} beyond the limit of {limit}")]
    TooMuch {
        /// What there is too much of, with its unit.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
    },
    /// The bytes contradict the format.
    #[error("it is damaged: {what}")]
    Damaged {
        /// What was found.
        what: &'static str,
    },
    /// Nothing here knows the format.
    #[error(
        "it is no tile index that Pavage knows: FlatGeobuf, GeoPackage, GeoParquet, GTI, VRT, MosaicJSON, STAC or GeoJSON"
    )]
    Unknown,
    /// The index does something that cannot be followed.
    #[error("{what} cannot be followed; {remedy}")]
    Unsupported {
        /// What it does.
        what: String,
        /// What to do instead.
        remedy: &'static str,
    },
    /// No field says where the files are.
    #[error("it has no field \"{field}\" that says where the files are")]
    NoLocation {
        /// The field that was looked for.
        field: String,
    },
    /// The index that it points to may not be read.
    #[error("the index that it names is not read")]
    Refused(#[from] Refusal),
    /// Not XML, or XML with a DTD.
    #[error("its XML cannot be read: {reason}")]
    Xml {
        /// What the parser says.
        reason: String,
    },
    /// Not JSON, or not of the expected form.
    #[error("its JSON cannot be read")]
    Json(#[from] serde_json::Error),
    /// Not a database, or a damaged one.
    #[error("its database cannot be read")]
    Database(#[from] rusqlite::Error),
    /// Not Parquet, or damaged.
    #[error("its Parquet cannot be read: {reason}")]
    Parquet {
        /// What the library says.
        reason: String,
    },
    /// An index that Pavage wrote in another form, or that is not Pavage's at all.
    #[error("it is not an index of this version of Pavage: it will be made anew")]
    OtherVersion,
}

impl Problem {
    pub(super) const fn damaged(what: &'static str) -> Self {
        Self::Damaged { what }
    }
}
