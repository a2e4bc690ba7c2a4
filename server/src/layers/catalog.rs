//! All files that are served and the layers they make: opened in parallel, reopened when they change, told as a
//! [`Snapshot`]. It knows no clock and no signal: `watch` does.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use rayon::prelude::*;
use tiler::{
    source::{OpenOptions, Source},
    tms::Registry,
};

use super::{
    Layer, ServiceInfo, Snapshot,
    build::{self, Label, LayerError},
    file_state::FileState,
    names::{self, Names},
    scan::{Found, Skipped, scan},
};
use crate::{
    config::{LayerConfig, LayerOptions},
    log,
};

/// What shall be published.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Files and folders, and how they are published.
    pub layers: Vec<LayerConfig>,
    /// Known sets.
    pub registry: Registry,
    /// About the service.
    pub service: ServiceInfo,
    /// How files are opened.
    pub open: OpenOptions,
}

impl Offer {
    /// How a file is opened: as the first layer says that it is part of.
    pub(super) fn open_options(&self, path: &Path) -> OpenOptions {
        let has = |layer: &&LayerConfig| layer.paths.iter().any(|given| path.starts_with(given));
        self.layers.iter().find(has).map_or_else(|| self.open.clone(), |layer| self.open_options_of(layer))
    }

    /// How the files of a layer are opened.
    pub fn open_options_of(&self, layer: &LayerConfig) -> OpenOptions {
        let LayerOptions { assumed_crs, collar, nodata, alpha_is_data, .. } = layer.options.clone();
        OpenOptions { assumed_crs, collar, nodata, alpha_is_data, ..self.open.clone() }
    }
}

/// Paths that cannot be served, each with its reason; never empty.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct OpenError(pub Vec<Skipped>);

/// The files that are served and the layers they make.
#[derive(Debug)]
pub struct Catalog {
    pub(super) offer: Offer,
    pub(super) files: HashMap<PathBuf, FileState>,
    pub(super) entries: Vec<Entry>,
    pub(super) names: Names,
    pub(super) update_sequence: u64,
}

/// A published layer and where it comes from.
#[derive(Debug)]
pub(super) struct Entry {
    /// In [`Offer::layers`].
    pub(super) config: usize,
    pub(super) label: Label,
    pub(super) files: Vec<PathBuf>,
    pub(super) layer: Arc<Layer>,
}

impl Catalog {
    /// Opens all that is offered. Of a catalog before it, open files that have not changed and names are kept.
    ///
    /// Also told is what is left out: files of a folder that cannot be served do not keep others from being served.
    ///
    /// # Errors
    /// All paths of the offer at which nothing can be served.
    pub fn open(offer: Offer, before: Option<&Self>) -> Result<(Self, Vec<Skipped>), OpenError> {
        let mut opening = Opening::default();
        let found: Vec<_> = offer.layers.iter().map(|config| opening.scan(config)).collect();
        let paths: BTreeSet<&PathBuf> = found.iter().flatten().map(|file| &file.path).collect();
        let files: HashMap<_, _> = paths
            .into_par_iter()
            .map(|path| {
                let known = before.filter(|before| before.offer.open.access == offer.open.access);
                (
                    path.clone(),
                    FileState::reuse(
                        path,
                        &offer.open_options(path),
                        known.and_then(|before| before.files.get(path)),
                    ),
                )
            })
            .collect();
        let update_sequence = before.map_or_else(seconds_since_1970, |before| before.update_sequence + 1);
        let mut catalog =
            Self { offer, files, entries: Vec::new(), names: Names::default(), update_sequence };
        let kept = catalog.keep_names(before);
        for (config, files) in found.into_iter().enumerate() {
            if catalog.offer.layers[config].id.is_some() {
                catalog.publish_together(config, files, &mut opening);
            } else {
                catalog.publish_each(config, files, &mut opening, &kept);
            }
        }
        if opening.fatal.is_empty() { Ok((catalog, opening.skipped)) } else { Err(OpenError(opening.fatal)) }
    }

