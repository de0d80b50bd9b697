//! One output stream of a program: its lines, and how far they were answered and searched.

mod matching;

use std::cell::OnceCell;
use std::ops::Range;
use std::time::Instant;

use super::consumed::Consumed;
use super::finding::Finding;
use super::role_matcher::RoleMatcher;
use super::wait_set::On;
use crate::terminal::{Decoder, EchoMode, ExpectedEcho, Lines, PossibleEcho};

/// Limit for the text since the last reply that waits and rows can see.
const VISIBLE_BYTES: usize = 1 << 20;
/// Amount of answered text that is kept for messages of failures.
const TAIL_BYTES: usize = 8 << 10;

/// Text of one output stream, and the progress of searches in it. All positions are those of
/// [`Lines`].
#[derive(Debug)]
pub(super) struct OutputStream {
    decoder: Decoder,
    lines: Lines,
    /// Time of the output's end.
    closed: Option<Instant>,
    /// End of the answered text, which no wait sees.
    answered_to: usize,
    /// End of the last interlude that was answered.
    interlude_to: usize,
    /// End of the text that waits since the last reply have matched.
    matched_to: usize,
    /// The same for complete lines only.
    matched_lines_to: usize,
    /// End of the complete lines that were searched for failures and interludes.
    role_searched_to: usize,
    /// End of the text, with the unfinished line, that was searched for failures.
    failures_searched_to: usize,
    /// End of the text that was searched for the current wait.
    wait_searched_to: usize,
    consumed: Consumed,
    /// Number of changes of the unfinished line when its end was searched.
    end_searched: Option<u64>,
    /// The same for a search of the whole line.
    line_searched: Option<u64>,
    /// The same when nothing could follow the line before input.
    whole: Option<u64>,
    /// The same when the line was searched for anything that counts if it is whole, and the result.
    held: Option<(u64, bool)>,
    /// End of the text that was taken for the transcript.
    taken_to: usize,
    /// Line of the last match of a wait.
    matched_line: Range<usize>,
    /// Text of the first match since the wait began that is no evidence, as it may have been typed.
    typed_match: OnceCell<String>,
}

impl OutputStream {
    /// Sets the width of the terminal.
    pub(super) fn set_columns(&mut self, columns: u16) {
        self.lines.set_columns(columns);
    }

    /// Creates a stream. `columns` is the width of its terminal.
    pub(super) fn new(now: Instant, columns: Option<u16>) -> OutputStream {
        OutputStream {
            decoder: Decoder::new(),
            lines: Lines::new(now, columns),
            closed: None,
            answered_to: 0,
            interlude_to: 0,
            matched_to: 0,
            matched_lines_to: 0,
            role_searched_to: 0,
            failures_searched_to: 0,
            wait_searched_to: 0,
            consumed: Consumed::default(),
            end_searched: None,
            line_searched: None,
            whole: None,
            held: None,
            taken_to: 0,
            matched_line: 0..0,
            typed_match: OnceCell::new(),
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8], at: Instant) {
        self.whole = None;
        self.lines.arriving(at);
        self.decoder.feed(bytes, &mut self.lines);
        // Text that the program removes, for example by backspace, was never searched.
        let lowest = self.lines.take_lowest();
        if lowest < usize::MAX {
            self.matched_to = self.matched_to.min(lowest);
            self.matched_lines_to = self.matched_lines_to.min(lowest);
            self.failures_searched_to = self.failures_searched_to.min(lowest);
            self.taken_to = self.taken_to.min(lowest);
            self.consumed.truncate(lowest);
        }
    }

    pub(super) fn close(&mut self, at: Instant) {
        self.lines.arriving(at);
        self.decoder.finish(&mut self.lines);
        self.closed.get_or_insert(at);
    }

    pub(super) fn closed(&self) -> Option<Instant> {
        self.closed
    }

    pub(super) fn take_answers(&mut self) -> Vec<u8> {
        self.decoder.take_answers()
    }

    /// Begins a wait. `is_repeated` if the previous wait is repeated without a reply in between.
    pub(super) fn begin(&mut self, is_repeated: bool) {
        let from = self.visible_from();
        self.wait_searched_to = if is_repeated {
            self.wait_searched_to.max(from)
        } else {
            from
        };
        self.end_searched = None;
        self.line_searched = None;
        self.held = None;
        self.typed_match = OnceCell::new();
    }

