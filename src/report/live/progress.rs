//! Progress of a run with many flows, as a bar and lines on a terminal.

use std::fmt::Write;
use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::model::RunEvent;
use crate::report::error::ReportError;
use crate::report::reporter::Reporter;
use crate::report::sanitize::sanitize;

use super::causes::Causes;
use super::frame::Frame;
use super::lines_terminal::{LinesTerminal, terminal_size};
use super::live_stats::LiveStats;

/// The resolution of the run's bar.
const PARTS: u64 = 1000;

/// The maximum number of redraws per second.
const HZ: u8 = 5;

/// A reporter that shows a bar for the run and a line for each step and cause of failures, on
/// standard error.
pub struct ProgressBars {
    stats: LiveStats,
    causes: Causes,
    /// The whole display, so that each tick draws it once.
    display: ProgressBar,
}

impl ProgressBars {
    /// Creates bars on standard error; they draw nothing unless it is a terminal.
    pub fn new() -> Self {
        let target = match std::io::stderr().is_terminal() {
            true => ProgressDrawTarget::term_like_with_hz(Box::new(LinesTerminal::stderr()), HZ),
            false => ProgressDrawTarget::hidden(),
        };
        ProgressBars {
            stats: LiveStats::default(),
            causes: Causes::default(),
            display: ProgressBar::with_draw_target(Some(PARTS), target).with_style(style("")),
        }
    }

    fn redraw(&mut self) {
        let Frame { bar, lines } = Frame::of(&mut self.stats, &self.causes, terminal_size());
        let text = lines.join("\n");
        let frame = style(&format!("{{bar:{bar}}} {{text}}")).with_key(
            "text",
            // A text that cannot be written is drawn with the next frame.
            move |_: &ProgressState, line: &mut dyn Write| line.write_str(&text).unwrap_or(()),
        );
        self.display.set_style(frame);
        let position = (self.stats.part() * PARTS as f64) as u64;
        self.display.update(|state| state.set_pos(position));
    }

    fn say(&self, text: &str) {
        self.display.println(sanitize(text));
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
        self.display.finish_and_clear();
        Ok(())
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .expect("the templates are constants that indicatif accepts")
        .progress_chars("━╸─")
}
