//! Reports of a script actor to its owner.

use std::sync::Arc;

use crate::engine::context::RunContext;
use crate::engine::messages::{Injected, PendingReport, Performed, ScriptEnded, ScriptOwner, send};
use crate::engine::report_guard::FinalReport;
use crate::engine::script::transcript::Transcript;
use crate::engine::values::NewValues;
use crate::model::{Ending, InstanceId, ProcessRecord, Usage, micros};
use crate::process::live_usage;

/// The owner of a script, with what is pending for its next report.
pub(super) struct ScriptReporter {
    pub owner: ScriptOwner,
    pub instance: InstanceId,
    run: Arc<RunContext>,
    pending: PendingReport,
}

impl ScriptReporter {
    pub(super) fn new(owner: ScriptOwner, instance: InstanceId, run: Arc<RunContext>) -> Self {
        ScriptReporter {
            owner,
            instance,
            run,
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

    /// Returns the record of the program as it runs now, just before it is ended after a panic.
    fn running_process(&self) -> Option<ProcessRecord> {
        let InstanceId { role, attempt, .. } = self.instance;
        let script = self.run.live.remove(self.instance)?;
        let usage = live_usage(script.pid).map(|usage| Usage {
            cpu_user_us: micros(usage.cpu),
            cpu_system_us: 0,
            peak_rss_bytes: usage.rss_bytes,
        });
        Some(ProcessRecord {
            role: self.run.plan.roles[role.0].name.clone(),
            attempt,
            pid: script.pid,
            ending: Ending::AfterPanic,
            exit: None,
            startup_us: None,
            lifetime_us: micros(script.started_at.elapsed()),
            exit_us: None,
            usage: usage.unwrap_or_default(),
        })
    }

    fn send_end(
        &mut self,
        is_lost: bool,
        record: Option<Box<ProcessRecord>>,
        transcript: Option<Box<Transcript>>,
    ) {
        self.run.live.remove(self.instance);
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
        let record = self.running_process().map(Box::new);
        self.send_end(true, record, None);
    }
}
