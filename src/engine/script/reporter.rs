//! Reports of a script actor to its owner.

use std::sync::Arc;

use crate::engine::live_scripts::LiveScripts;
use crate::engine::messages::{Injected, PendingReport, Performed, ScriptEnded, ScriptOwner, send};
use crate::engine::report_guard::FinalReport;
use crate::engine::script::transcript::Transcript;
use crate::engine::values::NewValues;
use crate::model::{InstanceId, ProcessRecord};

/// The owner of a script, with what is pending for its next report.
pub(super) struct ScriptReporter {
    pub owner: ScriptOwner,
    pub instance: InstanceId,
    live: Arc<LiveScripts>,
    pending: PendingReport,
}

impl ScriptReporter {
    pub(super) fn new(owner: ScriptOwner, instance: InstanceId, live: Arc<LiveScripts>) -> Self {
        ScriptReporter {
            owner,
            instance,
            live,
            pending: PendingReport::default(),
        }
    }

    /// Adds values to the next report.
    pub(super) fn new_values(&mut self, new_values: NewValues) {
        self.pending.new_values.extend(new_values);
    }

    /// Adds an injected fault to the next report.
    pub(super) fn injected(&mut self, injected: Injected) {
        self.pending.injected.push(injected);
    }

    /// Reports the end of an action.
    pub(super) fn performed(&mut self, performed: Performed) {
        let pending = std::mem::take(&mut self.pending);
        // An owner that is gone has ended this script.
        let _ = send(
            &self.owner.performed,
            Performed {
                pending,
                ..performed
            },
        );
    }

    /// Reports the end of the script: its process, if there was one, has ended.
    pub(super) fn ended(
        &mut self,
        record: Option<Box<ProcessRecord>>,
        transcript: Option<Box<Transcript>>,
    ) {
        self.send_end(false, record, transcript);
    }

    fn send_end(
        &mut self,
        is_lost: bool,
        record: Option<Box<ProcessRecord>>,
        transcript: Option<Box<Transcript>>,
    ) {
        self.live.remove(self.instance);
        let ended = ScriptEnded {
            instance: self.instance,
            is_lost,
            record,
            transcript,
            pending: std::mem::take(&mut self.pending),
        };
        // An owner that is gone does not wait for it.
        let _ = send(&self.owner.ended, ended);
    }
}

impl FinalReport for ScriptReporter {
    fn report_loss(&mut self) {
        self.send_end(true, None, None);
    }
}
