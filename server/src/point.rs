//! What made the picture at one place: dalle, year, resolution and values, for every protocol that asks. It knows no
//! address and no document but a list of `GeoJSON` features.

use serde_json::{Map, Value, json};
use tiler::{
    catalog::{Imagery, Opener},
    crs::Crs,
    render::{PixelValue, pixel_values},
};

use crate::error::Fault;

/// What the dalles hold at a place, best first; `x, y` in the given CRS, easting first.
///
/// # Errors
/// [`Fault::Source`] where a file cannot be read.
pub fn values(
    imagery: &Imagery,
    files: &dyn Opener,
    place: (&Crs, f64, f64),
) -> Result<Vec<PixelValue>, Fault> {
    pixel_values(&imagery.mosaic, files, place).map_err(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "cannot read pixel values");
        if error.is_source_fault() { Fault::Source } else { Fault::Internal }
    })
}

/// One feature per dalle under a place, the one that shows first. The names of bands count from 1.
pub fn features(values: &[PixelValue]) -> Vec<Value> {
    let shown = values.iter().position(|value| value.valid);
    values.iter().enumerate().map(|(at, value)| feature(value, shown == Some(at))).collect()
}

fn feature(value: &PixelValue, is_shown: bool) -> Value {
    let dalle = &value.dalle;
    let file = dalle.path.file_name().map(|name| name.to_string_lossy().into_owned());
    let resolution_m = dalle.cell_size() * dalle.kind.crs.metres_per_unit();
    let mut properties = Map::new();
    let mut put = |name: &str, value: Value| properties.insert(name.to_owned(), value);
    put("source", json!(dalle.stem()));
    put("file", json!(file));
    put("year", json!(dalle.year));
    put("resolution_m", json!((resolution_m * 1e6).round() / 1e6));
    put("crs", json!(dalle.kind.crs.name()));
    put("shown", json!(is_shown));
    put("column", json!(value.col));
    put("row", json!(value.row));
    put("valid", json!(value.valid));
    for (band, sample) in value.values.iter().enumerate() {
        put(&format!("band_{}", band + 1), number(*sample));
    }
    json!({ "type": "Feature", "id": dalle.stem(), "geometry": Value::Null, "properties": properties })
}

/// Whole numbers without a point; what JSON cannot write as null.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9e15 { json!(value as i64) } else { json!(value) }
}

#[cfg(test)]
pub mod fixture {
    //! Values without a file behind them.

    use std::{path::Path, sync::Arc};

    use tiler::{
        catalog::{Dalle, Kind, Stamp},
        crs::Crs,
        geom::{GeoTransform, Size},
        raster::SampleType,
        render::PixelValue,
    };

    /// The pixel at column 5, row 6 of a dalle at 5 cm, of 2023.
    pub fn value(stem: &str, valid: bool) -> PixelValue {
        let kind = Kind {
            crs: Crs::from_epsg(2154).expect("is a known code"),
            levels: vec![Size::new(10, 10)],
            bands: 3,
            sample: SampleType::U8,
            has_transparency: false,
            is_lossy: false,
            compression: "NONE".to_owned(),
            options: Arc::default(),
        };
        let dalle = Dalle {
            path: Path::new(&format!("{stem}.tif")).into(),
            stamp: Stamp { inode: 1, bytes: 1, mtime_ns: 1 },
            generation: 1,
            geotransform: GeoTransform::north_up(650_000.0, 6_235_000.0, 0.05, 0.05),
            kind: Arc::new(kind),
            year: Some(2023),
            footprint: None,
        };
        PixelValue { dalle: Arc::new(dalle), col: 5, row: 6, values: vec![1.0, 2.0, 3.0], valid }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_valid_dalle_is_the_one_that_shows() {
        let features =
            features(&[fixture::value("a", false), fixture::value("b", true), fixture::value("c", true)]);
        let shown: Vec<_> = features.iter().map(|feature| feature["properties"]["shown"] == true).collect();
        assert_eq!(shown, [false, true, false]);
        let properties = &features[1]["properties"];
        assert_eq!((&properties["year"], &properties["file"]), (&json!(2023), &json!("b.tif")));
        assert_eq!((&properties["resolution_m"], &properties["band_2"]), (&json!(0.05), &json!(2)));
    }
}
