//! Progress of a run with many flows, as a bar and lines on a terminal.

use std::time::Duration;

use crate::model::RunEvent;
use crate::report::error::ReportError;
use crate::report::reporter::Reporter;

use super::bar::BarDisplay;
use super::causes::Causes;
use super::frame::Frame;
use super::lines_terminal::terminal_size;
use super::live_stats::LiveStats;

/// A reporter that shows a bar for the run and a line for each step and cause of failures, on
/// standard error.
pub struct ProgressBars {
    stats: LiveStats,
    causes: Causes,
    /// The whole display, so that each tick draws it once.
    display: BarDisplay,
}

impl ProgressBars {
    /// Creates bars on standard error; they draw nothing unless it is a terminal.
    pub fn new() -> Self {
        ProgressBars {
            stats: LiveStats::default(),
            causes: Causes::default(),
            display: BarDisplay::stderr(),
        }
    }

    fn redraw(&mut self) {
        let Frame { bar, lines } = Frame::of(&mut self.stats, &self.causes, terminal_size());
        self.display.draw(bar, self.stats.part(), &lines);
    }

    fn say(&self, text: &str) {
        self.display.say(text);
    }
}

impl Default for ProgressBars {
    fn default() -> Self {
        Self::new()
    }
}

impl Reporter for ProgressBars {
    fn event(&mut self, event: &RunEvent) {
        self.stats.event(event);
        self.causes.event(event);
        match event {
            RunEvent::Notice { text, .. } => self.say(&format!("Note: {text}")),
            RunEvent::Stopping { reason } => self.say(&format!("Stopping: {reason}")),
            RunEvent::AuditStarted { command } => self.say(&format!("Auditing: {command}")),
            _ => {}
        }
    }

    fn tick(&mut self, elapsed: Duration) {
        self.stats.tick(elapsed);
        // A run that ends before the first tick needs no bars.
        if !self.stats.has_begun() {
            return;
        }
        if let Some(note) = self.causes.note(elapsed, self.stats.part()) {
            self.say(&format!("Note: {note}. Ctrl-C stops the run."));
        }
        self.redraw();
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        // The report follows.
        self.display.clear();
        Ok(())
    }
}
