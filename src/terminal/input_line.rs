//! Input line: the row behind a prompt, on which a program may draw what is typed.

use std::sync::Arc;

/// Characters from which a beginning of a reply is recognized without its prompt.
const DISTINCTIVE_CHARS: usize = 4;

/// Echo setting of a terminal at the time when input is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EchoMode {
    /// The terminal echoes, and the program reads lines.
    Lines,
    /// The terminal echoes, and the program reads single keys.
    Keys,
    /// The program reads single keys, and may draw them itself.
    Raw,
    /// Nothing echoes: a password prompt, or pipes.
    Hidden,
}

/// End of a row of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowEnd {
    /// A line end.
    LineEnd,
    /// The cursor moved within the row, and text is printed over it.
    Overwritten,
    /// The cursor left the row upwards, and text is printed there.
    LeftUpwards,
    /// The cursor left the row, and text is printed elsewhere.
    Left,
}

/// Relation of a row to what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RowKind {
    Output,
    /// From this position on, the row is an echo and nothing else.
    Echo {
        start: usize,
    },
    /// Output, with an echo from this position on.
    EndsWithEcho {
        start: usize,
    },
    /// From this position on, the row is a part of the input line.
    Input {
        start: usize,
        line: Arc<InputText>,
    },
    /// From this position on, the row is drawn somewhere on the screen, by a program that may draw
    /// what was typed anywhere on it.
    Addressed {
        start: usize,
        line: Arc<InputText>,
    },
}

/// Text that may be drawn on an input line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct InputText {
    /// The answered prompt, which is drawn again with each repaint.
    pub prompt: String,
    /// Replies, each with a line end.
    pub replies: String,
}

impl InputText {
    fn replies(&self) -> impl Iterator<Item = &str> {
        self.replies.split_terminator('\n')
    }

    pub(super) fn push(&mut self, reply: &str) {
        self.replies.push_str(reply);
        self.replies.push('\n');
    }

    /// Returns whether `text` can be a piece of what was typed, or of the prompt with it.
    pub(super) fn draws(&self, text: &str) -> bool {
        // Line editors mark a line that continues beyond the edge.
        let unmarked = text.trim_matches(|c: char| c.is_whitespace() || c == '<' || c == '>');
        let piece = if unmarked.is_empty() {
            text.trim()
        } else {
            unmarked
        };
        self.replies().any(|reply| {
            let repeated = [self.prompt.as_str(), reply, reply].concat();
            repeated.contains(piece) || doubled(reply).contains(piece)
        })
    }

    /// Returns whether `value` can be a piece of what was typed alone.
    pub(super) fn holds(&self, value: &str) -> bool {
        let value = value.trim();
        self.replies()
            .any(|reply| reply.contains(value) || doubled(reply).contains(value))
    }

    /// Returns whether `text`, which follows `before` in its row, can be a piece of a reply that is
    /// drawn anywhere on the screen. Few characters can only be such a piece if the same text precedes
    /// them.
    pub(super) fn is_drawn_behind(&self, before: &str, text: &str) -> bool {
        let is_distinctive = text.trim().chars().count() >= DISTINCTIVE_CHARS;
        let text = if is_distinctive { text.trim() } else { text };
        let is_piece = |reply: &str| {
            reply.match_indices(text).any(|(at, _)| {
                let preceding = &reply[..at];
                let context = preceding.char_indices().rev().nth(DISTINCTIVE_CHARS - 1);
                let context = context.map_or(preceding, |(from, _)| &preceding[from..]);
                is_distinctive || before.ends_with(context)
            })
        };
        !text.trim().is_empty() && self.replies().any(is_piece)
    }

    /// Returns whether `row` is exactly a reply, or the prompt and a reply.
    fn equals(&self, row: &str) -> bool {
        let row = row.trim();
        let typed = row.strip_prefix(self.prompt.trim()).unwrap_or(row).trim();
        self.replies()
            .any(|reply| !reply.trim().is_empty() && (reply.trim() == row || reply.trim() == typed))
    }

    /// Returns whether `row`, to which the cursor was moved, has the input line in it: the prompt with
    /// the beginning of a reply, or a distinctive beginning alone. Other text may surround it.
    fn is_redrawn_in(&self, row: &str) -> bool {
        let prompt = self.prompt.trim();
        let typed = match row.find(prompt) {
            Some(at) if !prompt.is_empty() => row[at + prompt.len()..].trim_start(),
            _ => "",
        };
        self.replies().any(|reply| {
            let reply = reply.trim();
            let distinctive = reply.char_indices().nth(DISTINCTIVE_CHARS);
            let distinctive = distinctive.map_or(reply, |(at, _)| &reply[..at]);
            let is_distinctive = reply.chars().count() >= DISTINCTIVE_CHARS;
            let first = reply.chars().next();
            (first.is_some() && typed.chars().next() == first)
                || (is_distinctive && row.contains(distinctive))
        })
    }

    /// Returns whether `row` ends where a reply ends.
    fn is_complete(&self, row: &str) -> bool {
        let row = row.trim_end();
        self.replies()
            .any(|reply| ends_alike(row, reply.trim_end()) || row.ends_with(&doubled(reply)))
    }

    /// Returns whether `row` begins a redraw: with the prompt or a part of it only, or with typed text.
    pub(super) fn begins(&self, row: &str) -> Option<Begins> {
        if row.trim().is_empty() {
            return None;
        }
        if self.prompt.starts_with(row) {
            return Some(Begins::Prompt);
        }
        let is_begun = |reply: &str| {
            reply.starts_with(row)
                || row
                    .strip_prefix(self.prompt.as_str())
                    .is_some_and(|typed| reply.starts_with(typed))
        };
        self.replies().any(is_begun).then_some(Begins::Reply)
    }
}

