//! Rendering of transcripts as they may leave the engine: decoded, masked, in the order of time.

use std::ops::Range;
use std::time::Instant;

use crate::model::{Happening, Moment, Stream};
use crate::scenario::{Masker, in_order};

use super::shown_secrets::ShownSecrets;
use super::{Entry, EntryKind, Kept, Transcript};

/// The replacement of a secret.
const MASK: &[u8] = b"***";

/// Returns the history of these script instances, with times from `since`.
pub(in crate::engine) fn render(
    transcripts: &[Transcript],
    since: Instant,
    masker: &Masker,
) -> Vec<Moment> {
    let mut moments = Vec::new();
    for transcript in transcripts {
        moments.extend(transcript.moments(since, masker));
    }
    // The sort is stable: entries of one instance stay in their order at equal times.
    moments.sort_by_key(|moment| moment.after_us);
    moments
}

/// An entry with its bytes.
struct Piece<'a> {
    at: Instant,
    kind: &'a EntryKind,
    bytes: Vec<u8>,
}

impl Transcript {
    fn moments(&self, since: Instant, masker: &Masker) -> Vec<Moment> {
        let mut head = pieces(&self.head);
        let mut tail = pieces(&self.tail);
        let left_out = (self.left_out_bytes > 0 || self.left_out_entries > 0).then(|| {
            let at = tail.first().map_or(since, |piece| piece.at);
            let what = Happening::LeftOut {
                bytes: self.left_out_bytes,
                entries: self.left_out_entries,
            };
            (at, what)
        });
        if left_out.is_none() {
            head.append(&mut tail);
        }
        let mut moments = Vec::new();
        let mut rendered = |at: Instant, what| {
            let after = at.saturating_duration_since(since);
            moments.push(Moment {
                after_us: u64::try_from(after.as_micros()).unwrap_or(u64::MAX),
                role: self.instance.role,
                attempt: self.instance.attempt,
                what,
            });
        };
        let screen = || self.screen.map(|size| ShownSecrets::new(size, masker));
        read(head, masker, screen(), &mut rendered);
        if let Some((at, what)) = left_out {
            rendered(at, what);
        }
        read(tail, masker, screen(), &mut rendered);
        moments
    }
}

fn pieces(kept: &Kept) -> Vec<Piece<'_>> {
    let mut bytes = kept.bytes.iter().copied();
    let entries = kept.entries.iter();
    entries
        .map(|Entry { at, kind }| Piece {
            at: *at,
            bytes: bytes.by_ref().take(kind.length()).collect(),
            kind,
        })
        .collect()
}

/// Emits pieces between which nothing is missing.
fn read(
    mut pieces: Vec<Piece<'_>>,
    masker: &Masker,
    mut screen: Option<ShownSecrets<'_>>,
    rendered: &mut impl FnMut(Instant, Happening),
) {
    let mut actual = Vec::new();
    if screen.is_some() {
        let heard = pieces.iter().filter(|piece| is_heard(piece.kind));
        actual.extend(heard.map(|piece| piece.bytes.clone()));
        make_whole(&mut actual.iter_mut().collect::<Vec<_>>());
    }
    for stream in [Stream::Out, Stream::Err] {
        let of_it = |piece: &&mut Piece<'_>| matches!(piece.kind, EntryKind::Heard { stream: its, .. } if *its == stream);
        let mut heard: Vec<_> = pieces
            .iter_mut()
            .filter(of_it)
            .map(|it| &mut it.bytes)
            .collect();
        mask(&mut heard, masker);
        make_whole(&mut heard);
    }
    if let Some(screen) = &mut screen {
        let mut actual = actual.iter();
        for piece in &mut pieces {
            match piece.kind {
                EntryKind::Heard { .. } => {
                    if let Some(actual) = actual.next() {
                        screen.output(actual, &mut piece.bytes);
                    }
                }
                EntryKind::Noted(happening) => screen.note(happening),
                EntryKind::Said { .. } => {}
            }
        }
    }
    for Piece { at, kind, bytes } in pieces {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match kind {
            EntryKind::Heard { .. } if text.is_empty() => {}
            EntryKind::Heard { stream, .. } => rendered(
                at,
                Happening::Heard {
                    stream: *stream,
                    text,
                },
            ),
            EntryKind::Said { .. } => {
                let text = masker.mask(&text).into_owned();
                rendered(at, Happening::Said { text });
            }
            EntryKind::Noted(happening) => {
                let mut happening = (**happening).clone();
                if let Happening::Screen { drawing } = &mut happening {
                    let mut bytes = std::mem::take(drawing).into_bytes();
                    mask(&mut [&mut bytes], masker);
                    *drawing = String::from_utf8_lossy(&bytes).into_owned();
                }
                for text in happening.texts_mut() {
                    *text = masker.mask(text).into_owned();
                }
                rendered(at, happening);
            }
        }
    }
}

