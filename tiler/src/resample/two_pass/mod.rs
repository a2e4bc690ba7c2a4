//! Weighs a patch of target pixels in two passes: along the rows of the source first, then down what they gave.
//!
//! A source row serves every target row that weighs it, so its columns are weighed once instead of once for each of them.
//! Where the map turns a little, the columns of the target lean against those of the source; the first pass follows them: a
//! source row is weighed where the target's columns cross it. The kernel leans with them by at most an eighth of its height,
//! and its centre stays where it belongs.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod bands;
mod plain;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub(super) use bands::{Apart, ApartMut, Image, Interleaved, InterleavedMut, Target};

use super::{
    kernel::{Kernel, WEIGHT_BITS},
    sample::Row,
};
use crate::geom::Size;

/// Target pixels that are weighed at once.
const LANES: usize = 16;
/// The same at most, in the widest vectors.
const WIDE_LANES: usize = 2 * LANES;
/// So many rows before they are weighed are source rows announced: decoded blocks lie in main memory, and their rows are short.
const ROWS_AHEAD: i64 = 3;
/// Source columns that may lie under half as many target pixels.
const REACH: usize = 32;
/// Samples that vectors may read from a place on.
const SPARE: usize = 4 * REACH;
/// Source columns by which a column of the target may lean for each row, and the other way round.
const MOST_LEAN: f64 = 0.125;
/// Kernels of at most so many pixels.
const MOST_TAPS: usize = 8;
/// Bits below the point of rows after the first pass: samples go into it with 7, and a product of weights loses one.
const ROW_BITS: u32 = 7 + WEIGHT_BITS - 15;
/// What a pixel is rounded by after the second.
const PIXEL_BITS: u32 = ROW_BITS + WEIGHT_BITS - 15;
/// What rounding of positions may move, in source rows.
const SLACK: f64 = 1.0 / 64.0;
/// Positions from here on are no image's, and an image is not enlarged as far as this: what is calculated stays within 64 bits.
const FARTHEST: f64 = (1 << 30) as f64;
const LEAST_STEP: f64 = 1.0 / 4096.0;
/// More source rows than this under one target row are a map that is not for this.
const MOST_ROWS: i64 = 256;
const ONE: f64 = 65536.0;

/// Source positions of one column of target pixels, from its first row on.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// Of the centre of the first pixel, in pixels from the corner of the source.
    pub start: (f64, f64),
    /// From one row to the next.
    pub step: (f64, f64),
}

impl Line {
    fn x(&self, row: f64) -> f64 {
        self.start.0 + self.step.0 * row
    }

    fn y(&self, row: f64) -> f64 {
        self.start.1 + self.step.1 * row
    }

    /// Where it crosses the middle of the first source row, and by how much that moves for the next one.
    fn crossing(&self) -> (f64, f64) {
        let slope = self.step.0 / self.step.1;
        (self.start.0 + (0.5 - self.start.1) * slope, slope)
    }
}

/// A rectangle of target pixels whose source positions are linear along each row and along each column.
#[derive(Debug, Clone, Copy)]
pub struct Patch {
    /// Number of target columns.
    pub columns: usize,
    /// Number of target rows.
    pub rows: usize,
    /// The first column.
    pub left: Line,
    /// The column after the last.
    pub right: Line,
}

impl Patch {
    /// The pixels of a row.
    pub fn positions(&self, row: usize) -> Row {
        let (start, step) = self.row(row);
        Row { x: fixed(start.0), y: fixed(start.1), dx: fixed(step.0), dy: fixed(step.1) }
    }

    /// Source position of the first pixel of a row, and from one to the next.
    pub fn row(&self, row: usize) -> ((f64, f64), (f64, f64)) {
        let row = row as f64;
        let (start, end) = ((self.left.x(row), self.left.y(row)), (self.right.x(row), self.right.y(row)));
        let count = self.columns as f64;
        (start, ((end.0 - start.0) / count, (end.1 - start.1) / count))
    }
}

/// Positions along one row, in 1/65536 px: the first, and from one to the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steps {
    start: i64,
    step: i64,
}

impl Steps {
    /// `part` is one of the number of steps.
    fn new(first: f64, after_last: f64, part: f64) -> Self {
        Self { start: fixed(first), step: fixed((after_last - first) * part) }
    }

