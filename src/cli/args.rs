//! Command-line arguments as typed. Their meaning is worked out in [`settings`](super::settings).

mod baseline;
mod capacity;
mod exports;
mod films;
mod help;
mod init;
mod launch;
mod live;
mod record;
mod report;
mod schedule;
mod segment;
mod stop;
mod values;
mod watch;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};

use crate::scenario::Arrivals;

pub use baseline::{CompareArgs, ComparingArgs, HistoryArgs, HistoryCommand, SeriesArgs};
pub use capacity::CapacityArgs;
pub use exports::ExportArgs;
pub use films::FilmArgs;
pub use init::{InitAnswers, InitArgs};
pub use launch::{JobArgs, LaunchArgs, LaunchCommand};
pub use live::LiveArgs;
pub use record::RecordArgs;
pub use report::{DetailArgs, ReportArgs, ReportDetail};
pub use schedule::ScheduleArgs;
pub use segment::SegmentArgs;
pub use stop::StopArgs;
pub(super) use values::variable;
pub use values::{StageArg, Stages};
pub use watch::WatchArgs;

use values::{address, arrivals, count, rate, seed, stages};

use super::doctor::AnswerArgs;
use super::failure_limit::FailureLimit;
use super::{duration, guide};

/// Load tests for the programs that people talk to
///
/// Rehearsal runs whole business journeys through interactive, menu-driven programs, many in
/// parallel, and reports latencies, and failures with their causes. Without a command, it opens a
/// menu.
#[derive(Debug, Parser)]
#[command(
    name = "rehearsal",
    version,
    after_help = help::after_help(),
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Run the built-in scenario instead of opening the menu; same as `rehearsal run`
    #[arg(long)]
    pub batch: bool,

    /// Explain the run before starting it
    #[arg(long)]
    pub demo: bool,

    #[command(flatten)]
    pub options: RunArgs,
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the flows of a scenario and report the results
    #[command(after_help = help::after_help_of_run())]
    Run {
        /// The scenario file, or `-` for standard input [default: an order through the built-in shop]
        scenario: Option<PathBuf>,
        #[command(flatten)]
        options: Box<RunArgs>,
    },
    /// Write a commented starter scenario; in a terminal, it asks about your program
    #[command(after_help = help::INIT)]
    Init(Box<InitArgs>),
    /// Check a scenario without running it: show errors, or the plan and the resources it needs
    #[command(after_help = help::CHECK)]
    Check {
        /// The scenario file, or `-` for standard input [default: the built-in scenario]
        #[arg(value_name = "FILE")]
        scenario: Option<PathBuf>,
        /// Number of flows in parallel [default: from the scenario]
        #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
        parallel: Option<u64>,
        /// Set a variable of the scenario, as for `run`
        #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
        variables: Vec<(String, String)>,
        /// A directory to search for programs; may be repeated
        #[arg(long, value_name = "DIR")]
        scripts: Vec<PathBuf>,
        /// Show what these faults would do, as for `run`
        #[arg(long = "chaos", value_name = "CHAOS")]
        chaos: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the report of a saved run, even of one that was killed; or list the saved runs
    #[command(after_help = help::REPORT)]
    Report(ReportArgs),
    /// Run a flow again from its bundle, with the same values, and tell whether it fails in the same
    /// way
    #[command(after_help = films::REPLAY_HELP)]
    Replay(ReplayArgs),
    /// Work with a program by hand, and get the scenario that does it
    #[command(after_help = record::HELP)]
    Record(RecordArgs),
    /// Combine several runs of the same scenario, with exact percentiles
    #[command(after_help = help::MERGE)]
    Merge {
        /// Directories made by `run --save`, on this machine or others, or directories that hold several;
        /// `last` is the newest one
        #[arg(required = true, num_args = 1.., value_name = "DIR")]
        directories: Vec<PathBuf>,
        /// The new directory for the combined run
        #[arg(long, value_name = "DIR")]
        into: PathBuf,
        #[command(flatten)]
        detail: DetailArgs,
    },
    /// Find the highest load at which thresholds hold
    #[command(after_help = capacity::HELP)]
    Capacity(Box<CapacityArgs>),
    /// Share a run out among machines by Slurm, Kubernetes or GNU parallel, and merge the results
    #[command(after_help = launch::HELP)]
    Launch(Box<LaunchArgs>),
    /// Watch the segments of a run in progress as one: progress, failures, a live page
    #[command(after_help = watch::HELP)]
    Watch(WatchArgs),
    /// Compare saved runs: what has become slower, and how sure that is
    #[command(after_help = baseline::COMPARE_HELP)]
    Compare(Box<CompareArgs>),
    /// List saved runs, and show the trend of their figures
    #[command(after_help = baseline::HISTORY_HELP)]
    History(HistoryArgs),
    /// Make runs at the times of a cron expression, one at a time, until Ctrl-C
    #[command(after_help = schedule::SCHEDULE_HELP)]
    Schedule(ScheduleArgs),
    /// Print a page of the guide, or the list of its topics
    Guide {
        /// The topic
        #[arg(value_parser = guide::topics(), hide_possible_values = true)]
        topic: Option<String>,
    },
    /// Print the JSON Schema of scenarios, for editors
    Schema,
    /// Measure how accurate latencies are on this machine
    Doctor {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Run the program that `doctor` talks to
    #[command(name = "__answer", hide = true)]
    Answer(AnswerArgs),
    /// Run one of the programs of the built-in shop; see `shop --help`
    #[command(disable_help_flag = true)]
    Shop {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        arguments: Vec<OsString>,
    },
}

/// Load options. The scenario decides where none is given.
#[derive(Debug, Default, Clone, PartialEq, clap::Args)]
#[command(next_help_heading = "Load")]
pub struct LoadArgs {
    /// Number of flows [default: from the scenario, usually 1]
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    pub flows: Option<u64>,

    /// Number of flows in parallel; each worker starts its next flow when its last one has ended
    /// [default: from the scenario, usually 1]
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    pub parallel: Option<u64>,

    /// Start flows for this long: 30s, 5m
    #[arg(long, value_name = "S", value_parser = duration::parse_some, allow_hyphen_values = true)]
    pub duration: Option<Duration>,

    /// Start flows at a fixed rate, whether or not earlier ones have ended: 5/s, 90/m, 40/h
    #[arg(long, value_name = "RATE", value_parser = rate, allow_hyphen_values = true)]
    pub rate: Option<f64>,

    /// Ramp --parallel or --rate linearly: 30s:50,2m:50,30s:0; a length of 0s is a step
    #[arg(long, value_name = "S:N,…", value_parser = stages)]
    pub stages: Option<Stages>,

    /// Spacing of a rate: even, or random as independent users arrive (from the seed)
    #[arg(long, value_name = "even|poisson", value_parser = arrivals)]
    pub arrivals: Option<Arrivals>,

    /// Drop flows that are due while this many are in flight [default: 200]
    #[arg(long, alias = "most-in-flight", value_name = "N", value_parser = count, allow_negative_numbers = true)]
    pub max_in_flight: Option<u64>,

    /// Number of flows per worker
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    pub flows_each: Option<u64>,

    /// Pause of each worker after a flow
    #[arg(long, value_name = "S", value_parser = duration::parse, allow_hyphen_values = true, conflicts_with = "pace")]
    pub pause: Option<Duration>,

    /// Interval between the starts of a worker's flows
    #[arg(long, value_name = "S", value_parser = duration::parse, allow_hyphen_values = true)]
    pub pace: Option<Duration>,

    /// Run flows for this long before measuring
    #[arg(long, value_name = "S", value_parser = duration::parse, allow_hyphen_values = true)]
    pub warm_up: Option<Duration>,

    /// Time for flows in flight to finish at the end or after Ctrl-C [default: 30s]
    #[arg(long, value_name = "S", value_parser = duration::parse, allow_hyphen_values = true)]
    pub graceful_stop: Option<Duration>,
}

/// The form in which progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Progress {
    #[default]
    Auto,
    Bar,
    Plain,
    None,
}

