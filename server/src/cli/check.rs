//! `pavage check`: all that `serve` would complain about, without serving.

use std::{path::PathBuf, process::ExitCode};

use super::{Failure, offer::offer};
use crate::{
    config::{Config, Overrides},
    layers::Catalog,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Configuration, in TOML.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// GeoTIFF files, and folders of them.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// Exit status 0 when all can be served, 1 when some files of a folder cannot.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let config = Config::load(arguments.config.as_deref(), &Overrides::from_environment())?;
    let (catalog, skipped) = Catalog::open(offer(&config, &arguments.paths)?, None)?;
    for layer in catalog.snapshot().layers.values() {
        for source in &layer.sources {
            let size = source.size();
            println!(
                "{}\t{}\t{} x {} px\t{} bands\t{} overviews",
                layer.id,
                source.crs().map_or_else(String::new, |crs| crs.name()),
                size.width,
                size.height,
                source.bands(),
                source.overviews().len(),
            );
        }
    }
    for file in &skipped {
        eprintln!("pavage: {file}");
    }
    Ok(if skipped.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
