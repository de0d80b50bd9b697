//! Text of a limited width and number of lines.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::report::output::{FAINT, styled};

/// Shortens `text` to a width in columns, with `…` at its end.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let mut short: String = text
        .trim_end_matches('…')
        .chars()
        .take_while(|character| {
            let columns = character.width().unwrap_or(0);
            let fits = columns <= left;
            left = left.saturating_sub(columns);
            fits
        })
        .collect();
    short.push('…');
    short
}

/// Wraps text at a width, which only a longer word exceeds.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Returns the first of these lines and a remark on the rest, `most` lines in all. `remark` gets
/// the number of lines that are left out.
pub(super) fn first(
    mut lines: Vec<String>,
    most: usize,
    remark: impl FnOnce(usize) -> String,
) -> Vec<String> {
    if lines.len() > most {
        let shown = most.saturating_sub(1);
        let left_out = lines.len() - shown;
        lines.truncate(shown);
        if most > 0 {
            lines.push(styled(FAINT, remark(left_out)));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped() {
        assert_eq!(wrapped("ab cd efghij k", 5), ["ab cd", "efghij", "k"]);
    }

    #[test]
    fn the_rest_is_counted() {
        let lines = |count: usize| vec!["line".to_owned(); count];
        let shown = |count, most| first(lines(count), most, |left| format!("{left} more"));
        assert_eq!(shown(3, 3), lines(3));
        let cut = shown(4, 3);
        assert_eq!(cut.len(), 3);
        assert!(cut[2].contains("2 more"), "{cut:?}");
        assert_eq!(shown(4, 0), lines(0));
    }
}
