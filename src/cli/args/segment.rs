//! Arguments of runs that several processes perform together.

use chrono::{DateTime, Days, Local, NaiveTime, TimeZone as _};

use crate::report::PublishPlace;
use crate::scenario::Segment;

/// A part of a larger run.
#[derive(Debug, Default, Clone, PartialEq, clap::Args)]
#[command(next_help_heading = "Distributed runs")]
pub struct SegmentArgs {
    /// Run one part of a run that is divided among processes, such as 2/8: its share of flows,
    /// rate, stages, data rows and pools. All parts need the same --seed. `auto` takes the part from
    /// Slurm's array ($SLURM_ARRAY_TASK_ID), `auto/8` from a Kubernetes Indexed Job
    /// ($JOB_COMPLETION_INDEX) with 8 completions
    #[arg(long, value_name = "I/N", value_parser = SegmentChoice::parse)]
    pub segment: Option<SegmentChoice>,

    /// Start at this time, the same for all parts of a run: 14:30, 14:30:05, or with a date and a
    /// time zone, 2026-01-31T14:30:00Z. If it has passed, flows that were due since then start late
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub start_at: Option<DateTime<Local>>,

    /// Publish the figures of this part every second, for `rehearsal watch`: in a directory that all
    /// machines share, new for each run, or at nats://HOST:4222/NAME, where NAME is the run's; may be
    /// repeated. The name and password of a NATS server come from $NATS_USER and $NATS_PASSWORD
    #[arg(long, value_name = "PLACE", value_parser = str::parse::<PublishPlace>)]
    pub publish: Vec<PublishPlace>,
}

/// The source of a run's segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentChoice {
    Given(Segment),
    /// The environment of an array task or of a job's completion; with the number of segments if
    /// the environment does not have it.
    FromEnvironment(Option<u64>),
}

impl SegmentChoice {
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "auto" {
            return Ok(SegmentChoice::FromEnvironment(None));
        }
        if let Some(count) = text.strip_prefix("auto/") {
            let count = count.parse().ok().filter(|count| *count > 0);
            return match count {
                Some(count) => Ok(SegmentChoice::FromEnvironment(Some(count))),
                None => Err("write the number of segments after the slash: auto/8".into()),
            };
        }
        let segment = text.parse::<Segment>();
        segment
            .map(SegmentChoice::Given)
            .map_err(|error| error.to_string())
    }

    /// Returns the segment, given the values of environment variables.
    ///
    /// # Errors
    /// If it is to come from the environment and is not there, in one sentence.
    pub fn resolve(self, variable: &dyn Fn(&str) -> Option<String>) -> Result<Segment, String> {
        let count = match self {
            SegmentChoice::Given(segment) => return Ok(segment),
            SegmentChoice::FromEnvironment(count) => count,
        };
        let number = |name: &str| -> Result<Option<u64>, String> {
            let Some(text) = variable(name) else {
                return Ok(None);
            };
            let number = text.trim().parse();
            number
                .map(Some)
                .map_err(|_| format!("{name} is not a number: {text}"))
        };
        let missing = |name: &str| format!("{name} is not set");
        let (index, count) = if let Some(task) = number("SLURM_ARRAY_TASK_ID")? {
            let first = number("SLURM_ARRAY_TASK_MIN")?.unwrap_or(0);
            let last = number("SLURM_ARRAY_TASK_MAX")?;
            let tasks = number("SLURM_ARRAY_TASK_COUNT")?;
            if let (Some(last), Some(tasks)) = (last, tasks)
                && last.checked_sub(first).map(|more| more + 1) != Some(tasks)
            {
                return Err("the array's task numbers have gaps: write --array=1-8".into());
            }
            let count = count.or(tasks);
            let count = count.ok_or_else(|| missing("SLURM_ARRAY_TASK_COUNT"))?;
            (task.checked_sub(first), count)
        } else if let Some(index) = number("JOB_COMPLETION_INDEX")? {
            let without = "JOB_COMPLETION_INDEX does not have the number of completions: \
                           write --segment auto/N";
            (Some(index), count.ok_or(without)?)
        } else {
            let neither = "neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set";
            return Err(neither.into());
        };
        let number = index.and_then(|index| index.checked_add(1)).unwrap_or(0);
        Segment::new(number, count).map_err(|_| format!("there is no segment {number} of {count}"))
    }
}

