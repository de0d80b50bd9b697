//! The compiler's context: the source, problems, uses and captures of names, and the keys of maps.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use crate::scenario::diagnostics::{LineIndex, Problem};
use crate::scenario::location::SourceLocation;
use crate::scenario::names;
use crate::scenario::raw::{Node, Value};
use crate::scenario::scope::Scope;
use crate::scenario::template::{RenderError, Template};
use crate::scenario::vocabulary::Vocabulary;

use super::options::CompileOptions;
use super::trace::Trace;

pub(super) struct Context<'a> {
    source: &'a str,
    file: Arc<str>,
    lines: LineIndex,
    problems: RefCell<Vec<Problem>>,
    trace: RefCell<Vec<Trace>>,
    /// The number of turns with gates so far.
    gated_turns: Cell<usize>,
    /// The names of mutexes of replies.
    exclusive_replies: RefCell<Vec<(String, Range<usize>)>>,
    /// The values that all flows share, as far as they are known before the run.
    constants: RefCell<Scope>,
    pub options: CompileOptions<'a>,
}

impl<'a> Context<'a> {
    pub fn new(source: &'a str, file: &str, options: CompileOptions<'a>) -> Self {
        Context {
            source,
            file: file.into(),
            lines: LineIndex::new(source),
            problems: RefCell::default(),
            trace: RefCell::default(),
            gated_turns: Cell::default(),
            exclusive_replies: RefCell::default(),
            constants: RefCell::default(),
            options,
        }
    }

    /// Returns all problems, each once: what roles inherit is compiled for each of them.
    pub fn into_problems(self) -> Vec<Problem> {
        let mut seen = HashSet::new();
        let mut problems = self.problems.into_inner();
        problems.retain(|problem| seen.insert(problem.clone()));
        problems
    }

    pub fn error(&self, span: &Range<usize>, message: impl AsRef<str>, help: Option<String>) {
        self.report(Problem::error(message.as_ref(), Some(span.clone()), help));
    }

    pub fn warning(&self, span: &Range<usize>, message: impl AsRef<str>, help: Option<String>) {
        self.report(Problem::warning(message.as_ref(), Some(span.clone()), help));
    }

