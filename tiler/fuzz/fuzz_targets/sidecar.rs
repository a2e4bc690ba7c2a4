//! A text as every kind of file beside a raster, and as the tag `GDAL_METADATA`.
#![no_main]

#[path = "../../tests/support/beside.rs"]
mod beside;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| beside::exercise_beside(bytes));
