//! `rehearsal report`: the report of a saved run.

use std::io::{self, BufWriter};
use std::path::Path;

use crate::report::result_file::Completeness;
use crate::report::{FlowFailures, Output, SavedRun, SlowCollector, locate, sanitize, terminal};

use super::args::ExportArgs;
use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;
use super::exports::{self, Exports};

/// Prints the report of the run in this directory, and writes the outputs that were asked for.
pub(super) fn report(
    directory: &Path,
    wanted: &ExportArgs,
    json: bool,
    environment: &CliEnvironment,
) -> Result<Exit, CliError> {
    let run = open(directory, environment)?;
    let exports = Exports::open(wanted, environment)?;
    let mut errors = Vec::new();
    for mut reporter in exports::reporters(wanted, SlowCollector::Wait)? {
        run.feed(&mut *reporter).map_err(|error| {
            CliError::usage(
                error,
                "a merged run has no flows: name one of the runs that it was merged from",
            )
        })?;
        errors.extend(reporter.finish().err());
    }
    let mut head = run.head.clone();
    locate(&mut head.summary, run.directory.path());
    errors.extend(exports.write(&head, FlowFailures::Count));
    if let Some(error) = errors.into_iter().next() {
        return Err(error.into());
    }
    if json {
        let mut out = BufWriter::new(io::stdout().lock());
        return match run.write_record(&mut out) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(CliError::standard_output("the result", error))
            }
            _ => Ok(Exit::Completed),
        };
    }
    let mut output = Output::new(anstream::stdout());
    show(&run, &mut output, environment);
    let printed = output.finish();
    printed.map_err(|error| CliError::standard_output("the report", error))?;
    Ok(Exit::Completed)
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

/// Prints the report as it was printed after the run, and notes about it.
pub(super) fn show(run: &SavedRun, output: &mut Output, environment: &CliEnvironment) {
    let info = &run.head.run;
    let mut summary = run.head.summary.clone();
    locate(&mut summary, run.directory.path());
    output.text(&terminal::render(info, &summary, environment.width));
    if !run.remarks.is_empty() {
        output.line("");
    }
    for remark in &run.remarks {
        output.line(&sanitize(remark));
    }
    if run.remarks.is_empty() && run.head.completeness == Completeness::CutOff {
        output.line("\nOne of the runs was cut off; what had reached the disk is counted.");
    }
    if let Some(missing) = &run.head.missing_segments {
        output.line(&format!("\n{}", sanitize(missing)));
    }
    let directory = run.directory.path().display().to_string();
    output.line(&format!("\nResults: {}", sanitize(&directory)));
}
