//! The meaning of a command line.

mod load;
pub(super) mod outputs;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::report::terminal::Detail;
use crate::scenario::{FaultRules, Load, Plan};
use crate::stats::EvidenceLimits;
use crate::stats::Threshold;

use super::args::{ExportArgs, LoadArgs, Progress, RunArgs, SegmentArgs, SeriesArgs};
use super::error::CliError;
use super::failure_limit::FailureLimit;

/// The default limits of bundles. The slowest flows are kept only of runs that are saved.
const DEFAULT_BUNDLES: EvidenceLimits = EvidenceLimits {
    in_all: 50,
    alike: 3,
    slowest: 3,
};

/// Limits that keep no bundles.
pub(super) const NO_BUNDLES: EvidenceLimits = EvidenceLimits {
    in_all: 0,
    alike: 0,
    slowest: 0,
};

/// Settings of a run. An absent one is the scenario's choice.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSettings {
    pub scenario: ScenarioChoice,
    pub load: LoadArgs,
    /// The part of a larger run, and its common start.
    pub segment: SegmentArgs,
    /// Repeated runs and their comparison.
    pub series: SeriesArgs,
    /// In order of precedence: a later one replaces an earlier one of the same name.
    pub variables: Vec<(String, String)>,
    pub step_timeout: Option<Duration>,
    pub delay: Option<Duration>,
    pub scripts: Vec<PathBuf>,
    pub save: Save,
    /// A report for browsers is written, to a file or to the usual place.
    pub html: Option<Option<PathBuf>>,
    /// The address to serve the live page at.
    pub live: Option<SocketAddr>,
    pub seed: Option<u64>,
    /// Limits of the flows that are kept as bundles.
    pub bundles: EvidenceLimits,
    /// Thresholds in addition to those of the scenario, as typed.
    pub thresholds: Vec<String>,
    /// Faults in addition to those of the scenario, as typed.
    pub chaos: Vec<String>,
    pub allowed_failures: FailureLimit,
    /// The number of failed flows that stops the run.
    pub fail_fast: Option<u64>,
    pub format: OutputFormat,
    pub progress: Progress,
    /// The report at the end, if there is one.
    pub report: Option<Detail>,
    pub json_lines: Option<Destination>,
    pub exports: ExportArgs,
    /// The address to serve metrics at.
    pub prometheus: Option<SocketAddr>,
    pub dialogue: DialogueLogging,
    /// Dialogue is shown as it happens.
    pub shows_dialogue: bool,
}

/// The scenario to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScenarioChoice {
    /// An order through the built-in shop.
    BuiltIn,
    File(PathBuf),
    /// This text, as if read from the file.
    Text {
        text: String,
        file: PathBuf,
    },
}

/// The place to save results in, if they are saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Save {
    No,
    /// In the default directory.
    Usual,
    In(PathBuf),
}

/// The reader that standard output is reserved for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    People,
    Json,
}

/// The destination of JSON lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    StandardOutput,
    File(PathBuf),
}

/// Presence of dialogue in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialogueLogging {
    LeftOut,
    Logged,
}

