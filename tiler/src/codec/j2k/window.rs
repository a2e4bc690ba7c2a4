//! A window of an image: the tiles it touches, their code-blocks, the way back to samples.

use super::{
    Codestream, J2kError,
    block::{BlockDecoder, Shape},
    header::{Component, Rect},
    index::TileIndex,
    packet::{Addition, BlockBytes, PrecinctState},
    wavelet::{self, Sample, Step},
};
use crate::{geom::Window, io::ByteSource};

/// A code-block of more bytes than this for each of its samples, and these besides, is a bomb.
const BYTES_OF_A_SAMPLE: usize = 8;
const BYTES_OF_A_BLOCK: usize = 4096;

/// Samples of one component in a rectangle of its own grid.
#[derive(Debug)]
enum Plane {
    Whole(Vec<i32>),
    Real(Vec<f32>),
}

pub(super) fn decode(
    stream: &Codestream,
    source: &dyn ByteSource,
    reduction: u8,
    window: &Window,
) -> Result<Vec<Vec<i32>>, J2kError> {
    let level = stream.level(reduction);
    let offset = |start: u32, off: i64| u32::try_from(i64::from(start) + off).map_err(|_| J2kError::Window);
    let wanted = Rect {
        x0: offset(level.x0, window.col_off)?,
        y0: offset(level.y0, window.row_off)?,
        x1: offset(level.x0, window.col_end())?,
        y1: offset(level.y0, window.row_end())?,
    };
    if reduction > stream.reductions() || wanted.is_empty() || wanted.intersection(&level) != wanted {
        return Err(J2kError::Window);
    }
    let ratios = ratios(stream)?;
    // What is wanted of each component, on its own grid.
    let own: Vec<Rect> = stream
        .grid
        .components
        .iter()
        .zip(&ratios)
        .map(|(component, &ratio)| {
            let all = stream.grid.image.divided(component.dx, component.dy).reduced(reduction);
            coarser(&wanted, ratio).intersection(&all)
        })
        .collect();
    let mut planes: Vec<Vec<i32>> =
        own.iter().map(|rect| vec![0; rect.width() as usize * rect.height() as usize]).collect();
    let mut decoder = BlockDecoder::default();
    for number in touched(stream, reduction, &wanted, &ratios) {
        let Some(tile) = stream.tile(source, number)? else { continue };
        one_tile(stream, source, &tile, reduction, &own, &mut planes, &mut decoder)?;
    }
    let (width, height) = (wanted.width() as usize, wanted.height() as usize);
    Ok(planes
        .into_iter()
        .zip(own.iter().zip(&ratios))
        .map(
            |(plane, (rect, &ratio))| {
                if ratio == (1, 1) { plane } else { repeat(&plane, rect, &wanted, ratio) }
            },
        )
        .inspect(|plane| debug_assert_eq!(plane.len(), width * height))
        .collect())
}

/// How many samples of the first component share one of each other.
fn ratios(stream: &Codestream) -> Result<Vec<(u32, u32)>, J2kError> {
    let components = &stream.grid.components;
    let first = components.first().ok_or(J2kError::Damaged { what: "SIZ" })?;
    components
        .iter()
        .map(|component| {
            if component.dx.is_multiple_of(first.dx) && component.dy.is_multiple_of(first.dy) {
                Ok((component.dx / first.dx, component.dy / first.dy))
            } else {
                Err(J2kError::Unsupported { what: "a first component of fewer samples than another" })
            }
        })
        .collect()
}

/// What a rectangle of the first component needs of one with fewer samples.
fn coarser(rect: &Rect, (x, y): (u32, u32)) -> Rect {
    Rect { x0: rect.x0 / x, y0: rect.y0 / y, x1: rect.x1.div_ceil(x), y1: rect.y1.div_ceil(y) }
}

/// Samples repeated to the size of the first component.
fn repeat(plane: &[i32], rect: &Rect, wanted: &Rect, (x, y): (u32, u32)) -> Vec<i32> {
    let place =
        |at: u32, ratio: u32, start: u32, end: u32| (at / ratio).clamp(start, end.max(start + 1) - 1) - start;
    let width = rect.width() as usize;
    let mut out = Vec::with_capacity(wanted.width() as usize * wanted.height() as usize);
    for row in wanted.y0..wanted.y1 {
        let from = place(row, y, rect.y0, rect.y1) as usize * width;
        out.extend(
            (wanted.x0..wanted.x1)
                .map(|col| plane.get(from + place(col, x, rect.x0, rect.x1) as usize).copied().unwrap_or(0)),
        );
    }
    out
}

