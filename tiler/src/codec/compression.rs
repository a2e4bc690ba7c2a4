//! The compressions by their numbers: which are read, and what is said of the others.

use super::CodecError;

/// How blocks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    None,
    /// Runs of black and white, every row on its own and from a whole byte on (2).
    CcittRle,
    /// Fax of group 3 (3), in one or two dimensions.
    CcittFax3,
    /// Fax of group 4 (4).
    CcittFax4,
    /// LZW, in the order of the standard or in the one of the software before it.
    Lzw,
    /// JPEG (7), with or without shared tables.
    Jpeg,
    /// zlib.
    Deflate,
    /// Runs of bytes.
    PackBits,
    /// Limited error raster compression.
    Lerc,
    /// An xz stream.
    Lzma,
    /// Zstandard.
    Zstd,
    /// WebP, lossy or lossless.
    WebP,
    /// JPEG XL, also as in DNG 1.7.
    JpegXl,
    /// JPEG 2000 codestreams.
    Jpeg2000,
}

impl Compression {
    /// The compression of that number in the tag `Compression`.
    ///
    /// # Errors
    /// With the number's name and the remedy when it is not one that is read here.
    pub const fn from_tag(value: u16) -> Result<Self, CodecError> {
        Ok(match value {
            1 => Self::None,
            2 => Self::CcittRle,
            3 => Self::CcittFax3,
            4 => Self::CcittFax4,
            5 => Self::Lzw,
            7 => Self::Jpeg,
            8 | 32_946 => Self::Deflate,
            32_773 => Self::PackBits,
            34_887 => Self::Lerc,
            34_712 | 33_003 | 33_005 => Self::Jpeg2000,
            34_925 => Self::Lzma,
            50_000 => Self::Zstd,
            50_001 => Self::WebP,
            50_002 | 52_546 => Self::JpegXl,
            _ => return Err(CodecError::Compression { value, name: unsupported_name(value) }),
        })
    }

    /// The name that GDAL uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::CcittRle => "CCITTRLE",
            Self::CcittFax3 => "CCITTFAX3",
            Self::CcittFax4 => "CCITTFAX4",
            Self::Lzw => "LZW",
            Self::Jpeg => "JPEG",
            Self::Deflate => "DEFLATE",
            Self::PackBits => "PACKBITS",
            Self::Lerc => "LERC",
            Self::Lzma => "LZMA",
            Self::Zstd => "ZSTD",
            Self::WebP => "WEBP",
            Self::JpegXl => "JXL",
            Self::Jpeg2000 => "JPEG2000",
        }
    }

    /// Whether the tag `Predictor` means anything; with the others it is ignored, as in libtiff.
    pub const fn has_predictor(self) -> bool {
        matches!(self, Self::Lzw | Self::Deflate | Self::Lzma | Self::Zstd)
    }

    /// Whether the stream says itself what its samples are: neither `FillOrder` nor the byte order of the file touch it.
    pub const fn describes_itself(self) -> bool {
        matches!(self, Self::Jpeg | Self::WebP | Self::Lerc | Self::JpegXl | Self::Jpeg2000)
    }
}

const fn unsupported_name(value: u16) -> &'static str {
    match value {
        6 => "old-style JPEG",
        32_766 => "NeXT",
        32_771 => "CCITT runs in words",
        32_809 => "ThunderScan",
        32_909 => "PixarLog",
        34_661 => "JBIG",
        34_676 | 34_677 => "SGILog",
        _ => "an unknown compression",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compression_that_is_not_read_is_named_with_its_remedy() {
        for (value, name) in
            [(6, "old-style JPEG"), (34_676, "SGILog"), (32_809, "ThunderScan"), (9, "unknown")]
        {
            let message = Compression::from_tag(value).expect_err("it is not read").to_string();
            assert!(message.contains(name) && message.contains("gdal_translate"), "{message}");
        }
    }
}
