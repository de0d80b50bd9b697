//! Phrases: pieces of the output with what is volatile and what is a known value in them.

use std::collections::BTreeSet;
use std::ops::Range;

use super::shapes;
use crate::dialogue::Pattern;

/// A text of the output, in pieces.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Phrase(Vec<Piece>);

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Text(String),
    Volatile(String),
    /// The value of a name, and its text in the recording.
    Value {
        name: String,
        recorded: String,
    },
}

/// Knowledge of what is volatile at a place of the recording.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// Texts with the names of their values, the longest first.
    values: Vec<(String, String)>,
    /// Words that another recording of the same work has differently.
    differing: BTreeSet<String>,
}

impl Known {
    pub(super) fn new(mut values: Vec<(String, String)>, differing: BTreeSet<String>) -> Known {
        values.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        Known { values, differing }
    }

    /// Returns the parts of a text that are known values, in their order.
    fn value_parts(&self, text: &str) -> Vec<(Range<usize>, &str)> {
        let mut parts: Vec<(Range<usize>, &str)> = Vec::new();
        for (value, name) in &self.values {
            for part in whole_words(text, value) {
                if parts
                    .iter()
                    .all(|(known, _)| part.end <= known.start || known.end <= part.start)
                {
                    parts.push((part, name));
                }
            }
        }
        parts.sort_by_key(|(part, _)| part.start);
        parts
    }
}

/// Returns the places of `value` in `text` where no letter or digit adjoins it.
pub(super) fn whole_words<'a>(
    text: &'a str,
    value: &'a str,
) -> impl Iterator<Item = Range<usize>> + 'a {
    let joins = |a: Option<char>, b: Option<char>| {
        a.is_some_and(char::is_alphanumeric) && b.is_some_and(char::is_alphanumeric)
    };
    text.match_indices(value)
        .map(|(at, found)| at..at + found.len())
        .filter(move |part| {
            let (before, after) = (&text[..part.start], &text[part.end..]);
            !part.is_empty()
                && !joins(before.chars().next_back(), value.chars().next())
                && !joins(value.chars().next_back(), after.chars().next())
        })
}

impl Phrase {
    /// Reads a text.
    pub(super) fn new(text: &str, known: &Known) -> Phrase {
        let mut parts: Vec<(Range<usize>, Option<&str>)> = known
            .value_parts(text)
            .into_iter()
            .map(|(part, name)| (part, Some(name)))
            .collect();
        let differing =
            shapes::words(text).filter(|word| known.differing.contains(&text[word.clone()]));
        for part in merged(
            differing
                .chain(shapes::volatile_parts(text))
                .chain(masks(text))
                .collect(),
            text,
        ) {
            let adjoins = |it: &Range<usize>| it.start < part.end && part.start < it.end;
            if !parts.iter().any(|(it, _)| adjoins(it)) {
                parts.push((part, None));
            }
        }
        parts.sort_by_key(|(part, _)| part.start);
        let mut pieces = Vec::new();
        let mut at = 0;
        for (part, name) in parts {
            if at < part.start {
                pieces.push(Piece::Text(text[at..part.start].to_owned()));
            }
            let recorded = text[part.clone()].to_owned();
            pieces.push(match name {
                Some(name) => Piece::Value {
                    name: name.to_owned(),
                    recorded,
                },
                None => Piece::Volatile(recorded),
            });
            at = part.end;
        }
        if at < text.len() {
            pieces.push(Piece::Text(text[at..].to_owned()));
        }
        Phrase(pieces)
    }

    /// Takes a text as it is.
    pub(super) fn literal(text: &str) -> Phrase {
        Phrase(vec![Piece::Text(text.to_owned())])
    }

    pub(super) fn has_volatile(&self) -> bool {
        self.0
            .iter()
            .any(|piece| matches!(piece, Piece::Volatile(_)))
    }

    pub(super) fn has_value(&self) -> bool {
        self.0
            .iter()
            .any(|piece| matches!(piece, Piece::Value { .. }))
    }

