//! Merge of recorded roles into an edited scenario: only what was recorded again is replaced.

use std::ops::Range;

use super::document::{Document, RoleText, StepText};
use super::inferred::Note;
use crate::scenario::{OutlineEntry, outline};

/// An edited scenario with recorded roles.
#[derive(Debug)]
pub(super) struct Merged {
    pub scenario: String,
    pub notes: Vec<Note>,
}

/// Replacement of a part of the source.
#[derive(Debug)]
struct Edit {
    span: Range<usize>,
    text: String,
}

/// Merges a document into an existing scenario.
///
/// # Errors
/// If the existing text is not a map in YAML.
pub(super) fn merge(existing: &str, document: &Document) -> Result<Merged, String> {
    if existing.trim().is_empty() {
        return Ok(Merged {
            scenario: document.text(),
            notes: Vec::new(),
        });
    }
    let mut source = existing.to_owned();
    if !source.ends_with('\n') {
        source.push('\n');
    }
    let root = outline(&source).ok_or_else(|| {
        "the existing scenario cannot be read: `rehearsal check` says why".to_owned()
    })?;
    let mut merge = Merge {
        source: &source,
        root: &root,
        edits: Vec::new(),
        notes: Vec::new(),
    };
    merge.values(document);
    for role in &document.roles {
        merge.role(role);
    }
    merge.flow(document);
    merge.proposals(document);
    let Merge { edits, notes, .. } = merge;
    let scenario = apply(&source, edits);
    Ok(Merged { scenario, notes })
}

/// Applies edits; those at the same place in their order.
fn apply(source: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| edit.span.start);
    let mut text = String::with_capacity(source.len());
    let mut at = 0;
    for edit in edits {
        if edit.span.start >= at {
            text.push_str(&source[at..edit.span.start]);
            at = edit.span.end;
        }
        text.push_str(&edit.text);
    }
    text.push_str(&source[at..]);
    text
}

struct Merge<'a> {
    source: &'a str,
    root: &'a OutlineEntry,
    edits: Vec<Edit>,
    notes: Vec<Note>,
}

