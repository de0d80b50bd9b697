//! `rehearsal run --repeat N`: a series of saved runs, to be kept as a baseline or compared.

pub(super) mod making;
mod table;
mod versions;

use std::path::PathBuf;

use serde::Serialize;

use crate::baseline::{Entry, RunFigure};
use crate::report::{ComparisonReport, Output, sanitize, terminal, units};
use crate::stats::RunOrder;

use super::args::{ComparingArgs, SeriesArgs};
use super::comparing::{self, Compared, Side};
use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;
use super::kept;
use super::settings::{OutputFormat, RunSettings, Save, ScenarioChoice};

use making::{Maker, Version};

/// Repeats if a comparison is wanted and no number is given. A change is certain enough for a gate
/// with five.
const USUAL_REPEATS: u64 = 6;

/// Makes the runs one after the other, and reports on them.
pub(super) fn repeat(
    settings: &RunSettings,
    environment: &CliEnvironment,
) -> Result<Exit, CliError> {
    let series = &settings.series;
    refuse_what_is_for_one_run(settings)?;
    let repeats = series.repeat.unwrap_or(USUAL_REPEATS);
    let saved = RunSettings {
        save: match &settings.save {
            Save::No => Save::Usual,
            other => other.clone(),
        },
        ..settings.clone()
    };
    let old_settings = series.is_against().then(|| against(&saved));
    if let Some(old) = &old_settings {
        versions::check_programs(&saved, old, environment)?;
    }
    let results = kept::results(&saved.save, environment);
    kept::check_writable(&results)?;
    let baseline = series.baseline.as_deref();
    let baseline = baseline
        .map(|name| known_baseline(name, &results))
        .transpose()?;
    let order = if old_settings.is_some() {
        RunOrder::Interleaved
    } else {
        RunOrder::Separate
    };
    let mut out = match settings.format {
        OutputFormat::People => Output::new(anstream::stdout()),
        OutputFormat::Json => Output::new(anstream::stderr()),
    };
    let mut maker = Maker::start(environment)?;
    let mut made = Made::default();
    for (place, version) in schedule(repeats, order).into_iter().enumerate() {
        let of_version = match (version, &old_settings) {
            (Version::Old, Some(old)) => old,
            _ => &saved,
        };
        let Some(finished) = maker.run(of_version)? else {
            break;
        };
        made.exits.extend(finished.exits());
        for error in maker.errors(&finished) {
            Output::new(anstream::stderr()).line(&error);
        }
        let Some(mut entry) = maker.entry(&finished) else {
            let error = CliError::usage(
                "a run could not be saved, so the series ends",
                "make room, or name another directory: --save=DIR",
            );
            Output::new(anstream::stderr()).line(&error.render());
            made.exits.push(Exit::Internal);
            break;
        };
        entry.conditions.is_older_version = version == Version::Old;
        if let Err(error) = kept::add(&entry) {
            Output::new(anstream::stderr()).line(&error.render());
            made.exits.push(Exit::Internal);
        }
        let label = old_settings.as_ref().map(|_| version.word());
        let all = if old_settings.is_some() {
            2 * repeats
        } else {
            repeats
        };
        out.line(&table::line(place as u64 + 1, all, label, &entry));
        let is_first = made.new.is_empty();
        match version {
            Version::Old => made.old.push(entry),
            Version::New => made.new.push(entry),
        }
        // Before more time is spent on runs that cannot be compared.
        if let (Some(baseline), true) = (&baseline, is_first) {
            comparing::check_conditions(
                &baseline.without_validity(),
                &made.side().without_validity(),
                Compared::Programs,
                series.comparing.force,
            )?;
        }
        if finished.outcome.summary.interrupted {
            break;
        }
    }
    if maker.is_interrupted() {
        made.exits.push(Exit::Interrupted);
    }
    let is_whole = made.new.len() as u64 == repeats && !made.exits.contains(&Exit::Interrupted);
    made.remarks = comparing::drift_remarks(&made.new);
    made.remarks.extend(comparing::warm_up_remark(&made.new));
    if let (Some(name), true) = (&series.save_baseline, is_whole) {
        save_baseline(name, &made.new, &results, &mut made.exits);
    }
    let compared = match (baseline, old_settings) {
        _ if !is_whole => None,
        (Some(old), _) => Some((old, Compared::Programs)),
        (None, Some(_)) => {
            let name = old_name(series);
            let runs = std::mem::take(&mut made.old);
            Some((Side { name, runs }, Compared::ProgramsAndScenarios))
        }
        (None, None) => None,
    };
    let comparison = compared
        .map(|(old, compared)| compare(&old, &made, order, compared, &series.comparing))
        .transpose();
    // The runs are shown in any case.
    let (comparison, refusal) = match comparison {
        Ok(comparison) => (comparison, None),
        Err(refusal) => (None, Some(refusal)),
    };
    let exit = finish(
        settings,
        series,
        &made,
        comparison.as_ref(),
        is_whole,
        out,
        environment,
    )?;
    refusal.map_or(Ok(exit), Err)
}

