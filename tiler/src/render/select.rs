//! Which dalles a target needs, and which of them are read together: those whose pixels lie on one grid are gathered into
//! one window before any kernel is applied, so that there is no seam between them. No file is opened.

use std::sync::Arc;

use super::{
    RenderError,
    plan::{Piece, Read},
    target::{Target, shrink},
};
use crate::{
    catalog::{Lattice, Mosaic, Zone},
    crs::Crs,
    geom::{Bounds, GeoTransform, Window},
    resample::{Kernel, Resampling},
    source::{Placement, TILE_LIMIT_PX},
    warp::Grid,
};

/// A window larger than this is read in parts, so that memory does not grow with the image.
const WINDOW_LIMIT_PX: u64 = 16 << 20;

/// What one target may read before it has to do with a part of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    pub files: usize,
    pub pixels: u64,
}

impl Budget {
    /// A tile is made of no more than this; what is beyond waits for the cap.
    pub const TILE: Self = Self { files: 64, pixels: 64 << 20 };
    /// For patches of the cap, which have time.
    pub const PATCH: Self = Self { files: usize::MAX, pixels: u64::MAX };
}

/// What is asked of a mosaic.
pub(super) struct Request<'a> {
    pub target: &'a Target,
    pub mosaic: &'a Arc<Mosaic>,
    pub resampling: Resampling,
    pub budget: Budget,
    /// Only dalles that touch one of these bounds, which are in this CRS; all, if there are none.
    pub within: Option<(&'a Crs, &'a [Bounds])>,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// In the order in which they are laid over each other, the uppermost first.
    pub reads: Vec<Read>,
    /// Where there is imagery that is not read, in pixels of the target; empty where all is read.
    pub left_out: Vec<Window>,
}

/// How a zone lies under the target.
pub(super) struct View<'a> {
    pub zone: &'a Zone,
    pub placement: Arc<Placement>,
    /// The target pixels that it may touch.
    pub window: Window,
    /// Pixels of the zone's main grid for one target pixel.
    pub shrink: (f64, f64),
    /// Of the level that is read of the zone's main dalle: positions are fitted in its pixels.
    factor: (f64, f64),
}

impl View<'_> {
    /// From the target to the zone's CRS.
    fn exact(&self, target: &Target, col: f64, row: f64) -> Option<(f64, f64)> {
        let (x, y) = target.to_crs.apply(col, row);
        self.placement.transform.convert(x, y)
    }
}

/// How the zones of a mosaic lie under a target.
///
/// # Errors
/// When no way between a zone's CRS and the target's is known.
pub(super) fn views<'a>(mosaic: &'a Mosaic, target: &Target) -> Result<Vec<View<'a>>, RenderError> {
    let mut views = Vec::with_capacity(1);
    for zone in mosaic.zones() {
        let Some(placement) = zone.placement(&target.crs)? else { continue };
        let Some(window) = target.window(&placement.bounds) else { continue };
        views.extend(view(mosaic, zone, placement, window, target));
    }
    Ok(views)
}

/// How a zone lies under some pixels of a target.
pub(super) fn view<'a>(
    mosaic: &Mosaic,
    zone: &'a Zone,
    placement: Arc<Placement>,
    window: Window,
    target: &Target,
) -> Option<View<'a>> {
    let main = mosaic.dalle(zone.main());
    let lattice = mosaic.lattice(mosaic.member(zone.main()));
    let mut view = View { zone, placement, window, shrink: (1.0, 1.0), factor: (1.0, 1.0) };
    let in_pixels =
        |col: f64, row: f64| view.exact(target, col, row).map(|(x, y)| lattice.to_pixel.apply(x, y));
    let full = shrink(&window, in_pixels)?;
    let factor = main.kind.factor(main.kind.level_for((full.0 * full.1).sqrt()));
    (view.shrink, view.factor) = (full, factor);
    Some(view)
}

