//! What is kept of each file: a few numbers, so that a department of 150,000 dalles fits into memory.

use std::path::PathBuf;

use tiler::{
    crs::Crs,
    geom::{Bounds, GeoTransform, Size},
    source::Source,
};

/// One file that could be opened.
#[derive(Debug, Clone)]
pub(crate) struct Dalle {
    pub path: PathBuf,
    /// With the files beside it.
    pub bytes: u64,
    pub size: Size,
    /// Alpha not counted.
    pub bands: usize,
    pub has_alpha: bool,
    pub sample: &'static str,
    pub compression: &'static str,
    /// Size of the tiles; `None` for strips.
    pub tile: Option<Size>,
    /// Whether what is stored of a block can be a picture by itself.
    pub has_pictures: bool,
    pub crs: Option<Crs>,
    pub geotransform: Option<GeoTransform>,
    /// Of its imagery, where it is known.
    pub year: Option<u16>,
}

/// A dalle with a place, north up: its bounds are what it covers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed<'a> {
    pub dalle: &'a Dalle,
    pub crs: &'a Crs,
    pub bounds: Bounds,
    /// Width and height of a pixel, CRS units.
    pub cell: (f64, f64),
}

impl Dalle {
    pub(crate) fn of(source: &Source, year: Option<u16>) -> Self {
        let facts = source.facts();
        let beside: u64 = source.beside().map(|file| file.size).sum();
        Self {
            path: source.path().to_owned(),
            bytes: source.identity().size.saturating_add(beside),
            size: source.size(),
            bands: source.bands(),
            has_alpha: source.has_alpha(),
            sample: facts.sample.name(),
            compression: facts.compression,
            has_pictures: source.pictures(0).is_some(),
            tile: facts.is_tiled.then(|| source.level(0).block_size()),
            crs: source.crs().cloned(),
            geotransform: source.geotransform().copied(),
            year,
        }
    }

    /// What the image lies within, in its CRS.
    pub(crate) fn bounds(&self) -> Option<Bounds> {
        self.geotransform.map(|geotransform| geotransform.bounds(self.size)).filter(Bounds::is_valid)
    }

    pub(super) fn placed(&self) -> Option<Placed<'_>> {
        let geotransform = self.geotransform.filter(GeoTransform::is_north_up)?;
        Some(Placed {
            dalle: self,
            crs: self.crs.as_ref()?,
            bounds: self.bounds()?,
            cell: geotransform.cell_size(),
        })
    }
}

/// Dalles of a test: 100 x 100 px of 0.2 m in Lambert-93, the upper left corner given in metres.
#[cfg(test)]
pub(super) fn dalle(name: &str, min_x: f64, max_y: f64) -> Dalle {
    Dalle {
        path: PathBuf::from(name),
        bytes: 1000,
        size: Size::new(100, 100),
        bands: 3,
        has_alpha: false,
        sample: "uint8",
        compression: "JPEG",
        tile: Some(Size::new(256, 256)),
        has_pictures: true,
        crs: Crs::from_epsg(2154).ok(),
        geotransform: Some(GeoTransform::north_up(min_x, max_y, 0.2, 0.2)),
        year: None,
    }
}