/// The runs of a series.
#[derive(Debug, Default)]
struct Made {
    old: Vec<Entry>,
    new: Vec<Entry>,
    exits: Vec<Exit>,
    remarks: Vec<String>,
}

impl Made {
    fn side(&self) -> Side {
        Side {
            name: "these runs".into(),
            runs: self.new.clone(),
        }
    }
}

/// A series as JSON.
#[derive(Serialize)]
struct SeriesRecord<'a> {
    /// Name and version of this form.
    format: &'static str,
    runs: Vec<RunRecord<'a>>,
    remarks: &'a [String],
    /// The baseline that the runs were saved as.
    saved_baseline: Option<&'a str>,
    comparison: Option<&'a ComparisonReport>,
}

#[derive(Serialize)]
struct RunRecord<'a> {
    id: &'a str,
    directory: &'a PathBuf,
    verdict: &'a str,
    figures: &'a [RunFigure],
}

/// Refuses options of comparisons for a single run that is compared with nothing.
pub(super) fn refuse_without_series(series: &SeriesArgs) -> Result<(), CliError> {
    let comparing = &series.comparing;
    let of_comparison = [
        (comparing.fail_if.is_some(), "--fail-if"),
        (comparing.tolerance.is_some(), "--tolerance"),
        (comparing.time_tolerance.is_some(), "--time-tolerance"),
    ];
    match of_comparison.iter().find(|(is_given, _)| *is_given) {
        None => Ok(()),
        Some((_, option)) => Err(CliError::usage(
            format_args!("{option} is about a comparison, and this run is compared with nothing"),
            "name what it is compared with: --baseline NAME or --against OLD.yaml",
        )),
    }
}

/// Refuses options whose output belongs to a single run.
fn refuse_what_is_for_one_run(settings: &RunSettings) -> Result<(), CliError> {
    let exports = &settings.exports;
    let series = &settings.series;
    let is_compared = series.baseline.is_some() || series.is_against();
    let of_one_run = [
        (exports.junit.is_some(), "--junit"),
        (exports.csv_steps.is_some(), "--csv-steps"),
        (exports.csv_flows.is_some(), "--csv-flows"),
        (exports.otlp.is_some(), "--otlp"),
        (settings.json_lines.is_some(), "--json-lines"),
        (settings.prometheus.is_some(), "--prometheus"),
        (settings.live.is_some(), "--live"),
        (settings.shows_dialogue, "--show-dialogue"),
        (settings.segment.segment.is_some(), "--segment"),
        (settings.segment.start_at.is_some(), "--start-at"),
        (!settings.segment.publish.is_empty(), "--publish"),
    ];
    if let Some((_, option)) = of_one_run.iter().find(|(is_given, _)| *is_given) {
        return Err(CliError::usage(
            format_args!("{option} is for a single run, and this is a series of runs"),
            "leave it out, and use `rehearsal report DIR` for each saved run",
        ));
    }
    let of_comparison = [
        (exports.markdown.is_some(), "--markdown"),
        (settings.html.is_some(), "--html"),
        (series.comparing.fail_if.is_some(), "--fail-if"),
    ];
    if let Some((_, option)) = of_comparison.iter().find(|(is_given, _)| *is_given)
        && !is_compared
    {
        return Err(CliError::usage(
            format_args!(
                "{option} is about a comparison, and this series is compared with nothing"
            ),
            "name what it is compared with: --baseline NAME or --against OLD.yaml",
        ));
    }
    if settings.html == Some(None) {
        return Err(CliError::usage(
            "--html of a comparison needs a file",
            "name it: --html=comparison.html",
        ));
    }
    if settings.scenario == ScenarioChoice::File("-".into()) {
        return Err(CliError::usage(
            "standard input can be read only once, and a series reads the scenario for each run",
            "write the scenario to a file",
        ));
    }
    if let (Some(repeats), true) = (series.repeat, series.comparing.fail_if.is_some())
        && repeats < crate::stats::fewest_repeats(comparing::ALPHA, RunOrder::Separate) as u64
    {
        return Err(CliError::usage(
            format_args!("--fail-if cannot be sure after --repeat {repeats}"),
            "repeat 5 times or more",
        ));
    }
    Ok(())
}

/// The settings of the older version.
fn against(settings: &RunSettings) -> RunSettings {
    let series = &settings.series;
    let scenario = series.against.clone().map(ScenarioChoice::File);
    RunSettings {
        scenario: scenario.unwrap_or_else(|| settings.scenario.clone()),
        scripts: match series.against_scripts.as_slice() {
            [] => settings.scripts.clone(),
            scripts => scripts.to_vec(),
        },
        ..settings.clone()
    }
}

fn old_name(series: &SeriesArgs) -> String {
    let scripts = series.against_scripts.first();
    let path = series.against.as_ref().or(scripts);
    path.map_or_else(|| "old".into(), |it| it.display().to_string())
}

