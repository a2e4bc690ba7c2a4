//! Units of the scan: their coefficients read and transformed, or passed over.

use std::{cell::RefCell, rc::Rc};

use super::{
    bits::{Bits, Broken},
    header::Frame,
    huffman::{Ac, Dc, Spec},
    idct::{self, Pair, Samples, samples_at},
    planes::Planes,
};
use crate::codec::jpeg::dct::ZIGZAG;

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
            self.bits = self.bits.restarted(data, self.restart)?;
            self.restart = (self.restart + 1) % 8;
            self.dc = [0; 3];
            self.to_restart = frame.restart_interval;
        }
        self.to_restart -= 1;
        Ok(())
    }
}

thread_local! {
    /// Those of the last stream: all blocks of a file may have the same, as those that we write; GDAL's do not.
    static LAST: RefCell<Option<Rc<Tables>>> = const { RefCell::new(None) };
}

/// Tables made for speed, and the blocks of a unit.
pub(super) struct Tables {
    /// What they were made of: for each component its tables, and how many blocks the first one has in a unit.
    specs: Vec<(Spec, Spec)>,
    sampling: (usize, usize),
    dc: Vec<Dc>,
    ac: Vec<Ac>,
    blocks: Vec<Block>,
}

/// A block of each unit.
struct Block {
    component: usize,
    dc: usize,
    ac: usize,
    /// Its column and row among those of its component.
    place: (usize, usize),
    /// Columns of blocks that its component has in a unit.
    columns: usize,
}

impl Tables {
    /// Those of a frame.
    pub(super) fn of(frame: &Frame) -> Rc<Self> {
        LAST.with_borrow_mut(|last| {
            let kept = last.take().filter(|tables| tables.is_for(frame));
            Rc::clone(last.insert(kept.unwrap_or_else(|| Rc::new(Self::new(frame)))))
        })
    }

    fn is_for(&self, frame: &Frame) -> bool {
        let wanted = frame.components.iter().map(|component| (&component.dc, &component.ac));
        self.sampling == frame.sampling && self.specs.iter().map(|(dc, ac)| (dc, ac)).eq(wanted)
    }

    fn new(frame: &Frame) -> Self {
        // Those that components share are made once, and stay in the cache.
        let (mut dc, mut ac, mut blocks) = (Distinct::new(), Distinct::new(), Vec::new());
        for (component, part) in frame.components.iter().enumerate() {
            let (dc, ac) = (dc.index(&part.dc, Dc::new), ac.index(&part.ac, Ac::new));
            let (columns, rows) = if component == 0 { frame.sampling } else { (1, 1) };
            for place in (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y))) {
                blocks.push(Block { component, dc, ac, place, columns });
            }
        }
        let specs = frame.components.iter().map(|part| (part.dc.clone(), part.ac.clone())).collect();
        Self { specs, sampling: frame.sampling, dc: dc.tables, ac: ac.tables, blocks }
    }
}

/// Tables by what they are made of.
struct Distinct<'a, T> {
    specs: Vec<&'a Spec>,
    tables: Vec<T>,
}

impl<'a, T> Distinct<'a, T> {
    const fn new() -> Self {
        Self { specs: Vec::new(), tables: Vec::new() }
    }

    fn index(&mut self, spec: &'a Spec, make: impl FnOnce(&Spec) -> T) -> usize {
        self.specs.iter().position(|other| *other == spec).unwrap_or_else(|| {
            self.specs.push(spec);
            self.tables.push(make(spec));
            self.specs.len() - 1
        })
    }
}

/// A row of units, and all that is needed to read it.
pub(super) struct UnitRow<'a> {
    pub(super) frame: &'a Frame,
    pub(super) tables: &'a Tables,
    pub(super) data: &'a [u8],
    /// Where it starts, and afterwards where it ends.
    pub(super) at: &'a mut EntryPoint,
    /// Its number.
    pub(super) row: usize,
}

