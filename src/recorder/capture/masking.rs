//! Masking of known secrets in chunks that are still coming in.

use std::ops::Range;

use crate::recorder::recording::{Chunk, ChunkEvent, Mark};
use crate::scenario::Masker;

/// The replacement of a secret.
const MASK: &[u8] = b"***";

/// The direction of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Printed,
    Typed,
}

const BOTH: [Direction; 2] = [Direction::Printed, Direction::Typed];

/// Chunks on their way to the disk. A chunk stays here only as long as its end may be the beginning of
/// a secret.
#[derive(Debug, Default)]
pub(super) struct MaskedStream {
    masker: Masker,
    waiting: Vec<Chunk>,
}

impl MaskedStream {
    pub(super) fn new(masker: Masker) -> Self {
        MaskedStream {
            masker,
            waiting: Vec::new(),
        }
    }

    /// Replaces the secrets that are masked from the chunks on that are still here.
    pub(super) fn set_masker(&mut self, masker: Masker) {
        self.masker = masker;
    }

    /// Takes a chunk in, and returns those that are safe.
    pub(super) fn push(&mut self, chunk: Chunk) -> Vec<Chunk> {
        self.waiting.push(chunk);
        self.release(false)
    }

    /// Returns the chunks that are left: nothing follows them.
    pub(super) fn finish(&mut self) -> Vec<Chunk> {
        self.release(true)
    }

    fn release(&mut self, is_end: bool) -> Vec<Chunk> {
        if self.masker.values().next().is_none() {
            return std::mem::take(&mut self.waiting);
        }
        let streams = BOTH.map(|direction| Joined::new(&self.waiting, direction));
        let found = [0, 1].map(|it| self.masker.find_whole(&streams[it].bytes));
        // The first place that has to stay.
        let mut cut = (self.waiting.len(), 0);
        if !is_end {
            for stream in &streams {
                let open = self.masker.open_from(&stream.bytes);
                if open < stream.bytes.len() {
                    cut = cut.min(stream.place(open));
                }
            }
            // A secret that is partly before it stays, too.
            loop {
                let across = BOTH.iter().enumerate().flat_map(|(it, _)| {
                    let stream = &streams[it];
                    let places = found[it]
                        .iter()
                        .map(|range| (stream.place(range.start), stream.place(range.end - 1)));
                    places.filter(|(start, last)| *start < cut && *last >= cut)
                });
                match across.map(|(start, _)| start).min() {
                    Some(start) => cut = start,
                    None => break,
                }
            }
        }
        let masked = self.masked(&streams, &found, cut);
        let (index, offset) = cut;
        self.waiting.drain(..index);
        if offset > 0
            && let Some(bytes) = self.waiting.first_mut().and_then(bytes_mut)
        {
            bytes.drain(..offset);
        }
        masked
    }

    /// Returns what is before the cut, masked.
    fn masked(
        &self,
        streams: &[Joined; 2],
        found: &[Vec<Range<usize>>; 2],
        (index, offset): (usize, usize),
    ) -> Vec<Chunk> {
        let mut masked = Vec::with_capacity(index + 1);
        let whole = self.waiting.iter().take(index).map(|chunk| (chunk, None));
        let part = self.waiting.get(index).filter(|_| offset > 0);
        for (number, (chunk, end)) in whole.chain(part.map(|it| (it, Some(offset)))).enumerate() {
            let mut chunk = chunk.clone();
            let direction = direction(&chunk.event);
            if let ChunkEvent::Marked(mark) = &mut chunk.event {
                for text in mark_texts(mark) {
                    *text = self.masker.mask(text).into_owned();
                }
            }
            if let (Some(direction), Some(bytes)) = (direction, bytes_mut(&mut chunk)) {
                if let Some(end) = end {
                    bytes.truncate(end);
                }
                let stream = &streams[direction as usize];
                let start = stream.start_of(number);
                let had_any = !bytes.is_empty();
                *bytes = without(bytes, start, &found[direction as usize]);
                if had_any && bytes.is_empty() {
                    continue;
                }
            }
            masked.push(chunk);
        }
        masked
    }
}

/// Returns the bytes, which begin at `start` of those in which the ranges are, with a mask at the start
/// of each range and without the rest of it.
fn without(bytes: &[u8], start: usize, ranges: &[Range<usize>]) -> Vec<u8> {
    let end = start + bytes.len();
    let mut out = Vec::with_capacity(bytes.len());
    let mut done = start;
    for range in ranges.iter().filter(|it| it.start < end && it.end > start) {
        if range.start >= start {
            out.extend_from_slice(&bytes[done - start..range.start - start]);
            out.extend_from_slice(MASK);
        }
        done = range.end.min(end);
    }
    out.extend_from_slice(&bytes[done - start..]);
    out
}

/// The bytes of one direction in several chunks.
struct Joined {
    bytes: Vec<u8>,
    /// The numbers of the chunks with the places at which their bytes begin.
    starts: Vec<(usize, usize)>,
}

