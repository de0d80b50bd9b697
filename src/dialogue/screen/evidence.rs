//! Evidence on a screen: text that the program has drawn since the last reply.

use std::ops::Range;
use std::time::Instant;

use crate::dialogue::pattern::Pattern;
use crate::model::NamedValue;
use crate::terminal::{Screen, ScreenRow};

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
}

/// A condition that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dialogue) struct ScreenMatch {
    /// The moment when the last needed cell was written.
    pub at: Instant,
    pub captures: Vec<NamedValue>,
    /// The row of the match, as text.
    pub row: String,
    /// The cells of the match: its row and its columns.
    pub cells: Option<(u16, Range<u16>)>,
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
    let text = match &wait.content {
        ScreenContent::Shown(text) => text,
        ScreenContent::Gone(text) => {
            return if find_all(text, &wait.region, &rows).is_empty() {
                judge_cursor(wait, screen, &rows, wait_began)
            } else {
                Judgement::Unmet { near_miss: None }
            };
        }
        ScreenContent::Any => return judge_cursor(wait, screen, &rows, wait_began),
    };
    let found = find_all(text, &wait.region, &rows);
    if found.is_empty() {
        let is_elsewhere = rows.iter().any(|row| find(text, row, 0).is_some());
        return Judgement::Unmet {
            near_miss: is_elsewhere.then_some(NearMiss::Elsewhere),
        };
    }
    let typed_cells = typed.cells(screen, &rows);
    let is_cursor_there = is_cursor_there(wait, screen, &rows);
    let mut settled = None;
    let mut near_miss = None;
    for (index, range) in found {
        let row = &rows[usize::from(index)];
        let cells = MatchedCells::count(screen, &typed_cells, index, row, range.clone());
        let captures = text.capture_ranges(row.text(), range.start, row.text().len());
        let is_echo = |(_, range): &(_, Range<usize>)| {
            let cells = MatchedCells::count(screen, &typed_cells, index, row, range.clone());
            cells.all > 0 && cells.typed == cells.all
        };
        // Without a place, the program may show what was typed in a title or a status line.
        let end = range.end.min(row.text().len());
        let is_typed = !wait.region.has_place() && typed.last_has(&row.text()[range.start..end]);
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
                .map(|(name, range)| (name, row.text()[range].into()))
                .collect(),
            row: row.text().to_owned(),
            cells: Some((index, row.column_of(range.start)..end_column(row, &range))),
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
    match &wait.content {
        ScreenContent::Shown(text) | ScreenContent::Gone(text) => {
            !find_all(text, &wait.region, &rows_of(screen)).is_empty()
        }
        ScreenContent::Any => false,
    }
}

/// Returns the rows of a screen, from the top.
fn rows_of(screen: &Screen) -> Vec<ScreenRow> {
    (0..screen.size().rows).map(|row| screen.row(row)).collect()
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
        index: u16,
        row: &ScreenRow,
        range: Range<usize>,
    ) -> MatchedCells {
        let mut cells = MatchedCells::default();
        let end = range.end.min(row.text().len());
        let text = row.text().get(range.start..end).unwrap_or_default();
        for (at, character) in text.char_indices() {
            if character.is_whitespace() {
                continue;
            }
            let column = row.column_of(range.start + at);
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
    rows: &[ScreenRow],
    wait_began: Instant,
) -> Judgement {
    let reason = if !is_cursor_there(wait, screen, rows) {
        Some(NearMiss::CursorElsewhere)
    } else if !wait.still && !screen.has_changed() {
        Some(NearMiss::Stale)
    } else {
        None
    };
    if reason.is_some() {
        return Judgement::Unmet { near_miss: reason };
    }
    let row = rows.get(usize::from(screen.cursor().row));
    Judgement::MetIfSettled(ScreenMatch {
        at: screen.last_change().max(wait_began),
        captures: Vec::new(),
        row: row.map_or_else(String::new, |row| row.text().to_owned()),
        cells: None,
    })
}

fn is_cursor_there(wait: &ScreenWait, screen: &Screen, rows: &[ScreenRow]) -> bool {
    let cursor = screen.cursor();
    match &wait.cursor {
        None => true,
        Some(CursorCondition::At(CellPosition { row, column })) => {
            (cursor.row + 1, cursor.column + 1) == (*row, *column)
        }
        Some(CursorCondition::RightOf(label)) => {
            rows.get(usize::from(cursor.row)).is_some_and(|row| {
                find(label, row, 0).is_some_and(|found| end_column(row, &found) <= cursor.column)
            })
        }
        Some(CursorCondition::Below(label)) => {
            first_row(label, rows).is_some_and(|label| label < usize::from(cursor.row))
        }
    }
}

/// Returns the column behind a match, which may go on into the blanks at the end of its row.
fn end_column(row: &ScreenRow, found: &Range<usize>) -> u16 {
    let beyond = found.end.saturating_sub(row.text().len());
    row.column_of(found.end.min(row.text().len())) + u16::try_from(beyond).unwrap_or(u16::MAX)
}

fn first_row(label: &Pattern, rows: &[ScreenRow]) -> Option<usize> {
    rows.iter().position(|row| find(label, row, 0).is_some())
}

/// Returns the occurrences of a text in a region, the top left first: rows from 0, and bytes in them.
fn find_all(text: &Pattern, region: &ScreenRegion, rows: &[ScreenRow]) -> Vec<(u16, Range<usize>)> {
    let mut found = Vec::new();
    for (index, row) in (0..).zip(rows) {
        let number = index + 1;
        let is_within = region
            .rows
            .is_none_or(|it| (it.first..=it.last).contains(&number));
        let is_at = region.at.is_none_or(|at| at.row == number);
        if !is_within || !is_at || find(text, row, 0).is_none() {
            continue;
        }
        let begin = match &region.right_of {
            None => 0,
            Some(label) => match find(label, row, 0) {
                Some(label) => label.end,
                None => continue,
            },
        };
        if let Some(at) = region.at {
            let range = find_at(text, row, at.column).filter(|range| range.start >= begin);
            found.extend(range.map(|range| (index, range)));
            continue;
        }
        let mut from = begin;
        while let Some(range) = find(text, row, from) {
            from = range.end;
            found.push((index, range));
        }
    }
    if let Some(label) = &region.below
        && !found.is_empty()
    {
        let label = first_row(label, rows);
        found.retain(|(row, _)| label.is_some_and(|label| label < usize::from(*row)));
    }
    found
}

/// Returns the match that begins in a column, counted from 1.
fn find_at(text: &Pattern, row: &ScreenRow, column: u16) -> Option<Range<usize>> {
    let column = column.checked_sub(1)?;
    let start = row.byte_of(column);
    let range = find(text, row, start)?;
    (range.start == start && row.column_of(start) == column).then_some(range)
}

/// Returns the first match in a row from this byte on. A literal text with blanks at its end may go
/// on into the blanks at the end of the row, which are not in the row's text.
fn find(text: &Pattern, row: &ScreenRow, from: usize) -> Option<Range<usize>> {
    let shown = row.text();
    if from > shown.len() {
        return None;
    }
    if text.is_literal() && text.source().ends_with(' ') {
        let blanks = text.source().len() - text.source().trim_end_matches(' ').len();
        let padded = format!("{shown}{:blanks$}", "");
        return text.find(&padded, from..padded.len());
    }
    text.find(shown, from..shown.len())
}
