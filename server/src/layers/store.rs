//! What is kept of a mosaic between runs, in a folder of its own beneath that of the cache: the index of its files, which
//! QGIS and GDAL open too, so that a restart opens none of them. The cap has its place beside it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use tiler::{
    catalog::{
        Dalle, Kind, Kinds, Stamp,
        index::{self, IndexError, Notes, Record},
    },
    crs::Crs,
    source::OpenOptions,
};
use xxhash_rust::xxh3::xxh3_64;

use super::file_state::{Beside, FileState};
use crate::{config::LayerConfig, log};

/// The name of the index.
const INDEX: &str = "index.fgb";
/// Part of what an index was made by: to be raised when the same files give other records.
const VERSION: u32 = 2;

/// The folder of one mosaic.
#[derive(Debug, Clone)]
pub(super) struct Store {
    folder: PathBuf,
    /// The paths of the layer, as they were given and from the root on.
    roots: Vec<(PathBuf, PathBuf)>,
    /// By what rules files are read.
    rules: String,
    options: Arc<OpenOptions>,
}

/// What an index held.
pub(super) struct Kept {
    pub(super) files: Vec<(Arc<Path>, FileState)>,
    /// Whether all files had been looked at when it was written.
    pub(super) is_complete: bool,
}

impl Store {
    /// The store of a layer with a name; `None` for others.
    pub(super) fn of(cache: &Path, layer: &LayerConfig, options: &Arc<OpenOptions>) -> Option<Self> {
        let id = layer.id.as_ref()?;
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let roots: Vec<_> = layer.paths.iter().map(|path| (path.clone(), absolute(path))).collect();
        // Two servers may have layers of one name.
        let place = xxh3_64(format!("{:?}", roots.iter().map(|root| &root.1).collect::<Vec<_>>()).as_bytes());
        let rules = format!("{VERSION} {options:?} {:?}", layer.options.year);
        let rules = format!("{:016x}", xxh3_64(rules.as_bytes()));
        let folder = cache.join(format!("{id}-{:08x}", place as u32));
        Some(Self { folder, roots, rules, options: Arc::clone(options) })
    }

    /// Where the patches of the cap are.
    pub(super) fn cap(&self) -> PathBuf {
        self.folder.join("cap")
    }

    /// Where the index is.
    pub(super) fn index(&self) -> PathBuf {
        self.folder.join(INDEX)
    }

    /// Reads the index; `None` where there is none that can be believed.
    pub(super) fn load(&self) -> Option<Kept> {
        let path = self.index();
        let mut reading = Reading { store: self, kinds: Kinds::default(), crs: None, files: Vec::new() };
        let header = match index::read(&path, &mut |record| reading.add(record)) {
            Ok(header) => header,
            Err(error) if is_absent(&error) => return None,
            Err(error) => {
                let (file, reason) = (log::printable(&path.display().to_string()), log::chain(&error));
                tracing::warn!(file, reason, "the index cannot be used and is made anew");
                return None;
            }
        };
        if header.notes.get("rules") != Some(&self.rules) {
            return None;
        }
        let mut files = reading.files;
        files.sort_unstable_by(|a, b| a.0.as_os_str().cmp(b.0.as_os_str()));
        Some(Kept { files, is_complete: header.notes.get("complete").is_some_and(|word| word == "yes") })
    }

