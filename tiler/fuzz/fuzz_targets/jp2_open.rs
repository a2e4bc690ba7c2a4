//! Bytes after the first of a bare JPEG 2000 codestream or of a JP2 file: opened, and windows of every level decoded.
#![no_main]

#[path = "../../tests/support/exercise.rs"]
mod exercise;

use std::path::Path;

use libfuzzer_sys::{Corpus, fuzz_target};
use tiler::source::Signature;

fuzz_target!(|bytes: &[u8]| -> Corpus {
    if Signature::of(Path::new("a.jp2"), bytes) != Signature::Jpeg2000 {
        return Corpus::Reject;
    }
    exercise::exercise(bytes.to_vec());
    Corpus::Keep
});
