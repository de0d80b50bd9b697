//! Errors of row selections.

use std::fmt;

/// Limits for the rows in an error, and for the characters of each.
const SHOWN_ROWS: usize = 20;
const SHOWN_CHARS: usize = 120;

/// Error of a selection that matches no row, or several. Its text shows a limited number of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// The selection, as messages show it.
    wanted: String,
    found: Found,
    /// Advice.
    pub hint: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    /// No row fits.
    Nothing {
        rows: Shown,
        /// Other lines with the wanted text.
        holding: Shown,
    },
    /// Several rows fit.
    Several(Shown),
}

/// The first lines of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    lines: Vec<String>,
    /// Number of lines beyond these.
    more: usize,
}

impl RowError {
    /// None of these rows fits; `holding` are the lines with the wanted text, rows or not.
    pub(super) fn none<'a>(
        wanted: String,
        hint: String,
        rows: &[&str],
        holding: impl Iterator<Item = &'a str>,
    ) -> RowError {
        let holding = holding.filter(|line| !rows.iter().any(|row| row.trim() == line.trim()));
        RowError {
            wanted,
            found: Found::Nothing {
                holding: Shown::new(holding),
                rows: Shown::new(rows.iter().copied()),
            },
            hint,
        }
    }

    /// These rows fit.
    pub(super) fn several<'a>(
        wanted: String,
        rows: impl Iterator<Item = &'a str>,
        hint: &str,
    ) -> RowError {
        RowError {
            wanted,
            found: Found::Several(Shown::new(rows)),
            hint: hint.to_owned(),
        }
    }

    /// Returns whether several rows fit.
    pub fn is_ambiguous(&self) -> bool {
        matches!(self.found, Found::Several(_))
    }
}

impl Shown {
    fn new<'a>(lines: impl Iterator<Item = &'a str>) -> Shown {
        let mut shown = Shown {
            lines: Vec::new(),
            more: 0,
        };
        for line in lines {
            if shown.lines.len() == SHOWN_ROWS {
                shown.more += 1;
            } else {
                shown.lines.push(shorten(line));
            }
        }
        shown
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            write!(f, "\n  {line}")?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = &self.wanted;
        match &self.found {
            Found::Several(rows) => {
                let count = rows.lines.len() + rows.more;
                write!(f, "{count} rows for {wanted}:{rows}")
            }
            Found::Nothing { rows, holding } => {
                write!(f, "no row for {wanted}")?;
                match (holding.lines.is_empty(), rows.lines.is_empty()) {
                    (true, true) => write!(f, ": there are no rows at all"),
                    (true, false) => write!(f, "; the rows are:{rows}"),
                    (false, _) => write!(
                        f,
                        "; its text is in these lines, which are not rows:{holding}"
                    ),
                }
            }
        }
    }
}

impl std::error::Error for RowError {}

fn shorten(row: &str) -> String {
    let row = row.trim();
    match row.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &row[..end]),
        None => row.to_owned(),
    }
}
