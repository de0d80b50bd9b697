//! The report for browsers, of a run that has just ended and of a saved one.

use std::io;
use std::path::{Path, PathBuf};

use crate::report::{HtmlSource, Output, ReportError, SavedRun, sanitize, write_html};

use super::error::CliError;
use super::exit::Exit;
use super::session::{Finished, Results};

/// The name of the file in the directory of a saved run.
pub(super) const REPORT: &str = "report.html";

/// Writes the report of the saved run in this directory, and prints its path.
pub(super) fn report(run: &SavedRun, file: Option<&Path>) -> Result<Exit, CliError> {
    let directory = run.directory.path();
    let path = file.map_or_else(|| directory.join(REPORT), Path::to_owned);
    let source = HtmlSource {
        head: &run.head,
        saved: Some(&run.directory),
        bundles: run.directory.path(),
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
    write_html(&finished.html_source(), &path)?;
    Ok(path)
}

/// Returns a line with the path of the report.
pub(super) fn location(path: &Path) -> String {
    format!("HTML:    {}\n", sanitize(&path.display().to_string()))
}
