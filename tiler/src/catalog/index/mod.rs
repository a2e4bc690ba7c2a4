//! Tile indexes: lists of raster files with their places, in formats that other tools open too.
//!
//! Our own is `FlatGeobuf` with the fields of GDAL's tile index: [`write()`] and [`read()`]. Those of others are read by [`open`].
//! They know no layer and no pixel, and never go beyond the file system.

mod columns;
mod confinement;
mod error;
pub(super) mod fgb;
pub(super) mod file;
mod foreign;
pub(super) mod geojson;
pub(super) mod geopackage;
mod geoparquet;
mod gti;
mod header;
mod layer;
mod mosaicjson;
mod read;
mod record;
mod stac;
mod vrt;
mod wkb;
mod write;
mod xml;

pub use confinement::{Confinement, Refusal};
pub use error::{IndexError, MAX_RECORDS, Problem};
pub use foreign::{Index, Order, open};
pub use header::{Header, Notes};
pub use read::{read, read_header};
pub use record::{Record, Value};
pub use write::write;
