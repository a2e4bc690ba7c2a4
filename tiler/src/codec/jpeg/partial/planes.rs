//! The samples of one component, as many as its units have.

use super::header::Frame;
use crate::raster::spare;

/// Rows of blocks beside each other, in memory that may have been used before.
#[derive(Debug)]
pub(super) struct Plane {
    samples: Vec<u8>,
    /// Samples of a row.
    stride: usize,
    /// Rows of a row of units.
    rows: usize,
}

impl Drop for Plane {
    fn drop(&mut self) {
        spare::put(std::mem::take(&mut self.samples));
    }
}

impl Plane {
    /// One for each component of a frame, with room for the rows of so many rows of units.
    pub(super) fn all(frame: &Frame, unit_rows: usize) -> Vec<Self> {
        let planes = (0..frame.components.len()).map(|index| {
            let (h, v) = if index == 0 { frame.sampling } else { (1, 1) };
            let (stride, rows) = (8 * h * frame.units().0, 8 * v);
            Self { samples: spare::take(unit_rows * rows * stride), stride, rows }
        });
        planes.collect()
    }

    /// The place of a block: the row of its unit, its row in there, and its column among all blocks.
    #[inline(always)]
    pub(super) const fn offset(&self, unit_row: usize, row: usize, column: usize) -> usize {
        (unit_row * self.rows + 8 * row) * self.stride + 8 * column
    }

    /// Puts the eight rows of a block to its place.
    #[inline(always)]
    pub(super) fn put(&mut self, offset: usize, row: impl Fn(usize) -> [u8; 8]) {
        let part = self.samples.get_mut(offset..).unwrap_or_default();
        for index in 0..8 {
            if let Some(to) = part.get_mut(index * self.stride..).and_then(|rest| rest.first_chunk_mut()) {
                *to = row(index);
            }
        }
    }

    /// A row of samples; empty outside.
    pub(super) fn row(&self, row: usize) -> &[u8] {
        let from = row * self.stride;
        self.samples.get(from..from + self.stride).unwrap_or_default()
    }

    /// All rows, and how many samples each has.
    pub(super) fn rows(&self) -> (&[u8], usize) {
        (&self.samples, self.stride)
    }

    pub(super) const fn bytes(&self) -> usize {
        self.samples.capacity()
    }
}
