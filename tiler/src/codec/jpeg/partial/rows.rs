//! Rows of samples to rows of pixels.

use std::ops::Range;

use super::{PartialJpeg, colour, planes::Planes, upsample};
use crate::codec::jpeg::machine::Machine;
use crate::geom::Size;

/// Makes rows of pixels of what a block holds.
pub struct PixelRows<'a> {
    planes: &'a Planes,
    machine: Machine,
    sampling: (usize, usize),
    converts: bool,
    /// Columns and rows of chroma in the whole frame.
    chroma: (usize, usize),
    sums: upsample::Sums,
    upsampled: [Vec<u8>; 2],
}

impl<'a> PixelRows<'a> {
    pub(super) fn new(block: &'a PartialJpeg, machine: Machine) -> Self {
        let (h, v) = block.frame.sampling;
        let Size { width, height } = block.frame.size;
        Self {
            planes: &block.planes,
            machine,
            sampling: (h, v),
            converts: block.converts,
            chroma: ((width as usize).div_ceil(h), (height as usize).div_ceil(v)),
            sums: Vec::new(),
            upsampled: [Vec::new(), Vec::new()],
        }
    }

    /// Interleaved samples of some columns of a row; only what was decoded is right.
    pub fn row(&mut self, row: usize, columns: &Range<usize>, out: &mut [u8]) {
        let luma = self.planes.row(0, row).get(columns.clone()).unwrap_or_default();
        if self.planes.count() == 1 {
            out.iter_mut().zip(luma).for_each(|(out, &sample)| *out = sample);
            return;
        }
        let (h, v) = self.sampling;
        let near = row / v;
        let far = (v == 2).then(|| {
            let other = if row.is_multiple_of(2) { near.saturating_sub(1) } else { near + 1 };
            other.min(self.chroma.1 - 1)
        });
        // Those that the columns share, and one beside them on each side.
        let beneath = if h == 2 {
            (columns.start / 2).saturating_sub(1)..(columns.end.div_ceil(2) + 1).min(self.chroma.0)
        } else {
            columns.clone()
        };
        let [blue, red] = [1, 2].map(|plane| {
            let cut = |row| self.planes.row(plane, row).get(beneath.clone()).unwrap_or_default();
            (cut(near), far.map(cut))
        });
        let chroma = if h == 2 {
            for (out, (near, far)) in self.upsampled.iter_mut().zip([blue, red]) {
                out.resize(2 * beneath.len(), 0);
                self.machine.upsample(near, far, &mut self.sums, out);
            }
            let part = columns.start - 2 * beneath.start..columns.end - 2 * beneath.start;
            [0, 1].map(|index| self.upsampled[index].get(part.clone()).unwrap_or_default())
        } else {
            [blue.0, red.0]
        };
        let [blue, red] = chroma;
        if self.converts {
            self.machine.convert([luma, blue, red], out);
        } else {
            colour::interleave([luma, blue, red], out);
        }
    }
}
