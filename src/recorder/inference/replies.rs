//! Replies of a scenario, from the answers of a person, and the values in them.

mod typed_texts;

use std::collections::BTreeMap;

use super::captures::{self, Source};
use super::inferred::{InferOptions, Note, Question, SecretValue};
use super::names::{self, Names};
use super::phrases::{Known, escaped_template, whole_words};
use super::selections::{Selection, selection};
use super::sessions::{Answer, FieldText};
use super::shapes;
use super::work::{Place, Work, lines_with};
use crate::recorder::recording::Mark;
use crate::terminal::Key;

/// Least length of a text, in characters, that is taken for a known value wherever it stands.
const KNOWN_CHARS: usize = 4;

/// Reply of a turn, as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    Send(String),
    Secret(String),
    Choose(String),
    /// A template for the text in the row, and for listings without keys the pattern of their rows.
    Pick {
        row: String,
        count: Option<String>,
    },
    Press(Vec<Key>),
    /// Labels with their values. A value without a label is typed where the cursor is.
    Fill {
        fields: Vec<(String, String)>,
        keys: Vec<Key>,
    },
    /// The end of the session.
    Ended(Option<i32>),
}

/// Value of the scenario.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub name: String,
    /// Its text in the recording; empty for secrets, whose text is not known.
    pub recorded: String,
    pub kind: ValueKind,
}

#[derive(Debug, Clone)]
pub(super) enum ValueKind {
    /// Typed at this prompt.
    Variable {
        prompt: String,
    },
    /// Typed at this prompt, and taken from an environment variable.
    Secret {
        prompt: String,
    },
    Capture {
        source: Source,
        reason: String,
    },
}

/// All replies, and the values in them.
#[derive(Debug, Default)]
pub(super) struct Replies {
    pub values: Vec<Value>,
    pub replies: BTreeMap<Place, Reply>,
    /// The labels of the chosen rows, as shown.
    pub labels: BTreeMap<Place, String>,
    pub secrets: Vec<SecretValue>,
    pub notes: Vec<Note>,
    pub questions: Vec<Question>,
    names: Names,
}

/// Infers the replies of all turns.
pub(super) fn infer(work: &Work, options: &InferOptions) -> Replies {
    let mut replies = Replies::default();
    for &place in &work.order {
        replies.marked(work, place);
        let reply = replies.reply(work, place, options);
        replies.replies.insert(place, reply);
    }
    replies
}

impl Replies {
    /// Returns what is known at a place.
    pub(super) fn known(&self, work: &Work, place: Place) -> Known {
        self.known_of(work, place, |_| true)
    }

    /// Returns what is known before what was heard at a place.
    pub(super) fn known_before(&self, work: &Work, place: Place) -> Known {
        let is_here = |value: &&Value| matches!(&value.kind, ValueKind::Capture { source, .. } if source.place == place);
        self.known_of(work, place, |value| !is_here(&value))
    }

    fn known_of(&self, work: &Work, place: Place, of: impl Fn(&Value) -> bool) -> Known {
        let values = self.values.iter().filter(|value| match &value.kind {
            ValueKind::Capture { source, .. } => {
                work.is_by(source.place, place) && shapes::is_id(&value.recorded)
            }
            ValueKind::Variable { .. } => {
                shapes::is_id(&value.recorded)
                    || value.recorded.chars().count() > KNOWN_CHARS
                        && !shapes::is_amount(&value.recorded)
            }
            ValueKind::Secret { .. } => false,
        });
        let values = values.filter(|value| of(value));
        let values: Vec<(String, String)> = values
            .map(|it| (it.recorded.clone(), it.name.clone()))
            .collect();
        let mut differing = work.differing[place.session].clone();
        // A short text that was typed is not found by its form, and may be another next time.
        let typed = self
            .values
            .iter()
            .filter(|it| matches!(it.kind, ValueKind::Variable { .. }));
        for value in typed.filter(|it| !values.iter().any(|(text, _)| *text == it.recorded)) {
            let words = shapes::words(&value.recorded).map(|word| &value.recorded[word]);
            differing.extend(words.map(str::to_owned));
        }
        Known::new(values, differing)
    }

