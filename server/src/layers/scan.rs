//! From a path of the operator to raster files. It looks at names and kinds of files; what is in them is not its matter.

use std::{
    ffi::OsStr,
    fmt, fs, io,
    path::{Path, PathBuf},
};

/// Folders nested deeper are not entered.
const DEPTH_LIMIT: usize = 32;

/// More rasters than this are no layer but a whole archive.
const FILES_LIMIT: usize = 2_000_000;

/// Endings of rasters; ECW and `MrSID` are among them so that they are refused by name.
const RASTERS: [&str; 9] = ["tif", "tiff", "gtiff", "jp2", "j2k", "jpx", "jpf", "ecw", "sid"];

/// What is looked for in folders.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Whether a file is a raster, by its name.
    pub is_raster: fn(&Path) -> bool,
    /// More of them are an error.
    pub limit: usize,
}

impl Default for Wanted {
    /// What can be served.
    fn default() -> Self {
        Self { is_raster: is_raster_name, limit: FILES_LIMIT }
    }
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// One file, named by the operator himself.
    File(PathBuf),
    /// A folder, and what is in it.
    Folder(Listing),
}

/// The rasters of a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// By path.
    pub files: Vec<PathBuf>,
    /// What looks like a raster by its name and is not served, with the reason.
    pub skipped: Vec<Skipped>,
}

/// A file that is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The file or folder.
    pub path: PathBuf,
    /// Why, in one line.
    pub reason: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", crate::log::printable(&self.path.display().to_string()), self.reason)
    }
}

/// Why a path cannot be served at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// Nothing there, or nothing that may be read.
    #[error("cannot be read")]
    Io {
        /// The operating system's word.
        source: io::Error,
    },
    /// A pipe, a socket, a device.
    #[error("is neither a file nor a folder")]
    Kind,
    /// A folder with very many files.
    #[error("holds more than {limit} rasters")]
    TooMany {
        /// The limit.
        limit: usize,
    },
}

/// Looks at a path; folders are searched to the bottom, in the order of names.
///
/// Hidden entries are left out, and so are links that lead out of the folder and links to folders.
///
/// # Errors
/// When the path itself cannot be read or is no file and no folder.
pub fn scan(path: &Path) -> Result<Found, ScanError> {
    scan_for(path, Wanted::default())
}

/// As `scan`, for other files or more of them.
///
/// # Errors
/// As `scan`.
pub fn scan_for(path: &Path, wanted: Wanted) -> Result<Found, ScanError> {
    let failed = |source| ScanError::Io { source };
    let kind = fs::metadata(path).map_err(failed)?;
    if kind.is_file() {
        return Ok(Found::File(path.to_owned()));
    }
    if !kind.is_dir() {
        return Err(ScanError::Kind);
    }
    let root = fs::canonicalize(path).map_err(failed)?;
    let mut walk = Walk { root, wanted, listing: Listing::default() };
    walk.folder(path, 0).map_err(failed)?;
    if walk.listing.files.len() > wanted.limit {
        return Err(ScanError::TooMany { limit: wanted.limit });
    }
    // As bytes: of very many paths, to compare part by part takes seconds.
    walk.listing.files.sort_unstable_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    Ok(Found::Folder(walk.listing))
}

struct Walk {
    root: PathBuf,
    wanted: Wanted,
    listing: Listing,
}

