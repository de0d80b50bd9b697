//! Stack of the nested turns of an action, and the wait at its top.

use std::sync::Arc;

use crate::dialogue::{Awaited, WaitSet};
use crate::scenario::{Alternative, Then, Turn, TurnKind, Wait};

/// A turn by its list and its place there.
#[derive(Debug, Clone)]
pub(super) struct TurnRef {
    pub(super) turns: Arc<[Turn]>,
    pub(super) index: usize,
}

impl TurnRef {
    pub(super) fn get(&self) -> &Turn {
        &self.turns[self.index]
    }
}

/// A nesting level of what is performed, innermost last.
#[derive(Debug)]
pub(super) enum Frame {
    /// A list of turns, and the next one of them.
    Turns { turns: Arc<[Turn]>, next: usize },
    /// A `repeat`, in its `round`th round (from 1).
    Repeat {
        turn: TurnRef,
        round: u32,
        until: Awaited,
    },
    /// A `first_of` that may wait again.
    FirstOf {
        turn: TurnRef,
        /// Its wait: the same each time, so that the dialogue can go on where it was.
        wait: Option<OpenWait>,
    },
}

/// The owner of a pattern of the present wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WaitOwner {
    /// The turn itself (`Exchange`).
    Exchange,
    /// One of the alternatives of a `first_of`.
    Alternative(usize),
    /// The `until` of the `repeat` at this place in the frames.
    Until(usize),
}

/// One wait. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct OpenWait {
    /// The turn that waits; `None` while only lingering between rounds.
    pub(super) turn: Option<TurnRef>,
    /// Number of its patterns that are the `until` of a `repeat`: they come before those of the
    /// turn.
    pub(super) untils: usize,
    pub(super) set: WaitSet,
}

impl OpenWait {
    /// Returns the owner of the pattern at this place of the set.
    pub(super) fn owner(&self, place: usize, frames: &[Frame]) -> Option<WaitOwner> {
        if place < self.untils {
            let mut repeats = repeats(frames);
            return repeats.nth(place).map(WaitOwner::Until);
        }
        let turn = self.turn.as_ref()?.get();
        let heard = turn.waits().enumerate();
        let mut heard = heard.filter(|(_, wait)| matches!(wait, Wait::For(_)));
        let (index, _) = heard.nth(place - self.untils)?;
        Some(owner_in(turn, index))
    }

    /// Returns the exit codes that satisfy the wait.
    pub(super) fn exits(&self) -> impl Iterator<Item = (WaitOwner, i32)> {
        let turns = self.turn.iter().map(TurnRef::get);
        turns.flat_map(|turn| {
            let waits = turn.waits().enumerate();
            waits.filter_map(|(index, wait)| match wait {
                Wait::Exit(code) => Some((owner_in(turn, index), *code)),
                Wait::For(_) | Wait::Reads => None,
            })
        })
    }

    /// Returns the owner of the wait for a read of the program, if there is one.
    pub(super) fn reads(&self) -> Option<WaitOwner> {
        let turn = self.turn.as_ref()?.get();
        let place = turn.waits().position(|wait| matches!(wait, Wait::Reads))?;
        Some(owner_in(turn, place))
    }
}

/// Returns the places of the `repeat`s among these frames.
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

pub(super) fn alternatives(turn: &TurnRef) -> &[Alternative] {
    match &turn.get().kind {
        TurnKind::FirstOf(alternatives) => alternatives,
        _ => unreachable!("only a first_of has alternatives"),
    }
}

pub(super) fn loops(alternative: &Alternative) -> bool {
    matches!(alternative.then, Then::Again | Then::DoAgain(_))
}
