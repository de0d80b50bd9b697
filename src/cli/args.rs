//! What can be typed. What it means is for [`settings`](super::settings).

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};

use crate::scenario::{Arrivals, parse_rate};

use super::doctor::AnswerArgs;
use super::failure_limit::FailureLimit;
use super::{duration, exit};

const EXAMPLES: &str =
    "  rehearsal run                                    one order, told step by step
  rehearsal run --flows 200 --parallel 50 --save   many, at once, kept in a folder
  rehearsal run --rate 5/s --duration 1m           by the clock, slow programs or not
  rehearsal run --flows 50 --threshold 'flow.p95 < 2s'
                                                   exit code 99 if that is not so
  rehearsal run my.yaml --var user=ann -v          your own programs, dialogue in the log
  rehearsal run --flows 200 --parallel 50 --chaos 'kill 5%, freeze 2% for 500ms'
                                                   break things on purpose, see what recovers
  rehearsal run --chaos 'kill once at 06_approve_order'
                                                   or one thing, in one place
  rehearsal run --json | jq .summary               for other programs
  rehearsal report rehearsal-results/REAL-E2E-…    what came of a run that was kept
  rehearsal replay rehearsal-results/REAL-E2E-…/bundles/failed-000012
                                                   a flow that failed, again
  rehearsal check my.yaml                          what is wrong, or what would be done
  rehearsal                                        a menu";

const ENVIRONMENT: &str =
    "  REHEARSAL_RESULTS  the folder for results and logs (default: ./rehearsal-results)
  REHEARSAL_SHOP_DB  the shop's database (default: a new one for each run)
  NO_COLOR           no colours; CLICOLOR_FORCE=1 for colours always
  TMPDIR             where runs have their temporary files";

const REPLAY_HELP: &str = "Exit codes:
  0    gone: the flow was completed
  1    reproduced: it failed at the same step, by the same cause, and saw the same
  3    changed: it failed in another way
  2, 70, 130  as of `rehearsal run`";

fn after_help() -> String {
    use anstyle::Style;
    const HEADING: Style = Style::new().bold().underline();
    let sections = [
        ("Examples", EXAMPLES),
        ("Exit codes", exit::HELP),
        ("Environment", ENVIRONMENT),
    ];
    sections
        .map(|(name, text)| format!("{HEADING}{name}:{HEADING:#}\n{text}"))
        .join("\n\n")
}

