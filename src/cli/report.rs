//! `rehearsal report`: the report of a saved run, or the list of all.

use std::io::{self, BufWriter};
use std::path::Path;

use crate::report::result_file::Completeness;
use crate::report::terminal::{Detail, Form};
use crate::report::{Output, ResultDirectory, SavedRun, SlowCollector, locate, sanitize, terminal};

use super::args::{ExportArgs, ReportArgs};
use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;
use super::exports::{self, Exports};
use super::settings::outputs;
use super::{html, saved};

/// The number of lines that are printed below a report at most: an empty one, the locations, and
/// the meaning of the exit code. It is the same for a run that has just ended and for a saved one,
/// and so is their report.
const LINES_BELOW: usize = 6;

/// Lists the saved runs; or prints the report of one, and writes the outputs that were asked for.
pub(super) fn report(args: ReportArgs, environment: &CliEnvironment) -> Result<Exit, CliError> {
    let Some(directory) = &args.directory else {
        if args.html.is_some() || *args.exports != ExportArgs::default() {
            return Err(CliError::usage(
                "these outputs need a run",
                "name its directory, or the newest one: rehearsal report last",
            ));
        }
        return saved::list(args.json, environment);
    };
    let directory = saved::run(directory, environment)?;
    let inputs = ResultDirectory::at(&directory).inputs();
    outputs::check(&inputs, args.html.as_ref(), None, &args.exports)?;
    let wanted = &*args.exports;
    let run = saved::open(&directory, environment)?;
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
    errors.extend(exports.write(&head));
    if let Some(error) = errors.into_iter().next() {
        return Err(error.into());
    }
    if let Some(file) = &args.html {
        return html::report(&run, file.as_deref());
    }
    if args.json {
        let mut out = BufWriter::new(io::stdout().lock());
        return match run.write_record(&mut out) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(CliError::standard_output("the result", error))
            }
            _ => Ok(Exit::Completed),
        };
    }
    let mut output = Output::new(anstream::stdout());
    show(&run, args.detail.report.detail(), &mut output, environment);
    let printed = output.finish();
    printed.map_err(|error| CliError::standard_output("the report", error))?;
    Ok(Exit::Completed)
}

/// Prints the report as it was printed after the run, and notes about it.
pub(super) fn show(
    run: &SavedRun,
    detail: Option<Detail>,
    output: &mut Output,
    environment: &CliEnvironment,
) {
    let mut notes: Vec<_> = run.remarks.iter().map(|it| sanitize(it)).collect();
    if notes.is_empty() && run.head.completeness == Completeness::CutOff {
        notes.push("One of the runs was cut off; what had reached the disk is counted.".into());
    }
    notes.extend(run.head.missing_segments.iter().map(|it| sanitize(it)));
    if let Some(detail) = detail {
        let mut summary = run.head.summary.clone();
        locate(&mut summary, run.directory.path());
        let below = match notes.len() {
            0 => 0,
            notes => notes + 1,
        };
        let form = form(detail, below, environment);
        output.text(&terminal::render(&run.head.run, &summary, form));
    }
    for (number, note) in notes.iter().enumerate() {
        let before = if number == 0 { "\n" } else { "" };
        output.line(&format!("{before}{note}"));
    }
    if detail.is_some() {
        output.text(&locations(run.directory.path()));
    }
}

/// Returns the form of a report with so many notes below it.
pub(super) fn form(detail: Detail, notes: usize, environment: &CliEnvironment) -> Form {
    Form {
        detail,
        width: environment.width,
        lines_below: LINES_BELOW + notes,
    }
}

/// Lists what is in the directory of a saved run.
fn locations(directory: &Path) -> String {
    let parts = [
        ("Results:", directory.to_owned()),
        ("Bundles:", directory.join("bundles")),
        ("Log:", directory.join("run.log")),
        ("HTML:", directory.join(html::REPORT)),
    ];
    let there = parts.iter().filter(|(_, path)| path.exists());
    let lines = there.map(|(label, path)| {
        let path = path.display().to_string();
        format!("{label:<8} {}\n", sanitize(&path))
    });
    std::iter::once("\n".to_owned()).chain(lines).collect()
}
