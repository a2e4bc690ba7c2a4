//! Zstandard frames.

use std::cell::RefCell;

use zstd::bulk::Decompressor;

use super::CodecError;

thread_local! {
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

pub(super) fn decode(bytes: &[u8], expected: usize) -> Result<Vec<u8>, CodecError> {
    let damaged = |error: std::io::Error| CodecError::Damaged { codec: "ZSTD", reason: error.to_string() };
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = match kept {
            Some(decompressor) => decompressor,
            None => kept.insert(Decompressor::new().map_err(damaged)?),
        };
        let mut out = Vec::with_capacity(expected);
        let found = decompressor.decompress_to_buffer(bytes, &mut out).map_err(damaged)?;
        if found == expected { Ok(out) } else { Err(CodecError::Length { codec: "ZSTD", found, expected }) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_one_byte_more_or_less_is_refused() {
        let data = vec![7; 1000];
        let stored = zstd::bulk::compress(&data, 3).expect("it compresses");
        assert_eq!(decode(&stored, 1000).expect("it fits"), data);
        assert!(decode(&stored, 999).is_err());
        assert!(decode(&stored, 1001).is_err());
    }
}
