//! Rendering of a plan's replies into the bytes that are typed.

use std::borrow::Cow;

use crate::dialogue::{self, Dialogue, RowError, ShownBefore};
use crate::engine::values::Snapshot;
use crate::model::FailureKind;
use crate::scenario::{Pick, Reply, Scope, Since};
use crate::terminal::{Key, Typed};

use super::ActionInterpreter;
use super::vocabulary::{ActionError, Answers, TypedReply};

impl ActionInterpreter {
    /// Renders the reply to a wait of the scenario, and keeps the rows and the output before it as
    /// far as later replies look at them.
    pub(super) fn answer(
        &mut self,
        reply: &Reply,
        values: &mut Snapshot,
        dialogue: &mut Dialogue,
    ) -> Result<TypedReply, ActionError> {
        let role = self.role();
        if role.chooses && !matches!(reply, Reply::Choose(_)) {
            dialogue.rows_for_reply(&role.menu.row);
        }
        let reply = self.utter(reply, values, dialogue)?;
        if let Some(earlier) = &mut self.earlier {
            earlier.keep(&dialogue.lines());
        }
        Ok(reply)
    }

    /// Renders `reply`, given what the program showed since the last answer.
    pub(super) fn utter(
        &mut self,
        reply: &Reply,
        values: &mut Snapshot,
        dialogue: &mut Dialogue,
    ) -> Result<TypedReply, ActionError> {
        let mut remark = None;
        let (text, secret) = match reply {
            Reply::Press(key) => {
                return Ok(TypedReply {
                    typed: Typed::key(*key, self.terminal, dialogue.key_modes()),
                    shown: key.shown(),
                    gates: None,
                    remark,
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
                let key;
                (key, remark) = self.choose(&label, values, dialogue)?;
                (key, false)
            }
            Reply::Pick(pick) => (self.pick(pick, values, dialogue)?, false),
            Reply::Keys(input) => {
                let (typed, shown) = self.keys_at_once(input, values)?;
                return Ok(TypedReply {
                    typed,
                    shown,
                    gates: None,
                    remark,
                    secret: false,
                    closes_input: false,
                    answers: Answers::Wait,
                });
            }
            Reply::Select(_) => {
                let message = "rows are selected key by key";
                return Err(ActionError::new(FailureKind::Internal, message));
            }
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
            gates: None,
            remark,
            secret,
            closes_input: false,
            answers: Answers::Wait,
        })
    }

    /// Returns the key of the row with this label, and a remark if the row was shown earlier.
    fn choose(
        &self,
        label: &str,
        values: &Scope,
        dialogue: &mut Dialogue,
    ) -> Result<(String, Option<String>), ActionError> {
        let format = &self.role().menu.row;
        let fresh = dialogue::choose(&dialogue.lines(), format, label);
        let before = dialogue.rows_for_reply(format);
        match (fresh, before) {
            (Ok(key), _) => Ok((key, None)),
            (Err(error), ShownBefore::Rows(rows)) if !error.is_ambiguous() => {
                let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
                let key = dialogue::choose(&rows, format, label)
                    .map_err(|error| row_fault(&error, values))?;
                let remark = format!(
                    "no rows since the last reply: chosen from those shown before this prompt \
                     earlier: {}",
                    rows.join(" | ")
                );
                Ok((key, Some(remark)))
            }
            (Err(error), _) => Err(row_fault(&error, values)),
        }
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
        let rng = &mut self.rng;
        let mut draw = |rows: usize| rng.usize(0..rows);
        let format = &self.plan.roles[self.role].menu.row;
        let mut pick_from = |lines: &[&str]| match &count {
            Some(count) => dialogue::pick_position(lines, count, &texts, pick.which, &mut draw),
            None => dialogue::pick(lines, format, &texts, pick.which, &mut draw),
        };
        let picked = pick_from(&dialogue.lines());
        let earlier = self.earlier.as_ref().filter(|_| pick.since == Since::Step);
        let picked = match (picked, earlier) {
            (Err(error), Some(earlier)) if !error.is_ambiguous() => {
                let found = earlier.latest_first().map(|lines| pick_from(&lines));
                let mut found = found.filter(|found| match found {
                    Ok(_) => true,
                    Err(error) => error.is_ambiguous(),
                });
                found.next().unwrap_or(Err(error))
            }
            (picked, _) => picked,
        };
        picked.map_err(|error| row_fault(&error, values))
    }
}

fn row_fault(error: &RowError, values: &Scope) -> ActionError {
    let kind = if error.is_ambiguous() {
        FailureKind::AmbiguousRow
    } else {
        FailureKind::RowNotFound
    };
    let message = values.mask(&error.to_string()).into_owned();
    ActionError::new(kind, message).with_hint(error.hint.clone())
}
