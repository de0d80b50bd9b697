//! Input line of a program that reads single keys: the text on the screen behind the prompt.

use crate::terminal::Screen;

/// Characters that stand for hidden ones.
const MASKS: [char; 5] = ['*', '•', '●', '·', '×'];

/// Text of an input line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InputRow {
    Shown(String),
    /// Something was typed, and is not shown.
    Hidden,
}

/// Reads the line behind `prompt` when Enter is pressed. `typed` has the printable characters that
/// were typed.
pub(super) fn read(screen: &Screen, prompt: &str, typed: &str) -> InputRow {
    let shown = behind(screen, prompt.trim_end()).map(|text| text.trim().to_owned());
    match shown {
        Some(shown) if shown.is_empty() && !typed.trim().is_empty() => InputRow::Hidden,
        Some(shown) if shown != typed && is_masked(&shown) => InputRow::Hidden,
        Some(shown) => InputRow::Shown(shown),
        None => InputRow::Shown(typed.to_owned()),
    }
}

fn is_masked(text: &str) -> bool {
    let mut characters = text.chars();
    let first = characters.next();
    first.is_some_and(|it| MASKS.contains(&it)) && characters.all(|it| Some(it) == first)
}

/// Returns the text behind the prompt, which may have been wrapped into further rows.
fn behind(screen: &Screen, prompt: &str) -> Option<String> {
    let bottom = screen.cursor().row;
    let columns = usize::from(screen.size().columns);
    let last_row = screen.row(bottom).text().trim_end().to_owned();
    if prompt.is_empty() {
        return Some(last_row);
    }
    let mut text = last_row;
    for row in (0..=bottom).rev() {
        if row < bottom {
            let above = screen.row(row);
            let mut above = above.text().trim_end().to_owned();
            // A row that does not reach the edge does not go on in the next one.
            if above.chars().count() + 1 < columns && !above.starts_with(prompt) {
                return None;
            }
            above.push_str(&text);
            text = above;
        }
        if let Some(at) = text.find(prompt) {
            return Some(text[at + prompt.len()..].to_owned());
        }
    }
    None
}
