//! Apple's `PackBits`: runs and literals.

use super::CodecError;

/// Source: TIFF 6.0, section 9.
pub(super) fn decode(bytes: &[u8], expected: usize) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::with_capacity(expected);
    let mut rest = bytes;
    while let [head, tail @ ..] = rest
        && out.len() < expected
    {
        rest = match head.cast_signed() {
            -128 => tail,
            count @ 0.. => {
                let Some((literal, tail)) = tail.split_at_checked(count as usize + 1) else { break };
                out.extend_from_slice(literal);
                tail
            }
            count => {
                let [value, tail @ ..] = tail else { break };
                out.resize(out.len() + usize::from(count.unsigned_abs()) + 1, *value);
                tail
            }
        };
    }
    if out.len() < expected {
        return Err(CodecError::Length { codec: "PACKBITS", found: out.len(), expected });
    }
    out.truncate(expected);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_unpacks() {
        let packed =
            [0xfe, 0xaa, 0x02, 0x80, 0x00, 0x2a, 0xfd, 0xaa, 0x03, 0x80, 0x00, 0x2a, 0x22, 0xf7, 0xaa];
        let mut data =
            vec![0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0xaa, 0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0x22];
        data.extend([0xaa; 10]);
        assert_eq!(decode(&packed, 24).expect("it fits"), data);
        assert_eq!(decode(&packed, 23).expect("it is cut"), data[..23]);
        assert!(decode(&packed, 25).is_err());
        assert!(decode(&[5, 1], 6).is_err());
    }
}
