//! Arguments of watching a run that is divided among processes.

use crate::report::PublishPlace;

use super::Progress;
use super::live::LiveArgs;

pub(super) const HELP: &str = "Examples:
  rehearsal watch launch-20261128-120000
      the job that `launch` has made there, until all its segments have ended
  rehearsal watch /mnt/shared/night --live=0.0.0.0:8080
      the runs with --publish /mnt/shared/night, also on a page for browsers
  rehearsal watch nats://host:4222/night
      the runs with --publish nats://host:4222/night
  rehearsal watch /mnt/shared/night --json | jq .summary.flows
      their figures now, for scripts";

/// The options of `watch`.
#[derive(Debug, clap::Args)]
pub struct WatchArgs {
    /// The directory of a job, or the place that its runs publish at
    #[arg(value_name = "PLACE", value_parser = str::parse::<PublishPlace>)]
    pub place: PublishPlace,
    #[command(flatten)]
    pub live: LiveArgs,
    /// Progress display: bars on a terminal and plain lines elsewhere (auto), bars, plain lines, or
    /// notices only
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub progress: Progress,
    /// Print the figures as they are now as JSON, and end
    #[arg(long, conflicts_with_all = ["live", "progress"])]
    pub json: bool,
}