/// What has to be read for the pixels of a target.
///
/// # Errors
/// When so coarse a target would read too much of a file.
pub(super) fn select(request: &Request<'_>, views: &[View<'_>]) -> Result<Selection, RenderError> {
    let mut selection = Selection::default();
    let all = views.iter().map(|view| view.window).reduce(|all, one| all.union(&one));
    let mut parts: Vec<Window> = all.into_iter().collect();
    let mut pixels = 0;
    while let Some(part) = parts.pop() {
        let laid = Part { request, views, window: part }.select();
        if laid.reads.iter().any(|read| read.window.pixels() > WINDOW_LIMIT_PX) && part.pixels() > 1 {
            parts.extend(halves(&part));
            continue;
        }
        for read in &laid.reads {
            pixels += read.window.pixels();
            if pixels > TILE_LIMIT_PX && request.budget.pixels < u64::MAX {
                let first = read.pieces.first().map(|piece| request.mosaic.dalle(piece.number));
                let path = first.map(|dalle| dalle.path.display().to_string()).unwrap_or_default();
                return Err(RenderError::TooCostly { pixels, limit: TILE_LIMIT_PX, path });
            }
        }
        selection.reads.extend(laid.reads);
        selection.left_out.extend(laid.left_out);
    }
    Ok(selection)
}

/// Some pixels of the target.
struct Part<'a> {
    request: &'a Request<'a>,
    views: &'a [View<'a>],
    window: Window,
}

/// A dalle that may show.
struct Candidate {
    number: u32,
    view: usize,
    level: usize,
    /// In the pixels that it is read in.
    place: Window,
    /// The grid that these pixels belong to.
    grid: PixelGrid,
    /// The target pixels that it may touch.
    target: Window,
}

/// Pixels of one level on one lattice.
#[derive(Clone, Copy, PartialEq)]
struct PixelGrid {
    view: usize,
    lattice: u32,
    factor: (f64, f64),
    /// One of its first pixels on the lattice, in full resolution: within a pixel of the level from zero, where levels of
    /// several dalles can lie on it.
    origin: (i64, i64),
    /// The dalle whose level lies on no other's grid, or that shall be read by itself.
    alone: Option<u32>,
}

/// Dalles that are read into one window.
struct Group {
    grid: PixelGrid,
    members: Vec<Candidate>,
    /// Around all of them, in pixels of the grid.
    place: Window,
    target: Window,
}

/// The target pixels of a part on a zone's main grid.
struct Fitted {
    grid: Grid,
    /// From pixels of the zone's main grid at its level to target pixels, about.
    back: Option<GeoTransform>,
}

