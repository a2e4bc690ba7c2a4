//! Baseline JPEG of which only what is asked for is decoded, now or later.
//!
//! Entropy-coded data can only be read from its start. So this goes no further than the last units that are needed, keeps on
//! its way where it can go on (an *entry point* every few units), and what it goes over it only reads, without a
//! transform or a conversion of colours. What is asked for later starts from the nearest entry point.
//!
//! The samples are those of libjpeg-turbo with its defaults, to the bit.

#![expect(clippy::inline_always, reason = "what is inlined is compiled for the processor of its caller")]

mod bits;
mod colour;
mod header;
mod huffman;
mod idct;
mod machine;
mod planes;
mod rows;
mod scan;
#[cfg(target_arch = "x86_64")]
mod simd;
#[cfg(test)]
mod tests;
mod upsample;

use std::ops::Range;

use self::{
    bits::Broken,
    header::Frame,
    machine::Machine,
    planes::Plane,
    scan::{EntryPoint, Segment, Tables},
};
use super::{BlockLayout, CodecError, Photometric, damaged, fits};
use crate::{
    geom::{Size, Window},
    raster::{SampleType, StoredPlanes},
};

/// Columns of pixels from one entry point to the next.
const SEGMENT_PX: usize = 128;

pub use rows::PixelRows;

/// A block whose pixels are decoded as they are asked for. It owns its state, but not the stream.
///
/// It holds what the stream has, samples of each component: chroma is brought to the size of luma, and colours are
/// converted, when pixels are taken from it.
#[derive(Debug)]
pub struct PartialJpeg {
    frame: Frame,
    /// Of the block, which may be smaller than the frame.
    size: Size,
    converts: bool,
    /// One every so many units of a row of them, as far as was read.
    entries: Vec<EntryPoint>,
    segment: usize,
    /// For each row of units, the columns of them that were decoded.
    held: Vec<Range<u16>>,
    planes: Vec<Plane>,
}

impl PartialJpeg {
    /// Reads the markers of a stream. `None` where only the whole decoder reads its kind: progressive, arithmetic,
    /// lossless, of other than 8 bits, of other than one or three bands, of unusual sampling, of several scans.
    ///
    /// # Errors
    /// When the markers are damaged.
    ///
    /// # Allocations
    /// The samples of the units of the pixels that the layout announces, and some thousandths more.
    pub fn open(bytes: &[u8], layout: &BlockLayout) -> Result<Option<Self>, CodecError> {
        let kind = layout.sample == SampleType::U8
            && matches!(layout.bands, 1 | 3)
            && layout.photometric != Photometric::Cmyk;
        if !kind || u32::try_from(bytes.len()).is_err() {
            return Ok(None);
        }
        let Some(frame) = Frame::read(bytes, layout.jpeg_tables.as_deref()).map_err(broken)? else {
            return Ok(None);
        };
        let (width, height) = (frame.size.width as usize, frame.size.height as usize);
        if frame.components.len() != layout.bands || !fits(width, height, layout) {
            return Ok(None);
        }
        let (h, v) = frame.sampling;
        let rows = needed(&(0..layout.size.height as usize), v, frame.units().1).end;
        let mut entries = Vec::with_capacity(1 + rows * width.div_ceil(SEGMENT_PX));
        entries.push(EntryPoint::start(&frame));
        Ok(Some(Self {
            size: layout.size,
            segment: SEGMENT_PX / (8 * h),
            converts: matches!(layout.photometric, Photometric::YCbCr(_)),
            entries,
            held: vec![0..0; rows],
            planes: Plane::all(&frame, rows),
            frame,
        }))
    }

    /// Makes the pixels of a window of the block right; `bytes` is the stream that was opened.
    ///
    /// # Errors
    /// When the data is damaged, or stands where it should not. The whole decoder may read it nevertheless.
    ///
    /// # Allocations
    /// Two rows of units.
    pub fn decode(&mut self, bytes: &[u8], window: &Window) -> Result<(), CodecError> {
        self.decode_on(Machine::detect(), bytes, window).map_err(broken)
    }

    fn decode_on(&mut self, machine: Machine, bytes: &[u8], window: &Window) -> Result<(), Broken> {
        let Some((rows, columns)) = self.units_of(window) else { return Ok(()) };
        let mut tables = None;
        let all = 0..self.frame.units().0;
        for row in rows {
            // What is read on the way to them, or is beside them, a neighbour will need: it would have to be read again.
            if self.missing(row, &columns).is_none() {
                continue;
            }
            let Some(missing) = self.missing(row, &all) else { continue };
            let tables = tables.get_or_insert_with(|| Tables::of(&self.frame));
            self.unit_row(bytes, (machine, tables), row, &missing)?;
            let held = &mut self.held[row];
            *held = if held.start == held.end {
                missing.start as u16..missing.end as u16
            } else {
                held.start.min(missing.start as u16)..held.end.max(missing.end as u16)
            };
        }
        Ok(())
    }

