//! Times of a cron expression in a time zone.

use chrono::{DateTime, Local, TimeZone, Utc};
use chrono_tz::Tz;
use croner::Cron;

use crate::cli::error::CliError;

/// A cron expression with its time zone; without one it is the machine's.
#[derive(Debug)]
pub(super) struct Times {
    cron: Cron,
    zone: Option<Tz>,
}

impl Times {
    pub(super) fn new(cron: Cron, zone: Option<Tz>) -> Self {
        Times { cron, zone }
    }

    /// Returns the first time after this one.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn after(&self, time: DateTime<Utc>) -> Result<DateTime<Utc>, CliError> {
        let next = match self.zone {
            Some(zone) => self.next(time.with_timezone(&zone)),
            None => self.next(time.with_timezone(&Local)),
        };
        next.ok_or_else(|| CliError::usage("--cron: no such time ever comes", "write another one"))
    }

    fn next<Z: TimeZone>(&self, time: DateTime<Z>) -> Option<DateTime<Utc>> {
        let next = self.cron.find_next_occurrence(&time, false).ok()?;
        Some(next.with_timezone(&Utc))
    }

    /// Returns the times after the first one and up to the second, at most so many.
    ///
    /// # Errors
    /// If there are no more times.
    pub(super) fn between(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<DateTime<Utc>>, CliError> {
        let mut found = Vec::new();
        let mut next = self.after(from)?;
        while next <= to && found.len() < most {
            found.push(next);
            next = self.after(next)?;
        }
        Ok(found)
    }

    /// Formats a time in its zone.
    pub(super) fn shown(&self, time: DateTime<Utc>) -> String {
        const FORM: &str = "%Y-%m-%d %H:%M:%S %Z";
        match self.zone {
            Some(zone) => time.with_timezone(&zone).format(FORM).to_string(),
            None => time.with_timezone(&Local).format(FORM).to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(cron: &str) -> Times {
        Times::new(cron.parse().unwrap(), Some(chrono_tz::Europe::Berlin))
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_skipped_hour_is_made_up_for_and_a_repeated_one_counts_once() {
        let nightly = times("30 2 * * *");
        // 02:30 does not exist on 29 March 2026: the clock goes from 02:00 to 03:00.
        let spring = nightly.after(at("2026-03-28T12:00:00Z")).unwrap();
        assert_eq!(spring, at("2026-03-29T01:00:00Z"));
        assert_eq!(
            nightly.after(spring).unwrap(),
            at("2026-03-30T00:30:00Z"),
            "summer time is one hour more"
        );
        // 02:30 exists twice on 25 October 2026.
        let autumn = nightly.between(at("2026-10-24T12:00:00Z"), at("2026-10-26T12:00:00Z"), 9);
        let expected = [at("2026-10-25T00:30:00Z"), at("2026-10-26T01:30:00Z")];
        assert_eq!(autumn.unwrap(), expected);
    }

    #[test]
    fn times_in_between_are_those_that_were_missed() {
        let often = times("*/10 * * * *");
        let from = at("2026-01-31T10:00:00Z");
        let missed = often.between(from, at("2026-01-31T10:25:00Z"), 9).unwrap();
        assert_eq!(missed.len(), 2);
        let few = often.between(from, at("2026-01-31T10:25:00Z"), 1).unwrap();
        assert_eq!(few, missed[..1]);
        assert!(often.between(from, from, 9).unwrap().is_empty());
        assert_eq!(often.shown(from), "2026-01-31 11:00:00 CET");
    }

    #[test]
    fn a_day_that_never_comes_is_refused() {
        assert!(
            times("0 0 31 2 *")
                .after(at("2026-01-31T10:00:00Z"))
                .is_err()
        );
    }
}
