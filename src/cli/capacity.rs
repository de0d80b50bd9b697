//! `rehearsal capacity`: the highest load at which thresholds hold, found by trials.

mod files;
mod trials;

use crate::report::{
    CapacityRecord, CapacityReport, Output, terminal, units, write_capacity_html, write_trials,
};
use crate::stats::{CapacityLimit, LoadKind, Next, SearchPlan, next_trial};

use super::args::CapacityArgs;
use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;
use super::repeat::making::Maker;
use super::scenario;
use super::settings::outputs;

use files::Place;
use trials::Trials;

/// Trials after which a search ends, whatever it has found.
const MAX_TRIALS: usize = 60;

/// The load to begin with.
const USUAL_START: f64 = 1.0;

/// Searches for the capacity, and reports it.
pub(super) fn capacity(
    args: &CapacityArgs,
    environment: &CliEnvironment,
) -> Result<Exit, CliError> {
    let kind = match args.parallel {
        Some(_) => LoadKind::Parallel,
        None => LoadKind::Rate,
    };
    let inputs: Vec<_> = args.scenario.iter().cloned().collect();
    let html = ("--html", args.html.as_deref());
    outputs::check_files(&inputs, &[html, ("--csv", args.csv.as_deref())])?;
    if let (Some(wanted), Some(most)) = (args.at_least, args.up_to)
        && wanted > most
    {
        return Err(CliError::usage(
            format_args!("--at-least {wanted} is never reached: --up-to {most} is lower"),
            "leave --up-to out, or raise it",
        ));
    }
    let parallel = args.parallel.flatten().map(|it| it as f64);
    let start = args.rate.or(parallel).unwrap_or(USUAL_START);
    let plan = SearchPlan {
        kind,
        start: args.up_to.map_or(start, |most| most.min(start)),
        highest: args.up_to,
        precision: args.precision,
        repeats: usize::try_from(args.repeats).unwrap_or(MAX_TRIALS),
        max_trials: MAX_TRIALS,
    };
    let loaded = scenario::load(&trials::settings(args)?, environment)?;
    let trials = Trials::new(args, kind, &loaded.plan)?;
    let place = Place::open(args, environment)?;
    let mut record = match &args.resume {
        Some(_) => place.read(&trials.record)?,
        None => trials.record.clone(),
    };
    let mut out = Output::new(match args.json {
        false => Box::new(anstream::stdout()) as Box<dyn std::io::Write + Send>,
        true => Box::new(anstream::stderr()),
    });
    let again = trials.remove_outdated(&mut record.trials);
    if again > 0 {
        let again = units::counted(again as u64, "earlier trial");
        out.line(&format!(
            "Not kept: {again}, unusable or with drops at a lower --max-in-flight"
        ));
    }
    let mut maker = Maker::start(environment)?;
    while let Next::Try { load, at_edge } = next_trial(&plan, &record.trials) {
        let settings = trials.at(load, at_edge, &record.trials, &place);
        let Some(finished) = maker.run(&settings)? else {
            break;
        };
        for error in maker.errors(&finished) {
            Output::new(anstream::stderr()).line(&error);
        }
        if maker.is_interrupted() {
            // Its figures are those of a part of it.
            break;
        }
        let trial = trials.judge(load, &finished, &record.trials);
        out.line(&terminal::render_trial(
            kind,
            record.trials.len() + 1,
            &trial,
        ));
        record.trials.push(trial);
        place.write(&record)?;
    }
    let report = CapacityReport::new(record, &plan, trials.samples, maker.is_interrupted());
    finish(args, &report, &place, out, environment)
}

/// Prints and writes the answer, and returns the exit code.
fn finish(
    args: &CapacityArgs,
    report: &CapacityReport,
    place: &Place,
    mut out: Output,
    environment: &CliEnvironment,
) -> Result<Exit, CliError> {
    let mut exits = Vec::new();
    out.text(&terminal::render_capacity(report, environment.width));
    let shortfall = shortfall(args, report);
    if let Some(line) = &shortfall {
        out.line(line);
    }
    out.line(&format!("\nTrials: {}", place.shown()));
    if report.interrupted {
        out.line(&format!(
            "Go on with: the same command and --resume {}",
            place.shown()
        ));
    }
    let mut failed = |error: CliError| {
        Output::new(anstream::stderr()).line(&error.render());
        exits.push(Exit::Internal);
    };
    if let Some(file) = &args.csv {
        let written = std::fs::File::create(file).and_then(|it| write_trials(report, it));
        if let Err(error) = written {
            failed(CliError::system(
                format_args!("cannot write {}", file.display()),
                error,
            ));
        }
    }
    if let Some(file) = &args.html
        && let Err(error) = write_capacity_html(report, file)
    {
        failed(error.into());
    }
    let printed = out.finish();
    if args.json {
        super::compare::print_json(report)?;
    } else {
        printed.map_err(|error| CliError::standard_output("the report", error))?;
    }
    if report.interrupted {
        exits.push(Exit::Interrupted);
    }
    let is_none = report.capacity.load.is_none();
    if is_none || shortfall.is_some() {
        exits.push(Exit::ThresholdsCrossed);
    }
    Ok(Exit::first(&exits))
}

/// Returns a sentence about a capacity that is lower than asked for, or not known to be as high.
fn shortfall(args: &CapacityArgs, report: &CapacityReport) -> Option<String> {
    let wanted = args.at_least?;
    let capacity = &report.capacity;
    if capacity.load.is_some_and(|it| it >= wanted) {
        return None;
    }
    let wanted = report.words(wanted);
    Some(match capacity.limit {
        CapacityLimit::Thresholds => format!("Lower than --at-least: {wanted}."),
        _ => format!("Not known to be as high as --at-least: {wanted}."),
    })
}

/// Returns the record of a search without trials.
fn new_record(scenario: &str, kind: LoadKind, thresholds: Vec<String>) -> CapacityRecord {
    CapacityRecord {
        format: CapacityRecord::FORMAT.into(),
        scenario: scenario.to_owned(),
        kind,
        thresholds,
        trials: Vec::new(),
    }
}
