//! PMTiles version 3: one file for object storage, its tiles along the curve and equal ones once. It can only be written in
//! that order and at once, so tiles are gathered in a spool beside it, `<name>.spool`, and the file is written at the end.
//!
//! The spool stays, small: it knows the fingerprint of each tile and where in the file its picture is. So the next run renders
//! what has changed, and copies the rest from the old file into the new one.
//!
//! Source: <https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md>

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use pmtiles::{CallerKey, PmTilesStreamWriter, PmTilesWriter, TileCoord, TileType};
use rusqlite::{Connection, params};
use serde_json::json;
use tiler::{
    encode::Format,
    geom::Bounds,
    seed::{Metatile, curve_place},
    tms::{TileId, TileLimits, TileMatrixSet},
};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::{
    About, Known, MadeTile, Target, TargetError,
    images::{IMAGES, drop_unused, image},
    ledger::{Ledger, Line},
};

/// Where pictures are in finished files, by the identity of the file; those in the spool itself are in none.
const PLACES: &str = "
    CREATE TABLE place (
        archive BLOB, tile_id INTEGER, start INTEGER, length INTEGER, PRIMARY KEY (archive, tile_id)
    ) WITHOUT ROWID;";
/// Header and root directory end here, and the metadata begin: they hold a hash of all tiles, so no two files agree.
const IDENTITY_BYTES: u64 = 32 << 10;

/// A file of tiles of `WebMercatorQuad`, whose matrices are zooms by number.
pub struct PmTilesTarget {
    path: PathBuf,
    ledger: Ledger,
    about: About,
    is_changed: bool,
}

/// What the file says at its beginning.
struct Summary {
    zooms: (u8, u8),
    bounds: Bounds,
    /// Of all tiles and their states.
    state: u128,
}

type Writer = PmTilesStreamWriter<File, CallerKey<i64>>;

impl PmTilesTarget {
    /// Opens the spool of the file, or makes it.
    ///
    /// # Errors
    /// When it is in use or holds other tiles, or when the file is there without it.
    pub fn open(path: &Path, set: &TileMatrixSet, about: About) -> Result<Self, TargetError> {
        let spool = beside(path, "spool");
        if path.exists() && !spool.exists() {
            return Err(TargetError::NotOurs { path: path.to_owned() });
        }
        let ledger = Ledger::open(&spool, &format!("{IMAGES}{PLACES}"), (&about, set))?;
        let archive = identity(path).map_err(TargetError::file(path))?;
        let target = Self { path: path.to_owned(), ledger, about, is_changed: archive.is_none() };
        target.forget_lost(archive)?;
        Ok(target)
    }

    /// Forgets pictures that were in a file which is not there any more, and the tiles that show them.
    fn forget_lost(&self, archive: Option<u128>) -> Result<(), TargetError> {
        let archive = archive.unwrap_or_default().to_be_bytes();
        self.ledger.database.with(|connection| {
            connection.execute("DELETE FROM place WHERE archive <> ?", [&archive[..]])?;
            connection.execute_batch(
                "CREATE TEMP TABLE lost AS
                    SELECT tile_id FROM images
                    WHERE tile_data IS NULL AND tile_id NOT IN (SELECT tile_id FROM place);
                DELETE FROM tile WHERE tile_id IN (SELECT tile_id FROM lost);
                DELETE FROM images WHERE tile_id IN (SELECT tile_id FROM lost);
                DROP TABLE lost;",
            )
        })
    }

    /// `None` where there is no tile.
    fn summary(&self) -> Result<Option<Summary>, TargetError> {
        let mut hash = Xxh3::new();
        let mut zooms: Option<(u8, u8)> = None;
        let mut limits: Option<TileLimits> = None;
        self.each(|tile, number, row| {
            let zoom = tile.matrix as u8;
            let here =
                TileLimits { min_col: tile.col, max_col: tile.col, min_row: tile.row, max_row: tile.row };
            if zooms.is_none_or(|(_, last)| last != zoom) {
                zooms = Some((zooms.map_or(zoom, |(first, _)| first), zoom));
                limits = None;
            }
            limits = Some(limits.map_or(here, |known| known.union(&here)));
            hash.update(&(tile.matrix as u64).to_le_bytes());
            hash.update(&(u64::from(tile.col) << 32 | u64::from(tile.row)).to_le_bytes());
            hash.update(
                row.get::<_, Option<Vec<u8>>>("fingerprint")?.as_deref().unwrap_or(&number.to_le_bytes()),
            );
            Ok(())
        })?;
        Ok(zooms.zip(limits).map(|(zooms, limits)| Summary {
            zooms,
            bounds: self.about.bounds_within(u32::from(zooms.1), &limits),
            state: hash.digest128(),
        }))
    }

