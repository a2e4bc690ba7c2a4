//! `pavage info`: the facts of one file.

use std::{path::PathBuf, process::ExitCode};

use serde_json::{Value, json};
use tiler::cog::{Cog, OpenOptions};

use super::Failure;
use crate::log;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// A GeoTIFF.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let cog = Cog::open(&arguments.file, &OpenOptions::default()).map_err(|error| log::chain(&error))?;
    let facts = facts(&cog);
    if arguments.json {
        println!("{facts:#}");
        return Ok(ExitCode::SUCCESS);
    }
    for (name, value) in facts.as_object().into_iter().flatten() {
        match value {
            Value::String(text) => println!("{name:14} {text}"),
            other => println!("{name:14} {other}"),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Pixels in columns and rows, coordinates in the file's CRS, easting first.
fn facts(cog: &Cog) -> Value {
    let (size, bounds, level) = (cog.size(), cog.bounds(), cog.level(0));
    let block = level.block_size();
    let photometric = match (level.is_ycbcr(), cog.bands()) {
        (true, _) => "YCBCR",
        (false, 3..) => "RGB",
        (false, _) => "MINISBLACK",
    };
    json!({
        "width": size.width,
        "height": size.height,
        "bands": cog.bands() + usize::from(level.has_alpha()),
        "dtype": "uint8",
        "crs": cog.crs().name(),
        "bounds": [bounds.min_x, bounds.min_y, bounds.max_x, bounds.max_y],
        "geotransform": cog.geotransform().0,
        "compression": level.compression(),
        "photometric": photometric,
        "block": [block.width, block.height],
        "overviews": cog.overviews().iter().map(|size| json!([size.width, size.height])).collect::<Vec<_>>(),
        "nodata": level.nodata(),
        "mask": level.has_mask(),
        "alpha": level.has_alpha(),
    })
}
