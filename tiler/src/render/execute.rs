//! Plan to encoded tile: the only place where pixels are read.

use std::time::{Duration, Instant};

use super::{
    Plan, RenderContext, RenderError, RenderSettings, Stage, TileAddress,
    gather::{Gatherer, Spent},
    strips, ycbcr,
};
use crate::{
    composite::Composite,
    encode::{self, EncodedTile, Picture},
    geom::{Size, Window},
    raster::{Raster, SampleType, Samples},
    style::{Input, Output, Pixels},
};

/// A tile, and whether it is as it should be.
#[derive(Debug)]
pub struct Rendered {
    /// The tile.
    pub tile: EncodedTile,
    /// Whether a better one is to be had later: the plan says so, or a damaged dalle was left out.
    pub is_provisional: bool,
    /// Whether it is a block as it is stored, and nothing was rendered.
    pub is_passed: bool,
}

/// Carries out a plan.
///
/// # Errors
/// When a source cannot be read or has changed since it was opened, and when the picture cannot be encoded.
pub fn render(plan: &Plan, context: &RenderContext<'_>) -> Result<Rendered, RenderError> {
    if let Some(tile) = plan.passage().and_then(|passage| passage.pass(context.files)) {
        return Ok(Rendered { tile, is_provisional: false, is_passed: true });
    }
    let bands = plan.style.bands();
    let mut gatherer = Gatherer { context, bands, depth: plan.depth, spent: Spent::default(), faults: 0 };
    if let Some(picture) = ycbcr::tile(plan, &mut gatherer)? {
        let started = Instant::now();
        let tile = encode::encode_ycbcr(&picture, plan.format, plan.encode)?;
        report(&gatherer.spent, started.elapsed(), context);
        return Ok(Rendered { tile, is_provisional: plan.is_provisional(), is_passed: false });
    }
    let brought = brought(plan, &mut gatherer)?;
    let Gatherer { mut spent, faults, .. } = gatherer;
    let started = Instant::now();
    let drawn = draw(plan, brought);
    spent.warp += started.elapsed();
    let started = Instant::now();
    let picture = Picture::new(drawn);
    let tile = encode::encode(&picture, plan.format, plan.encode)?;
    report(&spent, started.elapsed(), context);
    Ok(Rendered { tile, is_provisional: plan.is_provisional() || faults > 0, is_passed: false })
}

/// The bands of the tile: every read is brought onto its grid and laid beneath those before it.
fn brought(plan: &Plan, gatherer: &mut Gatherer<'_, '_>) -> Result<Raster, RenderError> {
    if let [read] = &plan.reads[..]
        && plan.left_out.is_empty()
        && *read.grid.target() == Window::full(plan.size)
    {
        return strips::warped(read, gatherer);
    }
    let mut composite = Composite::new(plan.size, gatherer.bands.len(), plan.depth);
    for read in &plan.reads {
        if composite.is_full() {
            break;
        }
        let warped = strips::warped(read, gatherer)?;
        let started = Instant::now();
        composite.feed(&warped, read.grid.target());
        gatherer.spent.warp += started.elapsed();
    }
    composite.spread(&plan.left_out);
    Ok(composite.finish())
}

/// Bands become colours.
fn draw(plan: &Plan, raster: Raster) -> Raster {
    if plan.style.is_identity() {
        return raster;
    }
    let pixels = match raster.samples() {
        Samples::U8(samples) => Pixels::U8(samples),
        Samples::F32(samples) => Pixels::F32(samples),
        other => unreachable!("a canvas of {:?}", other.kind()),
    };
    let input = Input { size: raster.size(), bands: raster.bands(), pixels, mask: raster.mask() };
    let margin = 2 * plan.style.margin_px();
    let size = Size::new(raster.size().width - margin, raster.size().height - margin);
    let Output { channels, pixels, mask } = plan.style.apply(input, plan.cell);
    Raster::new(size, channels, pixels, mask)
}

/// A tile without imagery: transparent, or the background in JPEG.
///
/// # Errors
/// When the picture cannot be encoded.
pub fn blank(address: &TileAddress<'_>, settings: &RenderSettings) -> Result<EncodedTile, RenderError> {
    let picture = Picture::new(Raster::invalid(address.size(), 3, SampleType::U8));
    Ok(encode::encode(&picture, address.format, settings.encode_options(address.style.must_be_lossless()))?)
}

fn report(spent: &Spent, encode: Duration, context: &RenderContext<'_>) {
    let observer = context.observer;
    observer.observe(Stage::Fetch, spent.fetch);
    observer.observe(Stage::Decode, spent.decode);
    observer.observe(Stage::Warp, spent.warp);
    observer.observe(Stage::Encode, encode);
}
