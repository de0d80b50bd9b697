//! Search of an output stream for waits, interludes and failures.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::OutputStream;
use crate::dialogue::consumed::Until;
use crate::dialogue::finding::Finding;
use crate::dialogue::pattern::Pattern;
use crate::dialogue::pattern_set::{Hit, PatternSet};
use crate::dialogue::role_matcher::RoleMatcher;
use crate::dialogue::wait_set::{On, WaitSet};
use crate::model::NamedValue;
use crate::terminal::PossibleEcho;

/// Size of the end of an unfinished line that is searched while more of the line may arrive.
const PROMPT_WINDOW_BYTES: usize = 4 << 10;

impl OutputStream {
    /// Searches the complete lines that the wait has not seen.
    pub(in crate::dialogue) fn match_lines(
        &mut self,
        matcher: &RoleMatcher,
        waits: &WaitSet,
        is_loop: bool,
    ) -> Option<Finding> {
        let end = self.complete_end();
        if self.wait_searched_to == end && self.role_searched_to >= end {
            return None;
        }
        let wait = self.find(waits.placed().on(On::Line), self.wait_searched_to..end);
        let mut limit = match &wait {
            Some(hit) => self.lines.line_at(hit.range.start).end,
            None => end,
        };
        self.wait_searched_to = wait.as_ref().map_or(end, |hit| hit.range.start);
        let interlude = self
            .find(
                matcher.interludes.on(On::Line),
                self.role_searched_to..limit,
            )
            .filter(|hit| {
                wait.as_ref()
                    .is_none_or(|wait| hit.range.start < wait.range.start)
            });
        if let Some(hit) = &interlude {
            limit = self.lines.line_at(hit.range.start).end;
        }
        if let Some((hit, finding)) =
            self.failure(matcher, self.role_searched_to..limit, waits.tolerated())
        {
            let line = self.lines.line_at(hit.range.start);
            self.role_searched_to = self.role_searched_to.max(self.lines.past(line.end));
            return Some(finding);
        }
        if let Some(hit) = interlude {
            self.role_searched_to = self.role_searched_to.max(hit.range.end);
            return Some(self.interlude(matcher, On::Line, hit));
        }
        let Some(hit) = wait else {
            self.role_searched_to = self.role_searched_to.max(end);
            return None;
        };
        let line = self.lines.line_at(hit.range.start);
        self.role_searched_to = self.role_searched_to.max(self.lines.past(line.end));
        self.matched_to = self.matched_to.max(self.lines.past(line.end));
        self.matched_lines_to = self.matched_to;
        let captures = waits.placed().on(On::Line).captures(
            self.lines.text(),
            &Hit {
                index: hit.index,
                range: self.lines.index(hit.range.start)..self.lines.index(hit.range.end),
            },
            self.lines.index(line.end),
        );
        Some(self.wait(waits, On::Line, hit, line, captures, is_loop))
    }

    /// Searches the unfinished line. To be called when the reader is drained.
    pub(in crate::dialogue) fn match_unfinished(
        &mut self,
        matcher: &RoleMatcher,
        waits: &WaitSet,
        is_loop: bool,
        now: Instant,
        quiet: Duration,
    ) -> Finding {
        let mut line = self.lines.open()..self.lines.end();
        let changes = self.lines.changes();
        if line.is_empty() || self.line_searched == Some(changes) {
            return Finding::Nothing;
        }
        let wanted = waits.placed().on(On::Prompt);
        let interludes = matcher.interludes.on(On::Prompt);
        if wanted.is_empty() && interludes.is_empty() && !matcher.has_failures() {
            return Finding::Nothing;
        }
        let mut complete = None;
        let echo = self.lines.possible_echo();
        let quiet_at = self.lines.changed_at() + quiet;
        let is_whole = self.closed.is_some() || self.whole == Some(changes);
        if is_whole || now >= quiet_at {
            self.line_searched = Some(changes);
            if let Some(PossibleEcho::Whole { from }) = echo {
                line.end = from;
            }
        } else {
            if self.end_searched == Some(changes) {
                return Finding::QuietAt(quiet_at);
            }
            self.end_searched = Some(changes);
            if echo.is_some() {
                return Finding::QuietAt(quiet_at);
            }
            complete = self.find_complete(&line, wanted);
            if complete.is_none() && self.find_complete(&line, interludes).is_none() {
                return Finding::QuietAt(quiet_at);
            }
        }
        self.match_prompt(matcher, waits, is_loop, line, complete)
            .unwrap_or(Finding::Nothing)
    }

