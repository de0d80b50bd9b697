//! Classification of what a person types: what may be recorded, and what is a secret.
//!
//! [`Capture`] takes in what happens between a person and a program, and returns chunks that may go to
//! the disk. It is pure: the caller has the terminal, the clock and the file.
//!
//! | what was typed | is |
//! | --- | --- |
//! | with echo off, to a program that reads lines | a secret |
//! | with echo on, after a prompt that asks for one | a secret until the person denies it |
//! | as keys, and the program draws them | no secret, unless the prompt asks for one |
//! | as keys, and the program draws masking characters | a secret |
//! | as keys, and the program draws something else | no secret: keys of a menu |
//! | as keys, and the program draws nothing, more than one | a secret until the person denies it |
//!
//! Text that is not classified yet is held, with all that comes after it. A known secret is masked
//! wherever it is printed or typed, in the forms that
//! [`Masker`](crate::scenario::Masker) knows.

mod edited_line;
mod held;
mod keys;
mod masking;
mod prompt;
mod secret_log;

use std::time::{Duration, Instant};

use crate::terminal::{Screen, ScreenSize};

use super::recording::{Chunk, ChunkEvent, Mark, TypedMode};
use edited_line::EditedLine;
use held::{Held, HeldEntry, MAX_WAITING, Nature, Reaction};
use keys::Piece;
use secret_log::{SecretLog, SecretState};

pub use secret_log::{Captured, DoubtfulSecret, SecretTexts};

/// The state of a recording in progress.
pub struct Capture {
    screen: Screen,
    log: SecretLog,
    held: Option<Held>,
    /// The line that is being typed, in a mode in which the terminal shows or collects it.
    line: Option<OpenLine>,
    /// The prompt of the keys that are being typed, until Enter.
    keys_prompt: Option<String>,
    is_paused: bool,
    /// Of the last event.
    at: Duration,
    started: Instant,
}

#[derive(Default)]
struct OpenLine {
    prompt: String,
    is_asked_for: bool,
    text: EditedLine,
    /// Bytes that were recorded already.
    recorded: usize,
}

impl Capture {
    /// Creates the state for a terminal of this size.
    pub fn new(size: ScreenSize, started: Instant) -> Capture {
        Capture {
            screen: Screen::new(size, started),
            log: SecretLog::default(),
            held: None,
            line: None,
            keys_prompt: None,
            is_paused: false,
            at: Duration::ZERO,
            started,
        }
    }

    /// Returns what the person sees.
    pub fn screen(&self) -> &Screen {
        &self.screen
    }

    /// Takes in output of the program.
    pub fn output(&mut self, at: Duration, bytes: &[u8]) {
        self.at = at;
        let awaited = self.held.as_ref().and_then(Held::awaited);
        let mut drawn = 0;
        let mut is_whole = false;
        let mut look = |screen: &Screen| {
            if let Some(awaited) = &awaited {
                drawn = drawn.max(awaited.drawn(screen));
                is_whole |= awaited.is_whole(drawn, screen);
            }
            false
        };
        self.screen.feed(bytes, self.started + at, &mut look);
        look(&self.screen);
        if self.is_paused {
            return;
        }
        self.judge(drawn, is_whole);
        let event = ChunkEvent::Output(bytes.to_vec());
        self.add(Chunk { at, event }, bytes.len());
        if self
            .held
            .as_ref()
            .is_some_and(|it| it.waiting > MAX_WAITING)
        {
            self.decide();
        }
    }

    /// Judges typed keys by what was drawn of them.
    fn judge(&mut self, drawn: usize, is_whole: bool) {
        let Some(held) = self.held.as_mut().filter(|it| !it.mode.lines) else {
            return;
        };
        held.was_answered |= held.is_closed;
        if !held.is_unjudged {
            return;
        }
        if is_whole && !held.is_masked {
            held.is_unjudged = false;
            held.is_drawn = true;
            if held.is_closed || !held.is_asked_for {
                self.decide();
            }
            return;
        }
        // The rest may follow; and what changes after Enter is no reaction to the text.
        if drawn > 0 || held.is_closed {
            return;
        }
        match held.reaction(&self.screen) {
            Reaction::Nothing => {}
            Reaction::Masked => {
                held.is_masked = true;
                held.is_unjudged = false;
            }
            Reaction::Changed if held.is_asked_for || held.is_masked => {}
            Reaction::Changed => self.release(Nature::Ordinary),
        }
    }

