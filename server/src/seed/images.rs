//! Pictures of a database, each once however many tiles show it.

use rusqlite::{OptionalExtension as _, params};

use super::{TargetError, database::Database};

/// Their table; the names are those that makers of MBTiles agree on.
pub(super) const IMAGES: &str = "
    CREATE TABLE IF NOT EXISTS images (tile_id INTEGER PRIMARY KEY, digest BLOB NOT NULL, tile_data BLOB);
    CREATE UNIQUE INDEX IF NOT EXISTS image_digest ON images (digest);";

/// The number of the picture with these bytes, and whether it was there.
pub(super) fn image(database: &Database, digest: u128, bytes: &[u8]) -> Result<(i64, bool), TargetError> {
    let digest = digest.to_be_bytes();
    let find = "SELECT tile_id FROM images WHERE digest = ?";
    let found = database
        .run(find, |statement| statement.query_row([&digest[..]], |row| row.get::<_, i64>(0)).optional())?;
    if let Some(number) = found {
        return Ok((number, true));
    }
    let add = "INSERT INTO images (digest, tile_data) VALUES (?, ?)";
    database.run(add, |statement| statement.insert(params![&digest[..], bytes])).map(|number| (number, false))
}

/// Removes pictures that no tile of `table` shows any more.
pub(super) fn drop_unused(database: &Database, table: &str) -> Result<(), TargetError> {
    let sql = format!("DELETE FROM images WHERE tile_id NOT IN (SELECT tile_id FROM {table})");
    database.with(|connection| connection.execute_batch(&sql))
}
