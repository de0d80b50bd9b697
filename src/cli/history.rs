//! `rehearsal history`: saved runs, the trend of their figures, and baselines.

mod export;
mod trend;

use std::io::{self, Write as _};
use std::path::Path;

use chrono::{DateTime, Local, Utc};
use serde::Serialize;

use crate::baseline::{Entry, Pruned};
use crate::report::{Output, Trend, sanitize, terminal, units, write_history_html};

use super::args::{HistoryArgs, HistoryCommand};
use super::compare::print_json;
use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;
use super::kept;

/// The maximum number of runs of a scenario on the page for browsers, the newest ones.
const MAX_ON_PAGE: usize = 200;

/// The maximum number of runs listed on a terminal, the newest ones.
const MAX_LISTED: usize = 50;

/// The figure whose trend is shown with the list.
const USUAL_FIGURE: &str = "flow.p95";

/// The figures that are listed of each run.
const LISTED: [(&str, &str); 3] = [
    ("flow.p50", "p50"),
    ("flow.p95", "p95"),
    ("flow.rate", "Flows/s"),
];

/// Shows or changes the history.
pub(super) fn history(args: &HistoryArgs, environment: &CliEnvironment) -> Result<Exit, CliError> {
    let results = kept::named_or_usual(args.results.as_deref(), environment);
    match &args.command {
        Some(HistoryCommand::Baselines { remove }) => baselines(&results, remove.as_deref()),
        Some(HistoryCommand::Prune { keep, before }) => {
            let pruned = Pruned {
                keep: *keep,
                before: *before,
            };
            let mut history = kept::open(&results)?;
            let removed = history
                .prune(&pruned)
                .map_err(|error| kept::failed(&error))?;
            print(&format!(
                "{} removed from the history; their directories stay\n",
                units::counted(removed, "run")
            ))
        }
        None if args.rebuild => rebuild(&results, environment),
        None => show(args, &results, environment),
    }
}

fn show(
    args: &HistoryArgs,
    results: &Path,
    environment: &CliEnvironment,
) -> Result<Exit, CliError> {
    let history = kept::open(results)?;
    let runs = history.runs(args.scenario.as_deref());
    let runs = runs.map_err(|error| kept::failed(&error))?;
    if let (Some(scenario), true) = (&args.scenario, runs.is_empty()) {
        let all = history.runs(None).map_err(|error| kept::failed(&error))?;
        let mut known: Vec<_> = all.iter().map(|it| it.scenario.as_str()).collect();
        known.sort_unstable();
        known.dedup();
        return Err(CliError::usage(
            format_args!(
                "there is no run of the scenario {scenario} in {}",
                results.display()
            ),
            match known.as_slice() {
                [] => "save one: rehearsal run --save".into(),
                known => format!("there are runs of {}", known.join(", ")),
            },
        ));
    }
    let is_mixed = runs
        .windows(2)
        .any(|two| two[0].scenario != two[1].scenario);
    if args.otava && is_mixed {
        return Err(CliError::usage(
            "--otava: there are runs of several scenarios, which have no common trend",
            "name one: rehearsal history SCENARIO --otava",
        ));
    }
    if args.csv || args.otava {
        let mut text = Vec::new();
        export::csv(&runs, args.figure.as_deref(), args.otava, &mut text)
            .map_err(|error| CliError::system("cannot form the table", error))?;
        return print(&String::from_utf8_lossy(&text));
    }
    let figure = args.figure.as_deref().unwrap_or(USUAL_FIGURE);
    let trends = trends(&runs, |it| it == figure);
    if let (Some(figure), true) = (&args.figure, trends.is_empty() && !runs.is_empty()) {
        return Err(unknown_figure(figure, &runs));
    }
    if let Some(path) = &args.html {
        return page(&runs, figure, path);
    }
    if args.json {
        let record = HistoryRecord {
            format: "rehearsal-history/1",
            runs: runs.iter().map(record).collect(),
            trends,
        };
        return print_json(&record).map(|()| Exit::Completed);
    }
    let mut text = list(&runs, environment.width);
    for trend in &trends {
        text.push_str(&trend::render(trend, environment.width));
    }
    print(&text)
}