fn is_heard(kind: &EntryKind) -> bool {
    matches!(kind, EntryKind::Heard { .. })
}

/// Masks secrets in the output of a stream, also across its pieces and across control sequences and
/// line ends within them.
fn mask(pieces: &mut [&mut Vec<u8>], masker: &Masker) {
    let all: Vec<u8> = pieces
        .iter()
        .flat_map(|piece| piece.iter().copied())
        .collect();
    // An unfinished control sequence may as well be text that is shown.
    let mut secrets = masker.find_cut(&all);
    secrets.extend(found(&all, seen(&all), masker));
    let secrets = in_order(secrets);
    if secrets.is_empty() {
        return;
    }
    let mut secrets = secrets.iter().peekable();
    let mut end = 0;
    for piece in pieces {
        let begin = end;
        end += piece.len();
        let mut masked = Vec::with_capacity(piece.len());
        let mut done = begin;
        while let Some(secret) = secrets.peek().filter(|secret| secret.start < end) {
            if secret.start >= begin {
                masked.extend_from_slice(&all[done..secret.start]);
                masked.extend_from_slice(MASK);
            }
            done = secret.end.min(end);
            if secret.end > end {
                break;
            }
            secrets.next();
        }
        masked.extend_from_slice(&all[done..end]);
        **piece = masked;
    }
}

/// Finds the secrets in `all` that touch the bytes at `places`.
fn found(all: &[u8], places: Vec<usize>, masker: &Masker) -> Vec<Range<usize>> {
    let looked_at: Vec<u8> = places.iter().map(|&place| all[place]).collect();
    let found = masker.find_cut(&looked_at).into_iter();
    found
        .map(|range| places[range.start]..places[range.end - 1] + 1)
        .collect()
}

/// The places of the bytes that a terminal shows: neither control characters nor control sequences
/// (ECMA-48, 5.4 and 5.6).
fn seen(bytes: &[u8]) -> Vec<usize> {
    enum State {
        Text,
        Escape,
        Sequence,
        Message,
    }
    let mut state = State::Text;
    let mut places = Vec::with_capacity(bytes.len());
    for (place, &byte) in bytes.iter().enumerate() {
        state = match (state, byte) {
            (State::Message, 0x07) => State::Text,
            (_, 0x1b) => State::Escape,
            (State::Escape, b'[') => State::Sequence,
            (State::Escape, b']' | b'P' | b'X' | b'^' | b'_') => State::Message,
            (State::Escape, 0x20..=0x2f) => State::Escape,
            (State::Sequence, 0x00..=0x3f) => State::Sequence,
            (State::Message, _) => State::Message,
            (State::Escape | State::Sequence, _) => State::Text,
            (State::Text, 0x08) => {
                // The text before it is overwritten.
                places.pop();
                State::Text
            }
            (State::Text, _) => {
                // Line ends show where a secret is broken.
                if !byte.is_ascii_control() || matches!(byte, b'\r' | b'\n') {
                    places.push(place);
                }
                State::Text
            }
        };
    }
    places
}

/// Moves a character that was split to the piece in which it ends.
fn make_whole(pieces: &mut [&mut Vec<u8>]) {
    let mut begun: Vec<u8> = Vec::new();
    let last = pieces.len().saturating_sub(1);
    for (index, piece) in pieces.iter_mut().enumerate() {
        if !begun.is_empty() {
            piece.splice(..0, begun.drain(..));
        }
        if index < last {
            begun = piece.split_off(whole_characters(piece));
        }
    }
}

/// Length of the bytes without a last character that is incomplete.
fn whole_characters(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let place = bytes.len() - back;
        let length = match bytes[place] {
            0x80..=0xbf => continue,
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            _ => 1,
        };
        return if length > back { place } else { bytes.len() };
    }
    bytes.len()
}
