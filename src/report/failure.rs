//! Text of a failure, for the report and the log.

use crate::model::{Activity, Failure};

use super::sanitize::sanitize_lines;
use super::units;

/// The maximum number of lines shown of a picture of a screen.
const MAX_PICTURE_LINES: usize = 80;

/// The label of a program's last output.
pub(super) const OUTPUT: &str = "it said";

/// The label of the advice.
pub(super) const HINT: &str = "hint";

/// The maximum number of lines shown of a program's last output.
const MAX_TAIL_LINES: usize = 12;

/// Describes a failure completely, line by line: sanitized, without styles, not indented.
pub fn lines(failure: &Failure) -> Vec<String> {
    let mut lines: Vec<_> = sanitize_lines(&failure.message).map(Into::into).collect();
    if !failure.turn.is_empty() {
        lines.extend(labelled("at", &failure.turn));
    }
    // Most messages name the one item that was awaited.
    let named = matches!(&*failure.awaited, [only] if failure.message.contains(only.as_str()));
    let awaited = if named {
        &[]
    } else {
        failure.awaited.as_slice()
    };
    for (index, awaited) in awaited.iter().enumerate() {
        lines.extend(labelled(if index == 0 { "awaited" } else { "or" }, awaited));
    }
    if failure.waited_us > 0 {
        let waited = units::duration(failure.waited_us);
        let text = format!("{waited}, the program was {}", failure.activity);
        lines.extend(labelled("after", &text));
    } else if !matches!(failure.activity, Activity::Unknown | Activity::NotStarted) {
        // The message says of a program that was not started why.
        lines.extend(labelled("program", &format!("was {}", failure.activity)));
    }
    lines.extend(tail(&failure.tail));
    if let Some(screen) = &failure.screen {
        lines.extend(picture(screen));
    }
    if let Some(hint) = &failure.hint {
        lines.extend(labelled(HINT, hint));
    }
    lines
}

/// Puts a label before the first line of `text`.
fn labelled(label: &str, text: &str) -> Vec<String> {
    let labels = std::iter::once(label).chain(std::iter::repeat(""));
    labels
        .zip(sanitize_lines(text))
        .map(|(label, line)| format!("{label:<8} {line}"))
        .collect()
}

/// Returns the last lines of the output, without blank lines at both ends.
fn tail(text: &str) -> Vec<String> {
    let text: Vec<_> = sanitize_lines(text.trim_end())
        .skip_while(|line| line.trim().is_empty())
        .collect();
    let left_out = text.len().saturating_sub(MAX_TAIL_LINES);
    let shown = text.iter().skip(left_out).enumerate();
    shown
        .map(|(index, line)| {
            let label = if index == 0 { OUTPUT } else { "" };
            format!("{label:<8} │ {line}").trim_end().to_owned()
        })
        .collect()
}

/// Returns a picture of a screen, from its top.
fn picture(text: &str) -> Vec<String> {
    let rows = sanitize_lines(text.trim_end()).take(MAX_PICTURE_LINES);
    let labels = std::iter::once("screen").chain(std::iter::repeat(""));
    labels
        .zip(rows)
        .map(|(label, row)| format!("{label:<8} {row}").trim_end().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FailureKind;

    #[test]
    fn every_field_is_shown_and_sanitized() {
        let failure = Failure {
            kind: FailureKind::Timeout,
            step: "01_login".into(),
            role: "customer".into(),
            turn: "shop.yaml:4".into(),
            message: "awaited prompt `Password:`".into(),
            awaited: vec!["prompt `Password:`".into(), "see `Welcome`".into()],
            waited_us: 30_000_000,
            activity: Activity::WaitingForInput,
            tail: "\n\n\x1b[2JLogin\n\nName: \n".into(),
            screen: None,
            hint: Some("look at it\x07".into()),
        };
        let expected = [
            "awaited prompt `Password:`",
            "at       shop.yaml:4",
            "awaited  prompt `Password:`",
            "or       see `Welcome`",
            "after    30.0 s, the program was waiting for input",
            "it said  │ ␛[2JLogin",
            "         │",
            "         │ Name:",
            "hint     look at it␇",
        ];
        assert_eq!(lines(&failure), expected);
    }

    #[test]
    fn a_long_tail_shows_its_end() {
        let text: String = (0..100).map(|number| format!("line {number}\n")).collect();
        let shown = tail(&text);
        assert_eq!(shown.len(), MAX_TAIL_LINES);
        assert!(shown.last().unwrap().ends_with("line 99"));
    }
}