impl Joined {
    fn new(chunks: &[Chunk], wanted: Direction) -> Joined {
        let mut joined = Joined {
            bytes: Vec::new(),
            starts: Vec::new(),
        };
        for (number, chunk) in chunks.iter().enumerate() {
            if direction(&chunk.event) == Some(wanted)
                && let ChunkEvent::Output(bytes) | ChunkEvent::Typed { bytes, .. } = &chunk.event
            {
                joined.starts.push((number, joined.bytes.len()));
                joined.bytes.extend_from_slice(bytes);
            }
        }
        joined
    }

    /// Returns the number of the chunk at this place, and the place in it.
    fn place(&self, at: usize) -> (usize, usize) {
        let next = self.starts.partition_point(|(_, start)| *start <= at);
        match next.checked_sub(1).map(|it| self.starts[it]) {
            Some((number, start)) => (number, at - start),
            None => (0, 0),
        }
    }

    fn start_of(&self, number: usize) -> usize {
        let found = self.starts.binary_search_by_key(&number, |it| it.0);
        found.map_or(0, |it| self.starts[it].1)
    }
}

fn direction(event: &ChunkEvent) -> Option<Direction> {
    match event {
        ChunkEvent::Output(_) => Some(Direction::Printed),
        ChunkEvent::Typed { .. } => Some(Direction::Typed),
        _ => None,
    }
}

/// Returns the texts that a person has typed for a mark.
fn mark_texts(mark: &mut Mark) -> Vec<&mut String> {
    match mark {
        Mark::Proof(text) | Mark::Step(text) | Mark::Failure(text) => vec![text],
        Mark::Capture { name, text } => vec![name, text],
        Mark::Redo | Mark::Paused | Mark::Resumed => Vec::new(),
    }
}

fn bytes_mut(chunk: &mut Chunk) -> Option<&mut Vec<u8>> {
    match &mut chunk.event {
        ChunkEvent::Output(bytes) | ChunkEvent::Typed { bytes, .. } => Some(bytes),
        _ => None,
    }
}

/// Returns whether these chunks have a secret.
pub(super) fn has_secret<'c>(
    masker: &Masker,
    chunks: impl Iterator<Item = &'c Chunk> + Clone,
) -> bool {
    let is_in_mark = |chunk: &Chunk| {
        let ChunkEvent::Marked(mark) = &chunk.event else {
            return false;
        };
        let mut mark = mark.clone();
        let mut texts = mark_texts(&mut mark).into_iter();
        texts.any(|text| !masker.find_whole(text.as_bytes()).is_empty())
    };
    if chunks.clone().any(is_in_mark) {
        return true;
    }
    BOTH.iter().any(|wanted| {
        let chunks = chunks.clone();
        let all = chunks.filter(|it| direction(&it.event) == Some(*wanted));
        let mut bytes = Vec::new();
        for chunk in all {
            if let ChunkEvent::Output(more) | ChunkEvent::Typed { bytes: more, .. } = &chunk.event {
                bytes.extend_from_slice(more);
            }
        }
        !masker.find_whole(&bytes).is_empty()
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn output(text: &str) -> Chunk {
        Chunk {
            at: Duration::ZERO,
            event: ChunkEvent::Output(text.into()),
        }
    }

    fn typed(text: &str) -> Chunk {
        Chunk {
            at: Duration::ZERO,
            event: ChunkEvent::Typed {
                bytes: text.into(),
                mode: crate::recorder::recording::TypedMode {
                    echo: true,
                    lines: true,
                },
            },
        }
    }

    fn text_of(chunks: &[Chunk], wanted: Direction) -> String {
        let mut text = String::new();
        for chunk in chunks {
            if direction(&chunk.event) == Some(wanted)
                && let ChunkEvent::Output(bytes) | ChunkEvent::Typed { bytes, .. } = &chunk.event
            {
                text.push_str(std::str::from_utf8(bytes).unwrap());
            }
        }
        text
    }

    #[test]
    fn only_the_beginning_of_a_secret_is_held_back() {
        let mut stream = MaskedStream::new(Masker::new(["4711"]));
        assert_eq!(stream.push(output("Order 4")), [output("Order ")]);
        assert_eq!(stream.push(output("2: ")), [output("4"), output("2: ")]);
        assert_eq!(stream.push(output("47")), []);
        assert_eq!(stream.push(typed("x")), []);
        assert_eq!(
            stream.push(output("11.")),
            [output("***"), typed("x"), output(".")]
        );
        assert_eq!(stream.push(output("47")), []);
        assert_eq!(stream.finish(), [output("47")]);
    }

    proptest! {
        #[test]
        fn the_mask_does_not_depend_on_the_chunks(
            pieces in prop::collection::vec((any::<bool>(), "[147 x]{0,4}"), 0..12)
        ) {
            let masker = Masker::new(["4711", "17 7"]);
            let mut stream = MaskedStream::new(masker.clone());
            let mut chunks = Vec::new();
            let mut whole = [String::new(), String::new()];
            for (is_typed, text) in &pieces {
                whole[usize::from(*is_typed)].push_str(text);
                chunks.extend(stream.push(if *is_typed { typed(text) } else { output(text) }));
            }
            chunks.extend(stream.finish());
            for direction in BOTH {
                let masked = masker.mask(&whole[direction as usize]);
                prop_assert_eq!(text_of(&chunks, direction), masked);
            }
        }
    }
}
