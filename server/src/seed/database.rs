//! An SQLite file that one process writes: in transactions that survive a kill, and with the name of what it holds.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Statement, params};

use super::{About, TargetError};

/// Pages in memory, in KiB.
const PAGES_KIB: i64 = 65_536;

/// The file, always within a transaction.
pub(super) struct Database {
    path: PathBuf,
    connection: Connection,
}

/// The table of texts about the tiles: of MBTiles it is a table of the standard.
pub(super) const METADATA: &str =
    "CREATE TABLE IF NOT EXISTS metadata (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;";
/// Under which a file says of what its tiles are made.
const IDENTITY: &str = "pavage:tiles";

impl Database {
    /// Opens or makes it, alone. What is there must be ours and hold the same tiles.
    pub(super) fn open(path: &Path, schema: &str, about: &About) -> Result<Self, TargetError> {
        let failed = |source: rusqlite::Error| match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                TargetError::Busy { path: path.to_owned() }
            }
            Some(ErrorCode::NotADatabase) => TargetError::NotOurs { path: path.to_owned() },
            _ => TargetError::Database { path: path.to_owned(), source },
        };
        let open = || {
            let connection = Connection::open(path)?;
            // Pages that are added need no copy in the journal: so tiles are written once.
            connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
            connection.pragma_update(None, "journal_mode", "TRUNCATE")?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection.pragma_update(None, "cache_size", -PAGES_KIB)?;
            connection.execute_batch("BEGIN EXCLUSIVE")?;
            Ok(connection)
        };
        let database = Self { path: path.to_owned(), connection: open().map_err(failed)? };
        // Also of a run that was killed before its first commit there is nothing.
        let tables = "SELECT count(*) FROM sqlite_master";
        let tables = database.connection.query_row(tables, [], |row| row.get::<_, u32>(0)).map_err(failed)?;
        if tables == 0 {
            database.connection.execute_batch(schema).map_err(failed)?;
            database.tell(IDENTITY, &about.identity)?;
        }
        let holds = "SELECT value FROM metadata WHERE name = ?";
        let holds = database.connection.query_row(holds, [IDENTITY], |row| row.get::<_, String>(0));
        match holds.optional() {
            Ok(Some(holds)) if holds == about.identity => Ok(database),
            Ok(Some(holds)) => {
                Err(TargetError::Other { path: path.to_owned(), holds, wanted: about.identity.clone() })
            }
            Ok(None) | Err(rusqlite::Error::SqliteFailure(..)) => {
                Err(TargetError::NotOurs { path: path.to_owned() })
            }
            Err(error) => Err(failed(error)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs what fails as SQLite does.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, TargetError> {
        work(&self.connection).map_err(|source| TargetError::Database { path: self.path.clone(), source })
    }

    /// Runs a statement that is prepared once.
    pub(super) fn run<T>(
        &self,
        sql: &str,
        work: impl FnOnce(&mut Statement<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, TargetError> {
        self.with(|connection| work(&mut *connection.prepare_cached(sql)?))
    }

    /// Keeps a text about the tiles.
    pub(super) fn tell(&self, name: &str, value: &str) -> Result<(), TargetError> {
        let sql = "INSERT OR REPLACE INTO metadata (name, value) VALUES (?, ?)";
        self.run(sql, |statement| statement.execute(params![name, value])).map(|_| ())
    }

    /// Ends a transaction and begins the next.
    pub(super) fn commit(&self) -> Result<(), TargetError> {
        self.with(|connection| connection.execute_batch("COMMIT; BEGIN IMMEDIATE"))
    }

    /// Gives room back that nothing is in, and leaves no journal beside the file.
    pub(super) fn tidy(&self, shrink: bool) -> Result<(), TargetError> {
        self.with(|connection| {
            connection.execute_batch("COMMIT")?;
            if shrink {
                connection.execute_batch("VACUUM")?;
            }
            connection.pragma_update(None, "journal_mode", "DELETE")?;
            connection.execute_batch("BEGIN IMMEDIATE")
        })
    }
}
