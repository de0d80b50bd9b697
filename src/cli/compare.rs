//! `rehearsal compare`: two groups of saved runs.

use std::io::{self, Write as _};
use std::path::Path;

use serde::Serialize;

use crate::baseline::Entry;
use crate::report::{Output, sanitize, terminal};
use crate::stats::RunOrder;

use super::args::CompareArgs;
use super::comparing::{self, Compared, Side};
use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;
use super::kept;

/// The name of the last saved run.
const LAST: &str = "last";

/// Compares the runs and prints the result.
pub(super) fn compare(args: &CompareArgs, environment: &CliEnvironment) -> Result<Exit, CliError> {
    let results = kept::named_or_usual(args.results.as_deref(), environment);
    let old = side(&args.old, &results, environment)?;
    let new = side(&args.new, &results, environment)?;
    let shared = old
        .runs
        .iter()
        .find(|it| new.runs.iter().any(|other| other.id == it.id));
    if let Some(run) = shared {
        return Err(CliError::usage(
            format_args!("the run {} is on both sides", run.id),
            "name each run once",
        ));
    }
    let noted = comparing::check_conditions(&old, &new, Compared::Programs, args.comparing.force)?;
    let report = comparing::report(&old, &new, RunOrder::Separate, noted, &args.comparing);
    let (gate, reason) = comparing::gate(&report, args.comparing.fail_if);
    let mut exits = vec![gate];
    let mut errors = Output::new(anstream::stderr());
    let html = args.html.as_deref();
    // The comparison is shown in any case.
    let written = comparing::write_files(&report, args.markdown.as_deref(), html, environment);
    if args.json {
        print_json(&report)?;
    } else {
        let mut output = Output::new(anstream::stdout());
        output.text(&terminal::render_comparison(
            &report,
            args.comparing.all,
            environment.width,
        ));
        if let (Some(html), Ok(())) = (html, &written) {
            output.line(&format!("HTML: {}", sanitize(&html.display().to_string())));
        }
        let printed = output.finish();
        printed.map_err(|error| CliError::standard_output("the comparison", error))?;
    }
    if let Err(error) = written {
        errors.line(&error.render());
        exits.push(Exit::Internal);
    }
    if let Some(reason) = reason {
        errors.line(&sanitize(&reason));
    }
    Ok(Exit::first(&exits))
}

/// Prints a comparison or a series as JSON. A reader who has left is no error.
pub(super) fn print_json(report: &impl Serialize) -> Result<(), CliError> {
    let mut text = serde_json::to_string_pretty(report)
        .map_err(|error| CliError::system("cannot form the comparison", error.into()))?;
    text.push('\n');
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::standard_output("the comparison", error))
        }
        _ => Ok(()),
    }
}

/// Finds the runs that a text names.
fn side(text: &str, results: &Path, environment: &CliEnvironment) -> Result<Side, CliError> {
    let mut runs: Vec<Entry> = Vec::new();
    for part in text.split(',').map(str::trim).filter(|it| !it.is_empty()) {
        runs.extend(named(part, results, environment)?);
    }
    if let Some(run) = (1..runs.len()).find(|at| runs[..*at].iter().any(|it| it.id == runs[*at].id))
    {
        return Err(CliError::usage(
            format_args!("{text} has the run {} twice", runs[run].id),
            "name each run once",
        ));
    }
    if runs.is_empty() {
        return Err(CliError::usage(
            format_args!("{text:?} names no runs"),
            "name a baseline, a saved run, or `last`",
        ));
    }
    let name = if text == LAST {
        runs[0].id.clone()
    } else {
        text.to_owned()
    };
    Ok(Side { name, runs })
}

/// Finds the runs that one name means: a baseline comes before a directory.
fn named(name: &str, results: &Path, environment: &CliEnvironment) -> Result<Vec<Entry>, CliError> {
    if !name.contains('/') && results.is_dir() {
        let history = kept::open(results)?;
        let failed = |error| kept::failed(&error);
        if name == LAST {
            let last = history.runs(None).map_err(failed)?.pop();
            return last.map(|it| vec![it]).ok_or_else(|| {
                CliError::usage(
                    format_args!("there is no saved run in {}", results.display()),
                    "save one: rehearsal run --save",
                )
            });
        }
        let baseline = history.baseline(name).map_err(failed)?;
        if !baseline.is_empty() {
            return Ok(baseline);
        }
        if let Some(run) = history.run(name).map_err(failed)? {
            return Ok(vec![run]);
        }
    }
    let path = Path::new(name);
    if kept::is_run(path) {
        return Ok(vec![kept::read(path, environment)?]);
    }
    if path.is_dir() {
        let found = kept::runs_in(path)?;
        let runs = found.iter().map(|it| kept::read(it, environment));
        let runs: Vec<Entry> = runs.collect::<Result<_, _>>()?;
        if !runs.is_empty() {
            return Ok(runs);
        }
    }
    Err(CliError::usage(
        format_args!("there is no baseline and no saved run {name:?}"),
        format_args!(
            "`rehearsal history baselines` and `rehearsal history` list those in {}; --results names \
             another directory",
            results.display()
        ),
    ))
}
