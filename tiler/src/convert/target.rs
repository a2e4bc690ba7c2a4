//! The grid of the file that is written, and how each source lies on it: shifted by whole pixels, or to be warped.

use std::sync::Arc;

use super::{Cell, ConvertError, Into, Job, Options};
use crate::{
    crs::Crs,
    geom::{Bounds, GeoTransform, Size},
    source::{Place, Problem, Source},
    tms::TileMatrix,
};

/// Grids coincide where no pixel is further from its place than this part of a pixel.
const TOLERANCE_PX: f64 = 0.01;
/// No side of a file is longer.
const SIDE_PX: f64 = 2_000_000.0;

/// Where the file that is written lies.
#[derive(Debug)]
pub(super) struct Target {
    pub size: Size,
    pub geotransform: GeoTransform,
    pub crs: Crs,
    /// Columns and rows of its blocks.
    pub block_px: u32,
    /// Whether it is the grid of the only source.
    pub is_own: bool,
    /// What the grid is called, for notes.
    pub name: String,
}

/// How a source lies on a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mapping {
    /// Column and row of the target at which its first pixel lies.
    Shift(i64, i64),
    /// Not on its pixels.
    Warp,
}

impl Target {
    pub(super) fn of(job: &Job, sources: &[Arc<Source>], options: &Options) -> Result<Self, ConvertError> {
        let first = &sources[0];
        let own = place(first)?;
        let target = match (&options.into, &job.cell) {
            (Some(into), _) => Self::into(first, own, into)?,
            (None, Some(cell)) => Self::cell(own, cell, options.block_px),
            (None, None) => Self {
                size: first.size(),
                geotransform: *own.geotransform(),
                crs: own.crs().clone(),
                block_px: options.block_px,
                is_own: true,
                name: "its own grid".to_owned(),
            },
        };
        if f64::from(target.size.width.max(target.size.height)) > SIDE_PX || target.size.pixels() == 0 {
            return Err(ConvertError::Outside { path: first.path().to_owned(), grid: target.name });
        }
        Ok(target)
    }

    /// The tiles of a matrix that the source touches, up to its own last row and column.
    fn into(source: &Source, own: &Place, into: &Into) -> Result<Self, ConvertError> {
        let name = format!("the grid {}", into.set.id);
        let outside = || ConvertError::Outside { path: source.path().to_owned(), grid: name.clone() };
        let placement = own.placement(&into.set.crs)?.ok_or_else(outside)?;
        let bounds = placement.bounds;
        let native = if *own.crs() == into.set.crs {
            own.geotransform().cell_size().0
        } else {
            (bounds.width() * bounds.height() / source.size().pixels() as f64).sqrt()
        };
        let index = into.matrix.unwrap_or_else(|| nearest(&into.set.matrices, native));
        let matrix = into.set.matrices.get(index).ok_or_else(outside)?;
        let limits = matrix.limits(&bounds).ok_or_else(outside)?;
        let corner = matrix.bounds(limits.min_col, limits.min_row);
        let cell = matrix.cell_size;
        let pixels = |length: f64| (length / cell - TOLERANCE_PX).ceil().clamp(1.0, SIDE_PX + 1.0) as u32;
        Ok(Self {
            size: Size::new(pixels(bounds.max_x - corner.min_x), pixels(corner.max_y - bounds.min_y)),
            geotransform: GeoTransform::north_up(corner.min_x, corner.max_y, cell, cell),
            crs: into.set.crs.clone(),
            block_px: matrix.tile_width,
            is_own: false,
            name: format!("{name} at matrix {}", matrix.id),
        })
    }

    /// A cell, moved by a part of a pixel so that the first source lies on its pixels.
    fn cell(own: &Place, cell: &Cell, block_px: u32) -> Self {
        let (width, height) = own.geotransform().cell_size();
        let c = own.geotransform().0;
        let snapped = |origin: f64, to: f64, cell: f64| origin + ((to - origin) / cell).round() * cell;
        let bounds: Bounds = cell.bounds;
        let pixels = |length: f64, cell: f64| (length / cell).round().clamp(1.0, SIDE_PX + 1.0) as u32;
        Self {
            size: Size::new(pixels(bounds.width(), width), pixels(bounds.height(), height)),
            geotransform: GeoTransform::north_up(
                snapped(c[0], bounds.min_x, width),
                snapped(c[3], bounds.max_y, height),
                width,
                height,
            ),
            crs: own.crs().clone(),
            block_px,
            is_own: false,
            name: "the grid of the first file".to_owned(),
        }
    }

    /// How a source lies on it.
    pub(super) fn mapping(&self, source: &Source, own: &Place) -> Mapping {
        if self.is_own {
            return Mapping::Shift(0, 0);
        }
        let Some(to_pixel) = self.geotransform.inverse().filter(|_| *own.crs() == self.crs) else {
            return Mapping::Warp;
        };
        let (width, height) = (f64::from(source.size().width), f64::from(source.size().height));
        let at = |col: f64, row: f64| {
            let (x, y) = own.geotransform().apply(col, row);
            let (x, y) = to_pixel.apply(x, y);
            (x - col, y - row)
        };
        let first = at(0.0, 0.0);
        let (cols, rows) = (first.0.round(), first.1.round());
        let corners = [first, at(width, 0.0), at(0.0, height), at(width, height)];
        let fits = |(x, y): (f64, f64)| (x - cols).abs() <= TOLERANCE_PX && (y - rows).abs() <= TOLERANCE_PX;
        if corners.into_iter().all(fits) { Mapping::Shift(cols as i64, rows as i64) } else { Mapping::Warp }
    }
}

/// Where a source lies, or the remedy.
pub(super) fn place(source: &Source) -> Result<&Place, ConvertError> {
    source.place().map_err(|error| {
        let reason = match error.problem {
            Problem::Unplaced { reason } => reason,
            other => other.to_string(),
        };
        let hint = if source.crs().is_none() { "; or give its CRS with `--crs EPSG:2154`" } else { "" };
        ConvertError::Unplaced { path: source.path().to_owned(), reason: reason + hint }
    })
}

/// The matrix whose cells are nearest in size, by their ratio.
fn nearest(matrices: &[TileMatrix], cell: f64) -> usize {
    let distance = |matrix: &TileMatrix| (matrix.cell_size / cell).ln().abs();
    let all = matrices.iter().map(distance).enumerate();
    all.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(index, _)| index)
}
