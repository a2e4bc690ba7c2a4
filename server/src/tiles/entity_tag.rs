//! A fingerprint as HTTP's strong entity tag, written without a detour: every answer has one.

use http::HeaderValue;
use tiler::render::Fingerprint;

/// 32 digits and two quotation marks.
const LEN: usize = 34;
const DIGITS: &[u8; 16] = b"0123456789abcdef";
const ASCII: &str = "it is digits, letters and quotation marks";

/// A strong entity tag, with its quotation marks. The fingerprint holds the format asked for, so it validates the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityTag([u8; LEN]);

impl From<Fingerprint> for EntityTag {
    fn from(Fingerprint(number): Fingerprint) -> Self {
        let mut text = [b'"'; LEN];
        for (pair, byte) in text[1..LEN - 1].chunks_exact_mut(2).zip(number.to_be_bytes()) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        Self(text)
    }
}

impl From<EntityTag> for HeaderValue {
    fn from(tag: EntityTag) -> Self {
        Self::from_bytes(&tag.0).expect(ASCII)
    }
}

impl EntityTag {
    /// As it is sent.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As text.
    ///
    /// # Panics
    /// Never: it is digits, letters and quotation marks.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect(ASCII)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_fingerprint_between_quotation_marks() {
        for number in [0, 7, u128::MAX, 0x0123_4567_89ab_cdef_0011_2233_4455_6677] {
            let fingerprint = Fingerprint(number);
            assert_eq!(EntityTag::from(fingerprint).as_str(), format!("\"{fingerprint}\""));
        }
    }
}
