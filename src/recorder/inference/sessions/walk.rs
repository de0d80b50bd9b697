//! Walk through the chunks of a session with a program that prints lines.
//!
//! The output goes through the same [`Dialogue`] as in a run, so that a turn has heard what a wait
//! of a run will see: without control sequences, and without the echo.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::input_row::{self, InputRow};
use super::{Answer, ChunkReader, Heard, RecordedTurn};
use crate::dialogue::{
    DEFAULT_QUIET, Dialogue, DialogueSettings, RoleMatcher, RowFormat, ShownBefore, ShownRows,
};
use crate::model::Stream;
use crate::recorder::inference::line_editing::{Edit, EditedLine};
use crate::recorder::inference::shapes::MASK;
use crate::recorder::inference::typed_keys::{self, first_key, printable};
use crate::recorder::recording::{Chunk, ChunkEvent, Mark, Recording, TypedMode};
use crate::terminal::{EchoMode, Key, Screen, Typed};

/// Returns the answer of a line. One with control characters is no text for a scenario, but keys.
fn line_answer(text: String) -> Answer {
    if !text.contains(char::is_control) {
        return Answer::Line(text);
    }
    let mut keys = typed_keys::keys(text.as_bytes());
    keys.push(Key::Enter);
    Answer::Keys(keys)
}

/// Returns the turns of a recording.
pub(super) fn turns(recording: &Recording) -> Vec<RecordedTurn> {
    let mut walk = Walk::new(recording);
    super::read(recording, &mut walk);
    walk.turns
}

const HIDDEN: Answer = Answer::Secret {
    number: None,
    is_shown: false,
};

/// Returns whether the next output begins with the masked echo of a secret.
fn is_masked_echo(chunks: &[Chunk]) -> bool {
    let mut outputs = chunks.iter().map_while(|chunk| match &chunk.event {
        ChunkEvent::Output(bytes) => Some(bytes),
        _ => None,
    });
    let output = outputs.find(|bytes| !bytes.is_empty());
    output.is_some_and(|bytes| {
        let rest = bytes.strip_prefix(MASK.as_bytes());
        rest.is_some_and(|rest| !rest.starts_with(b"*"))
    })
}

struct Walk {
    started_at: f64,
    base: Instant,
    /// The time of the current chunk.
    at: Duration,
    dialogue: Dialogue,
    screen: Screen,
    shown_rows: ShownRows,
    turns: Vec<RecordedTurn>,
    marks: Vec<Mark>,
    last_output: Duration,
    /// The answer that is being typed.
    typing: Option<Typing>,
}

struct Typing {
    heard: Heard,
    thought: Duration,
    line: EditedLine,
    /// Bytes typed at a program that reads single keys, as far as they are no complete key.
    bytes: Vec<u8>,
    keys: Vec<Key>,
    /// Output since the first key.
    output: Vec<(Vec<u8>, Instant)>,
}

impl Walk {
    fn new(recording: &Recording) -> Walk {
        let base = Instant::now();
        let settings = DialogueSettings {
            columns: Some(recording.size.columns),
            screen: None,
            quiet: DEFAULT_QUIET,
        };
        let matcher = Arc::new(RoleMatcher::new(Vec::new(), &[]));
        Walk {
            started_at: recording.started_at as f64,
            base,
            at: Duration::ZERO,
            dialogue: Dialogue::new(matcher, settings, base),
            screen: Screen::new(recording.size, base),
            shown_rows: ShownRows::default(),
            turns: Vec::new(),
            marks: Vec::new(),
            last_output: Duration::ZERO,
            typing: None,
        }
    }

    fn now(&self) -> Instant {
        self.base + self.at
    }

    fn output(&mut self, bytes: &[u8]) {
        let now = self.now();
        self.screen.feed(bytes, now, &mut |_| false);
        if let Some(typing) = &mut self.typing {
            typing.output.push((bytes.to_vec(), now));
            let is_completion = typing.keys.last() == Some(&Key::Tab);
            if bytes.contains(&b'\n') && !typing.keys.is_empty() && !is_completion {
                // The program went on without Enter.
                let keys = std::mem::take(&mut typing.keys);
                self.pressed(keys, EchoMode::Raw);
            }
        } else {
            self.dialogue.feed(Stream::Out, bytes, now);
        }
        self.last_output = self.at;
    }

    /// Returns the answer that is being typed, which may begin here.
    fn typing(&mut self) -> &mut Typing {
        if self.typing.is_none() {
            let heard = self.heard();
            self.typing = Some(Typing {
                heard,
                thought: self.at.saturating_sub(self.last_output),
                line: EditedLine::default(),
                bytes: Vec::new(),
                keys: Vec::new(),
                output: Vec::new(),
            });
        }
        self.typing.as_mut().expect("it was begun")
    }

    fn heard(&mut self) -> Heard {
        let mut lines: Vec<String> = self
            .dialogue
            .lines()
            .into_iter()
            .map(str::to_owned)
            .collect();
        let mut prompt = String::new();
        if self.dialogue.unfinished_line().is_some() {
            prompt = lines.pop().unwrap_or_default();
        }
        let mut heard = Heard {
            lines,
            prompt,
            ..Heard::default()
        };
        let all: Vec<&str> = heard.all().collect();
        let asked = all.last().copied().unwrap_or_default().to_owned();
        let before = self.shown_rows.update(&RowFormat::default(), &all, &asked);
        if let ShownBefore::Rows(rows) = before {
            heard.rows_before = rows.to_vec();
        }
        heard
    }

