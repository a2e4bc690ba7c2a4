//! A block that is decoded as its parts are asked for, by whichever codec can.

use std::ops::Range;

use super::{
    BlockLayout, CodecError, Compression, PartialJpeg,
    jpeg::PixelRows,
    webp::{PartialWebP, WebPRows},
};
use crate::{geom::Window, raster::StoredPlanes};

/// The pixels, and where their decoder stopped.
#[derive(Debug)]
#[expect(missing_docs, reason = "each variant is its codec")]
pub enum PartialBlock {
    Jpeg(PartialJpeg),
    WebP(PartialWebP),
}

/// What makes rows of pixels of the samples of a block.
pub enum PartialRows<'a> {
    /// Samples are brought to one size, and colours converted.
    Jpeg(PixelRows<'a>),
    /// Pixels are there.
    WebP(WebPRows<'a>),
}

impl PartialBlock {
    /// Reads the headers of a stream. `None` where it can only be decoded whole.
    ///
    /// # Errors
    /// When the headers are damaged.
    ///
    /// # Allocations
    /// As [`PartialJpeg::open`] and [`PartialWebP::open`].
    pub fn open(bytes: &[u8], layout: &BlockLayout) -> Result<Option<Self>, CodecError> {
        match layout.compression {
            Compression::Jpeg => Ok(PartialJpeg::open(bytes, layout)?.map(Self::Jpeg)),
            Compression::WebP => Ok(PartialWebP::open(bytes, layout)?.map(Self::WebP)),
            _ => Ok(None),
        }
    }

    /// Makes the pixels of a window of the block right; `bytes` is the stream that was opened.
    ///
    /// # Errors
    /// When the data is damaged, or stands where it should not. The whole decoder may read it nevertheless.
    ///
    /// # Allocations
    /// As [`PartialJpeg::decode`] and [`PartialWebP::decode`].
    pub fn decode(&mut self, bytes: &[u8], window: &Window) -> Result<(), CodecError> {
        match self {
            Self::Jpeg(block) => block.decode(bytes, window),
            Self::WebP(block) => block.decode(bytes, window),
        }
    }

    /// Whether the pixels of the window are right.
    pub fn holds(&self, window: &Window) -> bool {
        match self {
            Self::Jpeg(block) => block.holds(window),
            Self::WebP(block) => block.holds(window),
        }
    }

    /// Luma and chroma, where they are what is stored and of half the columns and rows.
    pub fn ycbcr(&self) -> Option<StoredPlanes<'_>> {
        match self {
            Self::Jpeg(block) => block.ycbcr(),
            Self::WebP(_) => None,
        }
    }

    /// What makes rows of pixels of the samples.
    pub fn pixel_rows(&self) -> PartialRows<'_> {
        match self {
            Self::Jpeg(block) => PartialRows::Jpeg(block.pixel_rows()),
            Self::WebP(block) => PartialRows::WebP(block.pixel_rows()),
        }
    }

    /// Bytes that it takes at most, while it is decoded.
    pub fn byte_len(&self) -> usize {
        match self {
            Self::Jpeg(block) => block.byte_len(),
            Self::WebP(block) => block.byte_len(),
        }
    }
}

impl PartialRows<'_> {
    /// Interleaved samples of some columns of a row; only what was decoded is right.
    pub fn row(&mut self, row: usize, columns: &Range<usize>, out: &mut [u8]) {
        match self {
            Self::Jpeg(rows) => rows.row(row, columns, out),
            Self::WebP(rows) => rows.row(row, columns, out),
        }
    }
}
