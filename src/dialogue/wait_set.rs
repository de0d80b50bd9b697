//! What is listened for: by a turn, and by a role all the time; and what comes of it.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use super::pattern::Pattern;
use super::pattern_set::{Hit, PatternSet};
use crate::model::NamedValue;

/// Where a pattern is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum On {
    /// In the unfinished last line, as a question that waits for its answer.
    Prompt,
    /// In complete lines.
    Line,
}

/// What a turn waits for: one thing, or whichever of several comes first. Cheap to clone.
#[derive(Debug, Clone)]
pub struct WaitSet(Arc<Waits>);

#[derive(Debug)]
pub(super) struct Waits {
    pub(super) listed: Arc<Listed>,
    pub(super) tolerated: Vec<String>,
}

impl WaitSet {
    /// Waits for any of these, told apart by their place in the list. A `fail_on` of a
    /// `tolerated` category is passed over meanwhile.
    ///
    /// An empty list waits for the end of the output.
    pub fn new(waits: &[(On, Pattern)], tolerated: Vec<String>) -> WaitSet {
        WaitSet(Arc::new(Waits {
            listed: Arc::new(Listed::new(waits)),
            tolerated,
        }))
    }

    /// A wait of its own for the same things, with other categories tolerated. Costs much less
    /// than a new one.
    #[must_use]
    pub fn again(&self, tolerated: Vec<String>) -> WaitSet {
        WaitSet(Arc::new(Waits {
            listed: Arc::clone(&self.0.listed),
            tolerated,
        }))
    }

    /// What is waited for, by its place.
    pub fn patterns(&self) -> &[(On, Pattern)] {
        &self.0.listed.all
    }

    pub(super) fn waits(&self) -> &Arc<Waits> {
        &self.0
    }
}

/// What a role listens for during every wait: its failures and its interludes.
#[derive(Debug)]
pub struct RoleMatcher {
    categories: Vec<String>,
    fail_on: PatternSet,
    pub(super) interludes: Listed,
}

impl RoleMatcher {
    /// Watches for failures, by category, and for interludes, told apart by their place.
    pub fn new(fail_on: Vec<(String, Pattern)>, interludes: &[(On, Pattern)]) -> RoleMatcher {
        let (categories, patterns): (Vec<String>, Vec<Pattern>) = fail_on.into_iter().unzip();
        RoleMatcher {
            categories,
            fail_on: PatternSet::new(&patterns),
            interludes: Listed::new(interludes),
        }
    }

    pub(super) fn category(&self, index: usize) -> &str {
        &self.categories[index]
    }

    pub(super) fn has_failures(&self) -> bool {
        !self.fail_on.is_empty()
    }

    /// The first failure within `span` of `text` whose category isn't tolerated.
    pub(super) fn find_failure(
        &self,
        text: &str,
        mut span: Range<usize>,
        tolerated: &[String],
    ) -> Option<Hit> {
        loop {
            let hit = self.fail_on.find(text, span.clone())?;
            if !tolerated.contains(&self.categories[hit.index]) {
                return Some(hit);
            }
            // Another category may be found at the same place, or beside it.
            let line_end = memchr::memchr(b'\n', &text.as_bytes()[hit.range.start..span.end])
                .map_or(span.end, |at| hit.range.start + at);
            let other = self
                .fail_on
                .patterns()
                .iter()
                .enumerate()
                .filter(|(index, _)| !tolerated.contains(&self.categories[*index]))
                .filter_map(|(index, pattern)| {
                    let range = pattern.find(text, span.start..line_end)?;
                    Some(Hit { index, range })
                })
                .min_by_key(|hit| (hit.range.start, hit.index));
            if other.is_some() {
                return other;
            }
            span.start = line_end;
        }
    }
}

/// Patterns by where they are looked for, with their places in the list they came from.
#[derive(Debug)]
pub(super) struct Listed {
    all: Vec<(On, Pattern)>,
    lines: PatternSet,
    line_places: Vec<usize>,
    prompts: PatternSet,
    prompt_places: Vec<usize>,
}

impl Listed {
    fn new(patterns: &[(On, Pattern)]) -> Listed {
        let listed = |wanted: On| {
            let (places, patterns): (Vec<usize>, Vec<Pattern>) = patterns
                .iter()
                .enumerate()
                .filter(|(_, (on, _))| *on == wanted)
                .map(|(place, (_, pattern))| (place, pattern.clone()))
                .unzip();
            (places, PatternSet::new(&patterns))
        };
        let (line_places, lines) = listed(On::Line);
        let (prompt_places, prompts) = listed(On::Prompt);
        Listed {
            all: patterns.to_vec(),
            lines,
            line_places,
            prompts,
            prompt_places,
        }
    }

    pub(super) fn on(&self, on: On) -> &PatternSet {
        match on {
            On::Line => &self.lines,
            On::Prompt => &self.prompts,
        }
    }

    /// The place in the list of the pattern that `hit` is of.
    pub(super) fn place(&self, on: On, hit: &Hit) -> usize {
        match on {
            On::Line => self.line_places[hit.index],
            On::Prompt => self.prompt_places[hit.index],
        }
    }
}

/// What has come of listening. Each `at` is when the last byte of the line arrived that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Nothing that matters. More output or the end of it may change that.
    Nothing,
    /// Nothing yet, but if nothing comes until then, the unfinished line counts as it stands.
    QuietAt(Instant),
    /// The turn's wait is over.
    Wait {
        /// Which of the waits, by its place.
        index: usize,
        at: Instant,
        /// The named groups, none of them empty.
        captures: Vec<NamedValue>,
    },
    /// An interlude is to be answered. The turn's wait goes on.
    Interlude {
        /// Which of the interludes, by its place.
        index: usize,
        at: Instant,
        line: String,
    },
    /// A failure was seen.
    FailOn {
        category: String,
        at: Instant,
        line: String,
    },
    /// All output has ended, and what was waited for isn't in it.
    Ended { at: Instant },
}
