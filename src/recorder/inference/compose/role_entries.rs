//! Entries of a role: its program, terminal, menu, interludes and failures.

use super::{Composer, one_line};
use crate::recorder::inference::document::Entry;
use crate::recorder::inference::names::{Names, slug};
use crate::recorder::inference::phrases::{Known, Phrase, escaped_template};
use crate::recorder::inference::shapes::MASK;
use crate::recorder::inference::yaml;
use crate::recorder::recording::Mark;

impl Composer<'_> {
    pub(super) fn role_entries(&self, session: usize, menu: Option<&str>) -> Vec<Entry> {
        let it = &self.work.sessions[session];
        let mut entries = vec![
            Entry::new("title", yaml::scalar(&title(&it.role)), ""),
            Entry::new(
                "run",
                yaml::list(
                    it.command
                        .iter()
                        .map(|word| escaped_template(word))
                        .collect::<Vec<_>>()
                        .iter()
                        .map(String::as_str),
                ),
                "",
            ),
        ];
        if it.has_screen {
            entries.push(Entry::new("screen", it.size.to_string(), ""));
            if it.term != "xterm-256color" && !it.term.is_empty() {
                let term = format!("{{TERM: {}}}", yaml::scalar(&it.term));
                entries.push(Entry::new("environment", term, ""));
            }
        } else {
            entries.push(Entry::new("size", it.size.to_string(), ""));
        }
        if let Some(menu) = menu {
            entries.push(Entry::new(
                "menu",
                format!("{{prompt: {}}}", yaml::scalar(menu)),
                "",
            ));
        }
        let known = Known::new(Vec::new(), self.work.differing[session].clone());
        let interludes = self.work.interludes[session].iter().map(|interlude| {
            let pattern = Phrase::new(&interlude.prompt, &known).pattern();
            format!(
                "{{prompt: {}, press: {}}}",
                yaml::scalar(&pattern.text),
                yaml::scalar(&interlude.key.to_string())
            )
        });
        let interludes: Vec<String> = interludes.collect();
        if !interludes.is_empty() {
            entries.push(Entry::new(
                "interludes",
                format!("[{}]", interludes.join(", ")),
                "",
            ));
        }
        entries.extend(self.failures(session));
        entries
    }

    fn failures(&self, session: usize) -> Option<Entry> {
        let it = &self.work.sessions[session];
        let mut names = Names::default();
        let marks = it.turns.iter().flat_map(|turn| &turn.marks);
        let mut failures: Vec<String> = marks
            .filter_map(|mark| match mark {
                Mark::Failure(text) if !text.trim().is_empty() => {
                    let name = names.unused(&slug(text).unwrap_or_else(|| "failed".to_owned()));
                    let pattern = failure_phrase(one_line(text)).pattern();
                    Some(format!("{name}: {}", yaml::scalar(&pattern.text)))
                }
                _ => None,
            })
            .collect();
        let is_python = it.command.iter().take(2).any(|word| {
            word.ends_with(".py")
                || word
                    .rsplit('/')
                    .next()
                    .is_some_and(|it| it.starts_with("python"))
        });
        const TRACEBACK: &str = "Traceback (most recent call last)";
        // A text that belongs to the recorded work is none of a failure.
        let is_recorded = it
            .turns
            .iter()
            .any(|turn| turn.heard.all().any(|line| line.contains(TRACEBACK)));
        if is_python && !is_recorded {
            let traceback = yaml::scalar(TRACEBACK);
            failures.push(format!("crashed: {traceback}"));
        }
        (!failures.is_empty())
            .then(|| Entry::new("fail_on", format!("{{{}}}", failures.join(", ")), ""))
    }
}

/// Returns the text as it was marked; only a masked secret in it is not literal.
fn failure_phrase(text: &str) -> Phrase {
    match text.contains(MASK) {
        true => Phrase::new(text, &Known::default()),
        false => Phrase::literal(text),
    }
}

/// Returns the title of a role: `Warehouse manager` for `warehouse_manager`.
fn title(role: &str) -> String {
    let words = role.replace(['_', '-'], " ");
    let mut characters = words.trim().chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => "Role".to_owned(),
    }
}
