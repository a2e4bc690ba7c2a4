//! MBTiles 1.3: an SQLite file whose table of tiles is a view on places and pictures, so that equal pictures are there once.
//! Rows count up from the south. Beside each place stands the fingerprint of its tile, by which a run goes on.
//!
//! Source: <https://github.com/mapbox/mbtiles-spec/blob/master/1.3/spec.md>

use std::{collections::HashMap, fs, path::Path};

use rusqlite::params;
use tiler::{
    seed::Metatile,
    tms::{TileId, TileLimits},
};

use super::{
    About, Known, MadeTile, Target, TargetError,
    database::{Database, METADATA},
    images::{IMAGES, drop_unused, image},
    ledger::{blob, fingerprint},
};

/// `MPBX`, by which `file` knows it.
const SCHEMA: &str = "
    PRAGMA application_id = 0x4d504258;
    CREATE TABLE map (
        zoom_level INTEGER, tile_column INTEGER, tile_row INTEGER, tile_id INTEGER NOT NULL, fingerprint BLOB,
        PRIMARY KEY (zoom_level, tile_column, tile_row)
    ) WITHOUT ROWID;
    CREATE VIEW tiles AS
        SELECT map.zoom_level AS zoom_level, map.tile_column AS tile_column, map.tile_row AS tile_row,
               images.tile_data AS tile_data
        FROM map JOIN images ON images.tile_id = map.tile_id;";

/// A file of tiles of `WebMercatorQuad`, whose matrices are zooms by number.
pub struct MbTilesTarget {
    database: Database,
    about: About,
    /// Whether pictures may be left that nothing shows.
    has_unused: bool,
}

impl MbTilesTarget {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// When it is in use, not ours, or holds other tiles.
    pub fn open(path: &Path, about: About) -> Result<Self, TargetError> {
        let has_unused = path.exists();
        let database = Database::open(path, &format!("{METADATA}{IMAGES}{SCHEMA}"), &about)?;
        Ok(Self { database, about, has_unused })
    }

    /// What readers want to know before they ask for a tile.
    fn describe(&self) -> Result<(), TargetError> {
        let zooms = "SELECT min(zoom_level), max(zoom_level) FROM map";
        let zooms = self.database.run(zooms, |statement| {
            statement
                .query_row([], |row| Ok(row.get::<_, Option<u32>>(0)?.zip(row.get::<_, Option<u32>>(1)?)))
        })?;
        let About { title, name, description, attribution, format, .. } = &self.about;
        let title = if title.is_empty() { name } else { title };
        let mut rows = vec![
            ("name", title.clone()),
            ("format", format.extension().to_owned()),
            ("type", "baselayer".to_owned()),
            ("version", "1".to_owned()),
            ("description", if description.is_empty() { title.clone() } else { description.clone() }),
            ("attribution", attribution.clone()),
        ];
        if let Some((first, last)) = zooms {
            let extent = "SELECT min(tile_column), max(tile_column), min(tile_row), max(tile_row)
                FROM map WHERE zoom_level = ?";
            let tiles = self.database.run(extent, |statement| {
                statement.query_row([last], |row| {
                    let (south, north): (u32, u32) = (row.get(2)?, row.get(3)?);
                    Ok(TileLimits {
                        min_col: row.get(0)?,
                        max_col: row.get(1)?,
                        min_row: flipped(last, north),
                        max_row: flipped(last, south),
                    })
                })
            })?;
            let bounds = self.about.bounds_within(last, &tiles);
            let (x, y) = bounds.center();
            rows.extend([
                ("minzoom", first.to_string()),
                ("maxzoom", last.to_string()),
                (
                    "bounds",
                    format!(
                        "{:.7},{:.7},{:.7},{:.7}",
                        bounds.min_x, bounds.min_y, bounds.max_x, bounds.max_y
                    ),
                ),
                ("center", format!("{x:.7},{y:.7},{}", u32::midpoint(first, last))),
            ]);
        }
        rows.iter()
            .filter(|(_, value)| !value.is_empty())
            .try_for_each(|(name, value)| self.database.tell(name, value))
    }
}

/// Rows count up from the south.
const fn flipped(zoom: u32, row: u32) -> u32 {
    (1 << zoom) - 1 - row
}

/// Zoom, column and row of a tile.
fn place(tile: TileId) -> [u32; 3] {
    let zoom = tile.matrix as u32;
    [zoom, tile.col, flipped(zoom, tile.row)]
}

impl Target for MbTilesTarget {
    fn known(&mut self, metatile: &Metatile<'_>) -> Result<Known, TargetError> {
        let mut tiles = HashMap::new();
        let Some(limits) = metatile.limits() else { return Ok(Known::Tiles(tiles)) };
        let (matrix, zoom) = (metatile.matrix(), metatile.matrix() as u32);
        let sql = "SELECT tile_row, fingerprint FROM map
            WHERE zoom_level = ? AND tile_column = ? AND tile_row BETWEEN ? AND ?";
        for col in limits.min_col..=limits.max_col {
            self.database.run(sql, |statement| {
                let rows = [flipped(zoom, limits.max_row), flipped(zoom, limits.min_row)];
                let mut found = statement.query(params![zoom, col, rows[0], rows[1]])?;
                while let Some(row) = found.next()? {
                    let tile = TileId { matrix, col, row: flipped(zoom, row.get(0)?) };
                    tiles.insert(tile, fingerprint(row.get(1)?));
                }
                Ok(())
            })?;
        }
        Ok(Known::Tiles(tiles))
    }

    fn put(&mut self, tile: &MadeTile) -> Result<bool, TargetError> {
        let (number, is_known) = image(&self.database, tile.digest, &tile.bytes)?;
        let sql = "INSERT OR REPLACE INTO map (zoom_level, tile_column, tile_row, tile_id, fingerprint)
            VALUES (?, ?, ?, ?, ?)";
        let [zoom, col, row] = place(tile.tile);
        let fingerprint = blob(tile.fingerprint);
        let line = params![zoom, col, row, number, fingerprint.as_ref().map(|bytes| &bytes[..])];
        self.database.run(sql, |statement| statement.execute(line))?;
        Ok(is_known)
    }

    fn remove(&mut self, tile: TileId) -> Result<(), TargetError> {
        self.has_unused = true;
        let [zoom, col, row] = place(tile);
        let sql = "DELETE FROM map WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?";
        self.database.run(sql, |statement| statement.execute([zoom, col, row])).map(|_| ())
    }

    fn commit(&mut self) -> Result<(), TargetError> {
        self.database.commit()
    }

    fn finish(&mut self) -> Result<Option<u64>, TargetError> {
        if self.has_unused {
            drop_unused(&self.database, "map")?;
        }
        self.describe()?;
        self.database.tidy(false)?;
        let path = self.database.path();
        Ok(fs::metadata(path).ok().map(|metadata| metadata.len()))
    }
}
