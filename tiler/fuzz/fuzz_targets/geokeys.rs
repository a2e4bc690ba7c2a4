//! GeoKeys and the numbers they point to: a CRS or an error.
#![no_main]

#[path = "../../tests/support/geo.rs"]
mod geo;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| geo::exercise_geo(bytes));
