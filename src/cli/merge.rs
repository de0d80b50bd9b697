//! `rehearsal merge`: several runs combined into one.

use std::path::{Path, PathBuf};

use crate::model::{AuditRecord, RunId};
use crate::report::result_file::Head;
use crate::report::terminal::Detail;
use crate::report::{self, MergeError, Output, ResultDirectory, SavedRun, sanitize};

use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;
use super::kept;
use super::report::show;
use super::saved;

/// Merges the runs in these directories into a new one, and prints its report.
pub(super) fn merge(
    directories: &[PathBuf],
    into: &Path,
    detail: Option<Detail>,
    environment: &CliEnvironment,
) -> Result<Exit, CliError> {
    let mut runs = Vec::new();
    for directory in directories {
        for run in named(directory, environment)? {
            runs.push(saved::open(&run, environment)?);
        }
    }
    if runs.len() < 2 {
        return Err(CliError::usage(
            format_args!("{} holds only one run", directories[0].display()),
            "name at least two runs, or a directory that holds them",
        ));
    }
    combine(&runs, &[], into, detail, environment)?;
    Ok(Exit::Completed)
}

/// Merges the runs of a job's segments, of which there may be one, with audits that were run after
/// them, and returns the exit codes that apply to the whole, with its result.
pub(super) fn segments(
    directories: &[PathBuf],
    audits: &[AuditRecord],
    into: &Path,
    environment: &CliEnvironment,
) -> Result<(Vec<Exit>, Head), CliError> {
    let runs: Vec<SavedRun> = directories
        .iter()
        .map(|directory| saved::open(directory, environment))
        .collect::<Result<_, _>>()?;
    let merged = combine(&runs, audits, into, Some(Detail::Short), environment)?;
    Ok((Exit::of(&merged.head.summary), merged.head))
}

fn combine(
    runs: &[SavedRun],
    audits: &[AuditRecord],
    into: &Path,
    detail: Option<Detail>,
    environment: &CliEnvironment,
) -> Result<SavedRun, CliError> {
    let name = into.file_name().ok_or_else(|| {
        let what = format_args!("{} cannot be made", into.display()).to_string();
        CliError::usage(what, "name a new directory: --into DIR")
    })?;
    let id = RunId(name.to_string_lossy().into_owned());
    let temporary = &environment.temporary;
    let head =
        report::merge(runs, audits, id, environment.record(&[]), temporary).map_err(|error| {
            let hint = match error {
                MergeError::Different { .. } => "runs of one scenario can be merged",
                MergeError::Twice(_) => "name each run once",
                _ => "",
            };
            CliError::usage(error, hint)
        })?;
    let scenario = runs[0].directory.scenario()?;
    let directory = ResultDirectory::create(into)
        .map_err(|error| CliError::usage(error, "name a new directory: --into DIR"))?;
    directory.keep_scenario(&scenario)?;
    directory.finish(&head, None)?;
    let merged = SavedRun::new(directory, head);
    let mut output = Output::new(anstream::stdout());
    show(&merged, detail, &mut output, environment);
    let mut remarks = Output::new(anstream::stderr());
    for run in runs {
        for remark in &run.remarks {
            remarks.line(&sanitize(&format!("{}: {remark}", run.head.run.id)));
        }
    }
    let printed = output.finish();
    printed.map_err(|error| CliError::standard_output("the report", error))?;
    Ok(merged)
}

/// Returns the run in this directory, or those that a directory of results holds.
fn named(directory: &Path, environment: &CliEnvironment) -> Result<Vec<PathBuf>, CliError> {
    let directory = saved::run(directory, environment)?;
    if directory.is_dir() && !kept::is_run(&directory) {
        let inside = kept::runs_in(&directory)?;
        if !inside.is_empty() {
            return Ok(inside);
        }
    }
    Ok(vec![directory])
}
