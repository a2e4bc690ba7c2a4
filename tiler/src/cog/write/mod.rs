//! Writes cloud-optimized GeoTIFF files: RGB, JPEG tiles, overviews averaged from the level below.
//!
//! Blocks are asked for one by one, from many threads, and only their compressed form is kept until the file is laid out.

mod layout;

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};
use parking_lot::Mutex;
use rayon::prelude::*;

use crate::geom::{GeoTransform, Size, Window};

/// What is written beside the pixels.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// Columns and rows.
    pub size: Size,
    /// Where the image lies; north up.
    pub geotransform: GeoTransform,
    /// The code of its projected CRS.
    pub epsg: u16,
    /// Columns and rows of a block, a multiple of 16; default 512.
    pub block_px: u32,
    /// 1 to 100, default 85.
    pub jpeg_quality: u8,
}

impl WriteOptions {
    /// Blocks of 512 px, quality 85.
    pub fn new(size: Size, geotransform: GeoTransform, epsg: u16) -> Self {
        Self { size, geotransform, epsg, block_px: 512, jpeg_quality: 85 }
    }

    /// Sizes of all levels: halved until one block holds the image.
    fn levels(&self) -> Vec<Size> {
        let halve = |size: &Size| {
            let larger = size.width.max(size.height) > self.block_px;
            larger.then(|| Size::new(size.width.div_ceil(2), size.height.div_ceil(2)))
        };
        std::iter::successors(Some(self.size), halve).collect()
    }

    fn blocks(&self, size: Size) -> (u32, u32) {
        (size.width.div_ceil(self.block_px), size.height.div_ceil(self.block_px))
    }
}

/// Where the pixels come from.
pub trait PixelSource: Sync {
    /// Red green blue, `[row, col, channel]`, of a window that may reach outside the image.
    fn pixels(&self, window: Window) -> Vec<u8>;

    /// Told after each block of the full resolution image.
    fn block_done(&self) {}
}

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be written", path.display())]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// Writes a file whole or not at all: under a temporary name first.
///
/// # Errors
/// When the folder cannot be written to.
pub fn write(path: &Path, options: &WriteOptions, source: &dyn PixelSource) -> Result<(), WriteError> {
    let temporary = path.with_extension("tif.part");
    let written = || -> io::Result<()> {
        let tiles = compress(options, source)?;
        let mut out = BufWriter::new(File::create(&temporary)?);
        layout::assemble(&mut out, options, &tiles)?;
        out.flush()?;
        out.get_ref().sync_all()?;
        fs::rename(&temporary, path)
    };
    written().map_err(|source| {
        let _ = fs::remove_file(&temporary);
        WriteError { path: path.to_owned(), source }
    })
}

/// Compressed blocks by level, row by row.
type Tiles = Vec<Vec<Vec<u8>>>;

fn compress(options: &WriteOptions, source: &dyn PixelSource) -> io::Result<Tiles> {
    let levels = options.levels();
    let empty = |size: &Size| {
        let (cols, rows) = options.blocks(*size);
        Mutex::new(vec![Vec::new(); cols as usize * rows as usize])
    };
    let maker = Maker {
        options,
        source,
        tiles: levels.iter().map(empty).collect(),
        levels,
        failed: AtomicBool::new(false),
    };
    let top = maker.levels.len() - 1;
    let (cols, rows) = options.blocks(maker.levels[top]);
    (0..cols * rows).into_par_iter().for_each(|i| {
        maker.block(top, i % cols, i / cols);
    });
    if maker.failed.load(Ordering::Relaxed) {
        return Err(io::Error::other("the JPEG encoder failed"));
    }
    Ok(maker.tiles.into_iter().map(Mutex::into_inner).collect())
}

struct Maker<'a> {
    options: &'a WriteOptions,
    source: &'a dyn PixelSource,
    levels: Vec<Size>,
    tiles: Vec<Mutex<Vec<Vec<u8>>>>,
    failed: AtomicBool,
}

