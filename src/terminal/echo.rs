//! Echo of typed input: distinguishes what is drawn of a reply from the output of a program.
//!
//! There are two kinds of echo, and each has a place:
//!
//! - **The terminal's own.** While its `ECHO` setting is on, the terminal prints what is typed at the
//!   moment it arrives, with its line end. This echo is certain, and exact. It is the first row after
//!   the reply that ends with the reply; output that was in transit may precede it.
//! - **The program's.** A line editor reads single keys and draws them itself on the *input line*:
//!   from the cursor to the line end that the reply causes. It may draw nothing, stars, or pieces of
//!   what was typed: scrolled, wrapped, repainted with the prompt at each key, repeated. On the input
//!   line such a piece is no evidence, and everything else is. After that line, an echo can only be a
//!   whole row: one that equals the reply, from a program that switched to reading keys after the
//!   terminal had already echoed, or one that is drawn again after the cursor was moved back.

use std::collections::VecDeque;
use std::sync::Arc;

use super::input::ExpectedEcho;
use super::input_line::{
    Addressing, Begins, EchoMode, InputLine, InputText, Phase, RowEnd, RowKind,
};

/// Amount of output after a reply in which its echo is expected.
const WINDOW_BYTES: usize = 64 << 10;
/// Limit for the number of expected echoes.
const PENDING_LIMIT: usize = 16;
/// Limit for the replies of one input line.
const TYPED_LIMIT_BYTES: usize = 16 << 10;

/// Possible echo at the end of an unfinished row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PossibleEcho {
    /// The whole echo at its expected position; only the line end is missing.
    Whole { from: usize },
    /// Possibly the beginning of an echo.
    Beginning,
}

/// Expected echoes.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    /// Echoes at the end of a row, in the order of their replies.
    pending: VecDeque<Pending>,
    input: Option<InputLine>,
    /// Text of an earlier input line, to be filled again.
    spare: Option<Arc<InputText>>,
}

#[derive(Debug)]
struct Pending {
    text: String,
    /// The echo includes a line end.
    line: bool,
    /// True if the terminal echoes, not the program.
    is_certain: bool,
    /// End of the output when the reply was sent, as a position.
    from: usize,
}