    fn typed_secret(&mut self, number: usize, is_shown: bool) {
        self.typing();
        let answer = Answer::Secret {
            number: Some(number),
            is_shown,
        };
        if is_shown {
            self.finish(answer, &line(MASK), EchoMode::Lines);
        } else {
            self.finish(answer, &line(""), EchoMode::Hidden);
        }
    }

    fn typed_line(&mut self, bytes: &[u8], mode: TypedMode) {
        let mut rest = bytes;
        while let Some((_, length)) = first_key(rest) {
            let (key, after) = rest.split_at(length);
            rest = after;
            if first_key(key).is_some_and(|(key, _)| key.is_none()) && length > 1 {
                continue;
            }
            for &byte in key {
                self.typed_byte(byte, mode);
            }
        }
    }

    fn typed_byte(&mut self, byte: u8, mode: TypedMode) {
        match self.typing().line.push(byte) {
            Edit::Continued => {}
            Edit::Completed => {
                let text = self.typing().line.take();
                if mode.echo {
                    let typed = line(&text);
                    self.finish(line_answer(text), &typed, EchoMode::Lines);
                } else {
                    self.finish(HIDDEN, &line(""), EchoMode::Hidden);
                }
            }
            Edit::EndOfInput => self.pressed(vec![Key::Ctrl('d')], EchoMode::Lines),
            Edit::Signal(character) => self.pressed(vec![Key::Ctrl(character)], EchoMode::Lines),
        }
    }

    fn typed_keys(&mut self, bytes: &[u8], mode: TypedMode) {
        let echo_mode = if mode.echo {
            EchoMode::Keys
        } else {
            EchoMode::Raw
        };
        self.typing().bytes.extend_from_slice(bytes);
        while let Some((key, length)) = first_key(&self.typing().bytes) {
            self.typing().bytes.drain(..length);
            match key {
                Some(Key::Enter) => self.entered(echo_mode),
                Some(key @ Key::Ctrl('c' | 'd' | 'z' | '\\')) if self.typing().keys.is_empty() => {
                    self.pressed(vec![key], echo_mode);
                }
                Some(key) => self.typing().keys.push(key),
                None => {}
            }
        }
        if let Some(typing) = &self.typing
            && typing.keys.is_empty()
            && typing.bytes.is_empty()
            && typing.line.is_empty()
            && typing.output.is_empty()
        {
            // Only the terminal has answered.
            self.typing = None;
        }
    }

    /// Takes the line of a program that edits it itself.
    fn entered(&mut self, mode: EchoMode) {
        let keys = std::mem::take(&mut self.typing().keys);
        let typed = printable(&keys);
        let prompt = self.typing().heard.prompt.clone();
        match input_row::read(&self.screen, &prompt, &typed) {
            InputRow::Hidden => self.finish(HIDDEN, &line(""), EchoMode::Raw),
            InputRow::Shown(text) => {
                let typed = line(&text);
                self.finish(line_answer(text), &typed, mode);
            }
        }
    }

    fn pressed(&mut self, keys: Vec<Key>, mode: EchoMode) {
        let typed = line(&printable(&keys));
        self.finish(Answer::Keys(keys), &typed, mode);
    }

    fn finish(&mut self, answer: Answer, typed: &Typed, mode: EchoMode) {
        let Some(typing) = self.typing.take() else {
            return;
        };
        self.turns.push(RecordedTurn {
            at: self.started_at + self.at.as_secs_f64(),
            thought: typing.thought,
            heard: typing.heard,
            answer,
            marks: std::mem::take(&mut self.marks),
        });
        self.dialogue.input_awaited();
        self.dialogue.answered(typed, mode);
        for (bytes, at) in typing.output {
            self.dialogue.feed(Stream::Out, &bytes, at);
        }
    }
}

impl ChunkReader for Walk {
    fn event(&mut self, at: Duration, event: &ChunkEvent, later: &[Chunk]) {
        self.at = at;
        match event {
            ChunkEvent::Output(bytes) => self.output(bytes),
            ChunkEvent::Typed { bytes, mode } if mode.lines => self.typed_line(bytes, *mode),
            ChunkEvent::Typed { bytes, mode } => self.typed_keys(bytes, *mode),
            ChunkEvent::Resized(size) => self.screen.resize(*size),
            ChunkEvent::Marked(mark) => self.marks.push(mark.clone()),
            ChunkEvent::TypedSecret { number } => {
                self.typed_secret(*number, is_masked_echo(later));
            }
            ChunkEvent::Exited(_) => {}
        }
    }

    fn end(&mut self, exit: Option<(Duration, i32)>) {
        self.at = exit.map_or(self.at, |(at, _)| at);
        let code = exit.map(|(_, code)| code);
        let now = self.now();
        // An answer that was begun and not given.
        if let Some(typing) = self.typing.take() {
            for (bytes, at) in typing.output {
                self.dialogue.feed(Stream::Out, &bytes, at);
            }
        }
        if code.is_some() {
            self.dialogue.closed(Stream::Out, now);
        }
        let mut heard = self.heard();
        if code.is_some() {
            let rest = std::mem::take(&mut heard.prompt);
            heard.lines.extend((!rest.is_empty()).then_some(rest));
        }
        self.turns.push(RecordedTurn {
            at: self.started_at + self.at.as_secs_f64(),
            thought: Duration::ZERO,
            heard,
            answer: Answer::Ended(code),
            marks: std::mem::take(&mut self.marks),
        });
    }
}

fn line(text: &str) -> Typed {
    Typed::line(text, true).unwrap_or_else(|_| Typed::anything(text.as_bytes(), true))
}
