//! Echo removal: distinguishes the echo of typed input from the output of a program.
//!
//! A terminal echoes a reply at the cursor when the reply arrives: after all output that was
//! received before the reply was sent, and perhaps after output still in transit. The first text
//! after that position that equals the expected echo is therefore removed: directly at the position,
//! as a whole line, or as the end of a line after a question or a blank. An echo may never arrive, so
//! it is expected within a limited amount of output only.

use std::collections::VecDeque;

use super::input::Echo;

/// Amount of output after a reply in which its echo is expected.
const WINDOW_BYTES: usize = 64 << 10;
/// Limit for the number of expected echoes.
const PENDING_LIMIT: usize = 16;
/// Length from which an echo is accepted at the end of any line, whatever is before it.
const DISTINCTIVE_BYTES: usize = 4;

/// Expected echoes, in the order of their replies.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    pending: VecDeque<Pending>,
    /// The answered prompt, while it may be redrawn before the echo.
    prompt: String,
    /// Whether the unfinished line is an incomplete redraw of the prompt.
    redrawing: bool,
}

#[derive(Debug)]
struct Pending {
    text: String,
    /// Whether the echo includes a line end.
    line: bool,
    /// End of the output when the reply was sent, as a position.
    from: usize,
}

/// Possible echo at the end of an unfinished line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PossibleEcho {
    /// The whole echo at its expected position; only the line end is missing.
    Whole { from: usize },
    /// Possibly the beginning of an echo.
    Beginning,
}

impl Echoes {
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Stops to expect echoes.
    pub(super) fn clear(&mut self) {
        self.pending.clear();
        self.prompt.clear();
        self.redrawing = false;
    }

    /// Expects an echo at or after position `from`. `prompt` is the answered line, or empty.
    pub(super) fn expect(&mut self, echo: &Echo, from: usize, prompt: &str) {
        let (text, line) = match echo {
            Echo::Nothing => return,
            Echo::Line(text) => (text.clone(), true),
            Echo::Text(text) => (text.clone(), false),
        };
        if self.pending.len() == PENDING_LIMIT {
            self.pending.pop_front();
        }
        self.pending.push_back(Pending { text, line, from });
        self.redrawing = false;
        self.prompt.clear();
        self.prompt.push_str(prompt);
    }

    /// Adjusts positions after a line end was inserted at `position`.
    pub(super) fn moved(&mut self, position: usize) {
        for pending in &mut self.pending {
            if pending.from >= position {
                pending.from += 1;
            }
        }
    }

    /// Adjusts positions after the text was truncated at `position`.
    pub(super) fn truncate(&mut self, position: usize) {
        for pending in &mut self.pending {
            pending.from = pending.from.min(position);
        }
    }

    /// Ends the unfinished line, which begins at position `open`. Returns the position where an echo
    /// begins in it.
    pub(super) fn line_ended(&mut self, line: &str, open: usize, line_end: bool) -> Option<usize> {
        self.redrawing = false;
        let end = open + line.len();
        let mut found = None;
        for (place, pending) in self.pending.iter().enumerate() {
            if let Some(start) = pending.start_in(line, open, line_end) {
                found = Some((place, start));
                break;
            }
        }
        match found {
            Some((place, _)) => drop(self.pending.drain(..=place)),
            // Enter alone is echoed as the first line end, or not at all.
            None => self.pending.retain(|pending| {
                end - pending.from.min(end) <= WINDOW_BYTES
                    && !(pending.line && pending.text.is_empty() && end >= pending.from)
            }),
        }
        found.map(|(_, start)| start)
    }

