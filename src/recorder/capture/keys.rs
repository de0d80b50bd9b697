//! Typed bytes as text and other keys.

/// The begin and the end of a paste (<https://invisible-island.net/xterm/ctlseqs/ctlseqs.html>).
const PASTE_BEGINS: &[u8] = b"\x1b[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// A piece of typed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'b> {
    /// Characters, and the keys that edit them.
    Text {
        typed: &'b [u8],
        text: &'b [u8],
    },
    Control(&'b [u8]),
}

/// Splits what was typed to a program that reads keys.
pub(super) fn pieces(mut bytes: &[u8]) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        let (piece, rest) = first(bytes);
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

fn first(bytes: &[u8]) -> (Piece<'_>, &[u8]) {
    if let Some(pasted) = bytes.strip_prefix(PASTE_BEGINS) {
        let mut ends = pasted.windows(PASTE_ENDS.len());
        let end = ends.position(|it| it == PASTE_ENDS);
        let text = end.map_or(pasted, |end| &pasted[..end]);
        let whole = end.map_or(bytes.len(), |end| {
            PASTE_BEGINS.len() + end + PASTE_ENDS.len()
        });
        let (typed, rest) = bytes.split_at(whole);
        return (Piece::Text { typed, text }, rest);
    }
    let is_text = |byte: &u8| *byte >= b' ' && *byte != 0x7f;
    let is_edit = |byte: &u8| super::edited_line::is_editing(*byte);
    let length = bytes.iter().take_while(|it| is_text(it)).count();
    let length = match length {
        0 => bytes.iter().take_while(|it| is_edit(it)).count(),
        length => length,
    };
    if length > 0 {
        let (typed, rest) = bytes.split_at(length);
        return (Piece::Text { typed, text: typed }, rest);
    }
    let (control, rest) = bytes.split_at(sequence(bytes));
    (Piece::Control(control), rest)
}

/// Returns the length of the control character or sequence at the beginning.
fn sequence(bytes: &[u8]) -> usize {
    let is_final = |byte: &u8| (b'@'..=b'~').contains(byte);
    match bytes {
        [0x1b, b'[', rest @ ..] => {
            let end = rest.iter().position(is_final);
            2 + end.map_or(rest.len(), |end| end + 1)
        }
        [0x1b, b'O', _, ..] => 3,
        // Alt with a key.
        [0x1b, key, ..] if *key != 0x1b => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(typed: &'static [u8]) -> Piece<'static> {
        Piece::Text { typed, text: typed }
    }

    #[test]
    fn keys_are_told_from_text() {
        let expected = [
            text(b"ab"),
            text(b"\x7f"),
            text(b"c"),
            Piece::Control(b"\x1b[1;5A"),
            Piece::Control(b"\x1bOB"),
            text(b"d"),
            Piece::Control(b"\r"),
            Piece::Control(b"\x1b"),
        ];
        assert_eq!(pieces(b"ab\x7fc\x1b[1;5A\x1bOBd\r\x1b"), expected);
        let pasted = Piece::Text {
            typed: b"\x1b[200~a\nb\x1b[201~",
            text: b"a\nb",
        };
        assert_eq!(
            pieces(b"\x1b[200~a\nb\x1b[201~\r"),
            [pasted, Piece::Control(b"\r")]
        );
    }
}
