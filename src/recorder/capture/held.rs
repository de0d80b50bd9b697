//! Typed text whose nature is not known yet, and the evidence about it on the screen.

use std::time::Duration;

use crate::recorder::recording::{Chunk, TypedMode};
use crate::terminal::{CellStyle, Screen, ScreenCursor};

use super::edited_line::EditedLine;

/// Characters that stand for others in a field for passwords.
const MASKS: &str = "*•●∙·⬤■▪×#✱＊";

/// The amount of output that may wait for a decision.
pub(super) const MAX_WAITING: usize = 64 * 1024;

/// The nature of a typed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    Ordinary,
    /// It is a secret, for sure.
    Secret,
    /// It is treated as a secret, and the person is asked.
    Doubtful,
}

/// An entry that waits, in the order of time.
#[derive(Debug)]
pub(super) enum HeldEntry {
    Text {
        at: Duration,
        bytes: Vec<u8>,
        text: EditedLine,
    },
    /// Keys that are no text.
    Control {
        at: Duration,
        bytes: Vec<u8>,
    },
    Other(Chunk),
}

/// Returns the entries with each Enter that ends a text taken into it.
pub(super) fn with_their_enter(entries: Vec<HeldEntry>) -> Vec<HeldEntry> {
    let mut joined: Vec<HeldEntry> = Vec::with_capacity(entries.len());
    let mut open = None;
    for entry in entries {
        match &entry {
            HeldEntry::Text { text, .. } if !text.is_empty() => open = Some(joined.len()),
            HeldEntry::Control { bytes, .. } => {
                let text = open.take().and_then(|it: usize| joined.get_mut(it));
                if let (b"\r" | b"\n", Some(HeldEntry::Text { bytes: typed, .. })) =
                    (&bytes[..], text)
                {
                    typed.extend_from_slice(bytes);
                    continue;
                }
            }
            HeldEntry::Text { .. } | HeldEntry::Other(_) => {}
        }
        joined.push(entry);
    }
    joined
}

/// Typed text that waits for a decision, with all that came since.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) entries: Vec<HeldEntry>,
    pub(super) mode: TypedMode,
    pub(super) prompt: String,
    /// The prompt asks for a secret.
    pub(super) is_asked_for: bool,
    /// Something was typed while the terminal hid it.
    pub(super) is_hidden: bool,
    /// Masking characters were drawn in place of it.
    pub(super) is_masked: bool,
    /// It was drawn as it is.
    pub(super) is_drawn: bool,
    /// A key was typed that ends it.
    pub(super) is_closed: bool,
    /// Output came since it was closed.
    pub(super) was_answered: bool,
    /// Something was typed since the last output.
    pub(super) is_unjudged: bool,
    /// The place of the first character.
    place: Option<ScreenCursor>,
    /// The screen before the last keys.
    before: Shown,
    /// The bytes of output that wait.
    pub(super) waiting: usize,
}

/// Characters and styles of a screen.
#[derive(Debug, Default)]
struct Shown(Vec<Vec<(char, CellStyle)>>);

impl Shown {
    fn of(screen: &Screen) -> Shown {
        let size = screen.size();
        let cell = |row, column| (screen.char_at(row, column), screen.style(row, column));
        let row = |row| (0..size.columns).map(|column| cell(row, column)).collect();
        Shown((0..size.rows).map(row).collect())
    }
}

/// The reaction of a program to the last keys, as drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reaction {
    Nothing,
    Masked,
    /// The screen shows something else than before.
    Changed,
}

impl Held {
    pub(super) fn new(
        mode: TypedMode,
        prompt: String,
        is_asked_for: bool,
        screen: &Screen,
    ) -> Held {
        Held {
            entries: Vec::new(),
            mode,
            prompt,
            is_asked_for,
            is_hidden: false,
            is_masked: false,
            is_drawn: false,
            is_closed: false,
            was_answered: false,
            is_unjudged: false,
            place: Some(screen.cursor()),
            before: match mode.lines {
                true => Shown::default(),
                false => Shown::of(screen),
            },
            waiting: 0,
        }
    }

