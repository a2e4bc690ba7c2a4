//! Plain geometry in pixels and in CRS units. It knows no projection, no file and no tile.

mod bounds;
mod geotransform;
mod window;

pub use bounds::Bounds;
pub use geotransform::GeoTransform;
pub use window::{Size, Window};
