//! Messages between the actors of a run.
//!
//! ```text
//!  Coordinator ──Admit, EndFlow──► FlowSupervisor
//!              ◄──Arrive, StepOver, ReleaseInstance, ReleaseSlots, FlowEnded──
//!
//!  FlowSupervisor ──Assign, Perform, EndScript──► ScriptActor
//!                 ◄──Performed, ScriptEnded──
//!
//!  Coordinator ──Assign, Perform, EndScript──► ScriptActor of a pool, between flows
//!              ◄──Performed, ScriptEnded──
//! ```
//! Orders are in the imperative, reports in the past tense. A supervisor and its script actors
//! live on the same arbiter, except those of pools; all messages from and to the coordinator cross
//! threads.
//!
//! Actors know each other only by the recipients in a handle ([`CoordinatorHandle`],
//! [`FlowHandle`], [`ScriptHandle`], [`ScriptOwner`]), so that no actor's file imports one that
//! imports it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;

use crate::model::{
    Evidence, Failure, FlowNumber, FlowRecord, Injection, InjectionOutcome, InstanceId,
    LoadSetting, ProcessRecord, StepIndex,
};
use crate::process::Grace;
use crate::scenario::{Plan, Scope};

use super::control::Stop;
use super::pool::{Assigned, Slot};
use super::script::transcript::Transcript;
use super::values::{NewValues, Snapshot};

/// Most time that a role's `leave` may take.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// The coordinator, as flow supervisors reach it.
#[derive(Debug)]
pub(super) struct CoordinatorHandle {
    pub arrive: Recipient<Arrive>,
    pub step_over: Recipient<StepOver>,
    pub release_instance: Recipient<ReleaseInstance>,
    pub release_slots: Recipient<ReleaseSlots>,
    pub flow_ended: Recipient<FlowEnded>,
}

/// A flow supervisor, as the coordinator reaches it.
#[derive(Debug)]
pub(super) struct FlowHandle {
    pub admit: Recipient<Admit>,
    pub end: Recipient<EndFlow>,
}

/// A script actor, as its owners reach it.
#[derive(Debug, Clone)]
pub(super) struct ScriptHandle {
    /// The instance that it is now.
    pub instance: InstanceId,
    pub assign: Recipient<Assign>,
    pub perform: Recipient<Perform>,
    pub end: Recipient<EndScript>,
}

impl ScriptHandle {
    /// Ends the script.
    ///
    /// # Errors
    /// If it is gone: it has ended already.
    pub(super) fn end(&self, grace: Grace) -> Result<(), Gone> {
        send(&self.end, EndScript { grace })
    }
}

/// The receiver of a script's reports: the supervisor of its flow or, between flows, the
/// coordinator.
#[derive(Debug, Clone)]
pub(super) struct ScriptOwner {
    /// `true` for the coordinator.
    pub is_pool: bool,
    pub performed: Recipient<Performed>,
    pub ended: Recipient<ScriptEnded>,
}

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

/// Coordinator → supervisor: the step may begin.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Admit {
    pub step: StepIndex,
    /// The slot of the role's pool, if one was asked for.
    pub assigned: Option<Assigned<ScriptHandle>>,
}

/// Supervisor → coordinator: the step is over, and its exclusive access is free.
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
    pub script: ScriptHandle,
    /// The values for the script's later texts.
    pub scope: Arc<Scope>,
}

/// Supervisor → coordinator: the flow starts over and keeps no slot of any pool, as it would
/// acquire them in another order than other flows.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct ReleaseSlots {
    pub flow: FlowNumber,
}

/// Owner → script actor of a pool: work and report for this owner from now on. Answered by whether
/// its program is alive.
#[derive(Debug, Message)]
#[rtype(result = "bool")]
pub(super) struct Assign {
    pub owner: ScriptOwner,
    pub instance: InstanceId,
}

/// Control → coordinator: stop the run.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct StopRun(pub Stop);

/// Control → coordinator: change the load from now on.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct ChangeLoad(pub LoadSetting);

/// Coordinator → supervisor: give up the flow, because the run ends.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct EndFlow {
    pub grace: Grace,
}

/// Supervisor → coordinator: the flow has ended, and so have its processes, or are about to if the
/// supervisor has panicked.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct FlowEnded {
    pub number: FlowNumber,
    pub record: Box<FlowRecord>,
    /// Data rows and transcripts, if they are kept for this flow.
    pub evidence: Option<Box<Evidence>>,
}

