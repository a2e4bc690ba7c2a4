//! Ten bytes of layout, then a stored block, in every compression.
#![no_main]

#[path = "../../tests/support/block.rs"]
mod block;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| block::exercise_block(bytes));
