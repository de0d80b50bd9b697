//! Gates before steps: waits for a pooled instance, for other flows (`together`), for the rate, and
//! for exclusive access. Pure.
//!
//! A flow passes the gates of a step in that order. Flows cannot deadlock:
//!
//! - Instances of pools are acquired in the order of the steps, which is the same for all flows,
//!   and each is released after a bounded time, as steps have deadlines. A flow that is retried
//!   releases all of them first.
//! - Exclusive access is held while a step is performed, and nothing else is waited for meanwhile.
//! - A group that does not fill up is released when its first flow has waited for the step's
//!   timeout, or as soon as no other flow can join.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crate::model::{FlowNumber, RoleIndex, StepIndex};
use crate::scenario::Plan;

use super::instances::{Assigned, Pool, Slot, SlotState};

/// An effect for the coordinator to apply. `I` is a handle of a script instance.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum GateEffect<I> {
    /// The flow may perform the step.
    Admit {
        flow: FlowNumber,
        step: StepIndex,
        assigned: Option<Assigned<I>>,
    },
    /// A group was released before it was complete.
    GroupIncomplete {
        step: StepIndex,
        came: usize,
        wanted: u64,
    },
    /// This instance is not used any more and has to end.
    Abandon(I),
}

/// All gates of a run.
#[derive(Debug)]
pub(super) struct Gates<I> {
    steps: Vec<StepGates>,
    pools: BTreeMap<RoleIndex, Pool<I>>,
    groups: BTreeMap<StepIndex, FlowGroup>,
    rates: BTreeMap<StepIndex, RateLimit>,
    locks: BTreeMap<String, Lock>,
    waiting: BTreeMap<FlowNumber, WaitingFlow<I>>,
}

/// The gates of one step.
#[derive(Debug, Clone)]
pub(super) struct StepGates {
    pub role: RoleIndex,
    pub together: Option<u64>,
    pub interval: Option<Duration>,
    pub exclusive: Option<String>,
    /// Most time that a group is waited for.
    pub timeout: Duration,
}

/// A flow that waits.
#[derive(Debug)]
struct WaitingFlow<I> {
    step: StepIndex,
    at: Gate,
    assigned: Option<Assigned<I>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    Pool,
    Together,
    Rate,
    Exclusive,
    Passed,
}

#[derive(Debug)]
struct FlowGroup {
    wanted: u64,
    timeout: Duration,
    flows: Vec<FlowNumber>,
    /// The moment at which the group is released, complete or not.
    until: Option<Instant>,
}

#[derive(Debug)]
struct RateLimit {
    interval: Duration,
    /// The earliest next start; `None` before the first.
    next: Option<Instant>,
    queue: VecDeque<FlowNumber>,
}

#[derive(Debug, Default)]
struct Lock {
    holder: Option<FlowNumber>,
    queue: VecDeque<FlowNumber>,
}

impl<I: Clone> Gates<I> {
    /// Creates the gates of a plan.
    pub(super) fn of(plan: &Plan) -> Self {
        let segment = plan.load.segment;
        let steps = plan.steps.iter().map(|step| StepGates {
            role: step.role,
            together: step.gates.together,
            interval: step.gates.interval.map(|it| segment.interval(it)),
            exclusive: step.gates.exclusive.clone(),
            timeout: step.timeout,
        });
        let pools = plan.roles.iter().enumerate().filter_map(|(role, it)| {
            let size = segment.share(it.pool?.get());
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            Some((RoleIndex(role), size))
        });
        Self::new(steps.collect(), pools)
    }

    fn new(steps: Vec<StepGates>, pools: impl Iterator<Item = (RoleIndex, usize)>) -> Self {
        let indexed = || (0..).map(StepIndex).zip(&steps);
        let groups = indexed().filter_map(|(index, step)| {
            let group = FlowGroup {
                wanted: step.together?,
                timeout: step.timeout,
                flows: Vec::new(),
                until: None,
            };
            Some((index, group))
        });
        let rates = indexed().filter_map(|(index, step)| {
            let rate = RateLimit {
                interval: step.interval?,
                next: None,
                queue: VecDeque::new(),
            };
            Some((index, rate))
        });
        let locks = steps.iter().filter_map(|step| step.exclusive.clone());
        Gates {
            groups: groups.collect(),
            rates: rates.collect(),
            locks: locks.map(|name| (name, Lock::default())).collect(),
            pools: pools.map(|(role, size)| (role, Pool::new(size))).collect(),
            waiting: BTreeMap::new(),
            steps,
        }
    }