/// Load tests for the programs that people talk to
///
/// Rehearsal plays whole business journeys through interactive, menu-driven programs, many at
/// once, and reports only what it saw. Without a command it opens a menu.
#[derive(Debug, Parser)]
#[command(
    name = "rehearsal",
    version,
    after_help = after_help(),
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Run the built-in scenario at once instead of opening the menu; as `rehearsal run`
    #[arg(long)]
    pub batch: bool,

    /// Explain first what is going to happen
    #[arg(long)]
    pub demo: bool,

    #[command(flatten)]
    pub options: RunArgs,
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Perform the flows of a scenario, and report
    Run {
        /// The scenario's file; without one, an order's way through the built-in shop
        scenario: Option<PathBuf>,
        #[command(flatten)]
        options: Box<RunArgs>,
    },
    /// Say what is wrong with a scenario, or what it would do and whether this machine has room
    Check {
        /// The scenario's file; without one, the built-in scenario
        #[arg(value_name = "FILE")]
        scenario: Option<PathBuf>,
        /// How many flows would run at once [default: as the scenario says]
        #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
        parallel: Option<u64>,
        /// Take another value for a variable, as `run` does
        #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
        variables: Vec<(String, String)>,
        /// A folder in which programs are looked for; may be given several times
        #[arg(long, value_name = "DIR")]
        scripts: Vec<PathBuf>,
        /// Say what this would do to scripts on purpose, as `run` does it
        #[arg(long = "chaos", value_name = "CHAOS")]
        chaos: Vec<String>,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Show the report of a saved run again, also of one that was killed
    Report {
        /// The folder that `run --save` has made
        folder: PathBuf,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Perform a flow of which a run has kept a bundle again, with the same values, and say whether
    /// it fails in the same way
    #[command(after_help = REPLAY_HELP)]
    Replay {
        /// The bundle: a folder in the `bundles` of a run
        bundle: PathBuf,
        /// Wait for Enter before each step
        #[arg(long)]
        step: bool,
        /// Give a variable another value, or a secret one its value: bundles hold no secrets
        #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
        variables: Vec<(String, String)>,
        /// Perform this scenario, changed or not, instead of the one that was run
        #[arg(long, value_name = "FILE")]
        scenario: Option<PathBuf>,
        /// A folder in which programs are looked for; may be given several times
        #[arg(long, value_name = "DIR")]
        scripts: Vec<PathBuf>,
        /// Print what came of it as JSON on standard output and nothing else
        #[arg(long)]
        json: bool,
    },
    /// Make one run of several of the same scenario, with exact percentiles
    Merge {
        /// The folders that `run --save` has made, on this machine or on others
        #[arg(required = true, num_args = 2.., value_name = "FOLDER")]
        folders: Vec<PathBuf>,
        /// The new folder for what comes of it
        #[arg(long, value_name = "DIR")]
        into: PathBuf,
    },
    /// Print the JSON Schema of scenarios, for editors
    Schema,
    /// Measure how far answer times that are measured on this machine can be trusted
    Doctor {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Be the program that `doctor` talks to
    #[command(name = "__answer", hide = true)]
    Answer(AnswerArgs),
    /// Be one of the shop's programs, which the built-in scenario talks to; see `shop --help`
    #[command(disable_help_flag = true)]
    Shop {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        arguments: Vec<OsString>,
    },
}

/// How much is performed, and when. Where nothing is said, the scenario decides.
#[derive(Debug, Default, Clone, PartialEq, clap::Args)]
#[command(next_help_heading = "Load")]
pub struct LoadArgs {
    /// How many flows [default: as the scenario says, usually 1]
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    pub flows: Option<u64>,

    /// How many of them at once, each worker starting its next when its last has ended
    /// [default: as the scenario says, usually 1]
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    pub parallel: Option<u64>,

    /// How long flows are started: 30s, 5m
    #[arg(long, value_name = "S", value_parser = duration::parse_some, allow_hyphen_values = true)]
    pub duration: Option<Duration>,

    /// Start flows by the clock, whatever became of those before: 5/s, 90/m, 40/h
    #[arg(long, value_name = "RATE", value_parser = rate, allow_hyphen_values = true)]
    pub rate: Option<f64>,

    /// Change --parallel or --rate linearly: 30s:50,2m:50,30s:0
    #[arg(long, value_name = "S:N,…", value_parser = stages)]
    pub stages: Option<Stages>,

    /// Spread the flows of a rate evenly, or as independent people come (from the seed)
    #[arg(long, value_name = "even|poisson", value_parser = arrivals)]
    pub arrivals: Option<Arrivals>,

    /// Drop flows that are due while so many are under way [default: 200]
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    pub most_in_flight: Option<u64>,

    /// How many flows each worker performs
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    pub flows_each: Option<u64>,

    /// How long a worker rests after a flow
    #[arg(long, value_name = "S", value_parser = duration::parse, allow_hyphen_values = true, conflicts_with = "pace")]
    pub pause: Option<Duration>,

    /// How often a worker starts a flow
    #[arg(long, value_name = "S", value_parser = duration::parse, allow_hyphen_values = true)]
    pub pace: Option<Duration>,

    /// Perform the flows due in this time, and do not count them
    #[arg(long, value_name = "S", value_parser = duration::parse, allow_hyphen_values = true)]
    pub warm_up: Option<Duration>,

    /// How long flows may take to finish when the time is over, or after Ctrl-C [default: 30s]
    #[arg(long, value_name = "S", value_parser = duration::parse, allow_hyphen_values = true)]
    pub graceful_stop: Option<Duration>,
}

/// How a run is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Progress {
    #[default]
    Auto,
    Bar,
    Plain,
    None,
}

/// How a scenario is run.
#[derive(Debug, Default, Clone, clap::Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub load: LoadArgs,

    /// The customer; the same as --var customer_id=ID
    #[arg(long, value_name = "ID")]
    pub customer: Option<String>,

    /// Give a variable of the scenario another value
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    pub variables: Vec<(String, String)>,

    /// How long each step may take, instead of what the scenario says: 60, 2.5, 500ms, 1m
    #[arg(long, value_name = "S", value_parser = duration::parse_some, allow_hyphen_values = true)]
    pub timeout: Option<Duration>,

    /// How long to pause before each step, instead of what the scenario says
    #[arg(long, value_name = "S", value_parser = duration::parse, allow_hyphen_values = true)]
    pub delay: Option<Duration>,

    /// A folder in which programs are looked for; may be given several times
    #[arg(long, value_name = "DIR")]
    pub scripts: Vec<PathBuf>,

    /// Keep the results in a folder of the run's own in DIR [default: see Environment]. DIR needs
    /// the `=`
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true)]
    pub save: Option<Option<PathBuf>>,

    /// How many failed flows are kept as bundles, to look at and to replay [default: 50]
    #[arg(long, value_name = "N")]
    pub bundles: Option<u64>,

    /// How many of those that look alike [default: 3]
    #[arg(long, value_name = "N")]
    pub bundles_alike: Option<u64>,

    /// Keep no bundles; otherwise they are kept of failed flows always, and with --save of the
    /// slowest, too
    #[arg(long, conflicts_with_all = ["bundles", "bundles_alike"])]
    pub no_bundles: bool,

    /// Where all random choices come from; to repeat a run, take the seed from its log or results
    #[arg(long, value_name = "N", value_parser = seed, allow_negative_numbers = true)]
    pub seed: Option<u64>,

    /// Demand something of a figure, as in 'flow.p95 < 2s' or 'step.NAME.failed_rate < 1%'; may be
    /// given several times, and adds to what the scenario demands. With 'over 10s' behind it, every
    /// stretch of that length has to meet it; with 'stop', the run ends as soon as it is not met
    #[arg(long = "threshold", value_name = "EXPR")]
    pub thresholds: Vec<String>,

    /// Do something to scripts on purpose, to see what becomes of it, as in 'kill 5%, freeze 2% for
    /// 500ms' or 'kill once at STEP'; may be given several times, and adds to what the scenario
    /// wants. Kinds: kill, freeze, close, garbage, long_line, dribble, slow_read, delay, refuse; how
    /// often: P% of the steps, once, nth N; where: at STEP, role ROLE, turn NAME, flow N
    #[arg(long = "chaos", value_name = "CHAOS")]
    pub chaos: Vec<String>,

    /// How many flows may fail, or which part of them: 3, 0.5% [default: none]
    #[arg(long, value_name = "N|P%", value_parser = str::parse::<FailureLimit>)]
    pub allow_failures: Option<FailureLimit>,

    /// Print the result, all flows with it, as JSON on standard output and nothing else
    #[arg(long)]
    pub json: bool,

    /// How the run is followed: bars on a terminal and plain lines elsewhere (auto), bars, plain
    /// lines, or nothing until the report
    #[arg(
        long,
        value_name = "HOW",
        value_enum,
        default_value_t,
        hide_default_value = false
    )]
    pub progress: Progress,

    /// Tell the run to a program as it goes on, in lines of JSON on standard output (the report is
    /// then on standard error) or in FILE, which needs the `=`
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub json_lines: Option<Option<PathBuf>>,

    /// Show what programs say (<) and are told (>) as it happens
    #[arg(long)]
    pub show_dialogue: bool,

    /// Put what programs say and are told into the log, too
    #[arg(short, long)]
    pub verbose: bool,
}

