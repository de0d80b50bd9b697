//! Compiled regular expressions with an ASCII form and a Unicode form.
//!
//! `\d`, `\w`, `\b` and `.` cover all of Unicode, which makes an automaton hundreds of times bigger
//! than ASCII needs: too big for a processor's cache, and slow to compile. Most output of programs is
//! ASCII. So each expression has an ASCII form, which finds the same in ASCII text, and a Unicode
//! form, compiled for the first text that needs it. `benches/dialogue.rs` compares both.

use std::ops::Range;
use std::sync::OnceLock;

use memchr::memmem::Finder;
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Anchored, Input, Match, PatternID, meta};
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look};
use regex_syntax::utf8::Utf8Sequences;

/// Size limit for one compiled expression.
const SIZE_LIMIT_BYTES: usize = 4 << 20;

/// Longest text that is checked for ASCII before a search, so that many searches in one long text
/// take linear time.
const ASCII_CHECK_LIMIT_BYTES: usize = 64 << 10;

/// Shortest literal prefix worth a separate search: shorter ones occur too often.
const SHORTEST_PREFIX_BYTES: usize = 3;

/// Limit for the occurrences of the prefix at which the expression is tried. After that it is
/// searched for in linear time.
const PREFIX_TRIES: usize = 4;

/// Number of groups of a match that need no allocation.
const FEW_GROUPS: usize = 8;

/// Error of an expression that cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RegexError {
    /// Over the size limit, in bytes.
    TooBig(usize),
    Other(String),
}

/// Expressions searched for together. At one place, the first listed wins.
#[derive(Debug, Clone)]
pub(super) struct Regex {
    all: Vec<Hir>,
    ascii: meta::Regex,
    /// Literal prefix of every match, for a single expression that has one.
    prefix: Option<Finder<'static>>,
    /// Number of groups to request where only the match is needed. With one group beside the match
    /// itself, the small automaton that finds all groups is used.
    find_groups: usize,
    /// The Unicode form. `None` inside if it cannot be compiled, which [`Regex::many`] excludes.
    full: OnceLock<Option<meta::Regex>>,
}

impl Regex {
    /// Compiles one expression.
    pub(super) fn new(hir: Hir) -> Result<Regex, RegexError> {
        Regex::many(vec![hir])
    }

    /// Compiles several expressions, identified by their index.
    pub(super) fn many(all: Vec<Hir>) -> Result<Regex, RegexError> {
        if all.iter().map(size_bound).fold(0, usize::saturating_add) > SIZE_LIMIT_BYTES {
            check_size(&all)?;
        }
        let prefix = match all.as_slice() {
            [only] => prefix(only).map(|text| Finder::new(text).into_owned()),
            _ => None,
        };
        let ascii: Vec<Hir> = all.iter().cloned().map(ascii_only).collect();
        let ascii = builder()
            .build_many_from_hir(&ascii)
            .map_err(|error| compile_error(error.size_limit(), &error))?;
        Ok(Regex {
            find_groups: if has_groups(&all) { 2 } else { 1 },
            all,
            ascii,
            prefix,
            full: OnceLock::new(),
        })
    }

    /// Returns the first match within `span` of `text`. The text around the span counts for `^`, `$`
    /// and `\b`.
    pub(super) fn find(&self, text: &str, span: Range<usize>) -> Option<Match> {
        let mut span = span;
        if let Some(prefix) = &self.prefix {
            // Most text does not hold the prefix, and text that does mostly matches there.
            for _ in 0..PREFIX_TRIES {
                span.start += prefix.find(&text.as_bytes()[span.clone()])?;
                let count = self.find_groups;
                let found = self.groups(text, span.clone(), count);
                if let Some(range) = found.and_then(|groups| groups.range(0)) {
                    return Some(Match::new(PatternID::ZERO, range));
                }
                span.start += 1;
            }
            while !text.is_char_boundary(span.start) {
                span.start += 1;
            }
        }
        let regex = self.form_for(text, &span)?;
        regex.search(&Input::new(text).span(span))
    }

