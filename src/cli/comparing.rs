//! Comparison of two groups of kept runs: conditions, statistics, remarks and outputs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::baseline::{
    Conditions, Difference, Entry, Weight, differences, figures_of, join, machine_of,
};
use crate::report::{
    ComparisonReport, CurveSource, Gate, Latencies, NotedDifference, ReportError, ResultDirectory,
    RunGroup, SavedRun, comparison_markdown, load_of_machine, units, write_comparison_html,
};
use crate::stats::{
    ComparedFigure, Comparison, ComparisonSettings, Drift, Estimate, Finding, Histograms, RunOrder,
    Scale, compare, compare_single_rates, compare_single_runs, drift, warm_up,
    withdraw_changes_of_machine,
};

use super::args::ComparingArgs;
use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;
use super::exports;

/// The greatest p of a drift that is stated.
const DRIFT_ALPHA: f64 = 0.05;

/// The accepted rate of comparisons with any false alarm. Small, as comparisons are made every day and
/// gates that fail without a reason are switched off.
pub(super) const ALPHA: f64 = 0.01;

/// The change of a time that does not matter unless `--time-tolerance` says otherwise: less is within
/// the error of latencies, and programs that wake idle processors are slower by as much.
const TIME_TOLERANCE: Duration = Duration::from_millis(1);

/// Seeds what is sampled, so that a comparison gives the same result again.
const SEED: u64 = 1;

/// One side of a comparison.
#[derive(Debug, Clone)]
pub(super) struct Side {
    /// As it was named.
    pub name: String,
    pub runs: Vec<Entry>,
}

impl Side {
    fn group(&self) -> RunGroup {
        RunGroup {
            name: self.name.clone(),
            scenario: self
                .runs
                .first()
                .map_or(String::new(), |it| it.scenario.clone()),
            runs: self.runs.iter().map(|it| it.id.clone()).collect(),
            directories: self.runs.iter().map(|it| it.directory.clone()).collect(),
            from: self.runs.iter().map(|it| it.started_at).min(),
            to: self.runs.iter().map(|it| it.started_at).max(),
        }
    }

    /// Returns the side without what is known about its figures only when all its runs are made.
    pub(super) fn without_validity(&self) -> Side {
        let mut side = self.clone();
        for run in &mut side.runs {
            run.conditions.trust = None;
        }
        side
    }

    fn conditions(&self) -> Vec<Conditions> {
        self.runs.iter().map(|it| it.conditions.clone()).collect()
    }
}

/// The parts of the scenario that are compared, and so may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    Programs,
    ProgramsAndScenarios,
}

/// Checks that the conditions of both sides agree, and returns the differences that are stated.
///
/// # Errors
/// If they do not agree, unless that is forced.
pub(super) fn check_conditions(
    old: &Side,
    new: &Side,
    compared: Compared,
    force: bool,
) -> Result<Vec<NotedDifference>, CliError> {
    let (before, mut after) = (old.conditions(), new.conditions());
    if compared == Compared::ProgramsAndScenarios
        && let Some(first) = before.first()
    {
        for conditions in &mut after {
            conditions.scenario.clone_from(&first.scenario);
            conditions
                .scenario_digest
                .clone_from(&first.scenario_digest);
        }
    }
    let found = differences(&before, &after);
    let is_refusal = |it: &&Difference| it.weight == Weight::Refusal;
    let refusals: Vec<_> = found
        .iter()
        .filter(is_refusal)
        .map(|it| it.text.clone())
        .collect();
    if !force && !refusals.is_empty() {
        return Err(CliError::usage(
            format_args!(
                "{} and {} cannot be compared:\n{}",
                old.name,
                new.name,
                refusals.join("\n")
            ),
            "make runs under the same conditions, or add --force, which says what it ignores; on \
             machines that change, let both versions run in turns: run --against-scripts DIR",
        ));
    }
    let noted = found.into_iter().map(|it| NotedDifference {
        forced: it.weight == Weight::Refusal,
        text: it.text,
    });
    Ok(noted.collect())
}

