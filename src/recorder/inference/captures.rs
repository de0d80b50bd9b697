//! Captures: the line from which a value can be read, and the pattern for it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::leaving;
use super::names;
use super::phrases::{Known, Phrase, WrittenPattern};
use super::sessions::Heard;
use super::shapes;
use super::work::{LineOf, Place, Work, lines_with};
use crate::dialogue::Pattern;

/// Longest text before a value that goes into its pattern as a whole, in characters.
const CONTEXT_CHARS: usize = 40;

/// A value in the output.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Source {
    pub place: Place,
    pub line: LineOf,
    pub range: Range<usize>,
}

/// Returns whether a text may be taken from the output for its form alone.
pub(super) fn has_form(text: &str) -> bool {
    let length = text.chars().count();
    (shapes::is_id(text) || shapes::is_amount(text)) && length < shapes::CAPTURE_CHARS.end
}

/// Returns the place from which a value that is typed at `at` was read: for ids, where they appear
/// first; for other values, where they appear last in the same session.
pub(super) fn source(
    work: &Work,
    labels: &BTreeMap<Place, String>,
    text: &str,
    at: Place,
) -> Option<Source> {
    let length = text.chars().count();
    if !shapes::CAPTURE_CHARS.contains(&length) && !shapes::is_id(text) {
        return None;
    }
    let of = |place: Place| {
        (!leaving::is_too_late(work, place, labels))
            .then(|| best_line(work.heard(place), text, place == at))?
            .map(|it| (place, it))
    };
    let source = |(place, (line, range))| Source { place, line, range };
    let first = || work.until(at).find_map(of).map(source);
    if shapes::is_id(text) {
        return first();
    }
    let in_session = work
        .until(at)
        .rev()
        .filter(|place| place.session == at.session);
    let latest = in_session.filter_map(of).map(source).next();
    latest.or_else(first).filter(|found| {
        let differing = &work.differing[found.place.session];
        // It was another one when the work was done again.
        let is_volatile = shapes::words(text).all(|word| differing.contains(&text[word]));
        has_form(text)
            || is_volatile
            || is_labelled(found.line.text(work.heard(found.place)), &found.range)
    })
}

/// Returns the line that says what the value is, otherwise the first that holds it.
fn best_line(heard: &Heard, text: &str, is_asking: bool) -> Option<(LineOf, Range<usize>)> {
    let all = || {
        lines_with(heard, text).filter(|(line, range)| {
            // A value in brackets behind a question is its default, not a token.
            !(is_asking && *line == LineOf::Prompt && is_default(line.text(heard), range))
        })
    };
    let labelled = all().find(|(line, range)| is_labelled(line.text(heard), range));
    labelled.or_else(|| all().next())
}

fn is_default(line: &str, range: &Range<usize>) -> bool {
    line[..range.start].ends_with(['[', '(']) && line[range.end..].starts_with([']', ')'])
}

/// Returns whether the text before a value says what it is, and the line ends behind it.
pub(super) fn is_labelled(line: &str, range: &Range<usize>) -> bool {
    let before = line[..range.start].trim_end_matches(['₹', '$', '€', '£', ' ', '#', '"', '\'']);
    let is_named =
        before.ends_with([':', '=']) || before.ends_with(" is") || before.ends_with(" no.");
    let after = line[range.end..].trim();
    let ends = after.chars().all(|it| !it.is_alphanumeric());
    is_named && ends && before.chars().any(char::is_alphabetic)
}

/// Returns the name that the program gives to a value.
pub(super) fn name(line: &str, range: &Range<usize>) -> Option<String> {
    if is_labelled(line, range) {
        return names::of_label(&line[..range.start]);
    }
    let prefix: String = line[range.clone()]
        .chars()
        .take_while(|it| it.is_alphabetic())
        .collect();
    let before = names::of_label(line[..range.start].rsplit(['|', '\t']).next().unwrap_or(""));
    match before {
        Some(before) if shapes::is_id(&line[range.clone()]) => {
            let noun = before.rsplit('_').next().unwrap_or(&before).to_owned();
            Some(if noun.ends_with("id") {
                noun
            } else {
                format!("{noun}_id")
            })
        }
        Some(before) => Some(before),
        None if prefix.is_empty() => None,
        None => names::slug(&prefix).map(|prefix| format!("{prefix}_id")),
    }
}

