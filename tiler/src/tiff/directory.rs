//! One directory: the facts about one image, overview or mask.

use std::sync::Arc;

use tiff::{decoder::IfdDecoder, tags::Tag};

use super::{GeoTags, Limits, TiffError, tags::Tags};
use crate::geom::Size;

/// The tags of one image that matter here, with their defaults applied.
#[derive(Debug, Clone)]
pub struct Directory {
    /// Columns and rows.
    pub size: Size,
    /// Bands, alpha included.
    pub samples_per_pixel: u16,
    /// Bits of every band.
    pub bits_per_sample: Vec<u16>,
    /// 1 unsigned, 2 signed, 3 floating point, of the first band.
    pub sample_format: u16,
    /// `PhotometricInterpretation`: 0 white is zero, 1 black is zero, 2 RGB, 3 palette, 4 mask, 5 CMYK, 6 YCbCr.
    pub photometric: u16,
    /// `Compression`, as numbered in the standard.
    pub compression: u16,
    /// `Predictor`: 1 none, 2 horizontal, 3 floating point.
    pub predictor: u16,
    /// `PlanarConfiguration`: 1 interleaved, 2 a plane per band.
    pub planar: u16,
    /// `FillOrder`: 2 when the first pixel of a byte is in its lowest bit.
    pub fill_order: u16,
    /// `Orientation`: 1 when the first row is the top one and the first column the left one.
    pub orientation: u16,
    /// `ColorMap`: all reds, then all greens, then all blues, 16 bits each; empty where there is none.
    pub colour_map: Vec<u16>,
    /// `YCbCrSubSampling`, columns and rows; default 2, 2.
    pub ycbcr_subsampling: Vec<u16>,
    /// `YCbCrCoefficients`; empty for the default.
    pub ycbcr_coefficients: Vec<f64>,
    /// `ReferenceBlackWhite`; empty for the default.
    pub reference_black_white: Vec<f64>,
    /// `T4Options` or `T6Options` of a fax.
    pub fax_options: u32,
    /// `LercParameters`: version, and what was done after LERC.
    pub lerc_parameters: Vec<u32>,
    /// Size of a block: a tile, or a strip of the image's width.
    ///
    /// A large strip without compression is cut into blocks of fewer rows: any of its rows can be read alone.
    pub block_size: Size,
    /// Rows of a strip as it is stored, where it was cut.
    pub(super) cut_strip_rows: Option<u32>,
    /// Whether blocks are tiles.
    pub tiled: bool,
    /// `DateTime`: `2021:06:30 12:00:00`.
    pub date: Option<String>,
    /// `NewSubfileType`: bit 0 a reduced image, bit 2 a mask.
    pub subfile_type: u32,
    /// Where each block starts.
    pub offsets: Arc<[u64]>,
    /// How many bytes each block has.
    pub byte_counts: Arc<[u64]>,
    /// What each sample beyond the photometric ones is: 0 unspecified, 1 premultiplied alpha, 2 alpha.
    pub extra_samples: Vec<u16>,
    /// Tables shared by all JPEG blocks.
    pub jpeg_tables: Option<Arc<[u8]>>,
    /// `GDAL_NODATA`.
    pub nodata: Option<String>,
    /// `GDAL_METADATA`, XML.
    pub metadata: Option<String>,
    /// Where the image lies.
    pub geo: GeoTags,
    /// Where more directories lie, `SubIFDs`: overviews, in files of some writers.
    pub(super) sub_directories: Vec<u64>,
    /// Largest stored block that is read.
    pub(super) stored_block_bytes: u64,
}

const TILE_WIDTH: Tag = Tag::TileWidth;
const T4_OPTIONS: Tag = Tag::Unknown(292);
const T6_OPTIONS: Tag = Tag::Unknown(293);
const YCBCR_COEFFICIENTS: Tag = Tag::Unknown(529);
const YCBCR_SUBSAMPLING: Tag = Tag::Unknown(530);
const REFERENCE_BLACK_WHITE: Tag = Tag::Unknown(532);
const GDAL_METADATA: Tag = Tag::Unknown(42_112);
const LERC_PARAMETERS: Tag = Tag::Unknown(50_674);

