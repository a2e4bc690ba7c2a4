//! Which blocks a window needs, their bytes, and what they decode to.

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_128;

use super::{Cog, CogError, Level, Problem, level::Alpha, nodata};
use crate::{codec, geom::Window, raster::Raster};

/// The image itself, or the mask beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Plane {
    /// Colours, with alpha and nodata.
    Image,
    /// Which pixels are valid.
    Mask,
}

/// A block of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlockAddress {
    /// 0 for full resolution.
    pub level: usize,
    /// Image or mask.
    pub plane: Plane,
    /// Column among the blocks.
    pub col: u32,
    /// Row among them.
    pub row: u32,
}

/// The key of a decoded block in a cache: file, state of the file, and address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlockKey(pub u128);

/// A block as it is stored; `None` for one that was never written.
pub type BlockBytes<'a> = Option<Cow<'a, [u8]>>;

impl Cog {
    /// The blocks that hold the pixels of a window, which may reach outside the level.
    ///
    /// # Panics
    /// When there is no such level.
    pub fn blocks(&self, level: usize, window: &Window) -> Vec<BlockAddress> {
        let planes = &self.levels[level];
        let Some(part) = window.intersection(&Window::full(planes.size)) else { return Vec::new() };
        let mut blocks = Vec::new();
        for plane in [Plane::Image, Plane::Mask] {
            let Some(found) = planes.plane(BlockAddress { level, plane, col: 0, row: 0 }) else { continue };
            let size = found.directory.block_size;
            let cols = first_and_last(part.col_off, part.col_end(), size.width);
            let rows = first_and_last(part.row_off, part.row_end(), size.height);
            for row in rows.0..=rows.1 {
                blocks.extend((cols.0..=cols.1).map(|col| BlockAddress { level, plane, col, row }));
            }
        }
        blocks
    }

    /// The key of a block in a cache.
    pub fn block_key(&self, block: BlockAddress) -> BlockKey {
        let mut bytes = [0; 16 + 4 * 4];
        bytes[..16].copy_from_slice(&self.generation.to_le_bytes());
        let numbers = [block.level as u32, block.plane as u32, block.col, block.row];
        for (target, number) in bytes[16..].chunks_exact_mut(4).zip(numbers) {
            target.copy_from_slice(&number.to_le_bytes());
        }
        BlockKey(xxh3_128(&bytes))
    }

    /// The stored bytes of blocks; all are announced to the system before the first is read.
    ///
    /// # Errors
    /// When a block does not lie within the file, or cannot be read.
    pub fn fetch(&self, blocks: &[BlockAddress]) -> Result<Vec<BlockBytes<'_>>, CogError> {
        let ranges: Vec<_> = blocks
            .iter()
            .map(|&block| match self.levels[block.level].plane(block) {
                Some(plane) => plane.directory.block_range(block.col, block.row, self.bytes.len()),
                None => Ok(None),
            })
            .collect::<Result<_, _>>()
            .map_err(|problem| self.fail(problem))?;
        let needed: Vec<_> = ranges.iter().flatten().cloned().collect();
        self.bytes.will_need(&needed);
        ranges
            .into_iter()
            .map(|range| range.map(|range| self.bytes.read(range)).transpose())
            .collect::<Result<_, _>>()
            .map_err(|problem| self.fail(problem))
    }

    /// Decodes a block: colours with their mask, or for a mask one band of 0 (invalid) or 255.
    ///
    /// # Errors
    /// When the bytes are damaged.
    pub fn decode(&self, block: BlockAddress, bytes: &BlockBytes<'_>) -> Result<Raster, CogError> {
        let level = &self.levels[block.level];
        let Some(plane) = level.plane(block) else {
            return Ok(Raster::invalid(level.size, level.colour_bands()));
        };
        let layout = plane.layout(block);
        let Some(bytes) = bytes else {
            return Ok(sparse(level, block.plane, layout.size));
        };
        let samples = codec::decode(bytes, &layout).map_err(|source| {
            self.fail(Problem::Block { level: block.level, col: block.col, row: block.row, source })
        })?;
        if block.plane == Plane::Mask {
            // GDAL writes 8-bit masks with any value for "valid".
            let samples = samples.into_iter().map(|v| if v == 0 { 0 } else { 255 }).collect();
            return Ok(Raster::new(layout.size, 1, samples, None));
        }
        let raster = match level.alpha {
            Some(alpha) => split_alpha(layout.size, layout.bands, &samples, alpha),
            None => Raster::new(layout.size, layout.bands, samples, None),
        };
        Ok(match level.nodata {
            Some(value) => nodata::apply(raster, value),
            None => raster,
        })
    }

    /// Whether the file is still what it was when it was opened.
    ///
    /// # Errors
    /// When it shrank or was changed: nothing that was read from it may be kept.
    pub fn check(&self) -> Result<(), CogError> {
        self.bytes.check().map_err(|problem| self.fail(problem))
    }
}

fn first_and_last(start: i64, end: i64, size: u32) -> (u32, u32) {
    ((start / i64::from(size)) as u32, ((end - 1) / i64::from(size)) as u32)
}

/// A block that was never written reads as zeros, as in GDAL: nothing where a mask, alpha or nodata says so, else black.
fn sparse(level: &Level, plane: Plane, size: crate::geom::Size) -> Raster {
    let bands = if plane == Plane::Mask { 1 } else { level.colour_bands() };
    let count = size.pixels() as usize;
    let value = if plane == Plane::Image { level.nodata.unwrap_or(0) } else { 0 };
    let hidden = plane == Plane::Image && (level.alpha.is_some() || level.nodata.is_some());
    Raster::new(size, bands, vec![value; count * bands], hidden.then(|| vec![0; count]))
}

/// Moves the last sample of each pixel into the mask.
fn split_alpha(size: crate::geom::Size, bands: usize, samples: &[u8], alpha: Alpha) -> Raster {
    let count = size.pixels() as usize;
    let (mut pixels, mut mask) = (Vec::with_capacity(count * (bands - 1)), Vec::with_capacity(count));
    for pixel in samples.chunks_exact(bands) {
        let (&a, colours) = pixel.split_last().unwrap_or((&0, &[]));
        match alpha {
            Alpha::Premultiplied if a != 0 => pixels.extend(
                colours
                    .iter()
                    .map(|&c| ((u32::from(c) * 255 + u32::from(a) / 2) / u32::from(a)).min(255) as u8),
            ),
            _ => pixels.extend_from_slice(colours),
        }
        mask.push(a);
    }
    Raster::new(size, bands - 1, pixels, Some(mask))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::Size;

    #[test]
    fn alpha_becomes_the_mask_and_premultiplied_colours_are_restored() {
        let samples = [100, 50, 0, 128, 10, 20, 30, 0];
        let straight = split_alpha(Size::new(2, 1), 4, &samples, Alpha::Straight);
        assert_eq!(
            (straight.pixels(), straight.mask()),
            (&[100, 50, 0, 10, 20, 30][..], Some(&[128, 0][..]))
        );
        let premultiplied = split_alpha(Size::new(2, 1), 4, &samples, Alpha::Premultiplied);
        assert_eq!(premultiplied.pixels()[..3], [199, 100, 0]);
    }

    #[test]
    fn a_window_names_the_first_and_the_last_block() {
        assert_eq!(first_and_last(0, 512, 512), (0, 0));
        assert_eq!(first_and_last(511, 513, 512), (0, 1));
    }
}
