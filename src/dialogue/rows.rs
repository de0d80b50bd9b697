//! Menu rows: the selection of a row by its label or values.

use std::fmt;
use std::sync::LazyLock;

use super::pattern::Pattern;

/// Limits for the rows in an error, and for the characters of each.
const SHOWN_ROWS: usize = 20;
const SHOWN_CHARS: usize = 120;

/// Row format of a menu: the key to type and the label to read.
#[derive(Debug, Clone, Default)]
pub struct RowFormat {
    /// `None` for the default.
    own: Option<Pattern>,
}

/// Default format. Compiled at its first use, as most scenarios select no rows.
static DEFAULT_FORMAT: LazyLock<Pattern> =
    LazyLock::new(|| match Pattern::regex(RowFormat::DEFAULT) {
        Ok(pattern) => pattern,
        Err(error) => unreachable!("the default row format: {error}"),
    });

/// Error of an expression that cannot describe rows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a row's expression needs the named groups `key` and `label`; `{missing}` is missing")]
pub struct RowFormatError {
    pub missing: &'static str,
}

impl RowFormat {
    /// Expression for rows unless a role has its own.
    pub const DEFAULT: &str = r"^\s*[\[(]?(?<key>\w+)[\]).:-]\s+(?<label>.+)$";

    /// Creates a row format. `pattern` must have the named groups `key` and `label`.
    pub fn new(pattern: Pattern) -> Result<RowFormat, RowFormatError> {
        for missing in ["key", "label"] {
            if !pattern.names().iter().any(|name| **name == *missing) {
                return Err(RowFormatError { missing });
            }
        }
        Ok(RowFormat { own: Some(pattern) })
    }

    /// Compiles the default format ahead of its first use, which would otherwise wait for it.
    pub fn prepare() {
        LazyLock::force(&DEFAULT_FORMAT);
    }

    fn row<'a>(&self, line: &'a str) -> Option<Row<'a>> {
        let pattern = self.own.as_ref().unwrap_or_else(|| &DEFAULT_FORMAT);
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

    fn rows<'a>(&self, lines: &[&'a str]) -> Vec<Row<'a>> {
        lines.iter().filter_map(|line| self.row(line)).collect()
    }
}

#[derive(Debug)]
struct Row<'a> {
    key: String,
    label: String,
    line: &'a str,
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

/// Error of a selection that matches no row, or several. Its text shows a limited number of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// The selection, as messages show it.
    wanted: String,
    /// Number of distinct rows that matched.
    matched: usize,
    /// Rows that matched, or all rows if none did.
    rows: Vec<String>,
    /// Number of rows beyond those in `rows`.
    more: usize,
}