const BLACK_IS_ZERO: u16 = 1;
const YCBCR: u16 = 6;
const NO_COMPRESSION: u16 = 1;
const FLOAT: u16 = 3;
/// Strips without compression are cut into blocks of about so many bytes.
const CUT_BYTES: u64 = 1 << 20;

/// Reads one directory.
pub(super) fn read(
    decoder: &mut IfdDecoder<'_>,
    index: usize,
    (limits, file_len): (&Limits, u64),
) -> Result<Directory, TiffError> {
    let mut tags = Tags { decoder, index, most_values: limits.tag_bytes.min(file_len) };
    let size = Size::new(
        tags.required(Tag::ImageWidth, "ImageWidth")?,
        tags.required(Tag::ImageLength, "ImageLength")?,
    );
    if size.width == 0 || size.height == 0 {
        return Err(tags.nonsense("ImageWidth"));
    }
    if size.width > limits.side_px || size.height > limits.side_px {
        return Err(TiffError::TooMany { what: "columns or rows", limit: u64::from(limits.side_px) });
    }
    let samples_per_pixel: u16 = tags.number(Tag::SamplesPerPixel, "SamplesPerPixel")?.unwrap_or(1);
    let mut bits_per_sample = tags.numbers(Tag::BitsPerSample, "BitsPerSample")?.unwrap_or_else(|| vec![1]);
    bits_per_sample.truncate(usize::from(samples_per_pixel).max(1));
    let tiled = tags.has(TILE_WIDTH);
    let block_size = if tiled {
        Size::new(tags.required(TILE_WIDTH, "TileWidth")?, tags.required(Tag::TileLength, "TileLength")?)
    } else {
        let rows: u32 = tags.number(Tag::RowsPerStrip, "RowsPerStrip")?.unwrap_or(u32::MAX);
        Size::new(size.width, rows.min(size.height))
    };
    if block_size.width == 0 || block_size.height == 0 {
        return Err(tags.nonsense(if tiled { "TileWidth" } else { "RowsPerStrip" }));
    }
    if tiled && block_size.width.max(block_size.height) > limits.tile_side_px {
        return Err(TiffError::TooMany {
            what: "columns or rows in a tile",
            limit: u64::from(limits.tile_side_px),
        });
    }
    let photometric =
        tags.number(Tag::PhotometricInterpretation, "PhotometricInterpretation")?.unwrap_or(BLACK_IS_ZERO);
    let compression = tags.number(Tag::Compression, "Compression")?.unwrap_or(NO_COMPRESSION);
    let planar = tags.number(Tag::PlanarConfiguration, "PlanarConfiguration")?.unwrap_or(1);
    let bits = u64::from(bits_per_sample.iter().copied().max().unwrap_or(1));
    let sample_format = tags.number(Tag::SampleFormat, "SampleFormat")?.unwrap_or(1);
    let row_bits = u64::from(block_size.width)
        .checked_mul(u64::from(samples_per_pixel))
        .and_then(|samples| samples.checked_mul(bits))
        .ok_or_else(|| tags.nonsense("SamplesPerPixel"))?;
    let strip_rows = block_size.height;
    let block_size = if !tiled && compression == NO_COMPRESSION && photometric != YCBCR {
        Size::new(block_size.width, cut_rows(strip_rows, size.height, CUT_BYTES * 8 / row_bits.max(1)))
    } else {
        block_size
    };
    let samples = block_size.pixels().saturating_mul(u64::from(samples_per_pixel));
    if samples.saturating_mul(decoded_bytes(bits, sample_format)) > limits.block_bytes {
        return Err(TiffError::BlockTooLarge {
            width: block_size.width,
            height: block_size.height,
            limit: limits.block_bytes,
        });
    }
    let (offsets, byte_counts) = stored_blocks(&mut tags, tiled)?;
    Ok(Directory {
        size,
        samples_per_pixel,
        bits_per_sample,
        sample_format,
        photometric,
        compression,
        predictor: tags.number(Tag::Predictor, "Predictor")?.unwrap_or(1),
        planar,
        fill_order: tags.number(Tag::FillOrder, "FillOrder")?.unwrap_or(1),
        orientation: tags.number(Tag::Orientation, "Orientation")?.unwrap_or(1),
        colour_map: tags.numbers(Tag::ColorMap, "ColorMap")?.unwrap_or_default(),
        ycbcr_subsampling: tags.numbers(YCBCR_SUBSAMPLING, "YCbCrSubSampling")?.unwrap_or_default(),
        ycbcr_coefficients: tags.doubles(YCBCR_COEFFICIENTS, "YCbCrCoefficients")?,
        reference_black_white: tags.doubles(REFERENCE_BLACK_WHITE, "ReferenceBlackWhite")?,
        fax_options: match compression {
            3 => tags.number(T4_OPTIONS, "T4Options")?.unwrap_or(0),
            4 => tags.number(T6_OPTIONS, "T6Options")?.unwrap_or(0),
            _ => 0,
        },
        lerc_parameters: tags.numbers(LERC_PARAMETERS, "LercParameters")?.unwrap_or_default(),
        cut_strip_rows: (block_size.height < strip_rows).then_some(strip_rows),
        block_size,
        tiled,
        subfile_type: tags.number(Tag::NewSubfileType, "NewSubfileType")?.unwrap_or(0),
        offsets: offsets.into(),
        byte_counts: byte_counts.into(),
        extra_samples: tags.numbers(Tag::ExtraSamples, "ExtraSamples")?.unwrap_or_default(),
        jpeg_tables: tags.bytes(Tag::JPEGTables, "JPEGTables")?.map(Arc::from),
        nodata: tags.text(Tag::GdalNodata, "GDAL_NODATA")?,
        // Of no consequence for the pixels: a damaged one is none.
        date: tags.text(Tag::DateTime, "DateTime").ok().flatten(),
        metadata: tags.text(GDAL_METADATA, "GDAL_METADATA")?,
        geo: GeoTags {
            pixel_scale: tags.doubles(Tag::ModelPixelScaleTag, "ModelPixelScaleTag")?,
            tiepoints: tags.doubles(Tag::ModelTiepointTag, "ModelTiepointTag")?,
            transformation: tags.doubles(Tag::ModelTransformationTag, "ModelTransformationTag")?,
            key_directory: tags.numbers(Tag::GeoKeyDirectoryTag, "GeoKeyDirectoryTag")?.unwrap_or_default(),
            doubles: tags.doubles(Tag::GeoDoubleParamsTag, "GeoDoubleParamsTag")?,
            ascii: tags.text(Tag::GeoAsciiParamsTag, "GeoAsciiParamsTag")?.unwrap_or_default(),
        },
        sub_directories: tags.pointers(Tag::SubIfd, "SubIFDs")?,
        stored_block_bytes: limits.stored_block_bytes,
    })
}

