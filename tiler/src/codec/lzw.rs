//! LZW, as the standard has it and as the software before it had it.
//!
//! TIFF 6.0 has the most significant bit first and widens its codes one early. Old files have the least significant bit
//! first and widen them on time, as GIF; they are known by their first code, which clears the table.

use weezl::{BitOrder, LzwStatus, decode::Decoder};

use super::CodecError;

pub(super) fn decode(bytes: &[u8], expected: usize) -> Result<Vec<u8>, CodecError> {
    let mut decoder = match bytes {
        // Source: libtiff, `LZWPreDecode` in `tif_lzw.c`.
        [0, second, ..] if second & 1 == 1 => Decoder::new(BitOrder::Lsb, 8),
        _ => Decoder::with_tiff_size_switch(BitOrder::Msb, 8),
    };
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
    if found == expected { Ok(out) } else { Err(CodecError::Length { codec: "LZW", found, expected }) }
}

#[cfg(test)]
mod tests {
    use weezl::encode::Encoder;

    use super::*;

    fn data() -> Vec<u8> {
        (0..5000u32).map(|i| (i / 7 * i) as u8).collect()
    }

    #[test]
    fn a_longer_stream_is_cut_and_a_shorter_one_refused() {
        let stored = Encoder::with_tiff_size_switch(BitOrder::Msb, 8).encode(&data()).expect("it compresses");
        assert_eq!(decode(&stored, 5000).expect("it fits"), data());
        assert_eq!(decode(&stored, 4999).expect("it is cut"), data()[..4999]);
        assert!(decode(&stored, 5001).is_err());
        assert!(decode(&stored[..stored.len() / 2], 5000).is_err());
        assert!(decode(&[], 1).is_err());
    }

    #[test]
    fn the_order_of_old_software_is_known_by_its_first_code() {
        let stored = Encoder::new(BitOrder::Lsb, 8).encode(&data()).expect("it compresses");
        assert_eq!(stored[..2], [0, data()[0] << 1 | 1]);
        assert_eq!(decode(&stored, 5000).expect("it fits"), data());
    }
}
