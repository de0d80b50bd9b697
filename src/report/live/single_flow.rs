//! Progress of a single flow, step by step.

use std::time::Duration;

use crate::model::{
    FlowOutcome, FlowRecord, Injection, RunEvent, RunInfo, StepIndex, StepOutcome, micros,
};

use crate::report::output::{BAD, CARE, FAINT, GOOD, Output, STRONG, styled};
use crate::report::reporter::Reporter;
use crate::report::sanitize::sanitize;
use crate::report::units;

/// A reporter that shows the steps of a flow one by one, and its outcome at the end.
pub struct SingleFlow {
    output: Output,
    info: Option<RunInfo>,
    has_ended: bool,
    /// The step that was announced last.
    announced: Option<StepIndex>,
}

impl SingleFlow {
    /// Creates a reporter that writes to `output`.
    pub fn new(output: Output) -> Self {
        SingleFlow {
            output,
            info: None,
            has_ended: false,
            announced: None,
        }
    }

    fn fact(&mut self, label: &str, value: &str) {
        self.output
            .line(&format!("{:<12} {}", sanitize(label), sanitize(value)));
    }

    fn detail(&mut self, text: &str) {
        self.output.line(&format!("  {}", sanitize(text)));
    }

    fn heading(&mut self, step: StepIndex) {
        self.announced = Some(step);
        let Some(info) = &self.info else { return };
        let Some(found) = info.steps.get(step.0) else {
            return;
        };
        let heading = format!("Step {}/{}: {}", step.0 + 1, info.steps.len(), found.name);
        self.output.line("");
        self.output.line(&styled(STRONG, sanitize(&heading)));
    }

    fn step_started(&mut self, step: StepIndex) {
        self.heading(step);
        let Some(info) = &self.info else { return };
        let Some(found) = info.steps.get(step.0) else {
            return;
        };
        let role = format!("Role: {}", info.title_of(found));
        let action = format!("Action: {}", found.action);
        self.detail(&role);
        self.detail(&action);
    }

    fn step_ended(&mut self, outcome: &StepOutcome, duration: Duration, cause: &str) {
        let took = units::precise_duration(micros(duration));
        let line = match outcome {
            StepOutcome::Completed => styled(GOOD, format!("✓ completed in {took}")),
            StepOutcome::Skipped => styled(FAINT, "– skipped: its condition does not hold"),
            StepOutcome::Failed => styled(BAD, format!("✗ failed after {took}: {cause}")),
            StepOutcome::Retried => styled(
                CARE,
                format!("↻ failed after {took}, to be retried: {cause}"),
            ),
            StepOutcome::Interrupted => styled(CARE, format!("✗ interrupted after {took}")),
        };
        self.output.line(&format!("  {line}"));
    }

    /// Formats the place of the failed step among all.
    fn step_position(&self, step: &str) -> String {
        let steps = self.info.as_ref().map(|info| info.steps.as_slice());
        let steps = steps.unwrap_or_default();
        let place = steps.iter().position(|known| known.name == step);
        place.map_or(String::new(), |place| {
            format!(", step {} of {}", place + 1, steps.len())
        })
    }

    fn flow_ended(&mut self, flow: &FlowRecord) {
        let status = match &flow.outcome {
            FlowOutcome::Completed if flow.is_recovered() => {
                let failures = units::counted(flow.retries.len() as u64, "failure");
                styled(CARE, format!("COMPLETED, recovered from {failures}"))
            }
            FlowOutcome::Completed => styled(GOOD, "COMPLETED"),
            FlowOutcome::Failed(failure) => {
                let kind = failure.kind.to_string();
                styled(
                    BAD,
                    format!(
                        "FAILED: {} at {}{}",
                        sanitize(&kind),
                        sanitize(&failure.step),
                        self.step_position(&failure.step)
                    ),
                )
            }
            FlowOutcome::Interrupted => styled(CARE, "INTERRUPTED"),
        };
        self.output.line("");
        self.output.line(&format!("{:<12} {status}", "Status"));
        self.fact("Duration", &units::precise_duration(flow.duration_us));
        for (name, value) in &flow.captures {
            self.fact(name, value);
        }
    }
}

impl Reporter for SingleFlow {
    fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunStarted(info) => {
                self.fact("Run", &info.id.0);
                self.fact("Scenario", &info.scenario);
                self.info = Some((**info).clone());
            }
            RunEvent::FlowStarted { variables, .. } => {
                for (name, value) in variables
                    .iter()
                    .filter(|(_, value)| !is_fully_masked(value))
                {
                    self.fact(name, value);
                }
            }
            RunEvent::StepStarted { step, .. } => self.step_started(*step),
            RunEvent::ScriptStarted {
                instance,
                pid,
                command,
            } => {
                self.detail(&format!("Script {instance} started, pid {pid}: {command}"));
            }
            RunEvent::Captured { name, value, .. } => self.detail(&format!("{name}: {value}")),
            RunEvent::Injected(injection) => {
                let Injection { instance, what, .. } = &**injection;
                let line = format!("Fault in script {instance}: {what}");
                self.output
                    .line(&format!("  {}", styled(CARE, sanitize(&line))));
            }
            RunEvent::StepEnded {
                step,
                outcome,
                duration,
                failure,
                ..
            } => {
                // A skipped step has no start.
                if self.announced != Some(*step) {
                    self.heading(*step);
                }
                let cause = failure.as_ref().map(ToString::to_string);
                // The report has the rest of a long message.
                let cause = cause.as_deref().and_then(|it| it.lines().next());
                self.step_ended(outcome, *duration, &sanitize(cause.unwrap_or_default()));
            }
            RunEvent::Notice { text, .. } => {
                self.output
                    .line(&styled(CARE, format!("Note: {}", sanitize(text))));
            }
            RunEvent::Stopping { reason } => {
                self.output
                    .line(&styled(CARE, format!("Stopping: {}", sanitize(reason))));
            }
            RunEvent::FlowEnded(flow) => {
                self.flow_ended(flow);
                self.has_ended = true;
            }
            RunEvent::RunEnded { .. } if self.has_ended => self.output.line(""),
            RunEvent::RunEnded { .. }
            | RunEvent::ScriptEnded { .. }
            | RunEvent::PooledScriptEnded(_)
            | RunEvent::PooledScriptReplaced { .. }
            | RunEvent::EvidenceKept(_)
            | RunEvent::LoadChanged(_)
            | RunEvent::FlowsDropped { .. }
            | RunEvent::GeneratorMeasured(_)
            | RunEvent::AuditStarted { .. }
            | RunEvent::AuditEnded(_)
            | RunEvent::Heard { .. }
            | RunEvent::Said { .. } => {}
        }
    }
}

/// Returns `true` if the whole value is masked.
fn is_fully_masked(value: &str) -> bool {
    !value.is_empty()
        && value
            .chars()
            .all(|character| matches!(character, '*' | '•'))
}