    /// Returns the moment of the last change of the unfinished line, if that line holds anything that
    /// counts as soon as the line is known to be whole.
    pub(in crate::dialogue) fn holds_prompt(
        &mut self,
        matcher: &RoleMatcher,
        waits: &WaitSet,
    ) -> Option<Instant> {
        let changes = self.lines.changes();
        let is_open = self.end_searched == Some(changes)
            && self.line_searched != Some(changes)
            && self.whole != Some(changes)
            && self.lines.possible_echo().is_none();
        if !is_open {
            return None;
        }
        let holds = match self.held {
            Some((searched, holds)) if searched == changes => holds,
            _ => {
                let line = self.lines.open()..self.lines.end();
                let unsearched = line.start.max(self.role_searched_to)..line.end;
                let finds = |set: &PatternSet| self.find(set, line.clone()).is_some();
                finds(waits.placed().on(On::Prompt))
                    || finds(matcher.interludes.on(On::Prompt))
                    || self
                        .failure(matcher, unsearched, waits.tolerated())
                        .is_some()
            }
        };
        self.held = Some((changes, holds));
        holds.then(|| self.lines.changed_at())
    }

    /// Searches the unfinished line as a prompt. `complete` is a match of the wait at its end, if that
    /// is why the line counts.
    fn match_prompt(
        &mut self,
        matcher: &RoleMatcher,
        waits: &WaitSet,
        is_loop: bool,
        line: Range<usize>,
        complete: Option<Hit>,
    ) -> Option<Finding> {
        let unsearched = line.start.max(self.role_searched_to)..line.end;
        if let Some((hit, finding)) = self.failure(matcher, unsearched, waits.tolerated()) {
            self.failures_searched_to = self.failures_searched_to.max(hit.range.end);
            // The rest of the line is still to be searched.
            self.line_searched = None;
            self.end_searched = None;
            return Some(finding);
        }
        let find = |set| self.find(set, line.clone());
        let wanted = waits.placed().on(On::Prompt);
        let interludes = matcher.interludes.on(On::Prompt);
        let is_alone =
            wanted.patterns().len() == 1 && interludes.is_empty() && self.consumed.is_empty();
        // With a single pattern, the text before the match at the line's end does not matter.
        let wait = match &complete {
            Some(hit) if is_alone => Some(hit.clone()),
            _ => find(wanted),
        };
        let interlude = find(interludes).filter(|hit| {
            wait.as_ref()
                .is_none_or(|wait| hit.range.start < wait.range.start)
        });
        if let Some(hit) = interlude {
            self.line_searched = None;
            self.end_searched = None;
            return Some(self.interlude(matcher, On::Prompt, hit));
        }
        let mut hit = wait?;
        let pattern = &wanted.patterns()[hit.index];
        let text = self.lines.slice(line.clone());
        // Of several matches of the pattern, the one at the line's end is the current question.
        let at_end = match complete {
            Some(complete) if complete.index == hit.index => Some(complete.range),
            _ => self.match_at_end(&line, pattern),
        };
        let captures = if let Some(at_end) = at_end {
            hit.range = at_end;
            pattern.captures_at_end(text, hit.range.start - line.start)
        } else {
            pattern.captures(text, hit.range.start - line.start, text.len())
        };
        self.matched_to = self.matched_to.max(line.end);
        Some(self.wait(waits, On::Prompt, hit, line, captures, is_loop))
    }

