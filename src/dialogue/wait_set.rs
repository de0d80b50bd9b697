//! Waits of a turn: patterns, each for prompts or for complete lines.

use std::sync::Arc;

use super::pattern::Pattern;
use super::pattern_set::{Hit, PatternSet};

/// Part of the output in which a pattern is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum On {
    /// The unfinished last line, such as a question that waits for its answer.
    Prompt,
    /// Complete lines.
    Line,
}

/// Alternatives that a turn waits for, of which the first to appear ends the wait. Cheap to clone.
#[derive(Debug, Clone)]
pub struct WaitSet(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    patterns: Arc<PlacedPatterns>,
    tolerated: Vec<String>,
}

impl WaitSet {
    /// Creates a wait for any of these patterns, identified by their index. Failures of a
    /// `tolerated` category are ignored during the wait.
    ///
    /// An empty list waits for the end of the output.
    pub fn new(waits: &[(On, Pattern)], tolerated: Vec<String>) -> WaitSet {
        WaitSet(Arc::new(Inner {
            patterns: Arc::new(PlacedPatterns::new(waits)),
            tolerated,
        }))
    }

    /// Returns a separate wait for the same patterns with other tolerated categories. Much cheaper
    /// than [`WaitSet::new`], as nothing is compiled.
    #[must_use]
    pub fn again(&self, tolerated: Vec<String>) -> WaitSet {
        WaitSet(Arc::new(Inner {
            patterns: Arc::clone(&self.0.patterns),
            tolerated,
        }))
    }

    /// Returns the patterns, by index.
    pub fn patterns(&self) -> &[(On, Pattern)] {
        &self.0.patterns.all
    }

    pub(super) fn placed(&self) -> &PlacedPatterns {
        &self.0.patterns
    }

    pub(super) fn tolerated(&self) -> &[String] {
        &self.0.tolerated
    }

    /// Returns whether both are clones of one wait.
    pub(super) fn is_same(&self, other: &WaitSet) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Patterns compiled into one set for prompts and one for lines.
#[derive(Debug)]
pub(super) struct PlacedPatterns {
    all: Vec<(On, Pattern)>,
    lines: PatternSet,
    /// Indices in `all` of the patterns in `lines`.
    line_indices: Vec<usize>,
    prompts: PatternSet,
    /// Indices in `all` of the patterns in `prompts`.
    prompt_indices: Vec<usize>,
}

impl PlacedPatterns {
    pub(super) fn new(patterns: &[(On, Pattern)]) -> PlacedPatterns {
        let placed = |wanted: On| {
            let (indices, patterns): (Vec<usize>, Vec<Pattern>) = patterns
                .iter()
                .enumerate()
                .filter(|(_, (on, _))| *on == wanted)
                .map(|(index, (_, pattern))| (index, pattern.clone()))
                .unzip();
            (indices, PatternSet::new(&patterns))
        };
        let (line_indices, lines) = placed(On::Line);
        let (prompt_indices, prompts) = placed(On::Prompt);
        PlacedPatterns {
            all: patterns.to_vec(),
            lines,
            line_indices,
            prompts,
            prompt_indices,
        }
    }

    pub(super) fn on(&self, on: On) -> &PatternSet {
        match on {
            On::Line => &self.lines,
            On::Prompt => &self.prompts,
        }
    }

    /// Returns the index of the matched pattern in the original list.
    pub(super) fn index(&self, on: On, hit: &Hit) -> usize {
        match on {
            On::Line => self.line_indices[hit.index],
            On::Prompt => self.prompt_indices[hit.index],
        }
    }
}
