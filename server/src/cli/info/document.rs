//! The facts of a file as JSON.

use serde_json::{Map, Value, json};
use tiler::{
    crs::Crs,
    raster::SampleType,
    source::{Advice, BandFacts, Source},
};

use super::{corners, photometric};

/// Pixels in columns and rows, coordinates in the file's CRS, easting first; `null` where the file does not tell.
pub(super) fn facts(source: &Source) -> Map<String, Value> {
    let (size, facts, level) = (source.size(), source.facts(), source.level(0));
    let bounds = source.geotransform().map(|geotransform| geotransform.bounds(size));
    let mut out = Map::new();
    let mut tell = |name: &str, value: Value| out.insert(name.to_owned(), value);
    tell("format", json!(facts.format));
    tell("files", files(source));
    tell("width", json!(size.width));
    tell("height", json!(size.height));
    tell("bands", json!(facts.bands));
    tell("dtype", json!(facts.sample.name()));
    tell("sample_bits", json!(facts.bits));
    tell("crs", json!(source.crs().map(Crs::name).or_else(|| facts.unusable_crs.clone())));
    tell("crs_title", json!(source.crs().map(Crs::title)));
    tell("bounds", json!(bounds.map(|b| [b.min_x, b.min_y, b.max_x, b.max_y])));
    tell("geotransform", json!(source.geotransform().map(|geotransform| geotransform.0)));
    let in_degrees = corners(source).into_iter().map(|corner| corner.degrees.map(|(x, y)| [x, y]));
    tell(
        "corners_wgs84",
        json!(in_degrees.take(4).collect::<Option<Vec<_>>>().filter(|all| !all.is_empty())),
    );
    tell("pixel_is_point", json!(source.is_point()));
    tell("compression", json!(facts.compression));
    tell("is_lossy", json!(facts.is_lossy));
    tell("photometric", json!(photometric(facts.interpretation, facts.is_ycbcr)));
    tell("interleave", json!(if facts.is_planar { "BAND" } else { "PIXEL" }));
    tell("block", json!([facts.block.width, facts.block.height]));
    tell("overviews", json!(source.overviews().iter().map(|s| [s.width, s.height]).collect::<Vec<_>>()));
    tell("nodata", source.nodata().map_or(Value::Null, number));
    tell("mask", json!(level.has_mask_of_all_bands()));
    // As GDAL's mask flags: alpha of two or four bands counts for all, where neither nodata nor a mask does.
    let counts = matches!(facts.bands, 2 | 4)
        && matches!(facts.sample, SampleType::U8 | SampleType::U16)
        && source.nodata().is_none()
        && !level.has_mask();
    tell("alpha", json!(source.has_alpha() && counts));
    tell("alpha_band", json!(source.alpha_band().map(|band| band + 1)));
    tell("metadata", metadata(source));
    tell("notes", json!(facts.notes));
    tell("band_details", bands(source));
    tell("cost", cost(source));
    tell("verdict", verdict(source));
    out
}

/// The file and those beside it that were read.
fn files(source: &Source) -> Value {
    let all = [source.identity()].into_iter().chain(source.beside());
    json!(all.map(|file| json!({ "path": file.path, "bytes": file.size })).collect::<Vec<_>>())
}

fn bands(source: &Source) -> Value {
    let band = |band: &BandFacts| {
        json!({
            "index": band.index,
            "interpretation": band.interpretation,
            "description": band.description,
            "unit": band.unit,
            "scale": band.scale,
            "offset": band.offset,
            "statistics": band.statistics.map(|s| json!({
                "min": number(s.min), "max": number(s.max), "mean": s.mean, "stddev": s.stddev,
            })),
        })
    };
    json!(source.band_facts().iter().map(band).collect::<Vec<_>>())
}

fn metadata(source: &Source) -> Value {
    let items = source.facts().items.iter();
    Value::Object(items.map(|item| (item.name.clone(), json!(item.value))).collect())
}

fn cost(source: &Source) -> Value {
    let cost = source.cost();
    json!({
        "native_tile_ms": cost.native_tile_ms,
        "native_tile_bytes": cost.native_tile_bytes,
        "low_zoom_tile_ms": cost.low_zoom_tile_ms,
        "low_zoom_bytes": cost.low_zoom_bytes,
    })
}

fn verdict(source: &Source) -> Value {
    let advice = |advice: &Advice| {
        json!({
            "code": advice.code,
            "severity": advice.severity.name(),
            "cost": advice.cost,
            "remedy": advice.remedy,
        })
    };
    json!(source.verdict().iter().map(advice).collect::<Vec<_>>())
}

/// JSON knows neither NaN nor infinity: as text.
fn number(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { json!(value.to_string().to_lowercase()) }
}
