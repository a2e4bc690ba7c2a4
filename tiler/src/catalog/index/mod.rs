//! Tile indexes: lists of raster files with their places, in formats that other tools open too.
//!
//! Our own is `FlatGeobuf` with the fields of GDAL's tile index: [`write`] and [`read`]. They know no layer, no order of
//! files and no pixel, and never go beyond the file system.

mod columns;
mod error;
mod fgb;
mod file;
mod header;
mod layer;
mod read;
mod record;
mod wkb;
mod write;

pub use error::{IndexError, MAX_RECORDS, Problem};
pub use header::{Header, Notes};
pub use read::{read, read_header};
pub use record::{Record, Value};
pub use write::write;
