//! State of a flow that goes into its record, reported even if its supervisor panics.

use std::sync::Arc;

use crate::engine::context::{RunContext, shown};
use crate::engine::messages::{CoordinatorHandle, FlowEnded, PendingReport, ScriptHandle, send};
use crate::engine::pool::Slot;
use crate::engine::report_guard::FinalReport;
use crate::engine::script::transcript::{Transcript, render};
use crate::model::{
    DataRow, Evidence, Failure, FailureKind, FlowId, FlowNumber, FlowOutcome, FlowRecord,
    InstanceId, NamedValue, RoleIndex,
};
use crate::process::Grace;
use crate::scenario::{Masker, Scope};

use super::injections::Injections;
use super::record_builder::{Due, RecordBuilder};

/// The values, scripts and record of one flow.
pub(in crate::engine) struct FlowState {
    pub run: Arc<RunContext>,
    pub coordinator: Arc<CoordinatorHandle>,
    pub number: FlowNumber,
    pub id: FlowId,
    /// The flow's values. Scripts work with snapshots of them.
    pub scope: Arc<Scope>,
    /// The scenario's variables as they may be shown.
    pub variables: Vec<NamedValue>,
    /// By their roles' places in the plan.
    pub roles: Box<[RoleState]>,
    pub builder: RecordBuilder,
    pub injections: Injections,
    /// The transcripts of its scripts, if they are kept.
    pub transcripts: Vec<Transcript>,
}

/// The script and slot that a flow has for a role.
#[derive(Default)]
pub(in crate::engine) struct RoleState {
    /// The role's script from its start until it has ended or is released.
    pub script: Option<ScriptHandle>,
    /// The acquired slot of its pool.
    pub slot: Option<Slot>,
    /// Scripts started or acquired so far.
    pub instances: u32,
}

impl FlowState {
    pub(super) fn new(
        run: Arc<RunContext>,
        coordinator: Arc<CoordinatorHandle>,
        number: FlowNumber,
        due: Due,
        scope: Scope,
    ) -> Self {
        let plan = &run.plan;
        let names = plan.variables.iter().map(|(name, _)| name);
        let variables = names
            .filter_map(|name| scope.entry(name))
            .map(|entry| shown(&scope, entry))
            .collect();
        let roles = plan.roles.iter().map(|_| RoleState::default()).collect();
        FlowState {
            coordinator,
            number,
            id: FlowId::new(&run.run_id, number),
            scope: Arc::new(scope),
            variables,
            roles,
            builder: RecordBuilder::new(due, plan.steps.len(), plan.roles.len()),
            injections: Injections::default(),
            transcripts: Vec::new(),
            run,
        }
    }

    pub(in crate::engine) fn role(&mut self, role: RoleIndex) -> &mut RoleState {
        &mut self.roles[role.0]
    }

    pub(in crate::engine) fn script(&self, role: RoleIndex) -> Option<&ScriptHandle> {
        self.roles[role.0].script.as_ref()
    }

    /// Returns whether it is the script that works for the flow now, and not one before it.
    pub(super) fn has(&self, instance: InstanceId) -> bool {
        let script = self.script(instance.role);
        script.is_some_and(|script| script.instance == instance)
    }

    /// Returns the flow's values for a role, with those of its pooled instance.
    pub(in crate::engine) fn values_for(&mut self, role: RoleIndex) -> &Arc<Scope> {
        if let Some(slot) = self.roles[role.0].slot {
            self.run.plan.set_instance(&mut self.scope, slot.number);
        }
        &self.scope
    }

    /// Returns the id of the role's next script.
    pub(in crate::engine) fn next_instance(&mut self, role: RoleIndex) -> InstanceId {
        let flow = self.number;
        let state = self.role(role);
        state.instances += 1;
        let attempt = state.instances;
        InstanceId {
            flow,
            role,
            attempt,
        }
    }

    /// Takes in what a script reports beside the result of its action.
    pub(super) fn take_in(&mut self, pending: PendingReport, transcript: Option<Box<Transcript>>) {
        pending.new_values.add_to(&mut self.scope);
        self.injections.extend(pending.injected);
        self.transcripts.extend(transcript.map(|it| *it));
    }

    /// Returns the captures so far as they may be shown.
    pub(super) fn shown_captures(&self) -> Vec<NamedValue> {
        let captures = self.scope.captures().iter().cloned();
        captures
            .map(|capture| shown(&self.scope, capture))
            .collect()
    }

    /// Closes the flow's record.
    pub(super) fn close(&mut self, outcome: FlowOutcome) -> FlowRecord {
        let mut record = self.builder.close(self.number, self.id.clone(), outcome);
        record.captures = self.shown_captures();
        record.variables = std::mem::take(&mut self.variables);
        let (plan, started) = (&self.run.plan, self.builder.started());
        record.injections = self.injections.take_records(plan, started);
        record
    }

    /// Returns data rows and transcripts for this record, if they are kept for it.
    pub(super) fn evidence(&self, record: &FlowRecord) -> Option<Box<Evidence>> {
        if !self.run.recording.evidence.as_ref()?.takes(record) {
            return None;
        }
        let used = self.transcripts.iter().flat_map(Transcript::secrets);
        let masker = Masker::new(self.scope.secret_values().chain(used));
        Some(Box::new(Evidence {
            flow: record.clone(),
            data: self.data(),
            transcript: render(&self.transcripts, self.builder.started(), &masker),
        }))
    }

    fn data(&self) -> Vec<DataRow> {
        let rows = self.run.plan.data.iter().map(|data| DataRow {
            name: data.name.clone(),
            values: data
                .columns
                .iter()
                .filter_map(|column| {
                    let name = format!("{}.{column}", data.name);
                    let (_, value) = shown(&self.scope, self.scope.entry(&name)?);
                    Some((column.clone(), value.as_ref().to_owned()))
                })
                .collect(),
        });
        rows.collect()
    }

    /// Reports the flow's end.
    pub(super) fn report(&self, record: FlowRecord, evidence: Option<Box<Evidence>>) {
        let ended = FlowEnded {
            number: self.number,
            record: Box::new(record),
            evidence,
        };
        // Without a coordinator the run is over, and flows are not counted any more.
        let _ = send(&self.coordinator.flow_ended, ended);
    }
}

impl FinalReport for FlowState {
    /// Ends the flow's scripts, and reports the flow as failed with what is known of it.
    fn report_loss(&mut self) {
        let scripts = self.roles.iter().filter_map(|role| role.script.as_ref());
        for script in scripts {
            // One that is gone has ended already.
            let _ = script.end(Grace::default());
        }
        let failure = internal(
            "the flow's supervisor ended without a report",
            String::new(),
        );
        let record = self.close(FlowOutcome::Failed(failure));
        self.report(record, None);
    }
}

/// Returns an internal failure: Rehearsal itself is at fault.
pub(super) fn internal(message: &str, step: String) -> Box<Failure> {
    Box::new(Failure::new(FailureKind::Internal, message).at(step, ""))
}
