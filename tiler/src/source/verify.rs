//! Reads back what was just written, before it gets its name.

use std::path::Path;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::{BlockAddress, NodataRule, OpenOptions, Plane, Source};
use crate::{
    cog::write::{PixelSource, WriteError, WriteOptions, WriteProblem, Written, write_unfinished},
    io::Access,
    raster::Samples,
};

/// Writes a file as [`crate::cog::write::write`] does, and gives it its name only when all its blocks read back as they
/// should: lossless ones to the same samples, lossy ones to the same bytes, which decode.
///
/// # Errors
/// As `write`, and when what is read back is something else.
///
/// # Allocations
/// As `write`.
pub fn write_verified(
    path: &Path,
    options: &WriteOptions,
    source: &dyn PixelSource,
) -> Result<Written, WriteError> {
    let unfinished = write_unfinished(path, options, source)?;
    match compare(unfinished.temporary_path(), unfinished.written()) {
        Ok(()) => unfinished.finish(),
        Err(reason) => Err(unfinished.refuse(WriteProblem::ReadBack { reason })),
    }
}

/// Compares a file with what was written.
fn compare(path: &Path, written: &Written) -> Result<(), String> {
    // The file is nobody else's yet, so a map is safe; nothing beside it counts for its blocks.
    let options =
        OpenOptions { access: Access::default(), nodata: NodataRule::Own, ..OpenOptions::default() };
    let source = Source::open(path, &options).map_err(|error| super::chain(&error))?;
    let levels: Vec<_> = source.levels.iter().map(|level| level.size).collect();
    if levels != written.levels {
        return Err(format!("levels of {levels:?}"));
    }
    for level in 0..levels.len() {
        compare_plane(&source, level, Plane::Image, &written.blocks[level], written.is_lossless)?;
        if let Some(hashes) = written.masks.get(level) {
            compare_plane(&source, level, Plane::Mask, hashes, true)?;
        }
    }
    source.check().map_err(|error| super::chain(&error))
}

fn compare_plane(
    source: &Source,
    level: usize,
    plane: Plane,
    hashes: &[u64],
    of_samples: bool,
) -> Result<(), String> {
    let Some(blocks) = source.levels[level].blocks(plane) else { return Err("a mask is missing".to_owned()) };
    let cols = source.levels[level].size.width.div_ceil(blocks.size().width);
    let wrong = |block: BlockAddress, reason: &str| {
        format!("the block at column {}, row {} of level {level} {reason}", block.col, block.row)
    };
    hashes.par_iter().enumerate().try_for_each(|(index, &hash)| {
        let block = BlockAddress { level, plane, col: index as u32 % cols, row: index as u32 / cols };
        let told = |error| super::chain(&error);
        let stored = source.fetch(&[block]).map_err(told)?;
        let Some(stored) = stored.first() else { return Ok(()) };
        let bytes = stored.only_piece();
        match (bytes, hash) {
            (None, 0) => return Ok(()),
            (None, _) | (Some(_), 0) => return Err(wrong(block, "is missing")),
            (Some(bytes), hash) if !of_samples && xxh3_64(bytes) != hash => {
                return Err(wrong(block, "has other bytes"));
            }
            _ => {}
        }
        let samples = source.decode_samples(block, stored).map_err(told)?;
        let samples = if plane == Plane::Mask { with_full_bytes(samples) } else { samples };
        if of_samples && xxh3_64(&samples.to_ne_bytes()) != hash {
            return Err(wrong(block, "has other pixels"));
        }
        Ok(())
    })
}

/// Any value but 0 is 255.
fn with_full_bytes(samples: Samples) -> Samples {
    match samples {
        Samples::U8(values) => {
            values.into_iter().map(|v| if v == 0 { 0 } else { 255 }).collect::<Vec<u8>>().into()
        }
        other => other,
    }
}
