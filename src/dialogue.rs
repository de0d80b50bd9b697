//! Dialogue with one script instance: waits, patterns, menu rows. Pure.
//!
//! A [`Dialogue`] decides which output counts as evidence. Its owner passes output as it is read
//! ([`Dialogue::feed`]), reports when nothing more is available ([`Dialogue::drained`]) and when a
//! stream ends ([`Dialogue::closed`]), begins a wait ([`Dialogue::begin`]), polls for its result
//! ([`Dialogue::poll`]), and reports each reply ([`Dialogue::answered`]).
//!
//! # Independence of reads
//!
//! The result does not depend on how the output was split into reads:
//!
//! - Decoding is a state machine over single bytes: text, line ends and echo removal depend on the
//!   sequence of bytes only.
//! - Complete lines are searched in order and never before they are complete, so neither a match nor
//!   a capture can end at the end of a read. A line that is too long is cut at a fixed length.
//! - The unfinished line is searched only when the reader is drained: at once if it ends with a match
//!   that no capture could still extend, or if the program can do nothing before input comes; otherwise
//!   after it has been quiet for a while. All of these depend on what the program did and when, not on
//!   how its output was read.
//! - A reply discards output up to the match that it answers, not up to the last byte read. The other
//!   stream of a program on pipes has no such position: all that was received from it before the
//!   reply is discarded.
//!
//! # Scope of a wait
//!
//! A wait sees the output since the last reply, one line at a time. A reply to a prompt ends the
//! line of that prompt, whether an echo follows it or, as on pipes, nothing. Failures are searched
//! once in every complete line, and in the unfinished line before it counts. Where several patterns
//! match in one line, a failure wins; otherwise the earliest match; at the same place, a wait of the
//! turn wins against an interlude.

mod consumed;
mod finding;
mod output_stream;
mod pattern;
mod pattern_set;
mod regex;
mod role_matcher;
mod rows;
mod screen;
#[cfg(test)]
mod tests;
mod wait_set;

pub use finding::Finding;
pub use pattern::{Pattern, PatternError};
pub use pattern_set::{Hit, PatternSet};
pub use role_matcher::RoleMatcher;
pub use rows::{
    RowError, RowFormat, RowFormatError, ShownBefore, ShownRows, Which, choose, pick, pick_position,
};
pub use screen::{
    CellPosition, CursorCondition, Judging, RowRange, ScreenContent, ScreenRegion, ScreenWait,
};
pub use screen::{
    FieldValue, FormFiller, KeyPress, KeySequence, KeySequenceError, KeySequenceErrorKind,
    KeySequencePart, KeyStep, LitTexts, NearMiss, RowSelector, lit_texts,
};
pub use wait_set::{Awaited, On, WaitSet};

use screen::InputKind;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::Stream;
use crate::terminal::{EchoMode, ExpectedEcho, KeyModes, Screen, ScreenSize, Typed};

use output_stream::OutputStream;
use screen::{ConditionOwner, ScreenFinding, ScreenMatch, ScreenOutput};

/// Default time without output after which an unfinished line counts as it is.
pub const DEFAULT_QUIET: Duration = Duration::from_millis(10);

/// Time between the first two looks at a program that may wait for input after a prompt; later looks
/// are as far apart as the time since the prompt.
const FIRST_LOOK: Duration = Duration::from_micros(500);

/// Amount of output that is decoded before its complete lines are searched, to bound the memory for
/// a flood of output.
const BLOCK_BYTES: usize = 64 << 10;

/// Settings for the dialogue with one script instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DialogueSettings {
    /// Width of the program's terminal, which has one output stream. `None` on pipes, which have two.
    pub columns: Option<u16>,
    /// The size of its screen, if it has one.
    pub screen: Option<ScreenSize>,
    /// Time without output after which an unfinished line counts as it is.
    pub quiet: Duration,
}

/// Place of typed input in a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyPart {
    /// The whole reply, or its first key.
    First,
    /// A further key of the reply.
    Further,
    /// A reply to an interlude.
    Interlude,
}