    /// Marks the unfinished line as whole: nothing follows it before input.
    pub(super) fn line_is_whole(&mut self) {
        self.whole = Some(self.lines.changes());
    }

    pub(super) fn loop_ended(&mut self) {
        self.consumed.loop_ended();
    }

    /// Returns the size of the complete lines that were not searched.
    pub(super) fn unsearched_bytes(&self) -> usize {
        self.complete_end() - self.role_searched_to.min(self.complete_end())
    }

    /// Treats all text as matched. Returns whether an unfinished line is at its end.
    pub(super) fn match_all(&mut self) -> bool {
        self.matched_line = self.lines.open()..self.lines.end();
        self.matched_to = self.lines.end();
        !self.matched_line.is_empty()
    }

    /// Reports a reply: text up to the last match is answered.
    pub(super) fn answered(&mut self) {
        self.mark_answered(self.matched_to);
        // Text before it is not searched any more.
        self.lines.forget_arrivals(self.answered_to);
    }

    /// Reports a reply to the other stream, which cannot have caused the output so far.
    pub(super) fn answered_elsewhere(&mut self) {
        let end = self.lines.end();
        if self.answered_to < end {
            let role_searched_to = self.role_searched_to;
            self.mark_answered(end);
            // No reply answered this text, so it is still searched for failures.
            self.role_searched_to = role_searched_to;
        }
    }

    /// Marks the complete lines up to the last one that matched a wait as answered.
    pub(super) fn discard_matched_lines(&mut self) {
        self.mark_answered(self.matched_lines_to);
    }

    fn mark_answered(&mut self, position: usize) {
        let position = position.max(self.lines.base());
        let answered_to = self.seal(position);
        self.answered_to = self.answered_to.max(answered_to);
        self.matched_to = self.answered_to;
        self.matched_lines_to = self.answered_to;
        self.role_searched_to = self.role_searched_to.max(self.answered_to);
        self.consumed.forget(self.answered_to);
    }

    /// Reports a reply to an interlude: a prompt that ended here in the unfinished line, or a
    /// complete line.
    pub(super) fn answered_interlude(&mut self, prompt: Option<usize>) {
        let end = prompt.map(|end| end.min(self.lines.end()));
        let end = end.filter(|end| {
            let is_kept = *end >= self.lines.base();
            is_kept && self.lines.text().is_char_boundary(self.lines.index(*end))
        });
        self.interlude_to = match end {
            Some(end) => self.seal(end),
            None => self.lines.open(),
        };
    }

    /// Ends the line at `position`, so that the text after it is another line. Returns the position
    /// where that line begins.
    fn seal(&mut self, position: usize) -> usize {
        self.whole = None;
        let (start, moved) = self.lines.seal(position);
        if moved {
            self.consumed.moved(position);
            for cursor in [
                &mut self.answered_to,
                &mut self.interlude_to,
                &mut self.matched_to,
                &mut self.matched_lines_to,
                &mut self.role_searched_to,
                &mut self.failures_searched_to,
                &mut self.wait_searched_to,
                &mut self.taken_to,
            ] {
                if *cursor > position {
                    *cursor += 1;
                }
            }
        }
        start
    }

    /// Stops to expect echoes: a newer prompt shows that they arrived before it or never will.
    pub(super) fn forget_echoes(&mut self) {
        self.lines.forget_echoes();
    }

    /// Expects the echo of input. `after_prompt` is whether it was typed behind the answered prompt.
    pub(super) fn expect_echo(&mut self, echo: &ExpectedEcho, mode: EchoMode, after_prompt: bool) {
        // The answered prompt was sealed, so it ends where the unfinished line begins.
        let open = self.lines.open();
        let prompt =
            (after_prompt && open > self.lines.base()).then(|| self.lines.line_at(open - 1));
        self.lines.expect_echo(echo, mode, prompt);
    }

    /// Reports that the program reads single keys, and so may draw what was typed.
    pub(super) fn set_raw(&mut self) {
        self.lines.set_raw();
    }

    /// Returns whether the terminal's own echo of a line is still to come.
    pub(super) fn awaits_echo(&self) -> bool {
        self.lines.awaits_echo()
    }

    /// Returns whether it matters that the program begins to read single keys.
    pub(super) fn depends_on_mode(&self) -> bool {
        self.lines.depends_on_mode()
    }

