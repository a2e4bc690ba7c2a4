//! Reads GeoTIFF and JPEG 2000 imagery and renders map tiles from it.
//!
//! No HTTP, no async and no configuration file: a plan is made from an address, then carried out.

pub mod cap;
pub mod catalog;
pub mod codec;
pub mod cog;
pub mod composite;
pub mod convert;
pub mod crs;
pub mod encode;
pub mod geom;
pub mod io;
pub mod jp2;
pub mod raster;
pub mod render;
pub mod resample;
pub mod seed;
pub mod sidecar;
pub mod source;
pub mod style;
pub mod tiff;
pub mod tms;
pub mod warp;