/// Dialogue with one script instance: its output, and the current wait.
#[derive(Debug)]
pub struct Dialogue {
    matcher: Arc<RoleMatcher>,
    quiet: Duration,
    /// Standard output and standard error, in the order in which they are searched.
    streams: [OutputStream; 2],
    /// The current wait, until its match.
    wait: Option<WaitSet>,
    /// The last wait, until a reply or the end of a loop.
    last_wait: Option<WaitSet>,
    /// Stream and kind of line of the last wait's match.
    matched: (Stream, On),
    /// Stream of the last interlude, and the end of the unfinished line if it was a prompt.
    interlude: Option<(Stream, Option<usize>)>,
    /// Finding in a flood of output, until the next poll.
    early: Option<Finding>,
    /// Failure in dropped output that no wait has seen, until the next poll.
    missed: Option<Finding>,
    drained: bool,
    /// Depth of nested loops.
    loops: usize,
    shown_rows: ShownRows,
    screen: Option<Box<ScreenOutput>>,
    /// Row of the last match on the screen.
    matched_row: String,
}

impl Dialogue {
    /// Creates the dialogue with an instance that was started at `now`.
    pub fn new(matcher: Arc<RoleMatcher>, settings: DialogueSettings, now: Instant) -> Dialogue {
        let mut streams = [0; 2].map(|_| OutputStream::new(now, settings.columns));
        if settings.columns.is_some() {
            streams[Stream::Err as usize].close(now);
        }
        Dialogue {
            matcher,
            quiet: settings.quiet,
            streams,
            wait: None,
            last_wait: None,
            matched: (Stream::Out, On::Line),
            interlude: None,
            early: None,
            missed: None,
            drained: false,
            loops: 0,
            shown_rows: ShownRows::default(),
            screen: settings
                .screen
                .map(|size| Box::new(ScreenOutput::new(size, now))),
            matched_row: String::new(),
        }
    }

    /// Adds output that was read at `at`.
    pub fn feed(&mut self, stream: Stream, bytes: &[u8], at: Instant) {
        self.drained = false;
        if let Some(screen) = &mut self.screen {
            screen.feed(bytes, at);
            if self.wait.is_none() {
                screen.apply_all();
            }
        }
        for block in bytes.chunks(BLOCK_BYTES) {
            let output = &mut self.streams[stream as usize];
            output.feed(block, at);
            if self.early.is_none()
                && output.unsearched_bytes() > BLOCK_BYTES
                && let Some(wait) = self.wait.take()
            {
                let early = self.match_lines(stream, &wait);
                self.keep_unless_matched(wait, early.as_ref());
                self.early = early;
            }
            let missed = self.streams[stream as usize].forget(&self.matcher);
            if self.missed.is_none() {
                self.missed = missed;
            }
        }
    }

    /// Marks the output as drained: nothing more can be read right now.
    pub fn drained(&mut self) {
        self.drained = true;
    }

    /// Ends the output of `stream`, which completes its unfinished line.
    pub fn closed(&mut self, stream: Stream, at: Instant) {
        self.streams[stream as usize].close(at);
        if let Some(screen) = &mut self.screen {
            screen.end(at);
        }
    }

    /// Begins a wait. Output since the last reply counts at once, with the next
    /// [`Dialogue::poll`].
    pub fn begin(&mut self, wait: &WaitSet) {
        self.matched_row.clear();
        if let Some(screen) = &mut self.screen {
            screen.begin(wait, &self.matcher);
        }
        // A loop repeats the same wait: output without a match before has none now.
        let is_repeated =
            self.loops > 0 && self.last_wait.as_ref().is_some_and(|it| it.is_same(wait));
        for stream in &mut self.streams {
            stream.begin(is_repeated);
        }
        self.early = None;
        self.last_wait = Some(wait.clone());
        self.wait = Some(wait.clone());
    }

    /// Searches for the result of the wait. To be called after [`Dialogue::begin`], after output was
    /// fed and the reader is drained (or, in a flood, between reads), after a stream has ended, and
    /// at the time of [`Finding::QuietAt`].
    ///
    /// [`Finding::Wait`] ends the wait. After any other finding the wait continues, and the next poll
    /// searches behind that finding.
    pub fn poll(&mut self, now: Instant) -> Finding {
        let Some(wait) = self.wait.take() else {
            // Only a flood can end a wait before it is polled.
            return self.early.take().unwrap_or(Finding::Nothing);
        };
        let finding = self.search(&wait, now);
        self.keep_unless_matched(wait, Some(&finding));
        finding
    }

