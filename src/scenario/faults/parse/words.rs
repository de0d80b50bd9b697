//! Words of fault rules, and the values that they are.

use std::ops::Range;
use std::time::Duration;

use crate::scenario::names;
use crate::terminal::ScreenSize;

use super::super::rule::DurationRange;

/// The maximum duration; a longer one is taken for a mistake.
const MAX_DURATION: Duration = Duration::from_secs(24 * 60 * 60);

/// The error of an invalid fault rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FaultRuleError {
    /// The problem, in one sentence.
    pub message: String,
    /// The remedy.
    pub help: String,
    /// The invalid bytes of the text.
    pub at: Range<usize>,
    /// The error depends on the scenario's steps and roles, and not on the text alone.
    pub is_about_context: bool,
}

impl FaultRuleError {
    pub(super) fn about_context(self) -> Self {
        FaultRuleError {
            is_about_context: true,
            ..self
        }
    }
}

/// A word, without its quotes, and its location.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub text: String,
    pub at: Range<usize>,
    pub is_quoted: bool,
}

impl Word {
    pub fn error(&self, message: impl Into<String>, help: impl Into<String>) -> FaultRuleError {
        FaultRuleError {
            message: message.into(),
            help: help.into(),
            at: self.at.clone(),
            is_about_context: false,
        }
    }

    /// Normalizes a word of the language: `mid-turn` and `mid_turn` are the same.
    pub fn key(&self) -> String {
        self.text.replace('-', "_")
    }
}

/// The words of one rule, and its location.
pub(super) struct RuleText {
    pub words: Vec<Word>,
    pub at: Range<usize>,
}

/// Splits the text at its commas.
pub(super) fn split(text: &str) -> Result<Vec<RuleText>, FaultRuleError> {
    let mut parts = Vec::new();
    let mut words: Vec<Word> = Vec::new();
    let mut begin = 0;
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        match c {
            ',' => {
                parts.push(RuleText {
                    words: std::mem::take(&mut words),
                    at: begin..at,
                });
                begin = at + 1;
            }
            '\'' | '"' => {
                let Some(length) = text[at + 1..].find(c) else {
                    return Err(FaultRuleError {
                        message: "the quote is not closed".into(),
                        help: format!("write another {c} behind the name"),
                        at: at..text.len(),
                        is_about_context: false,
                    });
                };
                let end = at + 1 + length;
                while rest.next_if(|(at, _)| *at <= end).is_some() {}
                words.push(Word {
                    text: text[at + 1..end].to_owned(),
                    at: at..end + 1,
                    is_quoted: true,
                });
            }
            c if c.is_whitespace() => {}
            _ => {
                let ends = |c: char| c.is_whitespace() || c == ',';
                let end = text[at..]
                    .find(ends)
                    .map_or(text.len(), |length| at + length);
                while rest.next_if(|(at, _)| *at < end).is_some() {}
                words.push(Word {
                    text: text[at..end].to_owned(),
                    at: at..end,
                    is_quoted: false,
                });
            }
        }
    }
    let at = begin..text.len();
    parts.push(RuleText { words, at });
    Ok(parts)
}

pub(super) fn value<'w>(
    of: &Word,
    word: Option<&'w Word>,
    example: &str,
) -> Result<&'w Word, FaultRuleError> {
    let help = || format!("write `{example}`");
    word.ok_or_else(|| of.error(format!("`{}` needs a value", of.text), help()))
}

pub(super) fn number(
    of: &Word,
    word: Option<&Word>,
    example: &str,
    least: u64,
    most: u64,
) -> Result<u64, FaultRuleError> {
    let word = value(of, word, example)?;
    match word.text.parse::<u64>() {
        Ok(number) if number >= least && number <= most => Ok(number),
        Ok(number) if number < least => Err(word.error(
            format!("`{}` is too small", word.text),
            format!("write {least} or more"),
        )),
        Ok(_) => Err(word.error(
            format!("`{}` is too large", word.text),
            format!("write {most} or less"),
        )),
        Err(_) => Err(word.error(
            format!("`{}` is not a whole number", word.text),
            format!("write it as `{example}`"),
        )),
    }
}

/// Parses a duration or a range of durations.
pub(super) fn span(
    of: &Word,
    word: Option<&Word>,
    may_be_nothing: bool,
) -> Result<DurationRange, FaultRuleError> {
    let example = format!("{} 500ms", of.text);
    let word = value(of, word, &example)?;
    let one = |text: &str| {
        let help = || format!("write `{example}`, or `{} 100ms..1s`", of.text);
        let is_zero = text == "0";
        match humantime::parse_duration(text) {
            Ok(length) if length.is_zero() && !may_be_nothing => {
                Err(word.error("it takes no time", help()))
            }
            Ok(length) if length > MAX_DURATION => {
                Err(word.error(format!("`{text}` is longer than a day"), help()))
            }
            Ok(length) => Ok(length),
            Err(_) if is_zero && may_be_nothing => Ok(Duration::ZERO),
            Err(_) => Err(word.error(format!("`{text}` is not a duration"), help())),
        }
    };
    let (least, most) = word
        .text
        .split_once("..")
        .unwrap_or((&word.text, &word.text));
    let (least, most) = (one(least)?, one(most)?);
    if least > most {
        let help = "write the shorter one first";
        return Err(word.error("the range ends before it begins", help));
    }
    Ok(DurationRange { least, most })
}

/// Parses the size of a terminal.
pub(super) fn size(of: &Word, word: Option<&Word>) -> Result<ScreenSize, FaultRuleError> {
    let example = format!("{} 40x120", of.text);
    let word = value(of, word, &example)?;
    ScreenSize::parse(&word.text).ok_or_else(|| {
        let message = format!("`{}` is not a terminal's size", word.text);
        word.error(
            message,
            format!("write rows and columns, as `{example} 5%`"),
        )
    })
}

pub(super) fn unknown<'k>(
    word: &Word,
    what: &str,
    known: impl Iterator<Item = &'k str> + Clone,
) -> FaultRuleError {
    let help = match names::nearest(&word.text, known.clone()) {
        Some(near) => format!("is `{near}` meant?"),
        None => match names::list(known) {
            list if list.is_empty() => "there are none".to_owned(),
            list => format!("known are {list}"),
        },
    };
    word.error(format!("`{}` is {what}", word.text), help)
}
