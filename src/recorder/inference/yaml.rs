//! YAML as a person writes it: block style, comments, quotes only where they are needed.

/// Longest comment line, in characters.
const COMMENT_CHARS: usize = 96;

/// Texts that YAML takes for other than texts, or readers do.
const TYPED: [&str; 14] = [
    "true", "false", "null", "yes", "no", "on", "off", "~", "y", "n", ".nan", ".inf", "none", "nan",
];

/// Returns a text as a scalar.
pub(super) fn scalar(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    if text.chars().any(is_special) {
        return double_quoted(text);
    }
    if text.contains(['\\', '"']) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    format!("\"{text}\"")
}

fn is_special(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{85}' | '\u{fffd}'
        )
}

/// Returns whether a text stands for itself without quotes, also within brackets.
fn is_plain(text: &str) -> bool {
    let begins_well = text.chars().next().is_some_and(char::is_alphabetic);
    let is_typed = TYPED.contains(&&*text.to_lowercase());
    let characters = |it: char| it.is_alphanumeric() || " _-.…/+()!?'’–;×".contains(it);
    begins_well && !is_typed && !text.ends_with(' ') && text.chars().all(characters)
}

fn double_quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            it if is_special(it) && u32::from(it) <= 0xff => {
                quoted.push_str(&format!("\\x{:02x}", u32::from(it)));
            }
            it if is_special(it) => quoted.push_str(&format!("\\u{:04x}", u32::from(it))),
            it => quoted.push(it),
        }
    }
    quoted.push('"');
    quoted
}

/// Returns a list in brackets.
pub(super) fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let texts: Vec<String> = texts.into_iter().map(scalar).collect();
    format!("[{}]", texts.join(", "))
}

/// Returns a text as one line of a comment, without the mark.
pub(super) fn comment(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|it| {
            if is_special(it) || it == '\t' {
                ' '
            } else {
                it
            }
        })
        .collect();
    let plain = plain.trim();
    match plain.char_indices().nth(COMMENT_CHARS) {
        Some((end, _)) => format!("{}…", plain[..end].trim_end()),
        None => plain.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quotes_are_used_where_they_are_needed() {
        for (text, written) in [
            ("Place New Order", "Place New Order"),
            ("Customer ID:", "\"Customer ID:\""),
            ("y", "\"y\""),
            ("007", "\"007\""),
            ("", "\"\""),
            (
                r"/Order ID: (?<order_id>\d+)/",
                r"'/Order ID: (?<order_id>\d+)/'",
            ),
            ("say \"it's\"", "'say \"it''s\"'"),
            ("a\tb", "\"a\\tb\""),
            ("${name}", "\"${name}\""),
            ("दार्जिलिंग चाय", "\"दार्जिलिंग चाय\""),
        ] {
            assert_eq!(scalar(text), written);
        }
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), "[ -~]{0,12}", "[a-z :#'\"\\\\-]{0,8}"]
    }

    proptest! {
        #[test]
        fn a_scalar_is_read_as_it_was(text in any_text()) {
            for document in [
                format!("a: {}\n", scalar(&text)),
                format!("a: {}\n", list([text.as_str()])),
                format!("a: {{b: {}}}\n", scalar(&text)),
            ] {
                let read: serde_json::Value = serde_saphyr::from_str(&document)
                    .map_err(|error| TestCaseError::fail(format!("{document:?}: {error}")))?;
                let value = &read["a"];
                let value = value.get(0).or(value.get("b")).unwrap_or(value);
                prop_assert_eq!(value, &serde_json::json!(text), "{}", document);
            }
        }

        #[test]
        fn a_comment_is_one_line(text in any_text()) {
            prop_assert_eq!(comment(&text).lines().count().max(1), 1);
        }
    }
}
