//! Arguments of baselines: repeated runs, comparisons, and the history.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Local, NaiveDate, TimeZone as _, Utc};

use crate::cli::duration;
use crate::report::Gate;

pub(super) const COMPARE_HELP: &str = "Examples:
  rehearsal compare main last
      the last saved run with a baseline
  rehearsal compare rehearsal-results/REAL-E2E-1 rehearsal-results/REAL-E2E-2
      two single runs; only indicative, as runs differ from each other
  rehearsal compare results-old results-new --html=comparison.html
      all saved runs of one directory with all of another
  rehearsal compare main release-2 --fail-if slower
      two baselines; exit code 97 if the second is slower";

pub(super) const HISTORY_HELP: &str = "Examples:
  rehearsal history order-flow --figure flow.p95
      the trend of a figure, with its change points
  rehearsal history order-flow --html=trend.html
      the trends of all figures, for browsers
  rehearsal history order-flow --figure step.05_pack.p50 --csv
  rehearsal history baselines
  rehearsal history prune --keep 200";

/// Repeated runs and their comparison. All of these save each run; with --baseline, --save-baseline
/// or --against, 6 runs are made unless --repeat says otherwise.
#[derive(Debug, Default, Clone, PartialEq, clap::Args)]
#[command(next_help_heading = "Baselines")]
pub struct SeriesArgs {
    /// Make N runs, one after the other, and save each
    #[arg(long, value_name = "N", value_parser = super::values::count, allow_negative_numbers = true)]
    pub repeat: Option<u64>,

    /// Keep these runs as the baseline NAME, replacing an earlier one
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub save_baseline: Option<String>,

    /// Compare these runs with the baseline NAME
    #[arg(long, value_name = "NAME", value_parser = name, conflicts_with = "against")]
    pub baseline: Option<String>,

    /// Also run this older scenario, in turns (old new new old …), and compare
    #[arg(long, value_name = "OLD.yaml")]
    pub against: Option<PathBuf>,

    /// Also run with the older programs in this directory, in turns, and compare; with --against,
    /// the programs of that scenario
    #[arg(long, value_name = "DIR", conflicts_with = "baseline")]
    pub against_scripts: Vec<PathBuf>,

    #[command(flatten)]
    pub comparing: ComparingArgs,
}

impl SeriesArgs {
    /// Returns `true` if a series of runs is asked for.
    pub fn is_series(&self) -> bool {
        self.repeat.is_some()
            || self.save_baseline.is_some()
            || self.baseline.is_some()
            || self.is_against()
    }

    /// Returns `true` if two versions run in turns.
    pub fn is_against(&self) -> bool {
        self.against.is_some() || !self.against_scripts.is_empty()
    }
}

/// Settings of a comparison.
#[derive(Debug, Default, Clone, PartialEq, clap::Args)]
pub struct ComparingArgs {
    /// Changes up to this do not matter [default: 5%]
    #[arg(long, value_name = "P%", value_parser = percent)]
    pub tolerance: Option<f64>,

    /// Changes of times by less than this do not matter either, however great their part
    /// [default: 1ms]
    #[arg(long, value_name = "T", value_parser = duration::parse)]
    pub time_tolerance: Option<Duration>,

    /// Exit with code 97 if a comparison finds something slower by more than the tolerance, or
    /// anything worse. At most one in a hundred comparisons of equal programs fails. Needs 5 runs
    /// of each
    #[arg(long, value_name = "slower|worse", value_enum)]
    pub fail_if: Option<Gate>,

    /// Compare even if machines, scenarios or loads differ, and list the differences
    #[arg(long)]
    pub force: bool,

    /// Show all figures, including those that have not changed
    #[arg(long)]
    pub all: bool,
}

