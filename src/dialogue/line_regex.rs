//! Compiled regular expressions that are quick where the text is ASCII.
//!
//! `\d`, `\w`, `\b` and `.` know all of Unicode, which makes an automaton hundreds of times bigger
//! than ASCII needs: too big for a processor's cache, and slow to compile. Most of what programs
//! say is ASCII. So each expression has two forms that find the same in ASCII text: one that knows
//! nothing else, and one for the rest, made when the first text comes that needs it.

use std::ops::Range;
use std::sync::OnceLock;

use memchr::memmem::Finder;
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Anchored, Input, Match, PatternID, meta};
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look};
use regex_syntax::utf8::Utf8Sequences;

/// The most that one compiled expression may take.
const SIZE_LIMIT_BYTES: usize = 4 << 20;

/// Of more text than this it is not looked at first whether it is ASCII, so that many searches in
/// one long text take linear time.
const LONGEST_LOOKED_AT_BYTES: usize = 64 << 10;

/// Shorter beginnings are found too often to be worth a look.
const LEAST_BEGINNING_BYTES: usize = 3;

/// At how many places at most the one expression is tried where it may begin. After that it is
/// searched for, in linear time.
const MOST_TRIES: usize = 4;

/// So many groups of a match are told of without any memory being asked for.
const FEW_GROUPS: usize = 8;

/// The reason why an expression cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It would take more bytes than this.
    TooBig(usize),
    Other(String),
}

/// Expressions that are searched for together. Those listed first win where several match at one
/// place.
#[derive(Debug, Clone)]
pub(super) struct LineRegex {
    all: Vec<Hir>,
    ascii: meta::Regex,
    /// What every match begins with, where there is only one expression and it says so.
    beginning: Option<Finder<'static>>,
    /// The number of groups that are asked for where only the match is wanted. With one group
    /// beside the
    /// match itself, what looks for it is the same small automaton that looks for all groups.
    count_to_find: usize,
    /// `None` inside if it cannot be compiled, which [`LineRegex::many`] has ruled out.
    full: OnceLock<Option<meta::Regex>>,
}

impl LineRegex {
    /// One expression.
    pub(super) fn new(hir: Hir) -> Result<LineRegex, Unfit> {
        LineRegex::many(vec![hir])
    }

    /// Several expressions, told apart by their place in the list.
    pub(super) fn many(all: Vec<Hir>) -> Result<LineRegex, Unfit> {
        if all.iter().map(most_bytes).fold(0, usize::saturating_add) > SIZE_LIMIT_BYTES {
            fit_as_a_whole(&all)?;
        }
        let beginning = match all.as_slice() {
            [only] => beginning(only).map(|text| Finder::new(text).into_owned()),
            _ => None,
        };
        let ascii: Vec<Hir> = all.iter().cloned().map(ascii_only).collect();
        let ascii = builder()
            .build_many_from_hir(&ascii)
            .map_err(|error| unfit(error.size_limit(), &error))?;
        Ok(LineRegex {
            count_to_find: if has_groups(&all) { 2 } else { 1 },
            all,
            ascii,
            beginning,
            full: OnceLock::new(),
        })
    }

    /// The first match that lies within `span` of `text`. What stands around the span counts for
    /// `^`, `$` and `\b`.
    pub(super) fn find(&self, text: &str, span: Range<usize>) -> Option<Match> {
        let mut span = span;
        if let Some(beginning) = &self.beginning {
            // Most text holds no beginning, and what holds one mostly matches there.
            for _ in 0..MOST_TRIES {
                span.start += beginning.find(&text.as_bytes()[span.clone()])?;
                let count = self.count_to_find;
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

    /// The first `count` groups of the match that begins where `span` does, of which the first is
    /// the match itself. For one expression only.
    pub(super) fn groups(&self, text: &str, span: Range<usize>, count: usize) -> Option<Groups> {
        let regex = self.form_for(text, &span)?;
        let input = Input::new(text).span(span).anchored(Anchored::Yes);
        let mut groups = Groups::new(count);
        regex.search_slots(&input, groups.slots(count))?;
        Some(groups)
    }

    fn form_for(&self, text: &str, span: &Range<usize>) -> Option<&meta::Regex> {
        // `\b` looks at what stands beside the span, too.
        let seen = span.start.saturating_sub(1)..(span.end + 1).min(text.len());
        if seen.len() <= LONGEST_LOOKED_AT_BYTES && text.as_bytes()[seen].is_ascii() {
            return Some(&self.ascii);
        }
        let full = || builder().build_many_from_hir(&self.all).ok();
        self.full.get_or_init(full).as_ref()
    }
}

/// Where the groups of a match lie.
pub(super) struct Groups {
    few: [Option<NonMaxUsize>; 2 * FEW_GROUPS],
    /// If there are more.
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

    /// Where a group lies; `None` if it took no part in the match.
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

/// The text that every match of an expression begins with, if it is long enough to look for.
fn beginning(hir: &Hir) -> Option<&[u8]> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            (literal.0.len() >= LEAST_BEGINNING_BYTES).then_some(&literal.0)
        }
        HirKind::Concat(subs) => beginning(subs.first()?),
        HirKind::Capture(capture) => beginning(&capture.sub),
        _ => None,
    }
}

/// Compiles the expressions with all of Unicode and throws the result away: what goes beyond the
/// limit there is not to fail in the middle of a run.
fn fit_as_a_whole(all: &[Hir]) -> Result<(), Unfit> {
    for backwards in [false, true] {
        let config = thompson::Config::new()
            .nfa_size_limit(Some(SIZE_LIMIT_BYTES))
            .which_captures(thompson::WhichCaptures::None)
            .reverse(backwards);
        thompson::Compiler::new()
            .configure(config)
            .build_many_from_hir(all)
            .map_err(|error| unfit(error.size_limit(), &error))?;
    }
    Ok(())
}

/// More than an expression takes with all of Unicode, told without compiling it: that takes
/// milliseconds for a few `\d`.
fn most_bytes(hir: &Hir) -> usize {
    /// One state of an automaton, with what leads out of it.
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
            let one = most_bytes(&repetition.sub).saturating_add(2 * STATE_BYTES);
            one.saturating_mul(usize::try_from(times).unwrap_or(usize::MAX))
        }
        HirKind::Capture(capture) => most_bytes(&capture.sub).saturating_add(2 * STATE_BYTES),
        HirKind::Concat(subs) | HirKind::Alternation(subs) => {
            let subs = subs.iter().map(most_bytes);
            subs.fold(STATE_BYTES, |all, one| {
                all.saturating_add(one.saturating_add(STATE_BYTES))
            })
        }
    }
}

