//! One stream of output: what of it was heard, and what was made of it.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::consumed::{Consumed, Until};
use super::decoder::Decoder;
use super::echo::Maybe;
use super::lines::Lines;
use super::pattern::Pattern;
use super::reply::Echo;
use super::set::{Hit, PatternSet};
use super::watch::{Heard, On, Waits, Watch};
use crate::model::NamedValue;

/// The most text since the last answer that waits and rows can see.
const VISIBLE_BYTES: usize = 1 << 20;
/// The amount that of what was answered already is kept, to be shown when something fails.
const TAIL_BYTES: usize = 8 << 10;
/// The length of an unfinished line's end that is searched while more of it may come.
const PROMPT_WINDOW_BYTES: usize = 4 << 10;

/// The text of one stream, and how far it was listened to. All positions are those of [`Lines`].
#[derive(Debug)]
pub(super) struct OutputStream {
    view: Decoder,
    lines: Lines,
    /// When the output ended, if it has.
    closed: Option<Instant>,
    /// What stands before it was answered and is seen by no wait.
    mark: usize,
    /// The end of what the waits since the last answer have matched.
    furthest: usize,
    /// The same, of complete lines only.
    furthest_line: usize,
    /// Failures and interludes were looked for in the complete lines before.
    watched: usize,
    /// Failures were looked for before, in the unfinished line as well.
    failures_from: usize,
    /// The current wait was looked for before.
    waited: usize,
    taken: Consumed,
    /// The state of the unfinished line, as counted by its changes, whose end was looked at.
    end_seen: Option<u64>,
    /// The same for looking at all of it.
    all_seen: Option<u64>,
    /// What was already given out for the transcript.
    told: usize,
    /// The line in which a wait was heard last.
    heard: Range<usize>,
}

/// What the unfinished line gave.
pub(super) enum Unfinished {
    Nothing,
    /// It counts as it stands when nothing has come until then.
    QuietAt(Instant),
    Heard(Heard),
}

impl OutputStream {
    pub(super) fn new(now: Instant) -> OutputStream {
        OutputStream {
            view: Decoder::new(),
            lines: Lines::new(now),
            closed: None,
            mark: 0,
            furthest: 0,
            furthest_line: 0,
            watched: 0,
            failures_from: 0,
            waited: 0,
            taken: Consumed::default(),
            end_seen: None,
            all_seen: None,
            told: 0,
            heard: 0..0,
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8], at: Instant) {
        self.lines.arriving(at);
        self.view.feed(bytes, &mut self.lines);
        // What a program takes back, as with backspace, nobody has seen.
        let lowest = self.lines.take_lowest();
        if lowest < usize::MAX {
            self.furthest = self.furthest.min(lowest);
            self.furthest_line = self.furthest_line.min(lowest);
            self.failures_from = self.failures_from.min(lowest);
            self.told = self.told.min(lowest);
            self.taken.cut(lowest);
        }
    }

    pub(super) fn close(&mut self, at: Instant) {
        self.lines.arriving(at);
        self.view.finish(&mut self.lines);
        self.closed.get_or_insert(at);
    }

    pub(super) fn closed(&self) -> Option<Instant> {
        self.closed
    }

    pub(super) fn take_answers(&mut self) -> Vec<u8> {
        self.view.take_answers()
    }

    /// A wait begins. `goes_on` if it is the one before once more, and no reply was given since.
    pub(super) fn begin(&mut self, goes_on: bool) {
        let from = self.visible_from();
        self.waited = if goes_on { self.waited.max(from) } else { from };
        self.end_seen = None;
        self.all_seen = None;
    }

    pub(super) fn loop_ends(&mut self) {
        self.taken.loop_ends();
    }

    /// Returns the amount that of the complete lines nobody has looked at yet.
    pub(super) fn unheard_bytes(&self) -> usize {
        self.complete_end() - self.watched.min(self.complete_end())
    }

