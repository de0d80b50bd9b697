//! Progress of a run with many flows, as bars on a terminal or as plain lines.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::model::RunEvent;

use super::live_stats::LiveStats;
use super::progress_line::fitted;
use crate::report::error::ReportError;
use crate::report::output::Output;
use crate::report::reporter::Reporter;
use crate::report::sanitize::sanitize;
use crate::report::units;

/// The resolution of the run's bar.
const PARTS: u64 = 1000;

/// The width of the bar, and the minimum width of the terminal for it.
const LONG_BAR: usize = 24;
const SHORT_BAR: usize = 10;
const NARROW: usize = 110;

/// The maximum number of steps with a line each.
const MAX_STEP_LINES: usize = 16;

/// The time between plain lines of progress.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// A reporter that shows a bar for the run and a line for each step, on standard error.
pub struct ProgressBars {
    stats: LiveStats,
    display: MultiProgress,
    run: Option<ProgressBar>,
    steps: Vec<ProgressBar>,
}

impl ProgressBars {
    /// Creates bars on standard error; they draw nothing unless it is a terminal.
    pub fn new() -> Self {
        ProgressBars {
            stats: LiveStats::default(),
            display: MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(5)),
            run: None,
            steps: Vec::new(),
        }
    }

    fn set_up(&mut self) {
        let run = ProgressBar::new(PARTS).with_style(style("{bar:24} {wide_msg}"));
        self.run = Some(self.display.add(run));
        for _ in 0..self.stats.steps.len().min(MAX_STEP_LINES) {
            let step = ProgressBar::new_spinner().with_style(style("  {wide_msg}"));
            self.steps.push(self.display.add(step));
        }
    }

    fn redraw(&mut self) {
        let Some(run) = &self.run else { return };
        let columns = columns();
        let bar = if columns < NARROW {
            SHORT_BAR
        } else {
            LONG_BAR
        };
        run.set_style(style(&format!("{{bar:{bar}}} {{wide_msg}}")));
        run.set_position((self.stats.part() * PARTS as f64) as u64);
        run.set_message(fitted(self.stats.pieces(), columns.saturating_sub(bar + 2)));
        let steps = step_lines(&mut self.stats, self.steps.len(), columns);
        for (line, text) in self.steps.iter().zip(steps) {
            line.set_message(text);
        }
    }

    fn say(&self, text: &str) {
        // A terminal that cannot be written to does not show bars either.
        let _ = self.display.println(sanitize(text));
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
        if self.run.is_none() && self.stats.has_begun() {
            self.set_up();
        }
        self.redraw();
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        // The report follows; bars that cannot be cleared stay above it.
        let _ = self.display.clear();
        self.display.set_draw_target(ProgressDrawTarget::hidden());
        Ok(())
    }
}

/// Returns the current width of the terminal.
fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stderr());
    size.map_or(0, |size| usize::from(size.ws_col)).max(20)
}

/// Formats a line for each of the busiest steps, with aligned columns.
fn step_lines(stats: &mut LiveStats, most: usize, columns: usize) -> Vec<String> {
    let elapsed = stats.elapsed();
    let steps: Vec<_> = stats.busiest(most).collect();
    let names = steps
        .iter()
        .map(|step| sanitize(&step.name).chars().count());
    // The indent, and the columns after the name.
    let width = names
        .max()
        .unwrap_or(0)
        .min(columns.saturating_sub(2 + 44).max(8));
    steps
        .into_iter()
        .map(|step| {
            let name: String = sanitize(&step.name).chars().take(width).collect();
            let p95 = step.p95_us(elapsed).map_or("–".into(), units::duration);
            let (now, done, failed) = (step.now, step.done, step.failed);
            let mut line =
                format!("{name:<width$}  {now:>4} now  p95 {p95:>7}  {failed:>4} failed");
            line.push_str(&format!("  {done:>6} done"));
            line.chars().take(columns.saturating_sub(2)).collect()
        })
        .collect()
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .expect("the templates are constants that indicatif accepts")
        .progress_chars("━╸─")
}

/// A reporter that prints a line every other second, for logs and pipes.
pub struct PlainProgress {
    stats: LiveStats,
    output: Output,
    last: Duration,
}

impl PlainProgress {
    /// Creates a reporter that writes to `output`.
    pub fn new(output: Output) -> Self {
        PlainProgress {
            stats: LiveStats::default(),
            output,
            last: Duration::ZERO,
        }
    }
}

impl Reporter for PlainProgress {
    fn event(&mut self, event: &RunEvent) {
        self.stats.event(event);
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
        if elapsed - self.last < LINE_EVERY || !self.stats.has_begun() {
            return;
        }
        self.last = elapsed;
        let figures = fitted(self.stats.pieces(), usize::MAX);
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
