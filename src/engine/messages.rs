//! Every message that the actors of a run send each other.
//!
//! ```text
//!  Coordinator ──StartFlow──► FlowSupervisor ──Perform, EndScript, Assign──► ScriptActor
//!              ──Admit──────►                ◄──Performed, Injected, ScriptEnded──
//!              ◄──Arrive─────
//!              ◄──ReleaseInstance, ReleaseSlots, StepOver───
//!              ◄──FlowEnded──
//!              ──Settle, Perform, EndScript──► ScriptActor of a pool
//!              ◄──Settled, PooledEnded───────
//! ```
//! Orders are in the imperative, reports in the past tense. A supervisor and its script actors
//! live on the same arbiter, but for those of pools; whatever goes to or comes from the coordinator
//! crosses threads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;

use crate::model::{
    Evidence, Failure, FlowNumber, FlowRecord, Injection, InstanceId, ProcessRecord, StepIndex,
};
use crate::process::Grace;
use crate::scenario::Scope;

use super::control::Stop;
use super::coordinator::Coordinator;
use super::flow::FlowSupervisor;
use super::pool::{Assigned, Slot};
use super::script::ScriptActor;
use super::script::transcript::Transcript;

/// Coordinator → supervisor: begin.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct StartFlow;

/// Supervisor → coordinator: the flow wants to perform a step that has gates; answered by
/// [`Admit`].
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct Arrive {
    pub flow: FlowNumber,
    pub step: StepIndex,
    /// True if the role's script is to come from its pool.
    pub takes_instance: bool,
}

/// Coordinator → supervisor: nothing stands before the step any more.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Admit {
    pub step: StepIndex,
    /// The place in the role's pool, if one was asked for.
    pub assigned: Option<Assigned<Addr<ScriptActor>>>,
}

/// Supervisor → coordinator: the step is over, and what was exclusive is free.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct StepOver {
    pub flow: FlowNumber,
    pub step: StepIndex,
}

/// Supervisor → coordinator: the flow has no more use for this script of a pool.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct ReleaseInstance {
    pub slot: Slot,
    pub script: Addr<ScriptActor>,
    /// What the script's later texts are made of.
    pub scope: Box<Scope>,
}

/// Supervisor → coordinator: the flow begins anew, and keeps no place in any pool: it would take
/// them in another order than others do.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct ReleaseSlots {
    pub flow: FlowNumber,
}

/// Supervisor → script actor of a pool: from now on you are this flow's. Answered by whether its
/// program lives.
#[derive(Debug, Message)]
#[rtype(result = "bool")]
pub(super) struct Assign {
    pub supervisor: Addr<FlowSupervisor>,
    pub instance: InstanceId,
}

/// Coordinator → script actor: you are the pool's again; get back to your menu.
/// Answered by [`Settled`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Settle {
    pub coordinator: Addr<Coordinator>,
    pub slot: Slot,
    pub scope: Box<Scope>,
    pub deadline: Deadline,
}

/// Script actor → coordinator: the pool's script is at its menu, or has performed its `leave`.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Settled {
    pub slot: Slot,
    pub what: ActionKind,
    pub result: Result<(), Box<Failure>>,
    pub scope: Box<Scope>,
}

/// Script actor → coordinator: the pool's script has ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct PooledEnded {
    pub slot: Slot,
    pub record: Option<Box<ProcessRecord>>,
}

/// Control → coordinator: stop the run.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct StopRun(pub Stop);

/// Coordinator → supervisor: give up on the flow, because the run ends.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct EndFlow {
    pub grace: Grace,
}

/// Supervisor → coordinator: the flow has ended, and none of its processes lives.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct FlowEnded {
    pub number: FlowNumber,
    pub record: Box<FlowRecord>,
    /// What is known of it beyond that, if it is wanted.
    pub evidence: Option<Box<Evidence>>,
}

/// Supervisor → script actor: perform a step. The flow's values go along and come back with
/// [`Performed`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Perform {
    pub what: ActionKind,
    pub scope: Scope,
    /// When the step must be over.
    pub deadline: Deadline,
    /// Which attempt it is, from 1.
    pub attempt: u32,
}

/// What a script actor performs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ActionKind {
    Step(StepIndex),
    /// The role's first step again, in a new script after a failure: what it captures may differ.
    LogIn(StepIndex),
    /// Back to the role's menu, between two flows.
    Settle,
    /// The role's `leave` action.
    Leave,
}

/// A point in time, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deadline {
    pub at: Instant,
    pub whose: Whose,
    /// The duration: how long that was from its beginning, for messages.
    pub allowed: Duration,
}

/// What a deadline belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    Startup,
    Turn,
    Step,
    /// The return of a pooled script to its menu.
    Settle,
    /// A role's `leave`.
    Leave,
    Flow,
}

/// Script actor → supervisor: the step is done, or failed.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Performed {
    pub instance: InstanceId,
    pub what: ActionKind,
    pub scope: Scope,
    pub result: Result<(), Box<Failure>>,
    pub timing: Timing,
    /// The time that each named turn took that was taken.
    pub turns: Vec<(Arc<str>, Duration)>,
    /// What happened to a pool's script since the last time, if that is recorded: it belongs to
    /// the flow, and the script does not.
    pub transcript: Option<Box<Transcript>>,
}

/// Script actor → supervisor: chaos has done something to the script.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Injected {
    pub injection: Box<Injection>,
    pub at: Instant,
}

/// When a performance happened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    pub started: Instant,
    /// The last evidence, or the failure.
    pub ended: Instant,
    /// The amount that of it was pausing on purpose.
    pub paused: Duration,
    /// The amount that of it we spent seeing whether an unfinished line was a prompt.
    pub held: Duration,
    /// The time that we spent on that after the last evidence, outside of it.
    pub held_after: Duration,
}

impl Timing {
    /// Something that took from `started` until `ended`, all of it the program's.
    pub(super) fn between(started: Instant, ended: Instant) -> Self {
        Timing {
            started,
            ended,
            paused: Duration::ZERO,
            held: Duration::ZERO,
            held_after: Duration::ZERO,
        }
    }

    /// Returns the time that it took, without what was our doing.
    pub(super) fn duration(&self) -> Duration {
        let whole = self.ended.saturating_duration_since(self.started);
        whole.saturating_sub(self.paused).saturating_sub(self.held)
    }
}

/// Supervisor → script actor: end the program and what belongs to it, then stop.
/// Answered by [`ScriptEnded`] once, if a program was ever started.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct EndScript {
    pub grace: Grace,
}

/// Script actor → supervisor: the actor has nothing more to do; its process, if there was one,
/// has ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct ScriptEnded {
    pub instance: InstanceId,
    pub record: Option<Box<ProcessRecord>>,
    /// What happened to it, if that was recorded.
    pub transcript: Option<Box<Transcript>>,
}

/// Sent by what remains of a script actor that went without a [`ScriptEnded`]: it panicked.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct ScriptVanished {
    pub instance: InstanceId,
}

/// Sends `message` to an actor whose mailbox is unbounded by intent.
///
/// # Errors
/// If the actor is gone: the caller decides what the loss means.
pub(super) fn send<A, M>(to: &Addr<A>, message: M) -> Result<(), Gone>
where
    A: Actor + Handler<M>,
    A::Context: actix::dev::ToEnvelope<A, M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    if !to.connected() {
        return Err(Gone);
    }
    to.do_send(message);
    Ok(())
}

/// The actor that a message was for is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone;
