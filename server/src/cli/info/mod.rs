//! `pavage info`: the facts of one file, as `gdalinfo` tells them, and what serving it will cost.

mod document;
mod text;

use std::{path::PathBuf, process::ExitCode};

use md5::{Digest, Md5};
use serde_json::{Value, json};
use tiler::{
    crs::{Crs, Transform},
    raster::Interpretation,
    source::{OpenOptions, Source},
};

use super::Failure;
use crate::log;

#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status: 0, or 2 with one line of reason where the file cannot be read.")]
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
    let digest = if arguments.pixels { Some(pixel_md5(&source)?) } else { None };
    if arguments.json {
        let mut facts = document::facts(&source);
        if let Some(digest) = digest {
            facts.insert("pixel_md5".to_owned(), json!(digest));
        }
        println!("{:#}", Value::Object(facts));
    } else {
        for line in text::lines(&source) {
            println!("{line}");
        }
        if let Some(digest) = digest {
            println!("Pixels: md5 {digest}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn pixel_md5(source: &Source) -> Result<String, Failure> {
    let mut digest = Md5::new();
    source.for_each_sample(|bytes| digest.update(bytes)).map_err(|error| log::chain(&error))?;
    Ok(digest.finalize().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}")))
}

/// A corner of the image, in its CRS and in degrees.
struct Corner {
    name: &'static str,
    at: (f64, f64),
    /// Longitude and latitude, WGS 84; `None` where the CRS is not known.
    degrees: Option<(f64, f64)>,
}

/// The corners as `gdalinfo` orders them, and the centre; none where the file does not say where it lies.
fn corners(source: &Source) -> Vec<Corner> {
    let Some(geotransform) = source.geotransform() else { return Vec::new() };
    let (width, height) = (f64::from(source.size().width), f64::from(source.size().height));
    let to_degrees =
        source.crs().and_then(|crs| Crs::crs84().and_then(|degrees| Transform::new(crs, &degrees)).ok());
    [
        ("Upper Left", (0.0, 0.0)),
        ("Lower Left", (0.0, height)),
        ("Upper Right", (width, 0.0)),
        ("Lower Right", (width, height)),
        ("Center", (width / 2.0, height / 2.0)),
    ]
    .into_iter()
    .map(|(name, (col, row))| {
        let at = geotransform.apply(col, row);
        let degrees = to_degrees.as_ref().and_then(|transform| transform.convert(at.0, at.1));
        Corner { name, at, degrees }
    })
    .collect()
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