impl Merge<'_> {
    fn replace(&mut self, span: Range<usize>, text: String) {
        self.edits.push(Edit { span, text });
    }

    fn insert(&mut self, at: usize, text: String) {
        self.replace(at..at, text);
    }

    fn note(&mut self, role: &str, text: String) {
        self.notes.push(Note {
            role: role.to_owned(),
            text,
        });
    }

    /// Adds variables, secrets and environment variables that the scenario has not.
    fn values(&mut self, document: &Document) {
        let known = self.root.get("variables");
        let mut text = String::new();
        for entry in &document.variables {
            if known.is_none_or(|known| known.get(&entry.key).is_none()) {
                entry.write(&mut text, 2);
            }
        }
        if !text.is_empty() {
            match known {
                Some(known) if is_open(known) => self.insert(known.span.end, text),
                Some(known) => self.rewritten_map(known, document),
                None => self.insert_section(format!("variables:\n{text}")),
            }
        }
        self.names("secrets", &document.secrets);
        self.names("environment", &document.environment);
    }

    /// Writes a map within brackets with the entries that it has not.
    fn rewritten_map(&mut self, known: &OutlineEntry, document: &Document) {
        let new = document
            .variables
            .iter()
            .filter(|entry| known.get(&entry.key).is_none());
        let new: Vec<String> = new.map(|it| format!("{}: {}", it.key, it.value)).collect();
        self.extend_brackets(known, '}', &new);
    }

    /// Adds names to a list.
    fn names(&mut self, key: &str, names: &[String]) {
        let known = self.root.get(key);
        let has = |name: &str| {
            known.is_some_and(|it| it.entries.iter().any(|it| it.text.as_deref() == Some(name)))
        };
        let new: Vec<String> = names.iter().filter(|name| !has(name)).cloned().collect();
        if new.is_empty() {
            return;
        }
        match known {
            Some(known) if is_open(known) => {
                let text: String = new.iter().map(|name| format!("  - {name}\n")).collect();
                self.insert(known.span.end, text);
            }
            Some(known) => self.extend_brackets(known, ']', &new),
            None => self.insert_section(format!("{key}: [{}]\n", new.join(", "))),
        }
    }

    /// Adds elements before a closing bracket.
    fn extend_brackets(&mut self, known: &OutlineEntry, bracket: char, new: &[String]) {
        let text = &self.source[known.span.clone()];
        let Some(close) = text.rfind(bracket) else {
            self.note(
                "",
                format!(
                    "`{}` could not be extended; add {}",
                    known.key,
                    new.join(", ")
                ),
            );
            return;
        };
        let is_empty = known.entries.is_empty();
        let lead = if is_empty { "" } else { ", " };
        self.insert(
            known.span.start + close,
            format!("{lead}{}", new.join(", ")),
        );
    }

    /// Adds a section before the roles.
    fn insert_section(&mut self, text: String) {
        let at = self
            .root
            .get("roles")
            .map_or(self.source.len(), |roles| roles.span.start);
        self.insert(at, format!("{text}\n"));
    }

    /// Replaces the actions of a role, or adds the role.
    fn role(&mut self, role: &RoleText) {
        let mut text = String::new();
        role.write(&mut text);
        let Some(roles) = self.root.get("roles") else {
            self.insert(self.source.len(), format!("\nroles:\n{text}"));
            return;
        };
        let Some(known) = roles.get(&role.key) else {
            self.insert(roles.span.end, format!("\n{text}"));
            return;
        };
        if !is_open(known) {
            self.note(&role.key, "its one-line form was replaced".to_owned());
            self.replace(known.span.clone(), text.trim_start().to_owned());
            return;
        }
        for entry in &role.entries {
            match known.get(&entry.key) {
                None => {
                    let mut text = String::new();
                    entry.write(&mut text, 4);
                    let first = &known.entries[0];
                    let at = self.line_start(first.span.start);
                    self.insert(at, text);
                }
                Some(before) => {
                    let written = self.source[before.span.clone()].trim_end();
                    let value = written
                        .split_once(':')
                        .map_or("", |(_, value)| value.trim());
                    if value != entry.value
                        && ["menu", "interludes", "run", "screen"].contains(&entry.key.as_str())
                    {
                        self.note(
                            &role.key,
                            format!(
                                "its `{}` was kept; the recording has {}",
                                entry.key, entry.value
                            ),
                        );
                    }
                }
            }
        }
        self.actions(role, known);
    }

    fn actions(&mut self, role: &RoleText, known: &OutlineEntry) {
        let mut text = String::new();
        role.write(&mut text);
        let from = text.find("    actions:").unwrap_or_default();
        let text = text[from..].to_owned();
        let Some(actions) = known.get("actions") else {
            self.insert(known.span.end, text);
            return;
        };
        let span = self.line_start(actions.span.start)..actions.span.end;
        let old = &self.source[span.clone()];
        let is_new = |line: &&str| text.lines().any(|other| other.trim() == line.trim());
        let lost: Vec<&str> = old
            .lines()
            .filter(|line| !line.trim().is_empty() && !is_new(line))
            .map(str::trim)
            .collect();
        if !lost.is_empty() {
            let lost = lost.join("\n  ");
            self.note(
                &role.key,
                format!("replaced by the recording, not kept:\n  {lost}"),
            );
        }
        self.replace(span, text);
    }

    /// Adds steps for new actions, and removes those of actions that are gone.
    fn flow(&mut self, document: &Document) {
        let Some(flow) = self.root.get("flow") else {
            let mut text = String::from("\nflow:\n");
            document.flow.iter().for_each(|step| step.write(&mut text));
            self.insert(self.source.len(), text);
            return;
        };
        let text_of = |step: &OutlineEntry, key: &str| {
            step.get(key)
                .and_then(|it| it.text.clone())
                .unwrap_or_default()
        };
        let mut names: Vec<String> = flow.entries.iter().map(|it| text_of(it, "step")).collect();
        for role in &document.roles {
            let steps: Vec<&StepText> = document
                .flow
                .iter()
                .filter(|step| step.role == role.key)
                .collect();
            let existing: Vec<&OutlineEntry> = flow
                .entries
                .iter()
                .filter(|it| text_of(it, "role") == role.key)
                .collect();
            let mut last = None;
            for step in &existing {
                let action = text_of(step, "do");
                if role.actions.iter().any(|it| it.name == action) {
                    last = Some(step.span.end);
                    self.provide(step, &steps, &action);
                } else {
                    let span = self.line_start(step.span.start)..step.span.end;
                    let name = text_of(step, "step");
                    self.note(
                        &role.key,
                        format!("the step `{name}` was removed: the recording has no `{action}`"),
                    );
                    last = last.or(Some(span.start));
                    self.replace(span, String::new());
                }
            }
            for step in steps {
                let is_known = existing.iter().any(|it| text_of(it, "do") == step.action);
                if is_known {
                    continue;
                }
                let mut name = step.name.clone();
                while names.contains(&name) {
                    name.push_str("_again");
                }
                names.push(name.clone());
                let mut text = String::new();
                StepText {
                    name,
                    role: step.role.clone(),
                    action: step.action.clone(),
                    provides: step.provides.clone(),
                }
                .write(&mut text);
                self.insert(last.unwrap_or(flow.span.end), text);
            }
        }
    }

    /// Notes what a kept step provides no more, or could provide.
    fn provide(&mut self, step: &OutlineEntry, steps: &[&StepText], action: &str) {
        let recorded = steps.iter().find(|it| it.action == action);
        let provides = recorded.map(|it| it.provides.clone()).unwrap_or_default();
        let Some(known) = step.get("provides") else {
            return;
        };
        let gone: Vec<String> = known
            .entries
            .iter()
            .filter_map(|it| it.text.clone())
            .filter(|name| !provides.contains(name))
            .collect();
        if !gone.is_empty() {
            let name = step
                .get("step")
                .and_then(|it| it.text.clone())
                .unwrap_or_default();
            let role = step
                .get("role")
                .and_then(|it| it.text.clone())
                .unwrap_or_default();
            self.note(
                &role,
                format!(
                    "the step `{name}` provides {}, which the recording does not read",
                    gone.join(", ")
                ),
            );
        }
    }

    /// Notes proposals for the integrity of the data, which are left to the person.
    fn proposals(&mut self, document: &Document) {
        let known = self.root.get("integrity");
        let unique = known.and_then(|it| it.get("unique"));
        let is_known = |name: &str| {
            unique.is_some_and(|it| it.entries.iter().any(|it| it.text.as_deref() == Some(name)))
        };
        let new: Vec<&str> = document
            .unique
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| !is_known(name))
            .collect();
        if !new.is_empty() {
            self.note(
                "",
                format!("proposed: `integrity: {{unique: [{}]}}`", new.join(", ")),
            );
        }
        for (names, _) in &document.agree {
            let agree = known.and_then(|it| it.get("agree"));
            let has = agree.is_some_and(|it| {
                it.entries.iter().any(|list| {
                    names.iter().all(|name| {
                        list.entries
                            .iter()
                            .any(|it| it.text.as_deref() == Some(name))
                    })
                })
            });
            if !has {
                self.note(
                    "",
                    format!("proposed: `integrity: {{agree: [[{}]]}}`", names.join(", ")),
                );
            }
        }
    }

    fn line_start(&self, at: usize) -> usize {
        self.source[..at].rfind('\n').map_or(0, |end| end + 1)
    }
}

/// Returns whether the entries of an entry stand on lines of their own.
fn is_open(entry: &OutlineEntry) -> bool {
    entry.entries.first().is_some_and(|it| it.is_block)
}