/// Where blocks lie and how long they are. Some writers use the tags of tiles for strips and the other way round.
fn stored_blocks(tags: &mut Tags<'_, '_>, tiled: bool) -> Result<(Vec<u64>, Vec<u64>), TiffError> {
    let (own, other) = if tiled { (0, 1) } else { (1, 0) };
    let mut either = |names: [(Tag, &'static str); 2]| {
        let (tag, name) = if tags.has(names[own].0) { names[own] } else { names[other] };
        tags.numbers(tag, name).map(Option::unwrap_or_default)
    };
    Ok((
        either([(Tag::TileOffsets, "TileOffsets"), (Tag::StripOffsets, "StripOffsets")])?,
        either([(Tag::TileByteCounts, "TileByteCounts"), (Tag::StripByteCounts, "StripByteCounts")])?,
    ))
}

/// Bytes of what a sample becomes: one bit a byte, 12 bits two, and a float of 16 bits four.
fn decoded_bytes(bits: u64, sample_format: u16) -> u64 {
    let least = if sample_format == FLOAT { 4 } else { 1 };
    bits.div_ceil(8).max(least).next_power_of_two()
}

/// Rows of the blocks that a strip is cut into: about as many as wanted, and never a block across two strips.
fn cut_rows(strip_rows: u32, image_rows: u32, wanted: u64) -> u32 {
    let wanted = wanted.clamp(1, u64::from(u32::MAX)) as u32;
    if wanted >= strip_rows {
        strip_rows
    } else if strip_rows >= image_rows {
        wanted
    } else {
        (wanted / 4 + 1..=wanted).rev().find(|rows| strip_rows.is_multiple_of(*rows)).unwrap_or(strip_rows)
    }
}
