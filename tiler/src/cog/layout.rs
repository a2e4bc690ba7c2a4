//! How the blocks of a directory are laid out: from tags to all that decoding depends on.

use crate::{
    codec::{BlockLayout, CodecError, Compression, Photometric, Predictor, YCbCr},
    raster::{Interpretation, SampleType},
    tiff::Directory,
};

/// The blocks of one directory.
#[derive(Debug)]
pub struct Plane {
    /// The tags.
    pub directory: Directory,
    /// Which of the source's files holds the blocks; 0 is the image's own.
    pub file: usize,
    /// What the samples are.
    pub interpretation: Interpretation,
    /// The band that says how much a pixel shows.
    pub alpha: Option<Alpha>,
    /// Whether cyan, magenta, yellow and black of 8 bits are stored apart, to become red, green, blue, alpha together.
    pub inks_apart: bool,
    pub(super) layout: BlockLayout,
}

/// A band that says how much a pixel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alpha {
    /// Which one, from 0.
    pub band: usize,
    /// Whether colours were multiplied by it.
    pub is_premultiplied: bool,
}

/// Why the pixels of a file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum LayoutError {
    #[error("no directory is a full resolution image")]
    NoImage,
    #[error(
        "BitsPerSample is {bits} with SampleFormat {format}, which is not read here; \
         convert with `gdal_translate -ot UInt16` or `-ot Float32`"
    )]
    Samples { bits: u16, format: u16 },
    #[error("BitsPerSample differs between bands; convert with `gdal_translate -of COG`")]
    MixedBits,
    #[error(
        "PhotometricInterpretation is {value} ({name}), which is not read here; \
         convert with `gdal_translate -co PHOTOMETRIC=RGB`"
    )]
    Photometric { value: u16, name: &'static str },
    #[error("SamplesPerPixel is {samples}, at least one and at most {BANDS} bands are read")]
    Bands { samples: u16 },
    #[error("the tags Compression and Predictor cannot be used")]
    Codec(#[from] CodecError),
}

/// `PhotometricInterpretation` of inks.
const CMYK: u16 = 5;
/// More bands than this are no picture.
const BANDS: u16 = 256;

impl Plane {
    /// The plane of an image or overview.
    ///
    /// # Errors
    /// When its pixels are not read here.
    pub fn image(directory: &Directory, big_endian: bool) -> Result<Self, LayoutError> {
        let samples = directory.samples_per_pixel;
        if samples == 0 || samples > BANDS {
            return Err(LayoutError::Bands { samples });
        }
        let (bits, sample) = sample_type(directory)?;
        let compression = Compression::from_tag(directory.compression)?;
        let (interpretation, photometric) = photometric(directory, compression, bits)?;
        let inks_apart =
            directory.planar == 2 && directory.photometric == CMYK && interpretation == Interpretation::Rgb;
        let alpha = if inks_apart || photometric == Photometric::Cmyk {
            Some(Alpha { band: 3, is_premultiplied: false })
        } else {
            alpha(directory)
        };
        Self::new(directory, big_endian, Kind { bits, sample, compression, photometric }).map(|plane| Self {
            interpretation,
            alpha,
            inks_apart,
            ..plane
        })
    }

    /// The plane of a mask, where 0 means "nothing here": one band, or one per band of the image.
    ///
    /// # Errors
    /// When its pixels are not read here.
    pub fn mask(directory: &Directory, big_endian: bool) -> Result<Self, LayoutError> {
        let (bits, sample) = sample_type(directory)?;
        if directory.samples_per_pixel == 0 || directory.samples_per_pixel > BANDS || sample != SampleType::U8
        {
            return Err(LayoutError::Samples { bits, format: directory.sample_format });
        }
        let compression = Compression::from_tag(directory.compression)?;
        Self::new(
            directory,
            big_endian,
            Kind { bits, sample, compression, photometric: Photometric::AsStored },
        )
    }

    fn new(directory: &Directory, big_endian: bool, kind: Kind) -> Result<Self, LayoutError> {
        let Kind { bits, sample, compression, photometric } = kind;
        let predictor = if compression.has_predictor() {
            Predictor::from_tag(directory.predictor, bits)?
        } else {
            Predictor::None
        };
        let layout = BlockLayout {
            size: directory.block_size,
            bands: if directory.planar == 2 { 1 } else { usize::from(directory.samples_per_pixel) },
            bits,
            sample,
            compression,
            predictor,
            photometric,
            jpeg_tables: directory.jpeg_tables.clone(),
            big_endian,
            low_bit_first: directory.fill_order == 2,
            fax_options: directory.fax_options,
            lerc_wrapping: directory.lerc_parameters.get(1).copied().unwrap_or(0),
        };
        let interpretation = Interpretation::Grey;
        Ok(Self {
            directory: directory.clone(),
            file: 0,
            interpretation,
            alpha: None,
            inks_apart: false,
            layout,
        })
    }

    /// The layout of a stored piece of a block in that row of blocks: the last strip has fewer rows.
    pub fn layout(&self, row: u32) -> BlockLayout {
        BlockLayout { size: self.directory.stored_size(row), ..self.layout.clone() }
    }

    /// Bands after decoding, alpha included.
    pub fn bands(&self) -> usize {
        if self.inks_apart { 4 } else { self.directory.pieces() * self.layout.decoded_bands() }
    }

    /// What samples become.
    pub fn sample(&self) -> SampleType {
        self.layout.sample
    }

    /// Bits of a stored sample.
    pub fn bits(&self) -> u16 {
        self.layout.bits
    }

    /// How blocks are compressed.
    pub fn compression(&self) -> Compression {
        self.layout.compression
    }

    /// Whether the image is colour stored as luma and chroma.
    pub fn is_ycbcr(&self) -> bool {
        matches!(self.layout.photometric, Photometric::YCbCr(_))
    }

    /// Whether compression loses details, as far as the tags tell: lossless WebP and JPEG XL count as lossy.
    pub fn is_lossy(&self) -> bool {
        matches!(
            self.layout.compression,
            Compression::Jpeg | Compression::WebP | Compression::JpegXl | Compression::Jpeg2000
        )
    }

    /// The table of colours, red green blue alpha by index; empty where there is none.
    pub fn palette(&self) -> Vec<[u8; 4]> {
        let map = &self.directory.colour_map;
        let count = map.len() / 3;
        if self.layout.bits == 1 && map.is_empty() {
            let (black, white) = ([0, 0, 0, 255], [255; 4]);
            return match self.interpretation {
                Interpretation::WhiteIsZero => vec![white, black],
                _ => vec![black, white],
            };
        }
        // Old writers put 8-bit values into the 16-bit table.
        let shift = if map.iter().any(|&value| value > 255) { 8 } else { 0 };
        let at = |index: usize| (map[index] >> shift) as u8;
        (0..count).map(|i| [at(i), at(count + i), at(2 * count + i), 255]).collect()
    }
}

/// What a sample is, and how it is stored.
#[derive(Clone, Copy)]
struct Kind {
    bits: u16,
    sample: SampleType,
    compression: Compression,
    photometric: Photometric,
}

/// Bits of a sample and what it becomes: the least type that holds it; odd signed ones count as unsigned, as in GDAL.
fn sample_type(directory: &Directory) -> Result<(u16, SampleType), LayoutError> {
    let bits = directory.bits_per_sample.first().copied().unwrap_or(1);
    if directory.bits_per_sample.iter().any(|&b| b != bits) {
        return Err(LayoutError::MixedBits);
    }
    let format = directory.sample_format;
    let sample = match (format, bits) {
        (2, 8) => SampleType::I8,
        (2, 16) => SampleType::I16,
        (2, 32) => SampleType::I32,
        (2, 64) => SampleType::I64,
        (3, 16 | 24 | 32) => SampleType::F32,
        (3, 64) => SampleType::F64,
        (1 | 2 | 4, 1..=8) => SampleType::U8,
        (1 | 2 | 4, 9..=16) => SampleType::U16,
        (1 | 2 | 4, 17..=32) => SampleType::U32,
        (1 | 4, 64) => SampleType::U64,
        _ => return Err(LayoutError::Samples { bits, format }),
    };
    Ok((bits, sample))
}

/// Whether luma and chroma are what the decoder gives, or it converts them itself.
const fn stores_ycbcr(compression: Compression) -> bool {
    !matches!(compression, Compression::WebP | Compression::JpegXl | Compression::Jpeg2000)
}

fn photometric(
    directory: &Directory,
    compression: Compression,
    bits: u16,
) -> Result<(Interpretation, Photometric), LayoutError> {
    let refused = |name| LayoutError::Photometric { value: directory.photometric, name };
    let samples = directory.samples_per_pixel;
    Ok(match directory.photometric {
        0 => (Interpretation::WhiteIsZero, Photometric::AsStored),
        3 if directory.colour_map.is_empty() => (Interpretation::Grey, Photometric::AsStored),
        3 => (Interpretation::Palette, Photometric::AsStored),
        CMYK if samples >= 4 && bits == 8 && directory.planar == 2 => {
            (Interpretation::Rgb, Photometric::AsStored)
        }
        CMYK if samples >= 4 && bits == 8 => (Interpretation::Rgb, Photometric::Cmyk),
        CMYK if samples >= 4 => (Interpretation::Cmyk, Photometric::AsStored),
        6 if samples == 3 && stores_ycbcr(compression) => {
            if bits != 8 && compression != Compression::Jpeg {
                return Err(refused("YCbCr of more than 8 bits"));
            }
            if directory.planar == 2 {
                return Err(refused("YCbCr in planes"));
            }
            (Interpretation::Rgb, Photometric::YCbCr(ycbcr(directory)))
        }
        2 | 6 if samples >= 3 => (Interpretation::Rgb, Photometric::AsStored),
        8..=10 => return Err(refused("CIE L*a*b*")),
        32_844 | 32_845 => return Err(refused("LogLuv")),
        _ => (Interpretation::Grey, Photometric::AsStored),
    })
}

fn ycbcr(directory: &Directory) -> YCbCr {
    let default = YCbCr::default();
    let subsampling = match directory.ycbcr_subsampling[..] {
        [x @ (1 | 2 | 4), y @ (1 | 2 | 4), ..] => (x, y),
        _ => default.subsampling,
    };
    let coefficients = match directory.ycbcr_coefficients[..] {
        [r, g, b, ..] if g != 0.0 => [r, g, b].map(|v| v as f32),
        _ => default.coefficients,
    };
    let reference = match directory.reference_black_white[..] {
        [a, b, c, d, e, f, ..] => [a, b, c, d, e, f].map(|v| v as f32),
        _ => default.reference,
    };
    YCbCr { subsampling, coefficients, reference }
}

/// Photometric samples come first, so a fourth one of RGB may be infrared: only a tag makes it alpha.
fn alpha(directory: &Directory) -> Option<Alpha> {
    let first = usize::from(directory.samples_per_pixel).checked_sub(directory.extra_samples.len())?;
    let found = directory.extra_samples.iter().position(|&extra| matches!(extra, 1 | 2))?;
    let band = first + found;
    (band > 0).then(|| Alpha { band, is_premultiplied: directory.extra_samples[found] == 1 })
}
