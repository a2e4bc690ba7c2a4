//! What lies in a target that cannot tell it itself: each tile by its place on the curve, with its fingerprint and a number
//! that means something to the target.

use std::{collections::HashMap, path::Path};

use rusqlite::params;
use tiler::{
    render::Fingerprint,
    seed::{Metatile, curve_order, curve_place, curve_position},
    tms::{TileId, TileMatrix, TileMatrixSet},
};

use super::{
    About, TargetError,
    database::{Database, METADATA},
};

const TILES: &str = "
    CREATE TABLE tile (
        matrix INTEGER, position INTEGER, tile_id INTEGER NOT NULL, fingerprint BLOB,
        PRIMARY KEY (matrix, position)
    ) WITHOUT ROWID;";

/// The tiles of a target.
pub(super) struct Ledger {
    pub database: Database,
    /// The order of the curve, by matrix.
    orders: Vec<u8>,
}

/// What is known of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    pub fingerprint: Option<Fingerprint>,
    pub number: i64,
}

impl Ledger {
    pub(super) fn open(
        path: &Path,
        further: &str,
        (about, set): (&About, &TileMatrixSet),
    ) -> Result<Self, TargetError> {
        let database = Database::open(path, &format!("{METADATA}{TILES}{further}"), about)?;
        let order = |matrix: &TileMatrix| curve_order(matrix.matrix_width, matrix.matrix_height);
        Ok(Self { database, orders: set.matrices.iter().map(order).collect() })
    }

    /// The tiles of a metatile.
    pub(super) fn known(&self, metatile: &Metatile<'_>) -> Result<HashMap<TileId, Line>, TargetError> {
        let (matrix, positions) = (metatile.matrix(), metatile.positions());
        let sql = "SELECT position, tile_id, fingerprint FROM tile WHERE matrix = ? AND position >= ? AND position < ?";
        self.database.run(sql, |statement| {
            let range = params![matrix as i64, positions.start.cast_signed(), positions.end.cast_signed()];
            let lines = statement.query_map(range, |row| {
                let position: i64 = row.get(0)?;
                let (col, row_number) = curve_place(metatile.order(), position.cast_unsigned());
                let line = Line { number: row.get(1)?, fingerprint: fingerprint(row.get(2)?) };
                Ok((TileId { matrix, col, row: row_number }, line))
            })?;
            lines.collect()
        })
    }

    pub(super) fn put(&self, tile: TileId, line: Line) -> Result<(), TargetError> {
        let sql = "INSERT OR REPLACE INTO tile (matrix, position, tile_id, fingerprint) VALUES (?, ?, ?, ?)";
        let (matrix, position) = self.place(tile);
        let fingerprint = blob(line.fingerprint);
        let row = params![matrix, position, line.number, fingerprint.as_ref().map(|bytes| &bytes[..])];
        self.database.run(sql, |statement| statement.execute(row)).map(|_| ())
    }

    pub(super) fn remove(&self, tile: TileId) -> Result<(), TargetError> {
        let (matrix, position) = self.place(tile);
        let sql = "DELETE FROM tile WHERE matrix = ? AND position = ?";
        self.database.run(sql, |statement| statement.execute(params![matrix, position])).map(|_| ())
    }

    fn place(&self, tile: TileId) -> (i64, i64) {
        let order = self.orders.get(tile.matrix).copied().unwrap_or_default();
        (tile.matrix as i64, curve_position(order, tile.col, tile.row).cast_signed())
    }
}

/// A fingerprint as it is kept.
pub(super) fn blob(fingerprint: Option<Fingerprint>) -> Option<[u8; 16]> {
    fingerprint.map(|Fingerprint(bits)| bits.to_be_bytes())
}

/// A kept fingerprint; what is none of ours is as good as none.
pub(super) fn fingerprint(bytes: Option<Vec<u8>>) -> Option<Fingerprint> {
    Some(Fingerprint(u128::from_be_bytes(bytes?.try_into().ok()?)))
}
