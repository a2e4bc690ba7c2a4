//! From configuration and paths to what shall be published.

use std::{num::NonZeroUsize, path::PathBuf, sync::Arc};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tiler::{catalog::OpenFiles, source::OpenOptions};

use crate::{
    config::{Config, LayerConfig},
    layers::{Offer, ServiceInfo},
};

/// What a configuration offers, with the paths of the command line added to its layers.
///
/// # Errors
/// When there is nothing to serve at all.
pub(super) fn offer(config: &Config, paths: &[PathBuf]) -> Result<Offer, &'static str> {
    let mut layers = config.layers.clone();
    if !paths.is_empty() {
        layers.push(LayerConfig { id: None, paths: paths.to_vec(), options: config.defaults.clone() });
    }
    if layers.is_empty() {
        return Err("there is nothing to serve: name a file or a folder, or a configuration with layers");
    }
    let service = &config.service;
    Ok(Offer {
        layers,
        registry: config.registry.clone(),
        service: ServiceInfo {
            title: service.title.clone(),
            description: service.description.clone(),
            provider: service.provider.clone(),
            provider_url: service.provider_url.clone(),
            public_url: config.server.public_url.clone(),
        },
        files: Arc::new(OpenFiles::new(open_files(config.open_files))),
        cache: config.cache.dir.clone(),
        hints: Arc::default(),
        open: OpenOptions { access: config.access, limits: config.file_limits, ..OpenOptions::default() },
    })
}

/// How many imagery files may be open: what was asked for, and no more than half of what the system allows; the rest is
/// for connections.
fn open_files(wanted: usize) -> NonZeroUsize {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // A process may raise its own limit as far as that.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let allowed = getrlimit(Resource::Nofile).current.map_or(usize::MAX, |limit| limit as usize) / 2;
    NonZeroUsize::new(wanted.min(allowed)).unwrap_or(NonZeroUsize::MIN)
}
