//! Progress of a run as plain lines, for logs and pipes.

use std::time::Duration;

use crate::model::RunEvent;
use crate::report::output::Output;
use crate::report::reporter::Reporter;
use crate::report::sanitize::sanitize;
use crate::report::units;

use super::causes::Causes;
use super::live_stats::LiveStats;
use super::progress_line::fitted;

/// The limits of the time between plain lines of progress, which is a tenth of the time so far:
/// a run of an hour has about a hundred lines.
const MIN_INTERVAL: Duration = Duration::from_secs(2);
const MAX_INTERVAL: Duration = Duration::from_secs(60);

/// The maximum number of causes of failures with a line each.
const MAX_CAUSES: usize = 3;

/// A reporter that prints a line from time to time, more seldom the longer the run takes. Causes of
/// failures follow it whenever they have changed.
pub struct PlainProgress {
    stats: LiveStats,
    causes: Causes,
    output: Output,
    last: Duration,
    /// The number of failures when their causes were listed last, and the order of these.
    listed: (u64, Vec<String>),
}

impl PlainProgress {
    /// Creates a reporter that writes to `output`.
    pub fn new(output: Output) -> Self {
        PlainProgress {
            stats: LiveStats::default(),
            causes: Causes::default(),
            output,
            last: Duration::ZERO,
            listed: (0, Vec::new()),
        }
    }

    /// Lists the causes of failures if others are the most frequent than before, or if there are
    /// twice as many failures.
    fn list_causes(&mut self) {
        let lines = self.causes.lines(MAX_CAUSES, usize::MAX);
        let of_cause = |line: &String| line.split_once(" × ").map_or("", |it| it.1).to_owned();
        let causes: Vec<_> = lines.iter().map(of_cause).collect();
        let failed = self.causes.failed();
        if failed < 2 * self.listed.0 && causes == self.listed.1 {
            return;
        }
        for line in lines {
            self.output.line(&format!("         {line}"));
        }
        self.listed = (failed, causes);
    }
}

impl Reporter for PlainProgress {
    fn event(&mut self, event: &RunEvent) {
        self.stats.event(event);
        self.causes.event(event);
        match event {
            RunEvent::RunStarted(info) => self.output.line(&format!(
                "{}: {} of {}, {}",
                info.id,
                units::extent(info),
                sanitize(&info.scenario),
                info.load
            )),
            RunEvent::Notice { text, .. } => self.output.line(&format!("Note: {}", sanitize(text))),
            RunEvent::Stopping { reason } => {
                self.output.line(&format!("Stopping: {}", sanitize(reason)));
            }
            RunEvent::AuditStarted { command } => {
                self.output
                    .line(&format!("Auditing: {}", sanitize(command)));
            }
            _ => {}
        }
    }

    fn tick(&mut self, elapsed: Duration) {
        self.stats.tick(elapsed);
        if let Some(note) = self.causes.note(elapsed, self.stats.part()) {
            self.output
                .line(&format!("Note: {note}. --fail-fast stops such a run."));
        }
        let interval = (elapsed / 10).clamp(MIN_INTERVAL, MAX_INTERVAL);
        if elapsed.saturating_sub(self.last) < interval || !self.stats.has_begun() {
            return;
        }
        self.last = elapsed;
        let figures = fitted(self.stats.pieces(), usize::MAX).0;
        let mut line = format!("{:>5} s  {figures}", elapsed.as_secs());
        let busy = self.stats.busiest(3).filter(|step| step.now > 0);
        let busy: Vec<_> = busy
            .map(|step| format!("{} {}", step.now, sanitize(&step.name)))
            .collect();
        if !busy.is_empty() {
            line.push_str("; now in ");
            line.push_str(&busy.join(", "));
        }
        self.output.line(&line);
        if self.causes.failed() > 0 {
            self.list_causes();
        }
    }
}

/// A reporter that prints only notices.
pub struct Quiet {
    output: Output,
}

impl Quiet {
    /// Creates a reporter that writes to `output`.
    pub fn new(output: Output) -> Self {
        Quiet { output }
    }
}

impl Reporter for Quiet {
    fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Notice { text, .. } => self.output.line(&format!("Note: {}", sanitize(text))),
            RunEvent::Stopping { reason } => {
                self.output.line(&format!("Stopping: {}", sanitize(reason)));
            }
            _ => {}
        }
    }
}
