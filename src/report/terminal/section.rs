//! Sections of the short report, which take as many lines as there are.

use super::heading;
use super::text;

/// The option that shows what is left out.
pub(super) const REST: &str = "--report full";

/// One part of the report.
pub(super) struct Section {
    pub heading: String,
    /// The lines below the heading.
    pub lines: Lines,
}

/// The lines of a section.
pub(super) enum Lines {
    /// These; if there is no room for all of them, the first ones.
    Plain(Vec<String>),
    /// Up to the first number of lines, laid out for the number that is available.
    Fitted(usize, Box<dyn FnOnce(usize) -> Vec<String>>),
}

impl Section {
    /// Returns the number of lines for all that it has.
    pub(super) fn wanted(&self) -> usize {
        match &self.lines {
            Lines::Plain(lines) => lines.len(),
            Lines::Fitted(wanted, _) => *wanted,
        }
    }

    /// Renders it with so many lines below the heading.
    pub(super) fn render(self, lines: usize) -> String {
        let below = match self.lines {
            Lines::Plain(all) => text::first(all, lines, |more| {
                format!("  and {more} more lines: {REST}")
            }),
            Lines::Fitted(_, layout) => layout(lines),
        };
        let all: Vec<_> = std::iter::once(self.heading).chain(below).collect();
        all.join("\n")
    }
}

/// Creates a section.
pub(super) fn section(title: &str, lines: Lines) -> Section {
    Section {
        heading: heading(title),
        lines,
    }
}