/// Compares two sides.
pub(super) fn report(
    old: &Side,
    new: &Side,
    order: RunOrder,
    mut noted: Vec<NotedDifference>,
    wanted: &ComparingArgs,
) -> ComparisonReport {
    let settings = ComparisonSettings {
        tolerance: wanted
            .tolerance
            .unwrap_or(ComparisonSettings::default().tolerance),
        time_tolerance_us: wanted
            .time_tolerance
            .unwrap_or(TIME_TOLERANCE)
            .as_secs_f64()
            * 1e6,
        alpha: ALPHA,
        order,
        seed: SEED,
        ..ComparisonSettings::default()
    };
    let figures = join(&figures_of(&old.runs), &figures_of(&new.runs));
    let mut comparison = compare(&figures, &settings);
    let mut remarks = Vec::new();
    let is_single = old.runs.len() == 1 && new.runs.len() == 1;
    if is_single {
        match (latencies(&old.runs[0]), latencies(&new.runs[0])) {
            (Ok(before), Ok(after)) => {
                for figure in &mut comparison.figures {
                    let estimate = within_runs(&figure.name, &before, &after, &settings);
                    if let (Some(estimate), Some(change)) = (estimate, &mut figure.change) {
                        // The ratio of the whole runs is exact; the interval is around that of
                        // their seconds.
                        change.interval = estimate.interval;
                        change.method = estimate.method;
                    }
                }
            }
            (Err(error), _) | (_, Err(error)) => {
                remarks.push(format!("There are no intervals: {error}"));
            }
        }
    }
    let mut certain = comparison.clone();
    withdraw_changes_of_machine(&mut certain, &machine_of(&old.runs, &new.runs), &settings);
    if let Some((free, _)) = certain.withdrawn() {
        noted.push(NotedDifference {
            text: format!("the load of the machine: {}", load_of_machine(free)),
            forced: wanted.force,
        });
    }
    if !wanted.force {
        comparison = certain;
    }
    remarks.extend(steps_remark(&comparison));
    remarks.extend(machine_remark(&comparison, order));
    for side in [old, new] {
        remarks.extend(
            drift_remarks(&side.runs)
                .into_iter()
                .map(|remark| format!("{}: {remark}", side.name)),
        );
    }
    let mut report = ComparisonReport::new(old.group(), new.group(), comparison, &settings);
    report.indicative = is_single;
    report.differences = noted;
    report.remarks = remarks;
    report
}

fn latencies(run: &Entry) -> Result<Latencies, ReportError> {
    Latencies::read(&ResultDirectory::at(&run.directory).latencies())
}

/// Estimates the change of a figure from the seconds of two single runs.
fn within_runs(
    figure: &str,
    old: &Latencies,
    new: &Latencies,
    settings: &ComparisonSettings,
) -> Option<Estimate> {
    if figure == "flow.rate" {
        return compare_single_rates(&old.counts("flow"), &new.counts("flow"), settings);
    }
    let (tag, percentile) = figure.rsplit_once(".p")?;
    if tag != "flow" && !tag.starts_with("step.") {
        return None;
    }
    let percent: f64 = percentile.parse().ok()?;
    // As the log writes it.
    let tag = tag.replace([',', ' '], "_");
    compare_single_runs(old.of(&tag)?, new.of(&tag)?, percent, settings)
}

/// Returns a remark if a side has steps that the other one does not have.
fn steps_remark(comparison: &Comparison) -> Option<String> {
    let only = |is: fn(&ComparedFigure) -> bool, side: &str| {
        let figures = comparison.figures.iter().filter(|it| is(it));
        let names = figures.filter_map(|it| {
            let name = it.name.strip_prefix("step.")?;
            name.strip_suffix(".p50")
        });
        let names: Vec<&str> = names.collect();
        (!names.is_empty()).then(|| format!("only the {side} runs have {}", names.join(", ")))
    };
    let sides = [
        only(|it| it.old.is_some() && it.new.is_none(), "old"),
        only(|it| it.old.is_none() && it.new.is_some(), "new"),
    ];
    let sides: Vec<String> = sides.into_iter().flatten().collect();
    (!sides.is_empty()).then(|| format!("Steps are compared by their names: {}", sides.join("; ")))
}

/// Returns a remark if the start-up of most roles has changed alike: programs seldom do that, and a
/// machine that is busier or less busy than before does.
fn machine_remark(comparison: &Comparison, order: RunOrder) -> Option<String> {
    let is_startup = |it: &&ComparedFigure| it.name.ends_with(".startup.p50");
    let startups = || comparison.figures.iter().filter(is_startup);
    let count = startups().count();
    let of = |finding| startups().filter(|it| it.finding == finding).count();
    let changed = of(Finding::Worse).max(of(Finding::Better));
    (order == RunOrder::Separate && count >= 3 && 2 * changed > count).then(|| {
        format!(
            "The start-up of {changed} of {count} roles has changed alike: this looks like a machine \
             that was not as busy on one side; let both versions run in turns (--against)"
        )
    })
}