impl RunSettings {
    /// Derives the settings from the arguments.
    ///
    /// # Errors
    /// If the directory for scripts is not a directory, or two options exclude each other.
    pub fn new(scenario: Option<PathBuf>, args: RunArgs) -> Result<Self, CliError> {
        for directory in &args.scripts {
            if !directory.is_dir() {
                return Err(CliError::usage(
                    format_args!("--scripts: {} is not a directory", directory.display()),
                    "name the directory in which your programs are",
                ));
            }
        }
        let json_lines = args.json_lines.map(|file| match file {
            None => Destination::StandardOutput,
            Some(file) => Destination::File(file),
        });
        let inputs: Vec<_> = scenario.iter().cloned().collect();
        outputs::check(
            &inputs,
            args.html.as_ref(),
            json_lines.as_ref(),
            &args.exports,
        )?;
        if args.json && json_lines == Some(Destination::StandardOutput) {
            return Err(CliError::usage(
                "--json and --json-lines both write to standard output",
                "give one of them a file: --json-lines=FILE",
            ));
        }
        let customer = args.customer.map(|id| ("customer_id".to_owned(), id));
        Ok(RunSettings {
            scenario: scenario.map_or(ScenarioChoice::BuiltIn, ScenarioChoice::File),
            load: args.load,
            segment: args.segment,
            series: args.series,
            variables: customer.into_iter().chain(args.variables).collect(),
            step_timeout: args.timeout,
            delay: args.delay,
            scripts: args.scripts,
            save: match args.save {
                None => Save::No,
                Some(None) => Save::Usual,
                Some(Some(directory)) => Save::In(directory),
            },
            html: args.html,
            live: args.live.address(),
            seed: args.seed,
            bundles: if args.no_bundles {
                NO_BUNDLES
            } else {
                EvidenceLimits {
                    in_all: args.bundles.unwrap_or(DEFAULT_BUNDLES.in_all),
                    alike: args.max_bundles_per_cause.unwrap_or(DEFAULT_BUNDLES.alike),
                    ..DEFAULT_BUNDLES
                }
            },
            thresholds: args.thresholds,
            chaos: args.chaos,
            allowed_failures: args.allow_failures.unwrap_or_default(),
            fail_fast: args.stop.fail_fast,
            format: if args.json {
                OutputFormat::Json
            } else {
                OutputFormat::People
            },
            progress: match args.quiet {
                true => Progress::None,
                false => args.progress,
            },
            report: match args.quiet {
                true => Some(Detail::Headline),
                false => args.detail.report.detail(),
            },
            json_lines,
            exports: args.exports,
            prometheus: args.prometheus,
            shows_dialogue: args.show_dialogue,
            dialogue: if args.verbose {
                DialogueLogging::Logged
            } else {
                DialogueLogging::LeftOut
            },
        })
    }

    /// The load, given the scenario's.
    ///
    /// # Errors
    /// If options exclude each other.
    pub fn load(&self, scenario: &Load) -> Result<Load, CliError> {
        load::resolve(&self.load, scenario)
    }

    /// The thresholds of the scenario, then those of the command line.
    ///
    /// # Errors
    /// If a typed threshold is invalid for this scenario.
    pub fn thresholds(&self, plan: &Plan) -> Result<Vec<Threshold>, CliError> {
        let steps: Vec<_> = plan.steps.iter().map(|step| step.name.as_str()).collect();
        let mut thresholds = plan.thresholds.clone();
        for text in &self.thresholds {
            let threshold = Threshold::parse(text, &steps).map_err(|error| {
                CliError::usage(format_args!("--threshold '{text}': {error}"), &error.help)
            })?;
            if threshold.is_of_integrity() && plan.integrity.is_empty() {
                return Err(CliError::usage(
                    format_args!("--threshold '{text}': the scenario has no integrity checks"),
                    "add them to it: integrity: {unique: [order_id]}",
                ));
            }
            thresholds.push(threshold);
        }
        Ok(thresholds)
    }

