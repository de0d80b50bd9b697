//! Consumed output: pieces that have matched and must not match again.

use std::ops::Range;

use super::pattern_set::{Hit, PatternSet};
use crate::terminal::Lines;

/// Duration for which a piece stays consumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// Until the outermost loop ends.
    LoopEnds,
    Forever,
}

/// Consumed pieces, ordered by position, without overlap.
#[derive(Debug, Default)]
pub(super) struct Consumed {
    pieces: Vec<(Range<usize>, Until)>,
    /// Number of bytes searched, for tests of linear time.
    #[cfg(test)]
    pub(super) searched_bytes: std::cell::Cell<usize>,
}

impl Consumed {
    pub(super) fn consume(&mut self, piece: Range<usize>, until: Until) {
        let place = self
            .pieces
            .partition_point(|(consumed, _)| consumed.start < piece.start);
        self.pieces.insert(place, (piece, until));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(super) fn loop_ended(&mut self) {
        self.pieces.retain(|(_, until)| *until == Until::Forever);
    }

    /// Drops the pieces that end at or before `position`.
    pub(super) fn forget(&mut self, position: usize) {
        let gone = self
            .pieces
            .partition_point(|(consumed, _)| consumed.end <= position);
        self.pieces.drain(..gone);
    }

    /// Adjusts pieces after the text was truncated at `position`.
    pub(super) fn truncate(&mut self, position: usize) {
        while let Some((consumed, _)) = self.pieces.last_mut()
            && consumed.end > position
        {
            consumed.end = position;
            if consumed.start >= position {
                self.pieces.pop();
            } else {
                break;
            }
        }
    }

    /// Adjusts pieces after a line end was inserted at `position`.
    pub(super) fn moved(&mut self, position: usize) {
        for (consumed, _) in &mut self.pieces {
            if consumed.start >= position {
                consumed.start += 1;
                consumed.end += 1;
            }
        }
    }

    pub(super) fn overlaps(&self, piece: &Range<usize>) -> bool {
        let place = self
            .pieces
            .partition_point(|(consumed, _)| consumed.end <= piece.start);
        self.pieces
            .get(place)
            .is_some_and(|(consumed, _)| consumed.start < piece.end)
    }

    /// Returns the first match within `span` of `lines` that overlaps no consumed piece. All ranges
    /// are of positions.
    pub(super) fn find_unconsumed(
        &self,
        set: &PatternSet,
        lines: &Lines,
        span: Range<usize>,
    ) -> Option<Hit> {
        if set.is_empty() || span.is_empty() {
            return None;
        }
        let base = lines.base();
        let mut from = span.start;
        let first = self
            .pieces
            .partition_point(|(consumed, _)| consumed.end <= span.start);
        let pieces = self.pieces[first..]
            .iter()
            .map(|(consumed, _)| consumed.clone());
        for piece in pieces.chain(std::iter::once(span.end..span.end)) {
            let to = piece.start.min(span.end);
            if from < to {
                let hit = set.find(lines.text(), from - base..to - base);
                #[cfg(test)]
                self.searched_bytes.set(
                    self.searched_bytes.get() + hit.as_ref().map_or(to, |hit| base + hit.range.end)
                        - from,
                );
                if let Some(hit) = hit {
                    return Some(Hit {
                        index: hit.index,
                        range: hit.range.start + base..hit.range.end + base,
                    });
                }
            }
            from = from.max(piece.end);
            if from >= span.end {
                break;
            }
        }
        None
    }
}