    /// Looks at the complete lines that the wait hasn't seen yet.
    pub(super) fn hear_lines(
        &mut self,
        watch: &Watch,
        waits: &Waits,
        looped: bool,
    ) -> Option<Heard> {
        let end = self.complete_end();
        if self.waited == end && self.watched >= end {
            return None;
        }
        let wait = self
            .taken
            .find_free(waits.listed.on(On::Line), &self.lines, self.waited..end);
        let mut limit = match &wait {
            Some(hit) => self.lines.line_at(hit.range.start).end,
            None => end,
        };
        self.waited = wait.as_ref().map_or(end, |hit| hit.range.start);
        let interlude = self
            .taken
            .find_free(
                watch.interludes.on(On::Line),
                &self.lines,
                self.watched..limit,
            )
            .filter(|hit| {
                wait.as_ref()
                    .is_none_or(|wait| hit.range.start < wait.range.start)
            });
        if let Some(hit) = &interlude {
            limit = self.lines.line_at(hit.range.start).end;
        }
        if let Some((hit, heard)) = self.failure(watch, self.watched..limit, &waits.tolerated) {
            let line = self.lines.line_at(hit.range.start);
            self.watched = self.watched.max(self.lines.past(line.end));
            return Some(heard);
        }
        if let Some(hit) = interlude {
            self.watched = self.watched.max(hit.range.end);
            return Some(self.interlude(watch, On::Line, hit));
        }
        let Some(hit) = wait else {
            self.watched = self.watched.max(end);
            return None;
        };
        let line = self.lines.line_at(hit.range.start);
        self.watched = self.watched.max(self.lines.past(line.end));
        self.furthest = self.furthest.max(self.lines.past(line.end));
        self.furthest_line = self.furthest;
        let captures = waits.listed.on(On::Line).captures(
            self.lines.text(),
            &Hit {
                index: hit.index,
                range: self.lines.index(hit.range.start)..self.lines.index(hit.range.end),
            },
            self.lines.index(line.end),
        );
        Some(self.wait(waits, On::Line, hit, line, captures, looped))
    }

    /// Looks at the unfinished line, at a moment when there is nothing more to read.
    pub(super) fn hear_unfinished(
        &mut self,
        watch: &Watch,
        waits: &Waits,
        looped: bool,
        now: Instant,
        quiet: Duration,
    ) -> Unfinished {
        let mut line = self.lines.open()..self.lines.end();
        let changes = self.lines.changes();
        if line.is_empty() || self.all_seen == Some(changes) {
            return Unfinished::Nothing;
        }
        let wanted = waits.listed.on(On::Prompt);
        let interludes = watch.interludes.on(On::Prompt);
        if wanted.is_empty() && interludes.is_empty() && !watch.has_failures() {
            return Unfinished::Nothing;
        }
        let mut complete = None;
        let echo = self.lines.maybe_echo();
        let quiet_at = self.lines.changed_at() + quiet;
        if self.closed.is_some() || now >= quiet_at {
            self.all_seen = Some(changes);
            if let Some(Maybe::Whole { from }) = echo {
                line.end = from;
            }
        } else {
            if self.end_seen == Some(changes) {
                return Unfinished::QuietAt(quiet_at);
            }
            self.end_seen = Some(changes);
            if echo.is_some() {
                return Unfinished::QuietAt(quiet_at);
            }
            complete = self.find_complete(&line, wanted);
            if complete.is_none() && self.find_complete(&line, interludes).is_none() {
                return Unfinished::QuietAt(quiet_at);
            }
        }
        match self.hear_prompt(watch, waits, looped, line, complete) {
            Some(heard) => Unfinished::Heard(heard),
            None => Unfinished::Nothing,
        }
    }

    /// The unfinished line counts as it stands, perhaps since it is `complete` with a match of what
    /// is waited for at its end.
    fn hear_prompt(
        &mut self,
        watch: &Watch,
        waits: &Waits,
        looped: bool,
        line: Range<usize>,
        complete: Option<Hit>,
    ) -> Option<Heard> {
        let unwatched = line.start.max(self.watched)..line.end;
        if let Some((hit, heard)) = self.failure(watch, unwatched, &waits.tolerated) {
            self.failures_from = self.failures_from.max(hit.range.end);
            // The rest of the line may still hold something.
            self.all_seen = None;
            self.end_seen = None;
            return Some(heard);
        }
        let find = |set| self.taken.find_free(set, &self.lines, line.clone());
        let wanted = waits.listed.on(On::Prompt);
        let interludes = watch.interludes.on(On::Prompt);
        let is_alone =
            wanted.patterns().len() == 1 && interludes.is_empty() && self.taken.is_empty();
        // Where nothing else can be found, it doesn't matter what stands before the line's end.
        let wait = match &complete {
            Some(hit) if is_alone => Some(hit.clone()),
            _ => find(wanted),
        };
        let interlude = find(interludes).filter(|hit| {
            wait.as_ref()
                .is_none_or(|wait| hit.range.start < wait.range.start)
        });
        if let Some(hit) = interlude {
            self.all_seen = None;
            self.end_seen = None;
            return Some(self.interlude(watch, On::Prompt, hit));
        }
        let mut hit = wait?;
        let pattern = &wanted.patterns()[hit.index];
        let text = self.lines.slice(line.clone());
        // What ends the line is what is asked for now.
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
        self.furthest = self.furthest.max(line.end);
        Some(self.wait(waits, On::Prompt, hit, line, captures, looped))
    }

