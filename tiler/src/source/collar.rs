//! The dark (or white) frame that lossy compression leaves around imagery: nearly, but not exactly, of one colour.
//!
//! What is near that colour is nothing only where it is connected with the edge of the image: dark roofs stay. Connection is
//! found once per file on a coarse level; at the level that is read it is grown again from there, pixel by pixel.

use std::sync::OnceLock;

use super::{BlockAddress, Plane, Source, SourceError};
use crate::{
    geom::{Size, Window},
    raster::{Raster, Samples},
};

/// What counts as a collar.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum CollarRule {
    /// The nodata value, with a tolerance, where the file has one and is compressed with loss.
    #[default]
    Auto,
    /// Nothing does.
    Off,
    /// A colour, the same in all bands, with a tolerance.
    Value {
        /// The value of the samples; 0 for black.
        value: f64,
        /// How far samples may be from it.
        tolerance: f64,
    },
}

/// What lossy compression does to a flat colour beside imagery, in levels of 8 bits.
pub const TOLERANCE: f64 = 12.0;
/// Pixels that are taken from the imagery beside a collar: those that compression and averaging mixed.
const MARGIN_PX: usize = 2;
/// A level of at most so many pixels tells where the collar is.
const COARSE_PX: u64 = 4 << 20;
/// Without such a level the full image is decoded once, up to this size; beyond it there is no collar.
const FULL_PX: u64 = 64 << 20;

/// A collar, looked for when it is first needed.
#[derive(Debug)]
pub(super) struct Collar {
    value: f64,
    tolerance: f64,
    found: OnceLock<Option<Region>>,
}

/// The pixels of a level that belong to the collar.
#[derive(Debug)]
struct Region {
    size: Size,
    inside: Vec<bool>,
}

impl Collar {
    pub(super) fn new(value: f64, tolerance: f64) -> Self {
        Self { value, tolerance, found: OnceLock::new() }
    }

    fn is_near(&self, sample: f64) -> bool {
        (sample - self.value).abs() <= self.tolerance
    }

    /// The pixels of a raster that look like the collar, or are nothing anyway.
    fn candidates(&self, raster: &Raster) -> Vec<bool> {
        let bands = raster.bands();
        let near: Vec<bool> = match raster.samples() {
            Samples::U8(values) => {
                let table: Vec<bool> = (0..=255u8).map(|v| self.is_near(f64::from(v))).collect();
                values.chunks_exact(bands).map(|pixel| pixel.iter().all(|&v| table[usize::from(v)])).collect()
            }
            samples => (0..raster.size().pixels() as usize)
                .map(|at| (at * bands..(at + 1) * bands).all(|index| self.is_near(samples.value(index))))
                .collect(),
        };
        match raster.mask() {
            Some(mask) => near.iter().zip(mask).map(|(&near, &valid)| near || valid == 0).collect(),
            None => near,
        }
    }
}

impl Source {
    /// Whether the collar may hide a pixel of a block of the image.
    pub(super) fn touches_collar(&self, block: BlockAddress) -> bool {
        self.stored_size(block).is_some_and(|size| self.collar_at(block, size).is_some())
    }

    /// The collar, where it touches a block of so many pixels.
    fn collar_at(&self, block: BlockAddress, size: Size) -> Option<(&Collar, &Region)> {
        let collar = self.collar.as_ref()?;
        let region = collar.found.get_or_init(|| self.find_collar(collar).ok().flatten()).as_ref()?;
        let cell = self.collar_cell(block, region);
        region.touches(cell(0, 0), cell(size.width - 1, size.height - 1)).then_some((collar, region))
    }

    /// From a pixel of a block to the cell of the region that it lies in.
    fn collar_cell(&self, block: BlockAddress, region: &Region) -> impl Fn(u32, u32) -> (i64, i64) + use<> {
        let level = &self.levels[block.level];
        let (col_off, row_off) = level.block_offset(block);
        let scale = (
            f64::from(region.size.width) / f64::from(level.size.width),
            f64::from(region.size.height) / f64::from(level.size.height),
        );
        move |col, row| {
            let x = ((col_off as f64 + f64::from(col) + 0.5) * scale.0) as i64;
            let y = ((row_off as f64 + f64::from(row) + 0.5) * scale.1) as i64;
            (x, y)
        }
    }

    /// Takes the collar out of a decoded block.
    pub(super) fn without_collar(&self, block: BlockAddress, raster: Raster) -> Raster {
        let size = raster.size();
        let Some((collar, region)) = self.collar_at(block, size) else { return raster };
        let cell = self.collar_cell(block, region);
        let candidates = collar.candidates(&raster);
        let is_seed = |at: usize| {
            let (x, y) = cell(at as u32 % size.width, at as u32 / size.width);
            region.is_inside(x, y)
        };
        let may_grow = |at: usize| {
            let (x, y) = cell(at as u32 % size.width, at as u32 / size.width);
            (-1..=1).any(|dy| (-1..=1).any(|dx| region.is_inside(x + dx, y + dy)))
        };
        // One for each run in a line: growing finds the others.
        let is_first =
            |at: usize| at.is_multiple_of(size.width as usize) || !(candidates[at - 1] && is_seed(at - 1));
        let seeds =
            (0..candidates.len()).filter(|&at| candidates[at] && is_seed(at) && is_first(at)).collect();
        let grown = grow(size, seeds, |at| candidates[at] && may_grow(at));
        let hidden = widened(size, grown);
        let bands = raster.bands();
        let (samples, mask) = raster.into_parts();
        let mut mask = mask.unwrap_or_else(|| vec![255; hidden.len()]);
        mask.iter_mut().zip(&hidden).filter(|(_, hidden)| **hidden).for_each(|(mask, _)| *mask = 0);
        Raster::new(size, bands, samples, Some(mask))
    }

