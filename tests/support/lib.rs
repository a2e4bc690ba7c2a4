//! What the end-to-end tests share: imagery made on the spot, a server on a port of its own, a plain HTTP client, golden
//! pictures.

mod client;
mod geotiff;
pub mod golden;
mod imagery;
mod running;

pub use client::Answer;
pub use geotiff::{GeoTiff, Photometric, Samples};
pub use imagery::{CORNER, Painted, write_cog};
pub use running::{Running, opened};