    /// All tiles along the curve, each with the number of its picture.
    fn each(
        &self,
        mut visit: impl FnMut(TileId, i64, &rusqlite::Row<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), TargetError> {
        let sql = "SELECT matrix, position, tile_id, fingerprint FROM tile ORDER BY matrix, position";
        self.ledger.database.run(sql, |statement| {
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let (matrix, position): (u8, i64) = (row.get(0)?, row.get(1)?);
                let (col, row_number) = curve_place(matrix, position.cast_unsigned());
                visit(TileId { matrix: usize::from(matrix), col, row: row_number }, row.get(2)?, row)?;
            }
            Ok(())
        })
    }

    fn write(&self, summary: &Summary, unfinished: &Path) -> Result<(), TargetError> {
        let archive_failed = |source| TargetError::Archive { path: unfinished.to_owned(), source };
        let failed = TargetError::file(unfinished);
        let file = File::options().read(true).write(true).create(true).truncate(true).open(unfinished);
        let file = file.map_err(&failed)?;
        let whole = file.try_clone().map_err(&failed)?;
        let writer = self.header(summary).create(file).map_err(archive_failed)?;
        let placed = self.copy(writer, archive_failed)?;
        whole.sync_all().map_err(&failed)?;
        let archive = identity(unfinished).map_err(&failed)?.unwrap_or_default().to_be_bytes();
        let sql = "INSERT OR REPLACE INTO place (archive, tile_id, start, length) VALUES (?, ?, ?, ?)";
        let start = data_start(&whole).map_err(&failed)?;
        for (number, offset, length) in placed {
            let row = params![&archive[..], number, (start + offset).cast_signed(), length];
            self.ledger.database.run(sql, |statement| statement.execute(row))?;
        }
        Ok(())
    }

    fn header(&self, summary: &Summary) -> PmTilesWriter<CallerKey<i64>> {
        let Summary { zooms, bounds, state } = summary;
        let About { title, name, description, attribution, .. } = &self.about;
        let metadata = json!({
            "name": if title.is_empty() { name } else { title },
            "description": description,
            "attribution": attribution,
            "type": "baselayer",
            "version": "1",
            "pavage:tiles": self.about.identity,
            "pavage:state": format!("{state:032x}"),
        });
        let (x, y) = bounds.center();
        let kind = match self.about.format {
            Format::Jpeg => TileType::Jpeg,
            Format::Png => TileType::Png,
            Format::WebP => TileType::Webp,
        };
        PmTilesWriter::new(kind)
            .dedup_by_key::<i64>()
            .min_zoom(zooms.0)
            .max_zoom(zooms.1)
            .bounds(bounds.min_x, bounds.min_y, bounds.max_x, bounds.max_y)
            .center(x, y)
            .center_zoom(u8::midpoint(zooms.0, zooms.1))
            .metadata(metadata.to_string())
    }

    /// Writes all tiles; number, offset among the pictures and length of each picture.
    fn copy(
        &self,
        mut writer: Writer,
        failed: impl Fn(pmtiles::PmtError) -> TargetError,
    ) -> Result<Vec<(i64, u64, u32)>, TargetError> {
        let database = &self.ledger.database;
        let repeated = "SELECT tile_id FROM tile GROUP BY tile_id HAVING count(*) > 1";
        let repeated: HashSet<i64> =
            database.run(repeated, |statement| statement.query_map([], |row| row.get(0))?.collect())?;
        let old = if self.path.exists() {
            Some(File::open(&self.path).map_err(TargetError::file(&self.path))?)
        } else {
            None
        };
        let (mut placed, mut offset, mut written) = (Vec::new(), 0, HashSet::new());
        let mut problem = None;
        let done = self.each(|tile, number, _| {
            let picture = database.with(|connection| picture(connection, number, old.as_ref()));
            let added = picture.and_then(|bytes| {
                let key = repeated.contains(&number).then_some(number);
                let coord = TileCoord::new(tile.matrix as u8, tile.col, tile.row).map_err(&failed)?;
                writer.add_tile(coord, &bytes, key).map_err(&failed)?;
                if key.is_none() || written.insert(number) {
                    placed.push((number, offset, bytes.len() as u32));
                    offset += bytes.len() as u64;
                }
                Ok(())
            });
            added.map_err(|error| {
                problem = Some(error);
                rusqlite::Error::ExecuteReturnedResults
            })
        });
        match problem {
            Some(problem) => return Err(problem),
            None => done?,
        }
        writer.finalize().map_err(failed)?;
        Ok(placed)
    }
}

