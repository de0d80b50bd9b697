//! Options of `rehearsal replay` for films.

use std::time::Duration;

use crate::cli::duration;

pub(super) const REPLAY_HELP: &str = "Examples:
  rehearsal replay results/REAL-E2E-1/bundles/failed-000012
      run the flow again
  rehearsal replay --watch results/REAL-E2E-1/bundles/failed-000012
      watch what its programs displayed: space pauses, . goes one event further, + and -
      change the speed, the left and right arrows jump 5 s, tab shows the next role,
      a all roles again, q quits
  rehearsal replay --watch BUNDLE --role clerk --speed 4 --idle-limit 500ms
      the film of one role, faster; `asciinema play BUNDLE/clerk.cast` plays it, too

Exit codes:
  0    not reproduced: the flow completed
  1    reproduced: same step, same cause, same output
  3    changed: it failed differently
  2, 70, 130  as for `rehearsal run`";

/// Options for playing the films of a bundle.
#[derive(Debug, Clone, PartialEq, clap::Args)]
#[command(next_help_heading = "Films")]
pub struct FilmArgs {
    /// Run nothing: play the films of the bundle, which show the terminal of each role
    #[arg(
        long,
        conflicts_with_all = ["step", "variables", "scenario", "scripts", "json"]
    )]
    pub watch: bool,

    /// Play the film of this role only, such as `clerk`, or `clerk-2` for its second program
    /// [default: all, each while it prints something]
    #[arg(long, value_name = "ROLE", requires = "watch")]
    pub role: Option<String>,

    /// Playback speed
    #[arg(
        long,
        value_name = "FACTOR",
        requires = "watch",
        default_value = "1",
        value_parser = speed
    )]
    pub speed: f64,

    /// Shorten pauses to at most this
    #[arg(
        long,
        value_name = "TIME",
        requires = "watch",
        default_value = "2s",
        value_parser = duration::parse_some
    )]
    pub idle_limit: Duration,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.trim_end_matches('x').parse().ok();
    let possible = speed.filter(|speed: &f64| (0.01..=1000.0).contains(speed));
    possible.ok_or_else(|| "write a factor from 0.01 to 1000, such as 2 or 0.5".to_owned())
}
