//! Text that was typed faster than it was shown: pasted, or while the program was busy.

use std::borrow::Cow;

use crate::recorder::recording::{Chunk, ChunkEvent};

/// Keys that end a text.
const ENDS: [u8; 3] = *b"\r\n\t";

/// Returns the chunks with the echo of each typed text before the key that ended it, as if the person had
/// waited for it. What a field shows when it is left can be told only so.
pub(super) fn in_order(chunks: &[Chunk]) -> Cow<'_, [Chunk]> {
    let is_typed = |chunk: &Chunk| matches!(chunk.event, ChunkEvent::Typed { .. });
    let mut ordered: Vec<Chunk> = Vec::new();
    let mut done = 0;
    let mut at = 0;
    while at < chunks.len() {
        let typed = chunks[at..].iter().take_while(|it| is_typed(it)).count();
        let output = chunks.get(at + typed);
        if let Some(Chunk {
            event: ChunkEvent::Output(shown),
            ..
        }) = output
            && let Some(split) = split(&chunks[at..at + typed], shown)
        {
            ordered.extend_from_slice(&chunks[done..at]);
            ordered.extend(split);
            done = at + typed + 1;
        }
        at += typed + 1;
    }
    if done == 0 {
        return Cow::Borrowed(chunks);
    }
    ordered.extend_from_slice(&chunks[done..]);
    Cow::Owned(ordered)
}

/// Returns what was typed and then shown, in turns. `None` if it is in order.
fn split(typed: &[Chunk], shown: &[u8]) -> Option<Vec<Chunk>> {
    let mut split: Vec<Chunk> = Vec::new();
    let mut rest = shown;
    for chunk in typed {
        let ChunkEvent::Typed { bytes, mode } = &chunk.event else {
            return None;
        };
        let mut push = |event| {
            split.push(Chunk {
                at: chunk.at,
                event,
            })
        };
        let mut bytes = &bytes[..];
        while !bytes.is_empty() {
            let length = bytes.iter().position(|it| ENDS.contains(it));
            let (piece, after) = bytes.split_at(length.unwrap_or(bytes.len()).max(1));
            bytes = after;
            let typed = piece.to_vec();
            push(ChunkEvent::Typed {
                bytes: typed,
                mode: *mode,
            });
            if let Some(end) = end_of_echo(rest, piece, rest.len() == shown.len()) {
                push(ChunkEvent::Output(rest[..end].to_vec()));
                rest = &rest[end..];
            }
        }
    }
    if rest.len() == shown.len() || split.last().is_some_and(|it| !is_end(it)) {
        return None;
    }
    let at = typed.last()?.at;
    split.push(Chunk {
        at,
        event: ChunkEvent::Output(rest.to_vec()),
    });
    Some(split)
}

fn is_end(chunk: &Chunk) -> bool {
    matches!(&chunk.event, ChunkEvent::Typed { bytes, .. } if bytes.iter().all(|it| ENDS.contains(it)))
}

/// Returns where the echo of a text ends. That of the first one comes at once; later ones have a line of
/// their own, or the end of one.
fn end_of_echo(shown: &[u8], text: &[u8], is_first: bool) -> Option<usize> {
    if text.iter().any(u8::is_ascii_control) {
        return None;
    }
    if is_first {
        return shown.starts_with(text).then_some(text.len());
    }
    let mut places = shown.windows(text.len() + 1);
    let place =
        places.position(|it| it.starts_with(text) && matches!(it.last(), Some(b'\r' | b'\n')));
    place.map(|place| place + text.len())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::recorder::recording::TypedMode;

    const MODE: TypedMode = TypedMode {
        echo: false,
        lines: false,
    };

    fn chunks(texts: &[&str]) -> Vec<Chunk> {
        let event = |text: &&str| match text.strip_prefix('<') {
            Some(typed) => ChunkEvent::Typed {
                bytes: typed.into(),
                mode: MODE,
            },
            None => ChunkEvent::Output(text.as_bytes().to_vec()),
        };
        let events = texts.iter().map(event);
        events
            .map(|event| Chunk {
                at: Duration::ZERO,
                event,
            })
            .collect()
    }

    #[test]
    fn the_echo_comes_before_the_key_that_ends_the_text() {
        for (recorded, ordered) in [
            (
                &["<ann", "<\r", "ann\r\nHello"][..],
                &["<ann", "ann", "<\r", "\r\nHello"][..],
            ),
            (
                &["<ann\t", "ann\x1b[4;4H"],
                &["<ann", "ann", "<\t", "\x1b[4;4H"],
            ),
            (
                &["<a", "<\r", "<b", "<\r", "a\r\nItem: b\r\nok"],
                &["<a", "a", "<\r", "<b", "\r\nItem: b", "<\r", "\r\nok"],
            ),
            (&["<q", "Bye"], &["<q", "Bye"]),
            (&["<ann", "ann"], &["<ann", "ann"]),
            (&["<ann", "<\r", "\r\n***"], &["<ann", "<\r", "\r\n***"]),
        ] {
            assert_eq!(
                *in_order(&chunks(recorded)),
                chunks(ordered),
                "{recorded:?}"
            );
        }
    }
}
