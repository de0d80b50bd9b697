//! Output of a step before its last reply, in which `pick` may look for its row.

use std::collections::VecDeque;

use crate::scenario::{Reply, Since, Turn, any_turn};

/// Most bytes that are kept of earlier output.
const EARLIER_BYTES: usize = 1 << 20;

/// The output of a step before its last reply, the part before each reply apart.
#[derive(Debug, Default)]
pub(super) struct EarlierOutput {
    parts: VecDeque<Vec<String>>,
    bytes: usize,
}

impl EarlierOutput {
    /// Creates an empty one if a `pick` among these turns looks for its row there.
    pub(super) fn if_wanted(turns: &[Turn]) -> Option<Self> {
        let looks_back = |turn: &Turn| {
            let mut replies = turn.replies();
            replies.any(|reply| matches!(reply, Reply::Pick(pick) if pick.since == Since::Step))
        };
        any_turn(turns, &looks_back).then(Self::default)
    }

    /// Keeps the output before a reply; the oldest makes room for it.
    pub(super) fn keep(&mut self, lines: &[&str]) {
        let lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
        self.bytes += size(&lines);
        self.parts.push_back(lines);
        while self.bytes > EARLIER_BYTES
            && let Some(oldest) = self.parts.pop_front()
        {
            self.bytes -= size(&oldest);
        }
    }

    /// Returns the output before each reply.
    pub(super) fn latest_first(&self) -> impl Iterator<Item = Vec<&str>> {
        let parts = self.parts.iter().rev();
        parts.map(|lines| lines.iter().map(String::as_str).collect())
    }
}

fn size(lines: &[String]) -> usize {
    lines.iter().map(String::len).sum()
}