    /// Returns the first `count` groups of the match at the start of `span`, the match itself first.
    /// For a single expression only.
    pub(super) fn groups(&self, text: &str, span: Range<usize>, count: usize) -> Option<Groups> {
        let regex = self.form_for(text, &span)?;
        let input = Input::new(text).span(span).anchored(Anchored::Yes);
        let mut groups = Groups::new(count);
        regex.search_slots(&input, groups.slots(count))?;
        Some(groups)
    }

    fn form_for(&self, text: &str, span: &Range<usize>) -> Option<&meta::Regex> {
        // `\b` also depends on the characters beside the span.
        let seen = span.start.saturating_sub(1)..(span.end + 1).min(text.len());
        if seen.len() <= ASCII_CHECK_LIMIT_BYTES && text.as_bytes()[seen].is_ascii() {
            return Some(&self.ascii);
        }
        let full = || builder().build_many_from_hir(&self.all).ok();
        self.full.get_or_init(full).as_ref()
    }
}

/// Positions of the groups of a match.
pub(super) struct Groups {
    few: [Option<NonMaxUsize>; 2 * FEW_GROUPS],
    /// For more than [`FEW_GROUPS`].
    many: Vec<Option<NonMaxUsize>>,
}

impl Groups {
    fn new(count: usize) -> Groups {
        Groups {
            few: [None; 2 * FEW_GROUPS],
            many: if count > FEW_GROUPS {
                vec![None; 2 * count]
            } else {
                Vec::new()
            },
        }
    }

    fn slots(&mut self, count: usize) -> &mut [Option<NonMaxUsize>] {
        if count > FEW_GROUPS {
            &mut self.many
        } else {
            &mut self.few[..2 * count]
        }
    }

    /// Returns the position of a group; `None` if it took no part in the match.
    pub(super) fn range(&self, group: usize) -> Option<Range<usize>> {
        let slots = if self.many.is_empty() {
            self.few.as_slice()
        } else {
            &self.many
        };
        let end = |slot: usize| Some((*slots.get(slot)?)?.get());
        Some(end(2 * group)?..end(2 * group + 1)?)
    }
}

fn has_groups(all: &[Hir]) -> bool {
    all.iter()
        .any(|hir| hir.properties().explicit_captures_len() > 0)
}

/// Returns the literal prefix of every match of an expression, if it is long enough.
fn prefix(hir: &Hir) -> Option<&[u8]> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            (literal.0.len() >= SHORTEST_PREFIX_BYTES).then_some(&literal.0)
        }
        HirKind::Concat(subs) => prefix(subs.first()?),
        HirKind::Capture(capture) => prefix(&capture.sub),
        _ => None,
    }
}

/// Compiles the Unicode form and drops it, so that one over the limit is refused before a run.
fn check_size(all: &[Hir]) -> Result<(), RegexError> {
    for backwards in [false, true] {
        let config = thompson::Config::new()
            .nfa_size_limit(Some(SIZE_LIMIT_BYTES))
            .which_captures(thompson::WhichCaptures::None)
            .reverse(backwards);
        thompson::Compiler::new()
            .configure(config)
            .build_many_from_hir(all)
            .map_err(|error| compile_error(error.size_limit(), &error))?;
    }
    Ok(())
}

