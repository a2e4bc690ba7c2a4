//! The samples of all components, as many as their units have.

use super::{header::Frame, scan::Transform};
use crate::{io::LINE, raster::spare};

/// Planes of samples in one piece of memory, which may have been used before: smaller pieces would waste some of it.
#[derive(Debug)]
pub(super) struct Planes {
    samples: Vec<u8>,
    planes: Vec<Plane>,
}

/// Rows of blocks beside each other.
#[derive(Debug, Clone, Copy)]
struct Plane {
    /// Its first sample.
    start: usize,
    /// Samples of a row.
    stride: usize,
    /// Rows of a row of units.
    rows: usize,
    /// Samples in all.
    len: usize,
    /// How many units a line of memory holds the samples of, as a power of two.
    units_in_line: u32,
}

/// So many lines before they are written to are lines announced.
const LINES_AHEAD: usize = 1;

impl Drop for Planes {
    fn drop(&mut self) {
        spare::put(std::mem::take(&mut self.samples));
    }
}

impl Planes {
    /// Those of a frame, with room for the rows of so many rows of units.
    pub(super) fn new(frame: &Frame, unit_rows: usize) -> Self {
        let mut start = 0;
        let planes = (0..frame.components.len()).map(|index| {
            let (h, v) = if index == 0 { frame.sampling } else { (1, 1) };
            let (stride, rows) = (8 * h * frame.units().0, 8 * v);
            let plane = Plane {
                start,
                stride,
                rows,
                len: unit_rows * rows * stride,
                units_in_line: (LINE / (8 * h)).ilog2(),
            };
            start += plane.len;
            plane
        });
        let planes = planes.collect();
        Self { samples: spare::take(start), planes }
    }

    /// How many there are.
    pub(super) const fn count(&self) -> usize {
        self.planes.len()
    }

    /// The place of a block: the row of its unit, its row in there, and its column among all blocks.
    #[inline(always)]
    pub(super) fn offset(&self, plane: usize, unit_row: usize, row: usize, column: usize) -> usize {
        let plane = &self.planes[plane];
        plane.start + (unit_row * plane.rows + 8 * row) * plane.stride + 8 * column
    }

    /// Announces lines of memory that are filled some units later: at each unit as many as a unit fills, so that they come one
    /// after the other. Without that, writing them waits for memory: a quarter of the time of decoding.
    #[inline(always)]
    pub(super) fn announce(&self, how: impl Transform, unit_row: usize, unit: usize) {
        for plane in &self.planes {
            let due = plane.units_in_line;
            let (mut start, mut unit_row) = (((unit >> due) + LINES_AHEAD) * LINE, unit_row);
            if start >= plane.stride {
                (start, unit_row) = (start - plane.stride, unit_row + 1);
            }
            // Of the rows of a line's units, those that are due at this one.
            let rows = plane.rows >> due;
            let first = unit_row * plane.rows + (unit & ((1 << due) - 1)) * rows;
            for row in first..first + rows {
                if let Some(memory) = self.samples.get(plane.start + row * plane.stride + start..) {
                    how.announce(memory);
                }
            }
        }
    }

    /// Puts the eight rows of a block to its place.
    #[inline(always)]
    pub(super) fn put(&mut self, plane: usize, offset: usize, row: impl Fn(usize) -> [u8; 8]) {
        let stride = self.planes[plane].stride;
        let part = self.samples.get_mut(offset..).unwrap_or_default();
        for index in 0..8 {
            if let Some(to) = part.get_mut(index * stride..).and_then(|rest| rest.first_chunk_mut()) {
                *to = row(index);
            }
        }
    }

    /// A row of samples; empty outside.
    pub(super) fn row(&self, plane: usize, row: usize) -> &[u8] {
        let (samples, stride) = self.rows(plane);
        samples.get(row * stride..(row + 1) * stride).unwrap_or_default()
    }

    /// All rows of a plane, and how many samples each has.
    pub(super) fn rows(&self, plane: usize) -> (&[u8], usize) {
        self.planes
            .get(plane)
            .map_or((&[], 0), |plane| (&self.samples[plane.start..plane.start + plane.len], plane.stride))
    }

    pub(super) const fn bytes(&self) -> usize {
        self.samples.capacity() + self.planes.capacity() * size_of::<Plane>()
    }
}