/// Owner → script actor: perform an action. Answered by [`Performed`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Perform {
    pub kind: ActionKind,
    /// The flow's values.
    pub values: Snapshot,
    /// The latest end of the action, apart from its pauses and waits for gates.
    pub deadline: Deadline,
    /// The latest end of the flow, pauses and waits included.
    pub flow_deadline: Option<Deadline>,
    /// The number of the attempt, from 1.
    pub attempt: u32,
}

/// The action that a script performs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ActionKind {
    Step(StepIndex),
    /// The role's first step again, in a new script after a failure: what it captures may differ.
    LogIn(StepIndex),
    /// Back to the role's menu, between two flows.
    ReturnToMenu,
    /// The role's `leave` action.
    Leave,
}

/// A point in time with its origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deadline {
    pub at: Instant,
    pub owner: DeadlineOwner,
    /// The allowed duration, for messages.
    pub allowed: Duration,
}

impl Deadline {
    /// A deadline `allowed` from now.
    pub(super) fn after(allowed: Duration, owner: DeadlineOwner) -> Self {
        Deadline {
            at: Instant::now() + allowed,
            owner,
            allowed,
        }
    }

    /// The deadline of a `leave` that begins now.
    pub(super) fn of_leave(plan: &Plan) -> Self {
        Deadline::after(LEAVE_TIMEOUT.min(plan.defaults.step), DeadlineOwner::Leave)
    }
}

/// The owner of a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeadlineOwner {
    Startup,
    Turn,
    Step,
    /// The return of a pooled script to its menu.
    ReturnToMenu,
    /// A role's `leave`.
    Leave,
    Flow,
}

/// Script actor → owner: the action is done or has failed.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Performed {
    pub instance: InstanceId,
    pub kind: ActionKind,
    pub result: Result<(), Box<Failure>>,
    pub timing: Timing,
    /// The named turns that were taken.
    pub turns: Vec<TimedTurn>,
    /// A pooled script's transcript since the last report, if one is kept: it belongs to the flow,
    /// and the script does not.
    pub transcript: Option<Box<Transcript>>,
    pub pending: PendingReport,
}

/// A named turn that was taken.
#[derive(Debug)]
pub(super) struct TimedTurn {
    pub name: Arc<str>,
    /// The beginning of its wait.
    pub began: Instant,
    pub took: Duration,
}

/// Facts about the flow that a script's owner does not know yet; they go with its next report.
#[derive(Debug, Default)]
pub(super) struct PendingReport {
    pub new_values: NewValues,
    /// Faults that were injected into the script.
    pub injected: Vec<Injected>,
}

/// An injected fault with its time.
#[derive(Debug)]
pub(super) struct Injected {
    pub injection: Box<Injection>,
    pub outcome: InjectionOutcome,
    pub at: Instant,
}

/// Timing of a performed action.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    pub started: Instant,
    /// The last evidence, or the failure.
    pub ended: Instant,
    /// Intentional pauses within it.
    pub paused: Duration,
    /// Waits for gates within it.
    pub waited: Duration,
    /// Time within it in which Rehearsal waited to see if an unfinished line was a prompt.
    pub held: Duration,
    /// Such time after the last evidence, which is not part of it.
    pub held_after: Duration,
}

impl Timing {
    /// The timing of something without pauses of Rehearsal's own.
    pub(super) fn between(started: Instant, ended: Instant) -> Self {
        Timing {
            started,
            ended,
            paused: Duration::ZERO,
            waited: Duration::ZERO,
            held: Duration::ZERO,
            held_after: Duration::ZERO,
        }
    }

    /// Returns its duration without pauses, waits for gates, and the time that Rehearsal itself has
    /// caused.
    pub(super) fn duration(&self) -> Duration {
        let whole = self.ended.saturating_duration_since(self.started);
        whole.saturating_sub(self.paused + self.waited + self.held)
    }
}

/// Owner → script actor: end the program and its descendants, then stop.
/// Answered by [`ScriptEnded`] once.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct EndScript {
    pub grace: Grace,
}

/// Script actor → owner: the actor has nothing more to do; its process, if there was one, has
/// ended or, if the actor has panicked, is being ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct ScriptEnded {
    pub instance: InstanceId,
    /// `true` if the actor has panicked.
    pub is_lost: bool,
    pub record: Option<Box<ProcessRecord>>,
    /// Its transcript, if one is kept.
    pub transcript: Option<Box<Transcript>>,
    pub pending: PendingReport,
}

/// Sends `message` to an actor whose mailbox is unbounded on purpose.
///
/// # Errors
/// If the actor is gone: the caller decides what the loss means.
pub(super) fn send<M>(to: &Recipient<M>, message: M) -> Result<(), Gone>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    if !to.connected() {
        return Err(Gone);
    }
    to.do_send(message);
    Ok(())
}

/// The receiver of a message is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone;
