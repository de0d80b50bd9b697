//! The slots of a role's pool and the script instances in them.

use std::collections::VecDeque;

use crate::model::{FlowNumber, RoleIndex};

/// One place in a role's pool, whichever script instance fills it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) struct Slot {
    pub role: RoleIndex,
    /// From 0.
    pub number: usize,
}

/// A slot that a flow has for itself, and the instance in it, if there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct Assigned<I> {
    pub slot: Slot,
    pub instance: Option<I>,
}

#[derive(Debug)]
pub(super) struct Pool<I> {
    pub slots: Vec<SlotState<I>>,
    /// Who waits for a free slot.
    pub queue: VecDeque<FlowNumber>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SlotState<I> {
    Empty,
    /// Logged in and at its menu.
    Idle(I),
    /// The instance that went along is remembered until the flow gives one back.
    Assigned {
        to: FlowNumber,
        instance: Option<I>,
    },
    /// On its way back to its menu, or to its end.
    Busy(I),
}

impl<I: Clone> Pool<I> {
    /// A pool of so many empty slots.
    pub(super) fn new(size: usize) -> Self {
        Pool {
            slots: vec![SlotState::Empty; size],
            queue: VecDeque::new(),
        }
    }

    /// Gives a free slot to whoever waits for one; says who that is, the slot's number, and what
    /// is in it.
    pub(super) fn lend(&mut self) -> Option<(FlowNumber, usize, Option<I>)> {
        let number = self.free()?;
        let flow = self.queue.pop_front()?;
        let state = &mut self.slots[number];
        let instance = match std::mem::replace(state, SlotState::Empty) {
            SlotState::Idle(instance) => Some(instance),
            _ => None,
        };
        *state = SlotState::Assigned {
            to: flow,
            instance: instance.clone(),
        };
        Some((flow, number, instance))
    }

    /// A flow is over: it waits no more and has no slot.
    pub(super) fn forget(&mut self, flow: FlowNumber) {
        self.queue.retain(|waiting| *waiting != flow);
        for state in &mut self.slots {
            if matches!(state, SlotState::Assigned { to, .. } if *to == flow) {
                *state = SlotState::Empty;
            }
        }
    }

    /// A slot that nobody has, with an instance in it if there is such a one.
    fn free(&self) -> Option<usize> {
        let idle = |state: &SlotState<I>| matches!(state, SlotState::Idle(_));
        let empty = |state: &SlotState<I>| matches!(state, SlotState::Empty);
        let mut slots = self.slots.iter();
        slots
            .position(idle)
            .or_else(|| self.slots.iter().position(empty))
    }
}
