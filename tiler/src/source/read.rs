//! Which blocks a window needs, their bytes, and what they decode to.

use std::{borrow::Cow, ops::Range};

use xxhash_rust::xxh3::xxh3_128;

use super::{Problem, Source, SourceError, level::Blocks};
use crate::{
    codec::{self, CodecError},
    geom::{Size, Window},
    raster::{Raster, SampleType, Samples},
};

/// The image itself, or the mask beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Plane {
    /// Colours, with alpha and nodata.
    Image,
    /// Which pixels are valid.
    Mask,
}

/// A block of a level: all its bands, also where they are stored apart.
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

/// A block as it is stored: one piece, or one per band; a piece is `None` where it was never written.
#[derive(Debug)]
pub struct StoredBlock<'a> {
    pieces: Vec<Option<Cow<'a, [u8]>>>,
}

#[cfg(test)]
impl<'a> StoredBlock<'a> {
    /// A block that is stored in one piece.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { pieces: vec![Some(bytes.into())] }
    }
}

impl StoredBlock<'_> {
    /// The bytes of a block that is stored in one piece, where it was written.
    pub(super) fn only_piece(&self) -> Option<&[u8]> {
        self.pieces.first()?.as_deref()
    }
}

/// The file that holds a block, and where its pieces lie in it.
type Ranges = (usize, Vec<Option<Range<u64>>>);

