//! zlib streams, by libdeflate; streams that hold more than their block, by flate2.

use std::{cell::RefCell, io::Read};

use flate2::read::ZlibDecoder;
use libdeflater::Decompressor;

use super::CodecError;

thread_local! {
    static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
}

pub(super) fn decode(bytes: &[u8], expected: usize) -> Result<Vec<u8>, CodecError> {
    let mut out = vec![0; expected];
    let whole = DECOMPRESSOR.with_borrow_mut(|decompressor| decompressor.zlib_decompress(bytes, &mut out));
    match whole {
        Ok(found) if found == expected => Ok(out),
        Ok(found) => Err(CodecError::Length { codec: "DEFLATE", found, expected }),
        Err(_) => cut(bytes, out),
    }
}

/// libdeflate takes a stream as a whole. zlib, and so libtiff, stops when the block is full: before what is too much, and
/// before a checksum that is wrong.
fn cut(bytes: &[u8], mut out: Vec<u8>) -> Result<Vec<u8>, CodecError> {
    match ZlibDecoder::new(bytes).read_exact(&mut out) {
        Ok(()) => Ok(out),
        Err(error) => Err(CodecError::Damaged { codec: "DEFLATE", reason: error.to_string() }),
    }
}

/// A stream of unknown length, at most so long.
pub(super) fn decode_up_to(bytes: &[u8], most: usize) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::new();
    let found = ZlibDecoder::new(bytes)
        .take(most as u64 + 1)
        .read_to_end(&mut out)
        .map_err(|error| CodecError::Damaged { codec: "DEFLATE", reason: error.to_string() })?;
    if found <= most { Ok(out) } else { Err(CodecError::Length { codec: "DEFLATE", found, expected: most }) }
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

    fn data() -> Vec<u8> {
        (0..1000u32).map(|i| (i * i) as u8).collect()
    }

    #[test]
    fn a_longer_stream_is_cut_and_a_shorter_one_refused() {
        let stored = compressed(&data());
        assert_eq!(decode(&stored, 1000).expect("it fits"), data());
        assert_eq!(decode(&stored, 999).expect("it is cut"), data()[..999]);
        assert!(decode(&stored, 1001).is_err());
        assert!(decode(&stored[..stored.len() / 2], 1000).is_err());
        assert!(decode(&[], 1).is_err());
    }

    #[test]
    fn bytes_after_the_stream_are_nobodys_concern() {
        let stored = [compressed(&data()), vec![7; 20]].concat();
        assert_eq!(decode(&stored, 1000).expect("it fits"), data());
    }

    #[test]
    fn a_stream_of_unknown_length_has_a_limit() {
        assert_eq!(decode_up_to(&compressed(&data()), 1000).expect("it fits"), data());
        assert!(decode_up_to(&compressed(&data()), 999).is_err());
    }
}