    /// A flow wants to perform a step; `takes_instance` if its role's script is to come from the
    /// pool.
    pub(super) fn arrive(
        &mut self,
        flow: FlowNumber,
        step: StepIndex,
        takes_instance: bool,
        now: Instant,
    ) -> Vec<GateEffect<I>> {
        let waiting = WaitingFlow {
            step,
            at: if takes_instance {
                Gate::Pool
            } else {
                Gate::Together
            },
            assigned: None,
        };
        self.waiting.insert(flow, waiting);
        if !takes_instance {
            return self.advance(flow, now);
        }
        let role = self.steps[step.0].role;
        if let Some(pool) = self.pools.get_mut(&role) {
            pool.queue.push_back(flow);
        }
        self.hand_out(role, now)
    }

    /// Assigns free slots to waiting flows: those with an instance in them first.
    fn hand_out(&mut self, role: RoleIndex, now: Instant) -> Vec<GateEffect<I>> {
        let mut effects = Vec::new();
        while let Some(pool) = self.pools.get_mut(&role)
            && let Some((flow, number, instance)) = pool.hand_out()
        {
            if let Some(waiting) = self.waiting.get_mut(&flow) {
                let slot = Slot { role, number };
                waiting.assigned = Some(Assigned { slot, instance });
                waiting.at = Gate::Together;
            }
            effects.extend(self.advance(flow, now));
        }
        effects
    }

    /// Moves a flow from its present gate through all that are open.
    fn advance(&mut self, flow: FlowNumber, now: Instant) -> Vec<GateEffect<I>> {
        let mut effects = Vec::new();
        while let Some(waiting) = self.waiting.get_mut(&flow) {
            let step = waiting.step;
            match waiting.at {
                Gate::Pool => return effects,
                Gate::Together => {
                    let Some(group) = self.groups.get_mut(&step) else {
                        waiting.at = Gate::Rate;
                        continue;
                    };
                    group.flows.push(flow);
                    group.until.get_or_insert(now + group.timeout);
                    if (group.flows.len() as u64) >= group.wanted {
                        effects.extend(self.release_group(step, now));
                    }
                    return effects;
                }
                Gate::Rate => {
                    let Some(rate) = self.rates.get_mut(&step) else {
                        waiting.at = Gate::Exclusive;
                        continue;
                    };
                    if !rate.queue.is_empty() || rate.next.is_some_and(|next| next > now) {
                        rate.queue.push_back(flow);
                        return effects;
                    }
                    rate.next = Some(now + rate.interval);
                    waiting.at = Gate::Exclusive;
                }
                Gate::Exclusive => {
                    let name = self.steps[step.0].exclusive.as_ref();
                    if let Some(lock) = name.and_then(|name| self.locks.get_mut(name)) {
                        if lock.holder.is_some_and(|holder| holder != flow) {
                            lock.queue.push_back(flow);
                            return effects;
                        }
                        lock.holder = Some(flow);
                    }
                    waiting.at = Gate::Passed;
                }
                Gate::Passed => {
                    let assigned = waiting.assigned.take();
                    self.waiting.remove(&flow);
                    effects.push(GateEffect::Admit {
                        flow,
                        step,
                        assigned,
                    });
                    return effects;
                }
            }
        }
        effects
    }

    /// Releases a group, complete or not.
    fn release_group(&mut self, step: StepIndex, now: Instant) -> Vec<GateEffect<I>> {
        let Some(group) = self.groups.get_mut(&step) else {
            return Vec::new();
        };
        group.until = None;
        let flows = std::mem::take(&mut group.flows);
        let wanted = group.wanted;
        let mut effects = Vec::new();
        if (flows.len() as u64) < wanted {
            let came = flows.len();
            effects.push(GateEffect::GroupIncomplete { step, came, wanted });
        }
        for flow in flows {
            if let Some(waiting) = self.waiting.get_mut(&flow) {
                waiting.at = Gate::Rate;
            }
            effects.extend(self.advance(flow, now));
        }
        effects
    }