    /// Returns the first match since the wait began that is no evidence.
    pub(super) fn typed_match(&self) -> Option<&str> {
        self.typed_match.get().map(String::as_str)
    }

    /// Returns the line of the last match of a wait, as far as it is kept.
    pub(super) fn matched_line(&self) -> &str {
        let index = |position: usize| position.saturating_sub(self.lines.base());
        let kept = index(self.matched_line.start)..index(self.matched_line.end);
        self.lines.text().get(kept).unwrap_or_default()
    }

    /// Returns the end of the unfinished line.
    pub(super) fn end(&self) -> usize {
        self.lines.end()
    }

    /// Returns the lines since the last reply, with the unfinished one.
    pub(super) fn visible(&self) -> impl Iterator<Item = &str> {
        let end = match self.lines.possible_echo() {
            Some(PossibleEcho::Whole { from }) => from,
            _ => self.lines.end(),
        };
        let from = self.visible_from();
        let text = self.lines.slice(from..end.max(from));
        text.strip_suffix('\n')
            .unwrap_or(text)
            .split('\n')
            .filter(move |_| !text.is_empty())
    }

    /// Returns the unfinished line, unless it was answered.
    pub(super) fn unfinished(&self) -> &str {
        let end = match self.lines.possible_echo() {
            Some(PossibleEcho::Whole { from }) => from,
            _ => self.lines.end(),
        };
        let from = self.visible_from().max(self.lines.open());
        self.lines.slice(from..end.max(from))
    }

    /// Returns the number of bytes since the last reply that exceed the limit for waits.
    pub(super) fn unseen_bytes(&self) -> usize {
        self.visible_from() - self.answered_to
    }

    /// Returns the text that is kept, answered or not: what came before the last interlude since
    /// the last reply, if there was one, and the rest.
    pub(super) fn kept(&self) -> (&str, &str) {
        let text = self.lines.text();
        if self.interlude_to <= self.answered_to.max(self.lines.base()) {
            return ("", text);
        }
        text.split_at(self.lines.index(self.interlude_to))
    }

    /// Takes the text since the last call up to the end of the complete lines or of the unfinished
    /// line.
    pub(super) fn take_text(&mut self, up_to: On) -> &str {
        let from = self.taken_to.clamp(self.lines.base(), self.lines.end());
        let end = match up_to {
            On::Line => self.lines.open(),
            On::Prompt => self.lines.end(),
        };
        self.taken_to = from.max(end);
        self.lines.slice(from..from.max(end))
    }

    /// Drops text that no wait can see any more. Returns the first failure in dropped text that was
    /// not searched.
    pub(super) fn forget(&mut self, matcher: &RoleMatcher) -> Option<Finding> {
        let mut missed = None;
        if self.unsearched_bytes() > VISIBLE_BYTES {
            let end = self.complete_end() - VISIBLE_BYTES;
            missed = self
                .failure(matcher, self.role_searched_to..end, &[])
                .map(|(_, finding)| finding);
            self.role_searched_to = end;
        }
        let visible = self.visible_from();
        let keep = visible
            .min(self.role_searched_to)
            .saturating_sub(TAIL_BYTES);
        self.lines.forget(keep);
        let base = self.lines.base();
        self.consumed.forget(base);
        self.wait_searched_to = self.wait_searched_to.max(base);
        self.matched_to = self.matched_to.max(base);
        self.matched_lines_to = self.matched_lines_to.max(base);
        missed
    }

    #[cfg(test)]
    pub(super) fn searched_bytes(&self) -> usize {
        self.consumed.searched_bytes.get()
    }

    #[cfg(test)]
    pub(super) fn kept_bytes(&self) -> usize {
        self.lines.text().len()
    }

    /// Returns the end of the complete lines. The end of the output completes the last one.
    fn complete_end(&self) -> usize {
        if self.closed.is_some() {
            self.lines.end()
        } else {
            self.lines.open()
        }
    }

    /// Returns the start of the first line that waits can see.
    fn visible_from(&self) -> usize {
        let end = self.lines.end();
        if end - self.answered_to <= VISIBLE_BYTES {
            return self.answered_to;
        }
        let limit = end - VISIBLE_BYTES;
        if limit <= self.lines.base() {
            return self.lines.base();
        }
        let rest = &self.lines.text().as_bytes()[self.lines.index(limit) - 1..];
        memchr::memchr(b'\n', rest).map_or(limit, |at| limit + at)
    }
}