    pub(super) fn failure(
        &self,
        matcher: &RoleMatcher,
        span: Range<usize>,
        tolerated: &[String],
    ) -> Option<(Hit, Finding)> {
        let base = self.lines.base();
        let mut from = span.start.max(self.failures_searched_to).max(base);
        if !matcher.has_failures() {
            return None;
        }
        let hit = loop {
            if from >= span.end {
                return None;
            }
            let hit =
                matcher.find_failure(self.lines.text(), from - base..span.end - base, tolerated)?;
            let range = hit.range.start + base..hit.range.end + base;
            if !self.lines.is_typed(&range, Vec::new) {
                break Hit { range, ..hit };
            }
            from = self.after_char(range.start);
        };
        let line = self.lines.line_at(hit.range.start);
        let finding = Finding::FailOn {
            category: matcher.category(hit.index).to_owned(),
            at: self.lines.arrival(line.end),
            line: self.lines.slice(line).to_owned(),
        };
        Some((hit, finding))
    }

    fn interlude(&mut self, matcher: &RoleMatcher, on: On, hit: Hit) -> Finding {
        let line = self.lines.line_at(hit.range.start);
        let finding = Finding::Interlude {
            index: matcher.interludes.index(on, &hit),
            at: self.lines.arrival(line.end),
            line: self.lines.slice(line).to_owned(),
        };
        self.consumed.consume(hit.range, Until::Forever);
        finding
    }

    fn wait(
        &mut self,
        waits: &WaitSet,
        on: On,
        hit: Hit,
        line: Range<usize>,
        captures: Vec<NamedValue>,
        is_loop: bool,
    ) -> Finding {
        let finding = Finding::Wait {
            index: waits.placed().index(on, &hit),
            at: self.lines.arrival(line.end),
            captures,
        };
        self.matched_line = line;
        if is_loop {
            self.consumed.consume(hit.range, Until::LoopEnds);
        }
        finding
    }

    /// Returns the first match within `span` that is evidence: not consumed, and not typed.
    fn find(&self, set: &PatternSet, mut span: Range<usize>) -> Option<Hit> {
        loop {
            let hit = self
                .consumed
                .find_unconsumed(set, &self.lines, span.clone())?;
            if !self.is_typed(&set.patterns()[hit.index], &hit.range) {
                return Some(hit);
            }
            span.start = self.after_char(hit.range.start);
        }
    }

    /// Returns whether a match may be what was typed. Then it is no evidence.
    fn is_typed(&self, pattern: &Pattern, range: &Range<usize>) -> bool {
        let captures = || {
            let line = self.lines.line_at(range.start);
            let text = self.lines.slice(line.clone());
            let captures = pattern.captures(text, range.start - line.start, text.len());
            captures
                .into_iter()
                .map(|(_, value)| value.as_ref().to_owned())
                .collect()
        };
        let is_typed = self.lines.is_typed(range, captures);
        if is_typed {
            self.typed_match
                .get_or_init(|| self.lines.slice(range.clone()).to_owned());
        }
        is_typed
    }

    /// Returns the position after the character at `position`.
    fn after_char(&self, position: usize) -> usize {
        let rest = &self.lines.text()[self.lines.index(position)..];
        position + rest.chars().next().map_or(1, char::len_utf8)
    }

    /// Returns the first match of `set` that makes the line a complete prompt: only blanks follow it,
    /// and no capture could still extend.
    fn find_complete(&self, line: &Range<usize>, set: &PatternSet) -> Option<Hit> {
        let patterns = set.patterns().iter().enumerate();
        patterns
            .filter_map(|(index, pattern)| {
                let range = self.match_at_end(line, pattern)?;
                let text = self.lines.slice(line.clone());
                (!pattern.might_grow(text, range.start - line.start))
                    .then_some(Hit { index, range })
            })
            .next()
    }

    fn match_at_end(&self, line: &Range<usize>, pattern: &Pattern) -> Option<Range<usize>> {
        let text = self.lines.slice(line.clone());
        let found = pattern.find_at_end(text, PROMPT_WINDOW_BYTES)?;
        let range = line.start + found.start..line.start + found.end;
        (!self.consumed.overlaps(&range) && !self.is_typed(pattern, &range)).then_some(range)
    }
}
