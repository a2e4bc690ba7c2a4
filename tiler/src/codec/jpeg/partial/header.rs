//! Markers of a stream, up to its scan.

use super::{bits::Broken, huffman::Spec};
use crate::{codec::jpeg::dct::ZIGZAG, geom::Size};

/// All that the markers say which decoding depends on.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// Of the picture, which may be larger than its block.
    pub(super) size: Size,
    /// One, or three of which the first may have twice the columns, or columns and rows.
    pub(super) components: Vec<Component>,
    /// Columns and rows of the first component for one of the others: 1 or 2.
    pub(super) sampling: (usize, usize),
    /// Units between two restart markers; 0 without.
    pub(super) restart_interval: u16,
    /// Where the scan starts in the stream.
    pub(super) scan: u32,
}

/// How one component is coded.
#[derive(Debug, Clone)]
pub(super) struct Component {
    /// In rows and columns.
    pub(super) quantisation: [i16; 64],
    pub(super) dc: Spec,
    pub(super) ac: Spec,
}

/// What was defined so far.
#[derive(Default)]
struct Tables {
    quantisation: [Option<[i16; 64]>; 4],
    dc: [Option<Spec>; 4],
    ac: [Option<Spec>; 4],
    restart_interval: u16,
}

/// Number of the component, sampling, table of quantisation.
struct Found {
    size: Size,
    components: Vec<(u8, (u8, u8), u8)>,
}

const NO_MARKER: Broken = Broken("no marker where one should be");

impl Frame {
    /// Reads the markers, after those of the tables that blocks share; `None` where the stream is of a kind that is not
    /// decoded here.
    pub(super) fn read(stream: &[u8], shared: Option<&[u8]>) -> Result<Option<Self>, Broken> {
        let mut tables = Tables::default();
        if let Some([0xff, 0xd8, segments @ ..]) = shared {
            let mut segments = Segments(segments);
            while let Some((marker, body)) = segments.next()? {
                match marker {
                    0xd9 => break,
                    0xda | 0xc0..=0xc3 | 0xc5..=0xcf => return Ok(None),
                    _ => {
                        if tables.define(marker, body)?.is_none() {
                            return Ok(None);
                        }
                    }
                }
            }
        }
        let [0xff, 0xd8, segments @ ..] = stream else { return Err(NO_MARKER) };
        let mut segments = Segments(segments);
        let mut found = None;
        while let Some((marker, body)) = segments.next()? {
            match marker {
                0xc0 | 0xc1 if found.is_none() => match Found::read(body) {
                    Some(frame) => found = Some(frame),
                    None => return Ok(None),
                },
                0xda => {
                    let Some(found) = found else { return Err(Broken("a scan without a frame")) };
                    let Ok(scan) = u32::try_from(stream.len() - segments.0.len()) else { return Ok(None) };
                    return Ok(found.with_scan(body, &tables, scan));
                }
                0xd9 => return Err(Broken("an end without a scan")),
                0xc0..=0xc3 | 0xc5..=0xcf | 0xdc | 0xde | 0xdf => return Ok(None),
                _ => {
                    if tables.define(marker, body)?.is_none() {
                        return Ok(None);
                    }
                }
            }
        }
        Err(Broken("no scan"))
    }

    /// Units of a row, and rows of them.
    pub(super) const fn units(&self) -> (usize, usize) {
        let (h, v) = self.sampling;
        ((self.size.width as usize).div_ceil(8 * h), (self.size.height as usize).div_ceil(8 * v))
    }
}

/// Marker after marker; what is between two that belong together must follow at once.
struct Segments<'a>(&'a [u8]);

impl<'a> Segments<'a> {
    fn next(&mut self) -> Result<Option<(u8, &'a [u8])>, Broken> {
        loop {
            match *self.0 {
                [0xff, 0xff, ..] => self.0 = &self.0[1..],
                [0xff, 0x01 | 0xd0..=0xd8, ref rest @ ..] => self.0 = rest,
                [0xff, 0xd9, ref rest @ ..] => {
                    self.0 = rest;
                    return Ok(Some((0xd9, &[])));
                }
                [0xff, marker, high, low, ref rest @ ..] if marker != 0 => {
                    let len = usize::from(u16::from_be_bytes([high, low]));
                    let len = len.checked_sub(2).ok_or(NO_MARKER)?;
                    let (body, rest) = rest.split_at_checked(len).ok_or(Broken("a segment that is cut"))?;
                    self.0 = rest;
                    return Ok(Some((marker, body)));
                }
                [] => return Ok(None),
                _ => return Err(NO_MARKER),
            }
        }
    }
}

