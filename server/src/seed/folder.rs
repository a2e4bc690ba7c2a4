//! A folder of files, `{z}/{x}/{y}.{ext}`, of any set. A file is whole or not there; a ledger beside them, `.pavage-seed`,
//! knows of what state each is.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
};

use tiler::{
    encode::Format,
    seed::Metatile,
    tms::{TileId, TileMatrixSet},
};

use super::{
    About, Known, MadeTile, Target, TargetError,
    ledger::{Ledger, Line},
};

const LEDGER: &str = ".pavage-seed";
const UNFINISHED: &str = ".pavage-seed-unfinished";
/// By their numbers in the ledger.
const FORMATS: [Format; 3] = [Format::Jpeg, Format::Png, Format::WebP];

/// A folder of tiles.
pub struct FolderTarget {
    root: PathBuf,
    set: Arc<TileMatrixSet>,
    ledger: Ledger,
    bytes: u64,
}

impl FolderTarget {
    /// Opens the folder, or makes it. One with anything in it must be ours.
    ///
    /// # Errors
    /// When it is in use, not ours, or holds other tiles.
    pub fn open(root: &Path, set: &Arc<TileMatrixSet>, about: &About) -> Result<Self, TargetError> {
        let failed = TargetError::file(root);
        fs::create_dir_all(root).map_err(&failed)?;
        let ledger = root.join(LEDGER);
        if !ledger.exists() && fs::read_dir(root).map_err(&failed)?.next().is_some() {
            return Err(TargetError::NotOurs { path: root.to_owned() });
        }
        let ledger = Ledger::open(&ledger, "", (about, set))?;
        Ok(Self { root: root.to_owned(), set: Arc::clone(set), ledger, bytes: 0 })
    }

    fn file(&self, tile: TileId, format: Format) -> PathBuf {
        let TileId { matrix, col, row } = tile;
        let mut path = self.root.join(&self.set.matrices[matrix].id);
        path.push(col.to_string());
        path.push(format!("{row}.{}", format.extension()));
        path
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        // There is one writer, and so one unfinished file.
        let unfinished = self.root.join(UNFINISHED);
        fs::write(&unfinished, bytes)?;
        match fs::rename(&unfinished, path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
                fs::rename(&unfinished, path)
            }
            other => other,
        }
    }

    fn remove_but(&self, tile: TileId, kept: Option<Format>) -> Result<(), TargetError> {
        for format in FORMATS.into_iter().filter(|&format| Some(format) != kept) {
            let path = self.file(tile, format);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(TargetError::File { path, source: error });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Target for FolderTarget {
    fn known(&mut self, metatile: &Metatile<'_>) -> Result<Known, TargetError> {
        let mut known = HashMap::new();
        for (tile, line) in self.ledger.known(metatile)? {
            let format = usize::try_from(line.number).ok().and_then(|number| FORMATS.get(number));
            // Somebody may have tidied up.
            let is_there = format.is_some_and(|&format| self.file(tile, format).exists());
            known.insert(tile, line.fingerprint.filter(|_| is_there));
        }
        Ok(Known::Tiles(known))
    }

    fn put(&mut self, tile: &MadeTile) -> Result<bool, TargetError> {
        let path = self.file(tile.tile, tile.format);
        self.write(&path, &tile.bytes).map_err(TargetError::file(&path))?;
        // It may have been a JPEG before, and be the edge of the imagery now.
        self.remove_but(tile.tile, Some(tile.format))?;
        self.bytes += tile.bytes.len() as u64;
        let number = FORMATS.iter().position(|&format| format == tile.format).unwrap_or_default() as i64;
        self.ledger.put(tile.tile, Line { fingerprint: tile.fingerprint, number })?;
        Ok(false)
    }

    fn remove(&mut self, tile: TileId) -> Result<(), TargetError> {
        self.remove_but(tile, None)?;
        self.ledger.remove(tile)
    }

    fn commit(&mut self) -> Result<(), TargetError> {
        // First the files, then that they are there: also a power cut finds no line without its file.
        File::open(&self.root)
            .and_then(|root| Ok(rustix::fs::syncfs(root)?))
            .map_err(TargetError::file(&self.root))?;
        self.ledger.database.commit()
    }

    fn finish(&mut self) -> Result<Option<u64>, TargetError> {
        self.commit()?;
        self.ledger.database.tidy(false)?;
        Ok(None)
    }
}
