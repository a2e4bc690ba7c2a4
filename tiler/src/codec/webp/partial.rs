//! Lossy WebP that is decoded from the top as far as it is asked for, and goes on from there.
//!
//! Its data can only be read from the start, like that of JPEG; libwebp's incremental decoder keeps where it stopped. So it is
//! given the stream piece by piece, until it has made the rows that are needed.

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

#[cfg(test)]
mod tests {
    use webpx::{EncoderConfig, Unstoppable};

    use super::*;
    use crate::codec::{Compression, plain};

    const SIZE: Size = Size::new(150, 200);

    fn photograph(bands: usize) -> Vec<u8> {
        let wave = |i: usize, f: f64| (127.0 + 90.0 * (i as f64 / f).sin()) as u8;
        (0..SIZE.pixels() as usize)
            .flat_map(|i| {
                let (x, y) = (i % 150, i / 150);
                [wave(x, 7.0), wave(y, 5.0), wave(x * y, 11.0), wave(x, 20.0)].into_iter().take(bands)
            })
            .collect()
    }

    fn stored(config: &EncoderConfig, bands: usize) -> Vec<u8> {
        let pixels = photograph(bands);
        let encoded = if bands == 4 {
            config.encode_rgba(&pixels, SIZE.width, SIZE.height, Unstoppable)
        } else {
            config.encode_rgb(&pixels, SIZE.width, SIZE.height, Unstoppable)
        };
        encoded.expect("it encodes")
    }

    fn lossy() -> EncoderConfig {
        EncoderConfig::new().quality(80.0)
    }

    fn layout() -> BlockLayout {
        BlockLayout { bands: BANDS, ..plain(SIZE, Compression::WebP) }
    }

    fn shown(block: &PartialWebP, window: &Window) -> Vec<u8> {
        let columns = window.col_off as usize..window.col_end() as usize;
        let mut out = vec![0; window.size().pixels() as usize * BANDS];
        let rows = block.pixel_rows();
        for (row, out) in (window.row_off as usize..).zip(out.chunks_exact_mut(columns.len() * BANDS)) {
            rows.row(row, &columns, out);
        }
        out
    }

    #[test]
    fn what_was_asked_for_is_as_in_the_whole_block_and_the_rest_can_follow() {
        let simple_filter = lossy().filter_type(0);
        let no_filter = lossy().filter_strength(0);
        let partitions = lossy().partitions(2);
        for config in [lossy(), simple_filter, no_filter, partitions] {
            let stored = stored(&config, BANDS);
            let whole = super::super::decode(&stored, &layout()).expect("it decodes");
            let mut block = PartialWebP::open(&stored, &layout()).expect("sound").expect("it is lossy");
            let mut given = 0;
            for window in [
                Window::new(20, 0, 9, 1),
                Window::new(0, 10, 150, 23),
                Window::new(100, 40, 50, 60),
                Window::new(3, 5, 20, 30),
                Window::full(SIZE),
                Window::new(0, 150, 150, 50),
            ] {
                block.decode(&stored, &window).expect("it decodes");
                assert!(block.holds(&window));
                let expected: Vec<u8> = (window.row_off..window.row_end())
                    .flat_map(|row| {
                        let start = (row as usize * 150 + window.col_off as usize) * BANDS;
                        whole[start..start + window.width as usize * BANDS].to_vec()
                    })
                    .collect();
                assert_eq!(shown(&block, &window), expected, "{window:?}");
                assert!(block.given >= given);
                given = block.given;
            }
            assert!(matches!(block.pixels, Pixels::Whole(_)), "nothing of the decoder is left");
        }
    }

    #[test]
    fn no_more_is_read_than_what_the_rows_need() {
        let stored = stored(&lossy(), BANDS);
        let mut block = PartialWebP::open(&stored, &layout()).expect("sound").expect("it is lossy");
        let upper = Window::new(0, 0, 150, 60);
        block.decode(&stored, &upper).expect("it decodes");
        assert!((60..130).contains(&block.rows), "{}", block.rows);
        assert!(block.given < stored.len() * 3 / 4, "{} of {}", block.given, stored.len());
        assert!(!block.holds(&Window::full(SIZE)));
        let below = Window::new(0, 199, 150, 1);
        assert_eq!(shown(&block, &below), vec![0; 150 * BANDS], "what was not decoded is left out");
    }

    #[test]
    fn only_opaque_lossy_pictures_of_three_bands_are_decoded_in_parts() {
        let lossless = EncoderConfig::new().lossless(true);
        let opened =
            |stored: &[u8], layout: &BlockLayout| PartialWebP::open(stored, layout).map(|b| b.is_some());
        assert!(opened(&stored(&lossy(), 3), &layout()).expect("sound"));
        assert!(!opened(&stored(&lossless, 3), &layout()).expect("sound"));
        assert!(!opened(&stored(&lossy(), 4), &layout()).expect("sound"));
        assert!(!opened(&stored(&lossy(), 3), &BlockLayout { bands: 4, ..layout() }).expect("sound"));
        let other = BlockLayout { size: Size::new(150, 199), ..layout() };
        assert!(matches!(opened(&stored(&lossy(), 3), &other), Err(CodecError::Dimensions { .. })));
        assert!(opened(b"no", &layout()).is_err());
    }

    #[test]
    fn damage_is_an_error_or_as_in_the_whole_block_and_never_a_panic() {
        let stored = stored(&lossy(), BANDS);
        let opened = |bytes: &[u8]| PartialWebP::open(bytes, &layout()).ok().flatten();
        for at in (0..stored.len()).step_by(7) {
            let mut damaged = stored.clone();
            damaged[at] ^= 0xff;
            if let Some(mut block) = opened(&damaged) {
                let part = block.decode(&damaged, &Window::new(0, 0, 150, 90)).is_ok();
                let decoded = part && block.decode(&damaged, &Window::full(SIZE)).is_ok();
                if decoded && let Ok(whole) = super::super::decode(&damaged, &layout()) {
                    assert!(shown(&block, &Window::full(SIZE)) == whole, "{at}");
                }
            }
            if let Some(mut block) = opened(&stored[..at]) {
                assert!(block.decode(&stored[..at], &Window::full(SIZE)).is_err());
            }
        }
    }
}
