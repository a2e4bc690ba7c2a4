//! Pavage.
fn main() {}
