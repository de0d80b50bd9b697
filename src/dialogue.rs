//! What a program says and what is said to it: from bytes to text, from text to what was waited
//! for. Pure: bytes and times come in, findings come out.
//!
//! A [`Dialogue`] listens to one script instance. Its owner feeds it output as it is read
//! ([`Dialogue::feed`]), tells it when there is nothing more to read right now
//! ([`Dialogue::drained`]) and when a stream has ended ([`Dialogue::closed`]), says what is waited
//! for ([`Dialogue::begin`]), asks what has come of it ([`Dialogue::poll`]), and tells it of each
//! reply ([`Dialogue::answered`]).
//!
//! # Why the outcome doesn't depend on how reads were split
//!
//! - Decoding is a state machine over single bytes; text, line ends and the removal of our echo
//!   depend on the sequence of bytes only.
//! - Complete lines are looked at in their order and never before they are complete, so a match
//!   or a capture never ends where a read did. A line that is too long is cut where its length
//!   says.
//! - The unfinished line is looked at only when the reader is drained: at once if it ends with
//!   what is waited for and no capture could still grow, else when it has been quiet for a
//!   while. That depends on when the program wrote, and not on how what it wrote was read.
//! - What a reply leaves behind ends where the match did, not where reading had got to. Only the
//!   other stream of a program on pipes has no such place: what had come from it when the reply
//!   was given is left behind.
//!
//! # What is seen
//!
//! A wait sees what came since the last reply, and of that only what lies in one line. A reply to
//! a prompt ends its line: what follows is a line of its own, whether a terminal's echo stands
//! between them or nothing does, as on pipes. Failures are looked for in every complete line once,
//! and in the unfinished line before it counts. Where several things stand in one line, a failure
//! wins; else what begins first; and at the same place a turn's own wait before an interlude.

mod consumed;
mod decoder;
mod echo;
mod keys;
mod line_regex;
mod lines;
mod output_stream;
mod pattern;
mod reply;
mod rows;
mod set;
#[cfg(test)]
mod tests;
mod watch;

pub use keys::{Key, UnknownKey};
pub use pattern::{Pattern, PatternError};
pub use reply::{LINE_LIMIT_BYTES, ReplyError, Typed};
pub use rows::{RowError, RowFormat, RowFormatError, Which, choose, pick, pick_position};
pub use set::{Hit, PatternSet};
pub use watch::{Heard, On, WaitSet, Watch};

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::Stream;

use output_stream::{OutputStream, Unfinished};
use watch::Waits;

/// The time that an unfinished line has to be quiet until it counts as it stands, unless a role
/// says
/// otherwise.
pub const DEFAULT_QUIET: Duration = Duration::from_millis(10);

/// The amount that is decoded before complete lines are looked at, so that a flood takes bounded
/// memory.
const BLOCK_BYTES: usize = 64 << 10;

/// How one script instance is listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// A terminal has one stream of output; pipes keep standard error apart.
    pub terminal: bool,
    /// The time that an unfinished line has to be quiet until it counts as it stands.
    pub quiet: Duration,
}

/// Listens to one script instance.
#[derive(Debug)]
pub struct Dialogue {
    watch: Arc<Watch>,
    quiet: Duration,
    /// Standard output and standard error, in the order in which they are looked at.
    channels: [OutputStream; 2],
    /// What is waited for, until it was heard.
    wait: Option<Arc<Waits>>,
    /// The last wait, if no reply and no end of a loop came after it.
    last_wait: Option<Arc<Waits>>,
    /// Where the last wait was heard.
    matched: (Stream, On),
    /// Where the last interlude was heard, and the end of the unfinished line if it was a prompt.
    interlude: Option<(Stream, Option<usize>)>,
    /// Heard while a flood was fed, and not polled yet.
    early: Option<Heard>,
    /// A failure seen in what nobody had waited for.
    missed: Option<Heard>,
    drained: bool,
    loops: usize,
}

impl Dialogue {
    /// Begins to listen to an instance that was started at `now`.
    pub fn new(watch: Arc<Watch>, settings: Settings, now: Instant) -> Dialogue {
        let mut channels = [OutputStream::new(now), OutputStream::new(now)];
        if settings.terminal {
            channels[Stream::Err as usize].close(now);
        }
        Dialogue {
            watch,
            quiet: settings.quiet,
            channels,
            wait: None,
            last_wait: None,
            matched: (Stream::Out, On::Line),
            interlude: None,
            early: None,
            missed: None,
            drained: false,
            loops: 0,
        }
    }

    /// Takes output that was read at `at`.
    pub fn feed(&mut self, stream: Stream, bytes: &[u8], at: Instant) {
        self.drained = false;
        for block in bytes.chunks(BLOCK_BYTES) {
            let channel = &mut self.channels[stream as usize];
            channel.feed(block, at);
            if self.early.is_none()
                && channel.unheard_bytes() > BLOCK_BYTES
                && let Some(waits) = self.wait.take()
            {
                let early = self.hear_lines(stream, &waits);
                self.goes_on(waits, early.as_ref());
                self.early = early;
            }
            let missed = self.channels[stream as usize].forget(&self.watch);
            if self.missed.is_none() {
                self.missed = missed;
            }
        }
    }

