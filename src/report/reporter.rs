//! The contract of reporters: who calls them, when, and what they may do.

use std::time::Duration;

use crate::model::RunEvent;
use crate::stats::Integrity;

use super::error::ReportError;

/// A consumer of a run's events.
///
/// All calls come from one thread, one after the other: every event of the run in the order in
/// which it was emitted, a tick about four times a second in between, `integrity` before the end of
/// the run, then `finish` once. A reporter may write to files and terminals; while it does so,
/// events wait, and the run does not. It reports its errors when it finishes, and must not panic.
pub trait Reporter: Send {
    /// Takes an event.
    fn event(&mut self, event: &RunEvent);

    /// Takes the result of the integrity checks. Called once, before the run's end is reported, if
    /// the scenario has any.
    fn integrity(&mut self, _integrity: &Integrity) {}

    /// Called as time passes, with the time since the reporters were started. However many events
    /// there are, a display that follows them is best redrawn here only.
    fn tick(&mut self, _elapsed: Duration) {}

    /// Called when no more events will come.
    ///
    /// # Errors
    /// If what it was to show or to write is not complete.
    fn finish(&mut self) -> Result<(), ReportError> {
        Ok(())
    }
}
