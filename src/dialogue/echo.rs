//! Telling our own typing from what a program says.
//!
//! A terminal echoes a reply where its cursor is when the reply arrives: after everything that
//! was received before the reply was sent, and perhaps after output that was on its way. So the
//! first text after that place that reads like the echo is taken for it: at the very place, as a
//! whole line, or as a line's end where a question or a blank stands before it. It may never
//! come; after a while it isn't looked for any more.

use std::collections::VecDeque;

use super::reply::Echo;

/// The amount that output an echo is looked for in.
const WINDOW_BYTES: usize = 64 << 10;
/// The number of replies that may wait for their echo.
const PENDING_LIMIT: usize = 16;
/// An echo as long as this is taken for one wherever a line ends with it.
const TELLING_BYTES: usize = 4;

/// The echoes that are still to come, in the order of their replies.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    pending: VecDeque<Pending>,
    /// The answered prompt, while it may be drawn again before the echo.
    prompt: String,
    /// True if the unfinished line is such a drawing, not yet complete.
    redrawing: bool,
}

#[derive(Debug)]
struct Pending {
    text: String,
    /// True if a line end belongs to it.
    line: bool,
    /// Where the output ended when the reply was sent.
    from: usize,
}

/// The end of an unfinished line that may be our echo.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Maybe {
    /// It is the whole echo, where it has to be; only its line end is missing.
    Whole { from: usize },
    /// It may be the beginning of one.
    Beginning,
}

impl Echoes {
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// None is to come any more.
    pub(super) fn clear(&mut self) {
        self.pending.clear();
        self.prompt.clear();
        self.redrawing = false;
    }

    /// `prompt` is the line that was answered, or empty.
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

    /// A line end was put in at `position`.
    pub(super) fn moved(&mut self, position: usize) {
        for pending in &mut self.pending {
            if pending.from >= position {
                pending.from += 1;
            }
        }
    }

    /// The unfinished line was cut off at `position`.
    pub(super) fn cut(&mut self, position: usize) {
        for pending in &mut self.pending {
            pending.from = pending.from.min(position);
        }
    }

    /// The unfinished line, which begins at `open`, has ended: where our echo begins in it.
    pub(super) fn line_ended(&mut self, line: &str, open: usize, line_end: bool) -> Option<usize> {
        self.redrawing = false;
        let end = open + line.len();
        let mut found = None;
        for (place, pending) in self.pending.iter().enumerate() {
            if let Some(start) = pending.ends(line, open, line_end) {
                found = Some((place, start));
                break;
            }
        }
        match found {
            Some((place, _)) => drop(self.pending.drain(..=place)),
            // Just Enter echoes as the line end that comes first, or not at all.
            None => self.pending.retain(|pending| {
                end - pending.from.min(end) <= WINDOW_BYTES
                    && !(pending.line && pending.text.is_empty() && end >= pending.from)
            }),
        }
        found.map(|(_, start)| start)
    }

    /// Text was added to the unfinished line, which begins at `open`, in `text` at `line_index`;
    /// before, it ended at `was`. Takes out what is ours. True if the line turned out to be one
    /// of its own, not the answered prompt drawn again.
    pub(super) fn text_came(
        &mut self,
        text: &mut String,
        line_index: usize,
        open: usize,
        was: usize,
    ) -> bool {
        let mut own_line = false;
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
                own_line = true;
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
            // `^C` may come later than other output; a blank only at its place.
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
                // What came is not it.
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
        own_line
    }

    /// Something is to be printed elsewhere, with `rest` on the line after the answered prompt:
    /// true if that may be the prompt drawn again.
    pub(super) fn redraw_begins(&mut self, rest: &str) -> bool {
        let begins = !self.prompt.is_empty()
            && self.pending.front().is_some_and(|pending| {
                pending.line && (rest.trim().is_empty() || pending.text.starts_with(rest))
            });
        self.redrawing = begins;
        begins
    }

    /// Returns whether the unfinished line, which begins at `open`, ends with what may be our echo.
    pub(super) fn maybe(&self, line: &str, open: usize) -> Option<Maybe> {
        if self.redrawing && !line.is_empty() && self.prompt.starts_with(line) {
            return Some(Maybe::Beginning);
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
                return Some(Maybe::Whole { from });
            }
            if begins_at_end(tail, &pending.text) {
                result = Some(Maybe::Beginning);
            }
        }
        result
    }
}

impl Pending {
    fn ends(&self, line: &str, open: usize, line_end: bool) -> Option<usize> {
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
        let ours = before.trim_start().is_empty()
            || self.text.len() >= TELLING_BYTES
            || before.ends_with(|c: char| c.is_whitespace() || ":>?)]}#$%!…".contains(c));
        ours.then(|| end - self.text.len())
    }
}

/// Returns whether `text` ends with a beginning of `echo`.
fn begins_at_end(text: &str, echo: &str) -> bool {
    let text = text.as_bytes();
    let echo = echo.as_bytes();
    let window = &text[text.len().saturating_sub(echo.len())..];
    memchr::memchr_iter(echo[0], window).any(|at| echo.starts_with(&window[at..]))
}