/// Returns remarks on the drift of runs in the order in which they were made.
pub(super) fn drift_remarks(runs: &[Entry]) -> Vec<String> {
    let figures = ["flow.p50", "flow.rate"];
    let found = figures.iter().filter_map(|name| {
        let value = |run: &Entry| {
            let figure = run.figures.iter().find(|it| it.name == *name);
            figure.map(|it| it.value)
        };
        let values: Vec<Option<f64>> = runs.iter().map(value).collect();
        let found: Drift = drift(&values, Scale::Ratio, SEED)?;
        (found.p <= DRIFT_ALPHA).then(|| {
            let percent = (found.per_run - 1.0) * 100.0;
            format!(
                "{name} drifts by {percent:+.1} % from run to run (p {:.3}): the machine or the \
                 data changes while the runs are made; let versions run in turns (--against)",
                found.p
            )
        })
    });
    found.collect()
}

/// Returns a remark on the warm-up of runs, read from their latency logs.
pub(super) fn warm_up_remark(runs: &[Entry]) -> Option<String> {
    let found = runs.iter().filter_map(|run| {
        let latencies = latencies(run).ok()?;
        warm_up(&latencies.means("flow"))
    });
    let found: Vec<_> = found.collect();
    let longest = found.iter().max_by_key(|it| it.length)?;
    let settled = match longest.settled {
        true => format!("; exclude them: --warm-up {}s", longest.length),
        false => ": they may not have settled at all; make them longer".into(),
    };
    Some(format!(
        "In {} of {}, flows took {:.2} times as long in the first seconds, up to second {}{settled}",
        found.len(),
        units::counted(runs.len() as u64, "run"),
        longest.ratio,
        longest.length,
    ))
}

/// Writes the comparison to the files that were asked for, and adds it to the summary of a job of
/// GitHub Actions.
pub(super) fn write_files(
    report: &ComparisonReport,
    markdown: Option<&Path>,
    html: Option<&Path>,
    environment: &CliEnvironment,
) -> Result<(), CliError> {
    exports::write_markdown(&comparison_markdown(report), markdown, environment)?;
    if let Some(path) = html {
        let curves = CurveSource {
            old: histograms(&report.old.directories, environment),
            new: histograms(&report.new.directories, environment),
        };
        write_comparison_html(report, &curves, path)?;
    }
    Ok(())
}

/// Adds the histograms of saved runs. Those whose directory is gone are left out.
fn histograms(directories: &[PathBuf], environment: &CliEnvironment) -> Histograms {
    let mut all = Histograms::new();
    for directory in directories {
        let Ok(run) = SavedRun::open(directory, &environment.temporary) else {
            continue;
        };
        for (name, histogram) in run.head.histograms {
            all.entry(name).or_default().add(&histogram);
        }
    }
    all
}

/// Returns the exit code of a gate, with its reason, if there is one.
pub(super) fn gate(report: &ComparisonReport, gate: Option<Gate>) -> (Exit, Option<String>) {
    let Some(gate) = gate else {
        return (Exit::Completed, None);
    };
    let failing = report.failing(gate);
    match failing.as_slice() {
        [] if report.indicative => {
            let text = "--fail-if: two single runs cannot tell; repeat them (--repeat 6)";
            (Exit::Completed, Some(text.into()))
        }
        [] if report
            .comparison
            .figures
            .iter()
            .all(|it| it.p_adjusted.is_none()) =>
        {
            let fewest = report.comparison.fewest_repeats;
            let text =
                format!("--fail-if: too few runs to tell: {fewest} of each side are the least");
            (Exit::Usage, Some(text))
        }
        [] if report.comparison.worse().next().is_some() => {
            let text = "--fail-if slower: what is worse is no time; --fail-if worse minds it";
            (Exit::Completed, Some(text.into()))
        }
        [] => (Exit::Completed, None),
        [first, ..] => {
            let text = format!(
                "--fail-if: {} (the first is {})",
                units::counted(failing.len() as u64, "figure"),
                first.name
            );
            (Exit::BecameWorse, Some(text))
        }
    }
}
