//! What commands on mosaics have in common: a configuration or paths, and the folder where indexes and caps are kept.

use std::path::PathBuf;

use super::{Failure, offer::offer, scan_bar::Scan};
use crate::{
    config::{Config, Override, Overrides},
    layers::{Catalog, Offer},
};

#[derive(Debug, clap::Args)]
pub(super) struct Sources {
    /// Configuration, in TOML.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where indexes and caps of mosaics are kept [default: ~/.cache/pavage].
    #[arg(long, value_name = "FOLDER")]
    cache: Option<PathBuf>,
    /// GeoTIFF files, and folders of them.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
}

impl Sources {
    pub(super) fn config(&self) -> Result<Config, Failure> {
        let mut overrides = Overrides::from_environment();
        if let Some(cache) = &self.cache {
            let value = cache.to_string_lossy().into_owned();
            overrides.cache = Some(Override { origin: "--cache", value });
        }
        Ok(Config::load(self.config.as_deref(), &overrides)?)
    }

    fn offer(&self) -> Result<Offer, Failure> {
        Ok(offer(&self.config()?, &self.paths)?)
    }

    /// Looks at the files, or at what was known of them.
    pub(super) fn open(&self) -> Result<Catalog, Failure> {
        let bar = Scan::new();
        let (catalog, skipped) =
            Catalog::open_telling(self.offer()?, None, &|done, count| bar.tell(done, count))?;
        bar.finish();
        for skipped in &skipped {
            eprintln!("pavage: {skipped}");
        }
        Ok(catalog)
    }
}
