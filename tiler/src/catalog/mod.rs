//! Which raster files there are and where they lie, many at once. It knows no pixel, no tile and no layer.

pub mod index;
pub mod seamlines;