    /// The samples as they are, where they are luma and chroma of half the columns and rows.
    pub fn ycbcr(&self) -> Option<StoredPlanes<'_>> {
        let [luma, blue, red] = &self.planes[..] else { return None };
        (self.converts && self.frame.sampling == (2, 2)).then(|| [luma, blue, red].map(Plane::rows))
    }

    /// What makes rows of pixels of the samples.
    pub fn pixel_rows(&self) -> PixelRows<'_> {
        PixelRows::new(self, Machine::detect())
    }

    /// Interleaved samples of all pixels, rows from the top; only what was asked for is right.
    pub fn pixels(&self) -> Vec<u8> {
        let (width, bands) = (self.size.width as usize, self.frame.components.len());
        let mut rows = self.pixel_rows();
        let mut pixels = vec![0; self.size.pixels() as usize * bands];
        for (row, out) in pixels.chunks_exact_mut(width * bands).enumerate() {
            rows.row(row, &(0..width), out);
        }
        pixels
    }

    /// Whether the pixels of the window are right.
    pub fn holds(&self, window: &Window) -> bool {
        self.units_of(window)
            .is_none_or(|(mut rows, columns)| rows.all(|row| self.missing(row, &columns).is_none()))
    }

    /// Bytes that it takes.
    pub fn byte_len(&self) -> usize {
        let tables: usize = self.frame.components.iter().map(|part| part.dc.bytes() + part.ac.bytes()).sum();
        size_of::<Self>()
            + tables
            + self.frame.components.capacity() * size_of::<header::Component>()
            + self.entries.capacity() * size_of::<EntryPoint>()
            + self.held.capacity() * size_of::<Range<u16>>()
            + self.planes.iter().map(|plane| size_of::<Plane>() + plane.bytes()).sum::<usize>()
    }

    /// Rows and columns of units that the pixels of a window need, as far as they are in the block.
    fn units_of(&self, window: &Window) -> Option<(Range<usize>, Range<usize>)> {
        let window = window.intersection(&Window::full(self.size))?;
        let ((h, v), (columns, rows)) = (self.frame.sampling, self.frame.units());
        let rows = needed(&(window.row_off as usize..window.row_end() as usize), v, rows);
        Some((rows, needed(&(window.col_off as usize..window.col_end() as usize), h, columns)))
    }

    /// The columns that a row of units needs in addition, so that those that it holds stay next to each other.
    fn missing(&self, row: usize, columns: &Range<usize>) -> Option<Range<usize>> {
        let held = self.held.get(row).map_or(0..0, |held| held.start.into()..held.end.into());
        if held.start == held.end {
            return Some(columns.clone());
        }
        match (columns.start < held.start, columns.end > held.end) {
            (false, false) => None,
            (true, false) => Some(columns.start..held.start),
            (false, true) => Some(held.end..columns.end),
            (true, true) => Some(columns.clone()),
        }
    }

    /// Decodes some columns of one row of units.
    fn unit_row(
        &mut self,
        data: &[u8],
        (machine, tables): (Machine, &Tables),
        row: usize,
        wanted: &Range<usize>,
    ) -> Result<(), Broken> {
        let (width, _) = self.frame.units();
        let (frame, segment) = (&self.frame, self.segment);
        let segments = width.div_ceil(segment);
        let units = |index: usize| {
            let first = index % segments * segment;
            first..(first + segment).min(width)
        };
        let first = row * segments + wanted.start / segment;
        let last = row * segments + (wanted.end - 1) / segment;
        while self.entries.len() <= first {
            let index = self.entries.len() - 1;
            let Some(&(mut at)) = self.entries.last() else { return Err(Broken("no entry point")) };
            let row = index / segments;
            machine.pass(Segment { frame, tables, data, at: &mut at, row, columns: units(index) })?;
            self.entries.push(at);
        }
        for index in first..=last {
            let Some(&(mut at)) = self.entries.get(index) else { return Err(Broken("no entry point")) };
            let known = index + 1 < self.entries.len();
            let mut columns = units(index);
            if known {
                columns.end = columns.end.min(wanted.end);
            }
            let segment = Segment { frame, tables, data, at: &mut at, row, columns };
            machine.decode(segment, wanted, &mut self.planes)?;
            if !known {
                self.entries.push(at);
            }
        }
        Ok(())
    }
}

/// Units that these pixels need of `all`: where samples are shared by two pixels, also those of the neighbours.
fn needed(pixels: &Range<usize>, factor: usize, all: usize) -> Range<usize> {
    let margin = factor - 1;
    let unit = 8 * factor;
    pixels.start.saturating_sub(margin) / unit..(pixels.end + margin).div_ceil(unit).min(all)
}

fn broken(Broken(reason): Broken) -> CodecError {
    damaged(reason)
}
