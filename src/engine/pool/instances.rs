//! The slots of a role's pool and the script instances in them.

use std::collections::VecDeque;

use crate::model::{FlowNumber, RoleIndex, RunEvent, StepIndex};
use crate::scenario::Segment;

/// One place of a role's pool, with changing script instances in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) struct Slot {
    pub role: RoleIndex,
    /// From 0.
    pub number: usize,
}

impl Slot {
    /// Returns the event of another instance that `flow` starts in this slot for `step`.
    pub(super) fn replaced(self, flow: FlowNumber, step: StepIndex, segment: Segment) -> RunEvent {
        let place = segment.place(self.number as u64);
        RunEvent::PooledScriptReplaced {
            flow,
            step,
            number: usize::try_from(place).map_or(usize::MAX, |place| place.saturating_add(1)),
        }
    }
}

/// A slot that a flow has acquired, and the instance in it, if there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct Assigned<I> {
    pub slot: Slot,
    pub instance: Option<I>,
}

#[derive(Debug)]
pub(super) struct Pool<I> {
    pub slots: Vec<SlotState<I>>,
    /// The flows that wait for a free slot.
    pub queue: VecDeque<FlowNumber>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SlotState<I> {
    Empty,
    /// Logged in and at its menu.
    Idle(I),
    /// A flow has acquired it, with or without an instance.
    Assigned(FlowNumber),
    /// Released: on its way back to its menu, or to its end.
    Busy(I),
}

impl<I: Clone> Pool<I> {
    /// Creates a pool of `size` empty slots.
    pub(super) fn new(size: usize) -> Self {
        Pool {
            slots: vec![SlotState::Empty; size],
            queue: VecDeque::new(),
        }
    }

    /// Assigns a free slot to the next flow that waits for one. Returns the flow, the slot's number
    /// and the instance in it, if there is one.
    pub(super) fn hand_out(&mut self) -> Option<(FlowNumber, usize, Option<I>)> {
        let number = self.free()?;
        let flow = self.queue.pop_front()?;
        let state = &mut self.slots[number];
        let instance = match std::mem::replace(state, SlotState::Assigned(flow)) {
            SlotState::Idle(instance) => Some(instance),
            _ => None,
        };
        Some((flow, number, instance))
    }

    /// A flow is over: it waits no more and has no slot.
    pub(super) fn forget(&mut self, flow: FlowNumber) {
        self.queue.retain(|waiting| *waiting != flow);
        for state in &mut self.slots {
            if matches!(state, SlotState::Assigned(to) if *to == flow) {
                *state = SlotState::Empty;
            }
        }
    }

    /// Returns a free slot, one with an instance in it if possible.
    fn free(&self) -> Option<usize> {
        let idle = |state: &SlotState<I>| matches!(state, SlotState::Idle(_));
        let empty = |state: &SlotState<I>| matches!(state, SlotState::Empty);
        let mut slots = self.slots.iter();
        slots
            .position(idle)
            .or_else(|| self.slots.iter().position(empty))
    }
}