impl Part<'_> {
    fn select(&self) -> Selection {
        let fitted: Vec<Option<Fitted>> =
            self.views.iter().map(|view| self.fit(view, &view.window)).collect();
        let mut candidates = Vec::new();
        for (number, view) in self.views.iter().enumerate() {
            if let Some(fitted) = &fitted[number] {
                self.candidates(number, view, fitted, &mut candidates);
            }
        }
        if self.views.len() > 1 {
            candidates.sort_by_key(|candidate: &Candidate| candidate.number);
        }
        let (candidates, left_out) = self.afford(candidates);
        let groups = groups(candidates);
        let is_alone = groups.len() == 1;
        let read = |(number, group)| {
            let above = self.above(group, &groups[..number]);
            self.read(group, &above, &fitted, is_alone)
        };
        let reads = groups.iter().enumerate().filter_map(read).collect();
        Selection { reads, left_out }
    }

    /// Fits the map from some target pixels to a zone's main grid.
    fn fit(&self, view: &View<'_>, window: &Window) -> Option<Fitted> {
        let Request { target, mosaic, .. } = self.request;
        let window = window.intersection(&self.window)?;
        let lattice = mosaic.lattice(mosaic.member(view.zone.main()));
        let grid = Grid::fit(window, |col, row| {
            let (x, y) = view.exact(target, col, row)?;
            let (col, row) = lattice.to_pixel.apply(x, y);
            Some((col / view.factor.0, row / view.factor.1))
        })?;
        let back = back(&grid);
        Some(Fitted { grid, back })
    }

    /// Adds the dalles of a zone that kernels can reach.
    fn candidates(&self, number: usize, view: &View<'_>, fitted: &Fitted, candidates: &mut Vec<Candidate>) {
        let Request { mosaic, resampling, within, .. } = self.request;
        let Some(extent) = fitted.grid.extent() else { return };
        let main = mosaic.lattice(mosaic.member(view.zone.main()));
        let corners = extent.edge_points(1);
        let on_earth =
            corners.map(|(col, row)| main.geotransform.apply(col * view.factor.0, row * view.factor.1));
        let Some(bounds) = Bounds::around(on_earth) else { return };
        let cell = view.zone.largest_cell() * view.factor.0.max(view.factor.1);
        let widest = (view.shrink.0 / view.factor.0).max(view.shrink.1 / view.factor.1);
        let margin = (Kernel::reach(*resampling, widest) as f64 + 1.0) * cell;
        for dalle in view.zone.touching(&bounds.grown(margin)) {
            if let Some((crs, within)) = within
                && *crs == view.zone.crs()
                && !within.iter().any(|bounds| bounds.intersects(&mosaic.dalle(dalle).bounds()))
            {
                continue;
            }
            candidates.extend(self.candidate(number, view, fitted, dalle));
        }
    }

    fn candidate(
        &self,
        view_number: usize,
        view: &View<'_>,
        fitted: &Fitted,
        number: u32,
    ) -> Option<Candidate> {
        let mosaic = self.request.mosaic;
        let (dalle, member) = (mosaic.dalle(number), mosaic.member(number));
        let main = mosaic.member(view.zone.main());
        let ratio = if member.lattice == main.lattice {
            (1.0, 1.0)
        } else {
            cell_ratio(mosaic.lattice(main), mosaic.lattice(member))
        };
        let shrink = (view.shrink.0 * ratio.0, view.shrink.1 * ratio.1);
        let level = dalle.kind.level_for((shrink.0 * shrink.1).sqrt());
        let (factor, size) = (dalle.kind.factor(level), dalle.kind.levels[level]);
        let on_grid = aligned(member.offset.0, factor.0).zip(aligned(member.offset.1, factor.1));
        let (grid, place) = match on_grid {
            Some(((col, left), (row, top))) => (
                PixelGrid {
                    view: view_number,
                    lattice: member.lattice,
                    factor,
                    origin: (left, top),
                    alone: None,
                },
                Window::new(col, row, size.width, size.height),
            ),
            None => (
                PixelGrid {
                    view: view_number,
                    lattice: member.lattice,
                    factor,
                    origin: member.offset,
                    alone: Some(number),
                },
                Window::full(size),
            ),
        };
        let to_main = self.to_main(&grid, view);
        let corners = Bounds::new(
            place.col_off as f64,
            place.row_off as f64,
            place.col_end() as f64,
            place.row_end() as f64,
        );
        let target = match fitted.back {
            Some(back) => {
                let to_target = to_main.then(&back);
                let reached = corners.edge_points(1).map(|(col, row)| to_target.apply(col, row));
                pixels_around(&Bounds::around(reached)?, fitted.grid.target())?
            }
            None => *fitted.grid.target(),
        };
        Some(Candidate { number, view: view_number, level, place, grid, target })
    }

    /// Those that the budget allows, spread over the target, and where there are others.
    fn afford(&self, candidates: Vec<Candidate>) -> (Vec<Candidate>, Vec<Window>) {
        let budget = self.request.budget;
        let one = candidates.iter().map(|c| c.place.pixels().min(WINDOW_LIMIT_PX)).max().unwrap_or(0);
        let needed: u64 = candidates.iter().map(|candidate| self.pixels_of(candidate)).sum();
        let count = match budget.pixels {
            pixels if needed > pixels => budget.files.min((pixels / one.max(1)).max(1) as usize),
            _ => budget.files,
        };
        if candidates.len() <= count.max(1) {
            return (candidates, Vec::new());
        }
        let left_out = candidates.iter().map(|candidate| candidate.target).collect();
        // One of each field of a coarse board: the one that shows on top there.
        let side = (count as f64).sqrt().floor().max(1.0) as i64;
        let mut taken = vec![false; (side * side) as usize];
        let field = |candidate: &Candidate| {
            let middle = |start: i64, len: u32| start + i64::from(len) / 2;
            let (col, row) = (
                middle(candidate.target.col_off, candidate.target.width),
                middle(candidate.target.row_off, candidate.target.height),
            );
            let along = |at: i64, start: i64, len: u32| {
                ((at - start) * side / i64::from(len.max(1))).clamp(0, side - 1)
            };
            (along(row, self.window.row_off, self.window.height) * side
                + along(col, self.window.col_off, self.window.width)) as usize
        };
        let kept = candidates
            .into_iter()
            .filter(|candidate| !std::mem::replace(&mut taken[field(candidate)], true))
            // What lies between them is not read: no window shall be laid around all.
            .map(|candidate| {
                let alone = Some(candidate.number);
                Candidate { grid: PixelGrid { alone, ..candidate.grid }, ..candidate }
            });
        (kept.collect(), left_out)
    }

    /// How many of its pixels are read.
    fn pixels_of(&self, candidate: &Candidate) -> u64 {
        let view = &self.views[candidate.view];
        let shrink = (view.shrink.0 / candidate.grid.factor.0) * (view.shrink.1 / candidate.grid.factor.1);
        ((candidate.target.pixels() as f64 * shrink.max(1.0)) as u64).min(candidate.place.pixels())
    }

    /// From pixels of a grid to those of the zone's main grid at its level.
    fn to_main(&self, grid: &PixelGrid, view: &View<'_>) -> GeoTransform {
        let mosaic = self.request.mosaic;
        let main = mosaic.member(view.zone.main());
        let (origin_col, origin_row) = (grid.origin.0 as f64, grid.origin.1 as f64);
        let to_full = GeoTransform([origin_col, grid.factor.0, 0.0, origin_row, 0.0, grid.factor.1]);
        let to_level = GeoTransform([0.0, 1.0 / view.factor.0, 0.0, 0.0, 0.0, 1.0 / view.factor.1]);
        if grid.lattice == main.lattice {
            return to_full.then(&to_level);
        }
        let lattice = &view.zone.lattices()[grid.lattice as usize];
        to_full.then(&lattice.geotransform).then(&mosaic.lattice(main).to_pixel).then(&to_level)
    }

    /// Where the dalles of groups above lie, in pixels of a group's grid; only those near it.
    fn above(&self, group: &Group, groups: &[Group]) -> Vec<Window> {
        let mosaic = self.request.mosaic;
        let crs = self.views[group.grid.view].zone.crs();
        let lattice = &self.views[group.grid.view].zone.lattices()[group.grid.lattice as usize];
        let near = groups.iter().flat_map(|above| &above.members);
        let near = near.filter(|above| above.target.intersection(&group.target).is_some());
        near.filter_map(|above| {
            let bounds = mosaic.dalle(above.number).bounds();
            let zone = self.views[above.view].zone;
            let there = if zone.crs() == crs { None } else { Some(zone.placement(crs).ok()??) };
            let edge = bounds.edge_points(4).filter_map(|(x, y)| match &there {
                Some(placement) => placement.there.convert(x, y),
                None => Some((x, y)),
            });
            let place = Bounds::around(edge.map(|(x, y)| {
                let (col, row) = lattice.to_pixel.apply(x, y);
                let PixelGrid { origin, factor, .. } = group.grid;
                ((col - origin.0 as f64) / factor.0, (row - origin.1 as f64) / factor.1)
            }))?;
            Some(whole_pixels(&place))
        })
        .collect()
    }

    fn read(
        &self,
        group: &Group,
        above: &[Window],
        fitted: &[Option<Fitted>],
        is_alone: bool,
    ) -> Option<Read> {
        let view = &self.views[group.grid.view];
        let known = fitted[group.grid.view].as_ref()?;
        // Where it covers a part only, the rest of the target is no matter of its.
        let narrow = (!is_alone && group.target.pixels() * 4 < known.grid.target().pixels() * 3)
            .then(|| self.fit(view, &group.target));
        let main = match &narrow {
            Some(fitted) => &fitted.as_ref()?.grid,
            None => &known.grid,
        };
        let mosaic = self.request.mosaic;
        let main_lattice = mosaic.member(view.zone.main()).lattice;
        let is_main = group.grid.lattice == main_lattice
            && group.grid.factor == view.factor
            && group.grid.origin == (0, 0);
        let grid = if is_main {
            main.clone()
        } else {
            let from_main = self.to_main(&group.grid, view).inverse()?;
            main.mapped(|col, row| from_main.apply(col, row))
        };
        let ratio = if group.grid.lattice == main_lattice {
            (1.0, 1.0)
        } else {
            cell_ratio(
                &view.zone.lattices()[main_lattice as usize],
                &view.zone.lattices()[group.grid.lattice as usize],
            )
        };
        let shrink =
            (view.shrink.0 * ratio.0 / group.grid.factor.0, view.shrink.1 * ratio.1 / group.grid.factor.1);
        let resampling = self.request.resampling;
        // Beneath others there is room for what kernels see beyond the edge.
        let room = |shrink: f64| if above.is_empty() { 0 } else { Kernel::reach(resampling, shrink) };
        let place = grown(&group.place, room(shrink.0), room(shrink.1));
        let window = source_window(&grid, &place, shrink, resampling)?;
        let pieces: Vec<Piece> = group
            .members
            .iter()
            .filter(|member| member.place.intersection(&window).is_some())
            .map(|member| Piece { number: member.number, level: member.level, place: member.place })
            .collect();
        (!pieces.is_empty()).then(|| Read {
            mosaic: Arc::clone(mosaic),
            pieces,
            window,
            grid,
            shrink,
            resampling,
            holes: Vec::new(),
            above: above.iter().filter_map(|above| above.intersection(&window)).collect(),
        })
    }
}

