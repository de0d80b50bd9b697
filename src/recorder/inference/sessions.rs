//! Turns of a recorded session: what was heard, and the answer to it.

mod input_row;
mod typed_ahead;
mod walk;

use std::time::Duration;

use crate::recorder::inference::shapes::MASK;
use crate::recorder::recording::{Chunk, ChunkEvent, Mark, Recording};
use crate::terminal::{Key, ScreenSize};

/// Session of one role, as turns.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub role: String,
    pub command: Vec<String>,
    pub term: String,
    pub size: ScreenSize,
    /// The program draws on the whole screen.
    pub has_screen: bool,
    /// The last one has the end of the session as its answer.
    pub turns: Vec<RecordedTurn>,
}

/// Output since the last answer, and the answer to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RecordedTurn {
    /// The time of the answer, in seconds since 1970.
    pub at: f64,
    /// From the last output to the first key.
    pub thought: Duration,
    pub heard: Heard,
    pub answer: Answer,
    pub marks: Vec<Mark>,
}

/// Output since the last answer, as a wait sees it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Heard {
    /// Complete lines; on a screen, the rows that were drawn.
    pub lines: Vec<String>,
    /// The unfinished line, or nothing.
    pub prompt: String,
    /// All that a screen shows.
    pub shown: Vec<String>,
    /// The text before the cursor of a screen.
    pub asked: String,
    /// Rows that were shown before the same prompt, if the output has none itself.
    pub rows_before: Vec<String>,
}

/// Answer of a person.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// A text and Enter.
    Line(String),
    /// A line that was not recorded, with the recorder's number of its text.
    Secret {
        number: Option<usize>,
        /// The terminal showed it; the recorder has masked that.
        is_shown: bool,
    },
    Keys(Vec<Key>),
    /// The row that was lit on a screen when Enter was pressed.
    LitRow(String),
    /// Texts typed into fields of a screen, each with its label, and the keys after them.
    Fields {
        fields: Vec<(String, FieldText)>,
        keys: Vec<Key>,
    },
    /// The program's end, with its exit code if that was recorded.
    Ended(Option<i32>),
}

/// Text typed into a field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum FieldText {
    Plain(String),
    /// The screen does not show what was typed.
    Hidden,
}

impl Heard {
    /// Returns all lines, the unfinished one last.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = &str> {
        let prompt = (!self.prompt.trim().is_empty()).then_some(self.prompt.as_str());
        self.lines.iter().map(String::as_str).chain(prompt)
    }

    /// Returns the lines in which `choose` and `pick` look for rows.
    pub(super) fn rows(&self) -> Vec<&str> {
        if self.rows_before.is_empty() {
            self.all().collect()
        } else {
            self.rows_before.iter().map(String::as_str).collect()
        }
    }
}

impl Session {
    /// Reads the turns of a recording.
    pub(super) fn new(recording: &Recording) -> Session {
        let has_screen = draws_on_screen(recording);
        let mut turns = if has_screen {
            super::screen_session::turns(recording)
        } else {
            walk::turns(recording)
        };
        leave_out_mistakes(&mut turns);
        leave_out_discarded(&mut turns);
        Session {
            role: recording.role.clone(),
            command: recording.command.clone(),
            term: recording.term.clone(),
            size: recording.size,
            has_screen,
            turns,
        }
    }
}

/// Reader of a session's chunks.
pub(super) trait ChunkReader {
    /// Takes in an event at its time. `later` are the chunks behind it.
    fn event(&mut self, at: Duration, event: &ChunkEvent, later: &[Chunk]);

    /// Takes in the end, at the time of the program's exit if that was recorded.
    fn end(&mut self, exit: Option<(Duration, i32)>);
}

/// Passes the chunks of a recording on, without those of pauses, to the end.
pub(super) fn read(recording: &Recording, reader: &mut impl ChunkReader) {
    let mut is_paused = false;
    let chunks = typed_ahead::in_order(&recording.chunks);
    for (index, Chunk { at, event }) in chunks.iter().enumerate() {
        match event {
            ChunkEvent::Marked(Mark::Paused) => is_paused = true,
            ChunkEvent::Marked(Mark::Resumed) => is_paused = false,
            ChunkEvent::Exited(code) => return reader.end(Some((*at, *code))),
            _ if is_paused => {}
            event => reader.event(*at, event, &chunks[index + 1..]),
        }
    }
    reader.end(None);
}

/// Applies [`Mark::Redo`]: the answer before the mark is replaced by the one after it.
fn leave_out_mistakes(turns: &mut Vec<RecordedTurn>) {
    let mut index = 0;
    while index < turns.len() {
        let redo = turns[index].marks.iter().position(|it| *it == Mark::Redo);
        match redo {
            Some(mark) if index > 0 => {
                turns[index].marks.remove(mark);
                let again = turns.remove(index);
                let turn = &mut turns[index - 1];
                turn.answer = again.answer;
                turn.at = again.at;
                turn.marks.extend(again.marks);
                index -= 1;
            }
            Some(mark) => {
                turns[index].marks.remove(mark);
            }
            None => index += 1,
        }
    }
}

/// Leaves out secrets that were typed before they were asked for, and again then: programs discard what
/// they have not read when they hide their input.
fn leave_out_discarded(turns: &mut Vec<RecordedTurn>) {
    let mut index = 0;
    while index + 1 < turns.len() {
        let is_masked = matches!(&turns[index].answer, Answer::Line(text) if text == MASK);
        let is_unasked = turns[index].heard.all().all(|line| line.trim().is_empty());
        let is_asked_next = matches!(
            turns[index + 1].answer,
            Answer::Secret {
                is_shown: false,
                ..
            }
        );
        if is_masked && is_unasked && is_asked_next {
            let marks = turns.remove(index).marks;
            turns[index].marks.splice(0..0, marks);
        } else {
            index += 1;
        }
    }
}

/// Returns whether a program uses the alternate screen, or places its cursor on the screen.
fn draws_on_screen(recording: &Recording) -> bool {
    super::screen_session::is_screen_program(recording)
}
