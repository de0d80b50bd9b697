//! The source of a plan with its secrets masked.

use crate::scenario::secrets::Masker;
use crate::scenario::template::Template;

use super::Plan;
use super::turns::{Reply, Then, Turn, TurnKind};

impl Plan {
    /// Returns the source with the values of secret variables and of `secret` replies masked: a
    /// scenario that can be run if they are given otherwise. `None` if a value is written in a form
    /// in which it cannot be found, such as over several lines.
    pub fn masked_source(&self) -> Option<String> {
        let variables = self
            .variables
            .iter()
            .filter(|(name, _)| self.secrets.contains(name))
            .map(|(_, value)| value);
        let secret = variables.chain(self.secret_replies());
        let mut forms = Vec::new();
        for value in secret.filter(|value| has_text(value.source())) {
            let written = [Some(value.source()), value.fixed()];
            let of_this = written.into_iter().flatten().flat_map(forms_in_yaml);
            let found: Vec<String> = of_this.filter(|it| self.source.contains(it)).collect();
            if found.is_empty() {
                return None;
            }
            forms.extend(found);
        }
        let masker = Masker::new(forms.iter().map(String::as_str));
        // Asterisks would be parsed as an alias.
        Some(masker.mask_lines(&self.source, "MASKED"))
    }

    /// Returns the texts of `secret` replies.
    pub fn secret_replies(&self) -> Vec<&Template> {
        let mut found = Vec::new();
        for role in &self.roles {
            found.extend(
                role.interludes
                    .iter()
                    .filter_map(|it| secret(it.reply.as_ref())),
            );
            let actions = role.actions.iter();
            actions.for_each(|action| secrets_of(&action.turns, &mut found));
        }
        found
    }
}

fn secret(reply: Option<&Reply>) -> Option<&Template> {
    match reply? {
        Reply::Secret(template) => Some(template),
        _ => None,
    }
}

fn secrets_of<'p>(turns: &'p [Turn], found: &mut Vec<&'p Template>) {
    for turn in turns {
        match &turn.kind {
            TurnKind::Exchange { reply, .. } => found.extend(secret(reply.as_ref())),
            TurnKind::FirstOf(alternatives) => {
                for alternative in alternatives {
                    found.extend(secret(alternative.reply.as_ref()));
                    if let Then::Do(turns) | Then::DoAgain(turns) = &alternative.then {
                        secrets_of(turns, found);
                    }
                }
            }
            TurnKind::Repeat { turns, .. } => secrets_of(turns, found),
            TurnKind::Think { .. }
            | TurnKind::Resize(_)
            | TurnKind::Assert(_)
            | TurnKind::Run { .. } => {}
        }
    }
}

/// Returns `true` if a template has any text besides placeholders.
fn has_text(template: &str) -> bool {
    let mut left = template;
    while let Some((before, rest)) = left.split_once("${") {
        let Some((_, after)) = rest.split_once('}').filter(|_| before.is_empty()) else {
            return true;
        };
        left = after;
    }
    !left.is_empty()
}

/// Returns the forms of a text on one line: plain, in single quotes, in double quotes.
fn forms_in_yaml(text: &str) -> [String; 3] {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    [text.to_owned(), text.replace('\'', "''"), escaped]
}

#[cfg(test)]
mod tests {
    use crate::scenario::{CompileOptions, compile};

    fn masked(secret: &str) -> Option<String> {
        let text = format!(
            "name: test\nvariables: {{word: {secret}}}\nsecrets: [word]\nroles:\n  user:\n    \
             run: [program]\n    actions:\n      go:\n        - {{see: Hello, secret: \"${{word}}\"}}\n\
             flow:\n  - {{step: 1_go, role: user, do: go}}\n"
        );
        let compiled = compile(&text, None, CompileOptions::default());
        compiled.expect("a sound scenario").plan.masked_source()
    }

    #[test]
    fn secrets_are_masked_in_any_form() {
        for secret in ["open", "'it''s open'", r#""say \"open\" \\o/""#] {
            let text = masked(secret).expect("it is found");
            assert!(!text.contains("open"), "{text}");
            assert!(text.contains("MASKED"), "{text}");
            compile(&text, None, CompileOptions::default()).expect("a sound scenario");
        }
    }

    #[test]
    fn the_text_of_a_secret_reply_is_masked() {
        let text = "name: test\nroles:\n  user:\n    run: [program]\n    actions:\n      go:\n        \
                    - {see: Hello, secret: hunter2}\n        - first_of:\n            \
                    - {see: a, do: [{prompt: Pin, secret: 'o''neil'}]}\n            - {see: b}\n\
                    flow:\n  - {step: 1_go, role: user, do: go}\n";
        let compiled = compile(text, None, CompileOptions::default());
        let masked = compiled.expect("a sound scenario").plan.masked_source();
        let masked = masked.expect("they are found");
        assert!(
            !masked.contains("hunter2") && !masked.contains("neil"),
            "{masked}"
        );
        compile(&masked, None, CompileOptions::default()).expect("a sound scenario");
    }

    #[test]
    fn a_secret_from_elsewhere_is_not_in_it() {
        let text = masked("\"${run.id}\"").expect("there is nothing to find");
        assert!(text.contains("word: \"${run.id}\""), "{text}");
        let text = masked("\"open-${run.id}\"").expect("it is found");
        assert!(!text.contains("open"), "{text}");
    }

    #[test]
    fn a_secret_that_cannot_be_found_is_not_kept() {
        assert_eq!(masked(r#""\x6fpen sesame""#), None);
    }
}