    fn at(&self, index: usize) -> i64 {
        self.start + self.step * index as i64
    }
}

/// In 1/65536 px, rounded. (Far from zero, leaving off what comes after the point is rounding down, and sooner done.)
fn fixed(position: f64) -> i64 {
    const FAR: i64 = 1 << 40;
    (position * ONE + (FAR as f64 + 0.5)) as i64 - FAR
}

/// A source row that is to be weighed: at which of the target's columns, and where they cross it.
#[derive(Debug)]
struct SourceRow {
    columns: Range<usize>,
    x: Steps,
}

/// What to do for a patch; all that it reads lies in the image.
pub struct Passes<'a> {
    kernels: (&'a Kernel, &'a Kernel),
    columns: usize,
    /// Where each target row lies.
    lines: Vec<Steps>,
    first_row: i64,
    source_rows: Vec<SourceRow>,
    /// Source rows that are kept at a time, a power of two.
    kept: usize,
}

impl<'a> Passes<'a> {
    /// Whether a kernel is neither too wide for this nor none at all.
    pub fn can_apply(kernel: &Kernel) -> bool {
        (2..=MOST_TAPS).contains(&kernel.taps())
    }

    /// `None` where a map turns, shrinks or is bent too much for this, or leads out of an image of that size.
    pub(super) fn plan(patch: &Patch, kernels: (&'a Kernel, &'a Kernel), size: Size) -> Option<Self> {
        let (columns, rows) = kernels;
        let is_upright =
            |line: &Line| line.step.1 > LEAST_STEP && line.step.0.abs() <= MOST_LEAN * line.step.1;
        let is_level = |row: f64| {
            let across = patch.right.x(row) - patch.left.x(row);
            across > 0.0 && (patch.right.y(row) - patch.left.y(row)).abs() <= MOST_LEAN * across
        };
        let (top, bottom) = (0.0, patch.rows.checked_sub(1)? as f64);
        let is_near = |line: &Line| {
            [top, bottom].iter().all(|&row| line.x(row).abs() <= FARTHEST && line.y(row).abs() <= FARTHEST)
        };
        let sides = [&patch.left, &patch.right];
        let is_plain = sides.into_iter().all(is_upright)
            && sides.into_iter().all(is_near)
            && is_level(top)
            && is_level(bottom);
        if patch.columns == 0 || !Self::can_apply(columns) || !Self::can_apply(rows) || !is_plain {
            return None;
        }
        let last = patch.columns - 1;
        let part = 1.0 / patch.columns as f64;
        let lines: Vec<Steps> = (0..patch.rows)
            .map(|row| Steps::new(patch.left.y(row as f64), patch.right.y(row as f64), part))
            .collect();
        let spans = |line: &Steps| {
            let (a, b) = (line.at(0), line.at(last));
            (rows.first(a.min(b)), rows.first(a.max(b)) + rows.taps() as i64)
        };
        // Steps are rounded, so that a line may end a row before the one above it.
        let (first_row, end_row, most) =
            lines.iter().map(spans).fold((i64::MAX, 0, 0), |(first, end, most), span| {
                (span.0.min(first), span.1.max(end), (span.1.max(end) - span.0).max(most))
            });
        if first_row < 0 || end_row > i64::from(size.height) || most > MOST_ROWS {
            return None;
        }
        let reach = Reach::new(patch, rows);
        let crossings = (patch.left.crossing(), patch.right.crossing());
        let mut source_rows = Vec::with_capacity((end_row - first_row) as usize);
        for row in first_row..end_row {
            let at = |(first, slope): (f64, f64)| first + slope * row as f64;
            let x = Steps::new(at(crossings.0), at(crossings.1), part);
            source_rows.push(Self::source_row(x, columns, size, reach.columns(row))?);
        }
        let kept = (most as usize).next_power_of_two();
        Some(Self { kernels, columns: patch.columns, lines, first_row, source_rows, kept })
    }

    fn source_row(x: Steps, columns: &Kernel, size: Size, used: Range<usize>) -> Option<SourceRow> {
        if used.is_empty() {
            return Some(SourceRow { columns: 0..0, x });
        }
        // Half of the target pixels that are weighed at once read from one place on.
        let beneath = ((x.step * (LANES as i64 / 2 - 1)) >> 16) + 1 + MOST_TAPS as i64;
        let first = columns.first(x.at(used.start));
        let end = columns.first(x.at(used.end - 1)) + columns.taps() as i64;
        let is_inside = x.step > 0 && first >= 0 && end <= i64::from(size.width);
        // Positions are counted in 32 bits, up to some pixels after the last.
        let is_near = size.width < (1 << 14) && beneath <= REACH as i64;
        (is_inside && is_near).then_some(SourceRow { columns: used, x })
    }

