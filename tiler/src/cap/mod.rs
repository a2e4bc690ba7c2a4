//! The cap of a mosaic on disk: which patches there are, which of them show the dalles as they are now, and how one is
//! built. [`CapFolder`] is the folder, [`survey()`] looks at it, [`build()`] makes a patch.
//!
//! A patch is an ordinary cloud-optimized GeoTIFF whose name ends with a hash of what it is made of. So a patch is never
//! changed: another one takes its place, and whatever was interrupted is simply not there.

mod build;
mod folder;
mod index;
mod survey;

pub use build::{BuildError, Job, build};
pub use folder::CapFolder;
pub use index::write_indexes;
pub use survey::{Records, Survey, survey};
