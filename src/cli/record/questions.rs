//! Questions to the person after the session.

use std::io::{self, BufRead as _, Write as _};

use crate::recorder::{Capture, DoubtfulSecret};
use crate::report::sanitize;

/// Asks about each text that may be no secret. Without an answer it stays one.
///
/// # Errors
/// If the terminal fails.
pub(super) fn ask_about_secrets(capture: &mut Capture) -> io::Result<()> {
    for doubtful in capture.doubtful() {
        write!(io::stderr(), "{} [Y/n] ", question(&doubtful))?;
        io::stderr().flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        let is_denied = matches!(answer.trim(), "n" | "N" | "no" | "No");
        capture.answer(doubtful.number, !is_denied);
    }
    Ok(())
}

fn question(doubtful: &DoubtfulSecret) -> String {
    let prompt = sanitize(&doubtful.prompt);
    match (doubtful.was_shown, prompt.is_empty()) {
        (true, _) => format!("Is what you typed after `{prompt}` a secret?"),
        (false, false) => {
            format!("What you typed after `{prompt}` was not shown. Is it a secret?")
        }
        (false, true) => "You typed a text that was not shown. Is it a secret?".to_owned(),
    }
}
