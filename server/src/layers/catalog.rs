//! All files that are offered and the layers they make: looked at in parallel, again when they change, told as a
//! [`Snapshot`]. It knows no clock and no signal: `watch` does.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use parking_lot::Mutex;
use rayon::prelude::*;
use tiler::{
    catalog::{Dalle, Kinds, OpenFiles},
    source::OpenOptions,
    tms::Registry,
};

use super::{
    Layer, ServiceInfo, Snapshot,
    build::{self, Label},
    caps::CapState,
    file_state::FileState,
    hints::Hints,
    listing::is_index,
    names::{self, Names},
    opening::{FoundFile, Opening, Told},
    refresh::Change,
    scan::Skipped,
    store::{Kept, Store},
    years,
};
use crate::{
    config::{LayerConfig, LayerOptions, YearRule},
    log,
};

/// Of so few files all are kept open once their headers have been read.
const KEPT_OPEN: usize = 256;
/// Of an index, so many files are looked at before it is believed.
const SEEN: usize = 16;
/// Files that are looked at before something of them is kept.
const CHUNK: usize = 4096;
const KEEP_EVERY: Duration = Duration::from_secs(10);

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
    /// The files that are open.
    pub files: Arc<OpenFiles>,
    /// Where indexes and caps are kept.
    pub cache: Option<PathBuf>,
    /// Files that somebody stumbled over.
    pub hints: Arc<Hints>,
}

impl Offer {
    /// How the files of a layer are opened.
    pub fn open_options_of(&self, layer: &LayerConfig) -> OpenOptions {
        let LayerOptions { assumed_crs, collar, nodata, alpha_is_data, .. } = layer.options.clone();
        OpenOptions { assumed_crs, collar, nodata, alpha_is_data, ..self.open.clone() }
    }

    /// Makes a layer of its own of each folder and each index that was given without a name.
    fn with_folders_named(mut self, names: &mut Names) -> Self {
        for id in self.layers.iter().filter_map(|layer| layer.id.as_ref()) {
            names.reserve(id);
        }
        let mut layers = Vec::with_capacity(self.layers.len());
        for layer in self.layers {
            let is_mosaic = |path: &PathBuf| {
                layer.id.is_none() && !layer.options.each && (path.is_dir() || is_index(path))
            };
            let (folders, rest): (Vec<_>, Vec<_>) = layer.paths.iter().cloned().partition(is_mosaic);
            for folder in folders {
                let (id, title) = if folder.is_dir() {
                    (names.for_folder(&folder), names::title_of_folder(&folder))
                } else {
                    (names.for_file(&folder), names::title(&folder))
                };
                let id = Some(id);
                let mut options = layer.options.clone();
                options.title.get_or_insert(title);
                layers.push(LayerConfig { id, paths: vec![folder], options });
            }
            if !rest.is_empty() || layer.paths.is_empty() {
                layers.push(LayerConfig { paths: rest, ..layer });
            }
        }
        self.layers = layers;
        self
    }
}

/// Paths that cannot be served, each with its reason; never empty.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct OpenError(pub Vec<Skipped>);

/// The files that are offered and the layers they make.
#[derive(Debug)]
pub struct Catalog {
    pub(super) offer: Offer,
    pub(super) files: HashMap<Arc<Path>, FileState>,
    pub(super) told: Told,
    pub(super) entries: Vec<Entry>,
    pub(super) names: Names,
    pub(super) update_sequence: u64,
    /// Folders that could be read once and cannot be now; what was found in them is still published.
    pub(super) lost: BTreeSet<PathBuf>,
    /// By layer.
    pub(super) caps: HashMap<String, CapState>,
}

/// A published layer and where it comes from.
#[derive(Debug)]
pub(super) struct Entry {
    /// In [`Offer::layers`].
    pub(super) config: usize,
    pub(super) label: Label,
    /// All that are offered, also those that cannot be served.
    pub(super) files: Vec<Arc<Path>>,
    pub(super) layer: Arc<Layer>,
}

