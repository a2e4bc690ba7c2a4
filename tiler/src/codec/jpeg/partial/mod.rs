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
mod scan;
#[cfg(target_arch = "x86_64")]
mod simd;
#[cfg(test)]
mod tests;
mod upsample;

use std::{ops::Range, rc::Rc};

use self::{
    bits::Broken,
    header::Frame,
    machine::Machine,
    scan::{EntryPoint, Segment, Strip, Tables},
};
use super::{BlockLayout, CodecError, Photometric, damaged, fits};
use crate::{
    geom::{Size, Window},
    raster::SampleType,
};

/// Columns of pixels from one entry point to the next.
const SEGMENT_PX: usize = 128;

/// A block whose pixels are decoded as they are asked for. It owns its state, but not the stream.
#[derive(Debug)]
pub struct PartialJpeg {
    frame: Frame,
    /// Of the block, which may be smaller than the frame.
    size: Size,
    converts: bool,
    /// One every so many units of a row of them, as far as was read.
    entries: Vec<EntryPoint>,
    segment: usize,
    /// For each row of pixels, the columns that are right.
    held: Vec<Range<u16>>,
    pixels: Vec<u8>,
}

impl PartialJpeg {
    /// Reads the markers of a stream. `None` where only the whole decoder reads its kind: progressive, arithmetic,
    /// lossless, of other than 8 bits, of other than one or three bands, of unusual sampling, of several scans.
    ///
    /// # Errors
    /// When the markers are damaged.
    ///
    /// # Allocations
    /// The pixels that the layout announces, and some thousandths more.
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
            held: vec![0..0; layout.size.height as usize],
            pixels: vec![0; layout.samples()],
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
        let Some((rows, columns)) = self.within(window) else { return Ok(()) };
        let mut decoder = None;
        let mut from = rows.start;
        while from < rows.end {
            let missing = self.missing(from, &columns);
            let same = |row: &usize| self.missing(*row, &columns) == missing;
            let end = (from..rows.end).take_while(same).last().map_or(rows.end, |row| row + 1);
            if let Some(missing) = missing {
                let decoder = decoder.get_or_insert_with(|| (machine, Tables::of(&self.frame)));
                self.run(bytes, decoder, from..end, &missing)?;
                for held in &mut self.held[from..end] {
                    *held = if held.start == held.end {
                        missing.start as u16..missing.end as u16
                    } else {
                        held.start.min(missing.start as u16)..held.end.max(missing.end as u16)
                    };
                }
            }
            from = end;
        }
        Ok(())
    }

    /// Interleaved samples of the whole block, rows from the top; only what was asked for is right.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Whether the pixels of the window are right.
    pub fn holds(&self, window: &Window) -> bool {
        self.within(window)
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
            + self.pixels.capacity()
    }

    /// Rows and columns of the window that are in the block.
    fn within(&self, window: &Window) -> Option<(Range<usize>, Range<usize>)> {
        let window = window.intersection(&Window::full(self.size))?;
        let rows = window.row_off as usize..window.row_end() as usize;
        Some((rows, window.col_off as usize..window.col_end() as usize))
    }

    /// The columns that a row needs in addition, so that those that it holds stay next to each other.
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

    /// Decodes the columns of these rows of pixels.
    fn run(
        &mut self,
        bytes: &[u8],
        (machine, tables): &(Machine, Rc<Tables>),
        rows: Range<usize>,
        columns: &Range<usize>,
    ) -> Result<(), Broken> {
        let (h, v) = self.frame.sampling;
        let (unit_columns, unit_rows) = self.frame.units();
        let needed_columns = needed(columns, h, unit_columns);
        let needed_rows = needed(&rows, v, unit_rows);
        let mut strip = Strip::new(&self.frame, needed_columns);
        let mut output = Output::new(&strip, self, *machine);
        let mut next = rows.start;
        for unit_row in needed_rows {
            let (top, bottom) = (8 * v * unit_row, 8 * v * (unit_row + 1));
            let with_luma = bottom > rows.start && top < rows.end;
            self.unit_row(bytes, (*machine, tables), unit_row, &mut strip, with_luma)?;
            // The last row of pixels waits for the chroma of the units below.
            let ready = if v == 2 && unit_row + 1 < unit_rows { bottom - 1 } else { bottom };
            for row in next..ready.min(rows.end) {
                let pixel = self.frame.components.len();
                let from = (row * self.size.width as usize + columns.start) * pixel;
                let to = self.pixels.get_mut(from..from + columns.len() * pixel).unwrap_or_default();
                output.row(&strip, row, columns, to);
            }
            next = next.max(ready);
        }
        Ok(())
    }

    /// Decodes the columns of the strip in one row of units.
    fn unit_row(
        &mut self,
        data: &[u8],
        (machine, tables): (Machine, &Tables),
        row: usize,
        strip: &mut Strip,
        with_luma: bool,
    ) -> Result<(), Broken> {
        let (width, _) = self.frame.units();
        let (frame, segment) = (&self.frame, self.segment);
        let segments = width.div_ceil(segment);
        let units = |index: usize| {
            let first = index % segments * segment;
            first..(first + segment).min(width)
        };
        let first = row * segments + strip.columns.start / segment;
        let last = row * segments + (strip.columns.end - 1) / segment;
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
                columns.end = columns.end.min(strip.columns.end);
            }
            machine.decode(Segment { frame, tables, data, at: &mut at, row, columns }, strip, with_luma)?;
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