/// Writes the page with the trends of all figures. It opens with this one.
fn page(runs: &[Entry], figure: &str, path: &Path) -> Result<Exit, CliError> {
    if runs.is_empty() {
        return Err(CliError::usage(
            "the history has no runs",
            "save one: rehearsal run --save",
        ));
    }
    write_history_html(&trends(&newest(runs), |_| true), figure, path)?;
    print(&format!(
        "HTML: {}\n",
        sanitize(&path.display().to_string())
    ))
}

/// Returns the newest runs of each scenario, as many as a page shows.
fn newest(runs: &[Entry]) -> Vec<Entry> {
    let of = |run: &Entry, from: usize| {
        let later = runs[from + 1..].iter();
        later.filter(|it| it.scenario == run.scenario).count()
    };
    let runs = runs.iter().enumerate();
    let newest = runs.filter(|(at, run)| of(run, *at) < MAX_ON_PAGE);
    newest.map(|(_, run)| run.clone()).collect()
}

/// Returns the trends of the wanted figures in each scenario. Runs of the older of two versions, which
/// were made in turns with the newer ones, would hide what has changed.
pub(super) fn trends(runs: &[Entry], is_wanted: impl Fn(&str) -> bool) -> Vec<Trend> {
    let mut scenarios: Vec<&str> = Vec::new();
    for run in runs {
        if !scenarios.contains(&run.scenario.as_str()) {
            scenarios.push(&run.scenario);
        }
    }
    let mut found = Vec::new();
    for scenario in scenarios {
        let is_of_it = |it: &&Entry| it.scenario == scenario && !it.conditions.is_older_version;
        let of_it: Vec<&Entry> = runs.iter().filter(is_of_it).collect();
        let names = figure_names(of_it.iter().copied());
        let wanted = names.into_iter().filter(|name| is_wanted(name));
        found.extend(wanted.filter_map(|name| trend::trend(&of_it, name)));
    }
    found
}

/// Returns the names of all figures, in the order in which runs have them.
fn figure_names<'r>(runs: impl Iterator<Item = &'r Entry>) -> Vec<&'r str> {
    let mut names: Vec<&str> = Vec::new();
    for known in runs.flat_map(|run| &run.figures) {
        if !names.contains(&known.name.as_str()) {
            names.push(&known.name);
        }
    }
    names
}

fn unknown_figure(figure: &str, runs: &[Entry]) -> CliError {
    let names = figure_names(runs.iter());
    let close = |name: &&&str| strsim::jaro_winkler(name, figure) > 0.8;
    let close: Vec<_> = names.iter().filter(close).take(5).copied().collect();
    CliError::usage(
        format_args!("no run has the figure {figure}"),
        match close.as_slice() {
            [] => format!(
                "there are, for example, {}",
                names[..names.len().min(5)].join(", ")
            ),
            close => format!("there are {}", close.join(", ")),
        },
    )
}

/// Lays out the newest runs.
fn list(runs: &[Entry], width: usize) -> String {
    if runs.is_empty() {
        return "The history has no runs; save one: rehearsal run --save\n".into();
    }
    let mut headings = vec!["Run", "Completed", "Failed"];
    headings.extend(LISTED.iter().map(|(_, short)| *short));
    headings.push("Verdict");
    let hidden = runs.len().saturating_sub(MAX_LISTED);
    let rows = runs[hidden..].iter().map(|run| {
        let mut cells = vec![
            match run.conditions.is_older_version {
                true => format!("{} (old)", sanitize(&run.id)),
                false => sanitize(&run.id).into_owned(),
            },
            run.completed.to_string(),
            run.failed.to_string(),
        ];
        cells.extend(LISTED.iter().map(|(name, _)| {
            let figure = run.figures.iter().find(|it| it.name == *name);
            figure.map_or("–".into(), |it| {
                terminal::figure_value(it.value, &it.unit)
            })
        }));
        // The rest of the verdict is in the run's report.
        let word = run.verdict.split(':').next().unwrap_or_default();
        cells.push(sanitize(word).into_owned());
        cells
    });
    let table = terminal::table(&headings, rows.collect(), width);
    let more = match hidden {
        0 => String::new(),
        hidden => format!(
            "  and {} before these\n",
            units::counted(hidden as u64, "run")
        ),
    };
    format!("{table}\n{more}")
}