impl Catalog {
    /// Looks at all that is offered. Of a catalog before it, what is known of unchanged files and names are kept.
    ///
    /// Also told is what is left out: files of a folder that cannot be served do not keep others from being served.
    ///
    /// # Errors
    /// All paths of the offer at which nothing can be served.
    pub fn open(offer: Offer, before: Option<&Self>) -> Result<(Self, Vec<Skipped>), OpenError> {
        Self::open_telling(offer, before, &|_, _| ())
    }

    /// As `open`; `progress` is told how many files of how many have been looked at.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_telling(
        offer: Offer,
        before: Option<&Self>,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<(Self, Vec<Skipped>), OpenError> {
        let mut names = Names::default();
        let offer = offer.with_folders_named(&mut names);
        let mut told = Told::default();
        let stores = Looking::new(&offer, &told).stores();
        let mut opening = Opening::default();
        let mut files: HashMap<Arc<Path>, FileState> = HashMap::new();
        let mut found = Vec::with_capacity(offer.layers.len());
        for (number, (config, store)) in offer.layers.iter().zip(&stores).enumerate() {
            // What was known before this run is believed until the first look, which follows at once, unless some of it is
            // seen to be wrong.
            let kept = before.is_none().then(|| store.as_ref()?.load()).flatten();
            let is_believed = |kept: &Kept| {
                kept.is_complete
                    && !config.paths.iter().any(|path| is_index(path))
                    && Looking::new(&offer, &told).seem_current(&kept.files)
            };
            let is_complete = kept.as_ref().is_some_and(is_believed);
            let kept = kept.map(|kept| kept.files).unwrap_or_default();
            if is_complete {
                let list = kept.iter().map(|(path, _)| FoundFile { path: Arc::clone(path), is_named: false });
                found.push(list.collect());
                files.extend(kept);
                continue;
            }
            let list = opening.list(number, config, &mut told);
            let known: HashMap<_, _> = kept.into_iter().collect();
            let known_before = before.filter(|before| before.offer.open.access == offer.open.access);
            let known = |path: &Arc<Path>| {
                known.get(path).or_else(|| known_before.and_then(|before| before.files.get(path)))
            };
            let looking = Looking::new(&offer, &told);
            looking.all(&list, &known, store.as_ref(), &mut files, progress);
            found.push(list);
        }
        let update_sequence = before.map_or_else(seconds_since_1970, |before| before.update_sequence + 1);
        let (entries, lost, caps) = (Vec::new(), BTreeSet::new(), HashMap::new());
        let mut catalog = Self { offer, files, told, entries, names, update_sequence, lost, caps };
        let kept = catalog.keep_names(before);
        for (config, files) in found.into_iter().enumerate() {
            if catalog.offer.layers[config].id.is_some() {
                catalog.publish_together(config, files, &mut opening);
            } else {
                catalog.publish_each(config, files, &mut opening, &kept);
            }
        }
        opening.finish().map(|skipped| (catalog, skipped))
    }

    /// All that is published now.
    pub fn snapshot(&self) -> Snapshot {
        let layers = self.entries.iter().map(|entry| (entry.label.id.clone(), Arc::clone(&entry.layer)));
        Snapshot {
            layers: layers.collect(),
            registry: self.offer.registry.clone(),
            update_sequence: self.update_sequence,
            generation: 0,
            service: self.offer.service.clone(),
            files: Arc::clone(&self.offer.files),
            hints: Arc::clone(&self.offer.hints),
            lost: self.lost.iter().cloned().collect(),
            caps: self.cap_progress(),
        }
    }

    /// Where something is kept of each layer between runs.
    pub(super) fn stores(&self) -> Vec<Option<Store>> {
        Looking::new(&self.offer, &self.told).stores()
    }

