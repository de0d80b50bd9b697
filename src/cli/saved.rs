//! Saved runs among the results: their list, and the names that stand for them.

use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};

use crate::report::{ListedRun, Output, SavedRun, sanitize, saved_runs, terminal};

use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;

/// The default directory for results.
const DEFAULT_DIR: &str = "rehearsal-results";

/// The name that stands for the newest run.
const LAST: &str = "last";

/// The directory of bundles in a run's directory.
const BUNDLES: &str = "bundles";

/// Returns the directory for results.
pub(super) fn results(environment: &CliEnvironment) -> PathBuf {
    let wanted = environment.results.clone();
    wanted.unwrap_or_else(|| DEFAULT_DIR.into())
}

/// Reads a saved run.
pub(super) fn open(directory: &Path, environment: &CliEnvironment) -> Result<SavedRun, CliError> {
    SavedRun::open(directory, &environment.temporary).map_err(|error| {
        let is_saved = ["result.json", "flows.jsonl"]
            .iter()
            .any(|name| directory.join(name).symlink_metadata().is_ok());
        let hint = if is_saved {
            "remove or restore this file; without `result.json`, the report is made of `flows.jsonl`"
        } else if directory.join("bundles").is_dir() {
            "the run was not saved; bundles of some of its flows are in its directory `bundles`"
        } else {
            "name a directory that `rehearsal run --save` or `rehearsal merge` has made"
        };
        CliError::usage(error, hint)
    })
}

/// Prints the saved runs, the newest first.
pub(super) fn list(json: bool, environment: &CliEnvironment) -> Result<Exit, CliError> {
    let root = results(environment);
    let runs = runs(&root)?;
    let printed = if json {
        let text = serde_json::to_string_pretty(&runs).map_err(io::Error::other);
        text.and_then(|text| writeln!(io::stdout(), "{text}"))
    } else {
        let place = sanitize(&root.display().to_string()).into_owned();
        let mut output = Output::new(anstream::stdout());
        if runs.is_empty() {
            output.line(&format!("There are no saved runs in {place}."));
            output.line("Save one: rehearsal run --save");
        } else {
            output.text(&terminal::list(&runs, environment.width));
            output.line(&format!("\nResults: {place}"));
            output.line("The newest one: rehearsal report last");
        }
        output.finish()
    };
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::standard_output("the list", error))
        }
        _ => Ok(Exit::Completed),
    }
}

/// Returns the directory of a run that may be named `last`.
pub(super) fn run(path: &Path, environment: &CliEnvironment) -> Result<PathBuf, CliError> {
    let Some(rest) = after_last(path) else {
        return Ok(path.to_owned());
    };
    let root = results(environment);
    let newest = runs(&root)?.into_iter().next().ok_or_else(|| {
        CliError::usage(
            format_args!("there are no saved runs in {}", root.display()),
            "save one: rehearsal run --save",
        )
    })?;
    Ok(joined(newest.directory, rest))
}

/// Returns the directory of a bundle: `path` itself, or, where that is a run, the bundle of its
/// first failed flow. `last` is the newest run with bundles, and `last/NAME` a bundle of it.
pub(super) fn bundle(path: &Path, environment: &CliEnvironment) -> Result<PathBuf, CliError> {
    let mut path = path.to_owned();
    if let Some(rest) = after_last(&path) {
        let run = newest_with_bundles(&results(environment)).ok_or_else(|| {
            CliError::usage(
                format_args!("no run in {} has bundles", results(environment).display()),
                "bundles are kept of failed flows, and with --save of the slowest ones",
            )
        })?;
        let in_bundles = run.join(BUNDLES).join(rest);
        let is_bundle = !rest.as_os_str().is_empty() && in_bundles.is_dir();
        path = if is_bundle {
            in_bundles
        } else {
            joined(run, rest)
        };
    }
    let bundles = path.join(BUNDLES);
    Ok(first_of(&bundles).unwrap_or(path))
}

fn runs(root: &Path) -> Result<Vec<ListedRun>, CliError> {
    saved_runs(root)
        .map_err(|error| CliError::usage(error, "REHEARSAL_RESULTS names the directory"))
}

/// Returns what follows `last` at the beginning of a path; `./last` is a directory of that name.
fn after_last(path: &Path) -> Option<&Path> {
    let mut components = path.components();
    let first = components.next()?;
    (first == Component::Normal(LAST.as_ref())).then_some(components.as_path())
}

fn joined(directory: PathBuf, rest: &Path) -> PathBuf {
    if rest.as_os_str().is_empty() {
        directory
    } else {
        directory.join(rest)
    }
}

/// Returns the newest run with bundles, which need not have been saved.
fn newest_with_bundles(root: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(root).ok()?.flatten();
    let runs = entries.filter_map(|entry| {
        let path = entry.path();
        let made = path.join(BUNDLES).metadata().and_then(|it| it.modified());
        Some((made.ok()?, path))
    });
    runs.max().map(|(_, path)| path)
}

/// Returns the bundle of the first failed flow in a directory of bundles, or else of the first
/// slow one.
fn first_of(bundles: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(bundles).ok()?.flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    // `failed` is before `slow`.
    let names = names.filter(|name| name.starts_with("failed-") || name.starts_with("slow-"));
    names.min().map(|name| bundles.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_that_name_can_be_named() {
        let rest = |path: &str| after_last(Path::new(path)).map(Path::to_owned);
        assert_eq!(rest("last"), Some("".into()));
        assert_eq!(
            rest("last/bundles/failed-000001"),
            Some("bundles/failed-000001".into())
        );
        assert_eq!(rest("./last"), None);
        assert_eq!(rest("results/last"), None);
        assert_eq!(rest("last.yaml"), None);
    }

    #[test]
    fn the_first_failed_flow_is_chosen() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(first_of(home.path()), None);
        for name in ["slow-000001", "failed-000012", "failed-000003"] {
            std::fs::create_dir(home.path().join(name)).unwrap();
        }
        assert_eq!(
            first_of(home.path()),
            Some(home.path().join("failed-000003"))
        );
    }
}