impl Echoes {
    /// Returns whether no output can be an echo, however it continues.
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.input.as_ref().is_none_or(InputLine::is_over)
    }

    /// Returns whether the terminal's echo of a line is still to come.
    pub(super) fn awaits_line(&self) -> bool {
        let mut pending = self.pending.iter();
        pending.any(|pending| pending.line && pending.is_certain)
    }

    /// Returns whether it matters that the program begins to read single keys.
    pub(super) fn depends_on_mode(&self) -> bool {
        let input = self.input.as_ref();
        input.is_some_and(|input| !input.raw)
    }

    /// Reports that the program reads single keys.
    pub(super) fn set_raw(&mut self) {
        if let Some(input) = &mut self.input {
            input.raw = true;
        }
    }

    /// Stops to expect echoes.
    pub(super) fn clear(&mut self) {
        self.pending.clear();
        self.end_input();
    }

    fn end_input(&mut self) {
        if let Some(mut input) = self.input.take()
            && Arc::get_mut(&mut input.text).is_some()
        {
            self.spare = Some(input.text);
        }
    }

    /// Expects an echo at or after position `from`. `prompt` is the answered row, which the cursor is
    /// behind; `None` if input is typed ahead of its prompt, or after other input.
    pub(super) fn expect(
        &mut self,
        echo: &ExpectedEcho,
        mode: EchoMode,
        from: usize,
        prompt: Option<&str>,
    ) {
        let (text, line) = match echo {
            ExpectedEcho::Nothing => return,
            ExpectedEcho::Line(text) => (text, true),
            ExpectedEcho::Text(text) => (text, false),
        };
        let is_expected = match mode {
            EchoMode::Lines => true,
            // What the program draws may come between the characters of a line.
            EchoMode::Keys => !line,
            EchoMode::Raw => prompt.is_none() && line && !text.is_empty(),
            EchoMode::Hidden => false,
        };
        if is_expected {
            if self.pending.len() == PENDING_LIMIT {
                self.pending.pop_front();
            }
            self.pending.push_back(Pending {
                text: text.clone(),
                line,
                is_certain: mode != EchoMode::Raw,
                from,
            });
        }
        let raw = matches!(mode, EchoMode::Keys | EchoMode::Raw);
        match &mut self.input {
            Some(input) if prompt.is_none() && input.is_drawn_on() => {
                let drawn = Arc::make_mut(&mut input.text);
                if drawn.replies.len() + text.len() <= TYPED_LIMIT_BYTES {
                    drawn.push(text);
                }
                input.raw |= raw;
            }
            _ => {
                self.end_input();
                let phase = match mode {
                    EchoMode::Lines | EchoMode::Keys => Phase::Expected,
                    EchoMode::Raw if prompt.is_some() => Phase::Drawing,
                    EchoMode::Raw | EchoMode::Hidden => Phase::Ended,
                };
                let mut drawn = self.spare.take().unwrap_or_default();
                let fresh = Arc::make_mut(&mut drawn);
                fresh.prompt.clear();
                fresh.prompt.push_str(prompt.unwrap_or_default());
                fresh.replies.clear();
                fresh.push(text);
                self.input = Some(InputLine {
                    from,
                    text: drawn,
                    phase,
                    raw,
                    is_drawn: false,
                    addressing: if raw {
                        Addressing::Possible
                    } else {
                        Addressing::Irrelevant
                    },
                });
            }
        }
    }

    /// Adjusts positions after a line end was inserted at `position`.
    pub(super) fn moved(&mut self, position: usize) {
        for from in self.positions() {
            if *from >= position {
                *from += 1;
            }
        }
    }

    /// Adjusts positions after the text was truncated at `position`.
    pub(super) fn truncate(&mut self, position: usize) {
        for from in self.positions() {
            *from = (*from).min(position);
        }
    }

    fn positions(&mut self) -> impl Iterator<Item = &mut usize> {
        let input = self.input.iter_mut().map(|input| &mut input.from);
        let pending = self.pending.iter_mut().map(|pending| &mut pending.from);
        pending.chain(input)
    }

    /// Ends the unfinished row, which begins at position `open`. `fills` is whether it is as wide as
    /// the terminal.
    pub(super) fn row_ended(
        &mut self,
        row: &str,
        open: usize,
        row_end: RowEnd,
        fills: bool,
    ) -> RowKind {
        if row_end == RowEnd::Left
            && let Some(input) = &mut self.input
            && input.addressing == Addressing::Possible
        {
            input.addressing = Addressing::Begun;
        }
        if let Some(kind) = self.pending_ended(row, open, row_end) {
            if let Some(input) = &mut self.input
                && self.pending.is_empty()
                && input.phase == Phase::Expected
            {
                input.phase = Phase::Ended;
            }
            return kind;
        }
        let Some(input) = &mut self.input else {
            return RowKind::Output;
        };
        if open - input.from.min(open) > WINDOW_BYTES {
            self.end_input();
            return RowKind::Output;
        }
        input.row_ended(row, open, row_end, fills)
    }

    /// Searches for an expected echo at the end of a row.
    fn pending_ended(&mut self, row: &str, open: usize, row_end: RowEnd) -> Option<RowKind> {
        let end = open + row.len();
        let is_line_end = row_end == RowEnd::LineEnd;
        let mut pendings = self.pending.iter().enumerate();
        let found = pendings.find_map(|(place, pending)| {
            let kind = pending.kind_of(row, open, is_line_end)?;
            Some((place, kind))
        });
        let Some((place, kind)) = found else {
            // Enter alone is echoed as the first line end, or not at all.
            self.pending.retain(|pending| {
                end - pending.from.min(end) <= WINDOW_BYTES
                    && !(pending.line && pending.text.is_empty() && end >= pending.from)
            });
            return None;
        };
        self.pending.drain(..=place);
        Some(kind)
    }

    /// Removes the terminal's echoes of keys after text was added to the unfinished row, which begins
    /// at position `open`, in `text` at `row_index`; it ended at position `was` before.
    pub(super) fn text_added(
        &mut self,
        text: &mut String,
        row_index: usize,
        open: usize,
        was: usize,
    ) {
        let mut searched = was;
        while let Some(pending) = self.pending.front()
            && !pending.line
        {
            let from = pending.from.max(open);
            let row_end = open + text.len() - row_index;
            let in_text = |position: usize| row_index + (position - open);
            if from >= row_end {
                break;
            }
            searched = searched.min(row_end);
            // `^C` may follow other output; a character only counts at its position.
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
                if row_end - from > WINDOW_BYTES {
                    self.pending.pop_front();
                    continue;
                }
                break;
            };
            text.drain(found..found + pending.text.len());
            searched = open + (found - row_index);
            self.pending.pop_front();
        }
        if self.pending.is_empty()
            && let Some(input) = &mut self.input
            && input.phase == Phase::Expected
        {
            // A key causes no line end: the program may still draw it on this row.
            input.phase = Phase::Drawing;
        }
    }

    /// Returns the part of the unfinished row, which begins at position `open`, that is no evidence
    /// as it may have been typed.
    pub(super) fn unfinished(&self, row: &str, open: usize) -> RowKind {
        if let Some(input) = &self.input
            && !input.is_over()
            && let kind @ RowKind::Input { .. } = input.unfinished(row, open)
        {
            return kind;
        }
        let begun = self.pending.iter().filter(|pending| pending.line);
        let starts = begun.filter_map(|pending| {
            let from = pending.from.max(open);
            let tail = row.get(from.saturating_sub(open)..)?;
            let start = begins_at_end(tail, &pending.text)?;
            Some(from + start)
        });
        match starts.min() {
            Some(start) => RowKind::EndsWithEcho { start },
            None => {
                let input = self.input.as_ref();
                input.map_or(RowKind::Output, |input| input.addressed(row, open))
            }
        }
    }

    /// Returns the possible echo at the end of the unfinished row, which begins at position `open`.
    /// Until the program is quiet, it is not searched for prompts.
    pub(super) fn possible(&self, row: &str, open: usize) -> Option<PossibleEcho> {
        if let Some(input) = &self.input
            && matches!(input.phase, Phase::Ended | Phase::Left)
            && !input.is_over()
            && input.text.begins(row) == Some(Begins::Prompt)
        {
            return Some(PossibleEcho::Beginning);
        }
        let mut result = None;
        for pending in &self.pending {
            let from = pending.from.max(open);
            let Some(tail) = row.get(from.saturating_sub(open)..) else {
                continue;
            };
            if tail.is_empty() || pending.text.is_empty() {
                continue;
            }
            if pending.line && pending.from >= open && tail.trim_start() == pending.text {
                return Some(PossibleEcho::Whole { from });
            }
            if begins_at_end(tail, &pending.text).is_some() {
                result = Some(PossibleEcho::Beginning);
            }
        }
        result
    }
}

