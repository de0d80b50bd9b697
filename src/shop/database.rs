//! The shop's one database file: where it is, how it is opened by hundreds of programs at once,
//! and how it comes into being when the first of them starts.

use std::env;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags, Transaction, TransactionBehavior};

use super::seed;

pub const PATH_VARIABLE: &str = "REHEARSAL_SHOP_DB";
pub const RUN_DIRECTORY_VARIABLE: &str = "REHEARSAL_RUN_DIR";

/// The time that a program waits for its turn to write.
const PATIENCE: Duration = Duration::from_secs(60);

/// Stored as SQLite's `user_version` by the transaction that seeds; a file without it is empty.
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
pub struct Books {
    pub connection: Connection,
}

/// True if `open` found the database or had to make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Existed,
    Created,
}

/// The file named by the environment, else one for each user in the directory for temporary files.
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

impl Books {
    /// Opens the database, creating and seeding it if nobody has.
    pub fn open(path: &Path) -> Result<(Self, Origin), OpenError> {
        let stock = seed::initial_stock()?;
        open_and_seed(path, stock).map_err(|obstacle| obstacle.at(path))
    }

    /// Opens a database that must be there already, and is left as it is.
    pub fn open_existing(path: &Path) -> Result<Self, OpenError> {
        if !path.exists() {
            let path = path.to_owned();
            return Err(OpenError::Missing { path });
        }
        let open = || {
            let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            let mut books = Self { connection };
            match books.contents()? {
                Contents::Shop => Ok(books),
                Contents::Nothing | Contents::Other => Err(Obstacle::NotOurs),
            }
        };
        open().map_err(|obstacle| obstacle.at(path))
    }

    fn contents(&mut self) -> rusqlite::Result<Contents> {
        // One view: between two, the first program could finish its seeding.
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

    /// Does `work` in one transaction that holds the write lock from its beginning: what is
    /// checked inside stays true until the commit. An error of any kind undoes it all.
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

    /// One unchanging view for several queries.
    pub fn read<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        work(&self.connection.transaction()?)
    }
}

/// What a database file holds.
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
                Some(ErrorCode::CannotOpen) => why_it_cannot_be_opened(path),
                _ => error.to_string(),
            },
        };
        let path = path.to_owned();
        OpenError::Unusable { path, reason }
    }
}

/// SQLite says only that it could not open the file; the file system knows more.
fn why_it_cannot_be_opened(path: &Path) -> String {
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

fn open_and_seed(path: &Path, stock: i64) -> Result<(Books, Origin), Obstacle> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = connect(path, flags)?;
    let mut books = Books { connection };
    if books.connection.is_readonly(MAIN_DB)? {
        return Err(Obstacle::WriteProtected);
    }
    match books.contents()? {
        Contents::Shop => return Ok((books, Origin::Existed)),
        Contents::Other => return Err(Obstacle::NotOurs),
        Contents::Nothing => use_write_ahead_log(&books.connection)?,
    }
    let origin = books.write(|transaction| {
        // Of several programs that found the file empty, the first one here seeds it; the others
        // waited for the lock and see a complete database.
        if schema_version(transaction)? == SCHEMA_VERSION {
            return Ok(Origin::Existed);
        }
        seed::fill(transaction, stock)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        Ok::<_, rusqlite::Error>(Origin::Created)
    })?;
    Ok((books, origin))
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_handler(Some(patient()))?;
    // The last program to leave need not tidy up the log: with hundreds of short-lived programs
    // that would be a checkpoint and its fsync at every exit.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "synchronous", "normal")?;
    Ok(connection)
}

/// Waits a few milliseconds, by chance, between tries. SQLite's own handler waits up to a tenth of
/// a second at a time, in steps that programs started together take together.
fn patient() -> impl FnMut(i32) -> bool + Send + 'static {
    let mut since = Instant::now();
    move |tries| {
        if tries == 0 {
            since = Instant::now();
        }
        let longest_ms = 2 + 2 * u64::from(tries.unsigned_abs()).min(9);
        thread::sleep(Duration::from_micros(fastrand::u64(
            300..=longest_ms * 1000,
        )));
        since.elapsed() < PATIENCE
    }
}

fn schema_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// The mode stays with the file. Changing it needs the file for oneself, and SQLite does not call
/// the busy handler for that: so when programs start together, try again here.
fn use_write_ahead_log(connection: &Connection) -> rusqlite::Result<()> {
    let mut wait = patient();
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
