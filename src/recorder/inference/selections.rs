//! Selections: answers that are the key of a row of a menu or a listing.

use std::sync::LazyLock;

use regex::Regex;

use super::sessions::Heard;
use super::shapes;
use crate::dialogue::{Pattern, RowFormat, Which, choose, pick, pick_position};

/// Words of prompts that ask for a choice.
static ASKS_FOR_CHOICE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)select|choose|choice|option|menu|pick|position|number|auswahl|wähl|\d-\d")
        .unwrap_or_else(|error| unreachable!("a built-in expression: {error}"))
});

/// Rows that may stand between a menu and its prompt.
const MOST_LINES_BETWEEN: usize = 3;

/// Answer that selects a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Selection {
    /// The row with this label.
    Row { label: String, whole: String },
    /// The row of a listing that holds this text.
    Holding(String),
    /// The position, in a listing without keys, of the row that holds this text. Its rows match the
    /// expression.
    Position { text: String, count: String },
}

/// Returns the row that `answer` selects. `ids` are the texts that a row can be known by, the best
/// first.
pub(super) fn selection(heard: &Heard, answer: &str, ids: &[String]) -> Option<Selection> {
    let answer = answer.trim();
    let lines = heard.rows();
    if answer.is_empty() || lines.is_empty() {
        return None;
    }
    if let Some(label) = label(&lines, answer)
        && is_menu(heard, &lines, answer)
    {
        let known = ids.iter().find(|id| is_picked(&lines, id, answer));
        return Some(match known {
            Some(id) if label.contains(id.as_str()) => Selection::Holding(id.clone()),
            _ => Selection::Row {
                label: short_label(&lines, &label, answer),
                whole: label,
            },
        });
    }
    position(heard, answer, ids)
}

/// Returns the label of the last row with this key.
fn label(lines: &[&str], key: &str) -> Option<String> {
    for expression in [RowFormat::MARKED, RowFormat::NUMBERED] {
        let format = Pattern::regex(expression).ok()?;
        let rows = lines.iter().rev().filter_map(|line| {
            let found = format.find(line, 0..line.len())?;
            let values = format.captures(line, found.start, line.len());
            let value = |wanted: &str| {
                let mut values = values.iter();
                values
                    .find(|(name, _)| **name == *wanted)
                    .map(|(_, value)| value.trim())
            };
            (value("key")? == key).then(|| value("label").unwrap_or_default().to_owned())
        });
        let mut rows = rows.filter(|label| !label.is_empty());
        if let Some(label) = rows.next() {
            return Some(label);
        }
    }
    None
}

/// Returns whether the rows are near the prompt, or the prompt asks for a choice.
fn is_menu(heard: &Heard, lines: &[&str], key: &str) -> bool {
    if !heard.rows_before.is_empty() || ASKS_FOR_CHOICE.is_match(&heard.prompt) {
        return true;
    }
    let holds_row = |line: &&str| label(&[line], key).is_some();
    let from_end = lines.iter().rev().position(holds_row);
    let first_letter_key = key.chars().count() == 1 || key.bytes().all(|it| it.is_ascii_digit());
    let rows = lines.iter().filter(|line| is_row(line)).count();
    first_letter_key && rows > 1 && from_end.is_some_and(|at| at <= MOST_LINES_BETWEEN + rows)
}

/// Returns whether a line looks like a row of a menu.
pub(super) fn is_row(line: &str) -> bool {
    static MARKED: LazyLock<Pattern> = LazyLock::new(|| {
        Pattern::regex(RowFormat::MARKED)
            .unwrap_or_else(|error| unreachable!("a built-in expression: {error}"))
    });
    let short_key = |line: &str| {
        let key = line.trim_start_matches(|c: char| c.is_whitespace() || c == '[' || c == '(');
        let key: String = key.chars().take_while(|it| it.is_alphanumeric()).collect();
        key.chars().count() == 1 || key.bytes().all(|it| it.is_ascii_digit())
    };
    MARKED.find(line, 0..line.len()).is_some() && short_key(line)
}

/// Returns the shortest stable beginning of a label that selects the same row.
fn short_label(lines: &[&str], label: &str, key: &str) -> String {
    let format = RowFormat::default();
    let selects = |text: &str| choose(lines, &format, text).is_ok_and(|found| found == key);
    let stable = shapes::volatile_parts(label)
        .first()
        .map_or(label.len(), |part| part.start);
    let separators = ["  ", " – ", " - ", " — ", " | ", "\t", " ("];
    let mut ends: Vec<usize> = Vec::new();
    if stable < label.len() {
        ends.extend(separators.iter().filter_map(|it| label[..stable].find(it)));
        ends.push(stable);
        ends.sort_unstable();
    }
    ends.push(label.len());
    for end in ends {
        let text =
            label[..end].trim_end_matches(|c: char| c.is_whitespace() || "–-—|(:₹$€£".contains(c));
        if text.chars().any(char::is_alphabetic) && selects(text) {
            return text.to_owned();
        }
    }
    label.to_owned()
}

fn is_picked(lines: &[&str], id: &str, answer: &str) -> bool {
    let texts = [id.to_owned()];
    let picked = pick(
        lines,
        &RowFormat::default(),
        &texts,
        Which::Only,
        &mut |_| 0,
    );
    picked.is_ok_and(|found| found == answer)
}

/// Returns a selection by position.
fn position(heard: &Heard, answer: &str, ids: &[String]) -> Option<Selection> {
    if answer.parse::<usize>().is_err() || !ASKS_FOR_CHOICE.is_match(&heard.prompt) {
        return None;
    }
    let lines = heard.rows();
    for id in ids {
        for line in lines.iter().filter(|line| line.contains(id.as_str())) {
            let Some(first) = shapes::words(line)
                .next()
                .filter(|it| shapes::is_id(&line[it.clone()]))
            else {
                continue;
            };
            let (before, word) = (&line[..first.start], &line[first]);
            let prefix: String = word.chars().take_while(|it| !it.is_numeric()).collect();
            let prefix = if prefix.is_empty() {
                r"\d".to_owned()
            } else {
                shapes::escape(&prefix)
            };
            let count = format!("^{}{prefix}", shapes::escape(before));
            let pattern = Pattern::regex(&count).ok()?;
            let texts = [id.clone()];
            let found = pick_position(&lines, &pattern, &texts, Which::Only, &mut |_| 0);
            if found.is_ok_and(|found| found == answer) {
                return Some(Selection::Position {
                    text: id.clone(),
                    count,
                });
            }
        }
    }
    None
}
