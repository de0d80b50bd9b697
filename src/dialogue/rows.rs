//! Menu rows: the selection of a row by its label or values.

mod error;
mod memory;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use super::pattern::Pattern;

pub use error::RowError;
pub use memory::{ShownBefore, ShownRows};

/// Row format of a menu: the key to type and the label to read.
#[derive(Debug, Clone, Default)]
pub struct RowFormat {
    /// `None` for the default.
    own: Option<Pattern>,
}

/// Default formats. Compiled at their first use, as most scenarios select no rows.
static MARKED: LazyLock<Pattern> = LazyLock::new(|| built_in(RowFormat::MARKED));
static NUMBERED: LazyLock<Pattern> = LazyLock::new(|| built_in(RowFormat::NUMBERED));

fn built_in(expression: &str) -> Pattern {
    Pattern::regex(expression).unwrap_or_else(|error| unreachable!("the default format: {error}"))
}

/// Error of an expression that cannot describe rows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a row's expression needs the named groups `key` and `label`; `{missing}` is missing")]
pub struct RowFormatError {
    pub missing: &'static str,
}

impl RowFormat {
    /// Row with a mark after its key: `1. Label`, `2) Label`, `[3] Label`, `q: Label`.
    pub const MARKED: &str = r"^\s*[\[(]?(?<key>\w+)[\]).:-]\s+(?<label>.+)$";

    /// Row of a listing: a number, blanks and the label. A sentence may begin like that, too, so
    /// marked rows come first.
    pub const NUMBERED: &str = r"^\s*(?<key>\d+)\s+(?<label>\S.*)$";

    /// Creates a row format. `pattern` must have the named groups `key` and `label`.
    pub fn new(pattern: Pattern) -> Result<RowFormat, RowFormatError> {
        for missing in ["key", "label"] {
            if !pattern.names().iter().any(|name| **name == *missing) {
                return Err(RowFormatError { missing });
            }
        }
        Ok(RowFormat { own: Some(pattern) })
    }

    /// Returns the format that a role has in place of the default.
    pub fn own(&self) -> Option<&Pattern> {
        self.own.as_ref()
    }

    /// Compiles the default formats ahead of their first use, which would otherwise wait for it.
    pub fn prepare() {
        LazyLock::force(&MARKED);
        LazyLock::force(&NUMBERED);
    }

    /// Returns the form of a row, for messages.
    fn describe(&self) -> String {
        match &self.own {
            Some(own) => format!("a row has to match {own}, the `menu.row` of the role"),
            None => "a row is a line like `1. Label`, `2) Label`, `[3] Label`, `4: Label` or `5   \
                     Label`; for another form write `menu: {row: '/^(?<key>…) (?<label>…)$/'}` in \
                     the role"
                .to_owned(),
        }
    }

    fn rows<'a>(&self, lines: &[&'a str]) -> Rows<'a> {
        let first = self.own.as_ref().unwrap_or_else(|| &MARKED);
        let mut rows = Rows::default();
        for line in lines {
            if let Some(row) = row(first, line) {
                rows.marked.push(row);
            } else if self.own.is_none()
                && let Some(row) = row(&NUMBERED, line)
            {
                rows.numbered.push(row);
            }
        }
        rows
    }
}

fn row<'a>(pattern: &Pattern, line: &'a str) -> Option<Row<'a>> {
    let found = pattern.find(line, 0..line.len())?;
    let mut key = None;
    let mut label = None;
    for (name, value) in pattern.captures(line, found.start, line.len()) {
        match &*name {
            "key" => key = Some(value.as_ref().to_owned()),
            "label" => label = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    Some(Row {
        key: key?,
        label: label?,
        line: line.trim(),
    })
}

#[derive(Debug)]
struct Row<'a> {
    key: String,
    label: String,
    line: &'a str,
}

/// Rows of an output.
#[derive(Debug, Default)]
struct Rows<'a> {
    /// Rows in the role's own format, or with a mark after the key.
    marked: Vec<Row<'a>>,
    /// Rows of a listing that has no marks.
    numbered: Vec<Row<'a>>,
}

impl<'a> Rows<'a> {
    /// Returns the distinct rows that fit: marked ones, otherwise numbered ones.
    fn find(&self, fits: impl Fn(&Row<'a>) -> bool) -> Vec<&Row<'a>> {
        let marked = distinct(self.marked.iter().filter(|row| fits(row)));
        if marked.is_empty() {
            distinct(self.numbered.iter().filter(|row| fits(row)))
        } else {
            marked
        }
    }

    /// Returns whether these rows form a menu or a listing, and are no other lines in the default
    /// format, such as `Status: saved` and `1 order was created`.
    fn is_listing(&self, format: &RowFormat) -> bool {
        let has_short_key = |row: &Row<'_>| {
            row.key.chars().count() == 1 || row.key.bytes().all(|it| it.is_ascii_digit())
        };
        let is_column = |row: &Row<'_>| {
            let rest = row.line.trim_start_matches(|c: char| c.is_ascii_digit());
            rest.starts_with('\t') || rest.starts_with("  ")
        };
        let is_own = format.own.is_some();
        self.marked.iter().any(|row| is_own || has_short_key(row))
            || self.numbered.len() > 1
            || self.numbered.iter().any(is_column)
    }

    fn lines(&self) -> Vec<&'a str> {
        let rows = distinct(self.marked.iter().chain(&self.numbered));
        rows.into_iter().map(|row| row.line).collect()
    }
}