    /// Takes in what the person typed, in the mode in which the terminal was then.
    pub fn typed(&mut self, at: Duration, bytes: &[u8], mode: TypedMode) {
        self.at = at;
        if self.is_paused {
            return;
        }
        let is_for_keys = !mode.lines && !mode.echo;
        if self
            .held
            .as_ref()
            .is_some_and(|it| it.was_answered || (it.mode.lines || it.mode.echo) == is_for_keys)
        {
            self.decide();
        }
        if is_for_keys {
            self.line = None;
            for piece in keys::pieces(bytes) {
                self.key(at, piece, mode);
            }
        } else {
            self.keys_prompt = None;
            let mut start = 0;
            for end in 0..bytes.len() {
                if self.ends_line(&bytes[start..=end]) {
                    self.part_of_line(at, &bytes[start..end], mode);
                    self.end_of_line(at, &bytes[end..=end], mode);
                    start = end + 1;
                }
            }
            self.part_of_line(at, &bytes[start..], mode);
        }
    }

    /// Takes in keys to a program that reads them one by one and shows them itself.
    fn key(&mut self, at: Duration, piece: Piece<'_>, mode: TypedMode) {
        match piece {
            Piece::Text { typed, text } => {
                let is_edit = text.iter().all(|it| edited_line::is_editing(*it));
                if is_edit && self.held.is_none() {
                    self.record(at, typed, mode);
                    return;
                }
                if self.held.is_none() {
                    let screen = &self.screen;
                    let prompt = self
                        .keys_prompt
                        .get_or_insert_with(|| prompt::before_cursor(screen));
                    let is_asked_for = prompt::asks_for_secret(prompt);
                    self.held = Some(Held::new(mode, prompt.clone(), is_asked_for, screen));
                }
                if let Some(held) = &mut self.held {
                    held.push_text(at, typed, text);
                }
            }
            Piece::Control(bytes) => {
                self.keys_prompt = None;
                let Some(held) = &mut self.held else {
                    self.record(at, bytes, mode);
                    return;
                };
                held.push_control(at, bytes);
                held.is_closed = true;
                if held.is_masked || held.is_drawn {
                    self.decide();
                }
            }
        }
    }

    /// Returns whether the last of these typed bytes ends the line.
    fn ends_line(&self, typed: &[u8]) -> bool {
        let is_literal = match &self.line {
            Some(line) if typed.len() == 1 => line.text.is_literal(),
            _ => typed.len() > 1 && typed[typed.len() - 2] == 0x16,
        };
        // Ctrl-C, Ctrl-D, Enter, Ctrl-Z, Ctrl-\.
        let ends = matches!(typed.last(), Some(b'\r' | b'\n' | 3 | 4 | 0x1a | 0x1c));
        ends && !is_literal
    }

    /// Takes in a part of a line that the terminal collects or shows.
    fn part_of_line(&mut self, at: Duration, bytes: &[u8], mode: TypedMode) {
        if bytes.is_empty() {
            return;
        }
        let screen = &self.screen;
        let line = self.line.get_or_insert_with(|| {
            let prompt = prompt::before_cursor(screen);
            OpenLine {
                is_asked_for: prompt::asks_for_secret(&prompt),
                prompt,
                ..OpenLine::default()
            }
        });
        bytes.iter().for_each(|byte| line.text.push(*byte));
        let text = line.text.text();
        let may_be_known = self.log.has_begun(text);
        let is_hidden = !mode.echo;
        let must_wait = line.is_asked_for || is_hidden || may_be_known;
        match &mut self.held {
            None if !must_wait => {
                line.recorded += bytes.len();
                self.record(at, bytes, mode);
            }
            Some(held) if !must_wait && !held.is_hidden => {
                held.push_text(at, bytes, bytes);
                line.recorded += bytes.len();
                self.release(Nature::Ordinary);
            }
            held => {
                let (prompt, is_asked_for) = (line.prompt.clone(), line.is_asked_for);
                let held =
                    held.get_or_insert_with(|| Held::new(mode, prompt, is_asked_for, screen));
                held.is_hidden |= is_hidden;
                held.push_text(at, bytes, bytes);
            }
        }
    }