    /// Writes the index of each mosaic in whose folders something has happened.
    pub(super) fn save(&self, changes: &[Change]) {
        let stores = self.stores();
        for entry in &self.entries {
            let Some(store) = &stores[entry.config] else { continue };
            let paths = &self.offer.layers[entry.config].paths;
            let is_touched =
                changes.iter().any(|change| paths.iter().any(|path| change.path.starts_with(path)));
            if entry.files.len() > 1 && is_touched {
                let states = entry.files.iter().filter_map(|path| Some((&**path, self.files.get(path)?)));
                store.save(states, true);
            }
        }
    }

    /// The record of a file, or why it is not served.
    pub(super) fn dalle(&self, path: &Path) -> Result<Arc<Dalle>, String> {
        let state = self.files.get(path).ok_or("is not there")?;
        state.dalle.clone().map_err(|reason| reason.to_string())
    }

    /// A new layer of one file, with a name of its own.
    pub(super) fn entry_of_file(
        &mut self,
        config: usize,
        path: &Arc<Path>,
        id: Option<&str>,
    ) -> Result<Entry, String> {
        let dalles = vec![self.dalle(path)?];
        let options = &self.offer.layers[config].options;
        let own = names::title(path);
        let title = match &options.title {
            Some(title) if self.offer.layers[config].paths.iter().any(|given| **given == **path) => {
                title.clone()
            }
            Some(title) => format!("{title} – {own}"),
            None => own,
        };
        let mut label = Label { id: String::new(), title };
        let build = build::Build {
            label: &label,
            config: &self.offer.layers[config],
            offer: &self.offer,
            is_ordered: self.told.ordered.contains(&config),
            before: None,
        };
        let mut layer = build.layer(dalles).map_err(|error| log::chain(&error))?;
        label.id = id.map_or_else(|| self.names.for_file(path), str::to_owned);
        layer.id.clone_from(&label.id);
        Ok(Entry { config, label, files: vec![Arc::clone(path)], layer: Arc::new(layer) })
    }

    /// Takes the names that were made of files so far.
    fn keep_names(&mut self, before: Option<&Self>) -> HashMap<Arc<Path>, String> {
        let mut kept = HashMap::new();
        if let Some(before) = before {
            let made = before.entries.iter().filter(|entry| before.offer.layers[entry.config].id.is_none());
            for (path, id) in made.flat_map(|entry| entry.files.iter().map(|path| (path, &entry.label.id))) {
                if self.files.contains_key(path) && self.names.reserve(id) {
                    kept.insert(Arc::clone(path), id.clone());
                }
            }
        }
        kept
    }
}

/// How files are looked at: what all of them share is made once.
pub(super) struct Looking<'a> {
    offer: &'a Offer,
    told: &'a Told,
    /// By layer of the offer.
    options: Vec<Arc<OpenOptions>>,
    kinds: Mutex<Kinds>,
}

impl<'a> Looking<'a> {
    pub(super) fn new(offer: &'a Offer, told: &'a Told) -> Self {
        let options = offer.layers.iter().map(|layer| Arc::new(offer.open_options_of(layer))).collect();
        Self { offer, told, options, kinds: Mutex::default() }
    }

    /// Where something is kept of each layer between runs.
    pub(super) fn stores(&self) -> Vec<Option<Store>> {
        let of = |(layer, options)| Store::of(self.offer.cache.as_ref()?, layer, options);
        self.offer.layers.iter().zip(&self.options).map(of).collect()
    }