    /// Fills the patch.
    pub(super) fn run<const BANDS: usize>(&self, image: &impl Image<BANDS>, target: &mut impl Target<BANDS>) {
        #[cfg(target_arch = "x86_64")]
        if let Some(vectors) = avx512::Avx512::detected() {
            return self.run_with(vectors, image, target);
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(vectors) = avx2::Avx2::detected() {
            return self.run_with(vectors, image, target);
        }
        self.run_with(plain::Plain, image, target);
    }

    fn run_with<const BANDS: usize>(
        &self,
        mut machine: impl Machine,
        image: &impl Image<BANDS>,
        target: &mut impl Target<BANDS>,
    ) {
        let rows = self.kernels.1;
        // Vectors begin at any pixel and end after the last.
        let width = self.columns + WIDE_LANES;
        let used = self.source_rows.iter().filter(|row| !row.columns.is_empty());
        let steepest = used.map(|row| row.x.step).max().unwrap_or(0);
        let beneath = ((width as i64 * steepest) >> 16) as usize + SPARE + LANES;
        let mut planes = Planes { samples: vec![0; beneath * BANDS], width: beneath };
        let mut weighed = vec![0; self.kept * width * BANDS];
        let place = |row: i64| (row as usize & (self.kept - 1)) * width * BANDS;
        let mut next = self.first_row;
        for (number, line) in self.lines.iter().enumerate() {
            let lowest = rows.first(line.at(0).max(line.at(self.columns - 1))) + rows.taps() as i64;
            for row in next..lowest {
                let source = &self.source_rows[(row - self.first_row) as usize];
                let later = (row + ROWS_AHEAD - self.first_row) as usize;
                if let Some(source) = self.source_rows.get(later).filter(|row| !row.columns.is_empty()) {
                    image.announce((row + ROWS_AHEAD) as usize, self.beneath(source).1);
                }
                if !source.columns.is_empty() {
                    let out = &mut weighed[place(row)..place(row) + width * BANDS];
                    self.weigh_row(&mut machine, (source, row as usize), image, &mut planes, out);
                }
            }
            next = next.max(lowest);
            let start = number * target.stride();
            machine.begin_row(*line, rows, self.columns);
            let mut from = 0;
            while from < self.columns {
                let first = rows.first(line.at(from));
                let to = run_end(line, rows, from).min(self.columns);
                let part = Down {
                    rows: std::array::from_fn(|tap| place(first + tap.min(rows.taps() - 1) as i64) + from),
                    weighed: &weighed,
                    plane: width,
                    y: Steps { start: line.at(from), step: line.step },
                    from,
                };
                target.down(&mut machine, &part, rows, start + from..start + to);
                from = to;
            }
        }
    }

    fn weigh_row<const BANDS: usize>(
        &self,
        machine: &mut impl Machine,
        (row, number): (&SourceRow, usize),
        image: &impl Image<BANDS>,
        planes: &mut Planes,
        out: &mut [i16],
    ) {
        let (count, beneath) = self.beneath(row);
        let samples = image.load(machine, number, beneath, planes);
        let start = row.x.at(row.columns.start) - ((beneath.0 as i64) << 16);
        let x = Steps { start, step: row.x.step };
        let across = Across { samples, x, plane: out.len() / BANDS, from: row.columns.start, count };
        machine.across::<BANDS>(&across, self.kernels.0, out);
    }

    /// How many target pixels of a source row are weighed, and what lies beneath them: from a column on so many.
    fn beneath(&self, row: &SourceRow) -> (usize, (usize, usize)) {
        let columns = self.kernels.0;
        let count = row.columns.len().next_multiple_of(LANES);
        let start = columns.first(row.x.at(row.columns.start));
        let end = columns.first(row.x.at(row.columns.start + count)) + MOST_TAPS as i64;
        // Whole vectors of pixels where there are as many.
        (count, (start as usize, ((end - start) as usize).next_multiple_of(LANES)))
    }
}

/// Which columns of the target have a pixel that weighs a source row, and perhaps a few beside them.
struct Reach {
    /// Above the first target row and below the last one: by how many rows a source row is within reach at the first column,
    /// when it is the one with number 0; by how much more for the next one; and the columns after which that has changed by one.
    limits: [(f64, f64, f64); 2],
    columns: i64,
}

impl Reach {
    fn new(patch: &Patch, rows: &Kernel) -> Self {
        let origin = rows.origin() as f64 / ONE;
        let last = patch.rows as f64 - 1.0;
        let columns = patch.columns as f64;
        let columns_a_row = |at: f64| columns / (patch.right.y(at) - patch.left.y(at));
        let above = 1.0 + origin + SLACK - patch.left.y(0.0);
        let below = patch.left.y(last) + rows.taps() as f64 - 1.0 - origin + SLACK;
        let limits = [(above, 1.0, columns_a_row(0.0)), (below, -1.0, -columns_a_row(last))];
        Self { limits, columns: patch.columns as i64 }
    }

