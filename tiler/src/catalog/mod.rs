//! Which files a layer has and where they lie: light records of dalles, an index over them, and the few that are open.
//!
//! A [`Mosaic`] is immutable and knows no pixel; an [`Opener`] turns a record into an open [`Source`](crate::source::Source)
//! when a tile needs it.

mod cap;
mod dalle;
#[cfg(test)]
pub(crate) mod fixture;
mod imagery;
pub mod index;
mod lattice;
mod mosaic;
mod open;
mod regions;
pub mod seamlines;
mod zone;

pub use cap::{Cap, CapLayout, PATCH_PX, PatchAddress, Tier};
pub use dalle::{Dalle, Footprint, Kind, Kinds, Stamp};
pub use imagery::Imagery;
pub use lattice::Lattice;
pub use mosaic::{Mosaic, Order};
pub use open::{OpenDirectly, OpenFiles, Opener};
pub use regions::Regions;
pub use zone::Zone;
