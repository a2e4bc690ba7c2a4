//! The files of a layer as folders: what may be had, by the names that it has. It knows no request; names that are asked for are
//! looked up here, and only names from here become paths.
//!
//! A dalle takes about a hundred bytes, of which a third is its name.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use xxhash_rust::xxh3::Xxh3;

use super::beside;

/// 1e-7 degrees are a centimetre.
const PER_DEGREE: f64 = 1e7;

/// A file that may be had.
#[derive(Debug, Clone)]
pub struct Item {
    /// Where it is, below the root.
    pub path: PathBuf,
    pub bytes: u64,
    /// Last modification, in seconds since 1970.
    pub modified_s: i64,
    /// What is known of a dalle; of a file beside one, nothing.
    pub dalle: Option<Dalle>,
}

/// What the coverage tells of a dalle.
#[derive(Debug, Clone)]
pub struct Dalle {
    pub year: Option<u16>,
    /// E.g. `EPSG:2154`.
    pub crs: String,
    pub resolution_m: f64,
    pub is_cloud_optimized: bool,
    /// Longitude and latitude of its corners, anticlockwise.
    pub ring: [(f64, f64); 4],
}

/// All folders of a layer.
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
    /// By path below the root, which is empty or ends with a slash.
    folders: BTreeMap<String, Folder>,
    /// All names, one after the other.
    names: String,
    kinds: Vec<Kind>,
    fingerprint: u64,
}

/// What one folder has.
#[derive(Debug, Default)]
pub struct Folder {
    /// Names of the folders in it, in order.
    pub folders: BTreeSet<String>,
    /// In order of names.
    entries: Vec<Entry>,
    pub bytes: u64,
}

/// A file in little room.
#[derive(Debug, Clone, Copy)]
struct Entry {
    name_at: u32,
    name_bytes: u16,
    /// Of a dalle.
    year: u16,
    /// Of a dalle, in the tree's kinds; else [`BESIDE`].
    kind: u16,
    bytes: u64,
    modified_s: i64,
    ring: [[i32; 2]; 4],
}

/// The kind of files beside dalles.
const BESIDE: u16 = u16::MAX;

/// What many dalles have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Kind {
    pub crs: String,
    pub resolution_m: f64,
    pub is_cloud_optimized: bool,
}

/// A file as it is told of.
#[derive(Debug)]
pub struct File<'a> {
    pub name: &'a str,
    pub bytes: u64,
    pub modified_s: i64,
    pub year: Option<u16>,
    /// Of a dalle.
    pub kind: Option<&'a Kind>,
    ring: &'a [[i32; 2]; 4],
}

impl File<'_> {
    /// Longitude and latitude of the corners of a dalle.
    pub fn ring(&self) -> [(f64, f64); 4] {
        self.ring.map(|[lon, lat]| (f64::from(lon) / PER_DEGREE, f64::from(lat) / PER_DEGREE))
    }
}

impl Tree {
    /// The tree of dalles below a folder, with the files beside them; this reads each folder once.
    ///
    /// Left out are files that are not below it, and names that cannot be written in an address.
    pub fn new(root: &Path, dalles: impl Iterator<Item = Item>) -> Self {
        let mut tree = Self {
            root: root.to_owned(),
            folders: BTreeMap::from([(String::new(), Folder::default())]),
            names: String::new(),
            kinds: Vec::new(),
            fingerprint: 0,
        };
        for dalle in dalles {
            tree.add(&dalle);
        }
        tree.sort();
        let found: Vec<Item> = tree.folders.keys().flat_map(|folder| beside::files(&tree, folder)).collect();
        for item in found {
            tree.add(&item);
        }
        tree.sort();
        tree.fingerprint = tree.hash();
        tree
    }

    /// A folder by its path below the root, which is empty or ends with a slash.
    pub fn folder(&self, path: &str) -> Option<&Folder> {
        self.folders.get(path)
    }

    /// Paths of folders, in order.
    pub fn folder_paths(&self) -> Vec<String> {
        self.folders.keys().cloned().collect()
    }

