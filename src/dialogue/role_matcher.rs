//! Failures and interludes of a role.

use std::ops::Range;

use super::pattern::Pattern;
use super::pattern_set::{Hit, PatternSet};
use super::wait_set::{Awaited, PlacedPatterns};

/// Matcher of a role's failures and interludes, active during every wait.
#[derive(Debug)]
pub struct RoleMatcher {
    categories: Vec<String>,
    fail_on: PatternSet,
    pub(super) interludes: PlacedPatterns,
}

impl RoleMatcher {
    /// Creates a matcher for failures, each with its category, and interludes, identified by index.
    pub fn new(fail_on: Vec<(String, Pattern)>, interludes: &[Awaited]) -> RoleMatcher {
        let (categories, patterns): (Vec<String>, Vec<Pattern>) = fail_on.into_iter().unzip();
        RoleMatcher {
            categories,
            fail_on: PatternSet::new(&patterns),
            interludes: PlacedPatterns::new(interludes),
        }
    }

    pub(super) fn category(&self, index: usize) -> &str {
        &self.categories[index]
    }

    pub(super) fn has_failures(&self) -> bool {
        !self.fail_on.is_empty()
    }

    /// Returns the first failure within `span` of `text` whose category is not tolerated.
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
            // A failure of another category may begin at the same place, or elsewhere in the line.
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
