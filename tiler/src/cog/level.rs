//! The full resolution image and its overviews, each with its mask: which directories of the file they are.

use super::{nodata, read::BlockAddress};
use crate::{
    codec::{BlockLayout, CodecError, Compression, Photometric, Predictor, YCbCr},
    geom::Size,
    raster::SampleType,
    tiff::{Directory, TiffError, TiffFile},
};

const REDUCED: u32 = 1;
const MASK: u32 = 4;

/// One resolution of an image.
#[derive(Debug)]
pub struct Level {
    /// Columns and rows.
    pub size: Size,
    /// Pixels of the full resolution image under one pixel of this level, along columns and along rows.
    pub factor: (f64, f64),
    pub(super) directory_index: usize,
    pub(super) image: Plane,
    pub(super) mask: Option<Plane>,
    pub(super) alpha: Option<Alpha>,
    pub(super) nodata: Option<u8>,
}

/// The blocks of one directory.
#[derive(Debug)]
pub(super) struct Plane {
    pub directory: Directory,
    layout: BlockLayout,
}

/// The last sample of a pixel, when it says how much the pixel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alpha {
    /// Colours are as they are.
    Straight,
    /// Colours were multiplied by it.
    Premultiplied,
}

/// Why the pixels of a file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum LevelError {
    #[error("no directory is a full resolution image")]
    NoImage,
    #[error(
        "BitsPerSample is {bits} with SampleFormat {format}, only unsigned 8-bit samples are served; \
         rescale with `gdal_translate -ot Byte -scale`"
    )]
    Samples { bits: u16, format: u16 },
    #[error(
        "PlanarConfiguration is 2, a plane per band; convert with `gdal_translate -of COG` or `-co INTERLEAVE=PIXEL`"
    )]
    Planar,
    #[error("PhotometricInterpretation is {value} ({name}); convert with `gdal_translate {remedy}`")]
    Photometric { value: u16, name: &'static str, remedy: &'static str },
    #[error("SamplesPerPixel is {samples}, at least one and at most 64 bands are served")]
    Bands { samples: u16 },
    #[error("the tags Compression and Predictor cannot be used")]
    Codec(#[from] CodecError),
    #[error(transparent)]
    Nodata(#[from] nodata::NodataError),
}

/// The levels of a file, full resolution first, then overviews from the largest to the smallest.
pub(super) fn levels(file: &TiffFile) -> Result<Vec<Level>, LevelError> {
    let of_kind = |kind: u32| {
        file.directories.iter().enumerate().filter(move |(_, d)| d.subfile_type & (REDUCED | MASK) == kind)
    };
    let (main_index, main) = of_kind(0).next().ok_or(LevelError::NoImage)?;
    let masks: Vec<&Directory> = file.directories.iter().filter(|d| d.subfile_type & MASK != 0).collect();
    let mut images = vec![(main_index, main)];
    let same_bands = |d: &Directory| d.samples_per_pixel == main.samples_per_pixel;
    let smaller = |d: &Directory| d.size.width < main.size.width || d.size.height < main.size.height;
    images.extend(of_kind(REDUCED).filter(|(_, d)| same_bands(d) && smaller(d)));
    images[1..].sort_by_key(|(_, d)| std::cmp::Reverse(d.size.pixels()));
    let nodata = nodata::parse(main.nodata.as_deref())?;
    images
        .into_iter()
        .map(|(directory_index, directory)| {
            let mask = masks.iter().find(|mask| mask.size == directory.size);
            Ok(Level {
                size: directory.size,
                factor: (
                    f64::from(main.size.width) / f64::from(directory.size.width),
                    f64::from(main.size.height) / f64::from(directory.size.height),
                ),
                directory_index,
                image: image_plane(directory, file.big_endian)?,
                mask: mask.map(|mask| mask_plane(mask, file.big_endian)).transpose()?,
                alpha: alpha(directory),
                nodata,
            })
        })
        .collect()
}

fn image_plane(directory: &Directory, big_endian: bool) -> Result<Plane, LevelError> {
    let samples = directory.samples_per_pixel;
    if samples == 0 || samples > 64 {
        return Err(LevelError::Bands { samples });
    }
    let bits = directory.bits_per_sample.first().copied().unwrap_or(1);
    if directory.bits_per_sample.iter().any(|&b| b != 8) || directory.sample_format != 1 {
        return Err(LevelError::Samples { bits, format: directory.sample_format });
    }
    if directory.planar == 2 && samples > 1 {
        return Err(LevelError::Planar);
    }
    let compression = Compression::from_tag(directory.compression)?;
    let refused = |name, remedy| LevelError::Photometric { value: directory.photometric, name, remedy };
    let photometric = match (directory.photometric, compression) {
        (1 | 2, _) | (6, Compression::WebP) => Photometric::AsStored,
        (6, Compression::Jpeg) => Photometric::YCbCr(YCbCr::default()),
        (0, _) => return Err(refused("white is zero", "-scale 0 255 255 0 -co PHOTOMETRIC=MINISBLACK")),
        (3, _) => return Err(refused("palette", "-expand rgb")),
        (6, _) => return Err(refused("YCbCr", "-co PHOTOMETRIC=RGB")),
        (5, _) => return Err(refused("CMYK", "-co PHOTOMETRIC=RGB")),
        _ => return Err(refused("not a photograph", "-co PHOTOMETRIC=RGB")),
    };
    let predictor = match compression {
        // These have none, whatever the tag says.
        Compression::None | Compression::Jpeg | Compression::WebP | Compression::PackBits => Predictor::None,
        _ => Predictor::from_tag(directory.predictor, 8)?,
    };
    let layout = BlockLayout {
        size: directory.block_size,
        bands: usize::from(samples),
        bits: 8,
        compression,
        predictor,
        photometric,
        jpeg_tables: directory.jpeg_tables.clone(),
        big_endian,
        low_bit_first: false,
        sample: SampleType::U8,
        fax_options: 0,
        lerc_wrapping: 0,
    };
    Ok(Plane { directory: directory.clone(), layout })
}

fn mask_plane(directory: &Directory, big_endian: bool) -> Result<Plane, LevelError> {
    let bits = directory.bits_per_sample.first().copied().unwrap_or(1);
    if !matches!(bits, 1 | 8) || directory.samples_per_pixel != 1 {
        return Err(LevelError::Samples { bits, format: directory.sample_format });
    }
    let compression = Compression::from_tag(directory.compression)?;
    let predictor = if bits == 8 { Predictor::from_tag(directory.predictor, bits)? } else { Predictor::None };
    let layout = BlockLayout {
        size: directory.block_size,
        bands: 1,
        bits,
        compression,
        predictor,
        photometric: Photometric::AsStored,
        jpeg_tables: directory.jpeg_tables.clone(),
        big_endian,
        low_bit_first: directory.fill_order == 2,
        sample: SampleType::U8,
        fax_options: 0,
        lerc_wrapping: 0,
    };
    Ok(Plane { directory: directory.clone(), layout })
}

/// What the last sample is. Photometric samples come first, so a fourth one of RGB may be infrared: only a tag makes it alpha.
fn alpha(directory: &Directory) -> Option<Alpha> {
    match directory.extra_samples.last() {
        Some(1) => Some(Alpha::Premultiplied),
        Some(2) => Some(Alpha::Straight),
        _ => None,
    }
    .filter(|_| directory.samples_per_pixel > 1)
}

impl Plane {
    /// The layout of a block: the last strip has fewer rows.
    pub(super) fn layout(&self, block: BlockAddress) -> BlockLayout {
        BlockLayout { size: self.directory.stored_size(block.row), ..self.layout.clone() }
    }
}

impl Level {
    /// Bands that are colours.
    pub(super) fn colour_bands(&self) -> usize {
        usize::from(self.image.directory.samples_per_pixel) - usize::from(self.alpha.is_some())
    }

    pub(super) fn has_transparency(&self) -> bool {
        self.alpha.is_some() || self.nodata.is_some() || self.mask.is_some()
    }

    pub(super) fn plane(&self, block: BlockAddress) -> Option<&Plane> {
        match block.plane {
            super::Plane::Image => Some(&self.image),
            super::Plane::Mask => self.mask.as_ref(),
        }
    }

    /// Whether all blocks lie within the file.
    pub(super) fn check_blocks(&self, file_len: u64) -> Result<(), TiffError> {
        self.image.directory.check_blocks(file_len)?;
        self.mask.as_ref().map_or(Ok(()), |mask| mask.directory.check_blocks(file_len))
    }

    /// First column and row of a block in this level.
    pub fn block_offset(&self, block: BlockAddress) -> (i64, i64) {
        let size = self.plane(block).map_or(Size::new(0, 0), |plane| plane.directory.block_size);
        (i64::from(block.col) * i64::from(size.width), i64::from(block.row) * i64::from(size.height))
    }

    /// The compression of the image's blocks, as GDAL names it.
    pub fn compression(&self) -> &'static str {
        self.image.layout.compression.name()
    }

    /// Size of the image's blocks.
    pub fn block_size(&self) -> Size {
        self.image.directory.block_size
    }

    /// Whether the image is colour stored as luma and chroma.
    pub fn is_ycbcr(&self) -> bool {
        matches!(self.image.layout.photometric, Photometric::YCbCr(_))
    }

    /// Whether there is a mask beside the image.
    pub fn has_mask(&self) -> bool {
        self.mask.is_some()
    }

    /// Whether the last sample of a pixel is alpha.
    pub fn has_alpha(&self) -> bool {
        self.alpha.is_some()
    }

    /// The value that marks pixels without data.
    pub fn nodata(&self) -> Option<u8> {
        self.nodata
    }
}
