//! The report for browsers, of a run that has just ended and of a saved one.

use std::io;
use std::path::{Path, PathBuf};

use crate::baseline::Entry;
use crate::report::{HtmlSource, Output, ReportError, SavedRun, Trend, sanitize, write_html};

use super::error::CliError;
use super::exit::Exit;
use super::history;
use super::kept;
use super::session::{Finished, Results};

/// The maximum number of runs in trends, this one included.
const MAX_RUNS: usize = 60;

/// The name of the file in the directory of a saved run.
pub(super) const REPORT: &str = "report.html";

/// Writes the report of the saved run in this directory, and prints its path.
pub(super) fn report(run: &SavedRun, file: Option<&Path>) -> Result<Exit, CliError> {
    let directory = run.directory.path();
    let path = file.map_or_else(|| directory.join(REPORT), Path::to_owned);
    let trends = trends(&Entry::of(run));
    let source = HtmlSource {
        head: &run.head,
        saved: Some(&run.directory),
        bundles: run.directory.path(),
        trends: &trends,
    };
    write_html(&source, &path)
        .map_err(|error| CliError::usage(error, "name a file that you may write: --html=FILE"))?;
    let mut output = Output::new(anstream::stdout());
    for remark in &run.remarks {
        output.line(&sanitize(remark));
    }
    output.text(&location(&path));
    match output.finish() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::standard_output("the report's path", error))
        }
        _ => Ok(Exit::Completed),
    }
}

/// Writes the report of a run that has just ended; returns its path.
pub(super) fn write(finished: &Finished, file: Option<&Path>) -> Result<PathBuf, ReportError> {
    let path = match (file, &finished.results) {
        (Some(file), _) => file.to_owned(),
        (None, Results::Saved(run)) => run.join(REPORT),
        // The directory has bundles only, and a later run may remove it.
        (None, Results::NotSaved(run)) => run.with_extension("html"),
    };
    let trends = match &finished.results {
        Results::Saved(run) => trends(&kept::entry(finished, run)),
        Results::NotSaved(_) => Vec::new(),
    };
    write_html(&finished.html_source(&trends), &path)?;
    Ok(path)
}

/// Returns the trends up to this saved run; none if the history beside it cannot be read, which is
/// no reason to have no report.
fn trends(run: &Entry) -> Vec<Trend> {
    let mut runs = kept::earlier_runs(run).unwrap_or_default();
    let surplus = (runs.len() + 1).saturating_sub(MAX_RUNS);
    runs.drain(..surplus);
    if runs.is_empty() {
        return Vec::new();
    }
    runs.push(run.clone());
    history::trends(&runs, |_| true)
}

/// Returns a line with the path of the report.
pub(super) fn location(path: &Path) -> String {
    format!("HTML:    {}\n", sanitize(&path.display().to_string()))
}
