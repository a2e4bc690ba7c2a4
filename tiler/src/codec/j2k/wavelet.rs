//! The inverse wavelet transforms, of a window only.
//!
//! A window of a resolution is made from windows of the sub-bands below it, a few samples larger than half of it: so far do
//! the filters reach. At the edges of the larger window samples are mirrored; where that is not the edge of the tile, what
//! comes out there is wrong, and cut off.
//!
//! Source: ISO/IEC 15444-1, Annex F.

#![expect(clippy::inline_always, reason = "the loops over samples need all state in registers")]

use super::{header::Rect, tile::TileComponent};

/// Samples of a transform: whole numbers for the reversible 5/3, floating point for the 9/7.
pub(super) trait Sample: Copy + Default {
    /// So far the filters reach.
    const REACH: u32;
    /// Lifting steps; even ones change the low samples, odd ones the high.
    const STEPS: usize;
    /// What low and high samples are multiplied by at first.
    fn scaled(self, high: bool) -> Self;
    /// A sample after a lifting step, from its neighbours of the other kind.
    fn lifted(self, step: usize, before: Self, after: Self) -> Self;
    /// A high sample that is alone in its row or column.
    fn alone(self) -> Self;
    /// From twice a coefficient, and what a step of the quantisation is worth.
    fn from_coefficient(doubled: i32, step: f32) -> Self;
}

impl Sample for i32 {
    const REACH: u32 = 2;
    const STEPS: usize = 2;

    fn scaled(self, _: bool) -> Self {
        self
    }

    #[inline(always)]
    fn lifted(self, step: usize, before: Self, after: Self) -> Self {
        let sum = before.wrapping_add(after);
        if step == 0 { self.wrapping_sub(sum.wrapping_add(2) >> 2) } else { self.wrapping_add(sum >> 1) }
    }

    fn alone(self) -> Self {
        self / 2
    }

    fn from_coefficient(doubled: i32, _: f32) -> Self {
        doubled / 2
    }
}

impl Sample for f32 {
    const REACH: u32 = 4;
    const STEPS: usize = 4;

    fn scaled(self, high: bool) -> Self {
        // The second is 2 / K: the gain of two of a high sub-band is here and not in its step.
        self * if high { 1.625_732_4 } else { 1.230_174_1 }
    }

    #[inline(always)]
    fn lifted(self, step: usize, before: Self, after: Self) -> Self {
        const LIFTING: [f32; 4] = [-0.443_506_85, -0.882_911_1, 0.052_980_118, 1.586_134_3];
        self + (before + after) * LIFTING[step]
    }

    fn alone(self) -> Self {
        self
    }

    fn from_coefficient(doubled: i32, step: f32) -> Self {
        doubled as f32 * (0.5 * step)
    }
}

/// What one resolution needs for a window of it.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// The window.
    out: Rect,
    /// The window with the reach of the filters.
    wide: Rect,
    /// Windows of the sub-bands: LL alone, or HL, LH, HH.
    pub bands: Vec<Rect>,
}

/// The steps from the smallest resolution to the one asked for.
pub(super) fn plan<T: Sample>(component: &TileComponent, resolution: usize, window: Rect) -> Vec<Step> {
    let mut steps = Vec::with_capacity(resolution + 1);
    let mut out = window;
    for number in (1..=resolution).rev() {
        let wide = Rect {
            x0: out.x0.saturating_sub(T::REACH),
            y0: out.y0.saturating_sub(T::REACH),
            x1: out.x1.saturating_add(T::REACH),
            y1: out.y1.saturating_add(T::REACH),
        }
        .intersection(&component.resolutions[number].rect);
        let wide = if out.is_empty() { out } else { wide };
        let low = wide.reduced(1);
        let high = Rect { x0: wide.x0 / 2, y0: wide.y0 / 2, x1: wide.x1 / 2, y1: wide.y1 / 2 };
        let bands =
            vec![Rect { x0: high.x0, x1: high.x1, ..low }, Rect { y0: high.y0, y1: high.y1, ..low }, high];
        steps.push(Step { out, wide, bands });
        out = low;
    }
    steps.push(Step { out, wide: out, bands: vec![out] });
    steps.reverse();
    steps
}

