//! Progress of all segments together, on a terminal or as plain lines.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::report::live::bar::BarDisplay;
use crate::report::live::causes::what;
use crate::report::live::lines_terminal::terminal_size;
use crate::report::live::progress_line::{LineFigures, cut, fitted};
use crate::report::live::so_far::Phase;
use crate::report::output::Output;
use crate::report::sanitize::sanitize;
use crate::report::units;

use super::collection::{SegmentState, SegmentStatus};
use super::merged::Merged;
use super::watch::Look;

/// The limits of the time between plain lines, which is a tenth of the time so far.
const MIN_INTERVAL: Duration = Duration::from_secs(2);
const MAX_INTERVAL: Duration = Duration::from_secs(60);

/// The maximum number of causes of failures, and of silent segments, that are named.
const MAX_CAUSES: usize = 3;
const MAX_NAMED: usize = 5;

/// The time without news from which on it is shown.
const QUIET: Duration = Duration::from_secs(3);

/// The width of the bar.
const BAR: usize = 16;

/// A display of the progress of all segments.
pub struct SegmentsProgress {
    form: Form,
    began: Instant,
    /// The time of the last line.
    last: Option<Duration>,
    /// All segments had ended at the last line.
    was_over: bool,
    /// The segments that were silent at the last look.
    silent: BTreeSet<u64>,
    /// The number of failures when their causes were listed last.
    listed: u64,
}

enum Form {
    Plain(Output),
    Bar(BarDisplay),
    /// Only notes.
    Quiet(Output),
}

impl SegmentsProgress {
    /// Creates a display of plain lines.
    pub fn plain(output: Output) -> Self {
        SegmentsProgress::of(Form::Plain(output))
    }

    /// Creates a display of notes only.
    pub fn quiet(output: Output) -> Self {
        SegmentsProgress::of(Form::Quiet(output))
    }

    /// Creates a bar on standard error, which is a terminal.
    pub fn bars() -> Self {
        SegmentsProgress::of(Form::Bar(BarDisplay::stderr()))
    }

    fn of(form: Form) -> Self {
        SegmentsProgress {
            form,
            began: Instant::now(),
            last: None,
            was_over: false,
            silent: BTreeSet::new(),
            listed: 0,
        }
    }

    /// Shows what was seen.
    pub fn show(&mut self, look: &Look) {
        for note in &look.notes {
            self.say(&format!("Note: {note}"));
        }
        let Some(merged) = &look.merged else {
            return;
        };
        self.note_silent(merged);
        match &self.form {
            Form::Quiet(_) => {}
            Form::Plain(_) => self.print(merged),
            Form::Bar(_) => self.draw(merged),
        }
    }

    /// Adds a line above the progress.
    pub fn say(&mut self, text: &str) {
        match &mut self.form {
            Form::Plain(output) | Form::Quiet(output) => output.line(text),
            Form::Bar(display) => display.say(text),
        }
    }

    /// Removes what is redrawn.
    pub fn end(&mut self) {
        if let Form::Bar(display) = &self.form {
            display.clear();
        }
    }

    /// Notes which segments have fallen silent, and which are heard again.
    fn note_silent(&mut self, merged: &Merged) {
        let silent: BTreeSet<u64> = silent(merged).map(|it| it.number).collect();
        for status in silent.difference(&self.silent).copied().collect::<Vec<_>>() {
            let status = merged.segments.iter().find(|it| it.number == status);
            if let Some(status) = status {
                self.say(&format!("Note: {}", described(status)));
            }
        }
        for number in self.silent.difference(&silent).copied().collect::<Vec<_>>() {
            self.say(&format!("Note: segment {number} is heard again"));
        }
        self.silent = silent;
    }