    /// Returns the captures of what was heard at a place.
    pub(super) fn captures_at(
        &self,
        place: Place,
    ) -> impl Iterator<Item = (&Value, &Source, &str)> {
        self.values
            .iter()
            .filter_map(move |value| match &value.kind {
                ValueKind::Capture { source, reason } if source.place == place => {
                    Some((value, source, reason.as_str()))
                }
                _ => None,
            })
    }

    fn reply(&mut self, work: &Work, place: Place, options: &InferOptions) -> Reply {
        let turn = work.turn(place);
        match &turn.answer {
            Answer::Line(text) => self.line(work, place, text, options),
            Answer::Secret { number, is_shown } => {
                let name = self.secret(work, place, *number);
                match is_shown {
                    true => Reply::Send(format!("${{{name}}}")),
                    false => Reply::Secret(name),
                }
            }
            Answer::Keys(keys) => Reply::Press(keys.clone()),
            Answer::LitRow(label) => {
                self.labels.insert(place, label.clone());
                Reply::Choose(escaped_template(label))
            }
            Answer::Fields { fields, keys } => {
                let asked = self.question_on_screen(work, place);
                let fields = fields.iter().map(|(label, text)| match text {
                    FieldText::Plain(text) => {
                        let prompt = if label.is_empty() { &asked } else { label };
                        (
                            escaped_template(label),
                            self.typed(work, place, prompt, text, options),
                        )
                    }
                    FieldText::Hidden => {
                        let prompt = if label.is_empty() { &asked } else { label };
                        let name = self.secret_at(work, place, prompt, None);
                        (String::new(), format!("${{{name}}}"))
                    }
                });
                Reply::Fill {
                    fields: fields.collect(),
                    keys: keys.clone(),
                }
            }
            Answer::Ended(code) => Reply::Ended(*code),
        }
    }

    fn line(&mut self, work: &Work, place: Place, text: &str, options: &InferOptions) -> Reply {
        let heard = work.heard(place);
        if text.contains(shapes::MASK) {
            self.notes.push(Note {
                role: work.sessions[place.session].role.clone(),
                text:
                    "an answer holds a secret, which is not in the recording: write its variable \
                       in place of `***`"
                        .to_owned(),
            });
        }
        let ids = self.row_ids(work, place);
        match selection(heard, text, &ids) {
            Some(Selection::Row { label, whole }) => {
                self.labels.insert(place, whole);
                Reply::Choose(escaped_template(&label))
            }
            Some(Selection::Holding(id)) => {
                let row = self.template_of(work, place, &id, "it selects a row of a listing");
                Reply::Pick { row, count: None }
            }
            Some(Selection::Position { text, count }) => {
                let row = self.template_of(work, place, &text, "it selects a row of a listing");
                let count = Some(format!("/{count}/"));
                Reply::Pick { row, count }
            }
            None => {
                let prompt = self.question(work, place);
                Reply::Send(self.typed(work, place, &prompt, text, options))
            }
        }
    }

    /// Returns the line that asks for the answer.
    fn question(&self, work: &Work, place: Place) -> String {
        let heard = work.heard(place);
        let mut lines = heard.all().rev().filter(|line| !line.trim().is_empty());
        lines.next().unwrap_or_default().trim().to_owned()
    }

    /// Returns the text on a screen that asks for an answer.
    fn question_on_screen(&self, work: &Work, place: Place) -> String {
        let heard = work.heard(place);
        if !heard.asked.is_empty() {
            return heard.asked.clone();
        }
        let asks = |text: &&String| text.ends_with([':', '?']);
        let texts = || heard.lines.iter().chain(&heard.shown);
        texts()
            .rfind(asks)
            .or(texts().next())
            .cloned()
            .unwrap_or_default()
    }

