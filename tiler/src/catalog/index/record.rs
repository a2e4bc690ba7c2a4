//! What an index says of one raster file.

use std::path::PathBuf;

use geo_types::MultiPolygon;

use crate::{
    catalog::Dalle,
    geom::{Bounds, GeoTransform, Size},
    raster::SampleType,
};

/// One raster file of an index. What the index does not say is `None`: an index of our own says all that is known of a file,
/// one of GDAL's at least where it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    /// The file, absolute.
    pub location: PathBuf,
    /// `EPSG:2154`, or another name or definition that [`crate::crs::Crs::from_name`] may know.
    pub crs: Option<String>,
    /// From pixels to `crs`.
    pub geotransform: Option<GeoTransform>,
    /// The rectangle around the image, in `crs`.
    pub bounds: Option<Bounds>,
    /// Columns and rows of the full image.
    pub size: Option<Size>,
    /// The reduced images, in the order of the file.
    pub overviews: Vec<Size>,
    /// Number of bands.
    pub bands: Option<usize>,
    /// The type of all bands.
    pub sample: Option<SampleType>,
    /// The name of the compression.
    pub compression: Option<String>,
    /// Whether decoded pixels differ from those that were encoded.
    pub is_lossy: Option<bool>,
    /// Whether some pixels may be transparent: nodata, a mask or alpha.
    pub has_transparency: Option<bool>,
    /// Length of the file.
    pub bytes: Option<u64>,
    /// Last modification, in nanoseconds since 1970.
    pub mtime_ns: Option<i64>,
    /// Number of the file on its device.
    pub inode: Option<u64>,
    /// A hash of the file's state.
    pub generation: Option<u128>,
    /// A hash of the states of the files beside it that have a say in it.
    pub beside: Option<u128>,
    /// The year of the picture.
    pub year: Option<i32>,
    /// Why the file is not served. Such a record is kept, so that the file is not opened again each time.
    pub fault: Option<String>,
    /// Other fields of the index, by which files can be ordered. A name has values of one type throughout an index.
    pub attributes: Vec<(String, Value)>,
    /// Where the image is valid, in `crs`; `None` where that is all of it.
    pub footprint: Option<MultiPolygon>,
}

/// All that is known of a dalle, but for the files beside it.
impl From<&Dalle> for Record {
    fn from(dalle: &Dalle) -> Self {
        let Dalle { path, stamp, generation, geotransform, kind, year, .. } = dalle;
        Self {
            location: std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()),
            crs: Some(kind.crs.name()),
            geotransform: Some(*geotransform),
            bounds: Some(dalle.bounds()),
            size: Some(kind.size()),
            overviews: kind.levels[1..].to_vec(),
            bands: Some(kind.bands),
            sample: Some(kind.sample),
            compression: Some(kind.compression.clone()),
            is_lossy: Some(kind.is_lossy),
            has_transparency: Some(kind.has_transparency),
            bytes: Some(stamp.bytes),
            mtime_ns: Some(stamp.mtime_ns),
            inode: Some(stamp.inode),
            generation: Some(*generation),
            year: year.map(i32::from),
            ..Self::default()
        }
    }
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number; whole ones are exact up to 2^53.
    Number(f64),
    /// Text; dates too, as ISO 8601 has them.
    Text(String),
}
