//! Audit command of a scenario, run when all flows have ended.

use std::time::{Duration, Instant};

use crate::dialogue::Dialogue;
use crate::model::{AuditOutcome, AuditRecord, ExitCause, RunEvent, TerminalKind, micros};
use crate::process::Command;
use crate::scenario::{Audit, Scope};

use super::context::RunContext;
use super::control::{Control, Stop};
use super::script::ActionError;
use super::script::command::{self, Surroundings};

/// The most output of an audit that is kept.
const MOST_LINES: usize = 100;
const MOST_LINE_CHARS: usize = 500;

/// The reason of a skipped audit.
const STOPPED: &str = "the run was stopped at once";

/// Runs the audit, if the scenario has one, and emits its result. Returns `true` if it was given up
/// because the run was stopped.
pub(super) async fn audit(run: &RunContext, control: &Control) -> bool {
    let Some(audit) = &run.plan.audit else {
        return false;
    };
    let environment = |name: &str| run.environment_variable(name);
    let scope = run
        .plan
        .scope_of_run(&run.run_id, &run.run_directory, &environment);
    let began = Instant::now();
    let command = match build(run, audit, &scope) {
        Ok(command) => command,
        Err(fault) => {
            let outcome = AuditOutcome::NotStarted {
                reason: scope.mask(&fault.message).into_owned(),
            };
            let written = run.plan.integrity.audit.clone().unwrap_or_default();
            emit(run, record(written, outcome, Vec::new(), &scope));
            return false;
        }
    };
    let shown = scope.mask(&command::shown(&command.argv)).into_owned();
    let mut stops = control.stops();
    if *stops.borrow() == Some(Stop::Now) {
        emit(run, AuditRecord::not_run(shown, STOPPED));
        return true;
    }
    run.emit(RunEvent::AuditStarted {
        command: shown.clone(),
    });
    let mut heard = command::silence();
    let outcome = tokio::select! {
        ended = command::hear(&run.spawner, command, &mut heard) => Some(judge(ended, audit, &heard)),
        () = tokio::time::sleep(audit.within) => Some(AuditOutcome::TimedOut {
            allowed_us: micros(audit.within),
        }),
        // Any stop ends the audit, as there are no flows any more. The control lives as long as the
        // run; without it the audit cannot be stopped.
        Ok(()) = stops.changed() => None,
    };
    // A program that still runs was dropped and is being ended.
    let given_up = outcome.is_none();
    let outcome = outcome.unwrap_or_else(|| AuditOutcome::NotRun {
        reason: "it was ended, as the run was stopped".to_owned(),
    });
    let lines = heard.lines().into_iter().map(str::to_owned).collect();
    let mut record = record(shown, outcome, lines, &scope);
    record.duration_us = micros(began.elapsed());
    emit(run, record);
    given_up
}

fn emit(run: &RunContext, record: AuditRecord) {
    run.emit(RunEvent::AuditEnded(Box::new(record)));
}

fn build(run: &RunContext, audit: &Audit, scope: &Scope) -> Result<Command, ActionError> {
    let words = audit.run.iter().map(|word| word.render(scope));
    let argv = words.collect::<Result<Vec<_>, _>>()?;
    let around = Surroundings {
        directory: audit.directory.as_ref(),
        environment: &audit.environment,
        draws: false,
        trace_parent: None,
    };
    command::build(run, around, argv, TerminalKind::Pipes, scope)
}

/// Returns the result of an audit that has ended.
fn judge(ended: Result<ExitCause, ActionError>, audit: &Audit, heard: &Dialogue) -> AuditOutcome {
    let exit = match ended {
        Ok(exit) => exit,
        Err(fault) => {
            return AuditOutcome::NotStarted {
                reason: fault.message,
            };
        }
    };
    if exit != ExitCause::Code(0) {
        return AuditOutcome::Failed { exit };
    }
    let lines = heard.lines();
    let missing = audit.expect.iter().find(|pattern| {
        let has_it = |line: &&str| pattern.find(line, 0..line.len()).is_some();
        !lines.iter().any(has_it)
    });
    match missing {
        None => AuditOutcome::Passed,
        Some(pattern) => AuditOutcome::ExpectedMissing {
            expected: pattern.to_string(),
        },
    }
}

/// Returns the audit's record with the end of its output.
fn record(
    command: String,
    outcome: AuditOutcome,
    mut lines: Vec<String>,
    scope: &Scope,
) -> AuditRecord {
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
    let left_out = lines.len().saturating_sub(MOST_LINES);
    let shown = |line: &String| -> String {
        let line = scope.mask(line);
        line.chars().take(MOST_LINE_CHARS).collect()
    };
    AuditRecord {
        command,
        outcome,
        duration_us: micros(Duration::ZERO),
        output: lines[left_out..].iter().map(shown).collect(),
        lines_left_out: left_out as u64,
    }
}
