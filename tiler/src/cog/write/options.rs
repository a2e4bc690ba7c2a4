//! What is written, and how.

use super::{MetadataItem, WriteProblem};
use crate::{
    codec::Predictor,
    crs::Crs,
    geom::{GeoTransform, Size},
    raster::{Interpretation, SampleType},
    tiff::GeoTags,
};

/// Offsets of 32 bits reach no further, headers included.
pub(super) const CLASSIC_BYTES: u64 = 4_000_000_000;

/// How blocks are compressed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Encoding {
    /// Baseline JPEG.
    Jpeg {
        /// 1 to 100.
        quality: u8,
        /// Of red green blue; grey has none.
        chroma: Chroma,
    },
    /// Lossy WebP, of red green blue, with or without alpha.
    WebP {
        /// 1 to 100.
        quality: u8,
    },
    /// WebP that keeps every value.
    LosslessWebP,
    /// Zstandard.
    Zstd {
        /// 1 (fast) to 22 (small); GDAL's default is 9.
        level: i32,
        /// What is done to samples before.
        predictor: Predictor,
    },
    /// zlib.
    Deflate {
        /// 1 (fast) to 12 (small); GDAL's default is 6.
        level: i32,
        /// What is done to samples before.
        predictor: Predictor,
    },
}

/// How finely JPEG stores colours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Chroma {
    /// 4:2:0, as is usual for pictures that are seen at their own resolution.
    Halved,
    /// 4:4:4, for images that are shown shrunk only, where halved chroma would be coarser than luma still.
    Full,
}

impl Chroma {
    /// Columns, and rows, of pixels for one of chroma: the tag `YCbCrSubSampling`.
    pub(super) const fn step(self) -> u16 {
        match self {
            Self::Halved => 2,
            Self::Full => 1,
        }
    }
}

impl Encoding {
    /// Whether every value is kept.
    pub const fn is_lossless(self) -> bool {
        matches!(self, Self::LosslessWebP | Self::Zstd { .. } | Self::Deflate { .. })
    }

    /// The name that GDAL uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jpeg { .. } => "JPEG",
            Self::WebP { .. } | Self::LosslessWebP => "WEBP",
            Self::Zstd { .. } => "ZSTD",
            Self::Deflate { .. } => "DEFLATE",
        }
    }

    /// The predictor that suits samples: differences, for floating point by significance of bytes.
    pub const fn predictor_for(sample: SampleType) -> Predictor {
        if sample.is_float() { Predictor::FloatingPoint } else { Predictor::Horizontal }
    }

    /// The number in the tag `Compression`.
    pub(super) const fn tag(self) -> u16 {
        match self {
            Self::Jpeg { .. } => 7,
            Self::WebP { .. } | Self::LosslessWebP => 50_001,
            Self::Zstd { .. } => 50_000,
            Self::Deflate { .. } => 8,
        }
    }

    pub(super) const fn predictor(self) -> Predictor {
        match self {
            Self::Zstd { predictor, .. } | Self::Deflate { predictor, .. } => predictor,
            _ => Predictor::None,
        }
    }
}

/// What becomes of the mask that travels with the pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Transparency {
    /// It is dropped; pixels hold what they hold.
    Opaque,
    /// Pixels that are not valid hold this value in every band.
    Nodata(f64),
    /// A mask of one bit beside the image, as GDAL's internal masks; left out when every pixel is valid.
    Mask,
    /// One more band.
    Alpha,
}

/// What is written beside the pixels, and how.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// Columns and rows.
    pub size: Size,
    /// Where the image lies.
    pub geotransform: GeoTransform,
    /// Its CRS, which must have a code, unless `geo_keys` are there.
    pub crs: Crs,
    /// GeoKeys to be written as they are instead, for a CRS without a code; by default none.
    pub geo_keys: Option<GeoTags>,
    /// Bands, without alpha; default 3.
    pub bands: usize,
    /// The type of samples; default bytes.
    pub sample: SampleType,
    /// What the first bands stand for; default red green blue.
    pub interpretation: Interpretation,
    /// Colours by index, red green blue alpha, for a palette; by default none.
    pub palette: Vec<[u8; 4]>,
    /// How blocks are compressed; default JPEG of quality 85.
    pub encoding: Encoding,
    /// What becomes of pixels that are not valid; by default they are shown.
    pub transparency: Transparency,
    /// Columns and rows of a block, a multiple of 16; default 512.
    pub block_px: u32,
    /// Overviews are added, each half as large, until one has no more columns and rows than that; by default those of a
    /// block. `u32::MAX` for none.
    pub smallest_px: u32,
    /// What is told of the image and its bands beside the statistics; by default nothing.
    pub metadata: Vec<MetadataItem>,
    /// Whether `STATISTICS_MINIMUM` and the like are written for each band; default no.
    pub has_statistics: bool,
    /// With more bytes of blocks than this the file is a BigTIFF; default 4,000,000,000, and no more than that.
    pub classic_bytes: u64,
}

