//! Zstandard: one frame or several, with or without their size.

use std::{cell::RefCell, io::Read};

use zstd::{
    bulk::Decompressor,
    stream::raw::{Decoder, InBuffer, Operation, OutBuffer},
    zstd_safe::DParameter,
};

use super::CodecError;

/// The largest window of a stream that is decoded in parts, 2^23 bytes: what the format asks of every decoder.
/// Source: RFC 8878, section 3.1.1.1.2.
const WINDOW_LOG: u32 = 23;

thread_local! {
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

pub(super) fn decode(bytes: &[u8], expected: usize) -> Result<Vec<u8>, CodecError> {
    let whole = DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = match kept {
            Some(decompressor) => decompressor,
            None => kept.insert(Decompressor::new()?),
        };
        let mut out = Vec::with_capacity(expected);
        decompressor.decompress_to_buffer(bytes, &mut out).map(|_| out)
    });
    match whole {
        Ok(out) if out.len() == expected => Ok(out),
        Ok(out) => Err(CodecError::Length { codec: "ZSTD", found: out.len(), expected }),
        Err(_) => cut(bytes, expected),
    }
}

/// A stream that holds more than its block, or has something else after it: what there is until the block is full.
fn cut(bytes: &[u8], expected: usize) -> Result<Vec<u8>, CodecError> {
    let damaged = |error: std::io::Error| CodecError::Damaged { codec: "ZSTD", reason: error.to_string() };
    let mut decoder = Decoder::new().map_err(damaged)?;
    decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG)).map_err(damaged)?;
    let mut out = vec![0; expected];
    let mut input = InBuffer::around(bytes);
    let mut output = OutBuffer::around(out.as_mut_slice());
    while output.pos() < expected {
        let before = (input.pos(), output.pos());
        decoder.run(&mut input, &mut output).map_err(damaged)?;
        if (input.pos(), output.pos()) == before {
            return Err(CodecError::Length { codec: "ZSTD", found: output.pos(), expected });
        }
    }
    Ok(out)
}

/// A stream of unknown length, at most so long.
pub(super) fn decode_up_to(bytes: &[u8], most: usize) -> Result<Vec<u8>, CodecError> {
    let damaged = |error: std::io::Error| CodecError::Damaged { codec: "ZSTD", reason: error.to_string() };
    let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes).map_err(damaged)?;
    decoder.window_log_max(WINDOW_LOG).map_err(damaged)?;
    let mut out = Vec::new();
    let found = decoder.take(most as u64 + 1).read_to_end(&mut out).map_err(damaged)?;
    if found <= most { Ok(out) } else { Err(CodecError::Length { codec: "ZSTD", found, expected: most }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> Vec<u8> {
        (0..1000u32).map(|i| (i * i / 9) as u8).collect()
    }

    #[test]
    fn a_longer_stream_is_cut_and_a_shorter_one_refused() {
        let stored = zstd::bulk::compress(&data(), 3).expect("it compresses");
        assert_eq!(decode(&stored, 1000).expect("it fits"), data());
        assert_eq!(decode(&stored, 999).expect("it is cut"), data()[..999]);
        assert!(decode(&stored, 1001).is_err());
        assert!(decode(&stored[..stored.len() / 2], 1000).is_err());
        assert!(decode(&[], 1).is_err());
    }

    #[test]
    fn frames_without_a_size_and_several_of_them_are_read() {
        let frames: Vec<u8> = data()
            .chunks(400)
            .flat_map(|part| zstd::stream::encode_all(part, 3).expect("it compresses"))
            .collect();
        assert_eq!(decode(&frames, 1000).expect("it fits"), data());
        let stored = [frames, vec![7; 20]].concat();
        assert_eq!(decode(&stored, 1000).expect("it fits"), data());
    }

    #[test]
    fn a_stream_of_unknown_length_has_a_limit() {
        let stored = zstd::bulk::compress(&data(), 3).expect("it compresses");
        assert_eq!(decode_up_to(&stored, 1000).expect("it fits"), data());
        assert!(decode_up_to(&stored, 999).is_err());
    }
}
