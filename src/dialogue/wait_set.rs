//! Waits of a turn: patterns, each for prompts or for complete lines.

use std::sync::Arc;

use std::fmt;

use super::pattern::Pattern;
use super::pattern_set::{Hit, PatternSet};
use super::screen::ScreenWait;

/// Part of the output in which a pattern is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum On {
    /// The unfinished last line, such as a question that waits for its answer.
    Prompt,
    /// Complete lines.
    Line,
}

/// One thing that a turn waits for. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Awaited {
    /// A text in the output.
    Text(On, Pattern),
    /// A condition on the screen.
    Screen(Arc<ScreenWait>),
}

/// Shows a wait in words: "prompt `Password:`", "line /Order ID: (?<order_id>.+)/".
impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Awaited::Text(On::Prompt, pattern) => write!(f, "prompt {pattern}"),
            Awaited::Text(On::Line, pattern) => write!(f, "line {pattern}"),
            Awaited::Screen(wait) => wait.fmt(f),
        }
    }
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
    /// Creates a wait for any of these, identified by their index. Failures of a
    /// `tolerated` category are ignored during the wait.
    ///
    /// An empty list waits for the end of the output.
    pub fn new(waits: &[Awaited], tolerated: Vec<String>) -> WaitSet {
        WaitSet(Arc::new(Inner {
            patterns: Arc::new(PlacedPatterns::new(waits)),
            tolerated,
        }))
    }

    /// Returns a separate wait for the same with other tolerated categories. Much cheaper
    /// than [`WaitSet::new`], as nothing is compiled.
    #[must_use]
    pub fn again(&self, tolerated: Vec<String>) -> WaitSet {
        WaitSet(Arc::new(Inner {
            patterns: Arc::clone(&self.0.patterns),
            tolerated,
        }))
    }

    /// Returns the alternatives, by index.
    pub fn awaited(&self) -> &[Awaited] {
        &self.0.patterns.all
    }

    /// Returns the patterns for prompts and lines.
    pub fn patterns(&self) -> impl Iterator<Item = (On, &Pattern)> {
        self.0.patterns.all.iter().filter_map(|it| match it {
            Awaited::Text(on, pattern) => Some((*on, pattern)),
            Awaited::Screen(_) => None,
        })
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
    all: Vec<Awaited>,
    lines: PatternSet,
    /// Indices in `all` of the patterns in `lines`.
    line_indices: Vec<usize>,
    prompts: PatternSet,
    /// Indices in `all` of the patterns in `prompts`.
    prompt_indices: Vec<usize>,
}

impl PlacedPatterns {
    pub(super) fn new(awaited: &[Awaited]) -> PlacedPatterns {
        let placed = |wanted: On| {
            let (indices, patterns): (Vec<usize>, Vec<Pattern>) = awaited
                .iter()
                .enumerate()
                .filter_map(|(index, awaited)| match awaited {
                    Awaited::Text(on, pattern) if *on == wanted => Some((index, pattern.clone())),
                    Awaited::Text(..) | Awaited::Screen(_) => None,
                })
                .unzip();
            (indices, PatternSet::new(&patterns))
        };
        let (line_indices, lines) = placed(On::Line);
        let (prompt_indices, prompts) = placed(On::Prompt);
        PlacedPatterns {
            all: awaited.to_vec(),
            lines,
            line_indices,
            prompts,
            prompt_indices,
        }
    }

    /// Returns the conditions on the screen, with their indices.
    pub(super) fn screens(&self) -> impl Iterator<Item = (usize, &Arc<ScreenWait>)> {
        let all = self.all.iter().enumerate();
        all.filter_map(|(index, awaited)| match awaited {
            Awaited::Screen(wait) => Some((index, wait)),
            Awaited::Text(..) => None,
        })
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