    /// Reports that the program waits for its input, in place of a match: the reply is to all output
    /// so far.
    pub fn input_awaited(&mut self) {
        let is_prompt = self.streams[Stream::Out as usize].match_all();
        let on = if is_prompt { On::Prompt } else { On::Line };
        self.matched = (Stream::Out, on);
    }

    /// Reports a reply to the last match, typed in this mode of the terminal. The output that it
    /// answers is discarded.
    pub fn answered(&mut self, typed: &Typed, mode: EchoMode) {
        self.wait = None;
        self.last_wait = None;
        let [out, err] = &mut self.streams;
        match self.matched.0 {
            Stream::Out => {
                out.answered();
                err.answered_elsewhere();
            }
            Stream::Err => {
                err.answered();
                out.answered_elsewhere();
            }
        }
        let after_prompt = self.matched == (Stream::Out, On::Prompt);
        if self.matched.1 == On::Prompt {
            out.forget_echoes();
        }
        self.expect_echoes(typed, mode, after_prompt);
    }

    fn expect_echoes(&mut self, typed: &Typed, mode: EchoMode, after_prompt: bool) {
        let out = &mut self.streams[Stream::Out as usize];
        out.expect_echo(typed.echo(), mode, after_prompt);
        for echo in typed.further_echoes() {
            out.expect_echo(echo, mode, false);
        }
    }

    /// Reports input that was typed right after the reply of [`Dialogue::answered`].
    pub fn also_typed(&mut self, typed: &Typed, mode: EchoMode) {
        self.expect_echoes(typed, mode, false);
    }

    /// Returns whether the terminal's own echo of a line is still to come.
    pub fn awaits_echo(&self) -> bool {
        self.streams[Stream::Out as usize].awaits_echo()
    }

    /// Returns whether [`Dialogue::set_raw`] matters: input was typed whose echo is not over.
    pub fn depends_on_mode(&self) -> bool {
        self.streams[Stream::Out as usize].depends_on_mode()
    }

    /// Reports that the terminal passes on single keys, so that the program may draw what was typed.
    pub fn set_raw(&mut self) {
        self.streams[Stream::Out as usize].set_raw();
    }

    /// Reports a reply to the last interlude. The wait continues with the same output, without the
    /// interlude.
    pub fn answered_interlude(&mut self, typed: &Typed, mode: EchoMode) {
        let mut after_prompt = false;
        if let Some((stream, prompt)) = self.interlude.take() {
            self.streams[stream as usize].answered_interlude(prompt);
            after_prompt = prompt.is_some() && stream == Stream::Out;
        }
        self.expect_echoes(typed, mode, after_prompt);
    }

    /// Discards the complete lines up to the last one that matched a wait, as a reply would. Later
    /// lines stay, such as a menu with its prompt.
    pub fn discard_matched_lines(&mut self) {
        self.wait = None;
        self.last_wait = None;
        self.streams
            .iter_mut()
            .for_each(OutputStream::discard_matched_lines);
    }

    /// Enters a loop. In a loop, matched output does not match again.
    pub fn enter_loop(&mut self) {
        self.loops += 1;
    }

    /// Leaves the loop that was entered last.
    pub fn leave_loop(&mut self) {
        self.loops = self.loops.saturating_sub(1);
        if self.loops == 0 {
            self.last_wait = None;
            for stream in &mut self.streams {
                stream.loop_ended();
            }
        }
    }

    /// Returns the lines since the last reply, unfinished ones included: those of standard output,
    /// then those of standard error.
    pub fn lines(&self) -> Vec<&str> {
        self.streams
            .iter()
            .flat_map(OutputStream::visible)
            .collect()
    }

