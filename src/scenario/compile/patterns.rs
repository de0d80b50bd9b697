//! Compilation of patterns: literal texts, and regular expressions between slashes.

use std::ops::Range;
use std::sync::Arc;

use crate::dialogue::{Pattern, RowFormat};
use crate::scenario::names;
use crate::scenario::plan::PatternSpec;
use crate::scenario::raw::{Node, Value};
use crate::scenario::template::Template;

use super::context::Context;
use super::trace::Trace;

impl Context<'_> {
    /// Compiles a pattern, recording the names that it uses and captures.
    pub fn pattern(&self, node: &Node) -> Option<PatternSpec> {
        let (spec, names) = self.pattern_and_names(node)?;
        for name in names {
            let span = self.group_span(node, &name);
            if self.identifier(&span, &name, "a capture").is_some() {
                let name = name.as_ref().to_owned();
                self.note(Trace::Capture { name, span });
            }
        }
        Some(spec)
    }

    /// Compiles a pattern that must not capture.
    pub fn pattern_without_captures(&self, node: &Node, what: &str) -> Option<PatternSpec> {
        let (spec, names) = self.pattern_and_names(node)?;
        self.refuse_names(node, &names, what);
        Some(spec)
    }

    /// Compiles a pattern without captures and placeholders.
    pub fn fixed_pattern(&self, node: &Node, what: &str) -> Option<Pattern> {
        match self.pattern_without_captures(node, what)? {
            PatternSpec::Fixed(pattern) => Some(pattern),
            PatternSpec::Literal(_) | PatternSpec::Regex { .. } => {
                let help = Some("write `$${` for a literal `${`".to_owned());
                self.error(&node.span, format!("{what} cannot contain `${{…}}`"), help);
                None
            }
        }
    }

    /// Compiles the format of a menu's rows.
    pub fn row_format(&self, node: &Node) -> Option<RowFormat> {
        let (spec, _) = self.pattern_and_names(node)?;
        let example = || Some(format!("the default is /{}/", RowFormat::MARKED));
        let PatternSpec::Fixed(pattern) = spec else {
            self.error(
                &node.span,
                "a row's pattern cannot contain `${…}`",
                example(),
            );
            return None;
        };
        if pattern.is_literal() {
            let message = "a row's pattern is a regular expression between slashes";
            self.error(&node.span, message, example());
            return None;
        }
        RowFormat::new(pattern)
            .map_err(|error| self.error(&node.span, error.to_string(), example()))
            .ok()
    }

    fn refuse_names(&self, node: &Node, names: &[Arc<str>], what: &str) {
        for name in names {
            let message = format!("{what} captures nothing, so `{name}` would have no value");
            let help = Some(format!("write `(?:…)` instead of `(?<{name}>…)`"));
            self.error(&self.group_span(node, name), message, help);
        }
    }

    fn group_span(&self, node: &Node, name: &str) -> Range<usize> {
        let named = self.part(node, &format!("<{name}>"));
        if named == node.span {
            named
        } else {
            named.start + 1..named.end - 1
        }
    }

    fn pattern_and_names(&self, node: &Node) -> Option<(PatternSpec, Vec<Arc<str>>)> {
        if let Value::List(_) = node.value {
            let help = "write a turn for each; several `see` on one screen need no order";
            self.error(&node.span, "a wait has one pattern", Some(help.into()));
            return None;
        }
        let text = self.scalar(node)?;
        match regex_source(text) {
            Some(source) => self.regex(node, source),
            None => self.literal(node, text).map(|spec| (spec, Vec::new())),
        }
    }

    fn literal(&self, node: &Node, text: &str) -> Option<PatternSpec> {
        if text.trim().is_empty() {
            let message = "an empty text is never found";
            self.error(
                &node.span,
                message,
                Some("write what the program prints".into()),
            );
            return None;
        }
        if text.trim_end_matches('\n').contains('\n') {
            let help = "write a turn for each line; they need no order";
            self.error(
                &node.span,
                "a wait looks at one line at a time",
                Some(help.into()),
            );
            return None;
        }
        let text = text.trim_end_matches('\n');
        if let Some(piece) = looks_like_regex(text) {
            let message = format!("`{piece}` is taken literally here");
            let help = format!("a regular expression goes between slashes: '/{text}/'");
            self.warning(&self.part(node, piece), message, Some(help));
        }
        let template = self.template_of(node, text)?;
        Some(match template.fixed() {
            Some(text) => PatternSpec::Fixed(Pattern::literal(text)),
            None => PatternSpec::Literal(template),
        })
    }

    fn regex(&self, node: &Node, source: &str) -> Option<(PatternSpec, Vec<Arc<str>>)> {
        let template = self.template_of(node, source)?;
        // The values are not known yet; any text without special characters will do.
        let probe = template
            .fixed()
            .map_or_else(|| stand_in(&template), str::to_owned);
        let pattern = match Pattern::regex(&probe) {
            Ok(pattern) => pattern,
            Err(error) => {
                self.regex_problem(node, source, &probe, &error);
                // Its captures must not be reported as missing elsewhere.
                for name in group_names(source) {
                    let span = self.part(node, name);
                    self.note(Trace::Capture {
                        name: name.to_owned(),
                        span,
                    });
                }
                return None;
            }
        };
        let names = pattern.names().to_vec();
        let spec = match template.fixed() {
            Some(_) => PatternSpec::Fixed(pattern),
            None => PatternSpec::Regex {
                template,
                names: names.clone(),
            },
        };
        Some((spec, names))
    }

    fn regex_problem(
        &self,
        node: &Node,
        source: &str,
        probe: &str,
        error: &crate::dialogue::PatternError,
    ) {
        let at = error.offset_chars.filter(|_| probe == source);
        let rest = at
            .and_then(|at| source.char_indices().nth(at))
            .map(|(at, _)| &source[at..]);
        let span = match rest {
            Some(rest) if !rest.is_empty() => {
                let found = self.part(node, rest);
                let first = rest.chars().next().map_or(1, char::len_utf8);
                if found == node.span {
                    found
                } else {
                    found.start..found.start + first
                }
            }
            _ => node.span.clone(),
        };
        let message = format!("this is not a usable regular expression: {}", error.reason);
        let help = "without the slashes it would be a literal text".to_owned();
        self.error(&span, message, Some(help));
    }
}

/// Returns the names of the groups in a regular expression, which may be invalid.
fn group_names(source: &str) -> impl Iterator<Item = &str> {
    source
        .split("(?<")
        .skip(1)
        .filter_map(|rest| rest.split_once('>'))
        .map(|(name, _)| name)
        .filter(|name| names::is_identifier(name))
}

/// Returns the regular expression between slashes, if the text is one.
fn regex_source(text: &str) -> Option<&str> {
    text.strip_prefix('/')
        .and_then(|rest| rest.strip_suffix('/'))
}

fn stand_in(template: &Template) -> String {
    let source = template.source();
    let mut text = String::with_capacity(source.len());
    let mut done = 0;
    for (_, range) in template.placeholders() {
        text.push_str(&source[done..range.start]);
        text.push('v');
        done = range.end;
    }
    text.push_str(&source[done..]);
    text.replace("$${", "${")
}

/// Returns a piece that has a meaning only in a regular expression.
fn looks_like_regex(text: &str) -> Option<&'static str> {
    [r"\d", r"\w", r"\s", r"\S", "(?<", "(?P<", ".*", ".+"]
        .into_iter()
        .find(|piece| text.contains(piece))
}