/// How pairs of blocks are transformed.
pub(super) trait Transform: Copy {
    fn transform(self, coefficients: &Pair, quantisation: [&[i16; 64]; 2]) -> Samples;

    /// Has the processor fetch the line where this memory starts, which will soon be written to.
    fn announce(self, memory: &[u8]);
}

/// Reads the units, and puts their samples into the planes.
#[inline(always)]
pub(super) fn decode(units: UnitRow<'_>, planes: &mut Planes, how: impl Transform) -> Result<(), Broken> {
    let UnitRow { frame, tables, data, at, row } = units;
    let mut now = *at;
    let mut pending = Pending { how, blocks: [0; 256], places: [Place::default(); 2], count: 0 };
    for column in 0..frame.units().0 {
        now.before_unit(frame, data)?;
        planes.announce(how, row, column);
        for block in &tables.blocks {
            let ac = &tables.ac[block.ac];
            now.bits.refill(data);
            let dc = now.dc[block.component].wrapping_add(tables.dc[block.dc].diff(&mut now.bits)?);
            now.dc[block.component] = dc;
            let (x, y) = block.place;
            let offset = planes.offset(block.component, row, y, block.columns * column + x);
            let (spread, blocks) = (&SPREAD[pending.count & 1], &mut pending.blocks);
            let end = ac.coefficients(&mut now.bits, data, |place, value| {
                blocks[usize::from(spread[place & 255])] = value;
            })?;
            if end == 0 {
                let sample = idct::flat(dc, frame.components[block.component].quantisation[0]);
                planes.put(block.component, offset, |_| [sample; 8]);
                continue;
            }
            pending.blocks[8 * (pending.count & 1)] = dc;
            pending.places[pending.count] = Place { component: block.component, offset };
            pending.count += 1;
            if pending.count == 2 {
                pending.flush(frame, planes);
            }
        }
    }
    pending.flush(frame, planes);
    *at = now;
    now.bits.check()
}

/// Reads the units, and keeps nothing of them.
#[inline(always)]
pub(super) fn pass(units: UnitRow<'_>) -> Result<(), Broken> {
    let UnitRow { frame, tables, data, at, .. } = units;
    let mut now = *at;
    for _ in 0..frame.units().0 {
        now.before_unit(frame, data)?;
        for block in &tables.blocks {
            now.bits.refill(data);
            let diff = tables.dc[block.dc].diff(&mut now.bits)?;
            now.dc[block.component] = now.dc[block.component].wrapping_add(diff);
            tables.ac[block.ac].coefficients(&mut now.bits, data, |_, _| {})?;
        }
    }
    *at = now;
    now.bits.check()
}

/// Where a coefficient of the first block is in a [`Pair`], and one of the second. What is beyond the last one is put
/// beyond the pair.
static SPREAD: [[u8; 256]; 2] = {
    let mut spread = [[255; 256]; 2];
    let mut place = 0;
    while place < 64 {
        let natural = ZIGZAG[place];
        spread[0][place] = natural / 8 * 16 + natural % 8;
        spread[1][place] = spread[0][place] + 8;
        place += 1;
    }
    spread
};

/// Blocks that wait for a second one, since two are transformed at once.
struct Pending<T> {
    how: T,
    /// A [`Pair`], and room for what is not one of its coefficients.
    blocks: [i16; 256],
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
    fn flush(&mut self, frame: &Frame, planes: &mut Planes) {
        if self.count == 0 {
            return;
        }
        let quantisation = self.places.map(|place| &frame.components[place.component].quantisation);
        let Some(pair) = self.blocks.first_chunk() else { return };
        let samples = self.how.transform(pair, quantisation);
        for (block, place) in self.places.iter().take(self.count).enumerate() {
            planes.put(place.component, place.offset, |row| {
                let from = samples_at(block, row);
                samples[from..].first_chunk().copied().unwrap_or_default()
            });
        }
        self.blocks[..128].fill(0);
        self.count = 0;
    }
}