    /// There is nothing more to read right now.
    pub fn drained(&mut self) {
        self.drained = true;
    }

    /// The output of `stream` has ended: its unfinished line is complete.
    pub fn closed(&mut self, stream: Stream, at: Instant) {
        self.channels[stream as usize].close(at);
    }

    /// A wait begins. What has come since the last reply counts at once, with the next
    /// [`Dialogue::poll`].
    pub fn begin(&mut self, waits: &WaitSet) {
        let waits = Arc::clone(waits.waits());
        // A loop waits for the same things again and again: what held none of them before holds
        // none now.
        let goes_on = self.loops > 0
            && self
                .last_wait
                .as_ref()
                .is_some_and(|last| Arc::ptr_eq(last, &waits));
        for channel in &mut self.channels {
            channel.begin(goes_on);
        }
        self.early = None;
        self.last_wait = Some(Arc::clone(&waits));
        self.wait = Some(waits);
    }

    /// What has come of the wait. To be asked after [`Dialogue::begin`], after output was fed and
    /// the reader is drained (or, in a flood, between reads), after a stream has ended, and at the
    /// time that [`Heard::QuietAt`] named.
    ///
    /// [`Heard::Wait`] ends the wait; everything else leaves it as it is, so that the next poll
    /// goes on behind it.
    pub fn poll(&mut self, now: Instant) -> Heard {
        let Some(waits) = self.wait.take() else {
            // Only a flood can end a wait before it is asked for.
            return self.early.take().unwrap_or(Heard::Nothing);
        };
        let heard = self.hear(&waits, now);
        self.goes_on(waits, Some(&heard));
        heard
    }

    /// A reply to what was heard was given. What it answers is over; if a terminal or the program
    /// shows what was typed, that isn't heard.
    pub fn answered(&mut self, typed: &Typed, echo_expected: bool) {
        self.wait = None;
        self.last_wait = None;
        let [out, err] = &mut self.channels;
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
        if self.matched.1 == On::Prompt {
            out.forget_echoes();
        }
        if echo_expected {
            self.channels[Stream::Out as usize].expect_echo(typed.echo());
        }
    }

    /// Something was typed right behind the reply that [`Dialogue::answered`] told of.
    pub fn also_typed(&mut self, typed: &Typed, echo_expected: bool) {
        if echo_expected {
            self.channels[Stream::Out as usize].expect_echo(typed.echo());
        }
    }

    /// A reply to the interlude that was heard last was given. The wait goes on and sees what it
    /// saw before, but for the interlude itself.
    pub fn answered_interlude(&mut self, typed: &Typed, echo_expected: bool) {
        if let Some((stream, Some(end))) = self.interlude.take() {
            self.channels[stream as usize].answered_interlude(end);
        }
        if echo_expected {
            self.channels[Stream::Out as usize].expect_echo(typed.echo());
        }
    }

    /// The complete lines up to the last one that a wait has matched are over, as if they had been
    /// answered. A menu that came after them stays, with its prompt.
    pub fn set_matched_lines_aside(&mut self) {
        self.wait = None;
        self.last_wait = None;
        self.channels
            .iter_mut()
            .for_each(OutputStream::set_matched_lines_aside);
    }

    /// From here on a piece of output that has matched does not match again.
    pub fn enter_loop(&mut self) {
        self.loops += 1;
    }

    /// Ends what the last [`Dialogue::enter_loop`] began.
    pub fn leave_loop(&mut self) {
        self.loops = self.loops.saturating_sub(1);
        if self.loops == 0 {
            self.last_wait = None;
            for channel in &mut self.channels {
                channel.loop_ends();
            }
        }
    }

    /// The lines since the last reply, with the unfinished one: those of standard output, then
    /// those of standard error.
    pub fn lines(&self) -> Vec<&str> {
        self.channels
            .iter()
            .flat_map(OutputStream::visible)
            .collect()
    }

    /// The last that was said, answered or not, for messages: at most so many lines and bytes.
    /// Standard error follows standard output.
    pub fn tail(&self, max_lines: usize, max_bytes: usize) -> String {
        let mut lines: Vec<&str> = Vec::new();
        let mut room = max_bytes;
        for channel in self.channels.iter().rev() {
            for line in channel.kept().trim_end().rsplit('\n') {
                if lines.len() == max_lines || room == 0 || channel.kept().is_empty() {
                    break;
                }
                let line = last_bytes(line.trim_end(), room);
                room = room.saturating_sub(line.len() + 1);
                lines.push(line);
            }
        }
        lines.reverse();
        lines.join("\n")
    }

    /// A line for before the [`Dialogue::tail`] if waits have not seen all since the last reply, as
    /// it was too much; else nothing.
    pub fn unseen(&self) -> String {
        match self.channels.iter().map(OutputStream::unseen_bytes).sum() {
            0_usize => String::new(),
            bytes => format!("({bytes} older bytes since the last reply were dropped)\n"),
        }
    }