/// The tiles that hold samples of a window, or of what components with fewer samples need for it.
fn touched(stream: &Codestream, reduction: u8, wanted: &Rect, ratios: &[(u32, u32)]) -> Vec<u32> {
    let grid = &stream.grid;
    let first = &grid.components[0];
    let margin = ratios.iter().map(|ratio| ratio.0.max(ratio.1)).max().unwrap_or(1);
    let (across, down) = grid.tiles();
    let span = |start: u32, end: u32, step: u32, tile0: u32, side: u32, count: u32| {
        let scale = u64::from(step) << reduction;
        let from = u64::from(start.saturating_sub(margin)) * scale;
        let to = (u64::from(end) + u64::from(margin)) * scale;
        let number =
            |at: u64| (at.saturating_sub(u64::from(tile0)) / u64::from(side)).min(u64::from(count)) as u32;
        number(from)..(number(to) + 1).min(count)
    };
    let cols = span(wanted.x0, wanted.x1, first.dx, grid.tile_x0, grid.tile_width, across);
    let rows = span(wanted.y0, wanted.y1, first.dy, grid.tile_y0, grid.tile_height, down);
    rows.flat_map(|row| cols.clone().map(move |col| row * across + col)).collect()
}

fn one_tile(
    stream: &Codestream,
    source: &dyn ByteSource,
    tile: &TileIndex,
    reduction: u8,
    own: &[Rect],
    planes: &mut [Vec<i32>],
    decoder: &mut BlockDecoder,
) -> Result<(), J2kError> {
    let mut decoded = Vec::with_capacity(own.len());
    let mut rects = Vec::with_capacity(own.len());
    for (component, wanted) in own.iter().enumerate() {
        let coding = &tile.parameters.coding[component];
        let number = coding
            .levels
            .checked_sub(reduction)
            .ok_or(J2kError::Unsupported { what: "a tile with fewer resolutions than the others" })?;
        let rect = tile.components[component].rect.reduced(reduction).intersection(wanted);
        rects.push(rect);
        let mut job = Job { source, tile, component, decoder };
        decoded.push(if rect.is_empty() {
            Plane::Whole(Vec::new())
        } else if coding.reversible {
            Plane::Whole(job.run(usize::from(number), rect)?)
        } else {
            Plane::Real(job.run(usize::from(number), rect)?)
        });
    }
    if tile.parameters.colour_transform {
        let [a, b, c, ..] = &mut decoded[..] else {
            return Err(J2kError::Damaged { what: "a colour transform of fewer than three components" });
        };
        if rects[0] != rects[1] || rects[0] != rects[2] {
            return Err(J2kError::Damaged { what: "a colour transform of components of different sizes" });
        }
        match (a, b, c) {
            (Plane::Whole(a), Plane::Whole(b), Plane::Whole(c)) => reversible_colours(a, b, c),
            (Plane::Real(a), Plane::Real(b), Plane::Real(c)) => irreversible_colours(a, b, c),
            _ => {
                return Err(J2kError::Damaged {
                    what: "a colour transform of components of different kinds",
                });
            }
        }
    }
    for (index, (plane, rect)) in decoded.iter().zip(&rects).enumerate() {
        if !rect.is_empty() {
            place(plane, rect, &stream.grid.components[index], &own[index], &mut planes[index]);
        }
    }
    Ok(())
}

/// G.2.2.
fn reversible_colours(a: &mut [i32], b: &mut [i32], c: &mut [i32]) {
    for ((y, u), v) in a.iter_mut().zip(b).zip(c) {
        let green = y.wrapping_sub(u.wrapping_add(*v) >> 2);
        (*y, *u, *v) = (v.wrapping_add(green), green, u.wrapping_add(green));
    }
}

/// G.3.2.
fn irreversible_colours(a: &mut [f32], b: &mut [f32], c: &mut [f32]) {
    for ((y, u), v) in a.iter_mut().zip(b).zip(c) {
        let (red, green, blue) = (*y + *v * 1.402, *y - *u * 0.344_13 - *v * 0.714_14, *y + *u * 1.772);
        (*y, *u, *v) = (red, green, blue);
    }
}

/// Shifts samples to their range, limits them to it, and puts them in their place.
fn place(plane: &Plane, rect: &Rect, component: &Component, whole: &Rect, into: &mut [i32]) {
    let half = 1i32 << (component.bits - 1);
    let (shift, least, most) = if component.signed { (0, -half, half - 1) } else { (half, 0, 2 * half - 1) };
    let (width, stride) = (rect.width() as usize, whole.width() as usize);
    for row in 0..rect.height() as usize {
        let to = ((rect.y0 - whole.y0) as usize + row) * stride + (rect.x0 - whole.x0) as usize;
        let line = &mut into[to..to + width];
        match plane {
            Plane::Whole(values) => {
                for (target, &value) in line.iter_mut().zip(&values[row * width..]) {
                    *target = value.saturating_add(shift).clamp(least, most);
                }
            }
            Plane::Real(values) => {
                for (target, &value) in line.iter_mut().zip(&values[row * width..]) {
                    *target = (value.round_ties_even() as i32).saturating_add(shift).clamp(least, most);
                }
            }
        }
    }
}

