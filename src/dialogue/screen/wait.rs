//! Conditions on the content of a screen.

use std::fmt;
use std::time::Duration;

use crate::dialogue::pattern::Pattern;

/// Condition on a screen: a text that is shown or gone, its region, and the cursor. `P` is the form
/// of its patterns: with placeholders in a plan, resolved in a wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenWait<P = Pattern> {
    pub content: ScreenContent<P>,
    pub region: ScreenRegion<P>,
    pub cursor: Option<CursorCondition<P>>,
    /// The time for which the condition has to hold.
    pub holds: Option<Duration>,
    /// True if text that was there before the last reply counts as well.
    pub still: bool,
    pub judging: Judging,
}

/// The part of a condition that concerns text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScreenContent<P = Pattern> {
    Shown(P),
    /// The text was there since the last reply, and is not any more.
    Gone(P),
    /// Only the cursor counts.
    Any,
}

/// The region in which a text is searched. All of its parts must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenRegion<P = Pattern> {
    /// The cell at which the text begins.
    pub at: Option<CellPosition>,
    pub rows: Option<RowRange>,
    /// A text in a row above.
    pub below: Option<P>,
    /// A text before it in its row.
    pub right_of: Option<P>,
}

impl<P> Default for ScreenRegion<P> {
    fn default() -> Self {
        ScreenRegion {
            at: None,
            rows: None,
            below: None,
            right_of: None,
        }
    }
}

impl<P> ScreenRegion<P> {
    /// Returns whether it names a place, by a cell or by a text beside it.
    pub(super) fn has_place(&self) -> bool {
        self.at.is_some() || self.below.is_some() || self.right_of.is_some()
    }
}

/// The place of the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CursorCondition<P = Pattern> {
    At(CellPosition),
    /// In the row of this text, behind it.
    RightOf(P),
    /// In a row below this text.
    Below(P),
}

/// A cell of a screen, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellPosition {
    pub row: u16,
    pub column: u16,
}

/// Rows of a screen, counted from 1, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowRange {
    pub first: u16,
    pub last: u16,
}

/// The moments at which a condition is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judging {
    /// After every operation on the screen, so that a text that is shown for a moment only counts.
    Drawn,
    /// Once the program has drawn all of its screen: before a reply, or for captures.
    Settled,
}

impl<P> ScreenWait<P> {
    /// Returns the condition with its patterns in another form.
    ///
    /// # Errors
    /// The first error of `map`.
    pub fn try_map<Q, E>(
        &self,
        mut map: impl FnMut(&P) -> Result<Q, E>,
    ) -> Result<ScreenWait<Q>, E> {
        let content = match &self.content {
            ScreenContent::Shown(text) => ScreenContent::Shown(map(text)?),
            ScreenContent::Gone(text) => ScreenContent::Gone(map(text)?),
            ScreenContent::Any => ScreenContent::Any,
        };
        let region = ScreenRegion {
            at: self.region.at,
            rows: self.region.rows,
            below: self.region.below.as_ref().map(&mut map).transpose()?,
            right_of: self.region.right_of.as_ref().map(&mut map).transpose()?,
        };
        let cursor = match &self.cursor {
            None => None,
            Some(CursorCondition::At(cell)) => Some(CursorCondition::At(*cell)),
            Some(CursorCondition::RightOf(label)) => Some(CursorCondition::RightOf(map(label)?)),
            Some(CursorCondition::Below(label)) => Some(CursorCondition::Below(map(label)?)),
        };
        Ok(ScreenWait {
            content,
            region,
            cursor,
            holds: self.holds,
            still: self.still,
            judging: self.judging,
        })
    }

    /// Returns the patterns, the text first.
    pub fn patterns(&self) -> impl Iterator<Item = &P> {
        let content = match &self.content {
            ScreenContent::Shown(text) | ScreenContent::Gone(text) => Some(text),
            ScreenContent::Any => None,
        };
        let cursor = match &self.cursor {
            Some(CursorCondition::RightOf(label) | CursorCondition::Below(label)) => Some(label),
            Some(CursorCondition::At(_)) | None => None,
        };
        let region = [&self.region.below, &self.region.right_of];
        let region = region.into_iter().flatten();
        content.into_iter().chain(region).chain(cursor)
    }
}

/// Shows a condition in words: "`Total` on the screen, right of `Sum:`".
impl<P: fmt::Display> fmt::Display for ScreenWait<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            ScreenContent::Shown(text) => write!(f, "{text} on the screen")?,
            ScreenContent::Gone(text) => write!(f, "{text} gone from the screen")?,
            ScreenContent::Any => f.write_str("the cursor")?,
        }
        let region = &self.region;
        if let Some(CellPosition { row, column }) = region.at {
            write!(f, ", at row {row}, column {column}")?;
        }
        if let Some(RowRange { first, last }) = region.rows {
            write!(f, ", in rows {first}..{last}")?;
        }
        if let Some(label) = &region.below {
            write!(f, ", below {label}")?;
        }
        if let Some(label) = &region.right_of {
            write!(f, ", right of {label}")?;
        }
        let with = match self.content {
            ScreenContent::Any => "",
            _ => ", with the cursor",
        };
        match &self.cursor {
            Some(CursorCondition::At(CellPosition { row, column })) => {
                write!(f, "{with} at row {row}, column {column}")?;
            }
            Some(CursorCondition::RightOf(label)) => write!(f, "{with} right of {label}")?,
            Some(CursorCondition::Below(label)) => write!(f, "{with} below {label}")?,
            None => {}
        }
        if let Some(length) = self.holds {
            write!(f, ", for {}", humantime::format_duration(length))?;
        }
        Ok(())
    }
}
