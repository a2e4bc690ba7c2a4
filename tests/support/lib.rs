//! What the end-to-end tests share: imagery made on the spot, a server on a port of its own, a plain HTTP client.

mod client;
mod imagery;
mod running;

pub use client::Answer;
pub use imagery::{CORNER, Painted, write_cog};
pub use running::Running;
