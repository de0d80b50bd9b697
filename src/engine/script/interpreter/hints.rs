//! Hints for a wait that has failed: the awaited text is there, but elsewhere or written otherwise.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::dialogue::{Dialogue, On, Pattern};

use super::ActionInterpreter;

/// The maximum length of a question that a hint shows.
const MAX_CHARS: usize = 80;

/// The number of last lines in which a text that looks the same is searched.
const MAX_LINES: usize = 200;

impl ActionInterpreter {
    /// Returns a hint if the awaited text is there, but not where it was looked for, or not in the
    /// same characters.
    pub(in crate::engine::script) fn misplaced(&self, dialogue: &Dialogue) -> Option<String> {
        let waits = &self.wait.as_ref()?.set;
        let question = dialogue.unfinished_line();
        let mut patterns_on = waits.patterns();
        let elsewhere =
            patterns_on.find_map(|(on, pattern)| elsewhere(on, pattern, question, dialogue));
        elsewhere.or_else(|| {
            let lines = dialogue.lines();
            let lines = &lines[lines.len().saturating_sub(MAX_LINES)..];
            let mut literals = waits.patterns().filter(|(_, pattern)| pattern.is_literal());
            literals.find_map(|(_, pattern)| lines.iter().find_map(|line| lookalike(pattern, line)))
        })
    }
}

fn elsewhere(
    on: On,
    pattern: &Pattern,
    question: Option<&str>,
    dialogue: &Dialogue,
) -> Option<String> {
    let is_in = |line: &str| pattern.find(line, 0..line.len()).is_some();
    match (on, question) {
        (On::Line, Some(question)) if is_in(question) => Some(format!(
            "{pattern} is there in the unfinished line: await it with `prompt` instead of `see`"
        )),
        (On::Prompt, _) if dialogue.lines().into_iter().any(is_in) => Some(match question {
            Some(question) => {
                let question: String = question.trim().chars().take(MAX_CHARS).collect();
                format!(
                    "the question there is `{question}`: await and answer it first; {pattern} is \
                     only in complete lines"
                )
            }
            None => format!(
                "{pattern} is there as a complete line: await it with `see` instead of `prompt`"
            ),
        }),
        _ => None,
    }
}

/// Returns a hint if a text is in a line but for the composition of its characters (NFC or NFD) and
/// for the kinds and numbers of its blanks. Such texts look the same.
fn lookalike(pattern: &Pattern, line: &str) -> Option<String> {
    let wanted = looks(pattern.source());
    let there = looks(line);
    let same = |window: &[Look]| {
        window
            .iter()
            .zip(&wanted)
            .all(|(it, other)| it.shown == other.shown)
    };
    if wanted.is_empty() {
        return None;
    }
    let found = there.windows(wanted.len()).find(|window| same(window))?;
    let texts = found.iter().zip(&wanted);
    let mut texts = texts.map(|(it, other)| {
        (
            &line[it.range.clone()],
            &pattern.source()[other.range.clone()],
        )
    });
    let (printed, awaited) = texts.find(|(printed, awaited)| printed != awaited)?;
    Some(format!(
        "{pattern} is there, written in other characters: {} in the output, {} in the scenario; \
         copy it from the output",
        code_points(printed),
        code_points(awaited)
    ))
}

/// A character as it is seen.
struct Look {
    /// Composed; a blank for any number of any blanks.
    shown: String,
    /// Its bytes in the text.
    range: Range<usize>,
}

fn looks(text: &str) -> Vec<Look> {
    let mut looks: Vec<Look> = Vec::new();
    for (start, c) in text.char_indices() {
        let end = start + c.len_utf8();
        match looks.last_mut() {
            Some(last) if c.is_whitespace() && last.shown == " " => last.range.end = end,
            Some(last) if is_invisible(c) => last.range.end = end,
            Some(last) if extends(c) && last.shown != " " => {
                last.shown.push(c);
                last.range.end = end;
            }
            _ if is_invisible(c) => {}
            _ => looks.push(Look {
                shown: if c.is_whitespace() {
                    " ".to_owned()
                } else {
                    c.to_string()
                },
                range: start..end,
            }),
        }
    }
    for look in &mut looks {
        look.shown = look.shown.nfc().collect();
    }
    looks
}

/// Returns `true` for a combining mark, and for a vowel or a final consonant of a Hangul syllable.
fn extends(c: char) -> bool {
    is_combining_mark(c) || matches!(c, '\u{1160}'..='\u{11ff}')
}

/// Returns `true` for characters without a width of their own: soft hyphen, zero-width blanks and
/// joiners, byte order mark.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}'
    )
}

fn code_points(text: &str) -> String {
    let points = text.chars().map(|c| format!("U+{:04X}", u32::from(c)));
    points.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(pattern: &str, line: &str) -> Option<String> {
        lookalike(&Pattern::literal(pattern), line)
    }

    #[test]
    fn texts_that_look_the_same_are_shown_with_their_code_points() {
        for (awaited, printed, points) in [
            (
                "Caf\u{e9}:",
                "> Cafe\u{301}: ",
                "U+0065 U+0301 in the output, U+00E9 in",
            ),
            (
                "Cafe\u{301}",
                "Caf\u{e9}",
                "U+00E9 in the output, U+0065 U+0301 in",
            ),
            (
                "Total due",
                "Total\u{a0}due",
                "U+00A0 in the output, U+0020 in",
            ),
            (
                "Total due",
                "Total \t due",
                "U+0020 U+0009 U+0020 in the output, U+0020 in",
            ),
            ("10\u{202f}EUR", "10 EUR", "U+0020 in the output, U+202F in"),
            (
                "password",
                "pass\u{ad}word",
                "U+0073 U+00AD in the output, U+0073 in",
            ),
            (
                "\u{d55c}",
                "\u{1112}\u{1161}\u{11ab}",
                "U+1112 U+1161 U+11AB in the output, U+D55C in",
            ),
        ] {
            let hint = hint(awaited, printed).unwrap_or_else(|| panic!("{awaited} {printed}"));
            assert!(hint.contains(points), "{hint}");
        }
    }

    #[test]
    fn other_texts_get_no_hint() {
        for (awaited, printed) in [
            ("Cafe", "Caf\u{e9}"),
            ("Totaldue", "Total due"),
            ("Total due", "Total due"),
            ("", "anything"),
            ("longer than it", "long"),
        ] {
            assert_eq!(hint(awaited, printed), None, "{awaited}");
        }
    }
}
