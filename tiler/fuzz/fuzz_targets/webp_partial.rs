//! Sixteen bytes of layout and windows, then a WebP stream, decoded window after window.
#![no_main]

#[path = "../../tests/support/partial_webp.rs"]
mod partial_webp;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| partial_webp::exercise_partial_webp(bytes));
