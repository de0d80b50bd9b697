//! Evidence on a screen: text that the program has drawn since the last reply.

use std::ops::Range;
use std::time::Instant;

use crate::dialogue::pattern::Pattern;
use crate::model::NamedValue;
use crate::terminal::Screen;

use super::shown_line::{LineMatch, ShownLine, lines_of, rows_of};
use super::typed::{TypedCells, TypedText};
use super::wait::{CellPosition, CursorCondition, ScreenContent, ScreenRegion, ScreenWait};

/// Result of judging a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dialogue) enum Judgement {
    /// It does not hold. `near_miss` if its text is there, but is no evidence.
    Unmet { near_miss: Option<NearMiss> },
    /// It holds, by text that was drawn as a whole since the last reply.
    Met(ScreenMatch),
    /// It holds if the screen is complete: a part of its text was there before, or the place of the
    /// cursor counts, which moves while the program draws.
    MetIfSettled(ScreenMatch),
}

/// Reason why a text on the screen is no evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NearMiss {
    /// It was there before the last reply.
    Stale,
    /// It may be what was typed.
    Typed,
    /// It is elsewhere on the screen.
    Elsewhere,
    /// The cursor is elsewhere.
    CursorElsewhere,
    /// The program has stopped in the middle of drawing: within a control sequence, a character, or
    /// a synchronized update.
    Unfinished,
    /// A text that has to go was not there, neither at the last reply nor later.
    NeverShown,
}

/// A condition that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dialogue) struct ScreenMatch {
    /// The moment when the last needed cell was written.
    pub at: Instant,
    pub captures: Vec<NamedValue>,
    /// The row of the match, as text.
    pub row: String,
    /// The cells of the match: its rows, each with its columns. Empty if it has no place.
    pub cells: Vec<(u16, Range<u16>)>,
}

/// Judges a condition on a screen, apart from how long it holds.
///
/// `wait_began` is the beginning of the wait: the moment of a match that was there before. Of several
/// occurrences of a text, the first that was drawn as a whole counts, else the first that counts.
/// [`ScreenContent::Gone`] is judged by what is shown now: that the text was there since the last
/// reply is for the owner of the wait to know, with [`is_shown`].
pub(in crate::dialogue) fn judge(
    wait: &ScreenWait,
    screen: &Screen,
    typed: &TypedText,
    wait_began: Instant,
) -> Judgement {
    let rows = rows_of(screen);
    let lines = lines_of(screen, &rows);
    let text = match &wait.content {
        ScreenContent::Shown(text) => text,
        ScreenContent::Gone(text) => {
            return if find_all(text, &wait.region, &lines).is_empty() {
                judge_cursor(wait, screen, &lines, wait_began)
            } else {
                Judgement::Unmet { near_miss: None }
            };
        }
        ScreenContent::Any => return judge_cursor(wait, screen, &lines, wait_began),
    };
    let found = find_all(text, &wait.region, &lines);
    if found.is_empty() {
        let is_elsewhere = lines.iter().any(|line| line.find(text, 0).is_some());
        return Judgement::Unmet {
            near_miss: is_elsewhere.then_some(NearMiss::Elsewhere),
        };
    }
    let typed_cells = typed.cells(screen, &rows);
    let is_cursor_there = is_cursor_there(wait, screen, &lines);
    let mut settled = None;
    let mut near_miss = None;
    for LineMatch { line, range } in found {
        let line = &lines[line];
        let cells = MatchedCells::count(screen, &typed_cells, line, range.clone());
        let captures = text.capture_ranges(line.text(), range.start, line.text().len());
        let is_echo = |(_, range): &(_, Range<usize>)| {
            let cells = MatchedCells::count(screen, &typed_cells, line, range.clone());
            cells.all > 0 && cells.typed == cells.all
        };
        // Without a place, the program may show what was typed in a title or a status line.
        let end = range.end.min(line.text().len());
        let is_typed = !wait.region.has_place() && typed.last_has(&line.text()[range.start..end]);
        let has_echo = !wait.still && (is_typed || captures.iter().any(is_echo));
        let reason = cells.reason_against(wait.still);
        if let Some(reason) = reason.or(has_echo.then_some(NearMiss::Typed)) {
            near_miss.get_or_insert(reason);
            continue;
        }
        if !is_cursor_there {
            near_miss = Some(NearMiss::CursorElsewhere);
            continue;
        }
        let captures = captures.into_iter();
        let found = ScreenMatch {
            at: cells.newest.unwrap_or(wait_began),
            captures: captures
                .map(|(name, range)| (name, line.text()[range].into()))
                .collect(),
            row: line.text().to_owned(),
            cells: line.cells(&range),
        };
        if wait.cursor.is_none() && cells.evident == cells.all {
            return Judgement::Met(found);
        }
        settled.get_or_insert(found);
    }
    settled.map_or(Judgement::Unmet { near_miss }, Judgement::MetIfSettled)
}

