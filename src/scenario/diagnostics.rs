//! Diagnostics of a scenario, for people and for programs.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// The maximum number of diagnostics shown; further ones are mostly consequences of them.
const MAX_SHOWN: usize = 100;

/// The severity of a diagnostic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The scenario cannot be performed.
    Error,
    /// The scenario can be performed, but may not mean what its author thinks.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        })
    }
}

/// A problem of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    pub severity: Severity,
    /// The problem, in one line without control characters.
    pub message: String,
    /// Its location in bytes of the source; `None` if it has none.
    pub span: Option<Range<usize>>,
    /// The line, from 1; 0 without a span.
    pub line: usize,
    /// The column, from 1, in characters; 0 without a span.
    pub column: usize,
    /// The remedy, if one is known.
    pub help: Option<String>,
}

/// All problems of a scenario: errors and warnings, in the order of the source.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", self.render(false).trim_end())]
pub struct Diagnostics {
    file: Arc<str>,
    text: Arc<str>,
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Collects the problems of the source of `file`.
    pub(super) fn new(file: Arc<str>, text: Arc<str>, problems: Vec<Problem>) -> Self {
        let lines = LineIndex::new(&text);
        let mut list: Vec<Diagnostic> = problems
            .into_iter()
            .map(|problem| problem.place(&text, &lines))
            .collect();
        list.sort_by_key(|diagnostic| {
            (
                diagnostic.span.as_ref().map(|span| span.start),
                diagnostic.severity,
            )
        });
        // A problem inside an aliased node, or one that is checked for each use, is reported once.
        let mut seen = HashSet::new();
        list.retain(|diagnostic| seen.insert(diagnostic.clone()));
        Diagnostics { file, text, list }
    }

    /// Returns errors and warnings in the order of the source; those without a location come first.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Returns the number of diagnostics of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.list
            .iter()
            .filter(|diagnostic| diagnostic.severity == severity)
            .count()
    }

    /// Returns `true` if there are neither errors nor warnings.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the name of the scenario's file in messages.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Renders them for people: file, line, column, the source line underlined, and help.
    pub fn render(&self, coloured: bool) -> String {
        let renderer = if coloured {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let mut text = String::new();
        for diagnostic in self.list.iter().take(MAX_SHOWN) {
            text.push_str(&renderer.render(&[self.group(diagnostic)]));
            text.push_str("\n\n");
        }
        if let Some(more) = self.list.len().checked_sub(MAX_SHOWN)
            && more > 0
        {
            text.push_str(&format!("and {more} more\n"));
        }
        text
    }

    fn group<'a>(&'a self, diagnostic: &'a Diagnostic) -> Group<'a> {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = match &diagnostic.span {
            Some(span) => {
                let begin = self.text[..span.start].rfind('\n').map_or(0, |at| at + 1);
                let end = self.text[span.start..]
                    .find('\n')
                    .map_or(self.text.len(), |at| span.start + at);
                let line = &self.text[begin..end];
                let mark = span.start - begin..span.end.min(end) - begin;
                let snippet = Snippet::source(line)
                    .path(&*self.file)
                    .line_start(diagnostic.line)
                    .annotation(AnnotationKind::Primary.span(mark));
                level.primary_title(&diagnostic.message).element(snippet)
            }
            None => {
                let title = level.primary_title(&diagnostic.message);
                title.element(annotate_snippets::Origin::path(&*self.file))
            }
        };
        if let Some(help) = &diagnostic.help {
            group = group.element(Level::HELP.message(help));
        }
        group
    }

    /// Renders them for programs: objects with `severity`, `file`, `line`, `column` (both from 1,
    /// the column in characters; `null` without a location), `message` and `help` (or `null`).
    pub fn to_json(&self) -> serde_json::Value {
        let place = |number: usize| (number > 0).then_some(number);
        self.list
            .iter()
            .map(|diagnostic| {
                serde_json::json!({
                    "severity": diagnostic.severity.to_string(),
                    "file": &*self.file,
                    "line": place(diagnostic.line),
                    "column": place(diagnostic.column),
                    "message": diagnostic.message,
                    "help": diagnostic.help,
                })
            })
            .collect()
    }
}

/// A problem found by the compiler, before its line and column are computed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Problem {
    severity: Severity,
    message: String,
    span: Option<Range<usize>>,
    help: Option<String>,
}

