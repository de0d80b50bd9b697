//! Questions to the person after the session.

use std::io::{self, BufRead as _, Write as _};

use crate::cli::args;
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

/// Asks for other values of variables, one in each line. Only those that there are can be named.
///
/// # Errors
/// If the terminal fails.
pub(super) fn ask_for_fresh_values(
    variables: &[(String, String)],
) -> io::Result<Vec<(String, String)>> {
    let known: Vec<String> = variables
        .iter()
        .map(|(name, value)| format!("{name}={}", sanitize(value)))
        .collect();
    let mut fresh = Vec::new();
    let mut error = io::stderr();
    writeln!(error, "Typed in the recording: {}", known.join(", "))?;
    loop {
        write!(
            error,
            "Another value for the next proof, as NAME=VALUE (Enter: no more): "
        )?;
        error.flush()?;
        let mut answer = String::new();
        let length = io::stdin().lock().read_line(&mut answer)?;
        let answer = answer.trim_end_matches(['\r', '\n']);
        if length == 0 || answer.trim().is_empty() {
            return Ok(fresh);
        }
        match args::variable(answer) {
            Ok(pair) if variables.iter().any(|(name, _)| *name == pair.0) => fresh.push(pair),
            Ok((name, _)) => writeln!(error, "There is no variable `{}`.", sanitize(&name))?,
            Err(what) => writeln!(error, "{}", sanitize(&what))?,
        }
    }
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
