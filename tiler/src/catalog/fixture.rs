//! Records made by hand for tests; no file is behind them.

use std::{path::Path, sync::Arc};

use super::{Dalle, Kind, Stamp};
use crate::{
    crs::Crs,
    geom::{GeoTransform, Size},
    raster::SampleType,
    source::OpenOptions,
};

/// A dalle of 200 m at 5 cm in Lambert-93 with its upper left corner at `x, y`.
pub(crate) fn dalle(name: &str, x: f64, y: f64) -> Dalle {
    let kind = Kind {
        crs: Crs::from_epsg(2154).expect("is a known code"),
        levels: [4000, 2000, 1000, 500].map(|side| Size::new(side, side)).to_vec(),
        bands: 3,
        sample: SampleType::U8,
        has_transparency: false,
        is_lossy: true,
        compression: "JPEG".to_owned(),
        options: Arc::new(OpenOptions::default()),
    };
    Dalle {
        path: Path::new(name).into(),
        stamp: Stamp { inode: 1, bytes: 1, mtime_ns: 1 },
        generation: xxhash_rust::xxh3::xxh3_128(name.as_bytes()),
        geotransform: GeoTransform::north_up(x, y, 0.05, 0.05),
        kind: Arc::new(kind),
        year: None,
        footprint: None,
    }
}
