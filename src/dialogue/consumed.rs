//! Pieces of output that have matched and must not match again.

use std::ops::Range;

use super::lines::Lines;
use super::set::{Hit, PatternSet};

/// The time that a piece stays taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// Until the outermost loop ends.
    LoopEnds,
    Forever,
}

/// The pieces that are taken, in the order of their places. They never overlap.
#[derive(Debug, Default)]
pub(super) struct Consumed {
    pieces: Vec<(Range<usize>, Until)>,
    /// The number of bytes that were searched: what tests of linear time count.
    #[cfg(test)]
    pub(super) searched_bytes: std::cell::Cell<usize>,
}

impl Consumed {
    pub(super) fn take(&mut self, piece: Range<usize>, until: Until) {
        let place = self
            .pieces
            .partition_point(|(taken, _)| taken.start < piece.start);
        self.pieces.insert(place, (piece, until));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(super) fn loop_ends(&mut self) {
        self.pieces.retain(|(_, until)| *until == Until::Forever);
    }

    /// Drops the pieces that end before `position`.
    pub(super) fn forget(&mut self, position: usize) {
        let gone = self
            .pieces
            .partition_point(|(taken, _)| taken.end <= position);
        self.pieces.drain(..gone);
    }

    /// The text was cut off at `position`.
    pub(super) fn cut(&mut self, position: usize) {
        while let Some((taken, _)) = self.pieces.last_mut()
            && taken.end > position
        {
            taken.end = position;
            if taken.start >= position {
                self.pieces.pop();
            } else {
                break;
            }
        }
    }

    /// A line end was put in at `position`.
    pub(super) fn moved(&mut self, position: usize) {
        for (taken, _) in &mut self.pieces {
            if taken.start >= position {
                taken.start += 1;
                taken.end += 1;
            }
        }
    }

    pub(super) fn overlaps(&self, piece: &Range<usize>) -> bool {
        let place = self
            .pieces
            .partition_point(|(taken, _)| taken.end <= piece.start);
        self.pieces
            .get(place)
            .is_some_and(|(taken, _)| taken.start < piece.end)
    }

    /// The first match within `span` of `lines` that has nothing of a taken piece. All are
    /// positions.
    pub(super) fn find_free(
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
            .partition_point(|(taken, _)| taken.end <= span.start);
        let pieces = self.pieces[first..].iter().map(|(taken, _)| taken.clone());
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