/// The options of `replay`.
#[derive(Debug, clap::Args)]
pub struct ReplayArgs {
    /// The bundle: a directory in the `bundles` directory of a run. `last` is the first one of the
    /// newest run, `last/failed-000012` another of that run
    pub bundle: PathBuf,
    /// Wait for Enter before each step
    #[arg(long)]
    pub step: bool,
    /// Set a variable; needed for secrets, which bundles do not hold
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    pub variables: Vec<(String, String)>,
    /// Use this scenario instead of the one that was run
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// A directory to search for programs; may be repeated
    #[arg(long, value_name = "DIR")]
    pub scripts: Vec<PathBuf>,
    /// Print the outcome as JSON to standard output, and nothing else
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub films: FilmArgs,
}

/// Options of a run.
#[derive(Debug, Default, Clone, clap::Args)]
pub struct RunArgs {
    /// The customer; same as --var customer_id=ID
    #[arg(long, value_name = "ID")]
    pub customer: Option<String>,

    /// Set a variable of the scenario
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    pub variables: Vec<(String, String)>,

    /// Time limit of each step, overriding the scenario: 60, 2.5, 500ms, 1m
    #[arg(long, value_name = "S", value_parser = duration::parse_some, allow_hyphen_values = true)]
    pub timeout: Option<Duration>,

