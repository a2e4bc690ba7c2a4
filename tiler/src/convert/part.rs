//! One source on the grid of a target: windows of it, shifted or warped.

use std::sync::Arc;

use super::{
    ConvertError,
    held::{self, Held},
    shifted,
    target::{Mapping, Target, place},
};
use crate::{
    cog::write::PixelError,
    geom::{GeoTransform, Size, Window},
    raster::{Interpretation, Raster, SampleType, Samples},
    resample::{Kernel, Resampling},
    source::{Placement, Source},
    warp::{self, Grid},
};

/// Target pixels around a source that its kernels may touch.
const MARGIN_PX: f64 = 2.0;

/// A source on a target.
#[derive(Debug)]
pub(super) struct Part {
    number: usize,
    source: Arc<Source>,
    mapping: Mapping,
    /// Target pixels that it may touch.
    touched: Window,
    /// From the target's pixels to its CRS, and from there to the source's.
    way: Option<(GeoTransform, Arc<Placement>)>,
}

impl Part {
    /// `None` where the source does not touch the target.
    pub(super) fn new(
        number: usize,
        source: &Arc<Source>,
        target: &Target,
    ) -> Result<Option<Self>, ConvertError> {
        let own = place(source)?;
        let mapping = target.mapping(source, own);
        let full = Window::full(target.size);
        let (touched, way) = match mapping {
            Mapping::Shift(col, row) => (shifted(&Window::full(source.size()), col, row), None),
            Mapping::Warp => {
                if matches!(
                    source.sample(),
                    SampleType::U32 | SampleType::I32 | SampleType::U64 | SampleType::I64 | SampleType::F64
                ) {
                    let (path, sample) = (source.path().to_owned(), source.sample().name());
                    return Err(ConvertError::Warp { path, sample });
                }
                let Some(placement) = own.placement(&target.crs)? else { return Ok(None) };
                let Some(to_pixel) = target.geotransform.inverse() else { return Ok(None) };
                let bounds = placement.bounds;
                let (left, top) = to_pixel.apply(bounds.min_x, bounds.max_y);
                let (right, bottom) = to_pixel.apply(bounds.max_x, bounds.min_y);
                let whole = |v: f64| v.clamp(-1e9, 1e9) as i64;
                let (left, top) = (whole((left - MARGIN_PX).floor()), whole((top - MARGIN_PX).floor()));
                let (right, bottom) = (whole((right + MARGIN_PX).ceil()), whole((bottom + MARGIN_PX).ceil()));
                let touched = Window::new(left, top, (right - left) as u32, (bottom - top) as u32);
                (touched, Some((target.geotransform, placement)))
            }
        };
        let Some(touched) = touched.intersection(&full) else { return Ok(None) };
        Ok(Some(Self { number, source: Arc::clone(source), mapping, touched, way }))
    }

    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    pub(super) fn is_warped(&self) -> bool {
        self.mapping == Mapping::Warp
    }

    /// Whether every pixel of the target is one of the source.
    pub(super) fn covers(&self, target: Size) -> bool {
        !self.is_warped() && self.touched == Window::full(target)
    }

    pub(super) fn touches(&self, window: &Window) -> bool {
        self.touched.intersection(window).is_some()
    }

    /// The pixels of a window of the target.
    pub(super) fn window(&self, window: &Window, held: &Held, block_px: u32) -> Result<Raster, PixelError> {
        match self.mapping {
            Mapping::Shift(cols, rows) => {
                let block = self.source.level(0).block_size();
                let side = i64::from(block_px);
                // Where blocks meet blocks, none is needed twice.
                let is_once = cols % side == 0
                    && rows % side == 0
                    && block_px.is_multiple_of(block.width)
                    && block_px.is_multiple_of(block.height);
                let held = (!is_once).then_some(held);
                let at = shifted(window, -cols, -rows);
                Ok(held::window((self.number, &self.source), 0, &at, held)?)
            }
            Mapping::Warp => self.warped(window, held),
        }
    }

    fn warped(&self, window: &Window, held: &Held) -> Result<Raster, PixelError> {
        let nothing = || Raster::invalid(window.size(), self.source.bands(), self.source.sample());
        let (Some((to_crs, placement)), Ok(place)) = (&self.way, self.source.place()) else {
            return Ok(nothing());
        };
        let exact = |col: f64, row: f64| {
            let (x, y) = to_crs.apply(col, row);
            placement.transform.convert(x, y).map(|(x, y)| place.to_pixel().apply(x, y))
        };
        let (col, row) = (window.col_off as f64, window.row_off as f64);
        let Some(grid) = Grid::fit(*window, exact) else { return Ok(nothing()) };
        let step = |to: Option<(f64, f64)>, from: (f64, f64)| {
            to.map_or((1.0, 1.0), |to| ((to.0 - from.0).abs(), (to.1 - from.1).abs()))
        };
        let here = exact(col, row).unwrap_or_default();
        let (east, south) = (step(exact(col + 1.0, row), here), step(exact(col, row + 1.0), here));
        let shrink = ((east.0 + south.0).max(1e-6), (east.1 + south.1).max(1e-6));
        let is_index = self.source.facts().interpretation == Interpretation::Palette;
        let resampling = if is_index { Resampling::Nearest } else { Resampling::Cubic };
        let kernels = (Kernel::shared(resampling, shrink.0), Kernel::shared(resampling, shrink.1));
        let Some(extent) = grid.extent() else { return Ok(nothing()) };
        let reach = |shrink| Kernel::reach(resampling, shrink);
        let size = self.source.size();
        let side = |least: f64, most: f64, reach: i64, size: u32| {
            let inside = |v: f64| v.clamp(-1e9, 1e9) as i64;
            ((inside(least.floor()) - reach).max(0), (inside(most.ceil()) + reach).min(i64::from(size)))
        };
        let (left, right) = side(extent.min_x, extent.max_x, reach(shrink.0), size.width);
        let (top, bottom) = side(extent.min_y, extent.max_y, reach(shrink.1), size.height);
        if left >= right || top >= bottom {
            return Ok(nothing());
        }
        let from = Window::new(left, top, (right - left) as u32, (bottom - top) as u32);
        let raster = held::window((self.number, &self.source), 0, &from, Some(held))?;
        let kind = raster.samples().kind();
        let fits = kind == SampleType::U8 && matches!(raster.bands(), 1 | 3);
        let raster = if fits { raster } else { as_floats(raster) };
        Ok(as_kind(warp::run(&raster, &from, &grid, &kernels), kind))
    }
}

fn as_floats(raster: Raster) -> Raster {
    let (size, bands) = (raster.size(), raster.bands());
    let (samples, mask) = raster.into_parts();
    let samples = match samples {
        Samples::F32(values) => values,
        other => (0..other.len()).map(|at| other.value(at) as f32).collect(),
    };
    Raster::new(size, bands, samples, mask)
}

/// Back to the type of the source, rounded.
fn as_kind(raster: Raster, kind: SampleType) -> Raster {
    if raster.samples().kind() == kind {
        return raster;
    }
    let (size, bands) = (raster.size(), raster.bands());
    let (samples, mask) = raster.into_parts();
    let mut out = Samples::zeros(kind, samples.len());
    for at in 0..samples.len() {
        out.set(at, samples.value(at).round());
    }
    Raster::new(size, bands, out, mask)
}
