//! The history of saved runs, `history.db`: an SQLite database beside them.
//!
//! | table | columns |
//! | --- | --- |
//! | `run` | `id`; `scenario`; `started_at`, RFC 3339 in UTC; `directory`; `verdict`, in words; `completed`, `failed`: flows; `conditions`, JSON |
//! | `figure` | `run`; `position` in it, from 0; `name`, such as `flow.p95`; `unit`: `us`, `/s` or empty for shares; `measure`: `time`, `throughput`, `share` or `use`; `value` |
//! | `baseline` | `name`; `run`; `position` of the run in it, from 0 |
//!
//! `PRAGMA user_version` is the version of these tables. Each run is added in a transaction of its
//! own, so a process that is killed loses at most the run that it was adding.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::{
    Connection, ErrorCode, OptionalExtension as _, Row, Transaction, TransactionBehavior, params,
};

use crate::stats::Measure;

use super::conditions::Conditions;
use super::figures::RunFigure;

/// The version of the tables.
const VERSION: i64 = 1;

/// Most time that another process's write is waited for.
const BUSY: Duration = Duration::from_secs(10);

const TABLES: &str = "
    CREATE TABLE run (
        id TEXT PRIMARY KEY,
        scenario TEXT NOT NULL,
        started_at TEXT NOT NULL,
        directory TEXT NOT NULL,
        verdict TEXT NOT NULL,
        completed INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        conditions TEXT NOT NULL
    );
    CREATE INDEX run_by_time ON run (scenario, started_at);
    CREATE TABLE figure (
        run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        name TEXT NOT NULL,
        unit TEXT NOT NULL,
        measure TEXT NOT NULL,
        value REAL NOT NULL,
        PRIMARY KEY (run, name)
    ) WITHOUT ROWID;
    CREATE TABLE baseline (
        name TEXT NOT NULL,
        run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        PRIMARY KEY (name, run)
    ) WITHOUT ROWID;
";

/// One saved run in the history.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub id: String,
    pub scenario: String,
    pub started_at: DateTime<Utc>,
    /// The directory of its files, which may have been removed since.
    pub directory: PathBuf,
    pub verdict: String,
    /// Completed flows.
    pub completed: u64,
    /// Failed flows.
    pub failed: u64,
    pub conditions: Conditions,
    pub figures: Vec<RunFigure>,
}

/// A named baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub name: String,
    pub scenario: String,
    pub runs: u64,
    /// The start of its last run.
    pub newest: DateTime<Utc>,
}

/// The runs to remove from a history. Those of baselines stay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The newest runs of each scenario that stay.
    pub keep: Option<u64>,
    /// Runs that started before this are removed.
    pub before: Option<DateTime<Utc>>,
}

/// The error of a history that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error("{}: {source}", path.display())]
    Sqlite {
        path: PathBuf,
        source: rusqlite::Error,
    },
    #[error("{}: it was written by a later version of rehearsal (tables {found}, and this one knows {VERSION})", path.display())]
    Later { path: PathBuf, found: i64 },
    #[error("{}: the run {run} has an unknown {what}", path.display())]
    Malformed {
        path: PathBuf,
        run: String,
        what: &'static str,
    },
}

impl HistoryError {
    /// Returns `true` if the file is whole, but cannot be written.
    pub fn is_about_access(&self) -> bool {
        let HistoryError::Sqlite { source, .. } = self else {
            return false;
        };
        matches!(
            source.sqlite_error_code(),
            Some(
                ErrorCode::ReadOnly
                    | ErrorCode::CannotOpen
                    | ErrorCode::DiskFull
                    | ErrorCode::PermissionDenied
                    | ErrorCode::SystemIoFailure
            )
        )
    }

    /// Returns `true` if another process has been writing for too long.
    pub fn is_busy(&self) -> bool {
        let HistoryError::Sqlite { source, .. } = self else {
            return false;
        };
        matches!(
            source.sqlite_error_code(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
        )
    }
}

/// The history of saved runs.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    connection: Connection,
}

impl History {
    /// Opens the history in this file, and creates it if there is none.
    ///
    /// # Errors
    /// If the file is no history, belongs to a later version, or cannot be read.
    pub fn open(path: &Path) -> Result<Self, HistoryError> {
        let of_sqlite = |source| HistoryError::Sqlite {
            path: path.to_owned(),
            source,
        };
        let mut connection = Connection::open(path).map_err(of_sqlite)?;
        let version = prepare(&mut connection).map_err(of_sqlite)?;
        if version > VERSION {
            return Err(HistoryError::Later {
                path: path.to_owned(),
                found: version,
            });
        }
        Ok(History {
            path: path.to_owned(),
            connection,
        })
    }

