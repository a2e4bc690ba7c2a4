//! Dalles that cost nothing: cloud-optimized GeoTIFF of one colour, all of whose blocks are the same few kilobytes of the file.
//!
//! A file is laid out once for each colour; another dalle of that colour differs by the sixteen bytes that say where it lies.

use std::io;

use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};

use super::{super::noise::hash, layout::Grid};

const BLOCK_PX: u32 = 512;
/// Sides of the patches that the ground is made of; a patch is one block of the JPEG's transform.
const PATCH_PX: u32 = 8;
/// Levels by which patches differ from the mean.
const ROUGHNESS: f32 = 7.0;

const SHORT: u16 = 3;
const LONG: u16 = 4;
const DOUBLE: u16 = 12;

/// A file that lacks its place.
#[derive(Debug)]
pub(super) struct Template {
    bytes: Vec<u8>,
    /// Where the coordinates of the corner stand.
    corner_at: usize,
}

impl Template {
    pub(super) fn new(grid: &Grid, colour: [u8; 3]) -> io::Result<Self> {
        let block = block(colour)?;
        // Directories are as long whatever they point to.
        let (measured, _) = directories(grid, 0, block.len());
        let (mut bytes, corner_at) = directories(grid, measured.len() as u32, block.len());
        bytes.extend_from_slice(&block);
        Ok(Self { bytes, corner_at })
    }

    /// The file with its upper left corner at a place.
    pub(super) fn file(&self, (x, y): (f64, f64)) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let place = &mut bytes[self.corner_at..][..16];
        place[..8].copy_from_slice(&x.to_le_bytes());
        place[8..].copy_from_slice(&y.to_le_bytes());
        bytes
    }
}

/// A block of ground whose mean is the colour: patches come in pairs, one as much brighter as the other is darker.
fn block(colour: [u8; 3]) -> io::Result<Vec<u8>> {
    let mut pixels = Vec::with_capacity((BLOCK_PX * BLOCK_PX * 3) as usize);
    for row in 0..BLOCK_PX {
        for col in 0..BLOCK_PX {
            let (i, j) = (col / PATCH_PX, row / PATCH_PX);
            let pair = (hash((i / 2) as i32, j as i32, 200) * 2.0 - 1.0) * ROUGHNESS;
            let offset = if i % 2 == 0 { pair } else { -pair };
            pixels.extend(colour.map(|value| (f32::from(value) + offset).round() as u8));
        }
    }
    Encoder::new(&pixels, BLOCK_PX as usize, BLOCK_PX as usize, PixelFormat::Rgb)
        .quality(75)
        .subsampling(Subsampling::S420)
        .optimize_huffman(true)
        .encode()
        .map_err(|error| io::Error::other(error.to_string()))
}

/// Header and directories of a classic TIFF, and where in them the corner stands.
fn directories(grid: &Grid, block_at: u32, block_bytes: usize) -> (Vec<u8>, usize) {
    let mut out = b"II\x2a\0\x08\0\0\0".to_vec();
    let mut corner_at = 0;
    let sides =
        std::iter::successors(Some(grid.side_px), |side| (*side > BLOCK_PX).then(|| side.div_ceil(2)));
    let sides: Vec<u32> = sides.collect();
    for (level, &side) in sides.iter().enumerate() {
        let blocks = side.div_ceil(BLOCK_PX).pow(2) as usize;
        let mut fields = vec![
            longs(254, &[u32::from(level > 0)]),
            longs(256, &[side]),
            longs(257, &[side]),
            shorts(258, &[8, 8, 8]),
            shorts(259, &[7]),
            shorts(262, &[6]),
            shorts(277, &[3]),
            shorts(284, &[1]),
            longs(322, &[BLOCK_PX]),
            longs(323, &[BLOCK_PX]),
            longs(324, &vec![block_at; blocks]),
            longs(325, &vec![block_bytes as u32; blocks]),
            shorts(339, &[1, 1, 1]),
            shorts(530, &[2, 2]),
        ];
        if level == 0 {
            fields.push(doubles(33_550, &[grid.cell_m(), grid.cell_m(), 0.0]));
            fields.push(doubles(33_922, &[0.0; 6]));
            fields.push(shorts(34_735, &[1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, grid.epsg]));
        }
        let placed = directory(&mut out, &fields, level + 1 == sides.len());
        if level == 0 {
            // The tie point is a pixel's column, row and height, then x, y and height.
            corner_at = placed.get(15).map_or(0, |at| at + 24);
        }
    }
    (out, corner_at)
}