    /// Returns the ids by which a row can be known: those that were typed in this session, the latest
    /// first, then those that were printed before, then those that the person brought.
    fn row_ids(&self, work: &Work, place: Place) -> Vec<String> {
        let heard = work.heard(place);
        let rows = heard.rows();
        let is_in_rows = |text: &str| {
            rows.iter()
                .any(|row| whole_words(row, text).next().is_some())
        };
        let captures = self
            .values
            .iter()
            .filter(|it| matches!(it.kind, ValueKind::Capture { .. }));
        let captured: Vec<&str> = captures.map(|it| it.recorded.as_str()).collect();
        let mut ids: Vec<String> = Vec::new();
        for turn in work.sessions[place.session].turns[..place.turn]
            .iter()
            .rev()
        {
            if let Answer::Line(text) = &turn.answer
                && captured.contains(&text.as_str())
                && is_in_rows(text)
            {
                ids.push(text.clone());
            }
        }
        let words = rows
            .iter()
            .flat_map(|row| shapes::words(row).map(|word| &row[word]));
        let words = words.filter(|word| shapes::is_id(word));
        let is_variable = |word: &str| {
            let mut values = self.values.iter();
            values.any(|it| it.recorded == word && matches!(it.kind, ValueKind::Variable { .. }))
        };
        let (brought, printed): (Vec<&str>, Vec<&str>) = words.partition(|word| is_variable(word));
        let was_printed = |word: &&str| {
            let mut before = work.until(place).filter(|it| *it != place);
            captured.contains(word)
                || before.any(|it| {
                    work.heard(it)
                        .all()
                        .any(|line| whole_words(line, word).next().is_some())
                })
        };
        let printed: Vec<&str> = printed.into_iter().filter(was_printed).collect();
        ids.extend(printed.into_iter().chain(brought).map(str::to_owned));
        ids
    }

    /// Returns a template for a text that is a value, or the text.
    fn template_of(&mut self, work: &Work, place: Place, text: &str, reason: &str) -> String {
        match self.value(work, place, text, reason) {
            Some(name) => format!("${{{name}}}"),
            None => escaped_template(text),
        }
    }

    /// Returns the name of a value that is known, or that was printed before.
    fn value(&mut self, work: &Work, place: Place, text: &str, reason: &str) -> Option<String> {
        if text.chars().count() >= KNOWN_CHARS
            && let Some(value) = self.values.iter().find(|it| it.recorded == text)
        {
            return Some(value.name.clone());
        }
        let source = captures::source(work, &self.labels, text, place)?;
        let heard = work.heard(source.place);
        let line = source.line.text(heard);
        let base = captures::name(line, &source.range);
        let base = base.or_else(|| names::of_prompt(&self.question(work, place)));
        let base = base.unwrap_or_else(|| "value".to_owned());
        let known = self.known_before(work, source.place);
        let pattern = captures::pattern(heard, source.line, &source.range, &base, &known)?;
        if pattern.also_in.is_some() && source.place == place {
            // One of several on the screen: it was chosen.
            return None;
        }
        let name = self.names.unused(&base);
        if let Some(other) = pattern.also_in {
            self.notes.push(Note {
                role: work.sessions[source.place.session].role.clone(),
                text: format!(
                    "the pattern of `{name}` matches several lines; the first one is taken: {}, not {}",
                    line.trim(),
                    other.trim()
                ),
            });
        }
        let role = &work.sessions[place.session].role;
        let reason = match place.session == source.place.session {
            true => reason.to_owned(),
            false => format!("{reason} by {role}"),
        };
        self.values.push(Value {
            name: name.clone(),
            recorded: text.to_owned(),
            kind: ValueKind::Capture { source, reason },
        });
        Some(name)
    }

    /// Adds the captures that the person asked for.
    fn marked(&mut self, work: &Work, place: Place) {
        for mark in &work.turn(place).marks {
            let Mark::Capture { name, text } = mark else {
                continue;
            };
            let text = text.trim();
            if text.contains(shapes::MASK) {
                self.notes.push(Note {
                    role: work.sessions[place.session].role.clone(),
                    text: format!("`{name}` is not captured: it has a secret in it"),
                });
                continue;
            }
            let found = lines_with(work.heard(place), text).next();
            let base = names::slug(name).unwrap_or_else(|| "value".to_owned());
            match found {
                Some((line, range)) => {
                    let source = Source { place, line, range };
                    self.capture(text, &base, source, "marked while recording");
                }
                None => self.notes.push(Note {
                    role: work.sessions[place.session].role.clone(),
                    text: format!("`{base}` is not captured: its text is not in one line there"),
                }),
            }
        }
    }

    /// Adds a capture for another reason than its use, under a name like this one.
    pub(super) fn capture(
        &mut self,
        text: &str,
        base: &str,
        source: Source,
        reason: &str,
    ) -> String {
        let name = self.names.unused(base);
        self.values.push(Value {
            name: name.clone(),
            recorded: text.to_owned(),
            kind: ValueKind::Capture {
                source,
                reason: reason.to_owned(),
            },
        });
        name
    }
}
