//! How blocks and levels are laid out, and what that makes a tile read.

use super::{Advice, Severity, cost::Work, megabytes, million_pixels, short};
use crate::source::{Source, TILE_LIMIT_PX};

/// A coarsest level with a longer side makes low zooms slow.
const COARSEST_PX: u32 = 1024;
/// Blocks with sides up to this are very small.
const SMALL_PX: u32 = 128;
/// Blocks with a longer side are very large.
const LARGE_PX: u32 = 1024;
/// Strips are wide where a tile reads more than this many pixels of them; of tiles of 512 px it reads 0.6 million.
const STRIPS_PX: f64 = 1e6;
/// Each overview is at most so many times smaller than the level above it.
const STEP: f64 = 4.5;
/// Codecs from this on are costly, milliseconds a million pixels of 3 bytes …
const COSTLY_MS: f64 = 10.0;
/// … where they cost a tile more than this; small images do not notice.
const COSTLY_TILE_MS: f64 = 3.0;

fn slow(code: &'static str, cost: String, remedy: String) -> Advice {
    Advice { code, severity: Severity::Slow, cost, remedy: Some(remedy) }
}

/// Where blocks are bad, overviews alone do not help.
fn overviews(source: &Source) -> String {
    if has_wide_strips(source) { source.to_cog() } else { source.add_overviews() }
}

/// `16 million pixels (11 MB), about 58 ms`, and whether that is too much.
fn amount(work: Work) -> String {
    let refused = if work.pixels > TILE_LIMIT_PX as f64 {
        format!("; tiles of more than {} million pixels are answered 503", TILE_LIMIT_PX / 1_000_000)
    } else {
        String::new()
    };
    let (pixels, bytes) = (million_pixels(work.pixels), megabytes(work.bytes));
    format!("{pixels} ({bytes}), about {} ms{refused}", short(work.ms))
}

fn longer_side(source: &Source) -> u32 {
    let size = source.levels[source.levels.len() - 1].size;
    size.width.max(size.height)
}

pub(super) fn no_overviews(source: &Source) -> Option<Advice> {
    if source.levels.len() > 1 || longer_side(source) <= COARSEST_PX {
        return None;
    }
    let cost = format!("no overviews: a tile of a low zoom reads all {}", amount(source.coarsest_work()));
    Some(slow("no-overviews", cost, overviews(source)))
}

pub(super) fn few_overviews(source: &Source) -> Option<Advice> {
    if source.levels.len() == 1 || longer_side(source) <= COARSEST_PX {
        return None;
    }
    let size = source.levels[source.levels.len() - 1].size;
    let cost = format!(
        "the smallest overview still has {} x {} px: a tile of a low zoom reads {}",
        size.width,
        size.height,
        amount(source.coarsest_work())
    );
    Some(slow("few-overviews", cost, overviews(source)))
}

pub(super) fn overview_gap(source: &Source) -> Option<Advice> {
    let ratio = |level: usize| source.levels[level + 1].factor.0 / source.levels[level].factor.0;
    let widest = (0..source.levels.len() - 1).max_by(|&a, &b| ratio(a).total_cmp(&ratio(b)))?;
    if ratio(widest) < STEP {
        return None;
    }
    let factor = |level: usize| source.levels[level].factor.0.round();
    let cost = format!(
        "no overview between 1:{} and 1:{}: a tile between them reads {}",
        factor(widest),
        factor(widest + 1),
        amount(source.work_before_next(widest))
    );
    Some(slow("overview-gap", cost, overviews(source)))
}

fn has_wide_strips(source: &Source) -> bool {
    !source.facts.is_tiled && source.native_work().pixels > STRIPS_PX
}

pub(super) fn wide_strips(source: &Source) -> Option<Advice> {
    if !has_wide_strips(source) {
        return None;
    }
    let cost = format!(
        "strips of the full width of {} px: each tile reads {}",
        source.size().width,
        amount(source.native_work())
    );
    Some(slow("strips", cost, source.to_cog()))
}

pub(super) fn small_blocks(source: &Source) -> Option<Advice> {
    let (block, size) = (source.level(0).block_size(), source.size());
    let is_small = block.width.max(block.height) <= SMALL_PX && size.width.max(size.height) > 2 * SMALL_PX;
    if !source.facts.is_tiled || !is_small {
        return None;
    }
    let blocks = (1.0 + 255.0 / f64::from(block.width)) * (1.0 + 255.0 / f64::from(block.height));
    let cost = format!(
        "blocks of {} x {} px: each tile reads about {} of them",
        block.width,
        block.height,
        short(blocks)
    );
    Some(slow("small-blocks", cost, source.to_cog()))
}

pub(super) fn large_blocks(source: &Source) -> Option<Advice> {
    let block = source.level(0).block_size();
    if !source.facts.is_tiled || block.width.max(block.height) <= LARGE_PX {
        return None;
    }
    let work = amount(source.native_work());
    let cost = format!("blocks of {} x {} px: each tile decodes {work}", block.width, block.height);
    Some(slow("large-blocks", cost, source.to_cog()))
}

pub(super) fn costly_codec(source: &Source) -> Option<Advice> {
    let codec = source.decode_ms();
    if codec < COSTLY_MS || source.native_work().ms < COSTLY_TILE_MS {
        return None;
    }
    let better = if source.facts.is_lossy { "JPEG" } else { "ZSTD" };
    let (now, then) =
        (source.native_work().ms, source.native_work().ms / codec * super::cost::decode_ms(better));
    let cost = format!(
        "{} takes about {} ms of processor time for a tile at full resolution, {better} would take {}",
        source.facts.compression,
        short(now),
        short(then)
    );
    Some(slow("costly-codec", cost, source.to_cog()))
}

pub(super) fn no_packet_lengths(source: &Source) -> Option<Advice> {
    let jp2 = source.jp2().filter(|jp2| !jp2.has_packet_lengths())?;
    let tile = jp2.tile_size();
    if tile.pixels() < 16_000_000 {
        return None;
    }
    let cost = format!(
        "no lengths of packets (PLT): the first tile walks over all of the {} x {} px that are compressed together",
        tile.width, tile.height
    );
    Some(slow("no-packet-lengths", cost, source.to_cog()))
}

pub(super) fn planar(source: &Source) -> Option<Advice> {
    let bands = source.facts.bands;
    if !source.facts.is_planar || bands == 1 {
        return None;
    }
    let severity = if bands > 4 { Severity::Slow } else { Severity::Note };
    let cost = format!("each of the {bands} bands is stored apart, and all are read for every tile");
    let remedy = Some(source.to_cog());
    Some(Advice { code: "planar", severity, cost, remedy })
}
