//! Arguments of the search for the capacity.

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::duration;

use super::values::{count, rate, seed, variable};

pub(super) const HELP: &str = "Examples:
  rehearsal capacity --threshold 'flow.p95 < 2s' --threshold 'flow.failed_rate < 1%'
      the highest rate of the built-in shop's orders
  rehearsal capacity my.yaml --parallel --threshold 'flow.p95 < 500ms' --html=capacity.html
      the highest number of flows in parallel, with charts
  rehearsal capacity my.yaml --rate 20/s --at-least 50/s --threshold 'flow.p99 < 1s'
      starts at 20/s; exit code 99 if 50/s are not reached
  rehearsal capacity my.yaml --threshold 'flow.p95 < 2s' --resume rehearsal-results/capacity-20261128-120000
      goes on with a search that was interrupted";

/// The options of `capacity`.
#[derive(Debug, clap::Args)]
pub struct CapacityArgs {
    /// The scenario file [default: an order through the built-in shop]
    pub scenario: Option<PathBuf>,

    /// A threshold that has to hold, as of `run`; may be repeated, and adds to those of the scenario
    #[arg(long = "threshold", value_name = "EXPR")]
    pub thresholds: Vec<String>,

    /// Raise the rate of flow starts, beginning with this one [default: 1/s]
    #[arg(long, value_name = "RATE", value_parser = rate, conflicts_with = "parallel")]
    pub rate: Option<f64>,

    /// Raise the number of flows in parallel instead, beginning with this one [default: 1]
    #[arg(long, value_name = "N", value_parser = count, num_args = 0..=1)]
    pub parallel: Option<Option<u64>>,

    /// Try no higher load than this: 200/s, or with --parallel a number
    #[arg(long, value_name = "LOAD", value_parser = load)]
    pub up_to: Option<f64>,

    /// End with exit code 99 if the capacity is lower than this
    #[arg(long, value_name = "LOAD", value_parser = load)]
    pub at_least: Option<f64>,

    /// The minimum time of a trial that is counted. Near the capacity trials are longer, until the
    /// thresholds have enough samples
    #[arg(long, value_name = "S", value_parser = duration::parse_some, default_value = "10s")]
    pub trial: Duration,

    /// The maximum of this time
    #[arg(long, value_name = "S", value_parser = duration::parse_some, default_value = "2m")]
    pub longest_trial: Duration,

    /// Time before the counted part of each trial
    #[arg(long, value_name = "S", value_parser = duration::parse, default_value = "2s")]
    pub warm_up: Duration,

    /// Distance of the highest load that holds and the lowest that breaks at which the search ends
    #[arg(long, value_name = "P%", value_parser = percent, default_value = "5%")]
    pub precision: f64,

    /// Number of trials at each of these two
    #[arg(long, value_name = "N", value_parser = count, default_value = "3")]
    pub repeats: u64,

    /// Drop flows that are due while this many are in flight, of a rate [default: 200]
    #[arg(long, value_name = "N", value_parser = count)]
    pub max_in_flight: Option<u64>,

    /// Set a variable of the scenario
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    pub variables: Vec<(String, String)>,

    /// A directory to search for programs; may be repeated
    #[arg(long, value_name = "DIR")]
    pub scripts: Vec<PathBuf>,

    /// Time limit of each step, overriding the scenario
    #[arg(long, value_name = "S", value_parser = duration::parse_some)]
    pub timeout: Option<Duration>,

    /// Seed of all random choices of the trials
    #[arg(long, value_name = "N", value_parser = seed)]
    pub seed: Option<u64>,

    /// The directory in which the search and its runs get a directory [default: see Environment]
    #[arg(long, value_name = "DIR")]
    pub save: Option<PathBuf>,

    /// Go on with the search in this directory, with its trials
    #[arg(long, value_name = "DIR", conflicts_with = "save")]
    pub resume: Option<PathBuf>,

    /// Write a page for browsers with the charts to FILE
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,

    /// Write a row for each trial to FILE
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,

    /// Print the answer as JSON on standard output and nothing else
    #[arg(long)]
    pub json: bool,
}

/// Parses a rate, or a number of flows in parallel.
fn load(text: &str) -> Result<f64, String> {
    let number = text.trim().parse::<u64>().ok().filter(|it| *it > 0);
    number.map_or_else(
        || rate(text).map_err(|_| "write a rate, 50/s, or with --parallel a number, 50".to_owned()),
        |number| Ok(number as f64),
    )
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text
        .trim()
        .strip_suffix('%')
        .and_then(|it| it.trim().parse::<f64>().ok());
    match number {
        Some(percent) if (0.5..=100.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err("write a percentage from 0.5% to 100%".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_and_percentages_are_read() {
        assert_eq!(load("50/s"), Ok(50.0));
        assert_eq!(load("50"), Ok(50.0));
        assert!(load("0").is_err() && load("fast").is_err());
        assert_eq!(percent("5%"), Ok(0.05));
        assert!(percent("5").is_err() && percent("0%").is_err());
    }
}