/// A picture, from the spool or from the file as it was.
fn picture(connection: &Connection, number: i64, old: Option<&File>) -> rusqlite::Result<Vec<u8>> {
    let sql = "SELECT images.tile_data, place.start, place.length FROM images
        LEFT JOIN place ON place.tile_id = images.tile_id WHERE images.tile_id = ?";
    connection.prepare_cached(sql)?.query_row([number], |row| {
        if let Some(bytes) = row.get::<_, Option<Vec<u8>>>(0)? {
            return Ok(bytes);
        }
        let mut bytes = vec![0; row.get::<_, u32>(2)? as usize];
        let start: i64 = row.get(1)?;
        let read = old.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound));
        read.and_then(|old| old.read_exact_at(&mut bytes, start.cast_unsigned()))
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        Ok(bytes)
    })
}

/// A hash of the beginning of a file, and its length; `None` where there is none.
fn identity(path: &Path) -> io::Result<Option<u128>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let length = file.metadata()?.len();
    let mut bytes = length.to_le_bytes().to_vec();
    file.take(IDENTITY_BYTES).read_to_end(&mut bytes)?;
    Ok(Some(xxh3_128(&bytes)))
}

/// Where pictures begin, as the header tells.
fn data_start(file: &File) -> io::Result<u64> {
    let mut number = [0; 8];
    file.read_exact_at(&mut number, 56)?;
    Ok(u64::from_le_bytes(number))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

impl Target for PmTilesTarget {
    fn known(&mut self, metatile: &Metatile<'_>) -> Result<Known, TargetError> {
        let known = self.ledger.known(metatile)?;
        Ok(Known::Tiles(known.into_iter().map(|(tile, line)| (tile, line.fingerprint)).collect()))
    }

    fn put(&mut self, tile: &MadeTile) -> Result<bool, TargetError> {
        self.is_changed = true;
        let (number, is_known) = image(&self.ledger.database, tile.digest, &tile.bytes)?;
        self.ledger.put(tile.tile, Line { fingerprint: tile.fingerprint, number })?;
        Ok(is_known)
    }

    fn remove(&mut self, tile: TileId) -> Result<(), TargetError> {
        self.is_changed = true;
        self.ledger.remove(tile)
    }

    fn commit(&mut self) -> Result<(), TargetError> {
        self.ledger.database.commit()
    }

    fn finish(&mut self) -> Result<Option<u64>, TargetError> {
        let size = |path: &Path| fs::metadata(path).ok().map(|metadata| metadata.len());
        // Of a run that was killed before its end, something lies in the spool itself.
        let spooled = "SELECT count(*) FROM (SELECT 1 FROM images WHERE tile_data IS NOT NULL LIMIT 1)";
        let is_spooled: bool =
            self.ledger.database.run(spooled, |statement| statement.query_row([], |row| row.get(0)))?;
        if !self.is_changed && !is_spooled {
            self.ledger.database.tidy(false)?;
            return Ok(size(&self.path));
        }
        drop_unused(&self.ledger.database, "tile")?;
        let Some(summary) = self.summary()? else {
            self.ledger.database.tidy(true)?;
            return Ok(None);
        };
        let unfinished = beside(&self.path, "unfinished");
        self.write(&summary, &unfinished)?;
        // Where pictures will be is known before the file is there: whenever this ends, one of both is true.
        self.commit()?;
        fs::rename(&unfinished, &self.path).map_err(TargetError::file(&self.path))?;
        let archive = identity(&self.path).map_err(TargetError::file(&self.path))?;
        let archive = archive.unwrap_or_default().to_be_bytes();
        self.ledger.database.with(|connection| {
            connection.execute("DELETE FROM place WHERE archive <> ?", [&archive[..]])?;
            connection.execute("UPDATE images SET tile_data = NULL WHERE tile_data IS NOT NULL", [])
        })?;
        self.ledger.database.tidy(true)?;
        Ok(size(&self.path))
    }
}
