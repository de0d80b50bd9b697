//! Sanitizing of text for terminals.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Converts text to one line without characters that a terminal would act upon.
///
/// Control characters become visible ones (`␛`, `␇`, `␊`), those without a picture and the
/// characters that reorder or hide text become escapes such as `\u{202e}`; a tab becomes blanks.
/// Harmless text stays as it is, so that most text is not copied.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    // Most text is printable ASCII, for which this loop is vectorized.
    let is_printable = |byte: u8| matches!(byte, b' '..=b'~');
    let is_plain = text
        .bytes()
        .fold(true, |so_far, byte| so_far & is_printable(byte));
    if is_plain || !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\t' => safe.push_str("    "),
            '\u{7f}' => safe.push('␡'),
            '\0'..='\u{1f}' => {
                safe.extend(char::from_u32(u32::from(character) + u32::from('␀')));
            }
            _ if acts(character) => {
                write!(safe, "\\u{{{:x}}}", u32::from(character)).expect("a String takes all");
            }
            _ => safe.push(character),
        }
    }
    Cow::Owned(safe)
}

/// Splits text into lines, each sanitized by [`sanitize`].
pub fn sanitize_lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.lines().map(sanitize)
}

/// Returns `true` if a terminal, or a text layout, acts upon the character instead of showing it.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            // Separators, and marks, embeddings, overrides and isolates of text direction
            // (https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters).
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Byte order mark, annotations, and the invisible tag characters.
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn harmless_text_is_not_copied() {
        for text in ["", "Total: ₹1,299.00 ✓", "दार्जिलिंग चाय", "👩‍🚀"]
        {
            assert!(matches!(sanitize(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn hostile_text_is_shown_and_not_acted_upon() {
        let cases = [
            ("\x1b[2J\x1b[31mred", "␛[2J␛[31mred"),
            ("\x1b]0;title\x07", "␛]0;title␇"),
            ("over\rwrite", "over␍write"),
            ("two\nlines", "two␊lines"),
            ("rub\x08\x7fout", "rub␈␡out"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("user\u{202e}nimda", "user\\u{202e}nimda"),
            ("a\tb", "a    b"),
            ("nul\0", "nul␀"),
        ];
        for (hostile, shown) in cases {
            assert_eq!(sanitize(hostile), shown);
        }
    }

    #[test]
    fn lines_end_where_the_text_ends_them() {
        let lines: Vec<_> = sanitize_lines("a\r\nb\x1b\n\nc").collect();
        assert_eq!(lines, ["a", "b␛", "", "c"]);
    }

    proptest! {
        #[test]
        fn nothing_that_acts_is_left(text in any::<String>()) {
            prop_assert!(!sanitize(&text).chars().any(acts));
        }
    }
}