    /// Where a folder of this tree is.
    pub fn folder_on_disk(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A file of a folder, and where it is.
    pub fn find(&self, folder: &str, name: &str) -> Option<(File<'_>, PathBuf)> {
        let (folder, there) = self.folders.get_key_value(folder)?;
        let at = there.entries.binary_search_by(|entry| self.name(entry).cmp(name)).ok()?;
        let file = self.file(&there.entries[at]);
        let path = self.root.join(folder).join(file.name);
        Some((file, path))
    }

    /// The files of a folder from a place on in the order of names.
    pub fn files<'a>(&'a self, folder: &'a Folder, from: usize) -> impl Iterator<Item = File<'a>> {
        folder.entries.iter().skip(from).map(|entry| self.file(entry))
    }

    /// Changes with everything that listings tell.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    fn name(&self, entry: &Entry) -> &str {
        let from = entry.name_at as usize;
        &self.names[from..from + usize::from(entry.name_bytes)]
    }

    fn file<'a>(&'a self, entry: &'a Entry) -> File<'a> {
        File {
            name: self.name(entry),
            bytes: entry.bytes,
            modified_s: entry.modified_s,
            year: Some(entry.year).filter(|year| *year > 0),
            kind: self.kinds.get(usize::from(entry.kind)),
            ring: &entry.ring,
        }
    }

    /// `None` for what is left out.
    fn add(&mut self, item: &Item) -> Option<()> {
        let below = item.path.strip_prefix(&self.root).ok()?.to_str()?;
        if below.is_empty() || below.chars().any(char::is_control) {
            return None;
        }
        let (folder, name) = below
            .rsplit_once('/')
            .map_or(("", below), |(_, name)| (&below[..below.len() - name.len()], name));
        let entry = Entry {
            name_at: u32::try_from(self.names.len()).ok()?,
            name_bytes: u16::try_from(name.len()).ok()?,
            year: item.dalle.as_ref().and_then(|dalle| dalle.year).unwrap_or(0),
            kind: item.dalle.as_ref().map_or(Some(BESIDE), |dalle| self.kind(dalle))?,
            bytes: item.bytes,
            modified_s: item.modified_s,
            ring: item.dalle.as_ref().map_or([[0; 2]; 4], |dalle| {
                dalle.ring.map(|(lon, lat)| [lon, lat].map(|degrees| (degrees * PER_DEGREE).round() as i32))
            }),
        };
        self.names.push_str(name);
        self.enter(folder);
        let folder = self.folders.get_mut(folder)?;
        folder.bytes = folder.bytes.saturating_add(item.bytes);
        folder.entries.push(entry);
        Some(())
    }

    fn kind(&mut self, dalle: &Dalle) -> Option<u16> {
        let known = self.kinds.iter().position(|kind| {
            (kind.crs.as_str(), kind.resolution_m.to_bits(), kind.is_cloud_optimized)
                == (dalle.crs.as_str(), dalle.resolution_m.to_bits(), dalle.is_cloud_optimized)
        });
        let at = known.unwrap_or_else(|| {
            let Dalle { resolution_m, is_cloud_optimized, .. } = *dalle;
            self.kinds.push(Kind { crs: dalle.crs.clone(), resolution_m, is_cloud_optimized });
            self.kinds.len() - 1
        });
        u16::try_from(at).ok().filter(|at| *at != BESIDE)
    }

    /// Makes a folder, and those that it is in.
    fn enter(&mut self, path: &str) {
        if self.folders.contains_key(path) {
            return;
        }
        self.folders.insert(path.to_owned(), Folder::default());
        let inner = path.trim_end_matches('/');
        let (above, name) =
            inner.rsplit_once('/').map_or(("", inner), |(above, name)| (&inner[..=above.len()], name));
        self.enter(above);
        if let Some(above) = self.folders.get_mut(above) {
            above.folders.insert(name.to_owned());
        }
    }

    fn sort(&mut self) {
        let Self { folders, names, .. } = self;
        let name = |entry: &Entry| &names[entry.name_at as usize..][..usize::from(entry.name_bytes)];
        for folder in folders.values_mut() {
            folder.entries.sort_unstable_by(|a, b| name(a).cmp(name(b)));
            // A file that two paths of the configuration lead to.
            folder.entries.dedup_by(|a, b| name(a) == name(b));
            folder.entries.shrink_to_fit();
        }
        names.shrink_to_fit();
    }