/// A tag, the type of its values, how many there are, and they themselves.
type Field = (u16, u16, u32, Vec<u8>);

fn shorts(tag: u16, values: &[u16]) -> Field {
    (tag, SHORT, values.len() as u32, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

fn longs(tag: u16, values: &[u32]) -> Field {
    (tag, LONG, values.len() as u32, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

fn doubles(tag: u16, values: &[f64]) -> Field {
    (tag, DOUBLE, values.len() as u32, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

/// Appends a directory with its values behind it, and tells where the values of each field are.
fn directory(out: &mut Vec<u8>, fields: &[Field], is_last: bool) -> Vec<usize> {
    let mut values_at = out.len() + 2 + fields.len() * 12 + 4;
    let mut values: Vec<u8> = Vec::new();
    let mut placed = Vec::new();
    out.extend_from_slice(&(fields.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in fields {
        out.extend_from_slice(&tag.to_le_bytes());
        out.extend_from_slice(&kind.to_le_bytes());
        out.extend_from_slice(&count.to_le_bytes());
        if value.len() <= 4 {
            placed.push(out.len());
            out.extend_from_slice(value);
            out.resize(out.len() + 4 - value.len(), 0);
        } else {
            placed.push(values_at);
            out.extend_from_slice(&(values_at as u32).to_le_bytes());
            values.extend_from_slice(value);
            values_at += value.len();
        }
    }
    let next = if is_last { 0 } else { values_at as u32 };
    out.extend_from_slice(&next.to_le_bytes());
    out.extend_from_slice(&values);
    placed
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tiler::{
        crs::Crs,
        geom::{Size, Window},
        source::{OpenOptions, Source},
    };

    use super::{
        super::layout::{LAMBERT_93, ZONE_43},
        *,
    };

    #[test]
    fn every_level_of_a_file_shows_its_colour() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("dalle.tif");
        let colour = [120, 110, 80];
        for (grid, overviews) in [(&LAMBERT_93, [2000, 1000, 500]), (&ZONE_43, [1250, 625, 313])] {
            let template = Template::new(grid, colour).expect("it encodes");
            let bytes = template.file((652_000.0, 6_234_800.0));
            assert!(bytes.len() < 12_000, "{} bytes", bytes.len());
            fs::write(&path, &bytes).expect("the folder can be written to");
            let cog = Source::open(&path, &OpenOptions::default()).expect("it is a GeoTIFF");
            let bounds = cog.geotransform().expect("it has a place").bounds(cog.size());
            assert_eq!((bounds.min_x, bounds.max_y), (652_000.0, 6_234_800.0));
            assert_eq!((bounds.width(), bounds.height()), (200.0, 200.0));
            assert_eq!(cog.crs().and_then(Crs::epsg), Some(u32::from(grid.epsg)));
            assert_eq!(cog.overviews(), overviews.map(|side| Size::new(side, side)));
            for level in 0..4 {
                let block = cog.blocks(level, &Window::new(0, 0, 512, 512))[0];
                let read = cog.fetch(&[block]).expect("it is there");
                let raster = cog.decode(block, &read[0]).expect("it is a JPEG");
                for band in 0..3 {
                    let values = (0..256 * 256).filter_map(|i| raster.pixel(i % 256, i / 256));
                    let mean = values.map(|pixel| pixel[band]).sum::<f64>() / (256.0 * 256.0);
                    assert!((mean - f64::from(colour[band])).abs() < 1.5, "{level} {band}: {mean}");
                }
            }
        }
    }
}