    /// Looks at all files of a layer that are not known. Of a long look something is kept from time to time, for the case
    /// that it does not come to its end.
    fn all<'k>(
        &self,
        list: &[FoundFile],
        known: &(dyn Fn(&Arc<Path>) -> Option<&'k FileState> + Sync),
        store: Option<&Store>,
        files: &mut HashMap<Arc<Path>, FileState>,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) {
        let (count, keeps_open) = (list.len(), list.len() <= KEPT_OPEN);
        let done = AtomicUsize::new(0);
        let opened = AtomicUsize::new(0);
        let mut kept_at = Instant::now();
        for chunk in list.chunks(CHUNK) {
            let look = |file: &FoundFile| {
                let (state, is_new) = self.reuse(&file.path, known(&file.path), keeps_open);
                opened.fetch_add(usize::from(is_new), Ordering::Relaxed);
                progress(done.fetch_add(1, Ordering::Relaxed) + 1, count);
                (Arc::clone(&file.path), state)
            };
            let states: Vec<_> = chunk.par_iter().map(look).collect();
            files.extend(states);
            if let Some(store) = store
                && kept_at.elapsed() > KEEP_EVERY
            {
                store.save(states_of(list, files), false);
                kept_at = Instant::now();
            }
        }
        if let Some(store) = store
            && count > 1
            && opened.into_inner() > 0
        {
            store.save(states_of(list, files), true);
        }
    }

    /// Whether some of the files, spread evenly, are as they are known.
    fn seem_current(&self, files: &[(Arc<Path>, FileState)]) -> bool {
        let some = files.iter().step_by((files.len() / SEEN).max(1));
        some.filter(|(_, state)| state.dalle.is_ok())
            .all(|(path, state)| self.rules(path).is_some_and(|(_, options)| state.is_current(path, options)))
    }

    /// Opens a file. The open file is kept if so wished.
    pub(super) fn open(&self, path: &Arc<Path>, keeps_open: bool) -> FileState {
        let kept = keeps_open.then_some(self.offer.files.as_ref());
        let Some((layer, options)) = self.rules(path) else {
            return FileState::open(path, &Arc::new(self.offer.open.clone()), kept);
        };
        let mut state = FileState::open(path, options, kept);
        if let Ok(dalle) = &state.dalle {
            let root = layer.paths.iter().find(|given| path.starts_with(given)).map_or(Path::new(""), |p| p);
            let told = self.told.files.get(path).and_then(|told| told.1);
            let own = dalle.year.filter(|_| matches!(layer.options.year, YearRule::Auto));
            let year = told.or_else(|| years::of_path(&layer.options.year, path, root)).or(own);
            let kind = self.kinds.lock().shared(Arc::clone(&dalle.kind));
            state.dalle = Ok(Arc::new(Dalle { path: Arc::clone(path), year, kind, ..(**dalle).clone() }));
        }
        state
    }

    /// Keeps what is known of a file that has not changed and is read by the same rules, else opens it; tells whether it
    /// was opened.
    fn reuse(&self, path: &Arc<Path>, known: Option<&FileState>, keeps_open: bool) -> (FileState, bool) {
        let options = self.rules(path).map(|(_, options)| options);
        let same = known.filter(|known| options.is_some_and(|options| known.is_current(path, options)));
        match same {
            Some(state) => (state.clone(), false),
            None => (self.open(path, keeps_open), true),
        }
    }

    fn rules(&self, path: &Path) -> Option<(&LayerConfig, &Arc<OpenOptions>)> {
        if let Some(&(layer, _)) = self.told.files.get(path) {
            return self.offer.layers.get(layer).zip(self.options.get(layer));
        }
        let has = |layer: &&LayerConfig| layer.paths.iter().any(|given| path.starts_with(given));
        let (layers, options) = (self.offer.layers.iter(), self.options.iter());
        layers.zip(options).find(|(layer, _)| has(layer))
    }
}

fn states_of<'a>(
    list: &'a [FoundFile],
    files: &'a HashMap<Arc<Path>, FileState>,
) -> impl Iterator<Item = (&'a Path, &'a FileState)> + Clone {
    list.iter().filter_map(|file| Some((&*file.path, files.get(&file.path)?)))
}

/// Where the update sequence starts, so that it also grows over a restart.
fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
