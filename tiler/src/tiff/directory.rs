//! One directory: the facts about one image, overview or mask.

use std::sync::Arc;

use tiff::{
    TiffError as CrateError,
    decoder::{IfdDecoder, ifd::Value},
    tags::Tag,
};

use super::{Limits, TiffError};
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
    /// Size of a block: a tile, or a strip of the image's width.
    pub block_size: Size,
    /// Whether blocks are tiles.
    pub tiled: bool,
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
    /// Largest stored block that is read.
    pub(super) stored_block_bytes: u64,
}

/// The tags of GeoTIFF, uninterpreted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GeoTags {
    /// `ModelPixelScaleTag`.
    pub pixel_scale: Vec<f64>,
    /// `ModelTiepointTag`.
    pub tiepoints: Vec<f64>,
    /// `ModelTransformationTag`.
    pub transformation: Vec<f64>,
    /// `GeoKeyDirectoryTag`.
    pub key_directory: Vec<u16>,
    /// `GeoDoubleParamsTag`.
    pub doubles: Vec<f64>,
    /// `GeoAsciiParamsTag`.
    pub ascii: String,
}

impl GeoTags {
    const DOUBLES: u16 = 34_736;
    const ASCII: u16 = 34_737;

    /// Location, count and value or offset of a key.
    fn key(&self, id: u16) -> Option<(u16, u16, u16)> {
        self.key_directory
            .get(4..)?
            .chunks_exact(4)
            .find(|key| key[0] == id)
            .map(|key| (key[1], key[2], key[3]))
    }

    /// A key with a short value.
    pub fn short_key(&self, id: u16) -> Option<u16> {
        self.key(id).and_then(|(location, _, value)| (location == 0).then_some(value))
    }

    /// A key with a floating point value.
    pub fn double_key(&self, id: u16) -> Option<f64> {
        let (location, _, offset) = self.key(id)?;
        (location == Self::DOUBLES).then(|| self.doubles.get(usize::from(offset)).copied())?
    }

    /// A key with a text, without its closing bar.
    pub fn ascii_key(&self, id: u16) -> Option<&str> {
        let (location, count, offset) = self.key(id)?;
        let (start, end) = (usize::from(offset), usize::from(offset) + usize::from(count));
        (location == Self::ASCII)
            .then(|| self.ascii.get(start..end.min(self.ascii.len())))?
            .map(|text| text.trim_end_matches(['|', '\0']))
    }
}

const TILE_WIDTH: Tag = Tag::TileWidth;
const GDAL_METADATA: Tag = Tag::Unknown(42_112);

/// Reads one directory.
pub(super) fn read(
    decoder: &mut IfdDecoder<'_>,
    index: usize,
    limits: &Limits,
) -> Result<Directory, TiffError> {
    let mut tags = Tags { decoder, index };
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
    let bits = u64::from(bits_per_sample.iter().copied().max().unwrap_or(1));
    let block_bits =
        block_size.pixels().checked_mul(u64::from(samples_per_pixel)).and_then(|n| n.checked_mul(bits));
    if block_bits.is_none_or(|bits| bits / 8 > limits.block_bytes) {
        return Err(TiffError::TooMany { what: "bytes in a decoded block", limit: limits.block_bytes });
    }
    let (offsets, counts) = if tiled {
        ((Tag::TileOffsets, "TileOffsets"), (Tag::TileByteCounts, "TileByteCounts"))
    } else {
        ((Tag::StripOffsets, "StripOffsets"), (Tag::StripByteCounts, "StripByteCounts"))
    };
    let offsets: Vec<u64> = tags.numbers(offsets.0, offsets.1)?.unwrap_or_default();
    let byte_counts: Vec<u64> = tags.numbers(counts.0, counts.1)?.unwrap_or_default();
    Ok(Directory {
        size,
        samples_per_pixel,
        bits_per_sample,
        sample_format: tags.number(Tag::SampleFormat, "SampleFormat")?.unwrap_or(1),
        photometric: tags.number(Tag::PhotometricInterpretation, "PhotometricInterpretation")?.unwrap_or(1),
        compression: tags.number(Tag::Compression, "Compression")?.unwrap_or(1),
        predictor: tags.number(Tag::Predictor, "Predictor")?.unwrap_or(1),
        planar: tags.number(Tag::PlanarConfiguration, "PlanarConfiguration")?.unwrap_or(1),
        fill_order: tags.number(Tag::FillOrder, "FillOrder")?.unwrap_or(1),
        block_size,
        tiled,
        subfile_type: tags.number(Tag::NewSubfileType, "NewSubfileType")?.unwrap_or(0),
        offsets: offsets.into(),
        byte_counts: byte_counts.into(),
        extra_samples: tags.numbers(Tag::ExtraSamples, "ExtraSamples")?.unwrap_or_default(),
        jpeg_tables: tags.bytes(Tag::JPEGTables, "JPEGTables")?.map(Arc::from),
        nodata: tags.text(Tag::GdalNodata, "GDAL_NODATA")?,
        metadata: tags.text(GDAL_METADATA, "GDAL_METADATA")?,
        geo: GeoTags {
            pixel_scale: tags.doubles(Tag::ModelPixelScaleTag, "ModelPixelScaleTag")?,
            tiepoints: tags.doubles(Tag::ModelTiepointTag, "ModelTiepointTag")?,
            transformation: tags.doubles(Tag::ModelTransformationTag, "ModelTransformationTag")?,
            key_directory: tags.numbers(Tag::GeoKeyDirectoryTag, "GeoKeyDirectoryTag")?.unwrap_or_default(),
            doubles: tags.doubles(Tag::GeoDoubleParamsTag, "GeoDoubleParamsTag")?,
            ascii: tags.text(Tag::GeoAsciiParamsTag, "GeoAsciiParamsTag")?.unwrap_or_default(),
        },
        stored_block_bytes: limits.stored_block_bytes,
    })
}