    /// Returns the text that is being typed, beginning it if there is none.
    fn open_text(&mut self, at: Duration) -> (&mut Vec<u8>, &mut EditedLine) {
        let is_text = |entry: &HeldEntry| matches!(entry, HeldEntry::Text { .. });
        let is_control = |entry: &HeldEntry| matches!(entry, HeldEntry::Control { .. });
        let last_control = self.entries.iter().rposition(is_control);
        let from = last_control.map_or(0, |it| it + 1);
        let found = self.entries[from..].iter().position(is_text);
        let index = found.map_or(self.entries.len(), |it| from + it);
        if found.is_none() {
            self.entries.push(HeldEntry::Text {
                at,
                bytes: Vec::new(),
                text: EditedLine::default(),
            });
        }
        match &mut self.entries[index] {
            HeldEntry::Text { bytes, text, .. } => (bytes, text),
            HeldEntry::Control { .. } | HeldEntry::Other(_) => {
                unreachable!("the entry is a text")
            }
        }
    }

    /// Adds typed bytes to the text.
    pub(super) fn push_text(&mut self, at: Duration, typed: &[u8], shown: &[u8]) {
        let (bytes, text) = self.open_text(at);
        bytes.extend_from_slice(typed);
        shown.iter().for_each(|byte| text.push(*byte));
        self.is_unjudged = true;
    }

    pub(super) fn push_control(&mut self, at: Duration, bytes: &[u8]) {
        let bytes = bytes.to_vec();
        self.entries.push(HeldEntry::Control { at, bytes });
    }

    pub(super) fn push_other(&mut self, chunk: Chunk, length: usize) {
        self.waiting += length;
        self.entries.push(HeldEntry::Other(chunk));
    }

    /// Notes that the place of the text is no longer known.
    pub(super) fn lose_place(&mut self) {
        self.place = None;
    }

    fn texts(&self) -> impl Iterator<Item = &EditedLine> {
        self.entries.iter().filter_map(|entry| match entry {
            HeldEntry::Text { text, .. } => Some(text),
            HeldEntry::Control { .. } | HeldEntry::Other(_) => None,
        })
    }

    /// Returns the first text.
    pub(super) fn text(&self) -> &str {
        self.texts().next().map_or("", EditedLine::text)
    }

    /// Returns the length of the longest text.
    pub(super) fn length(&self) -> usize {
        self.texts().map(EditedLine::length).max().unwrap_or(0)
    }

    /// Returns what is looked for on the screen.
    pub(super) fn awaited(&self) -> Option<Awaited> {
        let place = self.place.filter(|_| !self.mode.lines)?;
        let text = self.text().to_owned();
        (!text.is_empty()).then_some(Awaited { place, text })
    }

    /// Returns the reaction since the last keys, and takes the screen as seen.
    pub(super) fn reaction(&mut self, screen: &Screen) -> Reaction {
        let shown = Shown::of(screen);
        let (mut is_masked, mut is_changed) = (false, false);
        let place = self
            .place
            .map(|it| (usize::from(it.row), usize::from(it.column)));
        for (row, cells) in shown.0.iter().enumerate() {
            let before = self.before.0.get(row);
            for (column, cell) in cells.iter().enumerate() {
                if before.and_then(|it| it.get(column)) == Some(cell) {
                    continue;
                }
                let is_behind = place.is_some_and(|(at_row, at)| row == at_row && column >= at);
                is_masked |= is_behind && MASKS.contains(cell.0);
                // A clock goes on, whatever is typed.
                is_changed |= !(cell.0.is_ascii_digit() || cell.0 == ':');
            }
        }
        self.before = shown;
        match (is_masked, is_changed) {
            (true, _) => Reaction::Masked,
            (false, true) => Reaction::Changed,
            (false, false) => Reaction::Nothing,
        }
    }
}

/// A typed text and the place at which a program would draw it.
#[derive(Debug)]
pub(super) struct Awaited {
    place: ScreenCursor,
    text: String,
}

impl Awaited {
    /// Returns how many of the text's characters stand at its place.
    pub(super) fn drawn(&self, screen: &Screen) -> usize {
        let row = screen.row(self.place.row);
        let text = row.text();
        let behind = text.get(row.byte_of(self.place.column)..).unwrap_or("");
        let behind = behind.chars().chain(std::iter::repeat(' '));
        let same = self.text.chars().zip(behind).take_while(|(a, b)| a == b);
        let same = same.count();
        // A blank is there anyway, unless the cursor has passed it.
        let cursor = screen.cursor();
        let is_passed = cursor.row != self.place.row || cursor.column > self.place.column;
        let is_blank = self.text.chars().take(same).all(|it| it == ' ');
        if is_blank && !is_passed { 0 } else { same }
    }

    /// Returns whether so many characters are all that can be at the place.
    pub(super) fn is_whole(&self, drawn: usize, screen: &Screen) -> bool {
        let room = screen.size().columns.saturating_sub(self.place.column);
        drawn > 0 && drawn >= self.text.chars().count().min(room.into())
    }
}
