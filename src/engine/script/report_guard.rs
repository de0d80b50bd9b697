//! Reports of a script actor to its owner, guaranteed by a drop guard.

use actix::prelude::*;

use crate::engine::coordinator::Coordinator;
use crate::engine::flow::FlowSupervisor;
use crate::engine::messages::{
    Injected, Performed, PooledEnded, ScriptEnded, ScriptVanished, Settled, send,
};
use crate::engine::pool::Slot;
use crate::engine::script::transcript::Transcript;
use crate::model::{InstanceId, ProcessRecord};

/// The source of the actor's orders, and receiver of its reports.
pub(super) enum Owner {
    Flow(Addr<FlowSupervisor>),
    /// Between flows, and at the end of the run.
    Pool {
        coordinator: Addr<Coordinator>,
        slot: Slot,
    },
}

/// Reports to the owner; on drop without a final report (a panic), reports that the script is gone.
pub(super) struct ReportGuard {
    pub(super) owner: Owner,
    pub(super) instance: InstanceId,
    /// The end was not reported yet.
    pub(super) due: bool,
}

impl ReportGuard {
    /// Returns `true` if no flow has the script.
    pub(super) fn is_in_pool(&self) -> bool {
        matches!(self.owner, Owner::Pool { .. })
    }

    /// Reports the end of an action.
    pub(super) fn performed(&self, performed: Performed) {
        // Without its owner no one waits for it; the script is being ended as well.
        let _ = match &self.owner {
            Owner::Flow(supervisor) => send(supervisor, performed),
            Owner::Pool { coordinator, slot } => send(
                coordinator,
                Settled {
                    slot: *slot,
                    what: performed.what,
                    result: performed.result,
                    scope: Box::new(performed.scope),
                },
            ),
        };
    }

    /// Reports an injected fault; faults are injected in steps only, which belong to flows.
    pub(super) fn injected(&self, injected: Injected) {
        if let Owner::Flow(supervisor) = &self.owner {
            // As above.
            let _ = send(supervisor, injected);
        }
    }

    /// Its process, if there was one, has ended.
    pub(super) fn ended(
        &mut self,
        record: Option<Box<ProcessRecord>>,
        transcript: Option<Box<Transcript>>,
    ) {
        self.due = false;
        let instance = self.instance;
        // As above.
        let _ = match &self.owner {
            Owner::Flow(supervisor) => {
                let ended = ScriptEnded {
                    instance,
                    record,
                    transcript,
                };
                send(supervisor, ended)
            }
            Owner::Pool { coordinator, slot } => {
                let slot = *slot;
                send(coordinator, PooledEnded { slot, record })
            }
        };
    }
}

impl Drop for ReportGuard {
    fn drop(&mut self) {
        if !self.due {
            return;
        }
        let instance = self.instance;
        // An owner that is gone has no use for this script.
        let _ = match &self.owner {
            Owner::Flow(supervisor) => send(supervisor, ScriptVanished { instance }),
            Owner::Pool { coordinator, slot } => {
                let (slot, record) = (*slot, None);
                send(coordinator, PooledEnded { slot, record })
            }
        };
    }
}