impl Walk {
    fn folder(&mut self, folder: &Path, depth: usize) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let Ok(entry) = entry else { continue };
            if entry.file_name().as_encoded_bytes().starts_with(b".")
                || self.listing.files.len() > self.wanted.limit
            {
                continue;
            }
            let path = entry.path();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                self.enter(&path, depth + 1);
            } else if (self.wanted.is_raster)(&path) {
                match self.check(&path, kind) {
                    Ok(()) => self.listing.files.push(path),
                    Err(reason) => self.skip(path, reason),
                }
            }
        }
        Ok(())
    }

    fn enter(&mut self, folder: &Path, depth: usize) {
        if depth > DEPTH_LIMIT {
            self.skip(folder.to_owned(), format!("is nested deeper than {DEPTH_LIMIT} folders"));
        } else if let Err(error) = self.folder(folder, depth) {
            self.skip(folder.to_owned(), format!("cannot be read: {error}"));
        }
    }

    fn check(&self, path: &Path, kind: fs::FileType) -> Result<(), String> {
        if kind.is_file() {
            return Ok(());
        }
        if !kind.is_symlink() {
            return Err("is not a regular file".to_owned());
        }
        let target =
            fs::canonicalize(path).map_err(|error| format!("is a link that leads nowhere: {error}"))?;
        if !target.starts_with(&self.root) {
            return Err("is a link that leads out of the folder".to_owned());
        }
        if fs::metadata(&target).is_ok_and(|target| target.is_file()) {
            Ok(())
        } else {
            Err("is a link to something else than a regular file".to_owned())
        }
    }

    fn skip(&mut self, path: PathBuf, reason: String) {
        self.listing.skipped.push(Skipped { path, reason });
    }
}

/// Whether a name is that of a GeoTIFF.
pub fn is_raster_name(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    RASTERS.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::{fs::symlink, net::UnixListener},
        process::Command,
    };

    use super::*;

    fn listing(folder: &Path) -> (Vec<String>, Vec<String>) {
        let Found::Folder(listing) = scan(folder).unwrap() else { panic!("not a folder") };
        let name = |path: &Path| path.strip_prefix(folder).unwrap().display().to_string();
        let skipped = listing.skipped.iter().map(|s| format!("{}: {}", name(&s.path), s.reason)).collect();
        (listing.files.iter().map(|path| name(path)).collect(), skipped)
    }

    #[test]
    fn a_folder_is_searched_to_the_bottom_in_order() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("b/c")).unwrap();
        fs::create_dir(root.path().join(".hidden")).unwrap();
        for name in [
            "z.tif",
            "b/y.TIFF",
            "b/c/x.gtiff",
            "a.tif",
            ".hidden/w.tif",
            ".v.tif",
            "a.tif.ovr",
            "a.tif.msk",
            "u.jpg",
            "t.jp2",
            "s.ECW",
        ] {
            fs::write(root.path().join(name), b"").unwrap();
        }
        assert_eq!(listing(root.path()).0, ["a.tif", "b/c/x.gtiff", "b/y.TIFF", "s.ECW", "t.jp2", "z.tif"]);
    }

    #[test]
    fn links_stay_inside_the_folder() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret.tif"), b"").unwrap();
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a.tif"), b"").unwrap();
        symlink("a.tif", root.path().join("latest.tif")).unwrap();
        symlink(outside.path().join("secret.tif"), root.path().join("out.tif")).unwrap();
        symlink(outside.path(), root.path().join("folder")).unwrap();
        symlink("nowhere", root.path().join("dead.tif")).unwrap();
        symlink(root.path(), root.path().join("loop.tif")).unwrap();
        let (files, mut skipped) = listing(root.path());
        assert_eq!(files, ["a.tif", "latest.tif"]);
        skipped.sort();
        assert_eq!(skipped.len(), 3, "{skipped:?}");
        assert!(skipped[0].starts_with("dead.tif: is a link that leads nowhere"), "{skipped:?}");
        assert_eq!(skipped[1], "loop.tif: is a link to something else than a regular file");
        assert_eq!(skipped[2], "out.tif: is a link that leads out of the folder");
    }

    #[test]
    fn pipes_and_sockets_are_left_out_and_not_opened() {
        let root = tempfile::tempdir().unwrap();
        let pipe = root.path().join("pipe.tif");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let _socket = UnixListener::bind(root.path().join("socket.tif")).unwrap();
        let (files, skipped) = listing(root.path());
        assert!(files.is_empty());
        assert_eq!(skipped.len(), 2, "{skipped:?}");
        assert!(matches!(scan(&pipe), Err(ScanError::Kind)));
    }

    #[test]
    fn a_path_without_anything_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        let error = scan(&root.path().join("none")).unwrap_err();
        let told = crate::log::chain(&error);
        assert!(told.starts_with("cannot be read: No such file"), "{told}");
    }
}