    /// All that is published now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            layers: self
                .entries
                .iter()
                .map(|entry| (entry.label.id.clone(), Arc::clone(&entry.layer)))
                .collect(),
            registry: self.offer.registry.clone(),
            update_sequence: self.update_sequence,
            service: self.offer.service.clone(),
        }
    }

    /// The open file at a path, or why it is not served.
    pub(super) fn file(&self, path: &Path) -> Result<Arc<Source>, String> {
        self.files.get(path).map_or_else(|| Err("is not there".to_owned()), |state| state.source.clone())
    }

    /// A new layer of one file, with a name of its own.
    pub(super) fn entry_of_file(
        &mut self,
        config: usize,
        path: &Path,
        id: Option<&str>,
    ) -> Result<Entry, String> {
        let sources = vec![self.file(path)?];
        let options = &self.offer.layers[config].options;
        let own = names::title(path);
        let title = match &options.title {
            Some(title) if self.offer.layers[config].paths.iter().any(|given| given == path) => title.clone(),
            Some(title) => format!("{title} – {own}"),
            None => own,
        };
        let mut label = Label { id: String::new(), title };
        let mut layer = build::layer(&label, &self.offer.layers[config], sources, &self.offer.registry)
            .map_err(|error| log::chain(&error))?;
        label.id = id.map_or_else(|| self.names.for_file(path), str::to_owned);
        layer.id.clone_from(&label.id);
        Ok(Entry { config, label, files: vec![path.to_owned()], layer: Arc::new(layer) })
    }

    /// Takes the names that the configuration gives, and those that were made of files so far.
    fn keep_names(&mut self, before: Option<&Self>) -> HashMap<PathBuf, String> {
        for config in &self.offer.layers {
            if let Some(id) = &config.id {
                self.names.reserve(id);
            }
        }
        let mut kept = HashMap::new();
        if let Some(before) = before {
            let made = before.entries.iter().filter(|entry| before.offer.layers[entry.config].id.is_none());
            for (path, id) in made.flat_map(|entry| entry.files.iter().map(|path| (path, &entry.label.id))) {
                if self.files.contains_key(path) && self.names.reserve(id) {
                    kept.insert(path.clone(), id.clone());
                }
            }
        }
        kept
    }

    fn publish_together(&mut self, config: usize, files: Vec<FoundFile>, opening: &mut Opening) {
        let LayerConfig { id, paths, options } = &self.offer.layers[config];
        let id = id.clone().unwrap_or_default();
        let label = Label { title: options.title.clone().unwrap_or_else(|| id.clone()), id };
        let errors = opening.fatal.len();
        let mut sources = Vec::new();
        let mut served = Vec::new();
        for file in files {
            match self.file(&file.path) {
                Ok(source) => {
                    sources.push(source);
                    served.push(file.path);
                }
                Err(reason) => opening.tell(file, reason),
            }
        }
        match build::layer(&label, &self.offer.layers[config], sources, &self.offer.registry) {
            Ok(layer) => self.entries.push(Entry { config, label, files: served, layer: Arc::new(layer) }),
            // Where one of its files has been told, that is the reason.
            Err(error)
                if opening.fatal.len() == errors && !paths.iter().any(|path| opening.is_told(path)) =>
            {
                opening.fatal.extend(
                    paths.iter().map(|path| Skipped { path: path.clone(), reason: log::chain(&error) }),
                );
            }
            Err(_) => {}
        }
    }

    fn publish_each(
        &mut self,
        config: usize,
        files: Vec<FoundFile>,
        opening: &mut Opening,
        kept: &HashMap<PathBuf, String>,
    ) {
        let errors = opening.fatal.len();
        let mut published = 0;
        for file in files {
            if opening.published.contains(&file.path) {
                published += 1;
                continue;
            }
            let id = kept.get(&file.path).map(String::as_str);
            match self.entry_of_file(config, &file.path, id) {
                Ok(entry) => {
                    published += 1;
                    opening.published.insert(file.path);
                    self.entries.push(entry);
                }
                Err(reason) => opening.tell(file, reason),
            }
        }
        let paths = &self.offer.layers[config].paths;
        if published == 0 && opening.fatal.len() == errors && !paths.iter().any(|path| opening.is_told(path))
        {
            // What was told of the files of the folder is the reason.
            let reason = |path: &PathBuf| {
                let inside: Vec<_> =
                    opening.skipped.iter().filter(|skipped| skipped.path.starts_with(path)).collect();
                match inside.first() {
                    Some(first) => format!(
                        "none of its {} rasters can be served; {}: {}",
                        inside.len(),
                        log::printable(&first.path.display().to_string()),
                        first.reason
                    ),
                    None => LayerError::NoSource.to_string(),
                }
            };
            let nothing: Vec<_> =
                paths.iter().map(|path| Skipped { path: path.clone(), reason: reason(path) }).collect();
            opening.fatal.extend(nothing);
        }
    }
}

/// A file and whether the operator named it himself, which makes it an error if it cannot be served.
pub(super) struct FoundFile {
    pub(super) path: PathBuf,
    pub(super) is_named: bool,
}

/// What is learnt while all is opened.
#[derive(Default)]
struct Opening {
    skipped: Vec<Skipped>,
    fatal: Vec<Skipped>,
    /// Files that are a layer of their own.
    published: HashSet<PathBuf>,
}

impl Opening {
    fn scan(&mut self, config: &LayerConfig) -> Vec<FoundFile> {
        let mut files = Vec::new();
        for path in &config.paths {
            match scan(path) {
                Ok(Found::File(path)) => files.push(FoundFile { path, is_named: true }),
                Ok(Found::Folder(listing)) => {
                    files.extend(listing.files.into_iter().map(|path| FoundFile { path, is_named: false }));
                    self.skipped.extend(listing.skipped);
                }
                Err(error) => self.fatal.push(Skipped { path: path.clone(), reason: log::chain(&error) }),
            }
        }
        files
    }

    fn is_told(&self, path: &Path) -> bool {
        self.fatal.iter().any(|told| told.path == path)
    }

    fn tell(&mut self, file: FoundFile, reason: String) {
        let list = if file.is_named { &mut self.fatal } else { &mut self.skipped };
        list.push(Skipped { path: file.path, reason });
    }
}

/// Where the update sequence starts, so that it also grows over a restart.
fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
