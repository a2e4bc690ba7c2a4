//! xz streams, as libtiff writes them: LZMA2, mostly after a filter that takes differences.

use std::io::Read;

use lzma_rust2::XzReader;

use super::CodecError;

/// The most memory that a dictionary may ask for, in KiB: libtiff's strongest preset has one of 64 MiB.
const MEMORY_KIB: u32 = 80 * 1024;

pub(super) fn decode(bytes: &[u8], expected: usize) -> Result<Vec<u8>, CodecError> {
    let mut out = vec![0; expected];
    match XzReader::new_mem_limit(bytes, true, MEMORY_KIB).read_exact(&mut out) {
        Ok(()) => Ok(out),
        Err(error) => Err(CodecError::Damaged { codec: "LZMA", reason: error.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `python3 -c "import lzma; print(list(lzma.compress(bytes(i // 3 for i in range(60)), filters=[
    /// {'id': lzma.FILTER_DELTA, 'dist': 1}, {'id': lzma.FILTER_LZMA2, 'preset': 6}])))"`
    const STORED: &[u8] = &[
        253, 55, 122, 88, 90, 0, 0, 4, 230, 214, 180, 70, 2, 1, 3, 1, 0, 33, 1, 22, 121, 32, 196, 238, 224,
        0, 59, 0, 9, 93, 0, 0, 103, 254, 204, 150, 109, 159, 128, 0, 0, 0, 0, 0, 251, 153, 139, 137, 99, 149,
        154, 149, 0, 1, 37, 60, 75, 25, 26, 231, 31, 182, 243, 125, 1, 0, 0, 0, 0, 4, 89, 90,
    ];

    fn data() -> Vec<u8> {
        (0..60).map(|i| i / 3).collect()
    }

    #[test]
    fn differences_and_lzma2_are_undone() {
        assert_eq!(decode(STORED, 60).expect("it fits"), data());
        assert_eq!(decode(STORED, 59).expect("it is cut"), data()[..59]);
        assert!(decode(STORED, 61).is_err());
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        for at in 0..STORED.len() {
            assert!(decode(&STORED[..at], 61).is_err());
            let mut damaged = STORED.to_vec();
            damaged[at] ^= 0x55;
            let _ = decode(&damaged, 60);
        }
    }
}
