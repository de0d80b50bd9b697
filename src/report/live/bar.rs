//! A bar with lines of text on a terminal, redrawn in place.

use std::fmt::Write;
use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::report::sanitize::sanitize;

use super::lines_terminal::LinesTerminal;

/// The resolution of the bar.
const PARTS: u64 = 1000;

/// The maximum number of redraws per second.
const HZ: u8 = 5;

/// The display, on standard error.
pub(in crate::report) struct BarDisplay(ProgressBar);

impl BarDisplay {
    /// Creates a display, which draws nothing unless standard error is a terminal.
    pub(in crate::report) fn stderr() -> Self {
        let target = match std::io::stderr().is_terminal() {
            true => ProgressDrawTarget::term_like_with_hz(Box::new(LinesTerminal::stderr()), HZ),
            false => ProgressDrawTarget::hidden(),
        };
        let display = ProgressBar::with_draw_target(Some(PARTS), target);
        BarDisplay(display.with_style(style("")))
    }

    /// Draws a bar of this width, of which `part` is full, from 0 to 1, before the first line.
    pub(in crate::report) fn draw(&self, bar: usize, part: f64, lines: &[String]) {
        let text = lines.join("\n");
        let frame = style(&format!("{{bar:{bar}}} {{text}}")).with_key(
            "text",
            // A text that cannot be written is drawn with the next frame.
            move |_: &ProgressState, line: &mut dyn Write| line.write_str(&text).unwrap_or(()),
        );
        self.0.set_style(frame);
        let position = (part * PARTS as f64) as u64;
        self.0.update(|state| state.set_pos(position));
    }

    /// Prints a line above the bar.
    pub(in crate::report) fn say(&self, text: &str) {
        self.0.println(sanitize(text));
    }

    /// Removes it.
    pub(in crate::report) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .expect("the templates are constants that indicatif accepts")
        .progress_chars("━╸─")
}