impl Pending {
    /// Returns the echo at the end of the row, which begins at position `open`.
    fn kind_of(&self, row: &str, open: usize, is_line_end: bool) -> Option<RowKind> {
        if !self.line {
            return None;
        }
        let end = open + row.len();
        let start = end - self.text.len().min(row.len());
        if self.text.is_empty() {
            let is_here = is_line_end && self.from >= open && self.from == end;
            return is_here.then_some(RowKind::Echo { start: end });
        }
        let from = self.from.max(open);
        let tail = row.get(from - open..)?;
        let before = tail.strip_suffix(self.text.as_str())?;
        if before.trim_start().is_empty() {
            return Some(RowKind::Echo { start });
        }
        let follows_question =
            before.ends_with(|c: char| c.is_whitespace() || ":>?)]}#$%!…".contains(c));
        follows_question.then_some(RowKind::EndsWithEcho { start })
    }
}

/// Returns where `text` ends with a beginning of `echo`.
fn begins_at_end(text: &str, echo: &str) -> Option<usize> {
    let text = text.as_bytes();
    let echo = echo.as_bytes();
    let first = *echo.first()?;
    let window_at = text.len().saturating_sub(echo.len());
    let window = &text[window_at..];
    memchr::memchr_iter(first, window)
        .find(|&at| echo.starts_with(&window[at..]))
        .map(|at| window_at + at)
}
