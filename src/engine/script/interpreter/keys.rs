//! Sequences of keys: replies that are typed key by key, each when the screen shows the effect of the
//! one before.

use std::borrow::Cow;

use crate::dialogue::{
    Dialogue, FieldValue, FormFiller, KeyPress, KeySequence, KeySequenceError,
    KeySequenceErrorKind, KeySequencePart, KeyStep, RowSelector,
};
use crate::engine::values::Snapshot;
use crate::model::FailureKind;
use crate::scenario::{KeyInput, Reply, Scope, TextInput};
use crate::terminal::{KeyModes, Typed, cell_text};

use super::replying::{AfterReply, KeyTyping};
use super::vocabulary::{ActionError, Answers, Effect, TypedReply};
use super::{ActionInterpreter, State};

impl ActionInterpreter {
    /// Returns the sequence of keys of a reply and the reply in words; `None` for a reply that is typed as a whole.
    pub(super) fn key_sequence(
        &self,
        reply: &Reply,
        values: &Scope,
        dialogue: &Dialogue,
    ) -> Result<Option<(KeySequence, String)>, ActionError> {
        let (parts, shown) = match reply {
            Reply::Select(labels) => {
                let labels = labels.iter().map(|label| label.render(values));
                let labels = labels.collect::<Result<Vec<_>, _>>()?;
                let shown = format!("choose: {}", labels.join(", "));
                let labels = labels.iter().map(|label| cell_text(label)).collect();
                let format = self.role().menu.row.clone();
                let selector = RowSelector::new(labels).with_format(format);
                (vec![KeySequencePart::Select(Box::new(selector))], shown)
            }
            Reply::Keys(input) if dialogue.screen().is_some() => {
                let shown = match input.fill.as_slice() {
                    [] => "press".to_owned(),
                    fields => {
                        let labels = fields.iter().map(|field| field.label.source());
                        format!("fill: {}", labels.collect::<Vec<_>>().join(", "))
                    }
                };
                (parts(input, values)?, shown)
            }
            Reply::Keys(_)
            | Reply::Send(_)
            | Reply::Secret(_)
            | Reply::Choose(_)
            | Reply::Pick(_)
            | Reply::Press(_) => return Ok(None),
        };
        let shown = values.mask(&shown).into_owned();
        Ok(Some((KeySequence::new(parts), shown)))
    }

    /// Begins to type a sequence of keys.
    pub(super) fn begin_keys(
        &mut self,
        (sequence, reply): (KeySequence, String),
        after: AfterReply,
        values: &mut Snapshot,
        dialogue: &mut Dialogue,
    ) -> Result<Effect, ActionError> {
        let typing = KeyTyping {
            sequence,
            reply,
            after,
            is_over: false,
            is_submitted: false,
        };
        self.next_key(typing, Answers::Wait, false, values, dialogue)
    }

    /// The last key was typed.
    pub(super) fn key_typed(
        &mut self,
        typing: KeyTyping,
        values: &mut Snapshot,
        dialogue: &mut Dialogue,
    ) -> Result<Effect, ActionError> {
        if typing.is_over {
            return self.replied(typing.after, values, dialogue);
        }
        self.state = State::TypingKeys(Box::new(typing));
        Ok(Effect::Settle)
    }

    /// The screen has settled after the last key.
    pub(super) fn settled(
        &mut self,
        typing: KeyTyping,
        is_overdue: bool,
        values: &mut Snapshot,
        dialogue: &mut Dialogue,
    ) -> Result<Effect, ActionError> {
        self.next_key(typing, Answers::Further, is_overdue, values, dialogue)
    }

    fn next_key(
        &mut self,
        mut typing: KeyTyping,
        answers: Answers,
        is_overdue: bool,
        values: &mut Snapshot,
        dialogue: &mut Dialogue,
    ) -> Result<Effect, ActionError> {
        let screen = dialogue
            .screen()
            .ok_or_else(|| ActionError::new(FailureKind::Internal, "the program has no screen"))?;
        let step = typing.sequence.next(screen, is_overdue);
        let press = match step.map_err(|error| sequence_error(error, values))? {
            KeyStep::Done => return self.replied(typing.after, values, dialogue),
            KeyStep::Wait => {
                self.state = State::TypingKeys(Box::new(typing));
                return Ok(Effect::SettleAgain);
            }
            KeyStep::Press(press) => {
                typing.is_submitted = false;
                press
            }
            KeyStep::Submit(press) => {
                typing.is_submitted = true;
                dialogue.keep_output();
                press
            }
            KeyStep::Last(press) => {
                typing.is_over = true;
                press
            }
        };
        let reply = self.key_reply(&press, answers, dialogue.key_modes(), values)?;
        self.state = State::TypingKeys(Box::new(typing));
        Ok(Effect::Say(reply))
    }

