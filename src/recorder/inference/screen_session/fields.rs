//! Texts typed on a screen: the field that holds them, and its label.

use std::time::Duration;

use super::texts;
use crate::recorder::inference::sessions::{Answer, FieldText, Heard};
use crate::recorder::inference::typed_keys::printable;
use crate::terminal::{Key, Screen, ScreenCursor};

/// Keys of one answer, and the screen when the first of them was pressed.
#[derive(Debug)]
pub(super) struct Group {
    pub keys: Vec<Key>,
    pub heard: Heard,
    pub thought: Duration,
    cursor: ScreenCursor,
}

impl Group {
    pub(super) fn new(screen: &Screen, thought: Duration) -> Group {
        Group {
            keys: Vec::new(),
            heard: texts::heard(screen),
            thought,
            cursor: screen.cursor(),
        }
    }

    /// Returns whether there are characters among the keys.
    pub(super) fn has_text(&self) -> bool {
        self.keys.iter().any(|key| matches!(key, Key::Char(_)))
    }

    /// Returns what the keys leave in a field.
    fn text(&self) -> String {
        printable(&self.keys)
    }

    /// Returns whether the screen went on without showing the key that was pressed.
    pub(super) fn is_hot_key(&self, screen: &Screen) -> bool {
        if !matches!(self.keys.last(), Some(Key::Char(_) | Key::Space)) {
            return false;
        }
        let now = texts::heard(screen).shown;
        let is_new = |text: &&String| !self.heard.shown.contains(text);
        let others = now.iter().filter(is_new).count();
        (others > 2 || others > 0 && others == now.len())
            && shown(screen, self.cursor, &self.text()).is_none()
    }

    /// Returns the answer of typed text, with the key that ended it.
    pub(super) fn field(&self, screen: &Screen, end: Option<Key>) -> Answer {
        let text = self.text();
        let keys: Vec<Key> = end.into_iter().collect();
        let Some(text) = shown(screen, self.cursor, &text) else {
            let all = self.keys.iter().copied().chain(keys);
            return Answer::Keys(all.collect());
        };
        Answer::Fields {
            fields: vec![(self.heard.asked.clone(), text)],
            keys,
        }
    }
}

/// Returns what a field that begins at the cursor shows of a text, if it shows anything of it.
fn shown(screen: &Screen, at: ScreenCursor, text: &str) -> Option<FieldText> {
    let now = screen.cursor();
    let row = screen.row(at.row);
    let from = row.byte_of(at.column);
    let rest = row.text().get(from..).unwrap_or_default();
    let is_masked = |it: &str| {
        let count = text.chars().count();
        let masks: Vec<char> = it.chars().take(count).collect();
        masks.len() == count && count > 0 && masks.iter().all(|it| "*•●".contains(*it))
    };
    if rest.starts_with(text.trim_end()) && !text.is_empty() {
        Some(FieldText::Plain(text.to_owned()))
    } else if row.text().contains(text.trim()) && text.chars().count() > 2 {
        // In a field that was scrolled or had a text before.
        Some(FieldText::Plain(text.to_owned()))
    } else if is_masked(rest) || now == at && text.chars().count() > 2 {
        Some(FieldText::Hidden)
    } else {
        None
    }
}