    /// A flow has performed a step, successfully or not, and is not going to repeat it.
    pub(super) fn step_over(
        &mut self,
        flow: FlowNumber,
        step: StepIndex,
        now: Instant,
    ) -> Vec<GateEffect<I>> {
        match self.steps[step.0].exclusive.clone() {
            Some(name) => self.unlock(flow, &name, now),
            None => Vec::new(),
        }
    }

    fn unlock(&mut self, flow: FlowNumber, name: &str, now: Instant) -> Vec<GateEffect<I>> {
        let Some(lock) = self.locks.get_mut(name) else {
            return Vec::new();
        };
        if lock.holder != Some(flow) {
            return Vec::new();
        }
        lock.holder = lock.queue.pop_front();
        match lock.holder {
            Some(next) => self.advance(next, now),
            None => Vec::new(),
        }
    }

    /// A flow has no more use for its slots, in which no instance is alive any more.
    pub(super) fn release_slots(&mut self, flow: FlowNumber, now: Instant) -> Vec<GateEffect<I>> {
        let roles: Vec<_> = self.pools.keys().copied().collect();
        let mut effects = Vec::new();
        for role in roles {
            if let Some(pool) = self.pools.get_mut(&role) {
                pool.forget(flow);
            }
            effects.extend(self.hand_out(role, now));
        }
        effects
    }

    /// A flow has no more use for an instance, which is on its way back to its menu.
    pub(super) fn release(&mut self, slot: Slot, instance: I) {
        self.set(slot, SlotState::Busy(instance));
    }

    /// An instance that was given back is at its menu.
    pub(super) fn returned_to_menu(&mut self, slot: Slot, now: Instant) -> Vec<GateEffect<I>> {
        if let Some(state) = self.slot(slot)
            && let SlotState::Busy(instance) = state
        {
            *state = SlotState::Idle(instance.clone());
        }
        self.hand_out(slot.role, now)
    }

    /// The instance in a slot that is assigned to no flow has ended.
    pub(super) fn ended(&mut self, slot: Slot, now: Instant) -> Vec<GateEffect<I>> {
        if let Some(state) = self.slot(slot)
            && matches!(state, SlotState::Idle(_) | SlotState::Busy(_))
        {
            *state = SlotState::Empty;
        }
        self.hand_out(slot.role, now)
    }

    /// A flow is over: it waits for nothing and holds nothing any more.
    pub(super) fn gone(&mut self, flow: FlowNumber, now: Instant) -> Vec<GateEffect<I>> {
        let mut effects = Vec::new();
        if let Some(WaitingFlow { assigned, .. }) = self.waiting.remove(&flow) {
            // The flow has not received this instance yet.
            let unused = assigned.and_then(|assigned| assigned.instance);
            effects.extend(unused.map(GateEffect::Abandon));
        }
        for group in self.groups.values_mut() {
            group.flows.retain(|waiting| *waiting != flow);
            if group.flows.is_empty() {
                group.until = None;
            }
        }
        for rate in self.rates.values_mut() {
            rate.queue.retain(|waiting| *waiting != flow);
        }
        let names: Vec<_> = self.locks.keys().cloned().collect();
        for name in names {
            if let Some(lock) = self.locks.get_mut(&name) {
                lock.queue.retain(|waiting| *waiting != flow);
            }
            effects.extend(self.unlock(flow, &name, now));
        }
        effects.extend(self.release_slots(flow, now));
        effects
    }

