//! Compilation of single values: texts, durations, numbers, choices.

use std::ops::Range;
use std::time::Duration;

use crate::scenario::names;
use crate::scenario::raw::{Node, Value};
use crate::scenario::template::{Expression, Template, TemplateError};
use crate::terminal::ScreenSize;

use super::context::Context;
use super::trace::Trace;

const PLACEHOLDERS: &str = "`${…}` holds an expression: ${order_id}, ${total | float + 1}";
const BARE_NAMES: &str = "names are written without `${` and `}` here";
const EXPRESSION: &str = "write an expression: total | float > 0";

/// The maximum duration; a longer one is taken for a mistake.
const MAX_DURATION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The maximum number of rows, and of columns, of a screen.
const MAX_SCREEN: u16 = 500;

impl Context<'_> {
    /// Returns a scalar as written.
    pub fn scalar<'n>(&self, node: &'n Node) -> Option<&'n str> {
        match &node.value {
            Value::Text(text) => Some(text),
            Value::Missing => {
                let help = "write '' for an empty text".to_owned();
                self.error(&node.span, "a value is missing", Some(help));
                None
            }
            other => {
                let help = match other {
                    Value::Map(_) => "a text with braces needs quotes: '{…}'",
                    _ => "a text with brackets needs quotes: '[…]'",
                };
                let message = format!("expected a text, found {}", other.kind());
                self.error(&node.span, message, Some(help.into()));
                None
            }
        }
    }

    pub fn text(&self, node: &Node) -> Option<String> {
        self.scalar(node).map(str::to_owned)
    }

    /// Returns a text that must not be empty.
    pub fn word<'n>(&self, node: &'n Node, what: &str) -> Option<&'n str> {
        let text = self.scalar(node)?;
        if text.trim().is_empty() {
            let help = Some("write something, or leave the key out".to_owned());
            self.error(&node.span, format!("{what} is empty"), help);
            return None;
        }
        Some(text)
    }

    /// Returns a name that can be used in expressions.
    pub fn identifier<'n>(
        &self,
        span: &Range<usize>,
        name: &'n str,
        what: &str,
    ) -> Option<&'n str> {
        const RESERVED: [&str; 16] = [
            "flow", "run", "instance", "env", "true", "false", "none", "True", "False", "None",
            "not", "and", "or", "in", "is", "if",
        ];
        if !names::is_identifier(name) {
            let message = format!("`{name}` cannot name {what}");
            let help = "names are made of letters, digits and _, and do not begin with a digit";
            self.error(span, message, Some(help.into()));
            return None;
        }
        if RESERVED.contains(&name) {
            let message = format!("`{name}` cannot name {what}: it has a meaning already");
            self.error(span, message, Some("choose another name".into()));
            return None;
        }
        Some(name)
    }

    /// Compiles a template, recording the names that it uses.
    pub fn template(&self, node: &Node) -> Option<Template> {
        let text = self.scalar(node)?;
        self.template_of(node, text)
    }

    /// Like [`Context::template`], for a part of the node's text.
    pub fn template_of(&self, node: &Node, text: &str) -> Option<Template> {
        match Template::parse(text) {
            Ok(template) => {
                for (expression, range) in template.placeholders() {
                    self.note_uses(expression, &self.part(node, &text[range]));
                }
                self.check_length(node, &template);
                Some(template)
            }
            Err(error) => {
                self.template_fault(node, text, error, |_| PLACEHOLDERS);
                None
            }
        }
    }

    /// Compiles a bare expression, recording the names that it uses.
    pub fn expression(&self, node: &Node) -> Option<Expression> {
        let text = self.scalar(node)?;
        if let Some(inner) = text
            .trim()
            .strip_prefix("${")
            .and_then(|t| t.strip_suffix('}'))
        {
            let help = Some(format!("write it bare: {inner}"));
            self.error(
                &node.span,
                "an expression is written without `${…}` here",
                help,
            );
            return None;
        }
        match Expression::parse(text) {
            Ok(expression) => {
                self.note_uses(&expression, &node.span);
                Some(expression)
            }
            Err(error) => {
                self.template_fault(node, text, error, |text| {
                    if text.contains("${") {
                        BARE_NAMES
                    } else {
                        EXPRESSION
                    }
                });
                None
            }
        }
    }

    fn template_fault(
        &self,
        node: &Node,
        text: &str,
        error: TemplateError,
        help: impl FnOnce(&str) -> &'static str,
    ) {
        let part = text
            .get(error.offset..error.offset + error.length)
            .unwrap_or(text);
        let help = error.help.unwrap_or_else(|| help(text).to_owned());
        self.error(&self.part(node, part), error.message, Some(help));
    }

    fn note_uses(&self, expression: &Expression, span: &Range<usize>) {
        for name in expression.names() {
            self.note(Trace::Use {
                name: name.to_owned(),
                span: span.clone(),
                is_optional: expression.allows_missing(),
            });
        }
    }

    /// Parses a duration with its unit.
    pub fn duration(&self, node: &Node) -> Option<Duration> {
        let text = self.scalar(node)?;
        self.duration_of(node, text)
    }

    /// Parses a deadline: a duration that is not zero.
    pub fn deadline(&self, node: &Node) -> Option<Duration> {
        let duration = self.duration(node)?;
        if duration.is_zero() {
            let help = "leave it out for the default".to_owned();
            self.error(&node.span, "a deadline of zero cannot be met", Some(help));
            return None;
        }
        Some(duration)
    }

    /// Parses one duration, or two with `..` between them.
    pub fn duration_range(&self, node: &Node) -> Option<(Duration, Duration)> {
        let text = self.scalar(node)?;
        let (least, most) = text.split_once("..").unwrap_or((text, text));
        let (least, most) = (
            self.duration_of(node, least)?,
            self.duration_of(node, most)?,
        );
        if least > most {
            let help = Some(format!("write `{}`", swapped(text)));
            self.error(&node.span, "the range ends before it begins", help);
            return None;
        }
        Some((least, most))
    }

    fn duration_of(&self, node: &Node, text: &str) -> Option<Duration> {
        let text = text.trim();
        let span = self.part(node, text);
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            let proposal = match text.parse::<f64>() {
                Ok(secs) if text.contains('.') => format!("{:.0}ms", secs * 1000.0),
                _ => format!("{text}s"),
            };
            let message = format!("the duration `{text}` has no unit");
            self.error(&span, message, Some(format!("write `{proposal}`")));
            return None;
        }
        match humantime::parse_duration(text) {
            Ok(duration) if duration <= MAX_DURATION => Some(duration),
            Ok(_) => {
                let help = Some("write a shorter one".to_owned());
                self.error(&span, format!("`{text}` is longer than 30 days"), help);
                None
            }
            Err(_) => {
                let help = Some("write `500ms`, `5s` or `1m30s`".to_owned());
                self.error(&span, format!("`{text}` is not a duration"), help);
                None
            }
        }
    }

    /// Parses a whole number that is at least `least`.
    pub fn count(&self, node: &Node, least: u64) -> Option<u64> {
        let text = self.scalar(node)?;
        match text.replace('_', "").parse::<u64>() {
            Ok(count) if count >= least => Some(count),
            Ok(count) => {
                let message = format!("{count} is too small");
                self.error(&node.span, message, Some(format!("write {least} or more")));
                None
            }
            Err(_) => {
                let message = format!("`{text}` is not a whole number");
                self.error(&node.span, message, Some(format!("write {least} or more")));
                None
            }
        }
    }

    /// Like [`Context::count`], for small numbers.
    pub fn small_count(&self, node: &Node, least: u64) -> Option<u32> {
        let count = self.count(node, least)?;
        if count > 1_000_000 {
            self.error(
                &node.span,
                format!("{count} is too large"),
                Some("the maximum is 1000000".into()),
            );
        }
        u32::try_from(count).ok()
    }

    pub fn exit_code(&self, node: &Node) -> Option<i32> {
        let text = self.scalar(node)?;
        match text.parse::<u8>() {
            Ok(code) => Some(i32::from(code)),
            Err(_) => {
                let help = Some("exit codes are numbers from 0 to 255".to_owned());
                self.error(&node.span, format!("`{text}` is not an exit code"), help);
                None
            }
        }
    }

    pub fn flag(&self, node: &Node) -> Option<bool> {
        self.choice(node, &[("true", true), ("false", false)])
    }

    /// Parses one of several words.
    pub fn choice<T: Copy>(&self, node: &Node, choices: &[(&'static str, T)]) -> Option<T> {
        let text = self.scalar(node)?;
        if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == text) {
            return Some(*choice);
        }
        let known = || choices.iter().map(|(name, _)| *name);
        let help = match names::nearest(text, known()) {
            Some(near) => format!("is `{near}` meant?"),
            None => format!("write one of {}", names::list(known())),
        };
        self.error(
            &node.span,
            format!("`{text}` is not known here"),
            Some(help),
        );
        None
    }

    /// Parses rows and columns, as `50x200`.
    pub fn size(&self, node: &Node) -> Option<ScreenSize> {
        let text = self.scalar(node)?;
        let size = ScreenSize::parse(text);
        if size.is_none() {
            let message = format!("`{text}` is not a terminal's size");
            let help = "write rows and columns, as `50x200`".to_owned();
            self.error(&node.span, message, Some(help));
        }
        size
    }

    /// Parses the size of a screen, which is limited, as each costs memory.
    pub fn screen_size(&self, node: &Node) -> Option<ScreenSize> {
        let size = self.size(node)?;
        if size.rows > MAX_SCREEN || size.columns > MAX_SCREEN {
            let message = format!("a screen of {size} is too large");
            let help = format!("write rows and columns up to {MAX_SCREEN} each, as `24x80`");
            self.error(&node.span, message, Some(help));
            return None;
        }
        Some(size)
    }

    /// Reports a name that is not among the known ones.
    pub fn unknown<'k>(
        &self,
        span: &Range<usize>,
        message: &str,
        name: &str,
        known: impl Iterator<Item = &'k str> + Clone,
    ) {
        let help = match names::nearest(name, known.clone()) {
            Some(near) => format!("is `{near}` meant?"),
            None => match names::list(known) {
                list if list.is_empty() => "there are none at all".to_owned(),
                list => format!("known are {list}"),
            },
        };
        self.error(span, message, Some(help));
    }
}

/// Returns a list of names, each with its location.
pub(super) fn names_of(context: &Context<'_>, node: Option<&Node>) -> Vec<(String, Range<usize>)> {
    let Some(node) = node else { return Vec::new() };
    let mut names: Vec<(String, Range<usize>)> = Vec::new();
    for node in context.list(node, "names", "[name, …]") {
        let Some(name) = context.word(node, "the name") else {
            continue;
        };
        if names.iter().any(|(known, _)| known == name) {
            let help = Some("leave one out".to_owned());
            context.error(&node.span, format!("`{name}` is listed twice"), help);
            continue;
        }
        names.push((name.to_owned(), node.span.clone()));
    }
    names
}

fn swapped(range: &str) -> String {
    match range.split_once("..") {
        Some((from, to)) => format!("{}..{}", to.trim(), from.trim()),
        None => range.to_owned(),
    }
}