    /// Pause before each step, overriding the scenario
    #[arg(long, value_name = "S", value_parser = duration::parse, allow_hyphen_values = true)]
    pub delay: Option<Duration>,

    /// A directory to search for programs; may be repeated
    #[arg(long, value_name = "DIR")]
    pub scripts: Vec<PathBuf>,

    /// Save the results in a new directory in DIR; write --save=DIR [default: see Environment]
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true)]
    pub save: Option<Option<PathBuf>>,

    /// Write an HTML report at the end: one self-contained file; write --html=FILE to name it
    /// [default: report.html in the run's directory, or, without --save, a file named after the run
    /// among the results]
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub html: Option<Option<PathBuf>>,

    #[command(flatten)]
    pub live: LiveArgs,

    /// Maximum number of failed flows kept as bundles, to inspect and replay [default: 50]
    #[arg(long, value_name = "N")]
    pub bundles: Option<u64>,

    /// Maximum number of bundles with the same cause [default: 3]
    #[arg(long, alias = "bundles-alike", value_name = "N")]
    pub max_bundles_per_cause: Option<u64>,

    /// Keep no bundles; by default, failed flows are kept, and with --save also the slowest ones
    #[arg(long, conflicts_with_all = ["bundles", "max_bundles_per_cause"])]
    pub no_bundles: bool,

    /// Seed for all random choices; to repeat a run, use the seed from its log or results
    #[arg(long, value_name = "N", value_parser = seed, allow_negative_numbers = true)]
    pub seed: Option<u64>,

    /// A threshold, such as 'flow.p95 < 2s' or 'step.NAME.failed_rate < 1%', in addition to those of
    /// the scenario; may be repeated. With 'over 10s' at its end, it must hold in every window of
    /// that length; with 'stop', the run ends as soon as it is crossed
    #[arg(long = "threshold", value_name = "EXPR")]
    pub thresholds: Vec<String>,

    /// Inject faults, such as 'kill 5%, freeze 2% for 500ms' or 'kill once at STEP', in addition to
    /// those of the scenario; may be repeated. Kinds: kill, freeze, close, garbage, long_line,
    /// dribble, slow_read, bytewise, resize SIZE, delay, refuse; how often: P% of the steps, once, nth N; where: at STEP,
    /// role ROLE, turn NAME, flow N
    #[arg(long = "chaos", value_name = "CHAOS")]
    pub chaos: Vec<String>,

    /// Number or share of flows that may fail: 3, 0.5% [default: none]
    #[arg(long, value_name = "N|P%", value_parser = str::parse::<FailureLimit>)]
    pub allow_failures: Option<FailureLimit>,

    #[command(flatten)]
    pub stop: StopArgs,

    /// Print the result with all flows as JSON to standard output, and nothing else
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub load: LoadArgs,

    #[command(flatten)]
    pub segment: SegmentArgs,

    #[command(flatten)]
    pub series: SeriesArgs,

    #[command(flatten)]
    pub detail: DetailArgs,

    /// Show no progress, and only the headline of the report and the location of the results. Cannot
    /// be combined with --progress, --report or --show-dialogue
    #[arg(short, long, conflicts_with_all = ["progress", "report", "show_dialogue"])]
    pub quiet: bool,

    /// Progress display: bars on a terminal and plain lines elsewhere (auto), bars, plain lines, or
    /// nothing until the report
    #[arg(
        long,
        value_name = "HOW",
        value_enum,
        default_value_t,
        hide_default_value = false
    )]
    pub progress: Progress,

    /// Write progress as JSON lines to standard output (the report then goes to standard error), or,
    /// with --json-lines=FILE, to a file
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub json_lines: Option<Option<PathBuf>>,

    /// Print the programs' output (<) and the replies (>) as they happen
    #[arg(long)]
    pub show_dialogue: bool,

    /// Also write the programs' output and the replies to the log
    #[arg(short, long)]
    pub verbose: bool,

    #[command(flatten)]
    pub exports: ExportArgs,

    /// Serve metrics for Prometheus at http://ADDRESS/metrics during the run: a port on this machine's
    /// loopback address, or an address with a port
    #[arg(
        long,
        value_name = "ADDRESS",
        value_parser = address,
        help_heading = "Outputs for other programs"
    )]
    pub prometheus: Option<SocketAddr>,
}