    fn key_reply(
        &self,
        press: &KeyPress,
        answers: Answers,
        modes: KeyModes,
        values: &Scope,
    ) -> Result<TypedReply, ActionError> {
        let typed = match press {
            KeyPress::Key(key) => Ok(Typed::key(*key, self.terminal, modes)),
            KeyPress::Text(text) => Typed::text(text),
            KeyPress::Paste(text) => Typed::paste(text, modes.bracketed_paste),
        };
        let typed = typed.map_err(|error| {
            let message = values.mask(&error.to_string()).into_owned();
            ActionError::new(FailureKind::NotSent, message)
        })?;
        let shown = match press {
            KeyPress::Key(key) => key.shown(),
            KeyPress::Text(text) | KeyPress::Paste(text) => {
                Cow::Owned(values.mask(text).replace('\n', "↵"))
            }
        };
        Ok(TypedReply {
            typed,
            shown,
            gates: None,
            remark: None,
            secret: false,
            closes_input: false,
            answers,
        })
    }

    /// Returns the keys of a reply as one piece of input, for a program without a screen.
    pub(super) fn keys_at_once(
        &self,
        input: &KeyInput,
        values: &Scope,
    ) -> Result<(Typed, Cow<'static, str>), ActionError> {
        let mut all: Option<(Typed, String)> = None;
        for part in parts(input, values)? {
            let KeySequencePart::Press(press) = part else {
                return Err(ActionError::new(
                    FailureKind::Internal,
                    "a program without a screen has no fields",
                ));
            };
            let reply = self.key_reply(&press, Answers::Wait, KeyModes::default(), values)?;
            all = Some(match all {
                None => (reply.typed, reply.shown.into_owned()),
                Some((typed, shown)) => (typed.then(reply.typed), shown + &reply.shown),
            });
        }
        let (typed, shown) =
            all.ok_or_else(|| ActionError::new(FailureKind::Internal, "a reply without any keys"))?;
        Ok((typed, Cow::Owned(shown)))
    }
}

fn parts(input: &KeyInput, values: &Scope) -> Result<Vec<KeySequencePart>, ActionError> {
    let mut parts = Vec::new();
    if !input.fill.is_empty() {
        let fields = input.fill.iter().map(|field| {
            Ok(FieldValue {
                label: cell_text(&field.label.render(values)?),
                value: field.value.render(values)?,
                shows: match &field.shows {
                    Some(shows) => Some(shows.render(values)?),
                    None => None,
                },
            })
        });
        let fields = fields.collect::<Result<Vec<_>, ActionError>>()?;
        parts.push(KeySequencePart::Fill(FormFiller::new(fields)));
    }
    let text = match &input.text {
        Some(TextInput::Typed(text)) => Some(KeyPress::Text(text.render(values)?)),
        Some(TextInput::Pasted(text)) => Some(KeyPress::Paste(text.render(values)?)),
        None => None,
    };
    let keys = input.press.iter().map(|key| KeyPress::Key(*key));
    parts.extend(text.into_iter().chain(keys).map(KeySequencePart::Press));
    Ok(parts)
}

fn sequence_error(error: KeySequenceError, values: &Scope) -> ActionError {
    let kind = match error.kind {
        KeySequenceErrorKind::NotFound => FailureKind::RowNotFound,
        KeySequenceErrorKind::Ambiguous => FailureKind::AmbiguousRow,
        KeySequenceErrorKind::NoEffect | KeySequenceErrorKind::NotTaken => FailureKind::NotTaken,
    };
    let message = values.mask(&error.message).into_owned();
    let error_hint = error.hint.map(|hint| values.mask(&hint).into_owned());
    let error = ActionError::new(kind, message);
    match error_hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}
