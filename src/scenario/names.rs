//! Names: their syntax, and proposals for misspelt ones.

use std::collections::HashSet;

/// Returns the most similar known name, if any is similar enough.
pub(super) fn nearest<'a>(
    wrong: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wrong_folded = fold(wrong);
    known
        .into_iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&wrong_folded, &fold(name)),
                name,
            )
        })
        .filter(|(distance, name)| *distance <= allowed(wrong, name))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Returns the number of letters that may differ: a third of the longer name, but never all of the
/// shorter.
fn allowed(wrong: &str, name: &str) -> usize {
    let longer = wrong.chars().count().max(name.chars().count());
    let shorter = wrong.chars().count().min(name.chars().count());
    longer.div_ceil(3).min(shorter.saturating_sub(1))
}

/// Normalizes case and kinds of dashes, which do not count as differences.
fn fold(name: &str) -> String {
    // Bounded, as the comparison is quadratic.
    name.chars()
        .take(64)
        .map(|c| {
            if c == '-' {
                '_'
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect()
}

/// Formats `a, b and c`, each in backticks, for help lines; only the first of many.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const MAX_LISTED: usize = 24;
    let mut names: Vec<&str> = names.into_iter().collect();
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(*name));
    let shown: Vec<String> = names
        .iter()
        .take(MAX_LISTED)
        .map(|name| format!("`{name}`"))
        .collect();
    let mut text = shown.join(", ");
    if names.len() > MAX_LISTED {
        text.push_str(", …");
    }
    text
}

/// Returns `true` if `text` can name a variable or a capture.
pub(super) fn is_identifier(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found() {
        let known = ["prompt", "see", "exits", "first_of"];
        assert_eq!(nearest("promt", known), Some("prompt"));
        assert_eq!(nearest("First-Of", known), Some("first_of"));
        assert_eq!(nearest("seen", known), Some("see"));
    }

    #[test]
    fn a_name_unlike_all_has_no_nearest() {
        assert_eq!(nearest("x", ["y", "z"]), None);
        assert_eq!(nearest("wait_for", ["see", "press"]), None);
        assert_eq!(nearest("", ["see"]), None);
    }

    #[test]
    fn lists_are_short() {
        assert_eq!(list(["a", "b", "a"]), "`a`, `b`");
        let names: Vec<String> = (0..100).map(|number| number.to_string()).collect();
        assert!(list(names.iter().map(String::as_str)).ends_with(", …"));
    }
}
