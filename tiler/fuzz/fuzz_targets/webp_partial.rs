//! Sixteen bytes of layout and windows, then a WebP stream, decoded window after window.
#![no_main]

#[path = "../../tests/support/partial.rs"]
mod partial;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| partial::exercise_webp(bytes));