    /// Checks that it can be written, and changes nothing.
    ///
    /// # Errors
    /// If it cannot.
    pub fn check_writable(&mut self) -> Result<(), HistoryError> {
        self.write(|transaction| {
            // A write transaction begins in a read-only file as well; a change in it does not.
            transaction.pragma_update(None, "user_version", VERSION)
        })
    }

    /// Adds a run, or replaces what is known about it.
    ///
    /// # Errors
    /// If it cannot be written; the history is unchanged then.
    pub fn add(&mut self, entry: &Entry) -> Result<(), HistoryError> {
        self.write(|transaction| {
            let conditions = serde_json::to_string(&entry.conditions);
            let conditions = conditions
                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
            transaction.execute(
                "INSERT INTO run (id, scenario, started_at, directory, verdict, completed, failed,
                                  conditions)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (id) DO UPDATE SET
                     directory = excluded.directory, verdict = excluded.verdict,
                     completed = excluded.completed, failed = excluded.failed,
                     conditions = excluded.conditions",
                params![
                    entry.id,
                    entry.scenario,
                    timestamp(entry.started_at),
                    entry.directory.to_string_lossy(),
                    entry.verdict,
                    i64::try_from(entry.completed).unwrap_or(i64::MAX),
                    i64::try_from(entry.failed).unwrap_or(i64::MAX),
                    conditions,
                ],
            )?;
            transaction.execute("DELETE FROM figure WHERE run = ?1", [&entry.id])?;
            let mut insert = transaction.prepare(
                "INSERT OR REPLACE INTO figure (run, position, name, unit, measure, value)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            for (position, figure) in (0_i64..).zip(&entry.figures) {
                let measure = measure_name(figure.measure);
                insert.execute(params![
                    entry.id,
                    position,
                    figure.name,
                    figure.unit,
                    measure,
                    figure.value
                ])?;
            }
            Ok(())
        })
    }

    /// Returns the runs of a scenario, or all, the oldest first.
    ///
    /// # Errors
    /// If the history cannot be read.
    pub fn runs(&self, scenario: Option<&str>) -> Result<Vec<Entry>, HistoryError> {
        self.entries(
            "SELECT * FROM run WHERE ?1 IS NULL OR scenario = ?1 ORDER BY started_at, id",
            params![scenario],
        )
    }

    /// Returns one run.
    ///
    /// # Errors
    /// If the history cannot be read.
    pub fn run(&self, id: &str) -> Result<Option<Entry>, HistoryError> {
        let found = self.entries("SELECT * FROM run WHERE id = ?1", params![id])?;
        Ok(found.into_iter().next())
    }

    /// Makes these runs the baseline of this name, in place of those that were it before.
    ///
    /// # Errors
    /// If they are not in the history, or it cannot be written.
    pub fn set_baseline(&mut self, name: &str, runs: &[String]) -> Result<(), HistoryError> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM baseline WHERE name = ?1", [name])?;
            for (position, run) in (0_i64..).zip(runs) {
                transaction.execute(
                    "INSERT INTO baseline (name, run, position) VALUES (?1, ?2, ?3)",
                    params![name, run, position],
                )?;
            }
            Ok(())
        })
    }

    /// Returns the runs of a baseline, in their order; none if there is no such baseline.
    ///
    /// # Errors
    /// If the history cannot be read.
    pub fn baseline(&self, name: &str) -> Result<Vec<Entry>, HistoryError> {
        self.entries(
            "SELECT run.* FROM run JOIN baseline ON baseline.run = run.id
             WHERE baseline.name = ?1 ORDER BY position",
            params![name],
        )
    }

    /// Returns all baselines, by name.
    ///
    /// # Errors
    /// If the history cannot be read.
    pub fn baselines(&self) -> Result<Vec<Kept>, HistoryError> {
        let read = || {
            let mut select = self.connection.prepare(
                "SELECT name, min(scenario), count(*), max(started_at)
                 FROM baseline JOIN run ON baseline.run = run.id GROUP BY name ORDER BY name",
            )?;
            let rows = select.query_map([], |row| {
                Ok(Kept {
                    name: row.get(0)?,
                    scenario: row.get(1)?,
                    runs: row.get::<_, i64>(2)?.unsigned_abs(),
                    newest: row.get(3)?,
                })
            })?;
            rows.collect::<rusqlite::Result<_>>()
        };
        read().map_err(|source| self.failed(source))
    }

    /// Removes a baseline, and returns `true` if there was one. Its runs stay.
    ///
    /// # Errors
    /// If the history cannot be written.
    pub fn remove_baseline(&mut self, name: &str) -> Result<bool, HistoryError> {
        self.write(|transaction| {
            let removed = transaction.execute("DELETE FROM baseline WHERE name = ?1", [name])?;
            Ok(removed > 0)
        })
    }

    /// Removes runs from the history, and returns how many. Their directories stay.
    ///
    /// # Errors
    /// If the history cannot be written.
    pub fn prune(&mut self, pruned: &Pruned) -> Result<u64, HistoryError> {
        let keep = pruned
            .keep
            .map(|keep| i64::try_from(keep).unwrap_or(i64::MAX));
        let before = pruned.before.map(timestamp);
        let removed = self.write(|transaction| {
            transaction.execute(
                "DELETE FROM run WHERE id NOT IN (SELECT run FROM baseline) AND (
                     started_at < ?2
                     OR ?1 <= (SELECT count(*) FROM run AS newer
                               WHERE newer.scenario = run.scenario
                                 AND (newer.started_at, newer.id) > (run.started_at, run.id)))",
                params![keep, before],
            )
        })?;
        Ok(removed as u64)
    }

    fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, HistoryError> {
        let connection = &mut self.connection;
        let written = (|| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })();
        written.map_err(|source| self.failed(source))
    }

    fn entries(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<Entry>, HistoryError> {
        let failed = |source| self.failed(source);
        let mut select = self.connection.prepare(sql).map_err(failed)?;
        let rows = select.query_map(parameters, RunRow::read).map_err(failed)?;
        let rows: Vec<RunRow> = rows.collect::<Result<_, _>>().map_err(failed)?;
        rows.into_iter().map(|row| self.entry(row)).collect()
    }

    fn entry(&self, row: RunRow) -> Result<Entry, HistoryError> {
        let failed = |source| self.failed(source);
        let malformed = |what| HistoryError::Malformed {
            path: self.path.clone(),
            run: row.id.clone(),
            what,
        };
        let mut select = self
            .connection
            .prepare_cached(
                "SELECT name, unit, measure, value FROM figure WHERE run = ?1 ORDER BY position",
            )
            .map_err(failed)?;
        let rows = select
            .query_map([&row.id], |figure| {
                let measure: String = figure.get(2)?;
                Ok((figure.get(0)?, figure.get(1)?, measure, figure.get(3)?))
            })
            .map_err(failed)?;
        let mut figures = Vec::new();
        for figure in rows {
            let (name, unit, measure, value) = figure.map_err(failed)?;
            let measure = measure_of(&measure).ok_or_else(|| malformed("measure"))?;
            figures.push(RunFigure {
                name,
                unit,
                measure,
                value,
            });
        }
        let conditions = serde_json::from_str(&row.conditions);
        let conditions = conditions.map_err(|_| malformed("form of conditions"))?;
        Ok(Entry {
            id: row.id,
            scenario: row.scenario,
            started_at: row.started_at,
            directory: row.directory.into(),
            verdict: row.verdict,
            completed: row.completed.unsigned_abs(),
            failed: row.failed.unsigned_abs(),
            conditions,
            figures,
        })
    }

    fn failed(&self, source: rusqlite::Error) -> HistoryError {
        HistoryError::Sqlite {
            path: self.path.clone(),
            source,
        }
    }
}

