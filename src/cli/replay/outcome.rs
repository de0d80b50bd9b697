//! The outcome of a replayed flow.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::cli::exit::Exit;
use crate::model::{Failure, FlowOutcome, FlowRecord};
use crate::report::units::precise_duration;
use crate::report::{Bundle, failure_lines, sanitize};
use crate::stats::Signature;

/// A replayed flow compared with the original one.
pub(super) struct ReplayOutcome {
    result: ReplayResult,
    /// The replayed flow, unless it was interrupted.
    flow: Option<FlowRecord>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ReplayResult {
    /// It failed as before.
    Reproduced(Signature),
    /// It failed in another way, or had completed before.
    Changed(Signature),
    /// It was completed.
    Gone,
    Interrupted,
}

impl ReplayOutcome {
    pub(super) fn of(bundle: &Bundle, flow: Option<FlowRecord>) -> Self {
        let result = match flow.as_ref().map(|flow| (flow, &flow.outcome)) {
            Some((flow, FlowOutcome::Failed(failure))) => {
                let now = Signature::of(flow, failure);
                if bundle.signature.as_ref() == Some(&now) {
                    ReplayResult::Reproduced(now)
                } else {
                    ReplayResult::Changed(now)
                }
            }
            Some((_, FlowOutcome::Completed)) => ReplayResult::Gone,
            Some((_, FlowOutcome::Interrupted)) | None => ReplayResult::Interrupted,
        };
        ReplayOutcome { result, flow }
    }

    pub(super) fn exit(&self) -> Exit {
        match self.result {
            ReplayResult::Reproduced(_) => Exit::SomeFailed,
            ReplayResult::Changed(_) => Exit::FailedDifferently,
            ReplayResult::Gone => Exit::Completed,
            ReplayResult::Interrupted => Exit::Interrupted,
        }
    }

    /// Describes the outcome for people.
    pub(super) fn text(&self, bundle: &Bundle) -> String {
        let number = bundle.flow.number;
        let run = sanitize(&bundle.run.id.0);
        let mut text = format!("Replay of flow {number} of {run}\n");
        let mut line = |line: &str| writeln!(text, "  {line}").expect("a String takes all");
        match (&self.result, &bundle.signature) {
            (ReplayResult::Reproduced(now), _) => {
                line(&format!(
                    "Reproduced: it failed as before, {}",
                    describe(now)
                ));
            }
            (ReplayResult::Changed(now), Some(before)) => {
                line("Changed: it failed in another way");
                line(&format!("before  {}", describe(before)));
                line(&format!("now     {}", describe(now)));
            }
            (ReplayResult::Changed(now), None) => {
                line(&format!(
                    "Changed: it was completed before, and failed now, {}",
                    describe(now)
                ));
            }
            (ReplayResult::Gone, before) => {
                let now = self.flow.as_ref().map_or(0, |flow| flow.duration_us);
                let now = precise_duration(now);
                if let Some(before) = before {
                    line(&format!("Not reproduced: it was completed, in {now}"));
                    line(&format!("before  failed {}", describe(before)));
                    line(
                        "What made it fail may have been other flows at the same time, or the data",
                    );
                    line("that its programs had then.");
                } else {
                    let before = precise_duration(bundle.flow.duration_us);
                    line(&format!("Completed in {now}; before, it took {before}"));
                }
            }
            (ReplayResult::Interrupted, _) => line("Interrupted: no verdict"),
        }
        if let Some(failure) = self.failure() {
            failure_lines(failure).iter().for_each(|it| line(it));
        }
        let changed = self.changed_variables(bundle);
        for (name, before, now) in changed {
            line(&sanitize(&format!(
                "variable {name} was {before}, and is now {now}"
            )));
        }
        text
    }

    /// Describes the outcome for programs.
    pub(super) fn json(&self, bundle: &Bundle, log: &Path) -> Value {
        let (result, now) = match &self.result {
            ReplayResult::Reproduced(now) => ("reproduced", Some(now)),
            ReplayResult::Changed(now) => ("changed", Some(now)),
            ReplayResult::Gone => ("gone", None),
            ReplayResult::Interrupted => ("interrupted", None),
        };
        let changed = self.changed_variables(bundle).into_iter();
        let changed = changed
            .map(|(name, before, now)| json!({ "name": name, "before": before, "now": now }));
        json!({
            "format": "rehearsal-replay/1",
            "result": result,
            "run": bundle.run.id,
            "flow": bundle.flow.number,
            "before": { "signature": bundle.signature, "duration_us": bundle.flow.duration_us },
            "now": {
                "signature": now,
                "duration_us": self.flow.as_ref().map(|flow| flow.duration_us),
                "failure": self.failure(),
            },
            "changed_variables": changed.collect::<Vec<_>>(),
            "log": log.display().to_string(),
        })
    }

    fn failure(&self) -> Option<&Failure> {
        self.flow.as_ref()?.failure()
    }

    /// Returns variables with other values than before; those that hold a time always differ.
    fn changed_variables<'a>(&'a self, bundle: &'a Bundle) -> Vec<(&'a str, &'a str, &'a str)> {
        let now = self.flow.iter().flat_map(|flow| &flow.variables);
        now.filter_map(|(name, now)| {
            let before = bundle.flow.variables.iter().find(|it| it.0 == *name)?;
            let before = &before.1;
            (before != now).then_some((&**name, &**before, &**now))
        })
        .collect()
    }
}

fn describe(signature: &Signature) -> String {
    let Signature { step, cause, saw } = signature;
    let cause = cause.replace('_', " ");
    let saw = match saw.as_deref() {
        None | Some("") => String::new(),
        Some(saw) => format!(", saw `{saw}`"),
    };
    sanitize(&format!("at {step}: {cause}{saw}")).into_owned()
}