/// The stages of a ramp: how long each takes, and the value at its end.
pub type Stages = Box<[(Duration, f64)]>;

impl Args {
    /// Reads what was typed, the program's name first.
    ///
    /// # Errors
    /// What is wrong with it; or help or the version, if that is what was asked for.
    pub fn read(arguments: &[OsString]) -> Result<Self, clap::Error> {
        Args::try_parse_from(arguments).map_err(|mut error| {
            if let Some(folder) = folder_after_save(&error, arguments) {
                let hint = format!("to save results in that folder, write --save={folder}");
                let hint = ContextValue::StyledStrs(vec![hint.into()]);
                error.insert(ContextKind::Suggested, hint);
            }
            error
        })
    }
}

/// The argument too many, if it is one that stands after `--save`, which takes none.
fn folder_after_save<'e>(error: &'e clap::Error, arguments: &[OsString]) -> Option<&'e str> {
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

/// A whole number that is not 0.
fn count(text: &str) -> Result<u64, String> {
    match text.trim().parse::<i128>() {
        Ok(number) if number < 1 => Err("it must be 1 or more".into()),
        Ok(number) => u64::try_from(number).map_err(|_| "it is too large".into()),
        Err(_) => Err("write a whole number from 1 on".into()),
    }
}

fn seed(text: &str) -> Result<u64, String> {
    match text.trim().parse::<i128>() {
        Ok(number) if number < 0 => Err("it must be 0 or more".into()),
        Ok(number) => u64::try_from(number).map_err(|_| "it is too large".into()),
        Err(_) => Err("write a whole number from 0 on".into()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match parse_rate(text) {
        Some(rate) if rate > 0.0 => Ok(rate),
        None if !text.trim().starts_with('-') => Err("write 5/s, 90/m or 40/h".into()),
        _ => Err("it must be more than nothing: write 5/s, 90/m or 40/h".into()),
    }
}

fn arrivals(text: &str) -> Result<Arrivals, String> {
    match text {
        "even" => Ok(Arrivals::Even),
        "poisson" => Ok(Arrivals::Poisson),
        _ => Err("write even or poisson".into()),
    }
}

fn stages(text: &str) -> Result<Stages, String> {
    let stage = |stage: &str| {
        let (length, value) = stage.split_once(':')?;
        let length = duration::parse_some(length).ok()?;
        let value = value
            .trim()
            .parse::<f64>()
            .ok()
            .or_else(|| parse_rate(value))?;
        (value.is_finite() && value >= 0.0).then_some((length, value))
    };
    let stages: Option<Stages> = text.split(',').map(stage).collect();
    stages.ok_or_else(|| "write how long and to which value, as in 30s:50,2m:50,30s:0".into())
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        _ => Err("write NAME=VALUE".into()),
    }
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
    fn what_is_refused_is_said_in_words() {
        let cases = [
            ("--flows -1", "it must be 1 or more"),
            ("--flows 0", "it must be 1 or more"),
            ("--flows abc", "write a whole number from 1 on"),
            ("--parallel 1.5", "write a whole number from 1 on"),
            ("--seed -1", "it must be 0 or more"),
            ("--timeout -1", "it must be more than nothing"),
            ("--timeout -1s", "it must be more than nothing"),
            ("--timeout 0", "it must be more than nothing"),
            ("--delay -2", "it cannot be less than nothing"),
            ("--delay --json", "write seconds"),
            ("--rate -1", "it must be more than nothing"),
            ("--rate 0/s", "it must be more than nothing"),
            ("my.yaml --save out", "write --save=out"),
        ];
        for (line, told) in cases {
            let line = format!("rehearsal run {line}");
            let line: Vec<OsString> = line.split_whitespace().map(Into::into).collect();
            let error = Args::read(&line).unwrap_err().to_string();
            assert!(error.contains(told), "{line:?}: {error}");
            assert!(!error.contains("18446744073709551615"), "{error}");
        }
    }
}
