//! Outputs of a run for other programs: JUnit, Markdown, CSV, traces.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::report::result_file::Head;
use crate::report::{
    self, FlowsTable, Output, Prometheus, ReportError, Reporter, SlowCollector, Traces,
};

use super::args::ExportArgs;
use super::environment::CliEnvironment;
use super::error::CliError;

/// The file to which GitHub Actions adds the summary of a job's step.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// The files that are written when a run has ended. They are opened before it starts, so that one
/// that cannot be written is refused then.
pub(super) struct Exports {
    files: Vec<(Export, PathBuf, File)>,
}

/// An output about a whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Export {
    Junit,
    Markdown,
    Steps,
}

impl Exports {
    /// Opens the files that were asked for.
    pub(super) fn open(args: &ExportArgs, environment: &CliEnvironment) -> Result<Self, CliError> {
        let wanted = [
            (Export::Junit, &args.junit),
            (Export::Markdown, &args.markdown),
            (Export::Steps, &args.csv_steps),
        ];
        let wanted = wanted.into_iter();
        let wanted = wanted.filter_map(|(export, path)| Some((export, path.as_deref()?)));
        let files = wanted.map(|(export, path)| {
            let file = open(path, environment)?;
            Ok((export, path.to_owned(), file))
        });
        Ok(Exports {
            files: files.collect::<Result<_, CliError>>()?,
        })
    }

    /// Adds the summary that GitHub Actions shows of a job's step, unless it was asked for.
    pub(super) fn with_step_summary(mut self, environment: &CliEnvironment) -> Self {
        let path = step_summary(environment);
        let path = path.filter(|path| self.files.iter().all(|(_, known, _)| known != path));
        // A variable that is left over from elsewhere must not prevent a run.
        if let Some(path) = path
            && let Ok(file) = append(&path)
        {
            self.files.push((Export::Markdown, path, file));
        }
        self
    }

    /// Writes all files, and returns the errors.
    pub(super) fn write(self, head: &Head) -> Vec<ReportError> {
        let write = |(export, path, file): (Export, PathBuf, File)| {
            let mut out = BufWriter::new(file);
            let written = match export {
                Export::Junit => report::write_junit(head, &mut out),
                Export::Markdown => {
                    let text = report::markdown(head);
                    out.write_all(text.as_bytes())
                }
                Export::Steps => report::write_steps(&head.summary, &mut out),
            };
            let written = written.and_then(|()| out.flush());
            written.err().map(|error| ReportError::write(&path, error))
        };
        self.files.into_iter().filter_map(write).collect()
    }
}

/// Returns the reporters of single flows that were asked for.
pub(super) fn reporters(
    args: &ExportArgs,
    slow: SlowCollector,
) -> Result<Vec<Box<dyn Reporter>>, CliError> {
    let mut reporters: Vec<Box<dyn Reporter>> = Vec::new();
    if let Some(path) = &args.csv_flows {
        reporters.push(Box::new(FlowsTable::new(path, create(path)?)));
    }
    if let Some(target) = &args.otlp {
        let traces = Traces::new(target, slow).map_err(refused_output)?;
        reporters.push(Box::new(traces));
    }
    Ok(reporters)
}

/// Returns the reporter that serves metrics, and prints where.
pub(super) fn prometheus(
    address: Option<SocketAddr>,
    output: &mut Output,
) -> Result<Option<Box<dyn Reporter>>, CliError> {
    let Some(address) = address else {
        return Ok(None);
    };
    let reporter = Prometheus::new(address).map_err(|error| {
        CliError::usage(error, "choose another port; 0 lets the system choose one")
    })?;
    output.line(&format!("Metrics: http://{}/metrics", reporter.address()));
    Ok(Some(Box::new(reporter)))
}

/// Prints annotations, if this is a job of GitHub Actions. `scenario` is the scenario's file.
pub(super) fn annotate(
    head: &Head,
    scenario: Option<&Path>,
    environment: &CliEnvironment,
    output: &mut Output,
) {
    if environment.variable("GITHUB_ACTIONS").as_deref() != Some("true") {
        return;
    }
    let scenario = scenario.map(|path| {
        let path = environment.directory.join(path);
        let workspace = environment.variable("GITHUB_WORKSPACE").map(PathBuf::from);
        let workspace = workspace.as_ref().unwrap_or(&environment.directory);
        let in_workspace = path.strip_prefix(workspace).unwrap_or(&path);
        in_workspace.display().to_string()
    });
    for line in report::annotations(head, scenario.as_deref()) {
        output.line(&line);
    }
}

/// Writes Markdown to the file that was asked for, and adds it to the summary that GitHub Actions
/// shows of a job's step.
///
/// # Errors
/// If the file that was asked for cannot be written.
pub(super) fn write_markdown(
    text: &str,
    wanted: Option<&Path>,
    environment: &CliEnvironment,
) -> Result<(), CliError> {
    // A variable that is left over from elsewhere must not be an error.
    if let Some(path) = step_summary(environment).filter(|path| Some(path.as_path()) != wanted)
        && let Ok(mut file) = append(&path)
    {
        let _ = file.write_all(text.as_bytes());
    }
    let Some(path) = wanted else { return Ok(()) };
    let written = open(path, environment)?.write_all(text.as_bytes());
    written.map_err(|error| CliError::from(ReportError::write(path, error)))
}

fn step_summary(environment: &CliEnvironment) -> Option<PathBuf> {
    let path = environment.variable(STEP_SUMMARY).map(PathBuf::from);
    path.filter(|path| !path.as_os_str().is_empty())
}

/// Opens a file for an output; the summary of a job's step is added to.
fn open(path: &Path, environment: &CliEnvironment) -> Result<File, CliError> {
    match step_summary(environment).is_some_and(|shared| shared == path) {
        true => append(path),
        false => create(path),
    }
}

fn create(path: &Path) -> Result<File, CliError> {
    File::create(path).map_err(|error| refused(path, &error))
}

fn append(path: &Path) -> Result<File, CliError> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.map_err(|error| refused(path, &error))
}

fn refused(path: &Path, error: &io::Error) -> CliError {
    refused_output(format_args!("cannot write {}: {error}", path.display()))
}

/// The error of an output that cannot be opened.
pub(super) fn refused_output(error: impl fmt::Display) -> CliError {
    CliError::usage(
        error,
        "name a file in an existing directory that you may write to",
    )
}
