//! The times that are still to come, with what became of those that are past.

use chrono::{DateTime, TimeDelta, Utc};

use crate::cli::error::CliError;

use super::times::Times;

/// A run that cannot start within this time after it was due is missed.
const LATE: TimeDelta = TimeDelta::minutes(1);

/// A clock that is set back by less repeats no time: runs that were made are not made again. By more,
/// it was wrong before.
const REPEATED: TimeDelta = TimeDelta::hours(3);

/// The maximum number of missed times that are named.
const MAX_NAMED: usize = 10;

/// The next time of a schedule.
#[derive(Debug)]
pub(super) struct Agenda {
    times: Times,
    /// All times up to this one are done or missed.
    past: DateTime<Utc>,
}

/// Times for which no run was made.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Missed {
    /// In words, the first ones.
    pub named: Vec<String>,
    /// There are more.
    pub has_more: bool,
}

impl Agenda {
    /// Begins after this time.
    pub(super) fn new(times: Times, now: DateTime<Utc>) -> Self {
        Agenda { times, past: now }
    }

    /// Returns the next time.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn next(&self) -> Result<DateTime<Utc>, CliError> {
        self.times.after(self.past)
    }

    /// Formats a time in the schedule's zone.
    pub(super) fn shown(&self, time: DateTime<Utc>) -> String {
        self.times.shown(time)
    }

    /// Takes note that a time has come; returns those that were missed if it came too late, as the
    /// machine was asleep or its clock was set.
    ///
    /// # Errors
    /// If there are no more times.
    pub(super) fn come(
        &mut self,
        due: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Option<Missed>, CliError> {
        let is_late = now - due > LATE;
        let missed = is_late.then(|| self.pass(now)).transpose()?;
        self.past = self.past.max(due);
        Ok(missed)
    }

    /// Takes note that the run of the last time has ended, and returns the times that came
    /// meanwhile: runs do not overlap.
    ///
    /// # Errors
    /// If there are no more times.
    pub(super) fn ended(&mut self, now: DateTime<Utc>) -> Result<Missed, CliError> {
        self.pass(now)
    }

    /// Takes note that the clock was set back to this time.
    pub(super) fn set_back(&mut self, now: DateTime<Utc>) {
        if self.past - now > REPEATED {
            self.past = now;
        }
    }

    /// Leaves all times up to now behind, and returns them.
    fn pass(&mut self, now: DateTime<Utc>) -> Result<Missed, CliError> {
        let mut missed = self.times.between(self.past, now, MAX_NAMED + 1)?;
        let has_more = missed.len() > MAX_NAMED;
        missed.truncate(MAX_NAMED);
        self.past = self.past.max(now);
        Ok(Missed {
            named: missed.into_iter().map(|it| self.shown(it)).collect(),
            has_more,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn agenda(cron: &str, now: &str) -> Agenda {
        let zone = Some(chrono_tz::Europe::Berlin);
        Agenda::new(Times::new(cron.parse().unwrap(), zone), at(now))
    }

    #[test]
    fn times_that_come_during_a_run_are_missed_and_not_made_up_for() {
        let mut agenda = agenda("*/10 * * * *", "2026-01-31T10:05:00Z");
        let due = agenda.next().unwrap();
        assert_eq!(due, at("2026-01-31T10:10:00Z"));
        assert_eq!(
            agenda.come(due, at("2026-01-31T10:10:00.2Z")).unwrap(),
            None
        );
        let missed = agenda.ended(at("2026-01-31T10:35:00Z")).unwrap();
        assert_eq!(
            missed.named,
            ["2026-01-31 11:20:00 CET", "2026-01-31 11:30:00 CET"]
        );
        assert!(!missed.has_more);
        assert_eq!(agenda.next().unwrap(), at("2026-01-31T10:40:00Z"));
    }

    #[test]
    fn a_time_that_comes_too_late_is_missed_with_all_others() {
        let mut agenda = agenda("*/10 * * * *", "2026-01-31T10:05:00Z");
        let due = agenda.next().unwrap();
        // Set by years, as by a clock without a battery.
        let missed = agenda.come(due, at("2030-01-31T10:45:00Z")).unwrap();
        let missed = missed.expect("it is late");
        assert_eq!((missed.named.len(), missed.has_more), (MAX_NAMED, true));
        assert_eq!(missed.named[0], "2026-01-31 11:10:00 CET");
        assert_eq!(agenda.next().unwrap(), at("2030-01-31T10:50:00Z"));
        // And set right again.
        agenda.set_back(at("2026-01-31T10:46:00Z"));
        assert_eq!(agenda.next().unwrap(), at("2026-01-31T10:50:00Z"));
    }

    #[test]
    fn a_clock_that_is_set_back_a_little_repeats_no_run() {
        let mut agenda = agenda("0 2 * * *", "2026-01-31T00:59:00Z");
        let due = agenda.next().unwrap();
        assert_eq!(agenda.come(due, due).unwrap(), None);
        agenda.ended(at("2026-01-31T01:20:00Z")).unwrap();
        agenda.set_back(at("2026-01-31T00:30:00Z"));
        assert_eq!(agenda.next().unwrap(), at("2026-02-01T01:00:00Z"));
    }

    #[test]
    fn runs_across_changes_of_the_clock_miss_what_came() {
        // 02:30 is skipped on 29 March, and made up for at 03:00, while a run goes on.
        let mut agenda = agenda("30 2 * * *", "2026-03-29T00:30:00Z");
        let missed = agenda.ended(at("2026-03-29T01:10:00Z")).unwrap();
        assert_eq!(missed.named, ["2026-03-29 03:00:00 CEST"]);
        // It exists twice on 25 October, and comes once.
        let mut agenda = self::agenda("30 2 * * *", "2026-10-24T20:00:00Z");
        let missed = agenda.ended(at("2026-10-25T02:00:00Z")).unwrap();
        assert_eq!(missed.named, ["2026-10-25 02:30:00 CEST"]);
        // Several times a day come as the clock shows them.
        let mut agenda = self::agenda("30 1,2 * * *", "2026-03-29T00:00:00Z");
        let missed = agenda.ended(at("2026-03-29T01:10:00Z")).unwrap();
        assert_eq!(missed.named, ["2026-03-29 01:30:00 CET"]);
        let mut agenda = self::agenda("30 1,2 * * *", "2026-10-25T00:00:00Z");
        let missed = agenda.ended(at("2026-10-25T02:00:00Z")).unwrap();
        assert_eq!(
            missed.named,
            ["2026-10-25 02:30:00 CEST", "2026-10-25 02:30:00 CET"]
        );
    }
}