/// Puts dalles of one grid together, as long as no other one that shows above them gets below.
fn groups(candidates: Vec<Candidate>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for candidate in candidates {
        // The last group of its grid with nothing in between that it must not jump over.
        let mut home = None;
        for (number, group) in groups.iter().enumerate().rev() {
            if group.grid == candidate.grid && group.grid.alone.is_none() {
                home = Some(number);
                break;
            }
            if group.members.iter().any(|member| member.target.intersection(&candidate.target).is_some()) {
                break;
            }
        }
        match home {
            Some(number) => {
                let group = &mut groups[number];
                group.place = group.place.union(&candidate.place);
                group.target = group.target.union(&candidate.target);
                group.members.push(candidate);
            }
            None => groups.push(Group {
                grid: candidate.grid,
                place: candidate.place,
                target: candidate.target,
                members: vec![candidate],
            }),
        }
    }
    groups
}

/// The offset in pixels of a level, and what is left of it in full resolution; `None` where the level's pixels are not made of
/// whole ones.
fn aligned(offset: i64, factor: f64) -> Option<(i64, i64)> {
    let whole = factor.round();
    if whole < 1.0 || (factor - whole).abs() > 1e-9 {
        return None;
    }
    let whole = whole as i64;
    Some((offset.div_euclid(whole), offset.rem_euclid(whole)))
}