impl Args {
    /// Parses the arguments; the program's name comes first.
    ///
    /// # Errors
    /// The usage error; or the help or version text, if requested.
    pub fn read(arguments: &[OsString]) -> Result<Self, clap::Error> {
        Args::try_parse_from(arguments).map_err(|mut error| {
            if let Some(directory) = directory_after_save(&error, arguments) {
                let hint = format!("to save results in that directory, write --save={directory}");
                let hint = ContextValue::StyledStrs(vec![hint.into()]);
                error.insert(ContextKind::Suggested, hint);
            }
            error
        })
    }
}

/// Returns the superfluous argument if it follows `--save`, which takes none.
fn directory_after_save<'e>(error: &'e clap::Error, arguments: &[OsString]) -> Option<&'e str> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let Some(ContextValue::String(extra)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let after_save = arguments
        .windows(2)
        .any(|pair| pair[0] == "--save" && pair[1] == extra.as_str());
    (after_save && !extra.starts_with('-')).then_some(extra)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn refused_values_are_explained() {
        let cases = [
            ("--flows -1", "it must be 1 or more"),
            ("--flows 0", "it must be 1 or more"),
            ("--flows abc", "write a whole number of 1 or greater"),
            ("--parallel 1.5", "write a whole number of 1 or greater"),
            ("--seed -1", "it must be 0 or more"),
            ("--timeout -1", "it must be greater than zero"),
            ("--timeout -1s", "it must be greater than zero"),
            ("--timeout 0", "it must be greater than zero"),
            ("--delay -2", "it cannot be negative"),
            ("--delay --json", "write seconds"),
            ("--rate -1", "it must be greater than zero"),
            ("--rate 0/s", "it must be greater than zero"),
            ("--prometheus localhost", "write a port or an address"),
            ("--prometheus 70000", "write a port or an address"),
            ("my.yaml --save out", "write --save=out"),
        ];
        for (line, expected) in cases {
            let line = format!("rehearsal run {line}");
            let line: Vec<OsString> = line.split_whitespace().map(Into::into).collect();
            let error = Args::read(&line).unwrap_err().to_string();
            assert!(error.contains(expected), "{line:?}: {error}");
            assert!(!error.contains("18446744073709551615"), "{error}");
        }
    }
}