impl RowError {
    fn new<'a>(wanted: String, matched: usize, rows: impl Iterator<Item = &'a str>) -> RowError {
        let mut shown = Vec::new();
        let mut more = 0;
        for row in rows {
            if shown.len() == SHOWN_ROWS {
                more += 1;
            } else {
                shown.push(shorten(row));
            }
        }
        RowError {
            wanted,
            matched,
            rows: shown,
            more,
        }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.matched, self.rows.is_empty()) {
            (0, true) => write!(f, "no row for {}: there are no rows at all", self.wanted)?,
            (0, false) => write!(f, "no row for {}; the rows are:", self.wanted)?,
            (matched, _) => write!(f, "{matched} rows for {}:", self.wanted)?,
        }
        for row in &self.rows {
            write!(f, "\n  {row}")?;
        }
        if self.more > 0 {
            write!(f, "\n  and {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for RowError {}

/// Returns the key of the row with this label: a row whose label equals it, otherwise one whose
/// label contains it. A row printed twice, as by a redrawn menu, counts once.
pub fn choose(lines: &[&str], format: &RowFormat, label: &str) -> Result<String, RowError> {
    let label = label.trim();
    let rows = format.rows(lines);
    let exact = distinct(rows.iter().filter(|row| row.label == label));
    let found = if exact.is_empty() {
        distinct(rows.iter().filter(|row| row.label.contains(label)))
    } else {
        exact
    };
    match found.as_slice() {
        [row] => Ok(row.key.clone()),
        [] => Err(RowError::new(
            format!("`{label}`"),
            0,
            distinct(rows.iter()).iter().map(|row| row.line),
        )),
        several => Err(RowError::new(
            format!("`{label}`"),
            several.len(),
            several.iter().map(|row| row.line),
        )),
    }
}

/// Returns the key of the row that contains all of `texts` as whole words. `draw(n)` returns a
/// number below `n`; it is called for [`Which::Random`] only.
pub fn pick(
    lines: &[&str],
    format: &RowFormat,
    texts: &[String],
    which: Which,
    draw: &mut dyn FnMut(usize) -> usize,
) -> Result<String, RowError> {
    let rows = format.rows(lines);
    let found = distinct(rows.iter().filter(|row| holds(row.line, texts)));
    match select(found.len(), which, draw) {
        Some(place) => Ok(found[place].key.clone()),
        None if found.is_empty() => Err(RowError::new(
            quoted(texts),
            0,
            distinct(rows.iter()).iter().map(|row| row.line),
        )),
        None => Err(RowError::new(
            quoted(texts),
            found.len(),
            found.iter().map(|row| row.line),
        )),
    }
}

/// Returns the position, from 1, of the line that contains all of `texts` among the lines in which
/// `count` is found. For listings without row numbers.
pub fn pick_position(
    lines: &[&str],
    count: &Pattern,
    texts: &[String],
    which: Which,
    draw: &mut dyn FnMut(usize) -> usize,
) -> Result<String, RowError> {
    let counted: Vec<&str> = lines
        .iter()
        .copied()
        .filter(|line| count.find(line, 0..line.len()).is_some())
        .collect();
    let found: Vec<usize> = (0..counted.len())
        .filter(|&place| holds(counted[place], texts))
        .collect();
    match select(found.len(), which, draw) {
        Some(place) => Ok((found[place] + 1).to_string()),
        None if found.is_empty() => Err(RowError::new(quoted(texts), 0, counted.into_iter())),
        None => Err(RowError::new(
            quoted(texts),
            found.len(),
            found.iter().map(|&place| counted[place]),
        )),
    }
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

fn shorten(row: &str) -> String {
    let row = row.trim();
    match row.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &row[..end]),
        None => row.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MENU: [&str; 6] = [
        "=== Menu ===",
        "  1. Orders",
        "[2] Place New Order",
        " (3) Orders of today ",
        "0: Leave",
        "",
    ];

    fn chosen(label: &str) -> Result<String, String> {
        choose(&MENU, &RowFormat::default(), label).map_err(|error| error.to_string())
    }

    fn first(_: usize) -> usize {
        0
    }

    #[test]
    fn a_label_finds_its_key() {
        assert_eq!(chosen("Place New Order"), Ok("2".into()));
        assert_eq!(chosen(" Orders "), Ok("1".into()));
        assert_eq!(chosen("of today"), Ok("3".into()));
        assert_eq!(chosen("Leave"), Ok("0".into()));
    }

    #[test]
    fn none_or_several_show_the_rows() {
        assert_eq!(
            chosen("Refund"),
            Err(
                "no row for `Refund`; the rows are:\n  1. Orders\n  [2] Place New Order\n  \
                 (3) Orders of today\n  0: Leave"
                    .into()
            )
        );
        assert_eq!(
            chosen("Order"),
            Err(
                "3 rows for `Order`:\n  1. Orders\n  [2] Place New Order\n  \
                 (3) Orders of today"
                    .into()
            )
        );
        let error = choose(&["nothing"], &RowFormat::default(), "x").unwrap_err();
        assert_eq!(
            error.to_string(),
            "no row for `x`: there are no rows at all"
        );
    }

    #[test]
    fn a_row_printed_twice_counts_once() {
        let twice: Vec<&str> = MENU.into_iter().chain(MENU).collect();
        assert_eq!(
            choose(&twice, &RowFormat::default(), "Leave"),
            Ok("0".into())
        );
        let clash = ["1. Leave", "2. Leave"];
        assert!(choose(&clash, &RowFormat::default(), "Leave").is_err());
    }

    #[test]
    fn errors_are_bounded() {
        let lines: Vec<String> = (0..500)
            .map(|n| format!("{n}. {}", "é".repeat(999)))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let text = choose(&lines, &RowFormat::default(), "x")
            .unwrap_err()
            .to_string();
        assert!(text.chars().count() < 3000, "{}", text.len());
        assert!(text.ends_with("and 480 more"), "{text}");
    }

    #[test]
    fn picking_by_texts() {
        let lines = [
            "1. ORD-7 | pending | 10.00",
            "2. ORD-8 | packed | 12.00",
            "3. ORD-9 | pending | 10.00",
        ];
        let format = RowFormat::default();
        let pick = |texts: &[&str], which| {
            let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
            pick(&lines, &format, &texts, which, &mut |_| 1)
        };
        assert_eq!(pick(&["ORD-8"], Which::Only), Ok("2".into()));
        assert_eq!(pick(&["pending", "ORD-9"], Which::Only), Ok("3".into()));
        assert_eq!(pick(&["pending"], Which::First), Ok("1".into()));
        assert_eq!(pick(&["pending"], Which::Last), Ok("3".into()));
        assert_eq!(pick(&["pending"], Which::Random), Ok("3".into()));
        let error = pick(&["pending", "10"], Which::Only).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("2 rows for `pending` with `10`:\n")
        );
        assert!(pick(&["ORD-1"], Which::First).is_err());
    }

    #[test]
    fn picking_by_position() {
        let lines = [
            "Orders",
            "ORD-7 pending",
            "----",
            "ORD-8 packed",
            "ORD-9 pending",
        ];
        let count = Pattern::regex("^ORD-").unwrap();
        let pick = |text: &str, which| {
            pick_position(&lines, &count, &[text.to_owned()], which, &mut first)
        };
        assert_eq!(pick("ORD-8", Which::Only), Ok("2".into()));
        assert_eq!(pick("pending", Which::Last), Ok("3".into()));
        assert!(pick("pending", Which::Only).is_err());
        assert!(pick("ORD-1", Which::Only).is_err());
    }

    #[test]
    fn a_format_needs_its_groups() {
        let pattern = Pattern::regex(r"^(?<key>\d+) (.+)$").unwrap();
        assert_eq!(
            RowFormat::new(pattern).unwrap_err().to_string(),
            "a row's expression needs the named groups `key` and `label`; `label` is missing"
        );
    }

    #[test]
    fn a_longer_id_is_another_row() {
        let mut draw = |_| 0;
        let texts = ["ORD-1".to_owned()];
        let format = RowFormat::default();
        let only_longer = ["1. ORD-12 Bob", "2. XORD-1 Eve"];
        assert!(pick(&only_longer, &format, &texts, Which::Only, &mut draw).is_err());
        let with_ours = ["1. ORD-12 Bob", "2. ORD-1: Eve"];
        assert_eq!(
            pick(&with_ours, &format, &texts, Which::Only, &mut draw).as_deref(),
            Ok("2")
        );
    }
}