/// A window cut in two across its longer side.
fn halves(window: &Window) -> [Window; 2] {
    if window.height >= window.width {
        let upper = window.height / 2;
        let row_off = window.row_off + i64::from(upper);
        [Window { height: upper, ..*window }, Window { row_off, height: window.height - upper, ..*window }]
    } else {
        let left = window.width / 2;
        let col_off = window.col_off + i64::from(left);
        [Window { width: left, ..*window }, Window { col_off, width: window.width - left, ..*window }]
    }
}

/// Pixels of one lattice for one of another, along columns and rows.
fn cell_ratio(from: &Lattice, to: &Lattice) -> (f64, f64) {
    let (from, to) = (from.geotransform.cell_size(), to.geotransform.cell_size());
    (from.0.abs() / to.0.abs(), from.1.abs() / to.1.abs())
}

/// A window with more pixels on every side.
fn grown(window: &Window, cols: i64, rows: i64) -> Window {
    let wider = |len: u32, by: i64| len.saturating_add(2 * by as u32);
    Window::new(
        window.col_off - cols,
        window.row_off - rows,
        wider(window.width, cols),
        wider(window.height, rows),
    )
}

/// The pixels that a rectangle touches; of one that reaches very far, no more than kernels can.
fn whole_pixels(bounds: &Bounds) -> Window {
    let limit = |v: f64| v.clamp(-1e9, 1e9) as i64;
    let (left, right) = (limit(bounds.min_x.floor()), limit(bounds.max_x.ceil()));
    let (top, bottom) = (limit(bounds.min_y.floor()), limit(bounds.max_y.ceil()));
    Window::new(left, top, (right - left).max(0) as u32, (bottom - top).max(0) as u32)
}