    /// Removes echoes after text was added to the unfinished line, which begins at position `open`, in
    /// `text` at `line_index`; it ended at position `was` before. Returns whether the line was found
    /// to be new text instead of a redrawn prompt.
    pub(super) fn text_added(
        &mut self,
        text: &mut String,
        line_index: usize,
        open: usize,
        was: usize,
    ) -> bool {
        let mut is_new_line = false;
        if self.redrawing {
            let line = &text[line_index..];
            if line.starts_with(self.prompt.as_str()) {
                self.redrawing = false;
                text.drain(line_index..line_index + self.prompt.len());
                for pending in &mut self.pending {
                    pending.from = open;
                }
            } else if !self.prompt.starts_with(line) {
                self.redrawing = false;
                is_new_line = true;
            }
        }
        let mut searched = was;
        while let Some(pending) = self.pending.front()
            && !pending.line
        {
            let from = pending.from.max(open);
            let line_end = open + text.len() - line_index;
            let in_text = |position: usize| line_index + (position - open);
            if from >= line_end {
                break;
            }
            searched = searched.min(line_end);
            // `^C` may follow other output; a blank only counts at its position.
            let found = if pending.text.starts_with('^') {
                let overlap = searched.saturating_sub(pending.text.len() - 1).max(from);
                let mut overlap = in_text(overlap);
                while !text.is_char_boundary(overlap) {
                    overlap += 1;
                }
                text[overlap..]
                    .find(&pending.text)
                    .map(|found| overlap + found)
            } else if pending.from >= open
                && text[in_text(from)..].starts_with(pending.text.as_str())
            {
                Some(in_text(from))
            } else {
                // The added text is not this echo.
                self.pending.pop_front();
                continue;
            };
            let Some(found) = found else {
                if line_end - from > WINDOW_BYTES {
                    self.pending.pop_front();
                    continue;
                }
                break;
            };
            text.drain(found..found + pending.text.len());
            searched = open + (found - line_index);
            self.pending.pop_front();
        }
        is_new_line
    }

    /// Returns whether text printed elsewhere may be the answered prompt, redrawn. `rest` is the text
    /// on the line after the prompt.
    pub(super) fn redraw_begins(&mut self, rest: &str) -> bool {
        let begins = !self.prompt.is_empty()
            && self.pending.front().is_some_and(|pending| {
                pending.line && (rest.trim().is_empty() || pending.text.starts_with(rest))
            });
        self.redrawing = begins;
        begins
    }

    /// Returns the possible echo at the end of the unfinished line, which begins at position `open`.
    pub(super) fn possible(&self, line: &str, open: usize) -> Option<PossibleEcho> {
        if self.redrawing && !line.is_empty() && self.prompt.starts_with(line) {
            return Some(PossibleEcho::Beginning);
        }
        let mut result = None;
        for pending in &self.pending {
            let from = pending.from.max(open);
            let Some(tail) = line.get(from.saturating_sub(open)..) else {
                continue;
            };
            if tail.is_empty() || pending.text.is_empty() {
                continue;
            }
            if pending.line && pending.from >= open && tail.trim_start() == pending.text {
                return Some(PossibleEcho::Whole { from });
            }
            if begins_at_end(tail, &pending.text) {
                result = Some(PossibleEcho::Beginning);
            }
        }
        result
    }
}

impl Pending {
    /// Returns the position where this echo begins, if the line ends with it.
    fn start_in(&self, line: &str, open: usize, line_end: bool) -> Option<usize> {
        if !self.line {
            return None;
        }
        let end = open + line.len();
        if self.text.is_empty() {
            return (line_end && self.from >= open && self.from == end).then_some(end);
        }
        let from = self.from.max(open);
        let tail = line.get(from - open..)?;
        let before = tail.strip_suffix(self.text.as_str())?;
        let is_echo = before.trim_start().is_empty()
            || self.text.len() >= DISTINCTIVE_BYTES
            || before.ends_with(|c: char| c.is_whitespace() || ":>?)]}#$%!…".contains(c));
        is_echo.then(|| end - self.text.len())
    }
}

/// Returns whether `text` ends with a beginning of `echo`.
fn begins_at_end(text: &str, echo: &str) -> bool {
    let text = text.as_bytes();
    let echo = echo.as_bytes();
    let window = &text[text.len().saturating_sub(echo.len())..];
    memchr::memchr_iter(echo[0], window).any(|at| echo.starts_with(&window[at..]))
}