/// Sets the connection up and creates the tables of a new file. Returns the version of the tables.
fn prepare(connection: &mut Connection) -> rusqlite::Result<i64> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let is_new = transaction
        .query_row("SELECT 1 FROM sqlite_schema LIMIT 1", [], |_| Ok(()))
        .optional()?
        .is_none();
    if is_new {
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()?;
        return Ok(VERSION);
    }
    Ok(version)
}

/// A row of the table `run`.
struct RunRow {
    id: String,
    scenario: String,
    started_at: DateTime<Utc>,
    directory: String,
    verdict: String,
    completed: i64,
    failed: i64,
    conditions: String,
}

impl RunRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(RunRow {
            id: row.get("id")?,
            scenario: row.get("scenario")?,
            started_at: row.get("started_at")?,
            directory: row.get("directory")?,
            verdict: row.get("verdict")?,
            completed: row.get("completed")?,
            failed: row.get("failed")?,
            conditions: row.get("conditions")?,
        })
    }
}

/// Formats a time so that texts have the order of times.
fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

const MEASURES: [(&str, Measure); 4] = [
    ("time", Measure::Time),
    ("throughput", Measure::Throughput),
    ("share", Measure::Share),
    ("use", Measure::Use),
];

fn measure_name(measure: Measure) -> &'static str {
    let found = MEASURES.iter().find(|(_, known)| *known == measure);
    found.map_or("time", |(name, _)| name)
}