/// The pixels of `all` that a rectangle touches, with room for kernels.
fn pixels_around(bounds: &Bounds, all: &Window) -> Option<Window> {
    let side = |min: f64, max: f64, start: i64, len: u32| {
        let end = start as f64 + f64::from(len);
        let (from, to) = ((min - 4.0).floor().max(start as f64), (max + 4.0).ceil().min(end));
        (from < to).then_some((from as i64, (to - from) as u32))
    };
    let (col, width) = side(bounds.min_x, bounds.max_x, all.col_off, all.width)?;
    let (row, height) = side(bounds.min_y, bounds.max_y, all.row_off, all.height)?;
    Some(Window::new(col, row, width, height))
}

/// The part of some imagery that the kernels of a grid can reach.
pub(super) fn source_window(
    grid: &Grid,
    place: &Window,
    shrink: (f64, f64),
    resampling: Resampling,
) -> Option<Window> {
    let extent = grid.extent()?;
    let side = |min: f64, max: f64, shrink: f64, start: i64, len: u32| {
        let reach = Kernel::reach(resampling, shrink) as f64;
        let (from, to) = (start as f64, start as f64 + f64::from(len));
        ((min.floor() - reach).clamp(from, to) as i64, (max.ceil() + reach).clamp(from, to) as i64)
    };
    let (left, right) = side(extent.min_x, extent.max_x, shrink.0, place.col_off, place.width);
    let (top, bottom) = side(extent.min_y, extent.max_y, shrink.1, place.row_off, place.height);
    (left < right && top < bottom)
        .then(|| Window::new(left, top, (right - left) as u32, (bottom - top) as u32))
}

/// From a grid's source pixels to its target pixels, about; `None` where a corner has no place in the source.
fn back(grid: &Grid) -> Option<GeoTransform> {
    let target = grid.target();
    let (width, height) = (f64::from(target.width), f64::from(target.height));
    let [zero, east, south] = grid.corners()?;
    let forth = GeoTransform([
        zero.0,
        (east.0 - zero.0) / width,
        (south.0 - zero.0) / height,
        zero.1,
        (east.1 - zero.1) / width,
        (south.1 - zero.1) / height,
    ]);
    let GeoTransform(mut back) = forth.inverse()?;
    back[0] += target.col_off as f64;
    back[3] += target.row_off as f64;
    Some(GeoTransform(back))
}
