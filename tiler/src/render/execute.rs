//! Plan to encoded tile: the only place where pixels are read.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rayon::prelude::*;

use super::{Plan, RenderContext, RenderError, RenderSettings, Stage, TileAddress, plan::Read};
use crate::{
    composite::Composite,
    encode::{self, EncodedTile, Picture},
    geom::{Size, Window},
    raster::{Canvas, Depth, Raster, SampleType, Samples},
    resample::Kernel,
    source::{BlockAddress, Plane, StoredBlock},
    style::{Input, Output, Pixels},
    warp,
};

/// More missing blocks than this are decoded in parallel: a tile that needs as many would otherwise be slow alone.
const PARALLEL_FROM: usize = 8;

/// Carries out a plan.
///
/// # Errors
/// When a source cannot be read or has changed since it was opened, and when the picture cannot be encoded.
pub fn render(plan: &Plan, context: &RenderContext<'_>) -> Result<EncodedTile, RenderError> {
    let mut spent = Spent::default();
    let mut composite = Composite::new(plan.size, plan.style.bands().len(), plan.depth);
    let mut only = None;
    for read in &plan.reads {
        if composite.is_full() {
            break;
        }
        let window = gather(read, plan.depth, context, &mut spent)?;
        let started = Instant::now();
        let kernels =
            (Kernel::new(read.resampling, read.shrink.0), Kernel::new(read.resampling, read.shrink.1));
        let warped = warp::run(&window, &read.window, &read.grid, &kernels);
        if plan.reads.len() == 1 && *read.grid.target() == Window::full(plan.size) {
            only = Some(warped);
        } else {
            composite.feed(&warped, read.grid.target());
        }
        spent.warp += started.elapsed();
    }
    let started = Instant::now();
    let drawn = draw(plan, only.unwrap_or_else(|| composite.finish()));
    spent.warp += started.elapsed();
    let started = Instant::now();
    let picture = Picture::new(drawn);
    let tile = encode::encode(&picture, plan.format, plan.encode)?;
    spent.encode += started.elapsed();
    spent.report(context);
    Ok(tile)
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

/// Time per stage of one tile.
#[derive(Default)]
struct Spent {
    fetch: Duration,
    decode: Duration,
    warp: Duration,
    encode: Duration,
}

impl Spent {
    fn report(&self, context: &RenderContext<'_>) {
        let observer = context.observer;
        observer.observe(Stage::Fetch, self.fetch);
        observer.observe(Stage::Decode, self.decode);
        observer.observe(Stage::Warp, self.warp);
        observer.observe(Stage::Encode, self.encode);
    }
}

/// The window of one read, from cached blocks and from those that are fetched and decoded now.
fn gather(
    read: &Read,
    depth: Depth,
    context: &RenderContext<'_>,
    spent: &mut Spent,
) -> Result<Raster, RenderError> {
    let source = &read.source;
    let mut blocks: Vec<(BlockAddress, Option<Arc<Raster>>)> =
        read.blocks.iter().map(|&block| (block, context.blocks.get(&source.block_key(block)))).collect();
    let missing: Vec<BlockAddress> =
        blocks.iter().filter(|(_, cached)| cached.is_none()).map(|(block, _)| *block).collect();
    if !missing.is_empty() {
        let started = Instant::now();
        let bytes = source.fetch(&missing)?;
        spent.fetch += started.elapsed();
        let started = Instant::now();
        let mut decoded = decode(read, &missing, &bytes)?.into_iter();
        // A file that shrank or changed while it was read may have given anything: ask before any of it is kept.
        source.check()?;
        for (block, raster) in blocks.iter_mut().filter(|(_, raster)| raster.is_none()) {
            let Some(new) = decoded.next() else { break };
            context.blocks.insert(source.block_key(*block), Arc::clone(&new));
            *raster = Some(new);
        }
        spent.decode += started.elapsed();
    }
    let started = Instant::now();
    let level = source.level(read.level);
    let mut canvas = Canvas::new(read.window, &read.bands, depth);
    for (plane, restrict) in [(Plane::Image, false), (Plane::Mask, true)] {
        for (block, raster) in blocks.iter().filter(|(block, _)| block.plane == plane) {
            let Some(raster) = raster else { continue };
            let (col, row) = level.block_offset(*block);
            if restrict {
                canvas.restrict(raster, col, row);
            } else {
                canvas.paste(raster, col, row, level.size);
            }
        }
    }
    let window = canvas.finish();
    spent.warp += started.elapsed();
    Ok(window)
}

fn decode(
    read: &Read,
    blocks: &[BlockAddress],
    bytes: &[StoredBlock<'_>],
) -> Result<Vec<Arc<Raster>>, RenderError> {
    let one = |(block, bytes): (&BlockAddress, &StoredBlock<'_>)| {
        read.source.decode(*block, bytes).map(Arc::new).map_err(RenderError::from)
    };
    if blocks.len() >= PARALLEL_FROM {
        blocks.par_iter().zip(bytes).map(one).collect()
    } else {
        blocks.iter().zip(bytes).map(one).collect()
    }
}