fn measure_of(name: &str) -> Option<Measure> {
    let found = MEASURES.iter().find(|(known, _)| *known == name);
    found.map(|(_, measure)| *measure)
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    fn entry(id: &str, minute: u32) -> Entry {
        Entry {
            id: id.into(),
            scenario: "order-flow".into(),
            started_at: Utc.with_ymd_and_hms(2026, 1, 31, 12, minute, 0).unwrap(),
            directory: "runs/one".into(),
            verdict: "passed".into(),
            completed: 10,
            failed: 1,
            conditions: Conditions {
                host: "alpha".into(),
                kernel: "Linux".into(),
                processor: None,
                cores: 2,
                governor: None,
                rehearsal_version: "0.1.0".into(),
                scenario: "order-flow".into(),
                scenario_digest: "0".into(),
                load: "1 at once".into(),
                flows: Some(10),
                duration_us: None,
                warm_up_us: 0,
                chaos: Vec::new(),
                seed: Some(1),
                machine_free_ratio: Some(0.9),
                timer_lag_us: Some(2_000),
                trust: None,
                is_older_version: false,
            },
            figures: vec![RunFigure {
                name: "flow.p95".into(),
                unit: "us".into(),
                measure: Measure::Time,
                value: 1234.5,
            }],
        }
    }

    fn ids(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.id.as_str()).collect()
    }

    fn history(directory: &Path) -> History {
        History::open(&directory.join("history.db")).expect("a history")
    }

    #[test]
    fn runs_are_read_as_they_were_added() {
        let home = tempfile::tempdir().unwrap();
        let mut history = history(home.path());
        let later = entry("B", 2);
        history.add(&later).unwrap();
        history.add(&entry("A", 1)).unwrap();
        // Known again, with another place.
        let moved = Entry {
            directory: "elsewhere".into(),
            ..entry("A", 1)
        };
        history.add(&moved).unwrap();
        drop(history);
        let history = self::history(home.path());
        assert_eq!(history.runs(None).unwrap(), [moved.clone(), later]);
        assert_eq!(history.runs(Some("other")).unwrap(), []);
        assert_eq!(history.run("A").unwrap(), Some(moved));
    }

    #[test]
    fn a_baseline_keeps_its_order_and_its_runs() {
        let home = tempfile::tempdir().unwrap();
        let mut history = history(home.path());
        for (minute, id) in (0..).zip(["A", "B", "C", "D"]) {
            history.add(&entry(id, minute)).unwrap();
        }
        history.set_baseline("main", &["A".into()]).unwrap();
        history
            .set_baseline("main", &["C".into(), "B".into()])
            .unwrap();
        assert_eq!(ids(&history.baseline("main").unwrap()), ["C", "B"]);
        assert_eq!(history.baseline("other").unwrap(), []);
        let missing = history.set_baseline("main", &["Z".into()]);
        assert!(missing.unwrap_err().to_string().contains("FOREIGN KEY"));
        assert_eq!(ids(&history.baseline("main").unwrap()), ["C", "B"]);
        let known = history.baselines().unwrap();
        assert_eq!((known[0].name.as_str(), known[0].runs), ("main", 2));

        let keep_one = Pruned {
            keep: Some(1),
            before: None,
        };
        assert_eq!(history.prune(&keep_one).unwrap(), 1);
        assert_eq!(ids(&history.runs(None).unwrap()), ["B", "C", "D"]);
        let old = Pruned {
            keep: None,
            before: Some(Utc.with_ymd_and_hms(2026, 2, 1, 0, 0, 0).unwrap()),
        };
        assert_eq!(history.prune(&old).unwrap(), 1);
        assert_eq!(ids(&history.runs(None).unwrap()), ["B", "C"]);
        assert!(history.remove_baseline("main").unwrap());
        assert!(!history.remove_baseline("main").unwrap());
        assert_eq!(history.prune(&old).unwrap(), 2);
    }

    #[test]
    fn files_that_are_no_history_are_named() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("history.db");
        std::fs::write(
            &path,
            "what is this? it is no database at all, but it is long enough",
        )
        .unwrap();
        let error = History::open(&path).unwrap_err().to_string();
        assert!(
            error.contains("history.db: file is not a database"),
            "{error}"
        );
        std::fs::remove_file(&path).unwrap();
        drop(history(home.path()));
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", 9).unwrap();
        drop(connection);
        let error = History::open(&path).unwrap_err().to_string();
        assert!(error.contains("later version"), "{error}");
    }

    #[test]
    fn two_processes_can_write() {
        let home = tempfile::tempdir().unwrap();
        let write = |from: u32| {
            let mut history = history(home.path());
            for minute in from..from + 10 {
                history.add(&entry(&minute.to_string(), minute)).unwrap();
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| write(0));
            scope.spawn(|| write(20));
        });
        assert_eq!(history(home.path()).runs(None).unwrap().len(), 20);
    }
}