/// One component of one tile.
struct Job<'a> {
    source: &'a dyn ByteSource,
    tile: &'a TileIndex,
    component: usize,
    decoder: &'a mut BlockDecoder,
}

impl Job<'_> {
    fn run<T: Sample>(&mut self, resolution: usize, rect: Rect) -> Result<Vec<T>, J2kError> {
        let steps = wavelet::plan::<T>(&self.tile.components[self.component], resolution, rect);
        let mut low = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            let mut bands = self.bands::<T>(number, step)?;
            low = if number == 0 { bands.swap_remove(0) } else { wavelet::synthesise(step, &low, &bands) };
        }
        Ok(low)
    }

    /// The coefficients of one resolution in the windows of its sub-bands.
    fn bands<T: Sample>(&mut self, number: usize, step: &Step) -> Result<Vec<Vec<T>>, J2kError> {
        let area = |rect: &Rect| rect.width() as usize * rect.height() as usize;
        let mut bands: Vec<Vec<T>> = step.bands.iter().map(|rect| vec![T::default(); area(rect)]).collect();
        let tile = self.tile;
        let resolution = &tile.components[self.component].resolutions[number];
        for precinct in resolution.precincts_of(&step.bands) {
            self.precinct(number, precinct, step, &mut bands)?;
        }
        Ok(bands)
    }

    fn precinct<T: Sample>(
        &mut self,
        number: usize,
        precinct: usize,
        step: &Step,
        bands: &mut [Vec<T>],
    ) -> Result<(), J2kError> {
        let (tile, parameters) = (self.tile, &self.tile.parameters);
        let style = parameters.coding[self.component].style;
        let resolution = &tile.components[self.component].resolutions[number];
        let grids = resolution.blocks(precinct)?;
        let mut state = PrecinctState::new(&grids, style);
        let mut found: Vec<Vec<BlockBytes>> =
            grids.iter().map(|grid| vec![BlockBytes::default(); grid.count()]).collect();
        let mut additions: Vec<Addition> = Vec::new();
        let mut end = 0;
        for layer in 0..parameters.layers {
            let Some(start) = tile.start(resolution, precinct, layer, end) else { break };
            let header = tile.header(self.source, start, &grids, style)?;
            end = start + state.read(&header, layer, parameters, &mut additions)? as u64;
            for addition in &additions {
                found[addition.band][addition.block].add(addition, end);
                end += addition.bytes as u64;
            }
        }
        for (band, (grid, blocks)) in grids.iter().zip(&found).enumerate() {
            for (index, block) in blocks.iter().enumerate() {
                let rect = grid.rect(index);
                let inside = rect.intersection(&step.bands[band]);
                if inside.is_empty() || block.segments.is_empty() {
                    continue;
                }
                let shape = Shape {
                    width: rect.width() as usize,
                    height: rect.height() as usize,
                    orientation: resolution.bands[band].orientation,
                    style,
                    planes: resolution.bands[band].planes.saturating_sub(state.zero_planes(band, index)),
                };
                if block.len() > shape.width * shape.height * BYTES_OF_A_SAMPLE + BYTES_OF_A_BLOCK {
                    return Err(J2kError::Damaged { what: "a code-block larger than its samples could be" });
                }
                let mut bytes = Vec::with_capacity(block.len());
                for &(start, len) in &block.parts {
                    let part = tile.data.read(self.source, start, len)?;
                    if part.len() != len {
                        return Err(J2kError::Damaged { what: "the bytes of a code-block" });
                    }
                    bytes.extend_from_slice(&part);
                }
                let values = self.decoder.decode(&shape, &block.segments, &bytes)?;
                let shift = parameters.region_shift[self.component];
                let quantisation = resolution.bands[band].step;
                let window = &step.bands[band];
                for y in inside.y0..inside.y1 {
                    let from = (y - rect.y0) as usize * shape.width + (inside.x0 - rect.x0) as usize;
                    let to =
                        (y - window.y0) as usize * window.width() as usize + (inside.x0 - window.x0) as usize;
                    let width = inside.width() as usize;
                    let target = &mut bands[band][to..to + width];
                    for (sample, &value) in target.iter_mut().zip(&values[from..from + width]) {
                        *sample = T::from_coefficient(unshifted(value, shift), quantisation);
                    }
                }
            }
        }
        Ok(())
    }
}

/// A coefficient of a region of interest, which was shifted above all others, back in its place (Annex H).
fn unshifted(doubled: i32, shift: u8) -> i32 {
    if shift == 0 {
        return doubled;
    }
    let shift = u32::from(shift).min(31);
    let magnitude = doubled.unsigned_abs();
    if u64::from(magnitude) >= 2u64 << shift {
        doubled.signum() * (magnitude >> shift) as i32
    } else {
        doubled
    }
}