    /// Looks for the collar on a coarse level; `None` where there is none.
    fn find_collar(&self, collar: &Collar) -> Result<Option<Region>, SourceError> {
        let coarse = self.levels.iter().position(|level| level.size.pixels() <= COARSE_PX);
        let level = match coarse {
            Some(level) => level,
            None if self.size().pixels() <= FULL_PX => 0,
            None => return Ok(None),
        };
        let size = self.levels[level].size;
        let mut candidates = vec![false; size.pixels() as usize];
        for block in self.blocks(level, &Window::full(size)) {
            if block.plane != Plane::Image {
                continue;
            }
            let stored = self.fetch(&[block])?;
            let raster = self.decode_with_collar(block, &stored[0])?;
            let found = collar.candidates(&raster);
            let (col_off, row_off) = self.levels[level].block_offset(block);
            let (cols, rows) = (raster.size().width as usize, raster.size().height as usize);
            let (left, top) = (col_off as usize, row_off as usize);
            let width = cols.min(size.width as usize - left);
            for row in 0..rows.min(size.height as usize - top) {
                let to = (top + row) * size.width as usize + left;
                candidates[to..to + width].copy_from_slice(&found[row * cols..row * cols + width]);
            }
        }
        let (width, height) = (size.width as usize, size.height as usize);
        let edge = (0..width)
            .flat_map(|col| [col, (height - 1) * width + col])
            .chain((0..height).flat_map(|row| [row * width, row * width + width - 1]));
        let seeds: Vec<usize> = edge.filter(|&at| candidates[at]).collect();
        if seeds.is_empty() {
            return Ok(None);
        }
        let inside = grow(size, seeds, |at| candidates[at]);
        Ok(Some(Region { size, inside }))
    }
}

impl Region {
    fn is_inside(&self, col: i64, row: i64) -> bool {
        col >= 0
            && row >= 0
            && col < i64::from(self.size.width)
            && row < i64::from(self.size.height)
            && self.inside[row as usize * self.size.width as usize + col as usize]
    }

    /// Whether any pixel of a rectangle, edges included, is inside; the rectangle may reach far beyond.
    fn touches(&self, first: (i64, i64), last: (i64, i64)) -> bool {
        let last = (last.0.min(i64::from(self.size.width)), last.1.min(i64::from(self.size.height)));
        (first.1..=last.1).any(|row| (first.0..=last.0).any(|col| self.is_inside(col, row)))
    }
}

/// All pixels that are connected with a seed by their sides, through pixels that may be; a seed is one in any case.
///
/// # Allocations
/// A byte per pixel, and a number for each run of pixels in a line that is still to be looked at.
fn grow(size: Size, mut seeds: Vec<usize>, may: impl Fn(usize) -> bool) -> Vec<bool> {
    let (width, count) = (size.width as usize, size.pixels() as usize);
    let mut inside = vec![false; count];
    while let Some(at) = seeds.pop() {
        if inside[at] {
            continue;
        }
        // The run of its line that it is in.
        let line = at / width * width;
        let is_next = |inside: &[bool], at: usize| !inside[at] && may(at);
        let first = (line..at).rev().take_while(|&at| is_next(&inside, at)).last().unwrap_or(at);
        let last = (at + 1..line + width).take_while(|&at| is_next(&inside, at)).last().unwrap_or(at);
        inside[first..=last].fill(true);
        // The runs beside it, one pixel for each.
        for beside in [first.checked_sub(width), Some(first + width).filter(|&below| below < count)] {
            let Some(beside) = beside else { continue };
            let mut was_next = false;
            for at in beside..=beside + (last - first) {
                let is_next = is_next(&inside, at);
                if is_next && !was_next {
                    seeds.push(at);
                }
                was_next = is_next;
            }
        }
    }
    inside
}

/// The region with a margin around it.
fn widened(size: Size, inside: Vec<bool>) -> Vec<bool> {
    let (width, mut out) = (size.width as usize, inside);
    for step in [1, width] {
        let before = out.clone();
        for (at, _) in before.iter().enumerate().filter(|(_, inside)| **inside) {
            for distance in 1..=MARGIN_PX {
                let (back, forth) = (at.checked_sub(step * distance), at + step * distance);
                let same_line = |other: usize| step != 1 || other / width == at / width;
                if let Some(back) = back.filter(|&back| same_line(back)) {
                    out[back] = true;
                }
                if forth < out.len() && same_line(forth) {
                    out[forth] = true;
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_connected_with_a_seed_grows() {
        let open = [1, 1, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1];
        let inside = grow(Size::new(4, 3), vec![0], |at| open[at] == 1);
        assert_eq!(inside, [1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0].map(|v| v == 1));
    }

    #[test]
    fn a_block_that_reaches_far_beyond_the_region_is_looked_at_within_it() {
        let mut inside = vec![false; 15];
        let far = (i64::MAX, i64::MAX);
        assert!(!Region { size: Size::new(5, 3), inside: inside.clone() }.touches((0, 0), far));
        inside[14] = true;
        assert!(Region { size: Size::new(5, 3), inside }.touches((0, 0), far));
    }

    #[test]
    fn a_margin_stays_within_its_line() {
        let mut inside = vec![false; 15];
        inside[4] = true;
        let wide = widened(Size::new(5, 3), inside);
        assert_eq!(wide[..5], [false, false, true, true, true]);
        assert!(wide[9] && !wide[5]);
    }
}