    fn hash(&self) -> u64 {
        let mut hash = Xxh3::new();
        for (path, folder) in &self.folders {
            hash.update(path.as_bytes());
            for entry in &folder.entries {
                hash.update(self.name(entry).as_bytes());
                hash.update(&entry.bytes.to_le_bytes());
                hash.update(&entry.modified_s.to_le_bytes());
            }
        }
        hash.digest()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn item(path: &str) -> Item {
        let dalle = Dalle {
            year: Some(2023),
            crs: "EPSG:2154".to_owned(),
            resolution_m: 0.05,
            is_cloud_optimized: true,
            ring: [(2.5, 43.0), (2.501, 43.0), (2.501, 43.001), (2.5, 43.001)],
        };
        Item { path: PathBuf::from(path), bytes: 1000, modified_s: 1_700_000_000, dalle: Some(dalle) }
    }

    pub(in super::super) fn tree(paths: &[&str]) -> Tree {
        Tree::new(Path::new("/nas"), paths.iter().map(|path| item(path)))
    }

    fn names(tree: &Tree, folder: &str) -> Vec<String> {
        let folder = tree.folder(folder).expect("it is there");
        let folders = folder.folders.iter().map(|name| format!("{name}/"));
        folders.chain(tree.files(folder, 0).map(|file| file.name.to_owned())).collect()
    }

    #[test]
    fn folders_are_those_on_the_disk() {
        let tree = tree(&["/nas/b.tif", "/nas/2024/x/c.tif", "/nas/a.tif", "/nas/a.tif", "/elsewhere/d.tif"]);
        assert_eq!(names(&tree, ""), ["2024/", "a.tif", "b.tif"]);
        assert_eq!(names(&tree, "2024/"), ["x/"]);
        let (file, path) = tree.find("2024/x/", "c.tif").expect("it is there");
        assert_eq!((file.bytes, file.year, path.to_str()), (1000, Some(2023), Some("/nas/2024/x/c.tif")));
        assert_eq!(file.ring()[2], (2.501, 43.001));
    }

    #[test]
    fn only_what_is_in_it_is_found() {
        let tree = tree(&["/nas/a.tif", "/nas/2024/b.tif", "/nas/line\nfeed.tif"]);
        for (folder, name) in [
            ("", "b.tif"),
            ("2024", "b.tif"),
            ("../nas/", "a.tif"),
            ("", "../nas/a.tif"),
            ("", "2024/b.tif"),
            ("/", "a.tif"),
            ("", "line\nfeed.tif"),
            ("", ""),
        ] {
            assert!(tree.find(folder, name).is_none(), "{folder:?} {name:?}");
        }
    }

    #[test]
    fn a_dalle_takes_little_memory() {
        let tree = Tree::new(
            Path::new("/nas"),
            (0..10_000).map(|i| item(&format!("/nas/2023-{:05}-{:05}-LA93-0M05-RVB.tif", i / 100, i % 100))),
        );
        let folder = tree.folder("").expect("it is there");
        let bytes = folder.entries.capacity() * size_of::<Entry>() + tree.names.capacity();
        assert!(bytes / 10_000 < 120, "{} bytes a dalle", bytes / 10_000);
        assert_eq!(tree.kinds.len(), 1);
    }

    #[test]
    fn a_change_of_one_file_changes_the_fingerprint() {
        let other = Item { bytes: 1001, ..item("/nas/a.tif") };
        let changed = Tree::new(Path::new("/nas"), [other, item("/nas/b.tif")].into_iter());
        assert_ne!(tree(&["/nas/a.tif", "/nas/b.tif"]).fingerprint(), changed.fingerprint());
        let same = tree(&["/nas/b.tif", "/nas/a.tif"]);
        assert_eq!(tree(&["/nas/a.tif", "/nas/b.tif"]).fingerprint(), same.fingerprint());
    }
}
