//! The progress of a run of many flows, drawn on a terminal or told in plain lines.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::model::RunEvent;

use super::error::ReportError;
use super::neutral::neutral;
use super::output::Output;
use super::pulse::Pulse;
use super::reporters::Reporter;
use super::units;

/// How many steps have a line of their own.
const MOST_STEP_LINES: usize = 16;

/// How often plain lines tell how things stand.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// A bar for the run and a line a step, on standard error.
pub struct Bars {
    pulse: Pulse,
    display: MultiProgress,
    run: Option<ProgressBar>,
    steps: Vec<ProgressBar>,
}

impl Bars {
    /// Draws on the terminal that standard error is; on anything else, nothing.
    pub fn new() -> Self {
        Bars {
            pulse: Pulse::default(),
            display: MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(5)),
            run: None,
            steps: Vec::new(),
        }
    }

    fn set_up(&mut self) {
        let run = ProgressBar::new(self.pulse.planned)
            .with_style(style("{bar:24} {pos} of {len} done, {wide_msg}"));
        self.run = Some(self.display.add(run));
        for _ in 0..self.pulse.steps.len().min(MOST_STEP_LINES) {
            let step = ProgressBar::new_spinner().with_style(style("  {wide_msg}"));
            self.steps.push(self.display.add(step));
        }
    }

    fn redraw(&mut self, elapsed: Duration) {
        let Some(run) = &self.run else { return };
        run.set_position(self.pulse.ended());
        run.set_message(self.pulse.words(elapsed));
        let busiest = self.pulse.busiest(self.steps.len());
        let width = busiest
            .iter()
            .map(|step| step.name.chars().count())
            .max()
            .unwrap_or(0);
        for (line, step) in self.steps.iter().zip(busiest) {
            let (now, done) = (step.now, step.done);
            let name = neutral(&step.name);
            line.set_message(format!("{name:<width$}  {now:>4} now  {done:>6} done"));
        }
    }

    fn say(&self, text: &str) {
        // A terminal that cannot be written to shows no bars either.
        let _ = self.display.println(neutral(text));
    }
}

impl Default for Bars {
    fn default() -> Self {
        Self::new()
    }
}

impl Reporter for Bars {
    fn event(&mut self, event: &RunEvent) {
        self.pulse.event(event);
        match event {
            RunEvent::Notice { text, .. } => self.say(&format!("Note: {text}")),
            RunEvent::Stopping { reason } => self.say(&format!("Stopping: {reason}")),
            _ => {}
        }
    }

    fn tick(&mut self, elapsed: Duration) {
        // A run that is over before the first tick needs no bars.
        if self.run.is_none() && self.pulse.planned > 0 {
            self.set_up();
        }
        self.redraw(elapsed);
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        // The report follows; what of the bars cannot be wiped away stays above it.
        let _ = self.display.clear();
        self.display.set_draw_target(ProgressDrawTarget::hidden());
        Ok(())
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .expect("the templates are constants that indicatif accepts")
        .progress_chars("━╸─")
}

/// A line every other second, for logs and pipes.
pub struct Lines {
    pulse: Pulse,
    output: Output,
    last: Duration,
}

impl Lines {
    /// Tells it to `output`.
    pub fn new(output: Output) -> Self {
        Lines {
            pulse: Pulse::default(),
            output,
            last: Duration::ZERO,
        }
    }
}

impl Reporter for Lines {
    fn event(&mut self, event: &RunEvent) {
        self.pulse.event(event);
        match event {
            RunEvent::RunStarted(info) => self.output.line(&format!(
                "{}: {} of {}, {} in parallel",
                info.id,
                units::counted(info.flows, "flow"),
                neutral(&info.scenario),
                info.parallel
            )),
            RunEvent::Notice { text, .. } => self.output.line(&format!("Note: {}", neutral(text))),
            RunEvent::Stopping { reason } => {
                self.output.line(&format!("Stopping: {}", neutral(reason)));
            }
            _ => {}
        }
    }

    fn tick(&mut self, elapsed: Duration) {
        if elapsed - self.last < LINE_EVERY || self.pulse.planned == 0 {
            return;
        }
        self.last = elapsed;
        let (ended, planned) = (self.pulse.ended(), self.pulse.planned);
        let words = self.pulse.words(elapsed);
        let mut line = format!(
            "{:>5} s  {ended} of {planned} done, {words}",
            elapsed.as_secs()
        );
        let busy = self
            .pulse
            .busiest(3)
            .into_iter()
            .filter(|step| step.now > 0);
        let busy: Vec<_> = busy
            .map(|step| format!("{} {}", step.now, neutral(&step.name)))
            .collect();
        if !busy.is_empty() {
            line.push_str("; now in ");
            line.push_str(&busy.join(", "));
        }
        self.output.line(&line);
    }
}