/// One step up: the window of a resolution from that of the one below (LL) and from its sub-bands (HL, LH, HH).
pub(super) fn synthesise<T: Sample>(step: &Step, ll: &[T], bands: &[Vec<T>]) -> Vec<T> {
    let [hl, lh, hh] = bands else { return ll.to_vec() };
    if step.out.is_empty() {
        return Vec::new();
    }
    let wide = step.wide;
    let width = wide.width() as usize;
    let (low_rows, high_rows) = (step.bands[0].height() as usize, step.bands[1].height() as usize);
    let (low_cols, high_cols) = (step.bands[1].width() as usize, step.bands[0].width() as usize);
    let mut rows = vec![T::default(); width * (low_rows + high_rows)];
    let (low_part, high_part) = rows.split_at_mut(width * low_rows);
    let mut line = Line { low: vec![T::default(); low_cols], high: vec![T::default(); high_cols] };
    for (part, low, high) in [(&mut *low_part, ll, hl.as_slice()), (&mut *high_part, lh, hh)] {
        for (number, row) in part.chunks_exact_mut(width).enumerate() {
            line.low.copy_from_slice(&low[number * low_cols..][..low_cols]);
            line.high.copy_from_slice(&high[number * high_cols..][..high_cols]);
            line.synthesise(wide.x0 % 2 == 1, row);
        }
    }
    columns(low_part, high_part, width, wide.y0 % 2 == 1);

    let (out_width, out_height) = (step.out.width() as usize, step.out.height() as usize);
    let left = (step.out.x0 - wide.x0) as usize;
    let mut out = Vec::with_capacity(out_width * out_height);
    for y in step.out.y0..step.out.y1 {
        let (part, number) = if y % 2 == 0 {
            (&*low_part, y / 2 - step.bands[0].y0)
        } else {
            (&*high_part, y / 2 - step.bands[1].y0)
        };
        out.extend_from_slice(&part[number as usize * width + left..][..out_width]);
    }
    out
}

/// Low and high samples of one row.
struct Line<T> {
    low: Vec<T>,
    high: Vec<T>,
}

impl<T: Sample> Line<T> {
    fn synthesise(&mut self, starts_odd: bool, row: &mut [T]) {
        if row.len() == 1 {
            row[0] = if starts_odd { self.high[0].alone() } else { self.low[0] };
            return;
        }
        self.low.iter_mut().for_each(|sample| *sample = sample.scaled(false));
        self.high.iter_mut().for_each(|sample| *sample = sample.scaled(true));
        for step in 0..T::STEPS {
            let (target, other, ahead) = if step % 2 == 0 {
                (&mut self.low, &self.high, starts_odd)
            } else {
                (&mut self.high, &self.low, !starts_odd)
            };
            lift(target, other, usize::from(ahead), step);
        }
        let (first, second) = if starts_odd { (&self.high, &self.low) } else { (&self.low, &self.high) };
        for (pair, (&a, &b)) in row.chunks_exact_mut(2).zip(first.iter().zip(second)) {
            pair[0] = a;
            pair[1] = b;
        }
        if let (1, Some(last), Some(&sample)) = (row.len() % 2, row.last_mut(), first.last()) {
            *last = sample;
        }
    }
}

/// The numbers of the neighbours of a sample among the other kind; at an end the one there is stands for both.
fn neighbours(number: usize, ahead: usize, others: usize) -> (usize, usize) {
    let after = number + ahead;
    match (after.checked_sub(1), after < others) {
        (Some(before), true) => (before, after),
        (Some(before), false) => (before.min(others - 1), before.min(others - 1)),
        (None, _) => (after, after),
    }
}

fn lift<T: Sample>(target: &mut [T], other: &[T], ahead: usize, step: usize) {
    let count = target.len();
    let inner =
        if ahead == 0 { 1..count.min(other.len()) } else { 0..count.min(other.len().saturating_sub(1)) };
    for number in (0..count).filter(|number| !inner.contains(number)) {
        let (before, after) = neighbours(number, ahead, other.len());
        target[number] = target[number].lifted(step, other[before], other[after]);
    }
    if inner.is_empty() {
        return;
    }
    let others = &other[inner.start + ahead - 1..];
    for ((sample, &before), &after) in target[inner].iter_mut().zip(others).zip(&others[1..]) {
        *sample = sample.lifted(step, before, after);
    }
}

fn columns<T: Sample>(low: &mut [T], high: &mut [T], width: usize, starts_odd: bool) {
    if low.len() + high.len() == width {
        for sample in high.iter_mut() {
            *sample = sample.alone();
        }
        return;
    }
    for sample in low.iter_mut() {
        *sample = sample.scaled(false);
    }
    for sample in high.iter_mut() {
        *sample = sample.scaled(true);
    }
    for step in 0..T::STEPS {
        let (target, other, ahead) =
            if step % 2 == 0 { (&mut *low, &*high, starts_odd) } else { (&mut *high, &*low, !starts_odd) };
        for (number, row) in target.chunks_exact_mut(width).enumerate() {
            let (before, after) = neighbours(number, usize::from(ahead), other.len() / width);
            let (before, after) = (&other[before * width..][..width], &other[after * width..][..width]);
            for ((sample, &before), &after) in row.iter_mut().zip(before).zip(after) {
                *sample = sample.lifted(step, before, after);
            }
        }
    }
}