fn known_baseline(name: &str, results: &std::path::Path) -> Result<Side, CliError> {
    let runs = if results.is_dir() {
        let history = kept::open(results)?;
        history
            .baseline(name)
            .map_err(|error| kept::failed(&error))?
    } else {
        Vec::new()
    };
    if runs.is_empty() {
        return Err(CliError::usage(
            format_args!("there is no baseline {name} in {}", results.display()),
            format_args!("make it with the older version: rehearsal run … --save-baseline {name}"),
        ));
    }
    Ok(Side {
        name: name.to_owned(),
        runs,
    })
}

/// The order of the runs: of two versions old new new old, and so on, so that what changes over
/// time meets both alike.
fn schedule(repeats: u64, order: RunOrder) -> Vec<Version> {
    use Version::{New, Old};
    match order {
        RunOrder::Separate => (0..repeats).map(|_| New).collect(),
        RunOrder::Interleaved => (0..repeats)
            .flat_map(|pair| {
                if pair % 2 == 0 {
                    [Old, New]
                } else {
                    [New, Old]
                }
            })
            .collect(),
    }
}

fn save_baseline(name: &str, runs: &[Entry], results: &std::path::Path, exits: &mut Vec<Exit>) {
    let ids: Vec<String> = runs.iter().map(|it| it.id.clone()).collect();
    let mut messages = Output::new(anstream::stderr());
    if let Some(run) = runs.iter().find(|it| it.completed == 0) {
        let error = CliError::usage(
            format_args!(
                "the baseline {name} is not saved: {} completed no flow",
                run.id
            ),
            "see why its flows failed: rehearsal report last",
        );
        messages.line(&error.render());
        exits.push(Exit::SomeFailed);
        return;
    }
    let saved = kept::open(results).and_then(|mut history| {
        let saved = history.set_baseline(name, &ids);
        saved.map_err(|error| kept::failed(&error))
    });
    match saved {
        Ok(()) => {
            let runs = units::counted(ids.len() as u64, "run");
            messages.line(&format!("Baseline {name}: {runs} kept"));
        }
        Err(error) => {
            messages.line(&error.render());
            exits.push(Exit::Internal);
        }
    }
}

fn compare(
    old: &Side,
    made: &Made,
    order: RunOrder,
    compared: Compared,
    wanted: &ComparingArgs,
) -> Result<ComparisonReport, CliError> {
    let new = made.side();
    let noted = comparing::check_conditions(old, &new, compared, wanted.force)?;
    Ok(comparing::report(old, &new, order, noted, wanted))
}

/// Prints the end of a series, writes the comparison, and returns the exit code.
fn finish(
    settings: &RunSettings,
    series: &SeriesArgs,
    made: &Made,
    comparison: Option<&ComparisonReport>,
    is_whole: bool,
    mut out: Output,
    environment: &CliEnvironment,
) -> Result<Exit, CliError> {
    let mut exits = made.exits.clone();
    out.text(&table::table(&made.new, environment.width));
    for remark in &made.remarks {
        out.line(&sanitize(remark));
    }
    if !is_whole {
        out.line("The series was ended early: nothing is compared, and no baseline saved.");
    }
    let mut errors = Output::new(anstream::stderr());
    if let Some(report) = comparison {
        out.line("");
        out.text(&terminal::render_comparison(
            report,
            series.comparing.all,
            environment.width,
        ));
        let html = settings.html.as_ref().and_then(Option::as_deref);
        let markdown = settings.exports.markdown.as_deref();
        if let Err(error) = comparing::write_files(report, markdown, html, environment) {
            errors.line(&error.render());
            exits.push(Exit::Internal);
        }
        let (exit, reason) = comparing::gate(report, series.comparing.fail_if);
        exits.push(exit);
        if let Some(reason) = reason {
            errors.line(&sanitize(&reason));
        }
    }
    let printed = out.finish();
    if settings.format == OutputFormat::Json {
        let record = SeriesRecord {
            format: "rehearsal-series/1",
            runs: made.new.iter().map(record).collect(),
            remarks: &made.remarks,
            saved_baseline: series.save_baseline.as_deref().filter(|_| is_whole),
            comparison,
        };
        super::compare::print_json(&record)?;
    } else {
        printed.map_err(|error| CliError::standard_output("the report", error))?;
    }
    exits.retain(|exit| *exit != Exit::Completed);
    exits.sort_unstable();
    exits.dedup();
    if let Some(text) = Exit::explain(&exits) {
        errors.line(&text);
    }
    Ok(Exit::first(&exits))
}

fn record(entry: &Entry) -> RunRecord<'_> {
    RunRecord {
        id: &entry.id,
        directory: &entry.directory,
        verdict: &entry.verdict,
        figures: &entry.figures,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_take_turns() {
        use Version::{New, Old};
        assert_eq!(schedule(2, RunOrder::Separate), [New, New]);
        assert_eq!(
            schedule(3, RunOrder::Interleaved),
            [Old, New, New, Old, Old, New]
        );
    }
}
