//! Patterns of a wait: a literal text or a regular expression, matched within one line of output.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use memchr::memmem;
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange};
use regex_syntax::hir::{Hir, HirKind, Look, Repetition};

use super::regex::{Regex, RegexError};
use crate::model::NamedValue;
use crate::terminal::cell_text;

/// Literal text or regular expression to match within one line. Cheap to clone.
///
/// A regular expression sees a line as its whole text: `^`, `$`, `\A` and `\z` are the line's
/// ends, and nothing in it matches a line end, so searching a region of many lines gives the same
/// as searching its lines one by one. Searches take linear time.
#[derive(Clone)]
pub struct Pattern(Arc<Inner>);

struct Inner {
    source: String,
    names: Vec<Arc<str>>,
    kind: Kind,
}

#[expect(
    clippy::large_enum_variant,
    reason = "behind an Arc already; literals are built often"
)]
enum Kind {
    Literal(memmem::Finder<'static>),
    Regex(Box<Compiled>),
}

struct Compiled {
    /// Bound to single lines by [`line_bound`].
    hir: Hir,
    /// Group numbers of the pattern's names, in the same order.
    groups: Vec<usize>,
    expression: Regex,
    /// The same expression followed by blanks only. Built for the first prompt wait.
    at_end: OnceLock<Option<Regex>>,
}

/// Error of a refused regular expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct PatternError {
    /// The fault, and its remedy where that is known.
    pub reason: String,
    /// Place in the expression, in characters from 0, where that is known.
    pub offset_chars: Option<usize>,
}

impl Pattern {
    /// Creates a pattern from literal text. Empty text and text with a line end never match.
    pub fn literal(text: &str) -> Pattern {
        Pattern(Arc::new(Inner {
            source: text.to_owned(),
            names: Vec::new(),
            kind: Kind::Literal(memmem::Finder::new(text).into_owned()),
        }))
    }

    /// Returns the pattern as the cells of a screen hold its text; see [`cell_text`].
    #[must_use]
    pub fn composed(self) -> Pattern {
        let source = cell_text(self.source());
        if source == self.source() {
            return self;
        }
        if self.is_literal() {
            Pattern::literal(&source)
        } else {
            Pattern::regex(&source).unwrap_or(self)
        }
    }

    /// Creates a pattern from a regular expression in the syntax of the `regex` crate. Its named
    /// groups are captures.
    ///
    /// # Errors
    /// If it does not parse, is too big, can match the empty text or can never match within a line.
    pub fn regex(source: &str) -> Result<Pattern, PatternError> {
        let hir = regex_syntax::Parser::new()
            .parse(source)
            .map_err(|error| syntax_error(source, &error))?;
        let hir = line_bound(hir);
        match hir.properties().minimum_len() {
            Some(0) => {
                return Err(PatternError {
                    reason: "it matches the empty text, so it would be found everywhere; \
                             write at least one character that has to be there \
                             (such as `+` instead of `*`)"
                        .to_owned(),
                    offset_chars: None,
                });
            }
            Some(_) => {}
            None => {
                return Err(PatternError {
                    reason: "it can never match: one line at a time is searched, \
                             and a line holds no line end"
                        .to_owned(),
                    offset_chars: None,
                });
            }
        }
        let expression = Regex::new(hir.clone()).map_err(build_error)?;
        let mut named = Vec::new();
        named_groups(&hir, &mut named);
        let (names, groups) = named.into_iter().unzip();
        Ok(Pattern(Arc::new(Inner {
            source: source.to_owned(),
            names,
            kind: Kind::Regex(Box::new(Compiled {
                hir,
                groups,
                expression,
                at_end: OnceLock::new(),
            })),
        })))
    }

    /// Returns the names of its groups in their order, which are the captures.
    pub fn names(&self) -> &[Arc<str>] {
        &self.0.names
    }

    /// Returns the text or expression as it was written.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// Returns the pattern as messages show it: `` `text` `` or `/expression/`.
    pub fn describe(&self) -> String {
        self.to_string()
    }

    /// Returns whether this is a literal text.
    pub fn is_literal(&self) -> bool {
        matches!(self.0.kind, Kind::Literal(_))
    }