    fn print(&mut self, merged: &Merged) {
        let now = self.began.elapsed();
        let interval = (now / 10).clamp(MIN_INTERVAL, MAX_INTERVAL);
        let is_recent = |last| now.saturating_sub(last) < interval;
        let is_over = merged.phase == Phase::Ended;
        let is_news = match self.was_over {
            true => !is_over,
            false => is_over || !self.last.is_some_and(is_recent),
        };
        if !is_news {
            return;
        }
        self.was_over = is_over;
        self.last = Some(now);
        let figures = fitted(figures(merged).pieces(), usize::MAX).0;
        let elapsed = merged.elapsed.as_secs();
        let segments = segments(merged);
        self.say(&format!("{elapsed:>5} s  {figures}; {segments}"));
        let failed = merged.summary.failures.count();
        if failed > 0 && failed >= 2 * self.listed {
            self.listed = failed;
            for line in causes(merged, usize::MAX) {
                self.say(&format!("         {line}"));
            }
        }
    }

    fn draw(&mut self, merged: &Merged) {
        let is_over = merged.phase == Phase::Ended;
        if is_over && !self.was_over {
            // It stays when the bar is gone.
            let figures = fitted(figures(merged).pieces(), usize::MAX).0;
            self.say(&format!("{figures}; {}", segments(merged)));
        }
        self.was_over = is_over;
        let Form::Bar(display) = &self.form else {
            return;
        };
        let size = terminal_size();
        let columns = size.columns;
        let beside = columns.saturating_sub(BAR + 1);
        let mut lines = vec![
            fitted(figures(merged).pieces(), beside).0,
            cut(&format!("  {}", segments(merged)), columns),
        ];
        let causes = causes(merged, columns / 3);
        lines.extend(causes.map(|it| cut(&format!("  {it}"), columns)));
        lines.truncate(size.rows.saturating_sub(1).max(1));
        display.draw(BAR, merged.part().unwrap_or(0.0), &lines);
    }
}

fn figures(merged: &Merged) -> LineFigures {
    let flows = merged.summary.flows;
    LineFigures {
        planned: merged.info.flows,
        duration: merged.info.duration_us.map(Duration::from_micros),
        elapsed: merged.elapsed,
        part: merged.part().unwrap_or(0.0),
        ended: merged.now.ended,
        completed: flows.completed,
        failed: flows.failed,
        dropped: flows.dropped,
        interrupted: flows.interrupted,
        in_flight: merged.now.in_flight,
        completed_per_second: merged.now.completed_per_second,
        wanted_per_second: merged.info.wanted_per_second,
        p95_us: merged.now.responses.percentile_us(95.0),
    }
}

/// Describes the segments: `segments 7 of 8, 2 ended; segment 3 (node-3) silent for 14 s`.
fn segments(merged: &Merged) -> String {
    let all = merged.segments.len();
    let mut text = format!("segments {} of {all}", merged.seen());
    let in_state = |state| merged.segments.iter().filter(move |it| it.state == state);
    let ended = in_state(SegmentState::Ended).count();
    if ended > 0 {
        text += &format!(", {ended} ended");
    }
    let going_on = [SegmentState::Running, SegmentState::Stopping];
    let last = merged.segments.iter();
    let last = last.filter(|it| going_on.contains(&it.state));
    if let Some(age) = last.map(|it| it.age).min().filter(|age| *age > QUIET) {
        text += &format!(", last heard {} ago", rough(age));
    }
    let silent: Vec<_> = silent(merged).collect();
    for status in silent.iter().take(MAX_NAMED) {
        text += &format!("; {}", described(status));
    }
    if silent.len() > MAX_NAMED {
        text += &format!("; {} more silent", silent.len() - MAX_NAMED);
    }
    text
}

fn silent(merged: &Merged) -> impl Iterator<Item = &SegmentStatus> {
    let all = merged.segments.iter();
    all.filter(|it| it.state == SegmentState::Silent)
}

/// Describes a silent segment.
fn described(status: &SegmentStatus) -> String {
    let (age, host) = (rough(status.age), sanitize(&status.host));
    format!("segment {} ({host}) silent for {age}", status.number)
}

fn rough(age: Duration) -> String {
    units::rough(Duration::from_secs(age.as_secs()))
}

/// Describes the most frequent causes of failures in a line each.
fn causes(merged: &Merged, columns: usize) -> impl Iterator<Item = String> {
    let groups = merged.summary.failures.groups.iter().take(MAX_CAUSES);
    groups.map(move |group| format!("{} × {}", group.count, what(group, columns)))
}
