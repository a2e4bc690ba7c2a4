//! zlib streams, by libdeflate.

use std::cell::RefCell;

use libdeflater::Decompressor;

use super::CodecError;

thread_local! {
    static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
}

pub(super) fn decode(bytes: &[u8], expected: usize) -> Result<Vec<u8>, CodecError> {
    let mut out = vec![0; expected];
    let found = DECOMPRESSOR
        .with_borrow_mut(|decompressor| decompressor.zlib_decompress(bytes, &mut out))
        .map_err(|error| CodecError::Damaged { codec: "DEFLATE", reason: error.to_string() })?;
    if found == expected { Ok(out) } else { Err(CodecError::Length { codec: "DEFLATE", found, expected }) }
}

#[cfg(test)]
mod tests {
    use libdeflater::{CompressionLvl, Compressor};

    use super::*;

    fn compressed(data: &[u8]) -> Vec<u8> {
        let mut compressor = Compressor::new(CompressionLvl::default());
        let mut out = vec![0; compressor.zlib_compress_bound(data.len())];
        let len = compressor.zlib_compress(data, &mut out).expect("the buffer is large enough");
        out.truncate(len);
        out
    }

    #[test]
    fn a_stream_of_one_byte_more_or_less_is_refused() {
        let data: Vec<u8> = (0..1000u32).map(|i| (i * i) as u8).collect();
        assert_eq!(decode(&compressed(&data), 1000).expect("it fits"), data);
        assert!(decode(&compressed(&data), 999).is_err());
        assert!(decode(&compressed(&data), 1001).is_err());
    }
}