impl Maker<'_> {
    /// Makes a block, with all that it is averaged from, and returns its pixels.
    fn block(&self, level: usize, col: u32, row: u32) -> Option<Vec<u8>> {
        let (cols, rows) = self.options.blocks(self.levels[level]);
        if col >= cols || row >= rows {
            return None;
        }
        let side = self.options.block_px;
        let pixels = if level == 0 {
            let offset = |i: u32| i64::from(i) * i64::from(side);
            let pixels = self.source.pixels(Window::new(offset(col), offset(row), side, side));
            self.source.block_done();
            pixels
        } else {
            let child = |dx, dy| move || self.block(level - 1, col * 2 + dx, row * 2 + dy);
            let ((a, b), (c, d)) = rayon::join(
                || rayon::join(child(0, 0), child(1, 0)),
                || rayon::join(child(0, 1), child(1, 1)),
            );
            average(&[a, b, c, d], side as usize)
        };
        let jpeg = Encoder::new(&pixels, side as usize, side as usize, PixelFormat::Rgb)
            .quality(self.options.jpeg_quality)
            .subsampling(Subsampling::S420)
            .encode();
        match jpeg {
            Ok(jpeg) => self.tiles[level].lock()[(row * cols + col) as usize] = jpeg,
            Err(_) => self.failed.store(true, Ordering::Relaxed),
        }
        Some(pixels)
    }
}

/// Four blocks, upper left, upper right, lower left, lower right, to one of the same size.
fn average(children: &[Option<Vec<u8>>; 4], side: usize) -> Vec<u8> {
    let mut out = vec![0; side * side * 3];
    let half = side / 2;
    for (child, (left, top)) in children.iter().zip([(0, 0), (half, 0), (0, half), (half, half)]) {
        let Some(child) = child else { continue };
        for row in 0..half {
            let upper = &child[row * 2 * side * 3..][..side * 3];
            let lower = &child[(row * 2 + 1) * side * 3..][..side * 3];
            let target = &mut out[((top + row) * side + left) * 3..][..half * 3];
            let pairs = upper.chunks_exact(6).zip(lower.chunks_exact(6));
            for (target, (u, l)) in target.chunks_exact_mut(3).zip(pairs) {
                for band in 0..3 {
                    let sum: u16 = [u[band], u[band + 3], l[band], l[band + 3]].map(u16::from).iter().sum();
                    target[band] = ((sum + 2) / 4) as u8;
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        crs::Crs,
        geom::Window,
        source::{OpenOptions, Source},
    };

    struct Gradient;

    impl PixelSource for Gradient {
        fn pixels(&self, window: Window) -> Vec<u8> {
            (window.row_off..window.row_end())
                .flat_map(|row| (window.col_off..window.col_end()).map(move |col| (col, row)))
                .flat_map(|(col, row)| [(col / 5) as u8, (row / 5) as u8, 90])
                .collect()
        }
    }

    #[test]
    fn what_is_written_reads_back_at_every_level() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("gradient.tif");
        let geotransform = GeoTransform::north_up(650_000.0, 6_235_000.0, 0.05, 0.05);
        let options =
            WriteOptions { block_px: 128, ..WriteOptions::new(Size::new(700, 500), geotransform, 2154) };
        write(&path, &options, &Gradient).expect("the folder can be written to");
        let cog = Source::open(&path, &OpenOptions::default()).expect("it is a GeoTIFF");
        assert_eq!((cog.size(), cog.crs().and_then(Crs::epsg)), (options.size, Some(2154)));
        assert_eq!(cog.geotransform(), Some(&geotransform));
        assert_eq!(cog.overviews(), [(350, 250), (175, 125), (88, 63)].map(|(w, h)| Size::new(w, h)));
        for (level, scale) in [(0, 1), (1, 2), (2, 4), (3, 8)] {
            let block = cog.blocks(level, &Window::new(20, 10, 1, 1))[0];
            let bytes = cog.fetch(&[block]).expect("it is there");
            let raster = cog.decode(block, &bytes[0]).expect("it is a JPEG");
            let pixel = raster.pixel(20, 10).expect("it is inside");
            let expected = [(20 * scale / 5) as u8, (10 * scale / 5) as u8, 90];
            assert!(
                pixel.iter().zip(expected).all(|(a, b)| (a - f64::from(b)).abs() < 8.0),
                "{level}: {pixel:?} {expected:?}"
            );
        }
        assert!(!folder.path().join("gradient.tif.part").exists());
    }
}