/// Returns whether the text of a condition is within its region, old or new.
pub(in crate::dialogue) fn is_shown(wait: &ScreenWait, screen: &Screen) -> bool {
    let rows = rows_of(screen);
    is_within(wait, &lines_of(screen, &rows))
}

/// Returns whether the text of a condition is within its region on these lines.
pub(super) fn is_within(wait: &ScreenWait, lines: &[ShownLine<'_>]) -> bool {
    match &wait.content {
        ScreenContent::Shown(text) | ScreenContent::Gone(text) => {
            !find_all(text, &wait.region, lines).is_empty()
        }
        ScreenContent::Any => false,
    }
}

/// Numbers of the cells of a match that are not blank.
#[derive(Default)]
struct MatchedCells {
    all: usize,
    typed: usize,
    /// Written since the last reply.
    fresh: usize,
    /// Written since the last reply, and not typed.
    evident: usize,
    newest: Option<Instant>,
}

impl MatchedCells {
    fn count(
        screen: &Screen,
        typed: &TypedCells,
        line: &ShownLine<'_>,
        range: Range<usize>,
    ) -> MatchedCells {
        let mut cells = MatchedCells::default();
        let end = range.end.min(line.text().len());
        let text = line.text().get(range.start..end).unwrap_or_default();
        for (at, character) in text.char_indices() {
            if character.is_whitespace() {
                continue;
            }
            let (index, column) = line.cell_of(range.start + at);
            let is_typed = typed.contains(index, column);
            let written_at = screen.written_at(index, column);
            cells.all += 1;
            cells.typed += usize::from(is_typed);
            cells.fresh += usize::from(written_at.is_some());
            cells.evident += usize::from(written_at.is_some() && !is_typed);
            cells.newest = cells.newest.max(written_at);
        }
        cells
    }

    /// Returns the reason why the match is no evidence, unless it is. `still` if all text is.
    fn reason_against(&self, still: bool) -> Option<NearMiss> {
        if still || self.evident > 0 {
            None
        } else if self.fresh > 0 {
            Some(NearMiss::Typed)
        } else {
            Some(NearMiss::Stale)
        }
    }
}

/// Judges a condition of which only the cursor is left.
fn judge_cursor(
    wait: &ScreenWait,
    screen: &Screen,
    lines: &[ShownLine<'_>],
    wait_began: Instant,
) -> Judgement {
    let reason = if !is_cursor_there(wait, screen, lines) {
        Some(NearMiss::CursorElsewhere)
    } else if !wait.still && !screen.has_changed() {
        Some(NearMiss::Stale)
    } else {
        None
    };
    if reason.is_some() {
        return Judgement::Unmet { near_miss: reason };
    }
    let line = lines.get(usize::from(screen.cursor().row));
    Judgement::MetIfSettled(ScreenMatch {
        at: screen.last_change().max(wait_began),
        captures: Vec::new(),
        row: line.map_or_else(String::new, |line| line.text().to_owned()),
        cells: Vec::new(),
    })
}

fn is_cursor_there(wait: &ScreenWait, screen: &Screen, lines: &[ShownLine<'_>]) -> bool {
    let cursor = screen.cursor();
    match &wait.cursor {
        None => true,
        Some(CursorCondition::At(CellPosition { row, column })) => {
            (cursor.row + 1, cursor.column + 1) == (*row, *column)
        }
        Some(CursorCondition::RightOf(label)) => lines.iter().any(|line| {
            line.find(label, 0).is_some_and(|found| {
                let (row, column) = line.end_of(&found);
                row == cursor.row && column <= cursor.column
            })
        }),
        Some(CursorCondition::Below(label)) => {
            last_row_of(label, lines).is_some_and(|label| label < cursor.row)
        }
    }
}

/// Returns the last row of the first occurrence of a label.
fn last_row_of(label: &Pattern, lines: &[ShownLine<'_>]) -> Option<u16> {
    let last_row = |line: &ShownLine<'_>| Some(line.end_of(&line.find(label, 0)?).0);
    lines.iter().find_map(last_row)
}

/// Returns the occurrences of a text in a region, the top left first.
fn find_all(text: &Pattern, region: &ScreenRegion, lines: &[ShownLine<'_>]) -> Vec<LineMatch> {
    let mut found: Vec<LineMatch> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let matches = find_in_line(text, region, line);
        let crossing = matches.filter(|it| !line.is_wrapped() || line.crosses(it));
        for range in crossing {
            if line.is_wrapped() {
                // What a row shows of it is a part.
                let (begin, end) = (line.cell_of(range.start), line.end_of(&range));
                found.retain(|part| {
                    let own = &lines[part.line];
                    own.end_of(&part.range) <= begin || own.cell_of(part.range.start) >= end
                });
            }
            found.push(LineMatch { line: index, range });
        }
    }
    if let Some(label) = &region.below
        && !found.is_empty()
    {
        let label = last_row_of(label, lines);
        let is_below = |row: u16| label.is_some_and(|label| label < row);
        found.retain(|it| is_below(lines[it.line].cell_of(it.range.start).0));
    }
    if lines.last().is_some_and(ShownLine::is_wrapped) {
        found.sort_by_key(|it| lines[it.line].cell_of(it.range.start));
    }
    found
}

/// Returns the occurrences of a text in a line, as far as its rows and columns are in a region.
fn find_in_line<'a>(
    text: &'a Pattern,
    region: &'a ScreenRegion,
    line: &'a ShownLine<'_>,
) -> impl Iterator<Item = Range<usize>> + 'a {
    let begin = match &region.right_of {
        None => Some(0),
        Some(label) => line.find(label, 0).map(|label| label.end),
    };
    let fixed = region.at.map(|at| find_at(text, line, at));
    let mut from = begin.filter(|_| fixed.is_none());
    let searched = std::iter::from_fn(move || {
        let range = line.find(text, from?)?;
        from = Some(range.end);
        Some(range)
    });
    let at = fixed.flatten().zip(begin);
    let at = at.and_then(|(range, begin)| (range.start >= begin).then_some(range));
    searched.chain(at).filter(|range| {
        let rows = line.cell_of(range.start).0 + 1..=line.end_of(range).0 + 1;
        region
            .rows
            .is_none_or(|it| it.first <= *rows.start() && *rows.end() <= it.last)
    })
}

/// Returns the match that begins at a cell, counted from 1.
fn find_at(text: &Pattern, line: &ShownLine<'_>, at: CellPosition) -> Option<Range<usize>> {
    let cell = (at.row.checked_sub(1)?, at.column.checked_sub(1)?);
    let start = line.byte_of(cell.0, cell.1)?;
    let range = line.find(text, start)?;
    (range.start == start && line.cell_of(start) == cell).then_some(range)
}