/// Pattern of a capture, and the number of other lines that it matches, too.
#[derive(Debug, Clone)]
pub(super) struct CapturePattern {
    pub written: WrittenPattern,
    /// A line that the pattern matches with another value.
    pub also_in: Option<String>,
}

/// Returns the pattern that reads a value. It is tried on everything that was heard there.
pub(super) fn pattern(
    heard: &Heard,
    line: LineOf,
    range: &Range<usize>,
    name: &str,
    known: &Known,
) -> Option<CapturePattern> {
    let text = line.text(heard);
    let value = &text[range.clone()];
    let mut ambiguous = None;
    for (from, to) in contexts(text, range) {
        let before = Phrase::new(&text[from..range.start], known);
        let after = Phrase::new(&text[range.end..to], known);
        let start = if from == 0 && before.expression().trim().is_empty() {
            "^"
        } else {
            ""
        };
        for shape in [shapes::generalized(value), tight(value)] {
            let group = format!("(?<{name}>{shape})");
            let expression = format!(
                "{start}{}{group}{}",
                before.expression(),
                after.expression()
            );
            let recorded = format!(
                "{start}{}{group}{}",
                shapes::escape(&text[from..range.start]),
                shapes::escape(&text[range.end..to])
            );
            // Volatile context has to match in its general form, too.
            let general = [&before, &after].iter().any(|it| it.has_volatile());
            let tried = if general && !before.has_value() && !after.has_value() {
                &expression
            } else {
                &recorded
            };
            let Ok(recorded) = Pattern::regex(tried) else {
                continue;
            };
            let written = WrittenPattern {
                text: format!("/{expression}/"),
                recorded,
            };
            match also_in(&written, heard, line, value) {
                Trial::Unique => {
                    return Some(CapturePattern {
                        written,
                        also_in: None,
                    });
                }
                Trial::Later(other) => {
                    ambiguous.get_or_insert(CapturePattern {
                        written,
                        also_in: Some(other),
                    });
                }
                Trial::Wrong => {}
            }
        }
    }
    ambiguous
}

/// Returns a narrower expression for a value that punctuation follows.
fn tight(value: &str) -> String {
    if shapes::is_amount(value) {
        r"[\d.,]*\d".to_owned()
    } else if value.chars().any(char::is_whitespace) {
        r"\S.*\S".to_owned()
    } else {
        r"[\w-]+".to_owned()
    }
}

/// Returns the beginnings and ends of the context that goes into a pattern, the best first.
fn contexts(text: &str, range: &Range<usize>) -> Vec<(usize, usize)> {
    let before = text[..range.start].trim_start();
    let whole = text.len() - text.trim_start().len();
    let mut contexts = Vec::new();
    let from = if before.chars().count() <= CONTEXT_CHARS {
        whole
    } else {
        let words: Vec<usize> = before.match_indices(' ').map(|(at, _)| at + 1).collect();
        let last = words.len().checked_sub(3).map_or(0, |at| words[at]);
        whole + last
    };
    let after = &text[range.end..];
    let word_end = after
        .char_indices()
        .find(|(at, it)| *at > 0 && it.is_whitespace() && !after[..*at].trim().is_empty())
        .map_or(after.trim_end().len(), |(at, _)| at);
    if has_words(&text[from..range.start]) {
        contexts.push((from, range.end));
    }
    contexts.push((from, range.end + word_end));
    contexts.push((from, text.trim_end().len().max(range.end)));
    contexts.push((whole.min(range.start), text.trim_end().len().max(range.end)));
    contexts
}

fn has_words(text: &str) -> bool {
    text.chars().any(char::is_alphabetic)
}

enum Trial {
    Unique,
    /// A later line matches with another value.
    Later(String),
    /// An earlier line matches, or the value is another.
    Wrong,
}

fn also_in(written: &WrittenPattern, heard: &Heard, line: LineOf, value: &str) -> Trial {
    let mut has_found = false;
    let outputs = (0..heard.lines.len()).map(LineOf::Output);
    for other in outputs.chain([LineOf::Prompt]) {
        let text = other.text(heard);
        let Some(values) = written.recorded.search(text) else {
            continue;
        };
        let is_value = values.iter().any(|(_, found)| **found == *value);
        match (has_found, is_value) {
            (_, true) if other == line => has_found = true,
            (_, true) => has_found = has_found || line != LineOf::Prompt,
            (true, false) => return Trial::Later(text.to_owned()),
            (false, false) => return Trial::Wrong,
        }
    }
    if has_found {
        Trial::Unique
    } else {
        Trial::Wrong
    }
}
