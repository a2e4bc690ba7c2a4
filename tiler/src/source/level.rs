//! One resolution of an image: where its blocks are.

use std::sync::Arc;

use super::read::{BlockAddress, Plane};
use crate::{
    cog,
    geom::{Size, Window},
    jp2::Jp2,
    tiff::TiffError,
};

/// One resolution of an image.
#[derive(Debug)]
pub struct Level {
    /// Columns and rows.
    pub size: Size,
    /// Pixels of the full resolution image under one pixel of this level, along columns and along rows.
    pub factor: (f64, f64),
    pub(super) image: Blocks,
    pub(super) mask: Option<Blocks>,
}

/// How blocks of one kind at one resolution are stored.
#[derive(Debug)]
pub(super) enum Blocks {
    /// As tiles or strips of a TIFF.
    Tiff(Box<cog::Plane>),
    /// In a JPEG 2000 codestream, from which windows are decoded: they are its blocks.
    Jp2 {
        file: Arc<Jp2>,
        level: usize,
        /// Stored bytes of this level and the coarser ones, estimated.
        bytes: u64,
    },
}

impl Blocks {
    pub(super) fn tiff(plane: cog::Plane) -> Self {
        Self::Tiff(Box::new(plane))
    }

    /// Which of the source's files holds them.
    pub(super) fn file(&self) -> usize {
        match self {
            Self::Tiff(plane) => plane.file,
            Self::Jp2 { .. } => 0,
        }
    }

    pub(super) fn size(&self) -> Size {
        match self {
            Self::Tiff(plane) => plane.directory.block_size,
            Self::Jp2 { file, level, .. } => file.block_size(*level),
        }
    }

    /// Whether all blocks lie within the file.
    pub(super) fn check(&self, file_len: u64) -> Result<(), TiffError> {
        match self {
            Self::Tiff(plane) => plane.directory.check_blocks(file_len),
            Self::Jp2 { .. } => Ok(()),
        }
    }
}

impl Level {
    pub(super) fn new(full: Size, size: Size, image: Blocks, mask: Option<Blocks>) -> Self {
        let ratio = |full: u32, part: u32| f64::from(full) / f64::from(part);
        let factor = (ratio(full.width, size.width), ratio(full.height, size.height));
        Self { size, factor, image, mask }
    }

    pub(super) fn blocks(&self, plane: Plane) -> Option<&Blocks> {
        match plane {
            Plane::Image => Some(&self.image),
            Plane::Mask => self.mask.as_ref(),
        }
    }

    /// First column and row of a block in this level.
    pub fn block_offset(&self, block: BlockAddress) -> (i64, i64) {
        let size = self.blocks(block.plane).map_or(Size::new(0, 0), Blocks::size);
        (i64::from(block.col) * i64::from(size.width), i64::from(block.row) * i64::from(size.height))
    }

    /// The pixels of a block of the image that lie within it; `None` outside.
    pub fn block_window(&self, block: BlockAddress) -> Option<Window> {
        let (col, row) = self.block_offset(block);
        let size = self.blocks(block.plane)?.size();
        Window::new(col, row, size.width, size.height).intersection(&Window::full(self.size))
    }

    /// Size of the image's blocks.
    pub fn block_size(&self) -> Size {
        self.image.size()
    }

    /// Whether there is a mask beside the image.
    pub fn has_mask(&self) -> bool {
        self.mask.is_some()
    }

    /// Whether one mask is for all bands, as GDAL's `GMF_PER_DATASET`.
    pub fn has_mask_of_all_bands(&self) -> bool {
        self.mask.as_ref().is_some_and(|mask| match mask {
            Blocks::Tiff(plane) => plane.bands() == 1,
            Blocks::Jp2 { file, .. } => file.bands() == 1,
        })
    }
}