    /// Takes in the key that ends a line.
    fn end_of_line(&mut self, at: Duration, key: &[u8], mode: TypedMode) {
        let line = self.line.take().unwrap_or_default();
        if let Some(mut held) = self.held.take() {
            let is_submitted = matches!(key, b"\r" | b"\n" | [4]);
            let nature = if !is_submitted {
                // The terminal has discarded the line.
                held.entries
                    .retain(|it| !matches!(it, HeldEntry::Text { .. }));
                Nature::Ordinary
            } else if line.text.is_empty() {
                Nature::Ordinary
            } else if held.is_hidden || self.log.is_sure(line.text.text()) {
                Nature::Secret
            } else if held.is_asked_for {
                Nature::Doubtful
            } else {
                Nature::Ordinary
            };
            if nature == Nature::Secret && line.recorded > 0 {
                self.log.retract(line.recorded);
                // The whole line is the secret.
                let texts = held.entries.iter_mut().filter_map(|entry| match entry {
                    HeldEntry::Text { text, .. } => Some(text),
                    HeldEntry::Control { .. } | HeldEntry::Other(_) => None,
                });
                for text in texts {
                    text.clone_from(&line.text);
                }
            }
            held.is_drawn = !held.is_hidden;
            if nature != Nature::Ordinary {
                held.push_control(at, key);
            }
            self.held = Some(held);
            self.release(nature);
            if nature != Nature::Ordinary {
                return;
            }
        }
        self.record(at, key, mode);
    }

    /// Takes in another size of the terminal.
    pub fn resized(&mut self, at: Duration, size: ScreenSize) {
        self.at = at;
        self.screen.resize(size);
        if let Some(held) = &mut self.held {
            held.lose_place();
        }
        let event = ChunkEvent::Resized(size);
        self.add(Chunk { at, event }, 0);
    }

    /// Takes in a remark of the person.
    pub fn marked(&mut self, at: Duration, mark: Mark) {
        self.at = at;
        if mark == Mark::Paused {
            self.decide();
            self.line = None;
            self.keys_prompt = None;
        }
        if mark == Mark::Resumed {
            self.is_paused = false;
        }
        let is_pause = mark == Mark::Paused;
        let event = ChunkEvent::Marked(mark);
        self.add(Chunk { at, event }, 0);
        self.is_paused |= is_pause;
    }

    /// Returns whether nothing is recorded at present.
    pub fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// Takes in the end of the program: its exit code, or its signal, negative.
    pub fn exited(&mut self, at: Duration, code: i32) {
        self.at = at;
        self.is_paused = false;
        if let Some(held) = &self.held
            && (held.mode.lines || held.mode.echo)
        {
            // Nobody has read it.
            let nature = match held.is_hidden {
                true => Nature::Secret,
                false => Nature::Doubtful,
            };
            self.release(nature);
        }
        self.decide();
        let event = ChunkEvent::Exited(code);
        self.add(Chunk { at, event }, 0);
        self.log.close();
    }

    /// Returns whether [`Capture::quiet`] would decide something.
    pub fn waits_for_quiet(&self) -> bool {
        self.held
            .as_ref()
            .is_some_and(|it| it.is_closed && it.was_answered)
    }

    /// Takes in that nothing has happened for some time.
    pub fn quiet(&mut self) {
        if self.waits_for_quiet() {
            self.decide();
        }
    }