    /// Returns the rows to choose from: those of the output since the last reply or, if it has none,
    /// those that were shown last before the same prompt. To be called before each reply.
    pub fn rows_for_reply(&mut self, format: &RowFormat) -> ShownBefore<'_> {
        let lines: Vec<&str> = self
            .streams
            .iter()
            .flat_map(OutputStream::visible)
            .collect();
        let prompt = self.streams[self.matched.0 as usize].matched_line();
        self.shown_rows.update(format, &lines, prompt)
    }

    /// Returns the end of the output, answered or not, for messages: at most so many lines and
    /// bytes. Standard error follows standard output. If an interlude was answered since the last
    /// reply, half of them are for what came before it.
    pub fn tail(&self, max_lines: usize, max_bytes: usize) -> String {
        let kept = self.streams.each_ref().map(OutputStream::kept);
        let before = kept.map(|(before, _)| before);
        let after = kept.map(|(_, after)| after);
        if before.concat().is_empty() {
            return last_lines(after, max_lines, max_bytes).join("\n");
        }
        let mut later = last_lines(after, max_lines, max_bytes / 2);
        let room = max_lines - later.len().min(max_lines / 2);
        let mut lines = last_lines(before, room, max_bytes / 2);
        let room = max_lines - lines.len();
        lines.extend(later.drain(later.len().saturating_sub(room)..));
        lines.join("\n")
    }

    /// Returns the unfinished line since the last reply, if there is any text in it. That of
    /// standard output comes first.
    pub fn unfinished_line(&self) -> Option<&str> {
        let mut lines = self.streams.iter().map(OutputStream::unfinished);
        lines.find(|line| !line.trim().is_empty())
    }

    /// Returns a line to precede the [`Dialogue::tail`] if older output since the last reply was
    /// dropped; otherwise nothing.
    pub fn unseen(&self) -> String {
        match self.streams.iter().map(OutputStream::unseen_bytes).sum() {
            0_usize => String::new(),
            bytes => format!("({bytes} older bytes since the last reply were dropped)\n"),
        }
    }

    /// Returns the answers of a terminal to the queries since the last call, to be written to a
    /// program on a terminal.
    pub fn take_terminal_answers(&mut self) -> Vec<u8> {
        let answers = self.streams[Stream::Out as usize].take_answers();
        match &mut self.screen {
            Some(screen) => screen.take_answers(),
            None => answers,
        }
    }

    /// Returns the complete lines since the last call, for a transcript. Complete lines are
    /// independent of reads and never end within a secret. Standard error follows standard output.
    pub fn take_lines(&mut self) -> Option<String> {
        self.take_text(On::Line)
    }

    /// Returns the text since the last call with the unfinished lines, for a transcript before input
    /// is typed, and at the end.
    pub fn take_rest(&mut self) -> Option<String> {
        self.take_text(On::Prompt)
    }

    /// Returns the first match since the wait began that is no evidence, because it may be
    /// the echo of a reply.
    pub fn typed_match(&self) -> Option<&str> {
        self.streams.iter().find_map(OutputStream::typed_match)
    }

    /// Returns the line of the last wait's match. To be called before the reply to it.
    pub fn matched_line(&self) -> &str {
        if !self.matched_row.is_empty() {
            return &self.matched_row;
        }
        self.streams[self.matched.0 as usize].matched_line()
    }

    /// Returns whether the last wait matched an unfinished line, which then is a complete prompt.
    pub fn matched_prompt(&self) -> bool {
        self.matched.1 == On::Prompt
    }

    /// Reports the time of the reply that is reported next, for the screen.
    pub fn typed_on_screen(&mut self, typed: &Typed, part: ReplyPart, at: Instant) {
        if let Some(screen) = &mut self.screen {
            let text_of = |echo: &ExpectedEcho| match echo {
                ExpectedEcho::Line(text) => format!("{text}\n"),
                ExpectedEcho::Text(text) => text.clone(),
                ExpectedEcho::Nothing => String::new(),
            };
            let further = typed.further_echoes().iter().map(text_of);
            let text = text_of(typed.echo()) + &further.collect::<String>();
            let kind = match typed.bytes() {
                b"\x7f" | b"\x08" => InputKind::Erasing,
                _ if typed.is_control_key() => InputKind::Key,
                _ => InputKind::Text,
            };
            match part {
                ReplyPart::Interlude => screen.answered_interlude((&text, kind), at),
                ReplyPart::First => screen.answered((&text, kind), false, at),
                ReplyPart::Further => screen.answered((&text, kind), true, at),
            }
        }
    }

    /// Returns whether it matters at `now` that the program waits for input; see
    /// [`Dialogue::reading`].
    pub fn needs_reading(&self, now: Instant) -> bool {
        let screen = self.screen.as_ref();
        self.drained && screen.is_some_and(|screen| screen.needs_reading(now, self.quiet))
    }

    /// Returns the moment at which to look again if the unfinished line holds anything that counts as
    /// soon as the program is known to wait for its input alone; see [`Dialogue::lines_are_whole`].
    pub fn holds_prompt(&mut self, now: Instant) -> Option<Instant> {
        let wait = self.wait.as_ref().filter(|_| self.drained)?;
        let streams = self.streams.iter_mut();
        let changed_at = streams
            .filter_map(|stream| stream.holds_prompt(&self.matcher, wait))
            .max()?;
        Some(now + now.saturating_duration_since(changed_at).max(FIRST_LOOK))
    }

    /// Reports that the program can do nothing before input comes, with all of its output taken in:
    /// its unfinished lines are whole.
    pub fn lines_are_whole(&mut self) {
        self.streams
            .iter_mut()
            .for_each(OutputStream::line_is_whole);
    }

    /// Returns whether the program is known to wait for input, with the screen so far.
    pub fn is_reading(&self) -> bool {
        self.screen
            .as_ref()
            .is_some_and(|screen| screen.is_reading())
    }

    /// Reports that the program waits for input, with all of its output taken in.
    pub fn reading(&mut self) {
        if let Some(screen) = &mut self.screen {
            screen.reading();
        }
    }

    /// Returns `None` if the screen has settled: all output is read, and the program waits for input
    /// or has been silent for long. Otherwise the moment at which to look again. Only without a wait.
    pub fn settle(&mut self, now: Instant) -> Option<Instant> {
        let screen = self.screen.as_mut()?;
        screen.settle(now, self.quiet, self.drained)
    }

    /// Keeps the output after the next reply for the next wait, although the screen is to be looked at
    /// before it.
    pub fn keep_output(&mut self) {
        if let Some(screen) = &mut self.screen {
            screen.keep_output();
        }
    }

    /// Applies all output to the screen, which a wait may have left for the next one.
    pub fn apply_to_screen(&mut self) {
        if let Some(screen) = &mut self.screen {
            screen.apply_all();
        }
    }

    /// Applies all output to the screen, unless a wait is yet to look at it.
    pub fn apply_unless_awaited(&mut self) {
        if self.wait.is_none() {
            self.apply_to_screen();
        }
    }

    /// Reports another size of the terminal.
    pub fn resized(&mut self, size: ScreenSize, at: Instant) {
        self.streams[Stream::Out as usize].set_columns(size.columns);
        if let Some(screen) = &mut self.screen {
            screen.resize(size, at);
        }
    }

    /// Returns the number of reads of output for the screen so far.
    pub fn screen_reads(&self) -> u64 {
        self.screen
            .as_ref()
            .map_or(0, |screen| screen.reads_so_far())
    }

    pub(crate) fn screen(&self) -> Option<&Screen> {
        self.screen.as_deref().map(ScreenOutput::screen)
    }

    /// Returns the modes that change the codes of keys.
    pub(crate) fn key_modes(&self) -> KeyModes {
        let screen = self.screen.as_ref();
        screen.map_or_else(KeyModes::default, |screen| screen.key_modes())
    }

    /// Returns the present screen as a picture for messages.
    pub fn picture(&self) -> Option<String> {
        self.screen().map(Screen::render)
    }

    /// Returns a condition whose text is on the screen but is no evidence, and the reason.
    pub fn screen_near_miss(&self) -> Option<(&ScreenWait, NearMiss)> {
        self.screen.as_ref()?.near_miss()
    }

    /// Takes the text up to the end of the complete lines or of the unfinished line.
    fn take_text(&mut self, up_to: On) -> Option<String> {
        let mut text = String::new();
        for stream in &mut self.streams {
            text.push_str(stream.take_text(up_to));
        }
        (!text.is_empty()).then_some(text)
    }

    fn search(&mut self, wait: &WaitSet, now: Instant) -> Finding {
        if let Some(finding) = self.take_early(wait) {
            return finding;
        }
        for stream in [Stream::Out, Stream::Err] {
            if let Some(finding) = self.match_lines(stream, wait) {
                return finding;
            }
        }
        let mut quiet_at: Option<Instant> = None;
        let is_loop = self.loops > 0;
        for stream in [Stream::Out, Stream::Err] {
            let output = &mut self.streams[stream as usize];
            if !self.drained && output.closed().is_none() {
                continue;
            }
            match output.match_unfinished(&self.matcher, wait, is_loop, now, self.quiet) {
                Finding::Nothing => {}
                Finding::QuietAt(at) => {
                    quiet_at = Some(quiet_at.map_or(at, |other| other.min(at)));
                }
                finding => {
                    let end = output.end();
                    self.note(stream, &finding, Some(end));
                    return finding;
                }
            }
        }
        if let Some(screen) = &mut self.screen {
            match screen.poll(now, self.quiet, self.drained) {
                ScreenFinding::Nothing => {}
                ScreenFinding::LookAt(at) => {
                    quiet_at = Some(quiet_at.map_or(at, |other| other.min(at)));
                }
                ScreenFinding::Match { owner, found } => {
                    if self.loops > 0 || matches!(owner, ConditionOwner::Interlude(_)) {
                        screen.consume(&found);
                    }
                    return self.found_on_screen(owner, found);
                }
            }
        }
        match (quiet_at, self.ended_at()) {
            (Some(at), _) => Finding::QuietAt(at),
            (None, Some(at)) => Finding::Ended { at },
            (None, None) => Finding::Nothing,
        }
    }

    fn found_on_screen(&mut self, owner: ConditionOwner, found: ScreenMatch) -> Finding {
        match owner {
            ConditionOwner::Wait(index) => {
                self.input_awaited();
                self.matched_row = found.row;
                Finding::Wait {
                    index,
                    at: found.at,
                    captures: found.captures,
                }
            }
            ConditionOwner::Interlude(index) => {
                self.interlude = None;
                Finding::Interlude {
                    index,
                    at: found.at,
                    line: found.row,
                }
            }
        }
    }

    /// Takes a finding of a flood before this poll.
    fn take_early(&mut self, wait: &WaitSet) -> Option<Finding> {
        if self.missed.is_none() && self.early.is_none() {
            return None;
        }
        let is_tolerated = |finding: &Finding| {
            matches!(finding, Finding::FailOn { category, .. }
                if wait.tolerated().contains(category))
        };
        let missed = self.missed.take().filter(|missed| !is_tolerated(missed));
        missed.or_else(|| self.early.take())
    }

    /// Continues the wait unless this finding ends it.
    fn keep_unless_matched(&mut self, wait: WaitSet, finding: Option<&Finding>) {
        if !matches!(finding, Some(Finding::Wait { .. })) {
            self.wait = Some(wait);
        }
    }

    fn match_lines(&mut self, stream: Stream, wait: &WaitSet) -> Option<Finding> {
        let is_loop = self.loops > 0;
        let finding = self.streams[stream as usize].match_lines(&self.matcher, wait, is_loop)?;
        self.note(stream, &finding, None);
        Some(finding)
    }

    /// Records the place of a match, for the reply to it.
    fn note(&mut self, stream: Stream, finding: &Finding, prompt_end: Option<usize>) {
        match finding {
            Finding::Wait { .. } => {
                let on = prompt_end.map_or(On::Line, |_| On::Prompt);
                self.matched = (stream, on);
            }
            Finding::Interlude { .. } => self.interlude = Some((stream, prompt_end)),
            _ => {}
        }
    }

    fn ended_at(&self) -> Option<Instant> {
        let [out, err] = &self.streams;
        Some(out.closed()?.max(err.closed()?))
    }
}

/// Returns the last lines of all texts together, at most so many lines and bytes.
fn last_lines(texts: [&str; 2], max_lines: usize, max_bytes: usize) -> Vec<&str> {
    let texts = texts.into_iter().rev().filter(|text| !text.is_empty());
    let lines = texts.flat_map(|text| text.trim_end().rsplit('\n'));
    let mut room = max_bytes;
    let mut last: Vec<&str> = lines
        .take(max_lines)
        .map_while(|line| {
            let line = (room > 0).then(|| last_bytes(line.trim_end(), room))?;
            room = room.saturating_sub(line.len() + 1);
            Some(line)
        })
        .collect();
    last.reverse();
    last
}

/// Returns the end of `text`, at most so many bytes.
fn last_bytes(text: &str, max_bytes: usize) -> &str {
    let mut from = text.len().saturating_sub(max_bytes);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}
