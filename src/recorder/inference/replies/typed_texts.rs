//! Typed texts: values that were read, values that the person chose, and secrets.

use std::sync::LazyLock;

use regex::Regex;

use super::{Replies, Value, ValueKind};
use crate::recorder::inference::names;
use crate::recorder::inference::phrases::escaped_template;
use crate::recorder::inference::shapes;
use crate::recorder::inference::work::{Place, Work};
use crate::recorder::inference::{InferOptions, Question, SecretValue};

/// Prompts whose answers should not be written down.
static SMELLS_OF_SECRET: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:pass(?:word|code|phrase|wd)?|passwort|kennwort|pin|token|otp|tan|secret|api.?key)\b")
        .unwrap_or_else(|error| unreachable!("a built-in expression: {error}"))
});

/// Answers that confirm or decline.
const DECISIONS: [&str; 14] = [
    "y", "n", "yes", "no", "j", "ja", "nein", "o", "oui", "non", "s", "si", "ok", "cancel",
];

impl Replies {
    /// Returns the template of a typed text.
    pub(super) fn typed(
        &mut self,
        work: &Work,
        place: Place,
        prompt: &str,
        text: &str,
        options: &InferOptions,
    ) -> String {
        let is_decision = DECISIONS.contains(&&*text.trim().to_lowercase());
        if text.trim().is_empty() || is_decision {
            return escaped_template(text);
        }
        if let Some(name) = self.value(work, place, text, "it is typed later") {
            return format!("${{{name}}}");
        }
        if let Some(template) = self.with_values(work, place, text) {
            return template;
        }
        let is_plain = options
            .plain_prompts
            .iter()
            .any(|it| it.trim() == prompt.trim());
        if SMELLS_OF_SECRET.is_match(prompt) && !is_plain {
            self.questions.push(Question {
                role: work.sessions[place.session].role.clone(),
                prompt: prompt.to_owned(),
                text: "the program shows the answer; it is taken for a secret".to_owned(),
            });
            return format!("${{{}}}", self.secret(work, place, None));
        }
        format!("${{{}}}", self.variable(prompt, text))
    }

    /// Returns a template for a text with ids in it that were printed before.
    fn with_values(&mut self, work: &Work, place: Place, text: &str) -> Option<String> {
        let words: Vec<_> = shapes::words(text)
            .filter(|word| shapes::is_id(&text[word.clone()]))
            .collect();
        let mut template = String::new();
        let mut done = 0;
        for word in words {
            let Some(name) = self.value(work, place, &text[word.clone()], "it is typed later")
            else {
                continue;
            };
            template += &escaped_template(&text[done..word.start]);
            template += &format!("${{{name}}}");
            done = word.end;
        }
        template += &escaped_template(&text[done..]);
        (done > 0).then_some(template)
    }

    /// Returns the name of a variable with this value, typed at this prompt.
    fn variable(&mut self, prompt: &str, text: &str) -> String {
        let base = names::of_prompt(prompt).unwrap_or_else(|| "answer".to_owned());
        let is_it = |value: &&Value| {
            let same_name = value.name == base
                || value.name.strip_prefix(base.as_str()).is_some_and(|rest| {
                    rest.strip_prefix('_')
                        .is_some_and(|it| it.parse::<u32>().is_ok())
                });
            matches!(value.kind, ValueKind::Variable { .. }) && same_name && value.recorded == text
        };
        if let Some(value) = self.values.iter().find(is_it) {
            return value.name.clone();
        }
        let name = self.names.unused(&base);
        self.values.push(Value {
            name: name.clone(),
            recorded: text.to_owned(),
            kind: ValueKind::Variable {
                prompt: prompt.to_owned(),
            },
        });
        name
    }

    /// Returns the name of the secret that was typed at a place.
    pub(super) fn secret(&mut self, work: &Work, place: Place, number: Option<usize>) -> String {
        let prompt = if work.sessions[place.session].has_screen {
            self.question_on_screen(work, place)
        } else {
            self.question(work, place)
        };
        self.secret_at(work, place, &prompt, number)
    }

    pub(super) fn secret_at(
        &mut self,
        work: &Work,
        place: Place,
        prompt: &str,
        number: Option<usize>,
    ) -> String {
        let role = &work.sessions[place.session].role;
        let role_name = names::slug(role).unwrap_or_else(|| "role".to_owned());
        let what = names::of_prompt(prompt).unwrap_or_else(|| "secret".to_owned());
        let base = match what.starts_with(&role_name) {
            true => what,
            false => format!("{role_name}_{what}"),
        };
        let is_it = |it: &&SecretValue| {
            it.role == *role
                && (number.is_some() && it.number == number
                    || number.is_none() && it.variable == base.to_uppercase())
        };
        if let Some(known) = self.secrets.iter().find(is_it) {
            return known.variable.to_lowercase();
        }
        let name = self.names.unused(&base);
        self.secrets.push(SecretValue {
            role: role.clone(),
            number,
            variable: name.to_uppercase(),
        });
        self.values.push(Value {
            name: name.clone(),
            recorded: String::new(),
            kind: ValueKind::Secret {
                prompt: prompt.to_owned(),
            },
        });
        name
    }
}