    /// The fault rules of the scenario, then those of the command line.
    ///
    /// # Errors
    /// If a typed rule is malformed, or invalid for this scenario.
    pub fn chaos(&self, plan: &Plan) -> Result<FaultRules, CliError> {
        let mut chaos = plan.faults.clone();
        for text in &self.chaos {
            let more = FaultRules::parse(text, &plan.rule_context()).map_err(|error| {
                CliError::usage(format_args!("--chaos '{text}': {error}"), &error.help)
            })?;
            chaos.rules.extend(more.rules);
        }
        Ok(chaos)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::args::{Args, Command};
    use super::*;

    fn settings(line: &str) -> RunSettings {
        let args = Args::try_parse_from(line.split_whitespace()).unwrap();
        match args.command {
            Some(Command::Run { scenario, options }) => {
                RunSettings::new(scenario, *options).unwrap()
            }
            None => RunSettings::new(None, args.options).unwrap(),
            Some(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn both_forms_mean_the_same() {
        let pairs = [
            ("--batch", "run"),
            ("--batch --flows 3 --save", "run --flows 3 --save"),
            (
                "--batch --customer CUST005 --save",
                "run --save --var customer_id=CUST005",
            ),
            (
                "--batch --flows 5 --timeout 60 --delay 2.0",
                "run --flows 5 --timeout 1m --delay 2s",
            ),
            ("--demo --batch", "run"),
            (
                "--batch --parallel 2 --seed 7 -v",
                "run --verbose --seed=7 --parallel=2",
            ),
        ];
        for (old, tidy) in pairs {
            let (old, tidy) = (format!("rehearsal {old}"), format!("rehearsal {tidy}"));
            assert_eq!(settings(&old), settings(&tidy), "{old}");
        }
    }

    #[test]
    fn saving_does_not_swallow_the_scenario() {
        let settings = settings("rehearsal run --save my.yaml");
        assert_eq!(settings.save, Save::Usual);
        assert_eq!(settings.scenario, ScenarioChoice::File("my.yaml".into()));
    }

    #[test]
    fn a_directory_for_results_comes_with_an_equals_sign() {
        assert_eq!(
            settings("rehearsal run --save=out").save,
            Save::In("out".into())
        );
    }

    fn load(line: &str, scenario: &Load) -> Load {
        settings(&format!("rehearsal run {line}"))
            .load(scenario)
            .unwrap()
    }

    #[test]
    fn load_options_override_the_scenario() {
        let scenario = Load::closed(10, 2);
        assert_eq!(load("", &scenario), scenario);
        assert_eq!(load("--flows 3", &scenario), Load::closed(3, 2));
        assert_eq!(load("--parallel 4", &scenario), Load::closed(10, 4));
        let timed = load("--duration 5", &scenario);
        assert_eq!(
            (timed.flows, timed.duration),
            (None, Some(Duration::from_secs(5)))
        );
        let both = load("--duration 5 --flows 7", &scenario);
        assert_eq!(
            (both.flows, both.duration),
            (Some(7), Some(Duration::from_secs(5)))
        );
    }

    #[test]
    fn a_rate_makes_the_load_an_open_one() {
        let open = load(
            "--rate 90/m --duration 1m --arrivals poisson",
            &Load::closed(1, 1),
        );
        assert_eq!(
            open.to_string(),
            "1.5/s on average, as they come, at most 200 in flight"
        );
        assert_eq!(open.flows, None);
        let ramped = load("--rate 1/s --stages 30s:5/s,30s:5", &Load::closed(1, 1));
        assert_eq!(ramped.end(), Some(Duration::from_secs(60)));
        assert_eq!(
            load("--parallel 3 --flows 9", &open),
            Load {
                duration: None,
                ..Load::closed(9, 3)
            }
        );
    }

    #[test]
    fn options_that_do_not_go_together_are_refused() {
        for line in [
            "--rate 5/s --parallel 3",
            "--max-in-flight 3",
            "--warm-up 10 --duration 5",
        ] {
            let settings = settings(&format!("rehearsal run {line}"));
            assert!(settings.load(&Load::closed(1, 1)).is_err(), "{line}");
        }
    }

    #[test]
    fn stages_that_cannot_be_meant_are_refused() {
        for (line, expected) in [
            ("--stages 0s:5", "nothing ends the load of --stages 0s:5"),
            ("--stages 0s:0 --flows 3", "of --stages 0s:0 starts no flow"),
            ("--stages 2s:0,0s:5", "of --stages 2s:0,0s:5 starts no flow"),
            ("--stages 500ms:1", "of --stages 500ms:1 starts no flow"),
            ("--rate 5/s --stages 0s:0 --flows 3", "starts no flow"),
            ("--stages 5s:4,30s:5/s", "--stages 30s:5/s has a rate"),
            (
                "--stages 30s:5/s --parallel 2",
                "--stages 30s:5/s has a rate",
            ),
        ] {
            let settings = settings(&format!("rehearsal run {line}"));
            let error = settings.load(&Load::closed(1, 1)).unwrap_err();
            assert!(error.to_string().contains(expected), "{line}: {error}");
        }
        for line in [
            "--stages 0s:5 --flows 9",
            "--stages 0s:5 --duration 2s",
            "--stages 0s:5 --flows-each 2",
            "--stages 2s:0,0s:5 --duration 5s",
            "--stages 500ms:2",
            "--rate 1/s --stages 30s:5/s",
            "--rate 1/s --stages 30s:5",
        ] {
            load(line, &Load::closed(1, 1));
        }
    }
}
