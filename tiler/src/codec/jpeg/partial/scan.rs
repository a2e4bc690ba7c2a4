//! Units of the scan: their coefficients read and transformed, or passed over.

use std::ops::Range;

use super::{
    bits::{Bits, Broken},
    header::{Frame, ZIGZAG},
    huffman::{Ac, Dc},
    idct::{self, Pair, Samples, samples_at},
};

/// Where decoding can go on: all that the units before leave behind.
#[derive(Debug, Clone, Copy)]
pub(super) struct EntryPoint {
    bits: Bits,
    /// The DC of the last block of each component.
    dc: [i16; 3],
    /// Units up to the next restart marker, if there are any.
    to_restart: u16,
    /// Its number.
    restart: u8,
}

impl EntryPoint {
    pub(super) const fn start(frame: &Frame) -> Self {
        let bits = Bits::at(frame.scan);
        Self { bits, dc: [0; 3], to_restart: frame.restart_interval, restart: 0 }
    }

    /// What is before a unit: a restart marker, where there is one.
    #[inline(always)]
    fn before_unit(&mut self, frame: &Frame, data: &[u8]) -> Result<(), Broken> {
        if frame.restart_interval == 0 {
            return Ok(());
        }
        if self.to_restart == 0 {
            self.bits.restart(data, self.restart)?;
            self.restart = (self.restart + 1) % 8;
            self.dc = [0; 3];
            self.to_restart = frame.restart_interval;
        }
        self.to_restart -= 1;
        Ok(())
    }
}

/// Tables made for speed: for luma (or what is alone) and for the other two, if there are.
pub(super) struct Tables {
    components: Vec<(Dc, Ac)>,
}

impl Tables {
    pub(super) fn new(frame: &Frame) -> Self {
        let mut components: Vec<(Dc, Ac)> = Vec::new();
        for component in &frame.components {
            components.push((Dc::new(&component.dc), Ac::new(&component.ac)));
        }
        Self { components }
    }
}

/// Samples of two rows of units, of those columns that are needed: rows of units take turns in it.
pub(super) struct Strip {
    /// Columns of units.
    pub(super) columns: Range<usize>,
    planes: Vec<Plane>,
}

struct Plane {
    samples: Vec<u8>,
    stride: usize,
    /// Rows of a row of units.
    rows: usize,
}

impl Strip {
    pub(super) fn new(frame: &Frame, columns: Range<usize>) -> Self {
        let planes = (0..frame.components.len()).map(|index| {
            let (h, v) = if index == 0 { frame.sampling } else { (1, 1) };
            let (stride, rows) = (8 * h * columns.len(), 8 * v);
            Plane { samples: vec![0; 2 * rows * stride], stride, rows }
        });
        Self { planes: planes.collect(), columns }
    }

    /// Samples of a row that was decoded, from the first column of the strip on.
    pub(super) fn row(&self, component: usize, row: usize) -> &[u8] {
        self.planes.get(component).map_or(&[], |plane| {
            let from = row % (2 * plane.rows) * plane.stride;
            plane.samples.get(from..from + plane.stride).unwrap_or_default()
        })
    }
}

/// What is to be done with units that are next to each other in a row of them.
pub(super) struct Segment<'a> {
    pub(super) frame: &'a Frame,
    pub(super) tables: &'a Tables,
    pub(super) data: &'a [u8],
    pub(super) at: &'a mut EntryPoint,
    /// Row and columns of the units.
    pub(super) row: usize,
    pub(super) columns: Range<usize>,
}

/// How pairs of blocks are transformed.
pub(super) trait Transform: Copy {
    fn transform(self, coefficients: &Pair, quantisation: [&[i16; 64]; 2]) -> Samples;
}