/// Rows of samples to rows of pixels.
struct Output {
    machine: Machine,
    sampling: (usize, usize),
    converts: bool,
    /// Columns and rows of chroma in the whole frame.
    chroma: (usize, usize),
    sums: upsample::Sums,
    upsampled: [Vec<u8>; 2],
}

impl Output {
    fn new(strip: &Strip, block: &PartialJpeg, machine: Machine) -> Self {
        let (h, v) = block.frame.sampling;
        let Size { width, height } = block.frame.size;
        let room = if h == 2 { 16 * strip.columns.len() } else { 0 };
        Self {
            machine,
            sampling: (h, v),
            converts: block.converts,
            chroma: ((width as usize).div_ceil(h), (height as usize).div_ceil(v)),
            sums: Vec::new(),
            upsampled: [vec![0; room], vec![0; room]],
        }
    }

    fn row(&mut self, strip: &Strip, row: usize, columns: &Range<usize>, out: &mut [u8]) {
        let (h, v) = self.sampling;
        let start = 8 * h * strip.columns.start;
        let part = columns.start - start..columns.end - start;
        let luma = strip.row(0, row).get(part.clone()).unwrap_or_default();
        if out.len() == columns.len() {
            out.copy_from_slice(luma);
            return;
        }
        let near = row / v;
        let far = (v == 2).then(|| {
            let other = if row.is_multiple_of(2) { near.saturating_sub(1) } else { near + 1 };
            other.min(self.chroma.1 - 1)
        });
        let shown = self.chroma.0.saturating_sub(start / h);
        let [blue, red] = [1, 2].map(|component| {
            let cut = |row| {
                let samples = strip.row(component, row);
                &samples[..shown.min(samples.len())]
            };
            (cut(near), far.map(cut))
        });
        let chroma = if h == 2 {
            for (out, (near, far)) in self.upsampled.iter_mut().zip([blue, red]) {
                self.machine.upsample(near, far, &mut self.sums, out);
            }
            [&self.upsampled[0][..], &self.upsampled[1][..]]
        } else {
            [blue.0, red.0]
        };
        let [blue, red] = chroma.map(|samples| samples.get(part.clone()).unwrap_or_default());
        if self.converts {
            self.machine.convert([luma, blue, red], out);
        } else {
            colour::interleave([luma, blue, red], out);
        }
    }
}

fn broken(Broken(reason): Broken) -> CodecError {
    damaged(reason)
}
