//! Fast search for output without control characters: most of what programs print.

use unicode_width::UnicodeWidthStr;

/// Step of the search for the end of plain output.
const WINDOW_BYTES: usize = 256;

/// Returns the length of a complete colour change or line erasure at the start of `bytes`, or 0:
/// by far the most common sequences, and without effect on the text.
pub(super) fn style_len(bytes: &[u8]) -> usize {
    if bytes.get(1) != Some(&b'[') {
        return 0;
    }
    let parameters = bytes[2..]
        .iter()
        .position(|byte| !matches!(byte, b'0'..=b';'));
    match parameters {
        Some(len) if matches!(bytes[2 + len], b'm' | b'K') => 2 + len + 1,
        _ => 0,
    }
}

/// Returns the length of plain output at the start of `bytes`: no C0 controls except tabs and the
/// line ends `\n` and `\r\n`.
pub(super) fn plain_len(bytes: &[u8]) -> usize {
    let mut from = 0;
    while from < bytes.len() {
        let to = bytes.len().min(from + WINDOW_BYTES);
        // Most control sequences begin with an escape, which memchr finds many bytes at a time. The
        // fold has no early exit, so the compiler vectorises it.
        let escape = memchr::memchr(0x1b, &bytes[from..to]);
        let end = escape.map_or(to, |at| from + at);
        // The byte after the last received one is not known.
        let followed = end.min(bytes.len() - 1);
        let pairs = || bytes[from..followed].iter().zip(&bytes[from + 1..]);
        let odd = |(&byte, &next): (&u8, &u8)| !is_plain(byte, next);
        if pairs().fold(false, |any, pair| any | odd(pair)) {
            return from + pairs().position(odd).unwrap_or_default();
        }
        if followed < end && !is_plain(bytes[followed], 0) {
            return followed;
        }
        if escape.is_some() {
            return end;
        }
        from = to;
    }
    from
}

/// Returns whether a byte is text, a tab or part of a line end, if followed by `next`.
fn is_plain(byte: u8, next: u8) -> bool {
    let control = (byte < 0x20) | (byte == 0x7f);
    let line_end = (byte == b'\n') | ((byte == b'\r') & (next == b'\n'));
    !control | line_end | (byte == b'\t')
}

/// Returns whether the text has any C1 control.
pub(super) fn has_c1(text: &str) -> bool {
    /// First of the two bytes of every C1 control in UTF-8.
    const FIRST: u8 = 0xc2;
    let bytes = text.as_bytes();
    memchr::memchr_iter(FIRST, bytes).any(|at| bytes.get(at + 1).is_some_and(|&next| next < 0xa0))
}

pub(super) fn is_c1(character: char) -> bool {
    ('\u{80}'..='\u{9f}').contains(&character)
}

/// Returns the width of a line's text in columns.
pub(super) fn columns(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.width()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_plain_output_is_found_at_any_place() {
        for length in [0, 1, 40, WINDOW_BYTES - 1, WINDOW_BYTES, 3 * WINDOW_BYTES] {
            let plain = [vec![b'x'; length], b"\t\n\r\n".to_vec()].concat();
            assert_eq!(plain_len(&plain), plain.len());
            for end in ["\x1b", "\0", "\x08", "\x1f", "\x7f", "\r", "\rx", "\r\r\n"] {
                let text = [&plain[..], end.as_bytes()].concat();
                assert_eq!(plain_len(&text), plain.len(), "{end:?}");
                let text = [&text[..], b"x\x1b\n\x08"].concat();
                assert_eq!(plain_len(&text), plain.len(), "{end:?}");
            }
        }
    }
}