    /// Time has passed.
    pub(super) fn ring(&mut self, now: Instant) -> Vec<GateEffect<I>> {
        let mut effects = Vec::new();
        let late = |group: &FlowGroup| group.until.is_some_and(|until| until <= now);
        let groups = self.groups.iter().filter(|(_, group)| late(group));
        let groups: Vec<_> = groups.map(|(step, _)| *step).collect();
        for step in groups {
            effects.extend(self.release_group(step, now));
        }
        let rates: Vec<_> = self.rates.keys().copied().collect();
        for step in rates {
            while let Some(rate) = self.rates.get_mut(&step)
                && rate.next.is_none_or(|next| next <= now)
                && let Some(flow) = rate.queue.pop_front()
            {
                // Spaced from the actual start before it, even if that was late.
                rate.next = Some(now + rate.interval);
                if let Some(waiting) = self.waiting.get_mut(&flow) {
                    waiting.at = Gate::Exclusive;
                }
                effects.extend(self.advance(flow, now));
            }
        }
        effects
    }

    /// Returns the moment at which [`Gates::ring`] is due.
    pub(super) fn next_moment(&self) -> Option<Instant> {
        let groups = self.groups.values().filter_map(|group| group.until);
        let rates = self.rates.values().filter(|it| !it.queue.is_empty());
        groups.chain(rates.filter_map(|rate| rate.next)).min()
    }

    /// Releases the group that has come furthest, if no flow can join it any more: all flows in
    /// flight wait, none of them for the rate, and no instance is on its way back to its pool.
    pub(super) fn break_stall(&mut self, in_flight: usize, now: Instant) -> Vec<GateEffect<I>> {
        let some_flow_moves = self.waiting.len() < in_flight
            || self.rates.values().any(|rate| !rate.queue.is_empty())
            || self.busy().next().is_some();
        if some_flow_moves {
            return Vec::new();
        }
        let mut groups = self.groups.iter().rev();
        match groups.find(|(_, group)| !group.flows.is_empty()) {
            Some((&step, _)) => self.release_group(step, now),
            None => Vec::new(),
        }
    }

    /// Takes the idle instances in order to end them; their slots stay occupied until they have
    /// [`ended`](Gates::ended).
    pub(super) fn take_idle(&mut self) -> Vec<(Slot, I)> {
        let mut idle = Vec::new();
        for (role, pool) in &mut self.pools {
            for (number, state) in pool.slots.iter_mut().enumerate() {
                if let SlotState::Idle(instance) = state {
                    let slot = Slot {
                        role: *role,
                        number,
                    };
                    idle.push((slot, instance.clone()));
                    *state = SlotState::Busy(instance.clone());
                }
            }
        }
        idle
    }

    /// Returns the instances that are on their way back to their pools, or to their end.
    pub(super) fn busy(&self) -> impl Iterator<Item = &I> {
        self.slots().filter_map(|state| match state {
            SlotState::Busy(instance) => Some(instance),
            _ => None,
        })
    }

    /// Returns the instance in a slot that no flow has.
    pub(super) fn instance(&self, slot: Slot) -> Option<&I> {
        match self.pools.get(&slot.role)?.slots.get(slot.number)? {
            SlotState::Idle(instance) | SlotState::Busy(instance) => Some(instance),
            SlotState::Empty | SlotState::Assigned(_) => None,
        }
    }

    /// Returns the slot with the instance that fits, among those of the role that no flow has.
    pub(super) fn slot_of(&self, role: RoleIndex, fits: impl Fn(&I) -> bool) -> Option<Slot> {
        let mut slots = self.pools.get(&role)?.slots.iter();
        let number = slots.position(|state| match state {
            SlotState::Idle(instance) | SlotState::Busy(instance) => fits(instance),
            SlotState::Empty | SlotState::Assigned(_) => false,
        })?;
        Some(Slot { role, number })
    }

    /// Returns whether no pool has an instance.
    pub(super) fn is_empty(&self) -> bool {
        self.slots().all(|state| matches!(state, SlotState::Empty))
    }

    fn slots(&self) -> impl Iterator<Item = &SlotState<I>> {
        self.pools.values().flat_map(|pool| &pool.slots)
    }

    fn slot(&mut self, slot: Slot) -> Option<&mut SlotState<I>> {
        self.pools.get_mut(&slot.role)?.slots.get_mut(slot.number)
    }

    fn set(&mut self, slot: Slot, to: SlotState<I>) {
        if let Some(state) = self.slot(slot) {
            *state = to;
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