/// Parses a time of today, or of tomorrow if it was today long ago, or a full one.
fn time(text: &str) -> Result<DateTime<Local>, String> {
    let text = text.trim();
    if let Ok(full) = DateTime::parse_from_rfc3339(text) {
        return Ok(full.with_timezone(&Local));
    }
    let clock = ["%H:%M", "%H:%M:%S"].iter();
    let clock = clock
        .filter_map(|form| NaiveTime::parse_from_str(text, form).ok())
        .next();
    let clock = clock.ok_or("write 14:30, or a date and a time zone: 2026-01-31T14:30:00Z")?;
    time_of_day(clock, Local::now()).ok_or_else(|| format!("there is no {text} today"))
}

/// Returns the time of the clock that is nearest to `now`, so that one that has just passed is not
/// tomorrow's.
fn time_of_day(clock: NaiveTime, now: DateTime<Local>) -> Option<DateTime<Local>> {
    let today = now.date_naive();
    let days = [
        today.checked_sub_days(Days::new(1)),
        Some(today),
        today.checked_add_days(Days::new(1)),
    ];
    let times = days.into_iter().flatten();
    let times = times.filter_map(|day| Local.from_local_datetime(&day.and_time(clock)).earliest());
    times.min_by_key(|time| (*time - now).abs())
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDateTime;

    use super::*;

    fn resolve(choice: &str, variables: &[(&str, &str)]) -> Result<String, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let choice = SegmentChoice::parse(choice)?;
        choice.resolve(&variable).map(|segment| segment.to_string())
    }

    #[test]
    fn engines_number_their_tasks() {
        let slurm = [
            ("SLURM_ARRAY_TASK_ID", "3"),
            ("SLURM_ARRAY_TASK_MIN", "1"),
            ("SLURM_ARRAY_TASK_MAX", "8"),
            ("SLURM_ARRAY_TASK_COUNT", "8"),
        ];
        assert_eq!(resolve("auto", &slurm), Ok("3/8".into()));
        assert_eq!(resolve("2/4", &slurm), Ok("2/4".into()));
        let from_zero = [
            ("SLURM_ARRAY_TASK_ID", "0"),
            ("SLURM_ARRAY_TASK_COUNT", "8"),
        ];
        assert_eq!(resolve("auto", &from_zero), Ok("1/8".into()));
        let kubernetes = [("JOB_COMPLETION_INDEX", "7")];
        assert_eq!(resolve("auto/8", &kubernetes), Ok("8/8".into()));
    }

    #[test]
    fn an_environment_without_a_segment_is_an_error() {
        let kubernetes = [("JOB_COMPLETION_INDEX", "8")];
        let with_gaps = [
            ("SLURM_ARRAY_TASK_ID", "3"),
            ("SLURM_ARRAY_TASK_MIN", "1"),
            ("SLURM_ARRAY_TASK_MAX", "9"),
            ("SLURM_ARRAY_TASK_COUNT", "5"),
        ];
        type Variables<'v> = &'v [(&'v str, &'v str)];
        let cases: [(&str, Variables<'_>, &str); 6] = [
            ("auto", &[], "neither SLURM_ARRAY_TASK_ID"),
            ("auto", &kubernetes, "auto/N"),
            ("auto/8", &kubernetes, "no segment 9 of 8"),
            ("auto", &with_gaps, "gaps"),
            ("auto", &[("SLURM_ARRAY_TASK_ID", "x")], "not a number: x"),
            ("auto/0", &[], "number of segments"),
        ];
        for (choice, variables, expected) in cases {
            let error = resolve(choice, variables).unwrap_err();
            assert!(error.contains(expected), "{choice}: {error}");
        }
    }

    #[test]
    fn a_time_of_day_is_the_nearest_one() {
        let at = |text: &str| {
            let naive = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap();
            Local.from_local_datetime(&naive).unwrap()
        };
        let now = at("2026-01-31 23:50:00");
        let clock = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").unwrap();
        assert_eq!(
            time_of_day(clock("00:10"), now),
            Some(at("2026-02-01 00:10:00"))
        );
        assert_eq!(
            time_of_day(clock("23:45"), now),
            Some(at("2026-01-31 23:45:00"))
        );
        assert!(time("half past two").is_err());
        assert!(time("2026-01-31T14:30:00Z").is_ok());
    }
}
