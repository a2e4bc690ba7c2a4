//! Baseline JPEG of which only the rows that are asked for are decoded, now or later.
//!
//! Entropy-coded data can only be read from its start. So this goes no further than the last rows of units that are needed,
//! keeps on its way where it can go on (an *entry point* for each of them), and those that it goes over it only reads, without
//! a transform. What is asked for later starts from the nearest entry point. A row is decoded whole: all of it has to be read
//! anyway, and what stands beside a tile is soon needed by its neighbour.
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
    planes::Planes,
    scan::{EntryPoint, Tables, UnitRow},
};
use super::{BlockLayout, CodecError, Photometric, damaged, fits, machine::Machine};
use crate::{
    geom::{Size, Window},
    raster::{SampleType, StoredPlanes},
};

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
    /// One for each row of units, as far as was read.
    entries: Vec<EntryPoint>,
    /// Whether a row of units was decoded.
    held: Vec<bool>,
    planes: Planes,
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
        let rows = needed(&(0..layout.size.height as usize), frame.sampling.1, frame.units().1).end;
        let mut entries = Vec::with_capacity(1 + rows);
        entries.push(EntryPoint::start(&frame));
        Ok(Some(Self {
            size: layout.size,
            converts: matches!(layout.photometric, Photometric::YCbCr(_)),
            entries,
            held: vec![false; rows],
            planes: Planes::new(&frame, rows),
            frame,
        }))
    }

    /// Makes the pixels of a window of the block right; `bytes` is the stream that was opened.
    ///
    /// # Errors
    /// When the data is damaged, or stands where it should not. The whole decoder may read it nevertheless.
    ///
    /// # Allocations
    /// Tables of some 40 kB for each thread, which stay.
    pub fn decode(&mut self, bytes: &[u8], window: &Window) -> Result<(), CodecError> {
        self.decode_on(Machine::detect(), bytes, window).map_err(broken)
    }

    fn decode_on(&mut self, machine: Machine, bytes: &[u8], window: &Window) -> Result<(), Broken> {
        let mut tables = None;
        for row in self.unit_rows(window) {
            if !self.held[row] {
                let tables = tables.get_or_insert_with(|| Tables::of(&self.frame));
                self.unit_row(bytes, (machine, tables), row)?;
                self.held[row] = true;
            }
        }
        Ok(())
    }

    /// The samples as they are, where they are luma and chroma of half the columns and rows.
    pub fn ycbcr(&self) -> Option<StoredPlanes<'_>> {
        let is_so = self.planes.count() == 3 && self.converts && self.frame.sampling == (2, 2);
        is_so.then(|| [0, 1, 2].map(|plane| self.planes.rows(plane)))
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
        self.unit_rows(window).all(|row| self.held[row])
    }

    /// Bytes that it takes.
    pub fn byte_len(&self) -> usize {
        let tables: usize = self.frame.components.iter().map(|part| part.dc.bytes() + part.ac.bytes()).sum();
        size_of::<Self>()
            + tables
            + self.frame.components.capacity() * size_of::<header::Component>()
            + self.entries.capacity() * size_of::<EntryPoint>()
            + self.held.capacity()
            + self.planes.bytes()
    }

    /// Rows of units that the pixels of a window need, as far as they are in the block.
    fn unit_rows(&self, window: &Window) -> Range<usize> {
        window.intersection(&Window::full(self.size)).map_or(0..0, |window| {
            let rows = window.row_off as usize..window.row_end() as usize;
            needed(&rows, self.frame.sampling.1, self.frame.units().1)
        })
    }

    /// Decodes one row of units.
    fn unit_row(
        &mut self,
        data: &[u8],
        (machine, tables): (Machine, &Tables),
        row: usize,
    ) -> Result<(), Broken> {
        let frame = &self.frame;
        while self.entries.len() <= row {
            let Some(&(mut at)) = self.entries.last() else { return Err(Broken("no entry point")) };
            machine.pass(UnitRow { frame, tables, data, at: &mut at, row: self.entries.len() - 1 })?;
            self.entries.push(at);
        }
        let mut at = self.entries[row];
        machine.decode(UnitRow { frame, tables, data, at: &mut at, row }, &mut self.planes)?;
        if self.entries.len() == row + 1 {
            self.entries.push(at);
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