impl WriteOptions {
    /// Red green blue in JPEG of quality 85, in blocks of 512 px.
    pub fn new(size: Size, geotransform: GeoTransform, crs: &Crs) -> Self {
        Self {
            size,
            geotransform,
            crs: crs.clone(),
            geo_keys: None,
            bands: 3,
            sample: SampleType::U8,
            interpretation: Interpretation::Rgb,
            palette: Vec::new(),
            encoding: Encoding::Jpeg { quality: 85, chroma: Chroma::Halved },
            transparency: Transparency::Opaque,
            block_px: 512,
            smallest_px: 512,
            metadata: Vec::new(),
            has_statistics: false,
            classic_bytes: CLASSIC_BYTES,
        }
    }

    /// Sizes of all levels: halved until the last one is small enough.
    pub fn levels(&self) -> Vec<Size> {
        let halve = |size: &Size| {
            let larger = size.width.max(size.height) > self.smallest_px.max(1);
            larger.then(|| Size::new(size.width.div_ceil(2), size.height.div_ceil(2)))
        };
        std::iter::successors(Some(self.size), halve).collect()
    }

    /// Blocks of the full resolution image: how often [`super::PixelSource::block_done`] will be told.
    pub fn block_count(&self) -> u64 {
        let (cols, rows) = self.blocks(self.size);
        u64::from(cols) * u64::from(rows)
    }

    /// Columns and rows of blocks.
    pub(super) fn blocks(&self, size: Size) -> (u32, u32) {
        (size.width.div_ceil(self.block_px), size.height.div_ceil(self.block_px))
    }

    /// Bands as they are stored, alpha included.
    pub(super) fn stored_bands(&self) -> usize {
        self.bands + usize::from(self.transparency == Transparency::Alpha)
    }

    /// Whether colours are stored as luma and chroma.
    pub(super) fn is_ycbcr(&self) -> bool {
        matches!(self.encoding, Encoding::Jpeg { .. }) && self.bands == 3
    }

    /// Refuses what cannot be written.
    pub(super) fn check(&self) -> Result<(), WriteProblem> {
        let block_px = self.block_px;
        if block_px == 0 || !block_px.is_multiple_of(16) || block_px > 4096 {
            return Err(WriteProblem::BlockSize { block_px });
        }
        let (bands, is_bytes) = (self.stored_bands(), self.sample == SampleType::U8);
        let of_colours = match self.interpretation {
            Interpretation::Rgb => self.bands >= 3,
            Interpretation::Cmyk => self.bands >= 4,
            Interpretation::Palette => {
                self.bands >= 1 && matches!(self.sample, SampleType::U8 | SampleType::U16)
            }
            Interpretation::Grey | Interpretation::WhiteIsZero => self.bands >= 1,
        };
        let fits = match self.encoding {
            Encoding::Jpeg { .. } => {
                let is_rgb = bands == 3 && self.interpretation == Interpretation::Rgb;
                is_bytes && (is_rgb || bands == 1) && self.interpretation != Interpretation::Palette
            }
            Encoding::WebP { .. } | Encoding::LosslessWebP => {
                is_bytes && self.bands == 3 && self.interpretation == Interpretation::Rgb
            }
            Encoding::Zstd { predictor, .. } | Encoding::Deflate { predictor, .. } => {
                predictor != Predictor::FloatingPoint || self.sample.is_float()
            }
        };
        if of_colours && fits {
            return Ok(());
        }
        Err(WriteProblem::Unfit { encoding: self.encoding.name(), bands, sample: self.sample.name() })
    }
}
