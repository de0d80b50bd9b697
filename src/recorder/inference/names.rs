//! Names of values, actions and steps, from what the program calls them.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;

/// Longest name, in words and in characters.
const MOST_WORDS: usize = 4;
const MOST_CHARS: usize = 40;

/// Words that ask, and name nothing.
const ASKING: [&str; 18] = [
    "enter", "type", "input", "please", "your", "the", "a", "an", "give", "what", "is", "provide",
    "select", "choose", "specify", "in", "for", "new",
];

/// Names with a meaning in expressions.
const RESERVED: [&str; 18] = [
    "flow", "run", "instance", "env", "true", "false", "none", "True", "False", "None", "not",
    "and", "or", "in", "is", "if", "else", "loop",
];

/// Names in use.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// Returns this name, with a number behind it if it is in use.
    pub(super) fn unused(&mut self, name: &str) -> String {
        let mut candidate = match RESERVED.contains(&name) {
            true => format!("{name}_value"),
            false => name.to_owned(),
        };
        let mut number = 1;
        while !self.0.insert(candidate.clone()) {
            number += 1;
            candidate = format!("{name}_{number}");
        }
        candidate
    }
}

/// Returns the words of a text as a name, or nothing if it has none.
pub(super) fn slug(text: &str) -> Option<String> {
    let plain: String = text
        .replace('ß', "ss")
        .nfkd()
        .filter(|it| !unicode_normalization::char::is_combining_mark(*it))
        .map(|it| {
            if it.is_ascii_alphanumeric() {
                it.to_ascii_lowercase()
            } else {
                ' '
            }
        })
        .collect();
    let words: Vec<&str> = plain.split_whitespace().take(MOST_WORDS).collect();
    let mut name = words.join("_");
    if name.starts_with(|it: char| it.is_ascii_digit()) {
        name.insert_str(0, "n_");
    }
    name.truncate(MOST_CHARS);
    (!name.is_empty()).then_some(name)
}

/// Returns the words of a menu's row as a name, without its number.
pub(super) fn of_row(label: &str) -> Option<String> {
    let name = label
        .trim()
        .trim_start_matches(|it: char| it.is_numeric() || ".) :-".contains(it));
    slug(name).or_else(|| slug(label))
}

/// Returns the name for the answer to a prompt: `customer_id` for `Enter your customer ID (5 digits):`.
pub(super) fn of_prompt(prompt: &str) -> Option<String> {
    let line = prompt
        .trim()
        .trim_end_matches(|c: char| !c.is_alphanumeric() && c != ')');
    let line = line.split(['(', '[', '<']).next().unwrap_or(line);
    // The last clause asks.
    let line = line
        .trim()
        .rsplit([':', '.', ';', '>'])
        .find(|it| !it.trim().is_empty())?;
    let mut words: Vec<&str> = line.split_whitespace().collect();
    if let Some(at) = words
        .iter()
        .position(|it| ["of", "for", "by", "to"].contains(&&*it.to_lowercase()))
        && at > 0
    {
        let is_asking = |it: &&str| ASKING.contains(&&*it.to_lowercase());
        if !words[..at].iter().all(is_asking) {
            words.truncate(at);
        }
    }
    while words.len() > 1 && ASKING.contains(&&*words[0].to_lowercase()) {
        words.remove(0);
    }
    slug(&words.join(" "))
}

/// Returns the name for a value that is printed behind this text: `order_id` for `Order ID: `.
pub(super) fn of_label(before: &str) -> Option<String> {
    const MOST_LABEL_WORDS: usize = 3;
    let before = before.trim_end_matches(|c: char| !c.is_alphanumeric());
    let clause = before.rsplit([':', '|', ',', ';', '.', '(']).next()?;
    let words: Vec<&str> = clause
        .split_whitespace()
        .filter(|it| it.chars().any(char::is_alphanumeric))
        .collect();
    let from = words.len().saturating_sub(MOST_LABEL_WORDS);
    slug(&words[from..].join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_program() {
        for (prompt, name) in [
            ("Customer ID: ", "customer_id"),
            ("Enter your Staff ID (5 digits):", "staff_id"),
            ("Quantity of Steel Tiffin Box: ", "quantity"),
            ("Enter packing time for Tea (minutes): ", "packing_time"),
            ("Numéro de client ? ", "numero_de_client"),
            (
                "Search by order, delivery or customer ID (Enter for all): ",
                "search",
            ),
            ("Please enter your name> ", "name"),
            ("Error. Your age? ", "age"),
        ] {
            assert_eq!(of_prompt(prompt).as_deref(), Some(name), "{prompt}");
        }
        assert_eq!(of_prompt("> "), None);
        assert_eq!(of_label("Order ID: ").as_deref(), Some("order_id"));
        assert_eq!(of_label("Total amount: ₹").as_deref(), Some("total_amount"));
        assert_eq!(of_label("  3 items | Total: "), Some("total".to_owned()));
        assert_eq!(slug("2 times"), Some("n_2_times".to_owned()));
    }

    #[test]
    fn a_name_in_use_gets_a_number() {
        let mut names = Names::default();
        assert_eq!(names.unused("quantity"), "quantity");
        assert_eq!(names.unused("quantity"), "quantity_2");
        assert_eq!(names.unused("flow"), "flow_value");
    }
}
