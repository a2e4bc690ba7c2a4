//! The full resolution image, its overviews and their masks: which directories they are.

use std::cmp::Reverse;

use super::layout::{LayoutError, Plane};
use crate::{
    geom::Size,
    tiff::{Directory, TiffFile},
};

const REDUCED: u32 = 1;
const MASK: u32 = 4;

/// One resolution of an image: where its pixels are stored, and its mask.
#[derive(Debug)]
pub struct TiffLevel {
    /// The pixels.
    pub image: Plane,
    /// The mask beside them.
    pub mask: Option<Plane>,
}

impl TiffLevel {
    /// Columns and rows.
    pub fn size(&self) -> Size {
        self.image.directory.size
    }
}

/// What a file beside the image is to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// Its number among the files of the source; the image's own is 0.
    pub file: usize,
    /// Whether it holds masks (`.msk`), not overviews (`.ovr`).
    pub is_mask: bool,
}

/// The levels of a file, full resolution first, then overviews from the largest to the smallest.
///
/// Images beyond the first that are not marked as reduced are pages of their own, as in GDAL.
///
/// # Errors
/// When there is no image, or one that is not read here; an overview that is not read is left out.
pub fn levels(file: &TiffFile) -> Result<Vec<TiffLevel>, LayoutError> {
    let main = file.directories.iter().find(|d| d.subfile_type & (REDUCED | MASK) == 0);
    // Some writers mark even the only image as reduced.
    let main = main
        .or_else(|| file.directories.iter().find(|d| d.subfile_type & MASK == 0))
        .ok_or(LayoutError::NoImage)?;
    let main = Plane::image(main, file.big_endian)?;
    let overviews = overviews(file, &main);
    let mut levels = vec![TiffLevel { image: main, mask: None }];
    levels.extend(overviews);
    let masks = file.directories.iter().filter(|d| d.subfile_type & MASK != 0);
    attach(&mut levels, masks, (file.big_endian, 0))?;
    Ok(levels)
}

/// The levels of a file beside the one with the image: its overviews (`.ovr`), or masks of it and of its overviews (`.msk`).
///
/// # Errors
/// When a mask is not read here.
pub fn beside(levels: &mut Vec<TiffLevel>, file: &TiffFile, role: Role) -> Result<(), LayoutError> {
    let masks = |d: &&Directory| role.is_mask || d.subfile_type & MASK != 0;
    if !role.is_mask {
        let Some(main) = levels.first().map(|level| &level.image) else { return Ok(()) };
        let found: Vec<_> = file
            .directories
            .iter()
            .filter(|d| d.subfile_type & MASK == 0)
            .filter_map(|d| overview(d, main, file.big_endian))
            .map(|image| TiffLevel { image: Plane { file: role.file, ..image }, mask: None })
            .collect();
        levels.extend(found);
        levels[1..].sort_by_key(|level| Reverse(level.size().pixels()));
    }
    attach(levels, file.directories.iter().filter(masks), (file.big_endian, role.file))
}

/// All masks of a file beside an image that is no TIFF.
///
/// # Errors
/// When a mask is not read here.
pub fn masks(header: &TiffFile, file: usize) -> Result<Vec<Plane>, LayoutError> {
    let mask = |directory| Plane::mask(directory, header.big_endian).map(|plane| Plane { file, ..plane });
    header.directories.iter().map(mask).collect()
}

fn overviews(file: &TiffFile, main: &Plane) -> Vec<TiffLevel> {
    let mut found: Vec<TiffLevel> = file
        .directories
        .iter()
        .filter(|d| d.subfile_type & (REDUCED | MASK) == REDUCED)
        .filter_map(|d| overview(d, main, file.big_endian))
        .map(|image| TiffLevel { image, mask: None })
        .collect();
    found.sort_by_key(|level| Reverse(level.size().pixels()));
    found
}

/// A smaller image of the same bands and samples.
fn overview(directory: &Directory, main: &Plane, big_endian: bool) -> Option<Plane> {
    let (size, full) = (directory.size, main.directory.size);
    let is_smaller = size.width < full.width || size.height < full.height;
    let image = is_smaller.then(|| Plane::image(directory, big_endian).ok()).flatten()?;
    (image.bands() == main.bands() && image.sample() == main.sample()).then_some(image)
}

/// Gives every level without one the mask of its size.
fn attach<'a>(
    levels: &mut [TiffLevel],
    masks: impl Iterator<Item = &'a Directory>,
    (big_endian, file): (bool, usize),
) -> Result<(), LayoutError> {
    for mask in masks {
        let level = levels.iter_mut().find(|level| level.mask.is_none() && level.size() == mask.size);
        if let Some(level) = level {
            level.mask = Some(Plane { file, ..Plane::mask(mask, big_endian)? });
        }
    }
    Ok(())
}