impl Source {
    /// The blocks that hold the pixels of a window, which may reach outside the level.
    ///
    /// # Panics
    /// When there is no such level.
    pub fn blocks(&self, level: usize, window: &Window) -> Vec<BlockAddress> {
        let planes = &self.levels[level];
        let Some(part) = window.intersection(&Window::full(planes.size)) else { return Vec::new() };
        let mut blocks = Vec::new();
        for plane in [Plane::Image, Plane::Mask] {
            let Some(size) = planes.blocks(plane).map(Blocks::size) else { continue };
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
    pub fn fetch(&self, blocks: &[BlockAddress]) -> Result<Vec<StoredBlock<'_>>, SourceError> {
        let ranges: Vec<_> = blocks
            .iter()
            .map(|block| self.ranges(*block))
            .collect::<Result<_, _>>()
            .map_err(|problem| self.fail(problem))?;
        for (number, file) in self.files.iter().enumerate() {
            let of_file = ranges.iter().filter(|(file, _)| *file == number);
            let needed: Vec<_> = of_file.flat_map(|(_, pieces)| pieces.iter().flatten().cloned()).collect();
            if !needed.is_empty() {
                file.will_need(&needed);
            }
        }
        ranges
            .into_iter()
            .map(|(file, pieces)| {
                let read =
                    |range: Option<Range<u64>>| range.map(|range| self.files[file].read(range)).transpose();
                pieces.into_iter().map(read).collect::<Result<_, _>>().map(|pieces| StoredBlock { pieces })
            })
            .collect::<Result<_, _>>()
            .map_err(|problem| self.fail(problem))
    }

    /// Tells the system that the stored bytes of blocks, decoded by now, need not count as memory of this process.
    pub fn done_with(&self, blocks: &[BlockAddress]) {
        for block in blocks {
            if let Ok((file, pieces)) = self.ranges(*block) {
                let ranges: Vec<_> = pieces.into_iter().flatten().collect();
                self.files[file].done_with(&ranges);
            }
        }
    }

    /// The file that holds a block, and where its pieces lie in it.
    pub(super) fn ranges(&self, block: BlockAddress) -> Result<Ranges, Problem> {
        let Some(blocks) = self.levels[block.level].blocks(block.plane) else { return Ok((0, Vec::new())) };
        let len = self.files[blocks.file()].len();
        let pieces = match blocks {
            Blocks::Tiff(plane) => (0..plane.directory.pieces())
                .map(|piece| plane.directory.block_range(block.col, block.row, piece, len))
                .collect::<Result<_, _>>()?,
            // The codestream tells only while it is decoded what it needs.
            Blocks::Jp2 { .. } => Vec::new(),
        };
        Ok((blocks.file(), pieces))
    }

    /// Decodes a block: colours with their mask, or for a mask one band of 0 (invalid) or 255.
    ///
    /// # Errors
    /// When the bytes are damaged.
    pub fn decode(&self, block: BlockAddress, stored: &StoredBlock<'_>) -> Result<Raster, SourceError> {
        let raster = self.decode_with_collar(block, stored)?;
        Ok(if block.plane == Plane::Image { self.without_collar(block, raster) } else { raster })
    }

    pub(super) fn decode_with_collar(
        &self,
        block: BlockAddress,
        stored: &StoredBlock<'_>,
    ) -> Result<Raster, SourceError> {
        let level = &self.levels[block.level];
        let Some(size) = self.stored_size(block) else {
            return Ok(Raster::invalid(level.size, self.bands(), self.sample()));
        };
        if !stored.pieces.is_empty() && stored.pieces.iter().all(Option::is_none) {
            return Ok(self.sparse(block.plane, size));
        }
        let samples = self.decode_samples(block, stored)?;
        if block.plane == Plane::Mask {
            let Samples::U8(values) = samples else { return Ok(self.sparse(block.plane, size)) };
            // Any value but 0 is valid, and a pixel is when one of its bands is.
            let bands = (values.len() / (size.pixels() as usize).max(1)).max(1);
            let is_valid = |pixel: &[u8]| if pixel.iter().all(|&v| v == 0) { 0 } else { 255 };
            let values: Vec<u8> = values.chunks_exact(bands).map(is_valid).collect();
            return Ok(Raster::new(size, 1, values, None));
        }
        Ok(self.rules.apply(size, self.facts.bands, samples, self.full_alpha()))
    }

    /// Decodes a block into samples as they are stored, alpha among the bands, interleaved.
    ///
    /// What was never written has the nodata value, or 0.
    ///
    /// # Errors
    /// When the bytes are damaged.
    pub fn decode_samples(
        &self,
        block: BlockAddress,
        stored: &StoredBlock<'_>,
    ) -> Result<Samples, SourceError> {
        let failed = |source: CodecError| {
            self.fail(Problem::Block { level: block.level, col: block.col, row: block.row, source })
        };
        match self.levels[block.level].blocks(block.plane) {
            Some(Blocks::Tiff(plane)) => {
                let layout = plane.layout(block.row);
                // Some writers end the last tile of a column where the image ends.
                let first_row = block.row.saturating_mul(plane.directory.block_size.height);
                let rows_inside =
                    plane.directory.size.height.saturating_sub(first_row).min(layout.size.height);
                let count = layout.size.pixels() as usize * layout.decoded_bands();
                let empty = || {
                    let value = if block.plane == Plane::Image { self.rules.nodata } else { None };
                    filled(layout.sample, count, value.unwrap_or(0.0))
                };
                let mut pieces = Vec::with_capacity(stored.pieces.len());
                for piece in &stored.pieces {
                    pieces.push(match piece {
                        Some(bytes) => {
                            let decoded = codec::decode_top(bytes, &layout, rows_inside).map_err(failed)?;
                            let samples = Samples::from_bytes(layout.sample, decoded);
                            if samples.len() != count {
                                let codec = layout.compression.name();
                                let (found, expected) = (samples.len(), count);
                                return Err(failed(CodecError::Length { codec, found, expected }));
                            }
                            samples
                        }
                        None => empty(),
                    });
                }
                let samples = Samples::interleave(pieces);
                match samples {
                    Samples::U8(inks) if plane.inks_apart => {
                        Ok(codec::inks_to_rgba(&inks, plane.directory.pieces()).into())
                    }
                    samples => Ok(samples),
                }
            }
            Some(Blocks::Jp2 { file, level, .. }) => {
                let Some(window) = self.levels[block.level].block_window(block) else {
                    return Ok(Samples::zeros(self.sample(), 0));
                };
                let decoded = file.decode(self.files[0].as_ref(), *level, &window);
                decoded.map_err(|problem| self.fail(problem))
            }
            None => Ok(Samples::U8(Vec::new())),
        }
    }

    /// Columns and rows of a block as it is stored.
    pub fn stored_size(&self, block: BlockAddress) -> Option<Size> {
        Some(match self.levels[block.level].blocks(block.plane)? {
            Blocks::Tiff(plane) => plane.directory.stored_size(block.row),
            Blocks::Jp2 { .. } => {
                let window = self.levels[block.level].block_window(block)?;
                Size::new(window.width, window.height)
            }
        })
    }

    /// A block that was never written reads as nodata or zeros, as in GDAL: nothing where a mask, alpha or nodata says so,
    /// else black.
    fn sparse(&self, plane: Plane, size: Size) -> Raster {
        let count = size.pixels() as usize;
        if plane == Plane::Mask {
            return Raster::new(size, 1, vec![0u8; count], None);
        }
        let samples = filled(self.sample(), count * self.bands(), self.rules.nodata.unwrap_or(0.0));
        Raster::new(size, self.bands(), samples, self.rules.hide_anything().then(|| vec![0; count]))
    }

    /// Whether the files are still what they were when they were opened.
    ///
    /// # Errors
    /// When one shrank or was changed: nothing that was read from it may be kept.
    pub fn check(&self) -> Result<(), SourceError> {
        self.files.iter().try_for_each(|file| file.check()).map_err(|problem| self.fail(problem))
    }
}

fn first_and_last(start: i64, end: i64, size: u32) -> (u32, u32) {
    ((start / i64::from(size)) as u32, ((end - 1) / i64::from(size)) as u32)
}

fn filled(kind: SampleType, count: usize, value: f64) -> Samples {
    let mut samples = Samples::zeros(kind, count);
    samples.fill(value);
    samples
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::OpenOptions;

    #[test]
    fn a_window_names_the_first_and_the_last_block() {
        assert_eq!(first_and_last(0, 512, 512), (0, 0));
        assert_eq!(first_and_last(511, 513, 512), (0, 1));
    }

    /// One pixel of inks, each stored apart.
    fn inks(stored: [u8; 4]) -> Vec<u8> {
        // Tag, type (3 SHORT, 4 LONG), count, value; what does not fit lies at the end.
        let entries: [[u32; 4]; 9] = [
            [256, 3, 1, 1],   // ImageWidth
            [257, 3, 1, 1],   // ImageLength
            [258, 3, 4, 122], // BitsPerSample
            [259, 3, 1, 1],   // Compression: none
            [262, 3, 1, 5],   // PhotometricInterpretation: inks
            [273, 4, 4, 130], // StripOffsets
            [277, 3, 1, 4],   // SamplesPerPixel
            [279, 4, 4, 146], // StripByteCounts
            [284, 3, 1, 2],   // PlanarConfiguration: apart
        ];
        let mut bytes = [b"II*\0".as_slice(), &8u32.to_le_bytes(), &9u16.to_le_bytes()].concat();
        for [tag, kind, count, value] in entries {
            bytes.extend((tag as u16).to_le_bytes().into_iter().chain((kind as u16).to_le_bytes()));
            bytes.extend(count.to_le_bytes().into_iter().chain(value.to_le_bytes()));
        }
        bytes.extend(0u32.to_le_bytes());
        bytes.extend([8u16; 4].iter().flat_map(|v| v.to_le_bytes()));
        bytes.extend([162u32, 163, 164, 165].iter().flat_map(|v| v.to_le_bytes()));
        bytes.extend([1u32; 4].iter().flat_map(|v| v.to_le_bytes()));
        bytes.extend(stored);
        bytes
    }

    #[test]
    fn inks_that_are_stored_apart_become_colours_together() {
        let source =
            Source::from_bytes(inks([255, 0, 100, 0]), &OpenOptions::default()).expect("it is sound");
        let mut samples = Vec::new();
        source.for_each_sample(|bytes| samples.extend_from_slice(bytes)).expect("it is sound");
        assert_eq!((samples, source.has_alpha()), (vec![0, 255, 155, 255], true));
    }
}
