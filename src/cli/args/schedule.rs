//! Arguments of scheduled runs.

use std::ffi::OsString;

use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

pub(super) const SCHEDULE_HELP: &str = "Examples:
  rehearsal schedule --cron '0 2 * * *' -- run --flows 200 --baseline main --fail-if slower
      every night at 2
  rehearsal schedule --cron '*/30 8-18 * * mon-fri' --time-zone Europe/Berlin -- run my.yaml --save
  rehearsal schedule --cron @daily --on-change 'mail -s slower team@example.org' -- run …
      the command reads the run's output; REHEARSAL_EXIT_CODE has its exit code

The machine's own scheduler does the same without a process that waits: config/ci has a systemd timer
and a crontab.";

/// The options of `schedule`.
#[derive(Debug, clap::Args)]
pub struct ScheduleArgs {
    /// The times, as cron writes them: minute, hour, day of the month, month, day of the week. A
    /// single time of day that a change of the clock skips follows right after it, and one that it
    /// repeats comes once; several times (lists, ranges, steps) come as the clock shows them
    #[arg(long, value_name = "TIMES", value_parser = cron)]
    pub cron: Box<Cron>,
    /// The time zone of these times, such as Europe/Berlin [default: the machine's]
    #[arg(long, value_name = "TZ", value_parser = time_zone)]
    pub time_zone: Option<Tz>,
    /// A shell command to run when a run ends with code 97 (see --fail-if); it reads the run's
    /// output
    #[arg(long, value_name = "CMD")]
    pub on_change: Option<String>,
    /// End after this many runs [default: never]
    #[arg(long, value_name = "N", value_parser = super::values::count)]
    pub times: Option<u64>,
    /// The command: `run` with its options
    #[arg(last = true, required = true, value_name = "run …")]
    pub command: Vec<OsString>,
}

fn cron(text: &str) -> Result<Box<Cron>, String> {
    // A sixth field would be seconds, or the year, as it is elsewhere.
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build();
    let cron = parser.parse(text);
    cron.map(Box::new).map_err(|error| {
        format!("{error}; write minute, hour, day, month and weekday, such as '0 2 * * *'")
    })
}

fn time_zone(text: &str) -> Result<Tz, String> {
    text.parse()
        .map_err(|_| "write a name of the IANA database, such as Europe/Berlin or UTC".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_zones_are_checked() {
        for right in ["0 2 * * *", "*/30 8-18 * * mon-fri", "@daily"] {
            assert!(cron(right).is_ok(), "{right}");
        }
        for wrong in ["", "0 25 * * *", "0 0 2 * * *", "daily", "61 * * * *"] {
            assert!(cron(wrong).is_err(), "{wrong}");
        }
        assert!(time_zone("Europe/Berlin").is_ok());
        assert!(time_zone("Berlin").is_err());
    }
}