/// Reads the units, and puts the samples of those that are in the strip there: of all components, or of chroma alone.
#[inline(always)]
pub(super) fn decode(
    segment: Segment<'_>,
    strip: &mut Strip,
    with_luma: bool,
    how: impl Transform,
) -> Result<(), Broken> {
    let Segment { frame, tables, data, at, row, columns } = segment;
    let mut pending = Pending { how, blocks: [0; 128], places: [Place::default(); 2], count: 0 };
    for column in columns {
        at.before_unit(frame, data)?;
        let wanted = strip.columns.contains(&column);
        for (index, (component, (dc, ac))) in frame.components.iter().zip(&tables.components).enumerate() {
            let (h, v) = if index == 0 { frame.sampling } else { (1, 1) };
            let wanted = wanted && (index > 0 || with_luma);
            for block in 0..h * v {
                let mut bits = at.bits;
                bits.refill(data);
                let last = at.dc[index].wrapping_add(dc.diff(&mut bits)?);
                at.dc[index] = last;
                if !wanted {
                    ac.coefficients(&mut bits, data, |_, _| {})?;
                    at.bits = bits;
                    continue;
                }
                let plane = &mut strip.planes[index];
                let (x, y) = (block % h, block / h);
                let top = (row % 2) * plane.rows + 8 * y;
                let offset = top * plane.stride + 8 * (h * (column - strip.columns.start) + x);
                let slot = 8 * pending.count;
                let blocks = &mut pending.blocks;
                let end = ac.coefficients(&mut bits, data, |place, value| {
                    blocks[spread(place) + slot] = value;
                })?;
                at.bits = bits;
                if end == 0 {
                    let sample = idct::flat(last, component.quantisation[0]);
                    plane.put(offset, |_| [sample; 8]);
                    continue;
                }
                blocks[slot] = last;
                pending.places[pending.count] = Place { component: index, offset };
                pending.count += 1;
                if pending.count == 2 {
                    pending.flush(frame, strip);
                }
            }
        }
    }
    pending.flush(frame, strip);
    at.bits.check()
}

/// Reads the units, and keeps nothing of them.
#[inline(always)]
pub(super) fn pass(segment: Segment<'_>) -> Result<(), Broken> {
    let Segment { frame, tables, data, at, columns, .. } = segment;
    for _ in columns {
        at.before_unit(frame, data)?;
        for (index, (dc, ac)) in tables.components.iter().enumerate() {
            let blocks = if index == 0 { frame.sampling.0 * frame.sampling.1 } else { 1 };
            for _ in 0..blocks {
                let mut bits = at.bits;
                bits.refill(data);
                at.dc[index] = at.dc[index].wrapping_add(dc.diff(&mut bits)?);
                ac.coefficients(&mut bits, data, |_, _| {})?;
                at.bits = bits;
            }
        }
    }
    at.bits.check()
}

/// Where a coefficient is in a [`Pair`].
#[inline(always)]
fn spread(place: usize) -> usize {
    const SPREAD: [u8; 64] = {
        let mut spread = [0; 64];
        let mut place = 0;
        while place < 64 {
            let natural = ZIGZAG[place];
            spread[place] = natural / 8 * 16 + natural % 8;
            place += 1;
        }
        spread
    };
    usize::from(SPREAD[place & 63]) & 127
}

/// Blocks that wait for a second one, since two are transformed at once.
struct Pending<T> {
    how: T,
    blocks: Pair,
    places: [Place; 2],
    count: usize,
}

#[derive(Clone, Copy, Default)]
struct Place {
    component: usize,
    offset: usize,
}

impl<T: Transform> Pending<T> {
    #[inline(always)]
    fn flush(&mut self, frame: &Frame, strip: &mut Strip) {
        if self.count == 0 {
            return;
        }
        let quantisation = self.places.map(|place| &frame.components[place.component].quantisation);
        let samples = self.how.transform(&self.blocks, quantisation);
        for (block, place) in self.places.iter().take(self.count).enumerate() {
            strip.planes[place.component].put(place.offset, |row| {
                let from = samples_at(block, row);
                samples[from..].first_chunk().copied().unwrap_or_default()
            });
        }
        self.blocks = [0; 128];
        self.count = 0;
    }
}

impl Plane {
    #[inline(always)]
    fn put(&mut self, offset: usize, row: impl Fn(usize) -> [u8; 8]) {
        let rows = self.samples.get_mut(offset..).unwrap_or_default().chunks_mut(self.stride);
        for (index, to) in rows.take(8).enumerate() {
            if let Some(to) = to.first_chunk_mut() {
                *to = row(index);
            }
        }
    }
}
