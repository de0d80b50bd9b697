//! Turns of a session with a program that draws on the whole screen.

mod fields;
mod texts;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use regex::bytes::Regex;

use super::anchors::{Anchor, has_letters, stable_beginning};
use super::phrases::{Known, Phrase, WrittenPattern};
use super::proofs::says_success;
use super::sessions::{self, Answer, ChunkReader, FieldText, Heard, RecordedTurn};
use super::typed_keys::first_key;
use super::work::{Place, Work};
use crate::dialogue::lit_texts;
use crate::recorder::recording::{Chunk, ChunkEvent, Mark, Recording};
use crate::terminal::{Key, Screen};
use fields::Group;

/// The alternate screen; the cursor at a row and column that are not both the first.
static SCREEN_SEQUENCES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\x1b\[\?(?:1049|1047|47)h|\x1b\[(?:[2-9]|\d{2,});\d+[Hf]")
        .unwrap_or_else(|error| unreachable!("a built-in expression: {error}"))
});

/// A hidden cursor, as of menus that redraw their rows.
const HIDES_CURSOR: &[u8] = b"\x1b[?25l";

/// Labels of the button that only goes on.
const PLAIN_BUTTONS: [&str; 4] = ["ok", "continue", "close", "weiter"];

/// Returns whether the program uses the alternate screen, or places its cursor on the screen.
pub(super) fn is_screen_program(recording: &Recording) -> bool {
    let mut has_hidden_cursor = false;
    let mut has_arrows = false;
    for chunk in &recording.chunks {
        match &chunk.event {
            ChunkEvent::Output(bytes) if SCREEN_SEQUENCES.is_match(bytes) => return true,
            ChunkEvent::Output(bytes) => {
                has_hidden_cursor |= bytes
                    .windows(HIDES_CURSOR.len())
                    .any(|it| it == HIDES_CURSOR);
            }
            ChunkEvent::Typed { bytes, mode } if !mode.lines => {
                has_arrows |= super::typed_keys::keys(bytes).iter().any(is_motion);
            }
            _ => {}
        }
    }
    has_hidden_cursor && has_arrows
}

fn is_motion(key: &Key) -> bool {
    matches!(
        key,
        Key::Up
            | Key::Down
            | Key::Left
            | Key::Right
            | Key::Home
            | Key::End
            | Key::PageUp
            | Key::PageDown
    )
}

/// Returns the turns of a recording.
pub(super) fn turns(recording: &Recording) -> Vec<RecordedTurn> {
    let mut walk = Walk::new(recording);
    sessions::read(recording, &mut walk);
    walk.turns
}

struct Walk {
    started_at: f64,
    base: Instant,
    at: Duration,
    screen: Screen,
    turns: Vec<RecordedTurn>,
    marks: Vec<Mark>,
    last_output: Duration,
    /// Bytes of an incomplete key.
    bytes: Vec<u8>,
    /// Keys since the last answer.
    group: Option<Group>,
}

impl Walk {
    fn new(recording: &Recording) -> Walk {
        let base = Instant::now();
        Walk {
            started_at: recording.started_at as f64,
            base,
            at: Duration::ZERO,
            screen: Screen::new(recording.size, base),
            turns: Vec::new(),
            marks: Vec::new(),
            last_output: Duration::ZERO,
            bytes: Vec::new(),
            group: None,
        }
    }

    fn take_group(&mut self) -> Group {
        let thought = self.at.saturating_sub(self.last_output);
        self.group
            .take()
            .unwrap_or_else(|| Group::new(&self.screen, thought))
    }

    fn typed(&mut self, key: Key) {
        let mut group = self.take_group();
        group.keys.push(key);
        let ends = match key {
            Key::Enter | Key::Escape | Key::Function(_) | Key::Alt(_) => true,
            Key::Ctrl(character) => !matches!(character, 'h' | 'u' | 'w' | 'a' | 'e' | 'k'),
            Key::Tab | Key::BackTab | Key::Up | Key::Down => group.has_text(),
            _ => false,
        };
        self.group = Some(group);
        if ends {
            self.finish_group();
        }
    }

    /// Takes the keys so far for an answer.
    fn finish_group(&mut self) {
        let Some(mut group) = self.group.take() else {
            return;
        };
        let last = group.keys.last().copied();
        let answer = if group.has_text() {
            let end = match last {
                Some(Key::Char(_) | Key::Space | Key::Backspace) | None => None,
                Some(key) => {
                    group.keys.pop();
                    Some(key)
                }
            };
            group.field(&self.screen, end)
        } else if last == Some(Key::Enter) {
            self.chosen(&group)
        } else {
            Answer::Keys(group.keys.clone())
        };
        self.push(group.heard, group.thought, answer);
    }