/// Tags of one directory, with the tag's name in every error.
struct Tags<'a, 'b> {
    decoder: &'a mut IfdDecoder<'b>,
    index: usize,
}

impl Tags<'_, '_> {
    fn nonsense(&self, tag: &'static str) -> TiffError {
        TiffError::Nonsense { index: self.index, tag }
    }

    fn has(&self, tag: Tag) -> bool {
        self.decoder.find_entry(tag).is_some()
    }

    fn found<T>(
        &mut self,
        name: &'static str,
        value: Result<Option<T>, CrateError>,
    ) -> Result<Option<T>, TiffError> {
        value.map_err(|source| TiffError::Tag { index: self.index, tag: name, source })
    }

    fn number<T: TryFrom<u64>>(&mut self, tag: Tag, name: &'static str) -> Result<Option<T>, TiffError> {
        let value = self.decoder.find_tag(tag);
        // Some writers repeat a number for every band: the first one counts.
        let Some(value) = self.found(name, value)? else { return Ok(None) };
        let value = match value {
            Value::List(values) => values.into_iter().next(),
            value => Some(value),
        };
        let number =
            value.and_then(|value| value.into_u64().ok()).and_then(|number| T::try_from(number).ok());
        number.map(Some).ok_or_else(|| self.nonsense(name))
    }

    fn required<T: TryFrom<u64>>(&mut self, tag: Tag, name: &'static str) -> Result<T, TiffError> {
        self.number(tag, name)?.ok_or(TiffError::Missing { index: self.index, tag: name })
    }

    fn numbers<T: TryFrom<u64>>(
        &mut self,
        tag: Tag,
        name: &'static str,
    ) -> Result<Option<Vec<T>>, TiffError> {
        let values = self.decoder.find_tag_unsigned_vec(tag);
        self.found(name, values)
    }

    fn doubles(&mut self, tag: Tag, name: &'static str) -> Result<Vec<f64>, TiffError> {
        let value = self.decoder.find_tag(tag).and_then(|v| v.map(Value::into_f64_vec).transpose());
        Ok(self.found(name, value)?.unwrap_or_default())
    }

    fn bytes(&mut self, tag: Tag, name: &'static str) -> Result<Option<Vec<u8>>, TiffError> {
        let value = self.decoder.find_tag(tag).and_then(|v| v.map(Value::into_u8_vec).transpose());
        self.found(name, value)
    }

    /// A text; one that is not text at all counts as absent, since no text decides how pixels are read.
    fn text(&mut self, tag: Tag, name: &'static str) -> Result<Option<String>, TiffError> {
        match self.decoder.find_tag(tag) {
            Ok(Some(Value::Ascii(text))) => Ok(Some(text)),
            Ok(_) | Err(CrateError::FormatError(_)) => Ok(None),
            Err(source) => Err(TiffError::Tag { index: self.index, tag: name, source }),
        }
    }
}
