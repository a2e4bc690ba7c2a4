//! A baseline stream of its planes: markers as JFIF has them, and one scan.

use super::{
    bits::Bits,
    huffman::{AC, CODES, DC, Huffman},
    quantisation::{Quantisation, quantisation},
    scan::Band,
};
use crate::{
    codec::jpeg::{dct::ZIGZAG, machine::Machine},
    geom::Size,
    raster::YCbCr,
};

/// Columns and rows of a stream at most.
const MAX_SIDE: u32 = 65_535;

/// The marker after the scan.
const END: [u8; 2] = [0xff, 0xd9];

/// Grey, or luma and two planes of chroma of half the columns and rows, as a stream of a quality.
pub(super) fn write(planes: &[&[u8]], size: Size, quality: u8, machine: Machine) -> Result<Vec<u8>, String> {
    let sides = 1..=MAX_SIDE;
    if !sides.contains(&size.width) || !sides.contains(&size.height) {
        return Err(format!(
            "{} x {} pixels are none, or more than JPEG has numbers for",
            size.width, size.height
        ));
    }
    let tables = quantisation(quality);
    let mut bits = Bits::new();
    let blocks = if planes.len() == 1 { 1 } else { 2 };
    let unit = 8 * blocks as u32;
    let (across, down) = (size.width.div_ceil(unit) as usize, size.height.div_ceil(unit) as usize);
    let mut edges = [const { Vec::new() }; 3];
    let mut dc = [0; 3];
    for number in 0..down {
        let mut bands = Vec::with_capacity(planes.len());
        for (plane, (samples, edge)) in planes.iter().zip(&mut edges).enumerate() {
            let blocks = if plane == 0 { blocks } else { 1 };
            let all = YCbCr::plane_size(size, plane);
            let wanted = Size::new((across.next_multiple_of(2) * 8 * blocks) as u32, 8 * blocks as u32);
            let first = number as u32 * wanted.height;
            let filled = (all.width.div_ceil(8) as usize, (all.height - first).div_ceil(8) as usize);
            let (samples, stride) = rows(samples, all, first, wanted, edge);
            let kind = plane.min(1);
            bands.push(Band {
                samples,
                stride,
                blocks,
                filled,
                quantisation: &tables[kind],
                codes: &CODES[kind],
                dc: dc[plane],
            });
        }
        machine.row(&mut bands, across, &mut bits);
        for (dc, band) in dc.iter_mut().zip(&bands) {
            *dc = band.dc;
        }
    }
    Ok(bits.finish(&markers(planes.len(), size, tables), &END))
}

/// Rows of a plane from one on, and from one to the next: as they lie there, or else with their last pixels repeated up to
/// the size that is wanted.
fn rows<'a>(
    samples: &'a [u8],
    all: Size,
    first: u32,
    wanted: Size,
    edge: &'a mut Vec<u8>,
) -> (&'a [u8], usize) {
    let width = all.width as usize;
    if all.width == wanted.width && first + wanted.height <= all.height {
        return (&samples[first as usize * width..], width);
    }
    edge.clear();
    for row in first..first + wanted.height {
        let from = row.min(all.height - 1) as usize * width;
        edge.extend_from_slice(&samples[from..from + width]);
        edge.resize(edge.len() + wanted.width as usize - width, samples[from + width - 1]);
    }
    (edge, wanted.width as usize)
}

/// All that is before the scan.
fn markers(planes: usize, size: Size, tables: &[Quantisation; 2]) -> Vec<u8> {
    let kinds = planes.min(2);
    let mut out = vec![0xff, 0xd8];
    // JFIF 1.01, square pixels, no thumbnail.
    marker(&mut out, 0xe0, &[b"JFIF\0", &[1, 1, 0, 0, 1, 0, 1, 0, 0]]);
    for (number, table) in tables.iter().enumerate().take(kinds) {
        let steps = ZIGZAG.map(|place| table.steps[usize::from(place)] as u8);
        marker(&mut out, 0xdb, &[&[number as u8], &steps]);
    }
    let [width, height] = [size.width, size.height].map(|side| (side as u16).to_be_bytes());
    let sampling = if planes == 1 { 0x11 } else { 0x22 };
    let components = [[1, sampling, 0], [2, 0x11, 1], [3, 0x11, 1]];
    marker(&mut out, 0xc0, &[&[8], &height, &width, &[planes as u8], components[..planes].as_flattened()]);
    for kind in 0..kinds {
        for (class, Huffman { counts, symbols }) in [(0, &DC[kind]), (0x10, &AC[kind])] {
            marker(&mut out, 0xc4, &[&[class | kind as u8], counts, symbols]);
        }
    }
    let components = [[1, 0], [2, 0x11], [3, 0x11]];
    // All coefficients in one scan.
    marker(&mut out, 0xda, &[&[planes as u8], components[..planes].as_flattened(), &[0, 63, 0]]);
    out
}

fn marker(out: &mut Vec<u8>, code: u8, parts: &[&[u8]]) {
    let body = parts.concat();
    out.extend_from_slice(&[0xff, code]);
    out.extend_from_slice(&(body.len() as u16 + 2).to_be_bytes());
    out.extend_from_slice(&body);
}