/// The options of `compare`.
#[derive(Debug, clap::Args)]
pub struct CompareArgs {
    /// The old runs: a baseline, a saved run, `last`, a directory with saved runs, or several of
    /// these separated by commas
    #[arg(value_name = "OLD")]
    pub old: String,
    /// The new runs, likewise
    #[arg(value_name = "NEW")]
    pub new: String,
    #[command(flatten)]
    pub comparing: ComparingArgs,
    /// The directory with history and saved runs [default: see Environment]
    #[arg(long, value_name = "DIR")]
    pub results: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Write the comparison in Markdown to FILE. It is also added to $GITHUB_STEP_SUMMARY, if that is
    /// set
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// Write the comparison as HTML to FILE: one self-contained file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// The options of `history`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct HistoryArgs {
    #[command(subcommand)]
    pub command: Option<HistoryCommand>,
    /// Only runs of this scenario, by its name
    pub scenario: Option<String>,
    /// Show the trend of a figure, such as flow.p95 or step.NAME.p50
    #[arg(long, value_name = "FIGURE")]
    pub figure: Option<String>,
    /// Print CSV: a line for each run, a column for each figure. A text that spreadsheets would take
    /// for a formula has a leading '
    #[arg(long, conflicts_with_all = ["json", "otava"])]
    pub csv: bool,
    /// Write the trends of all figures for browsers to FILE: one file that needs no network
    #[arg(long, value_name = "FILE", conflicts_with_all = ["csv", "json", "otava"])]
    pub html: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Print CSV as Apache Otava reads it (`time_column: time`, `attributes: [run]`)
    #[arg(long, conflicts_with = "json")]
    pub otava: bool,
    /// Read all saved runs among the results again; after a damaged history was removed
    #[arg(long)]
    pub rebuild: bool,
    /// The directory with history and saved runs [default: see Environment]
    #[arg(long, value_name = "DIR", global = true)]
    pub results: Option<PathBuf>,
}

/// Work on the history.
#[derive(Debug, clap::Subcommand)]
pub enum HistoryCommand {
    /// List the baselines
    Baselines {
        /// Remove this one; its runs stay
        #[arg(long, value_name = "NAME")]
        remove: Option<String>,
    },
    /// Remove runs from the history; those of baselines and all directories stay
    Prune {
        /// Keep the newest N runs of each scenario
        #[arg(long, value_name = "N", required_unless_present = "before")]
        keep: Option<u64>,
        /// Remove runs before this date: 2026-01-31, or with a time, 2026-01-31T14:00:00Z
        #[arg(long, value_name = "DATE", value_parser = date)]
        before: Option<DateTime<Utc>>,
    },
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix('%').map(str::trim_end);
    let percent = number.and_then(|it| it.parse::<f64>().ok());
    let percent = percent.filter(|it| (0.0..=1000.0).contains(it));
    let percent = percent.ok_or("write a percentage, such as 5% or 2.5%")?;
    Ok(percent / 100.0)
}

/// Parses the name of a baseline, which must not be taken for a path or a list.
fn name(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_name = !text.is_empty() && text.chars().all(is_plain);
    match text {
        "last" => Err("`last` means the last saved run; choose another name".into()),
        _ if is_name && !text.starts_with(['.', '-']) => Ok(text.into()),
        _ => Err("write a name of letters, digits, `-`, `_` and `.`, such as main".into()),
    }
}

fn date(text: &str) -> Result<DateTime<Utc>, String> {
    let wrong = "write a date, such as 2026-01-31, or a time, such as 2026-01-31T14:00:00Z";
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.with_timezone(&Utc));
    }
    let day: NaiveDate = text.parse().map_err(|_| wrong)?;
    let midnight = day.and_hms_opt(0, 0, 0).ok_or(wrong)?;
    let local = Local.from_local_datetime(&midnight).earliest();
    Ok(local.map_or_else(|| midnight.and_utc(), |it| it.with_timezone(&Utc)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_need_their_sign() {
        assert_eq!(percent("5%"), Ok(0.05));
        assert_eq!(percent(" 2.5 % "), Ok(0.025));
        for wrong in ["5", "-1%", "x%", "", "NaN%"] {
            assert!(percent(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_no_paths() {
        assert_eq!(name("release-1.2"), Ok("release-1.2".into()));
        for wrong in ["", "a/b", "a,b", "last", "..", "-x", "a b"] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn dates_may_have_a_time() {
        assert!(date("2026-01-31").is_ok());
        let time = date("2026-01-31T14:00:00+02:00").unwrap();
        assert_eq!(time.to_rfc3339(), "2026-01-31T12:00:00+00:00");
        assert!(date("31.1.2026").is_err());
    }
}
