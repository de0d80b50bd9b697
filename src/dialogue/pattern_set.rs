//! Multi-pattern search: several patterns in one pass.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::model::NamedValue;

use super::pattern::Pattern;
use super::regex::Regex;

/// Patterns searched for together: the earliest match wins, at the same place that of the pattern
/// listed first.
///
/// Like a [`Pattern`]'s, a match never goes beyond a line, so a region of many lines may be
/// searched at once. A set of one literal costs next to nothing to build.
#[derive(Debug, Clone)]
pub struct PatternSet {
    patterns: Vec<Pattern>,
    strategy: SearchStrategy,
}

/// Match of one pattern of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Index of the pattern in its set.
    pub index: usize,
    /// Byte range in the text that was searched.
    pub range: Range<usize>,
}

/// Search methods, each with the indices of the patterns that can match at all.
#[derive(Debug, Clone)]
enum SearchStrategy {
    Nothing,
    One(usize),
    Literals(AhoCorasick, Vec<usize>),
    Regex(Box<Regex>, Vec<usize>),
    /// Pattern by pattern, for sets too big to be combined.
    Apart(Vec<usize>),
}

impl PatternSet {
    /// Creates a set of patterns in their order.
    pub fn new(patterns: &[Pattern]) -> PatternSet {
        let places: Vec<usize> = (0..patterns.len())
            .filter(|&place| patterns[place].can_match())
            .collect();
        let strategy = match places.as_slice() {
            [] => SearchStrategy::Nothing,
            [place] => SearchStrategy::One(*place),
            _ => combine(patterns, places),
        };
        PatternSet {
            patterns: patterns.to_vec(),
            strategy,
        }
    }

    /// Returns the patterns in their order.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Returns whether no pattern of the set can match.
    pub fn is_empty(&self) -> bool {
        matches!(self.strategy, SearchStrategy::Nothing)
    }

    /// Returns the first match within `span` of `text`.
    pub fn find(&self, text: &str, span: Range<usize>) -> Option<Hit> {
        match &self.strategy {
            SearchStrategy::Nothing => None,
            SearchStrategy::One(place) => {
                let range = self.patterns[*place].find(text, span)?;
                Some(Hit {
                    index: *place,
                    range,
                })
            }
            SearchStrategy::Literals(automaton, places) => {
                let found = automaton.find(aho_corasick::Input::new(text).span(span))?;
                Some(Hit {
                    index: places[found.pattern().as_usize()],
                    range: found.range(),
                })
            }
            SearchStrategy::Regex(expression, places) => {
                let found = expression.find(text, span)?;
                Some(Hit {
                    index: places[found.pattern().as_usize()],
                    range: found.range(),
                })
            }
            SearchStrategy::Apart(places) => places
                .iter()
                .filter_map(|&index| {
                    let range = self.patterns[index].find(text, span.clone())?;
                    Some(Hit { index, range })
                })
                .min_by_key(|hit| (hit.range.start, hit.index)),
        }
    }

    /// Returns the captures of `hit`. `end` is the end of the line that holds it.
    pub fn captures(&self, text: &str, hit: &Hit, end: usize) -> Vec<NamedValue> {
        self.patterns[hit.index].captures(text, hit.range.start, end)
    }
}

fn combine(patterns: &[Pattern], places: Vec<usize>) -> SearchStrategy {
    if places.iter().all(|&place| patterns[place].is_literal()) {
        let texts = places.iter().map(|&place| patterns[place].source());
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostFirst)
            .build(texts);
        return match automaton {
            Ok(automaton) => SearchStrategy::Literals(automaton, places),
            Err(_) => SearchStrategy::Apart(places),
        };
    }
    let expressions = places.iter().map(|&place| patterns[place].hir()).collect();
    match Regex::many(expressions) {
        Ok(expression) => SearchStrategy::Regex(Box::new(expression), places),
        Err(_) => SearchStrategy::Apart(places),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(sources: &[&str]) -> PatternSet {
        let patterns: Vec<Pattern> = sources
            .iter()
            .map(|source| match source.strip_prefix('/') {
                Some(source) => Pattern::regex(source).unwrap(),
                None => Pattern::literal(source),
            })
            .collect();
        PatternSet::new(&patterns)
    }

    #[test]
    fn the_earliest_wins_then_the_first_listed() {
        let text = "an error: no stock";
        let found = |sources: &[&str]| {
            set(sources)
                .find(text, 0..text.len())
                .map(|hit| (hit.index, &text[hit.range]))
        };
        assert_eq!(found(&["stock", "error"]), Some((1, "error")));
        assert_eq!(found(&["error", "error: no"]), Some((0, "error")));
        assert_eq!(found(&["error: no", "error"]), Some((0, "error: no")));
        assert_eq!(found(&["/e.*", "error"]), Some((0, "error: no stock")));
        assert_eq!(found(&["error", "/e.*"]), Some((0, "error")));
        assert_eq!(found(&["stock", "", "/[a-z]+:"]), Some((2, "error:")));
        assert_eq!(found(&["", "x\n"]), None);
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn captures_are_those_of_the_pattern_that_won() {
        let text = "id=7 name=Zoé";
        let set = set(&[r"/name=(?<name>\S+)", r"/id=(?<id>\d+)"]);
        let hit = set.find(text, 0..text.len()).unwrap();
        assert_eq!(
            set.captures(text, &hit, text.len()),
            [("id".into(), "7".into())]
        );
    }

    const SOURCES: [&str; 9] = [
        "a",
        "ab",
        "b ",
        "é",
        "/a+b",
        "/^b.",
        r"/\bb",
        "/[^a]$",
        r"/(?<x>a|é)\s",
    ];

    proptest! {
        /// One pass over a region finds what looking for each pattern in each line finds.
        #[test]
        fn a_region_is_like_its_lines(
            text in "[abé \n]{0,40}",
            chosen in proptest::collection::vec(0..SOURCES.len(), 0..4),
        ) {
            let sources: Vec<&str> = chosen.iter().map(|&n| SOURCES[n]).collect();
            let set = set(&sources);
            let whole = set.find(&text, 0..text.len());
            let mut start = 0;
            let mut expected = None;
            for line in text.split('\n') {
                expected = set
                    .patterns()
                    .iter()
                    .enumerate()
                    .filter_map(|(index, pattern)| {
                        let range = pattern.find(line, 0..line.len())?;
                        Some(Hit { index, range: range.start + start..range.end + start })
                    })
                    .min_by_key(|hit| (hit.range.start, hit.index));
                if expected.is_some() {
                    break;
                }
                start += line.len() + 1;
            }
            prop_assert_eq!(whole, expected);
        }
    }
}