    /// A reply was given: what the waits before it have seen is over.
    pub(super) fn answered(&mut self) {
        self.mark_up_to(self.furthest);
        // Neither waits nor failures are looked for before it from now on.
        self.lines.forget_arrivals(self.mark);
    }

    /// A reply was given to the other stream: it can't have caused what has come already.
    pub(super) fn answered_elsewhere(&mut self) {
        let end = self.lines.end();
        if self.mark < end {
            let watched = self.watched;
            self.mark_up_to(end);
            // None of it was answered, so failures are still looked for.
            self.watched = watched;
        }
    }

    /// The complete lines up to the last one that a wait has matched are over.
    pub(super) fn set_matched_lines_aside(&mut self) {
        self.mark_up_to(self.furthest_line);
    }

    fn mark_up_to(&mut self, position: usize) {
        let position = position.max(self.lines.base());
        let mark = self.seal(position);
        self.mark = self.mark.max(mark);
        self.furthest = self.mark;
        self.furthest_line = self.mark;
        self.watched = self.watched.max(self.mark);
        self.taken.forget(self.mark);
    }

    /// The interlude that stood at the end of the unfinished line, at `end`, was answered.
    pub(super) fn answered_interlude(&mut self, end: usize) {
        let end = end.min(self.lines.end());
        if end >= self.lines.base() && self.lines.text().is_char_boundary(self.lines.index(end)) {
            self.seal(end);
        }
    }

    /// Makes what follows `position` a line of its own; gives its beginning.
    fn seal(&mut self, position: usize) -> usize {
        let (start, moved) = self.lines.seal(position);
        if moved {
            self.taken.moved(position);
            for cursor in [
                &mut self.mark,
                &mut self.furthest,
                &mut self.furthest_line,
                &mut self.watched,
                &mut self.failures_from,
                &mut self.waited,
                &mut self.told,
            ] {
                if *cursor > position {
                    *cursor += 1;
                }
            }
        }
        start
    }

    /// A new prompt has come since the reply before, so the echo of that came before it or never
    /// will.
    pub(super) fn forget_echoes(&mut self) {
        self.lines.forget_echoes();
    }

    pub(super) fn expect_echo(&mut self, echo: &Echo) {
        // The line before the mark is the prompt that was answered.
        let open = self.lines.open();
        let prompt =
            (self.mark == open && open > self.lines.base()).then(|| self.lines.line_at(open - 1));
        self.lines.expect_echo(echo, prompt);
    }

    /// The line in which a wait was heard last, as far as it is kept.
    pub(super) fn heard_line(&self) -> &str {
        let place = |position: usize| position.saturating_sub(self.lines.base());
        let kept = place(self.heard.start)..place(self.heard.end);
        self.lines.text().get(kept).unwrap_or_default()
    }

    /// The end of the unfinished line.
    pub(super) fn end(&self) -> usize {
        self.lines.end()
    }

    /// The lines since the last answer, with the unfinished one.
    pub(super) fn visible(&self) -> impl Iterator<Item = &str> {
        let end = match self.lines.maybe_echo() {
            Some(Maybe::Whole { from }) => from,
            _ => self.lines.end(),
        };
        let from = self.visible_from();
        let text = self.lines.slice(from..end.max(from));
        text.strip_suffix('\n')
            .unwrap_or(text)
            .split('\n')
            .filter(move |_| !text.is_empty())
    }

    /// Returns the number of bytes since the last answer are not seen any more, being too many.
    pub(super) fn unseen_bytes(&self) -> usize {
        self.visible_from() - self.mark
    }