impl Problem {
    pub fn error(message: &str, span: Option<Range<usize>>, help: Option<String>) -> Self {
        Problem {
            severity: Severity::Error,
            message: visible(message),
            span,
            help,
        }
    }

    pub fn warning(message: &str, span: Option<Range<usize>>, help: Option<String>) -> Self {
        Problem {
            severity: Severity::Warning,
            message: visible(message),
            span,
            help,
        }
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    fn place(self, source: &str, lines: &LineIndex) -> Diagnostic {
        let (line, column) = match &self.span {
            Some(span) => (lines.line(span.start), lines.column(source, span.start)),
            None => (0, 0),
        };
        Diagnostic {
            severity: self.severity,
            message: self.message,
            span: self.span,
            line,
            column,
            help: self.help.as_deref().map(visible),
        }
    }
}

/// Converts text to one line of bounded length with control characters escaped: messages quote the
/// scenario, which can contain anything.
fn visible(text: &str) -> String {
    const LIMIT_CHARS: usize = 1000;
    let mut out = String::with_capacity(text.len().min(LIMIT_CHARS));
    for (count, c) in text.chars().enumerate() {
        if count == LIMIT_CHARS {
            out.push('…');
            break;
        }
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// The beginnings of a source's lines.
#[derive(Debug)]
pub(super) struct LineIndex {
    begins: Vec<usize>,
}

impl LineIndex {
    pub fn new(source: &str) -> Self {
        let after_ends = source.match_indices('\n').map(|(at, _)| at + 1);
        LineIndex {
            begins: std::iter::once(0).chain(after_ends).collect(),
        }
    }

    /// Returns the line of a byte, from 1.
    pub fn line(&self, at: usize) -> usize {
        self.begins.partition_point(|&begin| begin <= at)
    }

    fn column(&self, source: &str, at: usize) -> usize {
        let begin = self.begins[self.line(at) - 1];
        source[begin..at].chars().count() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnostics() -> Diagnostics {
        let source = "name: x\nrolés: {a: b}\n";
        let at = source.find("a:").unwrap();
        let problems = vec![
            Problem::warning("later", Some(at..at + 1), None),
            Problem::error("earlier\x1b[31m", Some(0..4), Some("write\nthis".into())),
            Problem::error("nowhere", None, None),
            Problem::error("nowhere", None, None),
        ];
        Diagnostics::new("s.yaml".into(), source.into(), problems)
    }

    #[test]
    fn they_are_in_order_and_reported_once() {
        let diagnostics = diagnostics();
        let places: Vec<_> = diagnostics
            .iter()
            .map(|d| (d.message.as_str(), d.line, d.column))
            .collect();
        assert_eq!(
            places,
            [
                ("nowhere", 0, 0),
                ("earlier\\u{1b}[31m", 1, 1),
                ("later", 2, 9)
            ]
        );
        assert_eq!(diagnostics.count(Severity::Error), 2);
    }

    #[test]
    fn programs_get_a_list() {
        let json = diagnostics().to_json();
        assert_eq!(
            json[2],
            serde_json::json!({
                "severity": "warning", "file": "s.yaml", "line": 2, "column": 9,
                "message": "later", "help": null,
            })
        );
        assert_eq!(json[0]["line"], serde_json::Value::Null);
    }

    #[test]
    fn people_get_the_line_underlined() {
        let expected = "\
error: nowhere
--> s.yaml

error: earlier\\u{1b}[31m
 --> s.yaml:1:1
  |
1 | name: x
  | ^^^^
  |
  = help: write\\nthis

warning: later
 --> s.yaml:2:9
  |
2 | rolés: {a: b}
  |         ^

";
        assert_eq!(diagnostics().render(false), expected);
        assert!(diagnostics().render(true).contains("\x1b["));
    }

    #[test]
    fn many_are_cut_short() {
        let problems = (0..150).map(|n| Problem::error(&format!("problem {n}"), Some(0..0), None));
        let diagnostics = Diagnostics::new("s".into(), "x".into(), problems.collect());
        assert!(diagnostics.render(false).ends_with("and 50 more\n"));
        assert_eq!(diagnostics.count(Severity::Error), 150);
    }
}