/// Returns an upper bound of the Unicode form's size. Compiling it instead would take milliseconds
/// for a few `\d`.
fn size_bound(hir: &Hir) -> usize {
    /// One state of an automaton, with its transitions.
    const STATE_BYTES: usize = 64;
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => STATE_BYTES,
        HirKind::Literal(literal) => (literal.0.len() + 1) * STATE_BYTES,
        HirKind::Class(Class::Bytes(class)) => (class.ranges().len() + 1) * STATE_BYTES,
        HirKind::Class(Class::Unicode(class)) => {
            let sequences = |range: &ClassUnicodeRange| {
                let sequences = Utf8Sequences::new(range.start(), range.end());
                sequences.map(|it| it.len() + 1).sum::<usize>()
            };
            (class.iter().map(sequences).sum::<usize>() + 1) * STATE_BYTES
        }
        HirKind::Repetition(repetition) => {
            let unlimited = repetition.min.saturating_add(1);
            let times = repetition.max.unwrap_or(unlimited).max(1);
            let one = size_bound(&repetition.sub).saturating_add(2 * STATE_BYTES);
            one.saturating_mul(usize::try_from(times).unwrap_or(usize::MAX))
        }
        HirKind::Capture(capture) => size_bound(&capture.sub).saturating_add(2 * STATE_BYTES),
        HirKind::Concat(subs) | HirKind::Alternation(subs) => {
            let subs = subs.iter().map(size_bound);
            subs.fold(STATE_BYTES, |all, one| {
                all.saturating_add(one.saturating_add(STATE_BYTES))
            })
        }
    }
}

fn compile_error(size_limit: Option<usize>, error: &dyn std::error::Error) -> RegexError {
    match size_limit {
        Some(limit) => RegexError::TooBig(limit),
        None => RegexError::Other(error.to_string()),
    }
}

fn builder() -> meta::Builder {
    let mut builder = meta::Regex::builder();
    builder.configure(
        meta::Regex::config()
            .nfa_size_limit(Some(SIZE_LIMIT_BYTES))
            .onepass_size_limit(Some(SIZE_LIMIT_BYTES / 4)),
    );
    builder
}