impl Tables {
    /// Takes the tables of a segment; `None` where they are of a kind that is not decoded here.
    fn define(&mut self, marker: u8, mut body: &[u8]) -> Result<Option<()>, Broken> {
        match marker {
            0xdb => {
                while let [id, rest @ ..] = body {
                    let cut = Broken("a table of quantisation that is cut");
                    let (wide, id) = (id >> 4, usize::from(id & 15));
                    let (numbers, rest) = if wide == 0 {
                        let (numbers, rest) = rest.split_first_chunk::<64>().ok_or(cut)?;
                        (numbers.map(u16::from), rest)
                    } else {
                        let (numbers, rest) = rest.split_first_chunk::<128>().ok_or(cut)?;
                        (
                            std::array::from_fn(|i| u16::from_be_bytes([numbers[2 * i], numbers[2 * i + 1]])),
                            rest,
                        )
                    };
                    let Some(slot) = self.quantisation.get_mut(id).filter(|_| wide <= 1) else {
                        return Ok(None);
                    };
                    let natural = slot.insert([0; 64]);
                    for (number, place) in numbers.into_iter().zip(ZIGZAG) {
                        natural[usize::from(place)] = number as i16;
                    }
                    body = rest;
                }
            }
            0xc4 => {
                while let [id, rest @ ..] = body {
                    let cut = Broken("a Huffman table that is cut");
                    let (counts, rest) = rest.split_first_chunk::<16>().ok_or(cut)?;
                    let total = counts.iter().map(|&count| usize::from(count)).sum();
                    let (symbols, rest) = rest.split_at_checked(total).ok_or(cut)?;
                    let spec = Spec::new(*counts, symbols).ok_or(Broken("a Huffman table of no codes"))?;
                    let (class, id) = (id >> 4, usize::from(id & 15));
                    let slots = if class == 0 { &mut self.dc } else { &mut self.ac };
                    match slots.get_mut(id) {
                        Some(slot) if class <= 1 => *slot = Some(spec),
                        _ => return Ok(None),
                    }
                    body = rest;
                }
            }
            0xdd => {
                let &[high, low] = body else { return Err(Broken("a restart interval of another length")) };
                self.restart_interval = u16::from_be_bytes([high, low]);
            }
            _ => {}
        }
        Ok(Some(()))
    }
}

impl Found {
    fn read(body: &[u8]) -> Option<Self> {
        let (&[8, h1, h0, w1, w0, count], rest) = body.split_first_chunk()? else { return None };
        let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
        let size = Size::new(side(w1, w0), side(h1, h0));
        if rest.len() != 3 * usize::from(count) || size.pixels() == 0 {
            return None;
        }
        let (components, _) = rest.as_chunks();
        let components = components.iter().map(|&[id, s, table]| (id, (s >> 4, s & 15), table)).collect();
        Some(Self { size, components })
    }

    /// `None` unless all components are in this scan, in order, whole, and of a sampling that is decoded here.
    fn with_scan(self, scan: &[u8], tables: &Tables, start: u32) -> Option<Frame> {
        let sampling = match *self.components {
            [(_, (1, 1), _)] => (1, 1),
            [(_, (h @ 1..=2, v @ 1..=2), _), (_, (1, 1), _), (_, (1, 1), _)] if h >= v => {
                (h.into(), v.into())
            }
            _ => return None,
        };
        // So narrow a picture is upsampled in another way.
        if sampling.0 == 2 && self.size.width <= 4 {
            return None;
        }
        let (&count, rest) = scan.split_first()?;
        let (selectors, spectrum) = rest.split_at_checked(2 * usize::from(count))?;
        if usize::from(count) != self.components.len() || spectrum != [0, 63, 0] {
            return None;
        }
        let mut components = Vec::new();
        for (&(id, _, table), &[selected, huffman]) in self.components.iter().zip(selectors.as_chunks().0) {
            let (dc, ac) = (usize::from(huffman >> 4), usize::from(huffman & 15));
            let dc =
                tables.dc.get(dc)?.clone().filter(|spec| spec.symbols().iter().all(|&size| size <= 15))?;
            let ac = tables.ac.get(ac)?.clone()?;
            let quantisation = (*tables.quantisation.get(usize::from(table))?)?;
            if id != selected {
                return None;
            }
            components.push(Component { quantisation, dc, ac });
        }
        let Self { size, .. } = self;
        let restart_interval = tables.restart_interval;
        Some(Frame { size, components, sampling, restart_interval, scan: start })
    }
}