    /// What a terminal would have answered to the queries since the last call: to be written to
    /// the program, if it is on a terminal.
    pub fn take_terminal_answers(&mut self) -> Vec<u8> {
        self.channels[Stream::Out as usize].take_answers()
    }

    /// The complete lines since the last call, for a transcript: so that it does not depend on how
    /// the output was read, and no secret in it is cut in two. Standard error follows standard
    /// output.
    pub fn take_lines(&mut self) -> Option<String> {
        self.take_text(false)
    }

    /// As [`Dialogue::take_lines`], with the unfinished lines: for when something is typed, and at
    /// the end.
    pub fn take_rest(&mut self) -> Option<String> {
        self.take_text(true)
    }

    /// The line in which the last wait was heard. To be asked before the reply to it.
    pub fn heard_line(&self) -> &str {
        self.channels[self.matched.0 as usize].heard_line()
    }

    /// Returns whether the last wait was heard in an unfinished line, which is then all there.
    pub fn heard_prompt(&self) -> bool {
        self.matched.1 == On::Prompt
    }

    fn take_text(&mut self, unfinished: bool) -> Option<String> {
        let mut text = String::new();
        for channel in &mut self.channels {
            text.push_str(channel.tell(unfinished));
        }
        (!text.is_empty()).then_some(text)
    }

    fn hear(&mut self, waits: &Waits, now: Instant) -> Heard {
        if let Some(heard) = self.heard_while_fed(waits) {
            return heard;
        }
        for stream in [Stream::Out, Stream::Err] {
            if let Some(heard) = self.hear_lines(stream, waits) {
                return heard;
            }
        }
        let mut quiet_at: Option<Instant> = None;
        for stream in [Stream::Out, Stream::Err] {
            let channel = &mut self.channels[stream as usize];
            if !self.drained && channel.closed().is_none() {
                continue;
            }
            let looped = self.loops > 0;
            match channel.hear_unfinished(&self.watch, waits, looped, now, self.quiet) {
                Unfinished::Nothing => {}
                Unfinished::QuietAt(at) => {
                    quiet_at = Some(quiet_at.map_or(at, |other| other.min(at)));
                }
                Unfinished::Heard(heard) => {
                    let end = self.channels[stream as usize].end();
                    self.note(stream, &heard, Some(end));
                    return heard;
                }
            }
        }
        match (quiet_at, self.ended_at()) {
            (Some(at), _) => Heard::QuietAt(at),
            (None, Some(at)) => Heard::Ended { at },
            (None, None) => Heard::Nothing,
        }
    }

    /// What of a flood was heard before this poll.
    fn heard_while_fed(&mut self, waits: &Waits) -> Option<Heard> {
        if self.missed.is_none() && self.early.is_none() {
            return None;
        }
        let is_tolerated = |heard: &Heard| {
            matches!(heard, Heard::FailOn { category, .. }
                if waits.tolerated.contains(category))
        };
        let missed = self.missed.take().filter(|missed| !is_tolerated(missed));
        missed.or_else(|| self.early.take())
    }

    /// The wait was looked for, and this was heard: unless that ends it, it goes on.
    fn goes_on(&mut self, waits: Arc<Waits>, heard: Option<&Heard>) {
        if !matches!(heard, Some(Heard::Wait { .. })) {
            self.wait = Some(waits);
        }
    }

    fn hear_lines(&mut self, stream: Stream, waits: &Waits) -> Option<Heard> {
        let looped = self.loops > 0;
        let heard = self.channels[stream as usize].hear_lines(&self.watch, waits, looped)?;
        self.note(stream, &heard, None);
        Some(heard)
    }

    /// Remembers where something was heard, for the reply to it.
    fn note(&mut self, stream: Stream, heard: &Heard, prompt_end: Option<usize>) {
        match heard {
            Heard::Wait { .. } => {
                let on = prompt_end.map_or(On::Line, |_| On::Prompt);
                self.matched = (stream, on);
            }
            Heard::Interlude { .. } => self.interlude = Some((stream, prompt_end)),
            _ => {}
        }
    }

    fn ended_at(&self) -> Option<Instant> {
        let [out, err] = &self.channels;
        Some(out.closed()?.max(err.closed()?))
    }
}

/// Output as text, decoded as a [`Dialogue`] decodes it: control sequences removed, line ends made
/// one, invalid UTF-8 replaced. For the output of commands that nobody talks to.
pub fn plain_text(bytes: &[u8]) -> String {
    let mut view = decoder::Decoder::new();
    let mut lines = lines::Lines::new(Instant::now());
    view.feed(bytes, &mut lines);
    view.finish(&mut lines);
    lines.text().to_owned()
}

/// The end of `text`, as much as fits.
fn last_bytes(text: &str, max_bytes: usize) -> &str {
    let mut from = text.len().saturating_sub(max_bytes);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}
