//! Lossy WebP that is decoded from the top as far as it is asked for, and goes on from there.
//!
//! Its data can only be read from the start, like that of JPEG; libwebp's incremental decoder keeps where it stopped. So it is
//! given the stream piece by piece, until it has made the rows that are needed.

#[cfg(test)]
mod tests;

use std::{fmt, ops::Range};

use parking_lot::{Mutex, MutexGuard};
use self_cell::{MutBorrow, self_cell};
use webpx::{BitstreamFormat, ColorMode, Limits, StreamingDecoder};

use super::{super::Photometric, BlockLayout, CodecError, damaged, info};
use crate::{
    geom::{Size, Window},
    raster::{SampleType, spare},
};

const BANDS: usize = 3;
/// A stream is given in so many pieces: on average half of one is read for rows that nobody asked for.
const PIECES: usize = 32;
/// Bytes that libwebp keeps for each column while it decodes: rows of units that wait for their filter, coefficients of one row, and what
/// the next one is predicted from.
const KEPT_FOR_COLUMN: usize = 128;

self_cell!(
    /// The pixels, and the decoder that writes them.
    struct Decoding {
        owner: MutBorrow<Vec<u8>>,
        #[not_covariant]
        dependent: StreamingDecoder,
    }
);

/// A block whose rows are decoded as they are asked for. Until all are, libwebp has a copy of the stream, as far as it was given.
#[derive(Debug)]
pub struct PartialWebP {
    size: Size,
    /// Rows that are right, from the top.
    rows: usize,
    /// Bytes of the stream that the decoder has.
    given: usize,
    byte_len: usize,
    pixels: Pixels,
}

enum Pixels {
    /// libwebp's decoder is for one thread at a time, also to read from.
    Decoding(Mutex<Decoding>),
    Whole(Vec<u8>),
}

/// Rows of pixels of a block, as long as this is kept.
#[derive(Debug)]
pub struct WebPRows<'a> {
    row_bytes: usize,
    pixels: HeldPixels<'a>,
}

enum HeldPixels<'a> {
    Decoding(MutexGuard<'a, Decoding>),
    Whole(&'a [u8]),
}

impl PartialWebP {
    /// Reads the headers of a stream. `None` where it is decoded whole: lossless, with alpha, animated, of other than three bands.
    ///
    /// # Errors
    /// When the headers are damaged.
    ///
    /// # Allocations
    /// The pixels that the layout announces.
    pub fn open(bytes: &[u8], layout: &BlockLayout) -> Result<Option<Self>, CodecError> {
        let has_kind = layout.sample == SampleType::U8
            && layout.bands == BANDS
            && layout.photometric != Photometric::Cmyk;
        // Of a longer stream the copies would be larger than the pixels.
        if !has_kind || bytes.len() > layout.decoded_bytes() {
            return Ok(None);
        }
        let info = info(bytes, layout)?;
        if info.has_alpha || info.has_animation || info.format != BitstreamFormat::Lossy {
            return Ok(None);
        }
        let size = layout.size;
        let row_bytes = size.width as usize * BANDS;
        let decoding = Decoding::try_new(MutBorrow::new(spare::take(layout.decoded_bytes())), |pixels| {
            let decoder = StreamingDecoder::with_buffer(pixels.borrow_mut(), row_bytes, ColorMode::Rgb);
            // What was checked above is what the stream has.
            decoder.map(|decoder| decoder.limits(Limits::none()))
        })
        .map_err(damaged)?;
        Ok(Some(Self {
            size,
            rows: 0,
            given: 0,
            byte_len: size_of::<Self>()
                + layout.decoded_bytes()
                + bytes.len()
                + size.width as usize * KEPT_FOR_COLUMN,
            pixels: Pixels::Decoding(Mutex::new(decoding)),
        }))
    }

    /// Makes the pixels of a window of the block right; `bytes` is the stream that was opened.
    ///
    /// # Errors
    /// When the data is damaged or ends before the window does.
    ///
    /// # Allocations
    /// A copy of the stream and some rows of units, until the last row is decoded.
    pub fn decode(&mut self, bytes: &[u8], window: &Window) -> Result<(), CodecError> {
        let needed = self.needed_rows(window);
        let piece = bytes.len().div_ceil(PIECES).max(1);
        let Pixels::Decoding(decoding) = &mut self.pixels else { return Ok(()) };
        let decoding = decoding.get_mut();
        while self.rows < needed {
            let next = bytes.get(self.given..bytes.len().min(self.given + piece)).unwrap_or_default();
            if next.is_empty() {
                return Err(damaged("the stream is incomplete"));
            }
            self.rows = decoding
                .with_dependent_mut(|_, decoder| {
                    decoder.append(next).map(|_| decoder.decoded_rows() as usize)
                })
                .map_err(damaged)?;
            self.given += next.len();
        }
        if self.rows == self.size.height as usize {
            self.pixels = Pixels::Whole(self.pixels.take());
        }
        Ok(())
    }

    /// Whether the pixels of the window are right.
    pub fn holds(&self, window: &Window) -> bool {
        self.needed_rows(window) <= self.rows
    }

    /// Bytes that it takes at most: with the decoder, which goes when all is decoded.
    pub fn byte_len(&self) -> usize {
        self.byte_len
    }

    /// What has rows of pixels. As long as not all are decoded, one thread has it at a time.
    pub fn pixel_rows(&self) -> WebPRows<'_> {
        let pixels = match &self.pixels {
            Pixels::Decoding(decoding) => HeldPixels::Decoding(decoding.lock()),
            Pixels::Whole(pixels) => HeldPixels::Whole(pixels),
        };
        WebPRows { row_bytes: self.size.width as usize * BANDS, pixels }
    }

    fn needed_rows(&self, window: &Window) -> usize {
        window.intersection(&Window::full(self.size)).map_or(0, |window| window.row_end() as usize)
    }
}

impl Pixels {
    /// The memory of the pixels, without the decoder; nothing is left here.
    fn take(&mut self) -> Vec<u8> {
        match std::mem::replace(self, Self::Whole(Vec::new())) {
            Self::Decoding(decoding) => decoding.into_inner().into_owner().into_inner(),
            Self::Whole(pixels) => pixels,
        }
    }
}

impl Drop for PartialWebP {
    fn drop(&mut self) {
        spare::put(self.pixels.take());
    }
}

impl WebPRows<'_> {
    /// Interleaved samples of some columns of a row. What was not decoded is left out.
    pub fn row(&self, row: usize, columns: &Range<usize>, out: &mut [u8]) {
        let start = row * self.row_bytes;
        let part = start + columns.start * BANDS..start + columns.end * BANDS;
        let copy = |pixels: &[u8]| {
            if let Some(pixels) = pixels.get(part) {
                out.copy_from_slice(pixels);
            }
        };
        match &self.pixels {
            HeldPixels::Whole(pixels) => copy(pixels),
            HeldPixels::Decoding(decoding) => decoding.with_dependent(|_, decoder| {
                copy(decoder.get_partial().map_or(&[], |(pixels, ..)| pixels));
            }),
        }
    }
}

impl fmt::Debug for Pixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Decoding(_) => "Decoding",
            Self::Whole(_) => "Whole",
        })
    }
}

impl fmt::Debug for HeldPixels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Decoding(_) => "Decoding",
            Self::Whole(_) => "Whole",
        })
    }
}