    /// Returns the phrase with all that is volatile replaced by a mark: equal for texts that differ
    /// in it only.
    pub(super) fn skeleton(&self) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Volatile(_) | Piece::Value { .. } => "\u{1}",
        });
        pieces.collect::<String>().trim().to_owned()
    }

    /// Returns the phrase as a template, if nothing in it is volatile.
    pub(super) fn template(&self) -> Option<String> {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => Some(escaped_template(text)),
                Piece::Value { name, .. } => Some(format!("${{{name}}}")),
                Piece::Volatile(_) => None,
            })
            .collect()
    }

    /// Returns the phrase as a regular expression of the scenario.
    pub(super) fn expression(&self) -> String {
        self.render(|name, _| format!("${{{name}}}"))
    }

    fn render(&self, value: impl Fn(&str, &str) -> String) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => shapes::escape(text),
                Piece::Volatile(text) => shapes::generalized(text),
                Piece::Value { name, recorded } => value(name, recorded),
            })
            .collect()
    }

    /// Returns the pattern as it is written in a scenario.
    pub(super) fn pattern(&self) -> WrittenPattern {
        let literal = self.template().filter(|text| !is_between_slashes(text));
        let recorded = match &literal {
            Some(_) => Pattern::literal(&self.recorded()),
            None => {
                let expression = self.render(|_, recorded| shapes::escape(recorded));
                Pattern::regex(&expression).unwrap_or_else(|_| Pattern::literal(&self.recorded()))
            }
        };
        let text = literal.unwrap_or_else(|| format!("/{}/", self.expression()));
        WrittenPattern { text, recorded }
    }

    fn recorded(&self) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Text(text) | Piece::Volatile(text) => text.as_str(),
            Piece::Value { recorded, .. } => recorded.as_str(),
        });
        pieces.collect()
    }
}

/// A pattern, and the same with the values of the recording.
#[derive(Debug, Clone)]
pub(super) struct WrittenPattern {
    /// As it stands in the scenario.
    pub text: String,
    /// As it matches the recording.
    pub recorded: Pattern,
}

impl WrittenPattern {
    /// Returns whether the pattern is found in a line of the recording.
    pub(super) fn is_in(&self, line: &str) -> bool {
        self.recorded.find(line, 0..line.len()).is_some()
    }

    /// Returns whether it is found at the end of the line.
    pub(super) fn is_at_end(&self, line: &str) -> bool {
        let line = line.trim_end();
        let mut from = 0;
        while let Some(found) = self.recorded.find(line, from..line.len()) {
            if found.end == line.len() {
                return true;
            }
            from = found.end.max(found.start + 1);
            while !line.is_char_boundary(from) {
                from += 1;
            }
        }
        false
    }
}

/// Returns the places of the recorder's mask for a secret. More stars are an ornament.
fn masks(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let masks = text.match_indices(shapes::MASK);
    let masks = masks.map(|(at, mask)| at..at + mask.len());
    masks.filter(|it| !text[..it.start].ends_with('*') && !text[it.end..].starts_with('*'))
}

fn is_between_slashes(text: &str) -> bool {
    text.len() > 1 && text.starts_with('/') && text.ends_with('/')
}

/// Returns a text as a template without placeholders.
pub(super) fn escaped_template(text: &str) -> String {
    text.replace("${", "$${")
}

/// Joins parts that overlap, or that only blanks separate.
fn merged(mut parts: Vec<Range<usize>>, text: &str) -> Vec<Range<usize>> {
    parts.sort_by_key(|part| (part.start, part.end));
    let mut joined: Vec<Range<usize>> = Vec::new();
    for part in parts {
        match joined.last_mut() {
            Some(last) if part.start < last.end => last.end = last.end.max(part.end),
            Some(last)
                if is_word(&text[last.clone()])
                    && is_word(&text[part.clone()])
                    && text[last.end..part.start].trim().is_empty() =>
            {
                last.end = part.end;
            }
            _ => joined.push(part),
        }
    }
    joined
}

/// Returns whether a volatile part is a word such as a name, without any digits.
fn is_word(text: &str) -> bool {
    !text.chars().any(char::is_numeric)
}
