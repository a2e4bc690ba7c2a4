//! LZW as TIFF 6.0 has it: most significant bit first, codes widen one early.

use weezl::{BitOrder, LzwStatus, decode::Decoder};

use super::CodecError;

pub(super) fn decode(bytes: &[u8], expected: usize) -> Result<Vec<u8>, CodecError> {
    let mut decoder = Decoder::with_tiff_size_switch(BitOrder::Msb, 8);
    let mut out = vec![0; expected];
    let (mut consumed, mut found) = (0, 0);
    while found < expected {
        let step = decoder.decode_bytes(&bytes[consumed..], &mut out[found..]);
        consumed += step.consumed_in;
        found += step.consumed_out;
        match step.status {
            Ok(LzwStatus::Ok) => {}
            Ok(LzwStatus::Done | LzwStatus::NoProgress) => break,
            Err(error) => return Err(CodecError::Damaged { codec: "LZW", reason: error.to_string() }),
        }
    }
    // Encoders may leave out the end marker, but not add pixels.
    let more = decoder.decode_bytes(&bytes[consumed..], &mut [0]).consumed_out;
    if found == expected && more == 0 {
        Ok(out)
    } else {
        Err(CodecError::Length { codec: "LZW", found: found + more, expected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_of_one_byte_more_or_less_is_refused() {
        let data: Vec<u8> = (0..5000u32).map(|i| (i / 7 * i) as u8).collect();
        let stored = weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8)
            .encode(&data)
            .expect("it compresses");
        assert_eq!(decode(&stored, 5000).expect("it fits"), data);
        assert!(decode(&stored, 4999).is_err());
        assert!(decode(&stored, 5001).is_err());
        assert!(decode(&stored[..stored.len() / 2], 5000).is_err());
    }
}
