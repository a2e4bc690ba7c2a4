//! GeoTIFF: which directories of a file are the image, its overviews and masks, how their blocks are laid out, and where
//! the image lies. It knows tags and keys, but decodes no pixel.

mod geokeys;
mod georef;
mod layout;
mod levels;
pub mod write;

pub use geokeys::{GeoKeyError, crs, title};
pub use georef::{GeorefError, geotransform};
pub use layout::{Alpha, LayoutError, Plane};
pub use levels::{Role, TiffLevel, beside, levels, masks};