    /// Writes the index.
    pub(super) fn save<'a>(
        &self,
        files: impl Iterator<Item = (&'a Path, &'a FileState)> + Clone,
        is_complete: bool,
    ) {
        let path = self.index();
        let yes_or_no = if is_complete { "yes" } else { "no" };
        let notes = Notes::from([
            ("rules".to_owned(), self.rules.clone()),
            ("complete".to_owned(), yes_or_no.to_owned()),
        ]);
        let written = fs::create_dir_all(&self.folder).map_err(|error| error.to_string()).and_then(|()| {
            let records = files.map(|(path, state)| self.record(path, state));
            index::write(&path, &notes, records).map_err(|error| log::chain(&error))
        });
        if let Err(reason) = written {
            let file = log::printable(&path.display().to_string());
            tracing::warn!(
                file,
                reason,
                "the index cannot be written: the next start looks at all files again"
            );
        }
    }

    fn record(&self, path: &Path, state: &FileState) -> Record {
        let (location, beside) = (self.absolute(path), Some(state.beside.hash()));
        match &state.dalle {
            Ok(dalle) => Record { location, beside, ..Record::from(dalle.as_ref()) },
            Err(reason) => Record {
                location,
                beside,
                bytes: state.seen.map(|stamp| stamp.bytes),
                mtime_ns: state.seen.map(|stamp| stamp.mtime_ns),
                inode: state.seen.map(|stamp| stamp.inode),
                fault: Some(reason.to_string()),
                ..Record::default()
            },
        }
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        let below = |(given, absolute): &(PathBuf, PathBuf)| {
            let rest = path.strip_prefix(given).ok()?;
            Some(if rest.as_os_str().is_empty() { absolute.clone() } else { absolute.join(rest) })
        };
        self.roots.iter().find_map(below).unwrap_or_else(|| path.to_owned())
    }

    fn as_given(&self, location: &Path) -> PathBuf {
        let below = |(given, absolute): &(PathBuf, PathBuf)| {
            let rest = location.strip_prefix(absolute).ok()?;
            Some(if rest.as_os_str().is_empty() { given.clone() } else { given.join(rest) })
        };
        self.roots.iter().find_map(below).unwrap_or_else(|| location.to_owned())
    }
}

/// Records become what is known of files.
struct Reading<'a> {
    store: &'a Store,
    kinds: Kinds,
    /// The last CRS and its name: neighbours mostly have the same.
    crs: Option<(String, Crs)>,
    files: Vec<(Arc<Path>, FileState)>,
}

impl Reading<'_> {
    /// A record that lacks something is left out, so that its file is looked at again.
    fn add(&mut self, record: Record) {
        let path: Arc<Path> = self.store.as_given(&record.location).into();
        if let Some(state) = self.state(record, &path) {
            self.files.push((path, state));
        }
    }

    fn state(&mut self, record: Record, path: &Arc<Path>) -> Option<FileState> {
        let seen = match (record.inode, record.bytes, record.mtime_ns) {
            (Some(inode), Some(bytes), Some(mtime_ns)) => Some(Stamp { inode, bytes, mtime_ns }),
            _ => None,
        };
        let beside = Beside::of_hash(record.beside?);
        let options = Arc::clone(&self.store.options);
        if let Some(fault) = record.fault {
            return Some(FileState { seen, dalle: Err(fault.into()), options, beside });
        }
        let size = record.size?;
        let kind = Kind {
            crs: self.crs(&record.crs?)?,
            levels: std::iter::once(size).chain(record.overviews).collect(),
            bands: record.bands?,
            sample: record.sample?,
            has_transparency: record.has_transparency?,
            is_lossy: record.is_lossy?,
            compression: record.compression?,
            options: Arc::clone(&options),
        };
        let dalle = Dalle {
            path: Arc::clone(path),
            stamp: seen?,
            generation: record.generation?,
            geotransform: record.geotransform?,
            kind: self.kinds.shared(Arc::new(kind)),
            year: record.year.and_then(|year| u16::try_from(year).ok()),
            footprint: None,
        };
        Some(FileState { seen, dalle: Ok(Arc::new(dalle)), options, beside })
    }

    /// `None` where the name does not lead back to the CRS.
    fn crs(&mut self, name: &str) -> Option<Crs> {
        if let Some((known, crs)) = &self.crs
            && known == name
        {
            return Some(crs.clone());
        }
        let crs = Crs::from_name(name).ok().filter(|crs| crs.name() == name)?;
        self.crs = Some((name.to_owned(), crs.clone()));
        Some(crs)
    }
}

fn is_absent(error: &IndexError) -> bool {
    matches!(&error.problem, index::Problem::Io(error) if error.kind() == std::io::ErrorKind::NotFound)
}