    /// Returns the answer of arrow keys and Enter: what was lit.
    fn chosen(&self, group: &Group) -> Answer {
        let lit = lit_texts(&self.screen);
        let is_plain = |button: &String| PLAIN_BUTTONS.contains(&&*button.to_lowercase());
        let only_enter = group.keys.len() == 1;
        let has_marks = group.keys.contains(&Key::Space);
        match (lit.row, lit.button) {
            _ if has_marks => Answer::Keys(group.keys.clone()),
            (None, Some(button)) if only_enter && is_plain(&button) => {
                Answer::Keys(vec![Key::Enter])
            }
            (_, Some(button)) if !is_plain(&button) && !group.keys.iter().all(is_up_or_down) => {
                Answer::LitRow(button)
            }
            (Some(row), _) => Answer::LitRow(row),
            (None, Some(button)) => Answer::LitRow(button),
            (None, None) => Answer::Keys(group.keys.clone()),
        }
    }

    fn push(&mut self, heard: Heard, thought: Duration, answer: Answer) {
        let marks = std::mem::take(&mut self.marks);
        self.screen.answered(self.base + self.at);
        // Fields between which the program has drawn nothing new belong together.
        if let (Answer::Fields { fields, keys }, Some(last)) = (&answer, self.turns.last_mut())
            && let Answer::Fields {
                fields: known,
                keys: last_keys,
            } = &mut last.answer
            && matches!(last_keys.as_slice(), [Key::Tab | Key::Down])
            && fields
                .iter()
                .chain(known.iter())
                .all(|(label, text)| !label.is_empty() && *text != FieldText::Hidden)
        {
            known.extend(fields.iter().cloned());
            last_keys.clone_from(keys);
            last.marks.extend(marks);
            return;
        }
        self.turns.push(RecordedTurn {
            at: self.started_at + self.at.as_secs_f64(),
            thought,
            heard,
            answer,
            marks,
        });
    }
}

impl ChunkReader for Walk {
    fn event(&mut self, at: Duration, event: &ChunkEvent, _: &[Chunk]) {
        self.at = at;
        match event {
            ChunkEvent::Output(bytes) => {
                let now = self.base + self.at;
                self.screen.feed(bytes, now, &mut |_| false);
                self.last_output = self.at;
                if self
                    .group
                    .as_ref()
                    .is_some_and(|group| group.is_hot_key(&self.screen))
                {
                    self.finish_group();
                }
            }
            ChunkEvent::Typed { bytes, .. } => {
                self.bytes.extend_from_slice(bytes);
                while let Some((key, length)) = first_key(&self.bytes) {
                    self.bytes.drain(..length);
                    if let Some(key) = key {
                        self.typed(key);
                    }
                }
            }
            ChunkEvent::TypedSecret { number } => {
                let group = self.take_group();
                let answer = Answer::Secret {
                    number: Some(*number),
                    is_shown: false,
                };
                self.push(group.heard, group.thought, answer);
            }
            ChunkEvent::Resized(size) => self.screen.resize(*size),
            ChunkEvent::Marked(mark) => self.marks.push(mark.clone()),
            ChunkEvent::Exited(_) => {}
        }
    }

    fn end(&mut self, exit: Option<(Duration, i32)>) {
        self.at = exit.map_or(self.at, |(at, _)| at);
        self.finish_group();
        let heard = texts::heard(&self.screen);
        self.push(
            heard,
            Duration::ZERO,
            Answer::Ended(exit.map(|(_, code)| code)),
        );
    }
}

fn is_up_or_down(key: &Key) -> bool {
    matches!(key, Key::Up | Key::Down | Key::Enter)
}

/// Returns the wait for the screen of a turn: a text that only this screen has.
pub(super) fn anchor(work: &Work, place: Place, known: &Known) -> Anchor {
    let heard = work.heard(place);
    let distinct = |text: &&String| {
        work.sessions[place.session]
            .turns
            .iter()
            .enumerate()
            .all(|(turn, it)| {
                turn >= place.turn
                    || !it
                        .heard
                        .shown
                        .iter()
                        .any(|other| other.contains(text.as_str()))
            })
    };
    let of = |texts: &[String]| -> Option<WrittenPattern> {
        let good = || texts.iter().filter(|text| is_stable(text, known));
        let found = good().find(distinct).or_else(|| good().next());
        found.map(|text| Phrase::new(text, known).pattern())
    };
    // The text that says most, if there is one.
    let success = heard
        .lines
        .iter()
        .find(|text| says_success(text) && distinct(text));
    if let Some(pattern) = success.and_then(|text| stable_beginning(text, known)) {
        return Anchor::Screen(pattern);
    }
    if let Some(pattern) = of(&heard.lines) {
        return Anchor::Screen(pattern);
    }
    let volatile = heard.lines.iter().find(|text| has_letters(text, 4));
    if let Some(text) = volatile {
        return Anchor::Screen(Phrase::new(text, known).pattern());
    }
    of(&heard.shown).map_or(Anchor::Nothing, Anchor::StillOnScreen)
}

fn is_stable(text: &str, known: &Known) -> bool {
    has_letters(text, 4) && !Phrase::new(text, known).has_volatile()
}

/// Returns the text that proves the answer before.
pub(super) fn proof(work: &Work, place: Place, known: &Known) -> Option<WrittenPattern> {
    match anchor(work, place, known) {
        Anchor::Screen(pattern) => Some(pattern),
        _ => None,
    }
}