    pub fn report(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    pub fn place(&self, span: &Range<usize>) -> SourceLocation {
        SourceLocation {
            file: Arc::clone(&self.file),
            line: self.lines.line(span.start),
        }
    }

    /// Returns a number for a turn with gates.
    pub fn next_turn(&self) -> usize {
        self.gated_turns.replace(self.gated_turns.get() + 1)
    }

    /// Records a mutex of replies.
    pub fn note_exclusive(&self, name: &str, span: &Range<usize>) {
        let mut all = self.exclusive_replies.borrow_mut();
        all.push((name.to_owned(), span.clone()));
    }

    /// Returns the mutexes of replies so far.
    pub fn exclusive_replies(&self) -> Vec<(String, Range<usize>)> {
        self.exclusive_replies.borrow().clone()
    }

    /// Begins with no known values, in which these names are secret.
    pub fn begin_constants(&self, secrets: Arc<[String]>) {
        self.constants.replace(Scope::new(secrets));
    }

    /// Keeps a value that all flows share.
    pub fn add_constant(&self, name: &str, value: &str) {
        self.constants.borrow_mut().set(name, value);
    }

    /// Returns the text of a template if it is known before the run: it uses nothing but the
    /// environment and variables that are the same for all flows.
    pub fn known(&self, template: &Template) -> Option<String> {
        let constants = self.constants.borrow();
        let names = template.names();
        let is_known = names.iter().all(|name| constants.get(name).is_some());
        is_known.then(|| template.render(&constants).ok()).flatten()
    }

    /// Masks the secrets among the known values.
    pub fn masked(&self, text: &str) -> String {
        self.constants.borrow().mask(text).into_owned()
    }

    /// Returns the path of a file that the scenario names.
    pub fn path(&self, written: &str) -> PathBuf {
        match self.options.directory {
            Some(directory) => directory.join(written),
            None => PathBuf::from(written),
        }
    }

    /// Returns the location of a part of a text in the source, if it is written there literally, or
    /// that of the whole text.
    pub fn part(&self, node: &Node, part: &str) -> Range<usize> {
        match self.source[node.span.clone()].find(part) {
            Some(at) if !part.is_empty() => {
                let start = node.span.start + at;
                start..start + part.len()
            }
            _ => node.span.clone(),
        }
    }

    /// Returns the location of the bytes `at` of a text in the source. A text with escapes is
    /// underlined as a whole.
    pub fn range(&self, node: &Node, text: &str, at: &Range<usize>) -> Range<usize> {
        let whole = self.part(node, text);
        if whole.len() == text.len() {
            whole.start + at.start..whole.start + at.end
        } else {
            whole
        }
    }

    /// Records that a name is used or captured at this point.
    pub fn note(&self, trace: Trace) {
        self.trace.borrow_mut().push(trace);
    }

    /// Runs `inner` and returns what it recorded, apart from earlier records.
    pub fn traced<T>(&self, inner: impl FnOnce() -> T) -> (T, Vec<Trace>) {
        let before = self.trace.take();
        let result = inner();
        (result, self.trace.replace(before))
    }

    /// Adds a variable to those whose values are known, if its value does not depend on the flow.
    pub fn define(&self, name: &str, template: &Template) {
        let value = template.render(&self.constants.borrow());
        if let Ok(value) = value {
            self.constants.borrow_mut().set(name, value);
        }
    }

    /// Reports a text that is too long whatever the flow.
    pub fn check_length(&self, node: &Node, template: &Template) {
        let rendered = template.render(&self.constants.borrow());
        if let Err(error) = &rendered
            && let RenderError::TooLong(source) = error
        {
            let mut placeholders = template.placeholders();
            let at = placeholders.find(|(expression, _)| expression.source() == source);
            let at = at.map(|(_, range)| self.part(node, &template.source()[range]));
            let help = Some("shorten the values that it is made of".to_owned());
            self.error(at.as_ref().unwrap_or(&node.span), error.to_string(), help);
        }
    }

    /// Returns the entries of a map of known keys. Reports values that are not maps, and unknown,
    /// duplicate and missing keys.
    pub fn fields<'n>(
        &self,
        node: &'n Node,
        vocabulary: &'static Vocabulary,
    ) -> Option<Fields<'n>> {
        let Value::Map(entries) = &node.value else {
            let kind = node.value.kind();
            let what = vocabulary.what;
            let help = format!(
                "{what} is a map with the keys {}",
                names::list(vocabulary.names())
            );
            self.error(
                &node.span,
                format!("expected {what}, found {kind}"),
                Some(help),
            );
            return None;
        };
        let mut meant: Vec<&str> = Vec::new();
        let mut fields = Fields {
            vocabulary,
            entries: BTreeMap::new(),
            span: node.span.clone(),
            is_complete: true,
        };
        for (key, name, value) in self.keyed(entries) {
            if vocabulary.knows(name) {
                fields.entries.insert(name, (key, value));
                continue;
            }
            if vocabulary.ignores(name) {
                continue;
            }
            fields.is_complete = false;
            let near = names::nearest(name, vocabulary.names());
            meant.extend(near);
            if vocabulary.comes_later(name) {
                let message = format!("`{name}` is not supported yet");
                self.error(&key.span, message, Some("leave it out".into()));
                continue;
            }
            let help = match near {
                Some(near) => format!("is `{near}` meant?"),
                None => format!(
                    "{} has the keys {}",
                    vocabulary.what,
                    names::list(vocabulary.names())
                ),
            };
            self.error(
                &key.span,
                format!("unknown key `{name}` in {}", vocabulary.what),
                Some(help),
            );
        }
        for word in vocabulary.keys.iter().filter(|word| word.required) {
            if !fields.entries.contains_key(word.name) && !meant.contains(&word.name) {
                let message = format!("{} has no `{}`", vocabulary.what, word.name);
                let help = format!("write `{}: …`: {}", word.name, word.about);
                self.error(&node.span, message, Some(help));
            }
        }
        Some(fields)
    }

    /// Returns the entries of a map with arbitrary keys. Reports values that are not maps, and
    /// empty maps.
    pub fn entries<'n>(&self, node: &'n Node, what: &str) -> Vec<(&'n Node, &'n str, &'n Node)> {
        match &node.value {
            Value::Map(entries) if !entries.is_empty() => self.keyed(entries),
            Value::Map(_) => {
                let help = "write `name: …` for each, or leave the key out".to_owned();
                self.error(&node.span, format!("{what} are missing"), Some(help));
                Vec::new()
            }
            other => {
                let message = format!("expected {what}, found {}", other.kind());
                self.error(&node.span, message, Some("write `name: …` for each".into()));
                Vec::new()
            }
        }
    }

    /// Returns entries with their keys as texts. Reports keys that are not texts, and duplicates.
    fn keyed<'n>(&self, entries: &'n [(Node, Node)]) -> Vec<(&'n Node, &'n str, &'n Node)> {
        let mut first: BTreeMap<&str, usize> = BTreeMap::new();
        let mut keyed = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let Value::Text(name) = &key.value else {
                let message = format!("expected a key, found {}", key.value.kind());
                self.error(
                    &key.span,
                    message,
                    Some("texts with braces need quotes: '…'".into()),
                );
                continue;
            };
            if let Some(line) = first.get(name.as_str()) {
                let help = format!("it is already on line {line}; leave one of them out");
                self.error(&key.span, format!("duplicate key `{name}`"), Some(help));
                continue;
            }
            first.insert(name, self.lines.line(key.span.start));
            keyed.push((key, name.as_str(), value));
        }
        keyed
    }

    /// Returns the elements of a list. Reports values that are not lists.
    pub fn list<'n>(&self, node: &'n Node, what: &str, example: &str) -> &'n [Node] {
        match &node.value {
            Value::List(list) => list,
            other => {
                let message = format!("expected a list of {what}, found {}", other.kind());
                self.error(&node.span, message, Some(format!("write {example}")));
                &[]
            }
        }
    }
}

