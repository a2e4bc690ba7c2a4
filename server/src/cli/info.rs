//! `pavage info`: the facts of one file, as `gdalinfo` tells them, and what serving it will cost.

use std::{path::PathBuf, process::ExitCode};

use md5::{Digest, Md5};
use serde_json::{Map, Value, json};
use tiler::{
    cog::Interpretation,
    raster::SampleType,
    source::{OpenOptions, Source},
};

use super::Failure;
use crate::log;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// Decode all pixels, and add their md5: all bands, one after the other, rows from the top, little-endian.
    #[arg(long)]
    pixels: bool,
    /// A raster file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let source =
        Source::open(&arguments.file, &OpenOptions::default()).map_err(|error| log::chain(&error))?;
    let mut facts = facts(&source);
    if arguments.pixels {
        let mut digest = Md5::new();
        source.for_each_sample(|bytes| digest.update(bytes)).map_err(|error| log::chain(&error))?;
        let hex = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        facts.insert("pixel_md5".to_owned(), json!(hex));
    }
    if arguments.json {
        println!("{:#}", Value::Object(facts));
        return Ok(ExitCode::SUCCESS);
    }
    for (name, value) in &facts {
        match value {
            Value::String(text) => println!("{name:14} {text}"),
            other => println!("{name:14} {other}"),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Pixels in columns and rows, coordinates in the file's CRS, easting first; `null` where the file does not tell.
fn facts(source: &Source) -> Map<String, Value> {
    let (size, facts, level) = (source.size(), source.facts(), source.level(0));
    let bounds = source.geotransform().map(|geotransform| geotransform.bounds(size));
    let block = level.block_size();
    let mut out = Map::new();
    let mut tell = |name: &str, value: Value| out.insert(name.to_owned(), value);
    tell("format", json!(facts.format));
    tell("width", json!(size.width));
    tell("height", json!(size.height));
    tell("bands", json!(facts.bands));
    tell("dtype", json!(facts.sample.name()));
    tell("crs", json!(source.crs().map(|crs| crs.name()).or_else(|| facts.unusable_crs.clone())));
    tell("bounds", json!(bounds.map(|b| [b.min_x, b.min_y, b.max_x, b.max_y])));
    tell("geotransform", json!(source.geotransform().map(|geotransform| geotransform.0)));
    tell("compression", json!(facts.compression));
    tell("photometric", json!(photometric(facts.interpretation, facts.is_ycbcr)));
    tell("block", json!([block.width, block.height]));
    tell("overviews", json!(source.overviews().iter().map(|s| [s.width, s.height]).collect::<Vec<_>>()));
    tell("nodata", source.nodata().map_or(Value::Null, number));
    tell("mask", json!(level.has_mask_of_all_bands()));
    // As GDAL's mask flags: alpha of two or four bands counts for all.
    let counts = matches!(facts.bands, 2 | 4) && matches!(facts.sample, SampleType::U8 | SampleType::U16);
    tell("alpha", json!(source.has_alpha() && counts));
    out
}

const fn photometric(interpretation: Interpretation, is_ycbcr: bool) -> &'static str {
    match interpretation {
        Interpretation::Rgb if is_ycbcr => "YCBCR",
        Interpretation::Rgb => "RGB",
        Interpretation::Grey => "MINISBLACK",
        Interpretation::WhiteIsZero => "MINISWHITE",
        Interpretation::Palette => "PALETTE",
        Interpretation::Cmyk => "CMYK",
    }
}

/// JSON knows neither NaN nor infinity: as text.
fn number(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { json!(value.to_string().to_lowercase()) }
}
