//! An address: a path and, after a `?`, a query.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    server::take_apart(&String::from_utf8_lossy(bytes));
});