    /// Returns the first match within `span` of `text`. The text around the span counts for `^`, `$`
    /// and `\b`.
    pub fn find(&self, text: &str, span: Range<usize>) -> Option<Range<usize>> {
        match &self.0.kind {
            Kind::Literal(_) if !self.can_match() => None,
            Kind::Literal(finder) => {
                let start = span.start + finder.find(&text.as_bytes()[span])?;
                Some(start..start + self.0.source.len())
            }
            Kind::Regex(compiled) => Some(compiled.expression.find(text, span)?.range()),
        }
    }

    /// Returns the match in the last `window` bytes of `line` that only blanks follow.
    pub(super) fn find_at_end(&self, line: &str, window: usize) -> Option<Range<usize>> {
        match &self.0.kind {
            Kind::Literal(_) => {
                if !self.can_match() {
                    return None;
                }
                let text = &self.0.source;
                let bare = text.trim_end();
                if bare.is_empty() {
                    return line
                        .ends_with(text.as_str())
                        .then(|| line.len() - text.len()..line.len());
                }
                let start = line.trim_end().len().checked_sub(bare.len())?;
                line.as_bytes()[start..]
                    .starts_with(text.as_bytes())
                    .then(|| start..start + text.len())
            }
            Kind::Regex(compiled) => {
                let at_end = compiled
                    .at_end
                    .get_or_init(|| {
                        let blanks = Hir::repetition(Repetition {
                            min: 0,
                            max: None,
                            greedy: true,
                            sub: Box::new(Hir::class(Class::Unicode(ClassUnicode::new([
                                ClassUnicodeRange::new(' ', ' '),
                                ClassUnicodeRange::new('\t', '\t'),
                            ])))),
                        });
                        let hir =
                            Hir::concat(vec![compiled.hir.clone(), blanks, Hir::look(Look::End)]);
                        Regex::new(hir).ok()
                    })
                    .as_ref()?;
                let mut from = line.len().saturating_sub(window);
                while !line.is_char_boundary(from) {
                    from += 1;
                }
                let found = at_end.find(line, from..line.len())?;
                Some(found.start()..found.end().min(line.trim_end().len()).max(found.start()))
            }
        }
    }

    /// Returns the named groups of the match that begins at `start` and ends at `end` at the latest.
    /// Groups that are empty or took no part are left out.
    pub fn captures(&self, text: &str, start: usize, end: usize) -> Vec<NamedValue> {
        match &self.0.kind {
            Kind::Literal(_) => Vec::new(),
            Kind::Regex(compiled) => {
                let groups = self.groups(compiled, &compiled.expression, text, start..end);
                values(text, groups)
            }
        }
    }

    /// Returns the byte ranges of the named groups of that match.
    pub(super) fn capture_ranges(
        &self,
        text: &str,
        start: usize,
        end: usize,
    ) -> Vec<(Arc<str>, Range<usize>)> {
        let groups = match &self.0.kind {
            Kind::Literal(_) => Vec::new(),
            Kind::Regex(compiled) => self.groups(compiled, &compiled.expression, text, start..end),
        };
        let groups = groups.into_iter();
        groups.map(|(name, at)| (Arc::clone(name), at)).collect()
    }

    /// Returns the named groups of the first match in `text`, which may have many lines.
    pub fn search(&self, text: &str) -> Option<Vec<NamedValue>> {
        let found = self.find(text, 0..text.len())?;
        Some(self.captures(text, found.start, text.len()))
    }

    /// Returns the captures of a match of [`Pattern::find_at_end`].
    pub(super) fn captures_at_end(&self, line: &str, start: usize) -> Vec<NamedValue> {
        values(line, self.groups_at_end(line, start))
    }

    /// Returns whether that match has a capture at the line's end, which more output could extend.
    pub(super) fn might_grow(&self, line: &str, start: usize) -> bool {
        let bare = line.trim_end().len();
        self.groups_at_end(line, start)
            .iter()
            .any(|(_, range)| range.end >= bare)
    }

    fn groups_at_end(&self, line: &str, start: usize) -> Vec<(&Arc<str>, Range<usize>)> {
        match &self.0.kind {
            Kind::Literal(_) => Vec::new(),
            Kind::Regex(compiled) => match compiled.at_end.get() {
                Some(Some(at_end)) => self.groups(compiled, at_end, line, start..line.len()),
                _ => Vec::new(),
            },
        }
    }

