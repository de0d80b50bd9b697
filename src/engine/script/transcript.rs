//! Transcript of one script instance, recorded in a bounded ring.
//!
//! Recording is a copy of bytes into a ring: nothing is decoded, masked or formatted until it is
//! read, which for most flows never happens. The beginning (the log-in) and the end (the failure)
//! are kept; bytes and entries between them are counted.

mod rendering;
mod sequence;
mod shown_screen;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::model::{Happening, InstanceId, Stream};
use crate::terminal::ScreenSize;

pub(in crate::engine) use rendering::render;

use sequence::SequencePlace;

/// Bytes kept of the beginning.
const HEAD_BYTES: usize = 4 << 10;
/// Bytes kept of the end.
const TAIL_BYTES: usize = 16 << 10;
/// Overhead that an entry counts for beside its bytes.
const ENTRY_BYTES: usize = 32;

/// Most screens that are kept of the end. They are large, and do not count as bytes.
const MAX_SCREENS: usize = 4;

/// Output within this time of other output goes into one entry with it: else a program that writes
/// single bytes would leave nothing but times.
const ONE_PIECE: Duration = Duration::from_millis(1);

/// The kept history of one script instance. Not masked: it stays in the engine.
#[derive(Debug)]
pub(in crate::engine) struct Transcript {
    instance: InstanceId,
    /// The size of its screen at the beginning, if it has one.
    screen: Option<ScreenSize>,
    head: Kept,
    tail: Kept,
    /// True once something did not fit.
    head_is_full: bool,
    left_out: LeftOut,
    /// Used secrets that the flow may not know.
    secrets: Vec<String>,
}

/// Output and entries that did not fit between the head and the tail.
#[derive(Debug, Default)]
struct LeftOut {
    bytes: u64,
    entries: u64,
    /// The place in each stream at which it ends.
    places: [SequencePlace; 2],
}

/// Entries and their bytes.
#[derive(Debug, Default)]
struct Kept {
    entries: VecDeque<Entry>,
    bytes: VecDeque<u8>,
}

#[derive(Debug)]
struct Entry {
    at: Instant,
    kind: EntryKind,
}

#[derive(Debug)]
enum EntryKind {
    Heard { stream: Stream, length: usize },
    Said { length: usize },
    Noted(Box<Happening>),
}

impl EntryKind {
    fn length(&self) -> usize {
        match self {
            EntryKind::Heard { length, .. } | EntryKind::Said { length } => *length,
            EntryKind::Noted(_) => 0,
        }
    }
}

impl Transcript {
    /// An empty transcript of an instance with a screen of this size, if it has one.
    pub(in crate::engine) fn new(instance: InstanceId, screen: Option<ScreenSize>) -> Self {
        Transcript {
            instance,
            screen,
            head: Kept::default(),
            tail: Kept::default(),
            head_is_full: false,
            left_out: LeftOut::default(),
            secrets: Vec::new(),
        }
    }

    /// Returns whether nothing was recorded.
    pub(in crate::engine) fn is_empty(&self) -> bool {
        self.head.entries.is_empty() && self.tail.entries.is_empty()
    }

    /// Records output of the program.
    pub(in crate::engine) fn heard(&mut self, stream: Stream, bytes: &[u8], at: Instant) {
        let rest = if self.head_is_full {
            bytes
        } else {
            let room = HEAD_BYTES.saturating_sub(self.head.size() + ENTRY_BYTES);
            let (fits, rest) = bytes.split_at(room.min(bytes.len()));
            self.head.hear(stream, fits, at);
            if !rest.is_empty() {
                self.end_head();
            }
            rest
        };
        if !rest.is_empty() {
            let kept = &rest[rest.len().saturating_sub(TAIL_BYTES)..];
            if kept.len() < rest.len() {
                // The older bytes of the tail have no room any more.
                self.tail.clear(&mut self.left_out);
                self.left_out
                    .output(stream, &rest[..rest.len() - kept.len()]);
            }
            self.tail.hear(stream, kept, at);
            self.make_room();
        }
    }

    /// Records what was typed, or its replacement.
    pub(in crate::engine) fn said(&mut self, shown: &str, at: Instant) {
        let length = shown.len();
        let entry = Entry {
            at,
            kind: EntryKind::Said { length },
        };
        self.add(entry, shown.as_bytes());
    }

    /// Keeps a secret that was typed, for masking.
    pub(in crate::engine) fn keep_secret(&mut self, secret: &str) {
        if self.secrets.iter().all(|known| known != secret) {
            self.secrets.push(secret.to_owned());
        }
    }

