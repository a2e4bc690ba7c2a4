//! `pavage check`: all that `serve` would complain about, without serving, and what is wrong with many files together.

mod document;
mod gather;
mod text;

use std::{path::PathBuf, process::ExitCode};

use serde_json::json;
use tiler::source::OpenOptions;

use super::{Failure, offer::offer};
use crate::{
    config::{Config, LayerConfig, Overrides},
    http::tls::TlsFiles,
    inspect::{Report, Status},
    layers::Catalog,
    log,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status, for scripts:
  0  nothing is wrong
  1  everything can be served, but some of it slowly or not as it should look (slow, picture; mixed, gaps, overlaps …)
  2  something cannot be served, or the arguments or the configuration are wrong")]
pub(super) struct Arguments {
    /// Configuration, in TOML: all of its mistakes are told, then its layers are checked.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// As one JSON document.
    #[arg(long)]
    json: bool,
    /// GeoTIFF files, and folders of them.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// Files that are looked at together.
struct Collection {
    /// The layer that they make, where they make one.
    layer: Option<String>,
    paths: Vec<PathBuf>,
    report: Report,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let config = Config::load(arguments.config.as_deref(), &Overrides::from_environment())?;
    let offer = offer(&config, &arguments.paths)?;
    let collections: Vec<Collection> =
        offer.layers.iter().map(|layer| collection(layer, &offer.open_options_of(layer), &config)).collect();
    let mut status = collections.iter().map(|one| one.report.status()).max().unwrap_or(Status::Sound);
    // What only shows when layers are made of files: sets that cannot show them, layers without any.
    let mut mistakes = Vec::new();
    if let Some(Err(error)) = config.server.tls.as_ref().map(TlsFiles::check) {
        mistakes.push(log::chain(&error));
        status = Status::Refused;
    }
    if arguments.config.is_some()
        && let Err(error) = Catalog::open(offer, None)
    {
        mistakes.extend(error.0.iter().map(ToString::to_string));
        status = Status::Refused;
    }
    if arguments.json {
        let all: Vec<_> = collections.iter().map(document::collection).collect();
        println!("{:#}", json!({ "status": status as u8, "mistakes": mistakes, "collections": all }));
    } else {
        for (at, collection) in collections.iter().enumerate() {
            if at > 0 {
                println!();
            }
            for line in text::lines(collection) {
                println!("{line}");
            }
        }
        for mistake in mistakes {
            eprintln!("pavage: {mistake}");
        }
    }
    Ok(ExitCode::from(status as u8))
}

fn collection(layer: &LayerConfig, options: &OpenOptions, config: &Config) -> Collection {
    let survey = gather::survey(&layer.paths, options, &layer.options.year);
    let report = Report::of(survey, &config.registry);
    Collection { layer: layer.id.clone(), paths: layer.paths.clone(), report }
}
