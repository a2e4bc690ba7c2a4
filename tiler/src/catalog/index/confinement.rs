//! Which files an index may name: those below certain folders, whatever links and `..` lead there, and nothing beyond the
//! file system.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};

use percent_encoding::percent_decode_str;

use super::file;

/// Longest location that is looked at.
const MAX_LOCATION: usize = 4096;

/// Folders below which the files of an index must lie.
#[derive(Debug, Clone, Default)]
pub struct Confinement {
    /// Without links; none stand for the folder of the index.
    folders: Vec<PathBuf>,
}

/// Why an index may not name a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// `https:`, `s3:` and their like.
    #[error("it is a URL, and Pavage reads files only: copy the file and name the copy")]
    Url,
    /// A file system of GDAL's own.
    #[error("it is a virtual file of GDAL, and Pavage reads plain files only: unpack or copy it")]
    Virtual,
    /// Empty, too long, or with characters that no path has.
    #[error("it is no path")]
    NotAPath,
    /// It is not there.
    #[error("there is no such file")]
    Missing,
    /// It is a folder or a device.
    #[error("it is not a regular file")]
    NotAFile,
    /// It is elsewhere.
    #[error("it lies outside of the folders that the index may name files in")]
    Outside,
}

impl Confinement {
    /// Files below any of these folders.
    ///
    /// # Errors
    /// When one of them cannot be found.
    pub fn below<P: AsRef<Path>>(folders: impl IntoIterator<Item = P>) -> io::Result<Self> {
        let folders = folders.into_iter().map(|folder| folder.as_ref().canonicalize());
        Ok(Self { folders: folders.collect::<Result<_, _>>()? })
    }

    /// Files below the folder of the index itself.
    pub fn to_own_folder() -> Self {
        Self::default()
    }

    /// The confinement of what one index names.
    pub(super) fn of(&self, index: &Path) -> io::Result<Locator> {
        let base = file::folder(index).canonicalize()?;
        let roots = if self.folders.is_empty() { vec![base.clone()] } else { self.folders.clone() };
        Ok(Locator { base, roots, folders: HashMap::new() })
    }
}

/// Finds the files that an index names.
pub(super) struct Locator {
    base: PathBuf,
    roots: Vec<PathBuf>,
    /// Folders as they were named, and without links.
    folders: HashMap<PathBuf, Option<PathBuf>>,
}

impl Locator {
    /// The file of a location, absolute and without links, or why it is refused.
    pub fn find(&mut self, location: &str) -> Result<PathBuf, Refusal> {
        let path = self.base.join(local(location)?);
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Refusal::NotAPath);
        };
        if !self.folders.contains_key(folder) {
            self.folders.insert(folder.to_owned(), folder.canonicalize().ok());
        }
        let folder = self.folders.get(folder).and_then(Option::as_ref).ok_or(Refusal::Missing)?;
        let mut found = folder.join(name);
        let mut kind = found.symlink_metadata().map_err(|_| Refusal::Missing)?.file_type();
        if kind.is_symlink() {
            found = found.canonicalize().map_err(|_| Refusal::Missing)?;
            kind = found.metadata().map_err(|_| Refusal::Missing)?.file_type();
        }
        if !self.roots.iter().any(|root| found.starts_with(root)) {
            return Err(Refusal::Outside);
        }
        if kind.is_file() { Ok(found) } else { Err(Refusal::NotAFile) }
    }
}

/// The path in a location, which may be a `file:` URL.
fn local(location: &str) -> Result<PathBuf, Refusal> {
    let location = location.trim();
    if location.is_empty() || location.len() > MAX_LOCATION || location.contains('\0') {
        return Err(Refusal::NotAPath);
    }
    if let Some(rest) = location.strip_prefix("file://") {
        let path = rest.strip_prefix("localhost").unwrap_or(rest);
        let path = percent_decode_str(path).decode_utf8().map_err(|_| Refusal::NotAPath)?;
        return if path.starts_with('/') && !path.contains('\0') {
            Ok(PathBuf::from(&*path))
        } else {
            Err(Refusal::Url)
        };
    }
    let starts =
        |prefix: &str| location.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if starts("/vsi") {
        return Err(Refusal::Virtual);
    }
    if location.contains("://") || ["http:", "https:", "ftp:", "s3:", "data:"].into_iter().any(starts) {
        return Err(Refusal::Url);
    }
    Ok(PathBuf::from(location))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn files_below_the_folder_are_found_by_whatever_way() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir(root.join("a b")).unwrap();
        fs::write(root.join("a b/x.tif"), "").unwrap();
        symlink(root.join("a b/x.tif"), root.join("link.tif")).unwrap();
        symlink(root.join("a b"), root.join("folder")).unwrap();
        let mut locator = Confinement::to_own_folder().of(&root.join("index.fgb")).unwrap();
        let there = root.join("a b/x.tif");
        let url = format!("file://{}/a%20b/x.tif", root.display());
        for location in
            ["a b/x.tif", "./a b/../a b/x.tif", "link.tif", "folder/x.tif", there.to_str().unwrap(), &url]
        {
            assert_eq!(locator.find(location), Ok(there.clone()), "{location}");
        }
    }

    #[test]
    fn what_leads_elsewhere_is_refused_with_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir(&root).unwrap();
        fs::write(folder.path().join("secret.tif"), "").unwrap();
        symlink(folder.path().join("secret.tif"), root.join("link.tif")).unwrap();
        symlink("/", root.join("slash")).unwrap();
        fs::create_dir(root.join("folder.tif")).unwrap();
        let mut locator = Confinement::below([&root]).unwrap().of(&root.join("index.fgb")).unwrap();
        for (location, refusal) in [
            ("../secret.tif", Refusal::Outside),
            ("link.tif", Refusal::Outside),
            ("slash/etc/passwd", Refusal::Outside),
            ("/etc/passwd", Refusal::Outside),
            ("folder.tif", Refusal::NotAFile),
            ("none.tif", Refusal::Missing),
            ("/vsicurl/https://example.org/a.tif", Refusal::Virtual),
            ("/VSIZIP/a.zip", Refusal::Virtual),
            ("https://example.org/a.tif", Refusal::Url),
            ("S3://bucket/a.tif", Refusal::Url),
            ("file://host/a.tif", Refusal::Url),
            ("", Refusal::NotAPath),
            ("..", Refusal::NotAPath),
            ("a\0.tif", Refusal::NotAPath),
        ] {
            assert_eq!(locator.find(location), Err(refusal), "{location}");
        }
    }
}
