//! Where pixels come from and go to: with their bands beside each other, or each band in a plane of its own.

use std::ops::Range;

use super::{Down, Machine, Planes};
use crate::{
    io::{LINE, prefetch_line},
    raster::PlanePart,
    resample::Kernel,
};

/// An image that is read row by row.
pub trait Image<const BANDS: usize> {
    /// Announces what [`Self::load`] will read, where that may lie far away.
    fn announce(&self, _: usize, _: (usize, usize)) {}

    /// Bands of a row: from a column on as many pixels as are wanted, or up to the end. So many follow as may be read beyond,
    /// whatever they are; planes are there to make room for them.
    fn load<'a>(
        &'a self,
        machine: &mut impl Machine,
        row: usize,
        from_and_count: (usize, usize),
        planes: &'a mut Planes,
    ) -> [&'a [u8]; BANDS];
}

/// A patch that is filled run by run.
pub trait Target<const BANDS: usize> {
    /// Pixels from one row to the next.
    fn stride(&self) -> usize;
    /// Weighs rows into a run of pixels, counted from the first of the patch.
    fn down(&mut self, machine: &mut impl Machine, part: &Down<'_>, kernel: &Kernel, run: Range<usize>);
}

/// Pixels, and how many a row has.
pub struct Interleaved<'a> {
    pub pixels: &'a [u8],
    pub width: usize,
}

/// Pixels from the first of a patch on, and how many there are from one row to the next.
pub struct InterleavedMut<'a> {
    pub pixels: &'a mut [u8],
    pub stride: usize,
}

/// Planes of the same size, in parts that cover them, and how many samples a row has.
pub struct Apart<'a, const BANDS: usize> {
    pub parts: &'a [PlanePart<'a, BANDS>],
    pub width: usize,
}

/// Planes from the first sample of a patch on, and how many there are from one row to the next.
pub struct ApartMut<'a, const BANDS: usize> {
    pub planes: [&'a mut [u8]; BANDS],
    pub stride: usize,
}

impl<const BANDS: usize> Image<BANDS> for Interleaved<'_> {
    fn load<'a>(
        &'a self,
        machine: &mut impl Machine,
        row: usize,
        (from, count): (usize, usize),
        planes: &'a mut Planes,
    ) -> [&'a [u8]; BANDS] {
        let end = (from + count).min(self.width);
        let start = row * self.width;
        machine.split::<BANDS>(&self.pixels[(start + from) * BANDS..(start + end) * BANDS], planes);
        planes.bands()
    }
}

impl<const BANDS: usize> Target<BANDS> for InterleavedMut<'_> {
    fn stride(&self) -> usize {
        self.stride
    }

    fn down(&mut self, machine: &mut impl Machine, part: &Down<'_>, kernel: &Kernel, run: Range<usize>) {
        machine.down::<BANDS>(part, kernel, &mut self.pixels[run.start * BANDS..run.end * BANDS]);
    }
}

impl<const BANDS: usize> Image<BANDS> for Apart<'_, BANDS> {
    fn announce(&self, row: usize, (from, count): (usize, usize)) {
        let end = (from + count).min(self.width);
        for part in self.parts.iter().filter(|part| part.rows.contains(&row)) {
            let columns = from.max(part.columns.start)..end.min(part.columns.end);
            let start = (row - part.rows.start) * part.stride + columns.start - part.columns.start;
            for plane in part.planes {
                let samples = plane.get(start..start + columns.len()).unwrap_or_default();
                samples.chunks(LINE).for_each(prefetch_line);
                // It may end in another line than the one where its last part starts.
                prefetch_line(&samples[samples.len().saturating_sub(1)..]);
            }
        }
    }

    fn load<'a>(
        &'a self,
        _: &mut impl Machine,
        row: usize,
        (from, count): (usize, usize),
        planes: &'a mut Planes,
    ) -> [&'a [u8]; BANDS] {
        let end = (from + count).min(self.width);
        for part in self.parts.iter().filter(|part| part.rows.contains(&row)) {
            let columns = from.max(part.columns.start)..end.min(part.columns.end);
            if columns.is_empty() {
                continue;
            }
            let start = (row - part.rows.start) * part.stride + columns.start - part.columns.start;
            // What is read beyond the row is the next one.
            let is_long = |plane: &&[u8]| start + planes.width <= plane.len();
            if columns == (from..end) && part.planes.iter().all(is_long) {
                return part.planes.map(|plane| &plane[start..start + planes.width]);
            }
            for (band, plane) in part.planes.iter().enumerate() {
                let at = band * planes.width + columns.start - from;
                planes.samples[at..at + columns.len()].copy_from_slice(&plane[start..start + columns.len()]);
            }
        }
        planes.bands()
    }
}

impl<const BANDS: usize> Target<BANDS> for ApartMut<'_, BANDS> {
    fn stride(&self) -> usize {
        self.stride
    }

    fn down(&mut self, machine: &mut impl Machine, part: &Down<'_>, kernel: &Kernel, run: Range<usize>) {
        machine.down_apart(part, kernel, self.planes.each_mut().map(|plane| &mut plane[run.clone()]));
    }
}
