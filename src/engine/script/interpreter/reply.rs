//! Rendering of a plan's replies into the bytes that are typed.

use std::borrow::Cow;

use crate::dialogue::{self, Dialogue};
use crate::engine::values::Snapshot;
use crate::model::FailureKind;
use crate::scenario::{Pick, Reply, Scope};
use crate::terminal::{Key, Typed};

use super::ActionInterpreter;
use super::vocabulary::{ActionError, Answers, TypedReply};

impl ActionInterpreter {
    /// Renders `reply`, given what the program showed since the last answer.
    pub(super) fn utter(
        &mut self,
        reply: &Reply,
        values: &mut Snapshot,
        dialogue: &Dialogue,
    ) -> Result<TypedReply, ActionError> {
        let (text, secret) = match reply {
            Reply::Press(key) => {
                return Ok(TypedReply {
                    typed: Typed::key(*key, self.terminal),
                    shown: key.shown(),
                    secret: false,
                    closes_input: !self.terminal && *key == Key::Ctrl('d'),
                    answers: Answers::Wait,
                });
            }
            Reply::Send(template) => (template.render(values)?, false),
            Reply::Secret(template) => {
                let text = template.render(values)?;
                values.add_secret(&text);
                (text, true)
            }
            Reply::Choose(label) => {
                let label = label.render(values)?;
                let key = dialogue::choose(&dialogue.lines(), &self.role().menu.row, &label)
                    .map_err(|error| row_fault(error, values))?;
                (key, false)
            }
            Reply::Pick(pick) => (self.pick(pick, values, dialogue)?, false),
        };
        let typed = Typed::line(&text, self.terminal).map_err(|error| {
            ActionError::new(
                FailureKind::NotSent,
                values.mask(&error.to_string()).into_owned(),
            )
        })?;
        let masked = match values.mask(&text) {
            _ if secret => Some(Cow::Borrowed("***")),
            Cow::Borrowed(_) => None,
            Cow::Owned(masked) => Some(Cow::Owned(masked)),
        };
        let shown = masked.unwrap_or(Cow::Owned(text));
        Ok(TypedReply {
            typed,
            shown,
            secret,
            closes_input: false,
            answers: Answers::Wait,
        })
    }

    fn pick(
        &mut self,
        pick: &Pick,
        values: &Scope,
        dialogue: &Dialogue,
    ) -> Result<String, ActionError> {
        let texts = pick
            .row
            .iter()
            .map(|text| text.render(values))
            .collect::<Result<Vec<_>, _>>()?;
        let count = pick
            .count
            .as_ref()
            .map(|spec| spec.resolve(values))
            .transpose()?;
        let lines = dialogue.lines();
        let rng = &mut self.rng;
        let mut draw = |rows: usize| rng.usize(0..rows);
        let format = &self.plan.roles[self.role].menu.row;
        let picked = match &count {
            Some(count) => dialogue::pick_position(&lines, count, &texts, pick.which, &mut draw),
            None => dialogue::pick(&lines, format, &texts, pick.which, &mut draw),
        };
        picked.map_err(|error| row_fault(error, values))
    }
}

fn row_fault(error: dialogue::RowError, values: &Scope) -> ActionError {
    ActionError::new(
        FailureKind::RowNotFound,
        values.mask(&error.to_string()).into_owned(),
    )
}