/// The history as JSON.
#[derive(Serialize)]
struct HistoryRecord<'a> {
    /// Name and version of this form.
    format: &'static str,
    runs: Vec<RunRecord<'a>>,
    /// The trend of the chosen figure, by scenario.
    trends: Vec<Trend>,
}

#[derive(Serialize)]
struct RunRecord<'a> {
    id: &'a str,
    scenario: &'a str,
    started_at: DateTime<Utc>,
    directory: &'a Path,
    verdict: &'a str,
    completed: u64,
    failed: u64,
    conditions: &'a crate::baseline::Conditions,
    figures: &'a [crate::baseline::RunFigure],
}

fn record(run: &Entry) -> RunRecord<'_> {
    RunRecord {
        id: &run.id,
        scenario: &run.scenario,
        started_at: run.started_at,
        directory: &run.directory,
        verdict: &run.verdict,
        completed: run.completed,
        failed: run.failed,
        conditions: &run.conditions,
        figures: &run.figures,
    }
}

fn baselines(results: &Path, remove: Option<&str>) -> Result<Exit, CliError> {
    let mut history = kept::open(results)?;
    let failed = |error| kept::failed(&error);
    if let Some(name) = remove {
        if !history.remove_baseline(name).map_err(failed)? {
            return Err(CliError::usage(
                format_args!("there is no baseline {name}"),
                "`rehearsal history baselines` lists them",
            ));
        }
        return print(&format!("The baseline {name} is removed; its runs stay\n"));
    }
    let known = history.baselines().map_err(failed)?;
    if known.is_empty() {
        return print("There are no baselines; save one: rehearsal run --save-baseline NAME\n");
    }
    let rows = known.iter().map(|it| {
        let newest = it.newest.with_timezone(&Local);
        vec![
            it.name.clone(),
            sanitize(&it.scenario).into_owned(),
            it.runs.to_string(),
            newest.format("%Y-%m-%d %H:%M").to_string(),
        ]
    });
    let headings = ["Baseline", "Scenario", "Runs", "Newest"];
    let table = terminal::table(&headings, rows.collect(), 100);
    print(&format!("{table}\n"))
}

/// Adds all saved runs among the results to the history. Those that cannot be read are named.
fn rebuild(results: &Path, environment: &CliEnvironment) -> Result<Exit, CliError> {
    let mut history = kept::open(results)?;
    let mut errors = Output::new(anstream::stderr());
    let (mut added, mut exit) = (0, Exit::Completed);
    for directory in kept::runs_in(results)? {
        match kept::read(&directory, environment) {
            Ok(mut entry) => {
                // The run's directory does not have this.
                let known = history.run(&entry.id);
                let known = known.map_err(|error| kept::failed(&error))?;
                entry.conditions.is_older_version =
                    known.is_some_and(|it| it.conditions.is_older_version);
                history.add(&entry).map_err(|error| kept::failed(&error))?;
                added += 1;
            }
            Err(error) => {
                errors.line(&error.render());
                exit = Exit::Internal;
            }
        }
    }
    print(&format!("{} read again\n", units::counted(added, "run")))?;
    Ok(exit)
}

/// Prints text. A reader who has left is no error.
fn print(text: &str) -> Result<Exit, CliError> {
    match anstream::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::standard_output("the history", error))
        }
        _ => Ok(Exit::Completed),
    }
}
