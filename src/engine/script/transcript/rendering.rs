//! Rendering of transcripts as they may leave the engine: decoded, masked, in the order of time.

use std::ops::Range;
use std::time::Instant;

use crate::model::{Happening, Moment, Stream};
use crate::scenario::{Masker, in_order};
use crate::terminal::ScreenSize;

use super::sequence::SequencePlace;
use super::shown_screen::{Gap, ShownScreen};
use super::{Entry, EntryKind, Kept, Transcript};

/// Bytes of drawings after which a screen is drawn only where something else follows its output.
const MAX_DRAWN: usize = 1 << 20;

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
        let left_out = (self.left_out.bytes > 0 || self.left_out.entries > 0).then(|| {
            let at = tail.first().map_or(since, |piece| piece.at);
            let cut = self.remove_cut_sequences(&mut tail);
            let what = Happening::LeftOut {
                bytes: self.left_out.bytes + cut as u64,
                entries: self.left_out.entries,
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
        let screen = |gap| self.screen.map(|size| ShownScreen::new(size, masker, gap));
        read(head, masker, screen(Gap::None), &mut rendered);
        if let Some((at, what)) = left_out {
            rendered(at, what);
        }
        read(tail, masker, screen(Gap::Before), &mut rendered);
        moments
    }
}

impl Transcript {
    /// Removes what is left of sequences whose beginning is left out. Returns the number of bytes.
    fn remove_cut_sequences(&self, tail: &mut [Piece<'_>]) -> usize {
        let cut = [Stream::Out, Stream::Err].map(|stream| {
            let of_it = tail.iter_mut().filter(|it| it.is_of(stream));
            let of_it = of_it.map(|it| &mut it.bytes);
            self.left_out.places[stream as usize].remove_rest(of_it)
        });
        cut.iter().sum()
    }
}

impl Piece<'_> {
    fn is_of(&self, stream: Stream) -> bool {
        matches!(self.kind, EntryKind::Heard { stream: its, .. } if *its == stream)
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
    screen: Option<ShownScreen<'_>>,
    rendered: &mut impl FnMut(Instant, Happening),
) {
    if let Some(screen) = screen {
        draw(&mut pieces, screen);
    } else {
        mask_streams(&mut pieces, masker);
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
                if matches!(happening, Happening::Screen { .. }) {
                    let drawing = String::from_utf8_lossy(&bytes).into_owned();
                    happening = Happening::Screen { drawing };
                }
                for text in happening.texts_mut() {
                    *text = masker.mask(text).into_owned();
                }
                rendered(at, happening);
            }
        }
    }
}

fn mask_streams(pieces: &mut [Piece<'_>], masker: &Masker) {
    for stream in [Stream::Out, Stream::Err] {
        let heard = pieces.iter_mut().filter(|it| it.is_of(stream));
        let mut heard: Vec<_> = heard.map(|it| &mut it.bytes).collect();
        mask(&mut heard, masker);
        make_whole(&mut heard);
    }
}

/// Replaces output to a screen by output that draws the screen with its secrets hidden.
fn draw(pieces: &mut [Piece<'_>], mut screen: ShownScreen<'_>) {
    let mut size = 0;
    let mut pieces = pieces.iter_mut().peekable();
    while let Some(piece) = pieces.next() {
        match piece.kind {
            EntryKind::Heard { .. } => {
                screen.output(&piece.bytes);
                piece.bytes.clear();
                let next = pieces.peek().map(|next| next.kind);
                if size < MAX_DRAWN || !matches!(next, Some(EntryKind::Heard { .. })) {
                    piece.bytes = screen.changes().into_bytes();
                    size += piece.bytes.len();
                }
            }
            EntryKind::Noted(happening) => match &**happening {
                Happening::Resized { rows, columns } => screen.resize(ScreenSize {
                    rows: *rows,
                    columns: *columns,
                }),
                Happening::Screen { drawing } => {
                    piece.bytes = screen.noted(drawing).into_bytes();
                }
                _ => {}
            },
            EntryKind::Said { .. } => {}
        }
    }
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
/// (see [`SequencePlace`]).
fn seen(bytes: &[u8]) -> Vec<usize> {
    let mut sequence = SequencePlace::Text;
    let mut places = Vec::with_capacity(bytes.len());
    for (place, &byte) in bytes.iter().enumerate() {
        let is_within = sequence != SequencePlace::Text;
        sequence = sequence.after(byte);
        if is_within || sequence != SequencePlace::Text {
            continue;
        }
        if byte == 0x08 {
            // The text before it is overwritten.
            places.pop();
        } else if !byte.is_ascii_control() || matches!(byte, b'\r' | b'\n') {
            // Line ends show where a secret is broken.
            places.push(place);
        }
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
