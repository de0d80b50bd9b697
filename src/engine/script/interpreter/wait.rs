//! One wait of an action, and the owners of its patterns.

use crate::dialogue::WaitSet;
use crate::scenario::{Turn, TurnKind, Wait};

use super::{Frame, TurnRef, WaitOwner};

/// One wait. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Listening {
    /// The turn that waits; `None` while only lingering between rounds.
    pub(super) turn: Option<TurnRef>,
    /// Number of its patterns that are the `until` of a `repeat`: they come before those of the
    /// turn.
    pub(super) untils: usize,
    pub(super) set: WaitSet,
}

impl Listening {
    /// Returns the owner of the pattern at this place of the set.
    pub(super) fn owner(&self, place: usize, frames: &[Frame]) -> Option<WaitOwner> {
        if place < self.untils {
            let mut repeats = repeats(frames);
            return repeats.nth(place).map(WaitOwner::Until);
        }
        let turn = self.turn.as_ref()?.get();
        let heard = turn.waits().enumerate();
        let mut heard = heard.filter(|(_, wait)| matches!(wait, Wait::For { .. }));
        let (index, _) = heard.nth(place - self.untils)?;
        Some(owner_in(turn, index))
    }

    /// The exit codes that satisfy the wait.
    pub(super) fn exits(&self) -> impl Iterator<Item = (WaitOwner, i32)> {
        let turns = self.turn.iter().map(TurnRef::get);
        turns.flat_map(|turn| {
            let waits = turn.waits().enumerate();
            waits.filter_map(|(index, wait)| match wait {
                Wait::Exit(code) => Some((owner_in(turn, index), *code)),
                Wait::For { .. } => None,
            })
        })
    }
}

/// The places of the `repeat`s among these frames.
pub(super) fn repeats(frames: &[Frame]) -> impl Iterator<Item = usize> {
    let frames = frames.iter().enumerate();
    frames.filter_map(|(at, frame)| matches!(frame, Frame::Repeat { .. }).then_some(at))
}

/// Returns the owner of the wait at this place of a turn.
fn owner_in(turn: &Turn, index: usize) -> WaitOwner {
    match &turn.kind {
        TurnKind::FirstOf(_) => WaitOwner::Alternative(index),
        _ => WaitOwner::Exchange,
    }
}
