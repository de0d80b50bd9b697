//! What a command line means.

use std::path::PathBuf;
use std::time::Duration;

use super::args::RunArgs;
use super::error::CliError;

/// How a scenario is to be run. Where the scenario decides, it says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSettings {
    pub scenario: ScenarioChoice,
    pub flows: Option<u64>,
    pub parallel: Option<u64>,
    /// In the order in which they count: a later one replaces an earlier one of the same name.
    pub variables: Vec<(String, String)>,
    pub step_timeout: Option<Duration>,
    pub delay: Option<Duration>,
    pub scripts: Vec<PathBuf>,
    pub save: Save,
    pub seed: Option<u64>,
    pub format: Format,
    pub dialogue: Dialogue,
}

/// Which scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScenarioChoice {
    /// An order's way through the shop.
    BuiltIn,
    File(PathBuf),
}

/// Whether results are kept, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Save {
    No,
    /// In the usual folder.
    Usual,
    In(PathBuf),
}

/// Whom standard output is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    People,
    Json,
}

/// Whether the log has what programs say and are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialogue {
    LeftOut,
    Logged,
}

impl RunSettings {
    /// What was typed, resolved.
    ///
    /// # Errors
    /// If a folder for scripts is none.
    pub fn new(scenario: Option<PathBuf>, args: RunArgs) -> Result<Self, CliError> {
        for folder in &args.scripts {
            if !folder.is_dir() {
                return Err(CliError::usage(
                    format_args!("--scripts: {} is not a folder", folder.display()),
                    "name the folder in which your programs are",
                ));
            }
        }
        let customer = args.customer.map(|id| ("customer_id".to_owned(), id));
        Ok(RunSettings {
            scenario: scenario.map_or(ScenarioChoice::BuiltIn, ScenarioChoice::File),
            flows: args.flows,
            parallel: args.parallel,
            variables: customer.into_iter().chain(args.variables).collect(),
            step_timeout: args.timeout,
            delay: args.delay,
            scripts: args.scripts,
            save: match args.save {
                None => Save::No,
                Some(None) => Save::Usual,
                Some(Some(folder)) => Save::In(folder),
            },
            seed: args.seed,
            format: if args.json {
                Format::Json
            } else {
                Format::People
            },
            dialogue: if args.verbose {
                Dialogue::Logged
            } else {
                Dialogue::LeftOut
            },
        })
    }

    /// How many flows, and how many at once, if the scenario says `flows` and `parallel`.
    pub fn load(&self, flows: u64, parallel: u64) -> (u64, u64) {
        let flows = self.flows.unwrap_or(flows).max(1);
        let parallel = self.parallel.unwrap_or(parallel).clamp(1, flows);
        (flows, parallel)
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
                RunSettings::new(scenario, options).unwrap()
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
    fn a_folder_for_results_comes_with_an_equals_sign() {
        assert_eq!(
            settings("rehearsal run --save=out").save,
            Save::In("out".into())
        );
    }

    #[test]
    fn no_more_at_once_than_there_are() {
        assert_eq!(
            settings("rehearsal run --flows 3 --parallel 9").load(1, 1),
            (3, 3)
        );
        assert_eq!(settings("rehearsal run --parallel 4").load(10, 2), (10, 4));
        assert_eq!(settings("rehearsal run").load(10, 2), (10, 2));
    }

    #[test]
    fn a_later_variable_counts() {
        let settings = settings("rehearsal run --var a=1 --var a=2=3 --customer C");
        let expected = [("customer_id", "C"), ("a", "1"), ("a", "2=3")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(settings.variables, expected);
    }
}
