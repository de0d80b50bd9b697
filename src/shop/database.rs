//! The shop's SQLite database: its path, concurrent access by hundreds of programs, and its
//! creation by the first of them.

use std::env;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags, Transaction, TransactionBehavior};

use super::seed;

pub const PATH_VARIABLE: &str = "REHEARSAL_SHOP_DB";
pub const RUN_DIRECTORY_VARIABLE: &str = "REHEARSAL_RUN_DIR";

/// The maximum wait for the write lock.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// Stored as SQLite's `user_version` by the transaction that seeds; an empty file has none.
const SCHEMA_VERSION: i64 = 1;

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "cannot open the shop's database at {path}: {reason}\n\
         Set {PATH_VARIABLE} to a file in a directory that you may write to; \
         the shop creates the file.",
        path = path.display()
    )]
    Unusable { path: PathBuf, reason: String },
    #[error(
        "cannot open the shop's database at {path}: there is none\n\
         Set {PATH_VARIABLE} to the file that the shop's programs used, \
         or run `rehearsal shop init` to create one.",
        path = path.display()
    )]
    Missing { path: PathBuf },
    #[error("{0}")]
    Stock(#[from] seed::StockError),
}

/// The open database.
pub struct Database {
    pub connection: Connection,
}

/// Existence of the database before it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Existed,
    Created,
}

/// Returns the path from the environment, else one per user in the directory for temporary files.
pub fn path() -> PathBuf {
    if let Some(path) = env::var_os(PATH_VARIABLE).filter(|path| !path.is_empty()) {
        return path.into();
    }
    if let Some(directory) = env::var_os(RUN_DIRECTORY_VARIABLE).filter(|path| !path.is_empty()) {
        return Path::new(&directory).join("shop.db");
    }
    let user = rustix::process::getuid().as_raw();
    env::temp_dir().join(format!("rehearsal-shop-{user}.db"))
}

impl Database {
    /// Opens the database, creating and seeding it if necessary.
    pub fn open(path: &Path) -> Result<(Self, Origin), OpenError> {
        let stock = seed::initial_stock()?;
        open_and_seed(path, stock).map_err(|obstacle| obstacle.at(path))
    }

    /// Opens a database that must exist, without changing it.
    pub fn open_existing(path: &Path) -> Result<Self, OpenError> {
        if !path.exists() {
            let path = path.to_owned();
            return Err(OpenError::Missing { path });
        }
        let open = || {
            let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            let mut database = Self { connection };
            match database.contents()? {
                Contents::Shop => Ok(database),
                Contents::Nothing | Contents::Other => Err(Obstacle::NotOurs),
            }
        };
        open().map_err(|obstacle| obstacle.at(path))
    }

    fn contents(&mut self) -> rusqlite::Result<Contents> {
        // In one view: between two, the first program could finish its seeding.
        self.read(|view| {
            let tables = "SELECT count(*) FROM sqlite_schema";
            let tables: i64 = view.query_row(tables, [], |row| row.get(0))?;
            Ok(match (schema_version(view)?, tables) {
                (SCHEMA_VERSION, _) => Contents::Shop,
                (0, 0) => Contents::Nothing,
                _ => Contents::Other,
            })
        })
    }

    /// Does `work` in one transaction that holds the write lock from its beginning, so that what it
    /// checks stays true until the commit. Any error rolls it back.
    pub fn write<T, E: From<rusqlite::Error>>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }

    /// Does `work` in one consistent view.
    pub fn read<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        work(&self.connection.transaction()?)
    }
}

/// Content of a database file.
enum Contents {
    Shop,
    /// Just created, or about to be filled by another program.
    Nothing,
    Other,
}

/// The reason why a database cannot be used.
#[derive(Debug)]
enum Obstacle {
    Sqlite(rusqlite::Error),
    NotOurs,
    WriteProtected,
}

impl From<rusqlite::Error> for Obstacle {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Obstacle {
    fn at(self, path: &Path) -> OpenError {
        let reason = match self {
            Self::NotOurs => "it is not a database of the shop".to_owned(),
            Self::WriteProtected => "it is write-protected".to_owned(),
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::CannotOpen) => reason_of_failed_open(path),
                _ => error.to_string(),
            },
        };
        let path = path.to_owned();
        OpenError::Unusable { path, reason }
    }
}

/// Explains a failure to open the file by the file system, as SQLite's error has no cause.
fn reason_of_failed_open(path: &Path) -> String {
    if path.is_dir() {
        return "it is a directory".to_owned();
    }
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    if let Some(directory) = directory.filter(|directory| !directory.is_dir()) {
        return format!("there is no directory {}", directory.display());
    }
    "the file or its directory may not be written to".to_owned()
}

fn open_and_seed(path: &Path, stock: i64) -> Result<(Database, Origin), Obstacle> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = connect(path, flags)?;
    let mut database = Database { connection };
    if database.connection.is_readonly(MAIN_DB)? {
        return Err(Obstacle::WriteProtected);
    }
    match database.contents()? {
        Contents::Shop => return Ok((database, Origin::Existed)),
        Contents::Other => return Err(Obstacle::NotOurs),
        Contents::Nothing => use_write_ahead_log(&database.connection)?,
    }
    let origin = database.write(|transaction| {
        // Of several programs that found the file empty, the first one seeds it; the others waited
        // for the lock and see a complete database.
        if schema_version(transaction)? == SCHEMA_VERSION {
            return Ok(Origin::Existed);
        }
        seed::fill(transaction, stock)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        Ok::<_, rusqlite::Error>(Origin::Created)
    })?;
    Ok((database, origin))
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_handler(Some(busy_handler()))?;
    // No checkpoint on exit: with hundreds of short-lived programs, each exit would checkpoint and
    // fsync.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "synchronous", "normal")?;
    Ok(connection)
}

/// Returns a busy handler that waits a random few milliseconds between tries. SQLite's own handler
/// waits up to a tenth of a second, in the same steps for all programs that started together.
fn busy_handler() -> impl FnMut(i32) -> bool + Send + 'static {
    let mut since = Instant::now();
    move |tries| {
        if tries == 0 {
            since = Instant::now();
        }
        let longest_ms = 2 + 2 * u64::from(tries.unsigned_abs()).min(9);
        thread::sleep(Duration::from_micros(fastrand::u64(
            300..=longest_ms * 1000,
        )));
        since.elapsed() < WRITE_TIMEOUT
    }
}

fn schema_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Switches the file permanently to write-ahead logging. This needs exclusive access, for which
/// SQLite does not call the busy handler, so programs that start together have to retry it.
fn use_write_ahead_log(connection: &Connection) -> rusqlite::Result<()> {
    let mut wait = busy_handler();
    for tries in 0.. {
        let changed = connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()));
        match changed {
            Err(error) if is_busy(&error) && wait(tries) => {}
            other => return other,
        }
    }
    Ok(())
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}