    /// Decides about the keys that are held.
    fn decide(&mut self) {
        let Some(held) = &self.held else {
            return;
        };
        let nature = if held.mode.lines || held.mode.echo {
            match held.is_hidden {
                true => Nature::Secret,
                false => Nature::Doubtful,
            }
        } else if held.is_masked {
            Nature::Secret
        } else if held.length() <= 1 {
            // A key.
            Nature::Ordinary
        } else if held.is_drawn {
            match held.is_asked_for {
                true => Nature::Doubtful,
                false => Nature::Ordinary,
            }
        } else if held.is_asked_for {
            Nature::Secret
        } else {
            Nature::Doubtful
        };
        self.release(nature);
    }

    /// Passes on what is held.
    fn release(&mut self, nature: Nature) {
        let Some(held) = self.held.take() else {
            return;
        };
        let mode = held.mode;
        let entries = match nature {
            Nature::Ordinary => held.entries,
            Nature::Secret | Nature::Doubtful => held::with_their_enter(held.entries),
        };
        for entry in entries {
            let (at, bytes, text) = match entry {
                HeldEntry::Other(chunk) => {
                    self.log.push(chunk, None);
                    continue;
                }
                HeldEntry::Control { at, bytes } => (at, bytes, None),
                HeldEntry::Text { at, bytes, text } => {
                    let is_secret = nature != Nature::Ordinary && !text.is_empty();
                    (at, bytes, is_secret.then_some(text))
                }
            };
            let Some(text) = text else {
                let event = ChunkEvent::Typed { bytes, mode };
                self.log.push(Chunk { at, event }, None);
                continue;
            };
            let state = match nature {
                Nature::Doubtful => SecretState::Doubtful {
                    prompt: held.prompt.clone(),
                    was_shown: held.is_drawn,
                },
                Nature::Secret | Nature::Ordinary => SecretState::Sure,
            };
            let number = self.log.learn(&text, state);
            let event = ChunkEvent::TypedSecret { number };
            self.log.push(Chunk { at, event }, Some((bytes, mode)));
        }
    }

    fn record(&mut self, at: Duration, bytes: &[u8], mode: TypedMode) {
        let bytes = bytes.to_vec();
        let event = ChunkEvent::Typed { bytes, mode };
        self.add(Chunk { at, event }, 0);
    }

    /// Adds a chunk behind what is held.
    fn add(&mut self, chunk: Chunk, length: usize) {
        if self.is_paused {
            return;
        }
        match &mut self.held {
            Some(held) => held.push_other(chunk, length),
            None => self.log.push(chunk, None),
        }
    }

    /// Takes what may go to the disk.
    pub fn take(&mut self) -> Captured {
        self.log.take()
    }

    /// Returns the texts about which the person is to be asked.
    pub fn doubtful(&self) -> Vec<DoubtfulSecret> {
        self.log.doubtful()
    }

    /// Returns the prompts after which the person typed something that seemed a secret and is none.
    pub fn plain_prompts(&self) -> Vec<String> {
        self.log.plain_prompts()
    }

    /// Takes in the person's answer about a doubtful secret.
    pub fn answer(&mut self, number: usize, is_secret: bool) {
        self.log.answer(number, is_secret);
    }

    /// Takes the last answer for a secret, and what was recorded of it out of the recording. Returns
    /// whether there is such an answer: one that is complete.
    pub fn declare_secret(&mut self) -> bool {
        let is_typing = self.line.as_ref().is_some_and(|it| !it.text.is_empty());
        if self.is_paused || is_typing || self.held.as_ref().is_some_and(|it| !it.is_closed) {
            return false;
        }
        self.decide();
        self.log.declare_last()
    }

    /// Returns the whole recording so far, masked, and the texts of its secrets.
    pub fn finish(mut self) -> (Vec<Chunk>, SecretTexts) {
        self.decide();
        self.log.finish()
    }
}

#[cfg(test)]
mod tests;