/// The entries of a map of known keys.
pub(super) struct Fields<'n> {
    vocabulary: &'static Vocabulary,
    entries: BTreeMap<&'n str, (&'n Node, &'n Node)>,
    /// The location of the map's beginning.
    pub span: Range<usize>,
    /// There were no unknown keys. If there were, a missing key may be a misspelt one, so it is not
    /// reported.
    pub is_complete: bool,
}

impl<'n> Fields<'n> {
    /// Creates an empty map in place of an invalid one.
    pub fn none(vocabulary: &'static Vocabulary, span: &Range<usize>) -> Self {
        Fields {
            vocabulary,
            entries: BTreeMap::new(),
            span: span.clone(),
            is_complete: false,
        }
    }

    pub fn get(&self, name: &str) -> Option<&'n Node> {
        self.entry(name).map(|(_, value)| value)
    }

    pub fn has(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    /// The location of the key itself.
    pub fn key_span(&self, name: &str) -> Range<usize> {
        self.entry(name)
            .map_or(self.span.clone(), |(key, _)| key.span.clone())
    }

    /// Looks up a key. A key outside of the vocabulary would never be found; that is a defect of
    /// the compiler, which tests have to detect.
    fn entry(&self, name: &str) -> Option<(&'n Node, &'n Node)> {
        debug_assert!(
            self.vocabulary.knows(name),
            "the compiler reads `{name}`, which is not a key of {}",
            self.vocabulary.what
        );
        self.entries.get(name).copied()
    }

    /// Returns those of `names` that are present.
    pub fn among(&self, names: &[&'static str]) -> Vec<&'static str> {
        names
            .iter()
            .copied()
            .filter(|name| self.has(name))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::raw;
    use crate::scenario::vocabulary::{ALTERNATIVE, TURN};

    const SOURCE: &str = "{see: Hello, send: hi}";

    #[test]
    fn known_keys_are_found_whether_present_or_not() {
        let root = raw::parse(SOURCE).expect("a map");
        let context = Context::new(SOURCE, "test.yaml", CompileOptions::default());
        let fields = context.fields(&root, &TURN).expect("known keys");
        assert!(fields.get("see").is_some() && fields.has("send"));
        assert!(fields.get("press").is_none() && !fields.has("first_of"));
        assert_eq!(fields.among(&["prompt", "see", "send"]), ["see", "send"]);
        assert!(context.into_problems().is_empty());
    }

    #[cfg(debug_assertions)]
    #[test]
    #[should_panic(
        expected = "the compiler reads `first_of`, which is not a key of an alternative"
    )]
    fn a_key_outside_of_the_vocabulary_is_a_defect_of_the_compiler() {
        let root = raw::parse(SOURCE).expect("a map");
        let context = Context::new(SOURCE, "test.yaml", CompileOptions::default());
        let fields = context.fields(&root, &ALTERNATIVE).expect("known keys");
        fields.get("first_of");
    }
}