/// Beginning of a redrawn input line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begins {
    /// The prompt or its beginning.
    Prompt,
    /// Typed text, after the prompt or without it.
    Reply,
}

/// Input line of the latest reply.
#[derive(Debug)]
pub(super) struct InputLine {
    /// Position of the cursor when the reply was sent.
    pub from: usize,
    pub text: Arc<InputText>,
    pub phase: Phase,
    /// The program reads single keys, and so may draw them.
    pub raw: bool,
    /// The program has drawn the reply to its end.
    pub is_drawn: bool,
    pub addressing: Addressing,
}

/// Use of the whole screen by a program, for what was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Addressing {
    /// The terminal echoes: what the program draws elsewhere is its output.
    Irrelevant,
    /// The program draws what is typed itself, so far on the input line.
    Possible,
    /// The program has placed the cursor on the screen, or cleared it, and draws rows anywhere.
    Begun,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Before the terminal's own echo.
    Expected,
    /// The program may draw on the line.
    Drawing,
    /// The cursor was moved to another row: the program draws the line again, or something else.
    Left,
    /// The line has ended.
    Ended,
}

impl InputLine {
    /// Returns whether no further output can be an echo, unless the cursor is moved to another row or
    /// the mode of the terminal changes.
    pub(super) fn is_over(&self) -> bool {
        let is_past = !self.raw || (self.phase == Phase::Ended && self.is_drawn);
        is_past && self.phase != Phase::Left && self.addressing != Addressing::Begun
    }

    pub(super) fn is_drawn_on(&self) -> bool {
        matches!(self.phase, Phase::Expected | Phase::Drawing | Phase::Left)
    }

    pub(super) fn row_ended(
        &mut self,
        row: &str,
        open: usize,
        row_end: RowEnd,
        fills: bool,
    ) -> RowKind {
        match self.row_ended_on_line(row, open, row_end, fills) {
            RowKind::Output => self.addressed(row, open),
            kind => kind,
        }
    }

    /// Returns the kind of a row that is not a part of the input line at its place.
    pub(super) fn addressed(&self, row: &str, open: usize) -> RowKind {
        if self.addressing != Addressing::Begun {
            return RowKind::Output;
        }
        let start = self.from.max(open);
        let line = Arc::clone(&self.text);
        if self.text.is_redrawn_in(row) {
            RowKind::Input { start, line }
        } else {
            RowKind::Addressed { start, line }
        }
    }

    fn row_ended_on_line(
        &mut self,
        row: &str,
        open: usize,
        row_end: RowEnd,
        fills: bool,
    ) -> RowKind {
        let kind = if self.is_over() {
            RowKind::Output
        } else {
            self.unfinished(row, open)
        };
        let RowKind::Input { start, .. } = kind else {
            match row_end {
                RowEnd::Left | RowEnd::LeftUpwards if self.raw => self.phase = Phase::Left,
                // What a program draws above after the terminal's echo can be the line again.
                RowEnd::LeftUpwards if self.phase == Phase::Ended => self.phase = Phase::Left,
                RowEnd::LineEnd => self.phase = Phase::Ended,
                RowEnd::Left | RowEnd::LeftUpwards | RowEnd::Overwritten => {}
            }
            return kind;
        };
        let piece = &row[start - open..];
        let is_piece = self.text.draws(piece);
        let is_complete = is_piece && self.text.is_complete(piece);
        match row_end {
            RowEnd::Overwritten => return kind,
            RowEnd::Left | RowEnd::LeftUpwards => {
                self.phase = Phase::Left;
                return kind;
            }
            RowEnd::LineEnd => {}
        }
        let had_ended = self.phase == Phase::Ended;
        let is_wrapped = is_piece && fills && !is_complete;
        self.is_drawn |= is_complete && self.phase != Phase::Expected;
        self.phase = if is_wrapped {
            Phase::Drawing
        } else {
            Phase::Ended
        };
        if had_ended && !is_complete && !is_wrapped {
            // A row that only begins like the reply is output after all.
            return RowKind::Output;
        }
        if self.text.equals(piece) && start == open && !had_ended {
            return RowKind::Echo { start };
        }
        kind
    }

    /// Returns the part of the row that may have been typed, as far as the row is known.
    pub(super) fn unfinished(&self, row: &str, open: usize) -> RowKind {
        let start = self.from.max(open);
        let Some(piece) = row.get(start - open..).filter(|it| !it.is_empty()) else {
            return RowKind::Output;
        };
        let is_input = match self.phase {
            Phase::Expected | Phase::Drawing => true,
            // The prompt alone may be asked again.
            Phase::Left => {
                let is_piece =
                    self.text.draws(piece) && self.text.begins(piece) != Some(Begins::Prompt);
                self.text.is_redrawn_in(piece) || (self.raw && is_piece)
            }
            Phase::Ended => {
                self.text.equals(piece) || self.text.begins(piece) == Some(Begins::Reply)
            }
        };
        if !is_input {
            return RowKind::Output;
        }
        RowKind::Input {
            start,
            line: Arc::clone(&self.text),
        }
    }
}

/// Returns whether the row ends with the reply, or is the end of a reply that was scrolled.
fn ends_alike(row: &str, reply: &str) -> bool {
    let scrolled = row.trim_start_matches('<');
    !reply.is_empty() && !scrolled.is_empty() && (row.ends_with(reply) || reply.ends_with(scrolled))
}

/// Returns the text with each character twice, as the terminal and the program draw it together.
fn doubled(text: &str) -> String {
    text.chars().flat_map(|c| [c, c]).collect()
}