    /// Returns the named groups that took part in the match and are not empty.
    fn groups(
        &self,
        compiled: &Compiled,
        expression: &Regex,
        text: &str,
        span: Range<usize>,
    ) -> Vec<(&Arc<str>, Range<usize>)> {
        let Some(last) = compiled.groups.iter().max() else {
            return Vec::new();
        };
        let Some(found) = expression.groups(text, span, last + 1) else {
            return Vec::new();
        };
        let named = self.0.names.iter().zip(&compiled.groups);
        named
            .filter_map(|(name, &group)| {
                let range = found.range(group)?;
                (!range.is_empty()).then_some((name, range))
            })
            .collect()
    }

    /// Returns false for literals that no line can hold.
    pub(super) fn can_match(&self) -> bool {
        match self.0.kind {
            Kind::Literal(_) => !self.0.source.is_empty() && !self.0.source.contains('\n'),
            Kind::Regex(_) => true,
        }
    }

    /// Returns the parsed expression, for combined expressions.
    pub(super) fn hir(&self) -> Hir {
        match &self.0.kind {
            Kind::Literal(_) => Hir::literal(self.0.source.as_bytes()),
            Kind::Regex(compiled) => compiled.hir.clone(),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.kind {
            Kind::Literal(_) => write!(f, "`{}`", self.0.source),
            Kind::Regex(_) => write!(f, "/{}/", self.0.source),
        }
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({self})")
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.is_literal() == other.is_literal() && self.0.source == other.0.source
    }
}

impl Eq for Pattern {}

fn values(text: &str, groups: Vec<(&Arc<str>, Range<usize>)>) -> Vec<NamedValue> {
    groups
        .into_iter()
        .map(|(name, range)| (Arc::clone(name), text[range].into()))
        .collect()
}

/// Collects the named groups of an expression in their order, with their numbers.
fn named_groups(hir: &Hir, named: &mut Vec<(Arc<str>, usize)>) {
    match hir.kind() {
        HirKind::Capture(capture) => {
            let number = usize::try_from(capture.index).unwrap_or(usize::MAX);
            named.extend(capture.name.as_deref().map(|name| (name.into(), number)));
            named_groups(&capture.sub, named);
        }
        HirKind::Repetition(repetition) => named_groups(&repetition.sub, named),
        HirKind::Concat(subs) | HirKind::Alternation(subs) => {
            subs.iter().for_each(|sub| named_groups(sub, named));
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => {}
    }
}

fn syntax_error(source: &str, error: &regex_syntax::Error) -> PatternError {
    let (reason, offset) = match error {
        regex_syntax::Error::Parse(error) => {
            (error.kind().to_string(), Some(error.span().start.offset))
        }
        regex_syntax::Error::Translate(error) => {
            (error.kind().to_string(), Some(error.span().start.offset))
        }
        other => (other.to_string(), None),
    };
    PatternError {
        reason,
        offset_chars: offset
            .and_then(|offset| source.get(..offset))
            .map(|before| before.chars().count()),
    }
}

fn build_error(unfit: RegexError) -> PatternError {
    let reason = match unfit {
        RegexError::TooBig(limit) => format!(
            "it is too big: compiled, it would take more than {limit} bytes; \
             smaller repetition counts help"
        ),
        RegexError::Other(reason) => reason,
    };
    PatternError {
        reason,
        offset_chars: None,
    }
}

/// Binds an expression to single lines: it matches no line end, and the ends of the line count as
/// those of the text. On the text of one line this changes nothing.
fn line_bound(hir: Hir) -> Hir {
    match hir.into_kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) if literal.0.contains(&b'\n') => Hir::fail(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(Class::Unicode(mut class)) => {
            class.difference(&ClassUnicode::new([ClassUnicodeRange::new('\n', '\n')]));
            Hir::class(Class::Unicode(class))
        }
        HirKind::Class(Class::Bytes(mut class)) => {
            class.difference(&ClassBytes::new([ClassBytesRange::new(b'\n', b'\n')]));
            Hir::class(Class::Bytes(class))
        }
        HirKind::Look(look) => Hir::look(match look {
            Look::Start | Look::StartLF | Look::StartCRLF => Look::StartLF,
            Look::End | Look::EndLF | Look::EndCRLF => Look::EndLF,
            other => other,
        }),
        HirKind::Repetition(mut repetition) => {
            repetition.sub = Box::new(line_bound(*repetition.sub));
            Hir::repetition(repetition)
        }
        HirKind::Capture(mut capture) => {
            capture.sub = Box::new(line_bound(*capture.sub));
            Hir::capture(capture)
        }
        HirKind::Concat(subs) => Hir::concat(subs.into_iter().map(line_bound).collect()),
        HirKind::Alternation(subs) => Hir::alternation(subs.into_iter().map(line_bound).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regex(source: &str) -> Pattern {
        Pattern::regex(source).expect("a valid expression")
    }

    #[test]
    fn a_literal_is_taken_as_it_is() {
        let pattern = Pattern::literal("[USER] ID (0-6):");
        let text = "x\n[USER] ID (0-6): ";
        assert_eq!(pattern.find(text, 0..text.len()), Some(2..18));
        assert_eq!(pattern.to_string(), "`[USER] ID (0-6):`");
        assert_eq!(Pattern::literal("").find(text, 0..text.len()), None);
        assert_eq!(Pattern::literal("x\n[").find(text, 0..text.len()), None);
    }

    #[test]
    fn an_expression_stays_within_a_line() {
        let text = "one two\nthree\n";
        let find = |source: &str| regex(source).find(text, 0..text.len()).map(|r| &text[r]);
        assert_eq!(find(r"^three$"), Some("three"));
        assert_eq!(find(r"\Athree\z"), Some("three"));
        assert_eq!(find(r"two\s+three"), None);
        assert_eq!(find(r"o[^x]+"), Some("one two"));
        assert_eq!(find(r"(?s)t.+"), Some("two"));
        assert_eq!(find(r"(?-u:[\n-z])+"), Some("one two"));
    }

    #[test]
    fn refusals_say_where_and_why() {
        let error = Pattern::regex("Zoé (a").unwrap_err();
        assert_eq!(error.reason, "unclosed group");
        assert_eq!(error.offset_chars, Some(4));
        let error = Pattern::regex("a*").unwrap_err();
        assert!(error.to_string().contains("`+` instead of `*`"), "{error}");
        let error = Pattern::regex("a\nb").unwrap_err();
        assert!(error.to_string().contains("never match"), "{error}");
        let error = Pattern::regex(r"(\w{100}){100}").unwrap_err();
        assert!(error.to_string().contains("too big"), "{error}");
    }

    #[test]
    fn captures_are_never_empty() {
        let pattern = regex(r"id: (?<id>\d*)(?<unit>kg)?(?<rest>.*)");
        let names: Vec<&str> = pattern.names().iter().map(|it| &**it).collect();
        assert_eq!(names, ["id", "unit", "rest"]);
        let line = "id: 12!";
        let found = pattern.find(line, 0..line.len()).unwrap();
        assert_eq!(
            pattern.captures(line, found.start, line.len()),
            [("id".into(), "12".into()), ("rest".into(), "!".into())]
        );
    }

    #[test]
    fn the_end_of_a_line_leaves_blanks_aside() {
        let at_end = |pattern: &Pattern, line: &str| pattern.find_at_end(line, 4096);
        let name = Pattern::literal("Name: ");
        assert_eq!(at_end(&name, "Name: "), Some(0..6));
        assert_eq!(at_end(&name, "Name:   "), Some(0..6));
        assert_eq!(at_end(&name, "Name:"), None);
        assert_eq!(at_end(&name, "Name: x"), None);
        assert_eq!(at_end(&Pattern::literal("é?"), "Où é? "), Some(4..7));
        assert!(at_end(&regex(r"\(\d-\d\):"), "Select (0-6): ").is_some());
        assert!(at_end(&regex(r"^Sel.*:"), "Select (0-6): ").is_some());
        assert!(at_end(&regex(r"\(\d-\d\)"), "Select (0-6): ").is_none());
        assert!(at_end(&regex(r"^\("), "Select (").is_none());
    }
}