    /// The text that is kept, answered or not.
    pub(super) fn kept(&self) -> &str {
        self.lines.text()
    }

    /// What came since the last call, complete lines only unless `unfinished`.
    pub(super) fn tell(&mut self, unfinished: bool) -> &str {
        let from = self.told.clamp(self.lines.base(), self.lines.end());
        let end = if unfinished {
            self.lines.end()
        } else {
            self.lines.open()
        };
        self.told = from.max(end);
        self.lines.slice(from..from.max(end))
    }

    /// Drops what nobody can see any more. The first failure in what was never looked at is given
    /// back, by its category.
    pub(super) fn forget(&mut self, watch: &Watch) -> Option<Heard> {
        let mut missed = None;
        if self.unheard_bytes() > VISIBLE_BYTES {
            let heard = self.complete_end() - VISIBLE_BYTES;
            missed = self
                .failure(watch, self.watched..heard, &[])
                .map(|(_, heard)| heard);
            self.watched = heard;
        }
        let visible = self.visible_from();
        let keep = visible.min(self.watched).saturating_sub(TAIL_BYTES);
        self.lines.forget(keep);
        let base = self.lines.base();
        self.taken.forget(base);
        self.waited = self.waited.max(base);
        self.furthest = self.furthest.max(base);
        self.furthest_line = self.furthest_line.max(base);
        missed
    }

    #[cfg(test)]
    pub(super) fn searched_bytes(&self) -> usize {
        self.taken.searched_bytes.get()
    }

    #[cfg(test)]
    pub(super) fn kept_bytes(&self) -> usize {
        self.lines.text().len()
    }

    /// The end of what counts as complete lines.
    fn complete_end(&self) -> usize {
        if self.closed.is_some() {
            self.lines.end()
        } else {
            self.lines.open()
        }
    }

    /// The beginning of the first line that waits can see.
    fn visible_from(&self) -> usize {
        let end = self.lines.end();
        if end - self.mark <= VISIBLE_BYTES {
            return self.mark;
        }
        let limit = end - VISIBLE_BYTES;
        if limit <= self.lines.base() {
            return self.lines.base();
        }
        let rest = &self.lines.text().as_bytes()[self.lines.index(limit) - 1..];
        memchr::memchr(b'\n', rest).map_or(limit, |at| limit + at)
    }

    fn failure(
        &self,
        watch: &Watch,
        span: Range<usize>,
        tolerated: &[String],
    ) -> Option<(Hit, Heard)> {
        let base = self.lines.base();
        let from = span.start.max(self.failures_from).max(base);
        if from >= span.end || !watch.has_failures() {
            return None;
        }
        let hit = watch.find_failure(self.lines.text(), from - base..span.end - base, tolerated)?;
        let hit = Hit {
            index: hit.index,
            range: hit.range.start + base..hit.range.end + base,
        };
        let line = self.lines.line_at(hit.range.start);
        let heard = Heard::FailOn {
            category: watch.category(hit.index).to_owned(),
            at: self.lines.arrival(line.end),
            line: self.lines.slice(line).to_owned(),
        };
        Some((hit, heard))
    }

    fn interlude(&mut self, watch: &Watch, on: On, hit: Hit) -> Heard {
        let line = self.lines.line_at(hit.range.start);
        let heard = Heard::Interlude {
            index: watch.interludes.place(on, &hit),
            at: self.lines.arrival(line.end),
            line: self.lines.slice(line).to_owned(),
        };
        self.taken.take(hit.range, Until::Forever);
        heard
    }

    fn wait(
        &mut self,
        waits: &Waits,
        on: On,
        hit: Hit,
        line: Range<usize>,
        captures: Vec<NamedValue>,
        looped: bool,
    ) -> Heard {
        let heard = Heard::Wait {
            index: waits.listed.place(on, &hit),
            at: self.lines.arrival(line.end),
            captures,
        };
        self.heard = line;
        if looped {
            self.taken.take(hit.range, Until::LoopEnds);
        }
        heard
    }

    /// The first of `set` with which the line is surely complete as a prompt: nothing but blanks
    /// follows its match, and no capture might still grow.
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
        (!self.taken.overlaps(&range)).then_some(range)
    }
}