    /// Records anything else that happened. Its texts are masked when they are read.
    pub(in crate::engine) fn note(&mut self, what: Happening, at: Instant) {
        if matches!(what, Happening::Screen { .. }) {
            self.drop_screens();
        }
        let entry = Entry {
            at,
            kind: EntryKind::Noted(Box::new(what)),
        };
        self.add(entry, &[]);
    }

    /// Secrets that were used.
    pub(in crate::engine) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(String::as_str)
    }

    /// Drops the oldest screens of the end, so that there is room for one more.
    fn drop_screens(&mut self) {
        let is_screen = |entry: &Entry| matches!(&entry.kind, EntryKind::Noted(what) if matches!(**what, Happening::Screen { .. }));
        let entries = &mut self.tail.entries;
        while entries.iter().filter(|it| is_screen(it)).count() >= MAX_SCREENS
            && let Some(oldest) = entries.iter().position(is_screen)
        {
            entries.remove(oldest);
        }
    }

    fn add(&mut self, mut entry: Entry, bytes: &[u8]) {
        // A program's last words may be read after its end was seen.
        let last = self.tail.entries.back().or(self.head.entries.back());
        entry.at = last.map_or(entry.at, |last| entry.at.max(last.at));
        let fits = self.head.size() + ENTRY_BYTES + bytes.len() <= HEAD_BYTES;
        if !self.head_is_full && !fits {
            self.end_head();
        }
        let part = if self.head_is_full {
            &mut self.tail
        } else {
            &mut self.head
        };
        part.bytes.extend(bytes);
        part.entries.push_back(entry);
        self.make_room();
    }

    /// Begins the tail, before which something may be left out.
    fn end_head(&mut self) {
        self.head_is_full = true;
        let bytes: Vec<u8> = self.head.bytes.iter().copied().collect();
        let mut begin = 0;
        for entry in &self.head.entries {
            let end = begin + entry.kind.length();
            if let EntryKind::Heard { stream, .. } = entry.kind {
                self.left_out.pass(stream, &bytes[begin..end]);
            }
            begin = end;
        }
    }

    fn make_room(&mut self) {
        while self.tail.size() > TAIL_BYTES + ENTRY_BYTES {
            let excess = self.tail.size() - TAIL_BYTES - ENTRY_BYTES;
            self.tail.drop_oldest(excess, &mut self.left_out);
        }
    }
}

impl Kept {
    fn size(&self) -> usize {
        self.bytes.len() + self.entries.len() * ENTRY_BYTES
    }

    fn hear(&mut self, stream: Stream, bytes: &[u8], at: Instant) {
        if bytes.is_empty() {
            return;
        }
        self.bytes.extend(bytes);
        if let Some(Entry {
            at: before,
            kind:
                EntryKind::Heard {
                    stream: same,
                    length,
                },
        }) = self.entries.back_mut()
            && *same == stream
            && at.saturating_duration_since(*before) < ONE_PIECE
        {
            *length += bytes.len();
            return;
        }
        self.entries.push_back(Entry {
            at,
            kind: EntryKind::Heard {
                stream,
                length: bytes.len(),
            },
        });
    }

    /// Drops the oldest entry, or so much of it if that is output.
    fn drop_oldest(&mut self, excess: usize, left_out: &mut LeftOut) {
        let Some(oldest) = self.entries.front_mut() else {
            return;
        };
        let length = oldest.kind.length();
        let dropped = match &mut oldest.kind {
            EntryKind::Heard { stream, length } => {
                let dropped = excess.min(*length);
                let (one, other) = self.bytes.as_slices();
                let (one, other) = (&one[..dropped.min(one.len())], other);
                left_out.output(*stream, one);
                left_out.output(*stream, &other[..dropped - one.len()]);
                *length -= dropped;
                dropped
            }
            EntryKind::Said { .. } | EntryKind::Noted(_) => {
                left_out.bytes += length as u64;
                length
            }
        };
        if dropped == length {
            self.entries.pop_front();
            left_out.entries += 1;
        }
        self.bytes.drain(..dropped);
    }

    fn clear(&mut self, left_out: &mut LeftOut) {
        while !self.entries.is_empty() {
            self.drop_oldest(usize::MAX, left_out);
        }
    }
}

impl LeftOut {
    /// Leaves out output.
    fn output(&mut self, stream: Stream, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.pass(stream, bytes);
    }

    fn pass(&mut self, stream: Stream, bytes: &[u8]) {
        let place = &mut self.places[stream as usize];
        *place = place.after_all(bytes);
    }
}

#[cfg(test)]
mod tests;