/// Choice among several matching rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Which {
    /// The only one; several are an error.
    #[default]
    Only,
    First,
    Last,
    /// A random one, drawn with the run's seed.
    Random,
}

/// Returns the key of the row with this label: a row whose label equals it, otherwise one whose
/// label contains it. A row printed twice, as by a redrawn menu, counts once.
///
/// # Errors
/// If no row or several rows have this label.
pub fn choose(lines: &[&str], format: &RowFormat, label: &str) -> Result<String, RowError> {
    let label = label.trim();
    let rows = format.rows(lines);
    let exact = rows.find(|row| row.label == label);
    let found = if exact.is_empty() {
        rows.find(|row| row.label.contains(label))
    } else {
        exact
    };
    match found.as_slice() {
        [row] => Ok(row.key.clone()),
        [] => {
            let holding = lines.iter().copied().filter(|line| line.contains(label));
            let wanted = format!("`{label}`");
            Err(RowError::none(
                wanted,
                format.describe(),
                &rows.lines(),
                holding,
            ))
        }
        several => Err(RowError::several(
            format!("`{label}`"),
            several.iter().map(|row| row.line),
            "write the whole label of one of them",
        )),
    }
}

/// Returns the key of the row that contains all of `texts` as whole words. `draw(n)` returns a
/// number below `n`; it is called for [`Which::Random`] only.
///
/// # Errors
/// If no row contains them, or several do and `which` selects none of these.
pub fn pick(
    lines: &[&str],
    format: &RowFormat,
    texts: &[String],
    which: Which,
    draw: &mut dyn FnMut(usize) -> usize,
) -> Result<String, RowError> {
    let rows = format.rows(lines);
    let found = rows.find(|row| holds(row.line, texts));
    match select(found.len(), which, draw) {
        Some(place) => Ok(found[place].key.clone()),
        None if found.is_empty() => {
            let holding = lines.iter().copied().filter(|line| mentions(line, texts));
            let wanted = quoted(texts);
            Err(RowError::none(
                wanted,
                format.describe(),
                &rows.lines(),
                holding,
            ))
        }
        None => Err(RowError::several(
            quoted(texts),
            found.iter().map(|row| row.line),
            ONE_OF_SEVERAL,
        )),
    }
}

const ONE_OF_SEVERAL: &str = "add a text that only one of them has, as in `row: [text, text]`, or \
                              write `which: first`, `last` or `random`";

/// Returns the position, from 1, of the line that contains all of `texts` among the lines in which
/// `count` is found. For listings without row numbers.
///
/// # Errors
/// As [`pick`].
pub fn pick_position(
    lines: &[&str],
    count: &Pattern,
    texts: &[String],
    which: Which,
    draw: &mut dyn FnMut(usize) -> usize,
) -> Result<String, RowError> {
    let counted: Vec<&str> = lines
        .iter()
        .map(|line| line.trim_end())
        .filter(|line| count.find(line, 0..line.len()).is_some())
        .collect();
    let found: Vec<usize> = (0..counted.len())
        .filter(|&place| holds(counted[place], texts))
        .collect();
    match select(found.len(), which, draw) {
        Some(place) => Ok((found[place] + 1).to_string()),
        None if found.is_empty() => {
            let holding = lines.iter().copied().filter(|line| mentions(line, texts));
            let wanted = quoted(texts);
            let hint = format!("a row has to match {count}, the `count` of this `pick`");
            Err(RowError::none(wanted, hint, &counted, holding))
        }
        None => Err(RowError::several(
            quoted(texts),
            found.iter().map(|&place| counted[place]),
            ONE_OF_SEVERAL,
        )),
    }
}

/// Returns whether the line contains all texts anywhere.
fn mentions(line: &str, texts: &[String]) -> bool {
    !texts.is_empty() && texts.iter().all(|text| line.contains(text.trim()))
}

/// Returns whether the line contains all texts as whole words: `ORD-1` is not in `ORD-12`, which is
/// another order.
fn holds(line: &str, texts: &[String]) -> bool {
    texts.iter().all(|text| holds_word(line, text.trim()))
}

fn holds_word(line: &str, text: &str) -> bool {
    let joins = |a: Option<char>, b: Option<char>| {
        a.is_some_and(char::is_alphanumeric) && b.is_some_and(char::is_alphanumeric)
    };
    text.is_empty()
        || line.match_indices(text).any(|(at, _)| {
            let (before, after) = (&line[..at], &line[at + text.len()..]);
            !joins(before.chars().next_back(), text.chars().next())
                && !joins(text.chars().next_back(), after.chars().next())
        })
}

fn select(found: usize, which: Which, draw: &mut dyn FnMut(usize) -> usize) -> Option<usize> {
    match (found, which) {
        (0, _) => None,
        (1, _) | (_, Which::First) => Some(0),
        (_, Which::Last) => Some(found - 1),
        (_, Which::Random) => Some(draw(found) % found),
        (_, Which::Only) => None,
    }
}

/// Returns each row once, in the order of their first appearance.
fn distinct<'r, 'a>(rows: impl Iterator<Item = &'r Row<'a>>) -> Vec<&'r Row<'a>>
where
    'a: 'r,
{
    let mut seen = std::collections::HashSet::new();
    rows.filter(|row| seen.insert((row.key.as_str(), row.label.as_str())))
        .collect()
}

fn quoted(texts: &[String]) -> String {
    if texts.is_empty() {
        return "any text".to_owned();
    }
    let quoted: Vec<String> = texts.iter().map(|text| format!("`{text}`")).collect();
    quoted.join(" with ")
}
