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
    /// Reports an event.
    fn event(&mut self, event: &RunEvent);

    /// Reports the result of the integrity checks. Called once, before the end of the run, if the
    /// scenario has any.
    fn integrity(&mut self, _integrity: &Integrity) {}

    /// Called periodically, with the time since the reporters were started. A display should be
    /// redrawn only here, as there may be many events in between.
    fn tick(&mut self, _elapsed: Duration) {}

    /// Completes the output after the last event.
    ///
    /// # Errors
    /// If the output is incomplete.
    fn finish(&mut self) -> Result<(), ReportError> {
        Ok(())
    }
}
