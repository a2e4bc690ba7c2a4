//! What the end-to-end tests share: imagery made on the spot, a server on a port of its own, a plain HTTP client, golden
//! pictures.

mod client;
mod geotiff;
pub mod golden;
mod http2;
mod imagery;
mod running;
mod secure;

pub use client::{Answer, KeptAlive};
pub use geotiff::{GeoTiff, Photometric, Samples};
pub use http2::Http2;
pub use imagery::{CORNER, Painted, write_cog};
pub use running::{Running, opened};
pub use secure::Certificate;
