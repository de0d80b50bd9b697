//! Prompts that ask for a secret.

use std::sync::LazyLock;

use regex::Regex;

use crate::terminal::Screen;

/// The number of rows above the cursor that may belong to a prompt.
const ROWS_ABOVE: u16 = 6;

/// Words for secrets, not as a part of other words: `shipping` and `compass` ask for none.
static SECRET_WORDS: LazyLock<Regex> = LazyLock::new(|| {
    let words = "pins?|pass|pass ?words?|pass ?phrase|pass ?code|passwd|pwd|pw|tokens?|otp|tans?|secrets?|\
                 passwort|kennwort|kennung|api[ _-]?key|security code|access code|\
                 verification code|one[ -]time code|cvv|cvc|2fa|mfa|credentials?";
    let pattern = format!(r"(?i)(?:^|[^\p{{L}}])(?:{words})(?:[^\p{{L}}]|$)");
    Regex::new(&pattern).expect("a constant expression")
});

/// Returns whether a prompt seems to ask for a secret.
pub(super) fn asks_for_secret(prompt: &str) -> bool {
    SECRET_WORDS.is_match(prompt)
}

/// Returns the text that stands before the cursor; if that is no word, with the nearest row above
/// that has one, as in forms and boxes.
pub(super) fn before_cursor(screen: &Screen) -> String {
    let cursor = screen.cursor();
    let row = screen.row(cursor.row);
    let text = row.text();
    let before = text.get(..row.byte_of(cursor.column)).unwrap_or(text);
    let has_word = |text: &str| text.chars().filter(|it| it.is_alphabetic()).count() >= 2;
    if has_word(before) {
        return before.trim().to_owned();
    }
    let above = (cursor.row.saturating_sub(ROWS_ABOVE)..cursor.row).rev();
    let mut rows = above.map(|row| screen.row(row).text().trim().to_owned());
    let nearest = rows.find(|it| has_word(it)).unwrap_or_default();
    format!("{nearest} {}", before.trim()).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_ask_for_a_secret() {
        for prompt in [
            "PIN:",
            "Enter your password: ",
            "user_pin=",
            "Token (from mail): ",
            "OTP> ",
            "Kennwort:",
            "API key:",
            "Password",
        ] {
            assert!(asks_for_secret(prompt), "{prompt}");
        }
        for prompt in [
            "Shipping address:",
            "Passenger:",
            "Compass:",
            "Spinning:",
            "Tokenize?",
            "Name:",
            "",
        ] {
            assert!(!asks_for_secret(prompt), "{prompt}");
        }
    }
}