    fn columns(&self, source_row: i64) -> Range<usize> {
        let (mut from, mut to) = (0, self.columns);
        for (first, each, columns_a_row) in self.limits {
            let within = first + each * source_row as f64;
            // The column at which it leaves the reach, or enters it; where rows are level, it is far away on either side.
            let bound = within * columns_a_row;
            if columns_a_row > 0.0 {
                to = to.min((bound as i64).saturating_add(1));
            } else {
                from = from.max(bound as i64);
            }
        }
        from as usize..to.max(from) as usize
    }
}

/// The first target pixel after `from` whose kernel begins in another source row.
fn run_end(line: &Steps, rows: &Kernel, from: usize) -> usize {
    let above = |index: usize| line.at(index) - rows.origin();
    let row = above(from) >> 16;
    let left = match line.step {
        0 => return usize::MAX,
        1.. => ((row + 1) << 16) - above(from),
        _ => above(from) - (row << 16) + 1,
    };
    from + (left as u64).div_ceil(line.step.unsigned_abs()) as usize
}

/// Bands of a part of a source row, one after the other.
pub(super) struct Planes {
    samples: Vec<u8>,
    /// From one band to the next.
    width: usize,
}

impl Planes {
    fn bands<const BANDS: usize>(&self) -> [&[u8]; BANDS] {
        std::array::from_fn(|band| &self.samples[band * self.width..(band + 1) * self.width])
    }
}

/// One source row to be weighed along its columns.
pub(super) struct Across<'a, const BANDS: usize> {
    /// Each band, with [`SPARE`] samples from the last place, whatever they are.
    samples: [&'a [u8]; BANDS],
    /// Where the target's columns cross it.
    x: Steps,
    /// From one band to the next in what it gives.
    plane: usize,
    /// First target column.
    from: usize,
    /// Target columns, a multiple of [`LANES`].
    count: usize,
}

/// A run of target pixels that weigh the same source rows.
pub(super) struct Down<'a> {
    /// Where the rows begin; the last one fills the rest.
    rows: [usize; MOST_TAPS],
    weighed: &'a [i16],
    /// From one band to the next.
    plane: usize,
    y: Steps,
    /// First target column.
    from: usize,
}

/// What the passes are made of: plain loops and vectors give the same bytes.
pub(super) trait Machine {
    /// Parts pixels into bands.
    fn split<const BANDS: usize>(&mut self, pixels: &[u8], planes: &mut Planes);
    /// Weighs columns, into numbers of [`ROW_BITS`] below the point.
    fn across<const BANDS: usize>(&mut self, part: &Across<'_, BANDS>, kernel: &Kernel, out: &mut [i16]);
    /// Prepares for the runs of a target row of so many columns.
    fn begin_row(&mut self, _: Steps, _: &Kernel, _columns: usize) {}
    /// Weighs rows, into pixels whose bands are beside each other.
    fn down<const BANDS: usize>(&mut self, part: &Down<'_>, kernel: &Kernel, target: &mut [u8]);
    /// Weighs rows, into bands of the same length that lie apart.
    fn down_apart<const BANDS: usize>(
        &mut self,
        part: &Down<'_>,
        kernel: &Kernel,
        targets: [&mut [u8]; BANDS],
    );
}