/// Returns the ASCII form: it finds the same in ASCII text and nothing else.
fn ascii_only(hir: Hir) -> Hir {
    match hir.into_kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(Class::Unicode(mut class)) => {
            class.intersect(&ClassUnicode::new([ClassUnicodeRange::new('\0', '\x7f')]));
            Hir::class(Class::Unicode(class))
        }
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(match look {
            Look::WordUnicode => Look::WordAscii,
            Look::WordUnicodeNegate => Look::WordAsciiNegate,
            Look::WordStartUnicode => Look::WordStartAscii,
            Look::WordEndUnicode => Look::WordEndAscii,
            Look::WordStartHalfUnicode => Look::WordStartHalfAscii,
            Look::WordEndHalfUnicode => Look::WordEndHalfAscii,
            other => other,
        }),
        HirKind::Repetition(mut repetition) => {
            repetition.sub = Box::new(ascii_only(*repetition.sub));
            Hir::repetition(repetition)
        }
        HirKind::Capture(mut capture) => {
            capture.sub = Box::new(ascii_only(*capture.sub));
            Hir::capture(capture)
        }
        HirKind::Concat(subs) => Hir::concat(subs.into_iter().map(ascii_only).collect()),
        HirKind::Alternation(subs) => Hir::alternation(subs.into_iter().map(ascii_only).collect()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn regex(source: &str) -> Regex {
        Regex::new(regex_syntax::parse(source).unwrap()).unwrap()
    }

    /// Returns the match of both forms, and that of the Unicode form alone.
    fn found(source: &str, text: &str, span: Range<usize>) -> [Option<(Range<usize>, usize)>; 2] {
        let both = regex(source);
        let full = builder().build_many_from_hir(&both.all).unwrap();
        let found = both.find(text, span.clone());
        let alone = full.search(&Input::new(text).span(span));
        [found, alone].map(|it| it.map(|it| (it.range(), it.pattern().as_usize())))
    }

    #[test]
    fn text_beyond_ascii_is_searched_with_all_of_unicode() {
        let digits = regex(r"\d+");
        assert_eq!(digits.find("a 12", 0..4).unwrap().range(), 2..4);
        assert!(digits.full.get().is_none());
        assert_eq!(digits.find("a ٣٤", 0..6).unwrap().range(), 2..6);
        assert!(digits.full.get().is_some());
    }

    #[test]
    fn text_beside_the_span_counts() {
        let word = regex(r"\bab\b");
        assert!(word.find("éab", 2..4).is_none());
        assert!(word.find("abé", 0..2).is_none());
        assert!(word.find("-ab-", 1..3).is_some());
    }

    #[test]
    fn groups_are_those_of_the_match() {
        let pair = regex(r"(?<name>\w+)=(?<value>é|\d+)?");
        let groups = pair.groups("x a=12", 2..6, 3).unwrap();
        let all = [0, 1, 2].map(|group| groups.range(group));
        assert_eq!(all, [Some(2..6), Some(2..3), Some(4..6)]);
        let without_value = pair.groups("a=", 0..2, 3).unwrap();
        assert_eq!(without_value.range(2), None);
        assert!(pair.groups("-", 0..1, 3).is_none());
    }

    #[test]
    fn many_groups_keep_their_positions() {
        let many = regex(&"(.)".repeat(20));
        let groups = many
            .groups("abcdefghijklmnopqrstuvwxyz", 1..26, 21)
            .unwrap();
        assert_eq!(groups.range(20), Some(20..21));
        assert_eq!(groups.range(21), None);
    }

    #[test]
    fn the_size_estimate_is_an_upper_bound() {
        /// Size of an automaton beside its states.
        const BESIDE_BYTES: usize = 1024;
        for source in [
            r"a",
            r"\d{3}",
            r"\w+",
            r"(?<n>\w{2,5})?x*",
            r"[^a]|.|(?i)k\b",
            r"^\s*(a|bc|\pL)+$",
            r"((a{3}){4}){5}",
            r"\b{start}\p{Lu}\PL",
        ] {
            let hir = regex_syntax::parse(source).unwrap();
            let takes = [false, true].map(|backwards| {
                let config = thompson::Config::new()
                    .which_captures(thompson::WhichCaptures::None)
                    .reverse(backwards);
                let mut compiler = thompson::Compiler::new();
                let automaton = compiler.configure(config).build_from_hir(&hir);
                automaton.unwrap().memory_usage()
            });
            let takes = takes[0].max(takes[1]);
            let bound = size_bound(&hir) + BESIDE_BYTES;
            assert!(
                takes <= bound && bound < 16 * takes,
                "{source}: {bound}, {takes}"
            );
        }
    }

    #[test]
    fn too_big_is_refused_before_the_run() {
        let nested = "(((((a{99999}){99999}){99999}){99999})+b){4294967295,}";
        for source in [r"\w{900}", nested] {
            let hir = regex_syntax::parse(source).unwrap();
            assert!(matches!(Regex::new(hir), Err(RegexError::TooBig(_))));
        }
    }

    proptest! {
        #[test]
        fn both_forms_find_the_same(
            source in prop::sample::select(vec![
                r"\d+", r"\w+é?", r"\bx\B", r"[^a]b", r"(é|a)+b", r"(?i)k.", r"\b{start}a|\b{end}-",
                r"é", r"a.*b", r"^\s*[\[(]?(?<key>\w+)[\]).:-]\s+(?<label>.+)$", r"\p{Lu}|\PL",
                r"abx*(?<n>\d)", r"(?<n>(xab)1)\b", r"x\.:é",
            ]),
            text in "([abxkK1 .:é\u{212a}٣-]|ab|xab|x\\.:){0,12}",
            cuts in (0_usize..20, 0_usize..20),
        ) {
            let at = |mut place: usize| {
                place = place.min(text.len());
                while !text.is_char_boundary(place) {
                    place += 1;
                }
                place
            };
            let (one, other) = (at(cuts.0), at(cuts.1));
            let [both, full] = found(source, &text, one.min(other)..one.max(other));
            prop_assert_eq!(both, full);
        }
    }
}
