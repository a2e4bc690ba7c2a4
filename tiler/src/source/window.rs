//! The pixels of a window, read at once and kept nowhere: for statistics, not for tiles.

use super::{Plane, Source, SourceError};
use crate::{
    geom::Window,
    raster::{Canvas, Depth, Raster},
};

impl Source {
    /// The pixels of a window of a level, with what nodata, alpha and masks make of them.
    ///
    /// # Errors
    /// When a block cannot be read or decoded.
    ///
    /// # Panics
    /// When there is no such level.
    pub fn window(&self, level: usize, window: Window, depth: Depth) -> Result<Raster, SourceError> {
        let bands: Vec<usize> = (0..self.bands()).collect();
        let mut canvas = Canvas::new(window, &bands, depth);
        let image = Window::full(self.levels[level].size);
        let blocks = self.blocks(level, &window);
        for (block, stored) in blocks.iter().zip(self.fetch(&blocks)?) {
            let raster = self.decode(*block, &stored)?;
            let (col, row) = self.levels[level].block_offset(*block);
            // Masks come after all blocks of the image.
            match block.plane {
                Plane::Image => canvas.paste(&raster, col, row, &image),
                Plane::Mask => canvas.restrict(&raster, col, row, &image),
            }
        }
        Ok(canvas.finish())
    }
}
