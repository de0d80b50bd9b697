//! Saved runs as the history keeps them: its place, adding runs to it, and reading them again.

use std::fs;
use std::path::{Path, PathBuf};

use crate::baseline::{Entry, History, HistoryError};
use crate::report::SavedRun;

use super::environment::CliEnvironment;
use super::error::CliError;
use super::saved;
use super::session::{Finished, Results};
use super::settings::Save;

/// The name of the history among the results.
const HISTORY: &str = "history.db";

/// Returns the directory for results that these settings mean.
pub(super) fn results(save: &Save, environment: &CliEnvironment) -> PathBuf {
    match save {
        Save::In(directory) => directory.clone(),
        Save::No | Save::Usual => saved::results(environment),
    }
}

/// Returns the directory that was named, or the usual one.
pub(super) fn named_or_usual(named: Option<&Path>, environment: &CliEnvironment) -> PathBuf {
    named.map_or_else(|| saved::results(environment), Path::to_owned)
}

/// Opens the history among these results, and creates it if there is none.
pub(super) fn open(results: &Path) -> Result<History, CliError> {
    let path = results.join(HISTORY);
    if !results.is_dir() {
        return Err(CliError::usage(
            format_args!("{} is not a directory with results", results.display()),
            "save a run first: rehearsal run --save",
        ));
    }
    History::open(&path).map_err(|error| failed(&error))
}

/// Refuses results whose history cannot be written.
pub(super) fn check_writable(results: &Path) -> Result<(), CliError> {
    if !results.is_dir() {
        // It is created with the first run.
        return Ok(());
    }
    open(results)?
        .check_writable()
        .map_err(|error| failed(&error))
}

/// Returns the error of a history with its remedy.
pub(super) fn failed(error: &HistoryError) -> CliError {
    let hint = match error {
        HistoryError::Later { .. } => "use that version, or another directory: --save=DIR",
        _ if error.is_busy() => "another process writes to it; try again",
        _ if error.is_about_access() => {
            "make room, and see to it that you may write to it and to its directory, or name another \
             directory: --save=DIR, or --results DIR"
        }
        _ => {
            "if it is damaged, move history.db away and read the saved runs again: rehearsal history \
             --rebuild (baselines have to be saved again)"
        }
    };
    CliError::usage(error, hint)
}

/// Adds a run that has just been saved to the history beside it, and returns its entry; `None` if
/// it was not saved.
pub(super) fn remember(finished: &Finished) -> Result<Option<Entry>, CliError> {
    let Results::Saved(directory) = &finished.results else {
        return Ok(None);
    };
    let entry = entry(finished, directory);
    add(&entry)?;
    Ok(Some(entry))
}

/// Adds a run to the history beside it.
pub(super) fn add(entry: &Entry) -> Result<(), CliError> {
    let results = entry.directory.parent().unwrap_or(Path::new("."));
    let mut history = open(results)?;
    history.add(entry).map_err(|error| failed(&error))
}

/// Returns the runs of the same scenario that began before this one, the oldest first, if there is a
/// history beside it.
pub(super) fn earlier_runs(run: &Entry) -> Result<Vec<Entry>, HistoryError> {
    let results = run.directory.parent().unwrap_or(Path::new("."));
    let path = results.join(HISTORY);
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let mut runs = History::open(&path)?.runs(Some(&run.scenario))?;
    runs.retain(|it| it.id != run.id && it.started_at <= run.started_at);
    Ok(runs)
}

/// Returns the entry of a run that has just been saved in this directory.
pub(super) fn entry(finished: &Finished, directory: &Path) -> Entry {
    let scenario = finished.scenario_text().unwrap_or_default();
    Entry::new(&finished.head, directory, &scenario)
}

/// Returns `true` if a run was saved in this directory.
pub(super) fn is_run(directory: &Path) -> bool {
    ["result.json", "flows.jsonl"]
        .iter()
        .any(|name| directory.join(name).is_file())
}

/// Returns the directories of the runs that were saved in this one, by name, which has their time.
pub(super) fn runs_in(directory: &Path) -> Result<Vec<PathBuf>, CliError> {
    let failed =
        |error| CliError::system(format_args!("cannot read {}", directory.display()), error);
    let mut found = Vec::new();
    for file in fs::read_dir(directory).map_err(failed)? {
        let path = file.map_err(failed)?.path();
        if is_run(&path) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Reads the entry of a saved run.
pub(super) fn read(directory: &Path, environment: &CliEnvironment) -> Result<Entry, CliError> {
    let run: SavedRun = saved::open(directory, environment)?;
    Ok(Entry::of(&run))
}