fn unfit(size_limit: Option<usize>, error: &dyn std::error::Error) -> Unfit {
    match size_limit {
        Some(limit) => Unfit::TooBig(limit),
        None => Unfit::Other(error.to_string()),
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

/// An expression that finds the same in ASCII text, and knows nothing else.
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

    fn expression(source: &str) -> LineRegex {
        LineRegex::new(regex_syntax::parse(source).unwrap()).unwrap()
    }

    /// What both forms find, and what the full one alone finds.
    fn found(source: &str, text: &str, span: Range<usize>) -> [Option<(Range<usize>, usize)>; 2] {
        let both = expression(source);
        let full = builder().build_many_from_hir(&both.all).unwrap();
        let found = both.find(text, span.clone());
        let alone = full.search(&Input::new(text).span(span));
        [found, alone].map(|it| it.map(|it| (it.range(), it.pattern().as_usize())))
    }

    #[test]
    fn text_beyond_ascii_is_searched_with_all_of_unicode() {
        let digits = expression(r"\d+");
        assert_eq!(digits.find("a 12", 0..4).unwrap().range(), 2..4);
        assert!(digits.full.get().is_none());
        assert_eq!(digits.find("a ٣٤", 0..6).unwrap().range(), 2..6);
        assert!(digits.full.get().is_some());
    }

    #[test]
    fn what_stands_beside_the_span_counts() {
        let word = expression(r"\bab\b");
        assert!(word.find("éab", 2..4).is_none());
        assert!(word.find("abé", 0..2).is_none());
        assert!(word.find("-ab-", 1..3).is_some());
    }

    #[test]
    fn groups_are_those_of_the_match() {
        let pair = expression(r"(?<name>\w+)=(?<value>é|\d+)?");
        let groups = pair.groups("x a=12", 2..6, 3).unwrap();
        let all = [0, 1, 2].map(|group| groups.range(group));
        assert_eq!(all, [Some(2..6), Some(2..3), Some(4..6)]);
        let without_value = pair.groups("a=", 0..2, 3).unwrap();
        assert_eq!(without_value.range(2), None);
        assert!(pair.groups("-", 0..1, 3).is_none());
    }

    #[test]
    fn of_many_groups_each_has_its_place() {
        let many = expression(&"(.)".repeat(20));
        let groups = many
            .groups("abcdefghijklmnopqrstuvwxyz", 1..26, 21)
            .unwrap();
        assert_eq!(groups.range(20), Some(20..21));
        assert_eq!(groups.range(21), None);
    }

    #[test]
    fn what_an_expression_takes_at_most_is_not_underestimated() {
        /// What an automaton takes beside its states.
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
            let most = most_bytes(&hir) + BESIDE_BYTES;
            assert!(
                takes <= most && most < 16 * takes,
                "{source}: {most}, {takes}"
            );
        }
    }

    #[test]
    fn too_big_is_refused_before_the_run() {
        let nested = "(((((a{99999}){99999}){99999}){99999})+b){4294967295,}";
        for source in [r"\w{900}", nested] {
            let hir = regex_syntax::parse(source).unwrap();
            assert!(matches!(LineRegex::new(hir), Err(Unfit::TooBig(_))));
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
