//! From what was found at the paths of an offer to the first layers, and what is told of files that are left out.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    build::{Build, Label, LayerError},
    catalog::{Catalog, Entry, OpenError},
    listing::{Listing, is_index, list},
    scan::Skipped,
};
use crate::{config::LayerConfig, log};

/// A file and whether the operator named it himself, which makes it an error if it cannot be served.
pub(super) struct FoundFile {
    pub(super) path: Arc<Path>,
    pub(super) is_named: bool,
}

/// What indexes of others tell of files, which need not lie below a path of their layer.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The layer of the offer, and the year.
    pub files: HashMap<Arc<Path>, (usize, Option<u16>)>,
    /// Layers whose index says which file lies on top.
    pub ordered: HashSet<usize>,
}

impl Told {
    /// Takes what an index tells; `paths` are those of its files, in their order.
    pub(super) fn add<'a>(
        &mut self,
        config: usize,
        listing: &Listing,
        paths: impl Iterator<Item = &'a Arc<Path>>,
    ) {
        let years = listing.files.iter().map(|file| (config, file.year));
        self.files.extend(paths.cloned().zip(years));
        if listing.is_ordered {
            self.ordered.insert(config);
        }
    }
}

/// What is learnt while all is opened.
#[derive(Default)]
pub(super) struct Opening {
    skipped: Vec<Skipped>,
    fatal: Vec<Skipped>,
    /// Files that are a layer of their own.
    published: HashSet<Arc<Path>>,
}

impl Opening {
    /// The files of a layer; what indexes tell of theirs goes to `told`.
    pub(super) fn list(&mut self, config: usize, layer: &LayerConfig, told: &mut Told) -> Vec<FoundFile> {
        let mut files = Vec::new();
        for path in &layer.paths {
            match list(path, layer) {
                Ok(listing) => {
                    let is_named = listing.is_named;
                    let from = files.len();
                    let found = listing.files.iter();
                    files.extend(found.map(|file| FoundFile { path: file.path.as_path().into(), is_named }));
                    if is_index(path) {
                        told.add(config, &listing, files[from..].iter().map(|file| &file.path));
                    }
                    self.skipped.extend(listing.skipped);
                }
                Err(reason) => self.fatal.push(Skipped { path: path.clone(), reason }),
            }
        }
        files
    }

    /// What is left out, or why nothing can be served.
    pub(super) fn finish(self) -> Result<Vec<Skipped>, OpenError> {
        if self.fatal.is_empty() { Ok(self.skipped) } else { Err(OpenError(self.fatal)) }
    }

    fn is_told(&self, path: &Path) -> bool {
        self.fatal.iter().any(|told| told.path == path)
    }

    fn tell(&mut self, file: &FoundFile, reason: String) {
        let list = if file.is_named { &mut self.fatal } else { &mut self.skipped };
        list.push(Skipped { path: file.path.to_path_buf(), reason });
    }
}

impl Catalog {
    pub(super) fn publish_together(&mut self, config: usize, files: Vec<FoundFile>, opening: &mut Opening) {
        let LayerConfig { id, paths, options } = &self.offer.layers[config];
        let id = id.clone().unwrap_or_default();
        let label = Label { title: options.title.clone().unwrap_or_else(|| id.clone()), id };
        let errors = opening.fatal.len();
        let mut dalles = Vec::with_capacity(files.len());
        let mut offered = Vec::with_capacity(files.len());
        for file in files {
            match self.dalle(&file.path) {
                Ok(dalle) => dalles.push(dalle),
                Err(reason) => opening.tell(&file, reason),
            }
            offered.push(file.path);
        }
        let build = Build {
            label: &label,
            config: &self.offer.layers[config],
            offer: &self.offer,
            is_ordered: self.told.ordered.contains(&config),
            before: None,
        };
        match build.layer(dalles) {
            Ok(layer) => self.entries.push(Entry { config, label, files: offered, layer: Arc::new(layer) }),
            // Where one of its files has been told, that is the reason.
            Err(error)
                if opening.fatal.len() == errors && !paths.iter().any(|path| opening.is_told(path)) =>
            {
                let told = |path: &PathBuf| {
                    let reason = match error {
                        LayerError::NoSource => reason_inside(path, &opening.skipped, &error),
                        _ => log::chain(&error),
                    };
                    Skipped { path: path.clone(), reason }
                };
                let told: Vec<_> = paths.iter().map(told).collect();
                opening.fatal.extend(told);
            }
            Err(_) => {}
        }
    }

    pub(super) fn publish_each(
        &mut self,
        config: usize,
        files: Vec<FoundFile>,
        opening: &mut Opening,
        kept: &HashMap<Arc<Path>, String>,
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
                Err(reason) => opening.tell(&file, reason),
            }
        }
        let paths = &self.offer.layers[config].paths;
        if published == 0 && opening.fatal.len() == errors && !paths.iter().any(|path| opening.is_told(path))
        {
            let nothing = |path: &PathBuf| {
                let reason = reason_inside(path, &opening.skipped, &LayerError::NoSource);
                Skipped { path: path.clone(), reason }
            };
            let nothing: Vec<_> = paths.iter().map(nothing).collect();
            opening.fatal.extend(nothing);
        }
    }
}

/// What was told of the files of a folder is the reason why there is nothing.
fn reason_inside(path: &Path, skipped: &[Skipped], error: &LayerError) -> String {
    let inside: Vec<_> = skipped.iter().filter(|skipped| skipped.path.starts_with(path)).collect();
    match inside.first() {
        Some(first) => format!(
            "none of its {} rasters can be served; {}: {}",
            inside.len(),
            log::printable(&first.path.display().to_string()),
            first.reason
        ),
        None => log::chain(error),
    }
}
