//! Whether a tile is drawn from the cap of its mosaic, and what of it: patches where they show the dalles as they are, the
//! dalles themselves where not.

use super::{
    RenderError,
    plan::Read,
    select::{Budget, Request, Selection, View, select as select_dalles, view},
    target::Target,
};
use crate::{
    catalog::{Cap, Imagery, Tier},
    geom::{Bounds, Window},
    resample::{Kernel, Resampling},
    source::serves,
};

/// Where a dalle has changed, lossy patches change so many of their pixels further.
const BLUR_PX: f64 = 16.0;

/// What a tile is made of.
pub(super) struct Chosen {
    pub selection: Selection,
    /// The hash of all dalles under a tile of the cap; it stands for what is read.
    pub regions: Option<u128>,
    /// Whether patches or dalles are missing that there should be.
    pub is_provisional: bool,
}

/// The tier that a tile is drawn from; `None` for the dalles.
pub(super) fn choose<'a>(imagery: &'a Imagery, views: &[View<'_>]) -> Option<&'a Tier> {
    let cap = imagery.cap.as_deref()?;
    let view = views.iter().find(|view| *view.zone.crs() == cap.layout.crs).or(views.first())?;
    let shrink = (view.shrink.0 * view.shrink.1).sqrt();
    let shrink = if *view.zone.crs() == cap.layout.crs {
        shrink
    } else {
        let metres = |cell: f64, unit: f64| cell * unit;
        let own = imagery.mosaic.dalle(view.zone.main()).cell_size();
        shrink * metres(own, view.zone.crs().metres_per_unit())
            / metres(cap.layout.native.cell_size().0.abs(), cap.layout.crs.metres_per_unit())
    };
    cap.tiers.iter().rev().find(|tier| serves(f64::from(tier.factor), shrink))
}

/// What to read for a tile of a tier.
///
/// # Errors
/// As `select`.
pub(super) fn select(
    imagery: &Imagery,
    tier: &Tier,
    target: &Target,
    resampling: Resampling,
    views: &[View<'_>],
) -> Result<Chosen, RenderError> {
    let Some(cap) = imagery.cap.as_deref() else {
        return Ok(Chosen { selection: Selection::default(), regions: None, is_provisional: false });
    };
    let mut selection = Selection::default();
    let mut patches = Vec::new();
    for zone in tier.mosaic.zones() {
        let Some(placement) = zone.placement(&target.crs)? else { continue };
        // The pixels that the dalles touch: the edge of a patch is not the edge of imagery.
        let windows = views.iter().map(|view| view.window).reduce(|a, b| a.union(&b));
        let Some(window) = windows else { continue };
        patches.extend(view(&tier.mosaic, zone, placement, window, target));
    }
    let Some(reach) = reach(cap, imagery, target, resampling, views) else {
        return Ok(Chosen { selection, regions: None, is_provisional: false });
    };
    let of_mosaic = |mosaic, within| Request { target, mosaic, resampling, budget: Budget::TILE, within };
    if !patches.is_empty() {
        selection = select_dalles(&of_mosaic(&tier.mosaic, None), &patches)?;
    }
    let stale: Vec<Bounds> = tier.stale.iter().filter(|stale| stale.intersects(&reach)).copied().collect();
    if stale.is_empty() {
        let regions = Some(cap.regions.hash(&reach));
        return Ok(Chosen { selection, regions, is_provisional: false });
    }
    for read in &mut selection.reads {
        read.holes = stale.iter().filter_map(|stale| hole(read, stale)).collect();
    }
    let below = select_dalles(&of_mosaic(&imagery.mosaic, Some((&cap.layout.crs, &stale))), views)?;
    selection.reads.extend(below.reads);
    selection.left_out.extend(below.left_out);
    Ok(Chosen { selection, regions: None, is_provisional: true })
}

/// The bounds of all that can show in a tile, in the CRS of the cap.
fn reach(
    cap: &Cap,
    imagery: &Imagery,
    target: &Target,
    resampling: Resampling,
    views: &[View<'_>],
) -> Option<Bounds> {
    let mut all: Option<Bounds> = None;
    for view in views {
        let window = view.window;
        let edge = Bounds::new(
            window.col_off as f64,
            window.row_off as f64,
            window.col_end() as f64,
            window.row_end() as f64,
        );
        let to_cap = (*view.zone.crs() != cap.layout.crs).then(|| view.zone.placement(&cap.layout.crs));
        let points = edge.edge_points(8).filter_map(|(col, row)| {
            let (x, y) = target.to_crs.apply(col, row);
            let (x, y) = view.placement.transform.convert(x, y)?;
            match &to_cap {
                None => Some((x, y)),
                Some(placement) => placement.as_ref().ok()?.as_ref()?.there.convert(x, y),
            }
        });
        let cell = imagery.mosaic.dalle(view.zone.main()).geotransform.cell_size();
        let cell = cell.0.abs().max(cell.1.abs());
        // A pixel of the level that is read is at most as large as one of the target, about; kernels reach as for that.
        let margin =
            (Kernel::reach(resampling, 2.0) as f64 + 1.0 + BLUR_PX) * view.shrink.0.max(view.shrink.1) * cell;
        let bounds = Bounds::around(points)?.grown(margin);
        all = Some(all.map_or(bounds, |all| all.union(&bounds)));
    }
    all
}

/// The pixels of a read that a rectangle touches.
fn hole(read: &Read, stale: &Bounds) -> Option<Window> {
    let piece = read.pieces.first()?;
    let (dalle, member) = (read.mosaic.dalle(piece.number), read.mosaic.member(piece.number));
    let factor = dalle.kind.factor(piece.level);
    let lattice = read.mosaic.lattice(member);
    let corners = stale.edge_points(1).map(|(x, y)| {
        let (col, row) = lattice.to_pixel.apply(x, y);
        (col / factor.0, row / factor.1)
    });
    let bounds = Bounds::around(corners)?;
    let limit = |v: f64| v.clamp(-1e9, 1e9) as i64;
    let (left, right) = (limit(bounds.min_x.floor()), limit(bounds.max_x.ceil()));
    let (top, bottom) = (limit(bounds.min_y.floor()), limit(bounds.max_y.ceil()));
    let hole = Window::new(left, top, (right - left).max(0) as u32, (bottom - top).max(0) as u32);
    hole.intersection(&read.window)
}
