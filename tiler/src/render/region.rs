//! The samples of a mosaic on a grid of one's own, undrawn and unencoded: what patches of the cap are made of.
//!
//! Where the grid is that of the dalles at half, a quarter … of their resolution, pixels are averaged exactly as overviews
//! are; elsewhere they are warped as for a tile.

use std::sync::Arc;

use super::{
    BlockCache, NoCache, RenderContext, RenderError,
    gather::{Gatherer, Spent},
    plan::Read,
    select::{Budget, Request, select, views},
    strips,
    target::Target,
};
use crate::{
    catalog::{Mosaic, Opener},
    cog::write::reduce::{Reduction, halved},
    composite::Composite,
    crs::Crs,
    geom::{Bounds, Size, Window},
    raster::{Depth, Raster, SampleType, Samples},
    resample::Resampling,
};

/// The most pixels of dalles under one of the region, along a side, that are averaged at once.
const SHRINK_LIMIT: u32 = 64;
/// Grids that differ by less than this are the same.
const TOLERANCE_PX: f64 = 0.01;

/// Which pixels.
#[derive(Debug)]
pub struct RegionRequest<'a> {
    /// Where they come from.
    pub mosaic: &'a Arc<Mosaic>,
    /// The CRS of the grid.
    pub crs: &'a Crs,
    /// Its bounds.
    pub bounds: Bounds,
    /// Its columns and rows.
    pub size: Size,
    /// How many bands.
    pub bands: usize,
}

/// The samples of a region, of the type of the mosaic's dalles, with their mask.
///
/// # Errors
/// When a file cannot be read, has changed, or cannot be brought into the CRS.
pub fn region(request: &RegionRequest<'_>, files: &dyn Opener) -> Result<Raster, RenderError> {
    region_with(request, files, &NoCache)
}

fn region_with(
    request: &RegionRequest<'_>,
    files: &dyn Opener,
    blocks: &dyn BlockCache,
) -> Result<Raster, RenderError> {
    let target = Target::new(request.crs.clone(), request.bounds, request.size);
    let mosaic = request.mosaic;
    let views = views(mosaic, &target)?;
    let resampling = Resampling::Bilinear;
    let selection = select(
        &Request { target: &target, mosaic, resampling, budget: Budget::PATCH, within: None },
        &views,
    )?;
    let bands: Vec<usize> = (0..request.bands).collect();
    let is_plain = mosaic.are_bytes() && matches!(request.bands, 1 | 3);
    let depth = if is_plain { Depth::Byte } else { Depth::Float };
    let context = RenderContext { files, blocks, observer: &(), whole_blocks: false };
    let mut gatherer =
        Gatherer { context: &context, bands: &bands, depth, spent: Spent::default(), faults: 0 };
    let mut composite = Composite::new(request.size, request.bands, depth);
    for read in &selection.reads {
        if composite.is_full() {
            break;
        }
        if let Some((exact, shrink)) = exact(read) {
            let averaged = averaged(gatherer.window(&exact)?, shrink);
            composite.feed(&averaged, read.grid.target());
        } else {
            composite.feed(&strips::warped(read, &mut gatherer)?, read.grid.target());
        }
    }
    let sample = mosaic.main_zone().map_or(SampleType::U8, |zone| mosaic.dalle(zone.main()).kind.sample);
    Ok(of_type(composite.finish(), sample))
}

/// The same read with the window that lies under its target exactly, and how many pixels of it lie under one of the
/// target, along a side; `None` where the grids do not fit.
fn exact(read: &Read) -> Option<(Read, u32)> {
    let target = *read.grid.target();
    let [corner, east, south] = read.grid.corners()?;
    let shrink = (east.0 - corner.0) / f64::from(target.width);
    let whole = shrink.round();
    if !(1.0..=f64::from(SHRINK_LIMIT)).contains(&whole) || !(whole as u32).is_power_of_two() {
        return None;
    }
    let size = Size::new(target.width * whole as u32, target.height * whole as u32);
    let is_near = |found: f64, expected: f64| (found - expected).abs() < TOLERANCE_PX;
    let fits = is_near(corner.0, corner.0.round())
        && is_near(corner.1, corner.1.round())
        && is_near(east.0, corner.0 + f64::from(size.width))
        && is_near(east.1, corner.1)
        && is_near(south.0, corner.0)
        && is_near(south.1, corner.1 + f64::from(size.height));
    let window = Window::new(corner.0.round() as i64, corner.1.round() as i64, size.width, size.height);
    fits.then(|| (read.part(window, read.grid.clone()), whole as u32))
}

/// Halved as often as it takes, as overviews are.
fn averaged(mut raster: Raster, shrink: u32) -> Raster {
    for _ in 0..shrink.ilog2() {
        raster = halved(&raster, Reduction { is_mode: false, nodata: None, has_alpha: false });
    }
    raster
}

/// The samples in the type of the dalles again.
fn of_type(raster: Raster, sample: SampleType) -> Raster {
    if raster.samples().kind() == sample {
        return raster;
    }
    let (size, bands) = (raster.size(), raster.bands());
    let (samples, mask) = raster.into_parts();
    let mut converted = Samples::zeros(sample, samples.len());
    for at in 0..samples.len() {
        let value = samples.value(at);
        converted.set(at, if sample.is_float() { value } else { value.round() });
    }
    Raster::new(size, bands, converted, mask)
}
