//! One run of the engine with programs whose answer times are known.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::cli::environment::CliEnvironment;
use crate::cli::error::CliError;
use crate::cli::machine_limits;
use crate::engine::{self, Control, Programs, RunOptions};
use crate::model::{EventSink, FlowOutcome, FlowRecord, Generator, RunEvent, RunId};
use crate::process::WatcherProgram;
use crate::scenario::{self, CompileOptions, Load, Overrides};
use crate::stats::Histogram;

use super::answer::PROMPT;

/// Programs and load of one run.
pub(super) struct Trial {
    pub load: Load,
    pub answer_after: Duration,
    /// Number of questions to each program.
    pub questions: usize,
    /// Start of the stall of all programs, in milliseconds since the machine's start, and its length.
    pub stall: Option<(u64, Duration)>,
}

/// Measurements of one run.
#[derive(Debug, Default)]
pub(super) struct TrialResult {
    /// Measured minus true answer times.
    pub errors: Histogram,
    /// Times from when a flow was due to its end.
    pub responses: Histogram,
    pub failed: u64,
    /// Message of the first failure.
    pub failure: Option<String>,
    pub generator: Generator,
}

impl Trial {
    /// Runs the trial, or returns the reason why this machine has no room for it.
    pub fn perform(
        &self,
        environment: &CliEnvironment,
    ) -> Result<Result<TrialResult, String>, CliError> {
        let text = self.scenario();
        let compiled = scenario::compile(&text, None, CompileOptions::default())
            .map_err(|faults| CliError::Scenario(faults.render(false)))?;
        let plan = compiled.plan.with_overrides(Overrides {
            load: Some(self.load.clone()),
            ..Overrides::default()
        });
        if let Some(problem) = machine_limits::problems(&plan, self.load.most_in_flight()).first() {
            return Ok(Err(problem.to_string()));
        }
        let directory = tempfile::Builder::new()
            .prefix("rehearsal-doctor-")
            .tempdir_in(&environment.temporary)
            .map_err(|error| CliError::system("cannot make a directory", error))?;
        let programs = Programs::new(
            directory.path().to_owned(),
            Vec::new(),
            environment.program.clone(),
            None,
        );
        let options = RunOptions::new(Arc::new(plan), Arc::new(programs))
            .run_id(RunId("DOCTOR".into()))
            .seed(1)
            .environment(environment.variables.clone())
            .run_directory(directory.path().to_owned())
            .watcher(WatcherProgram {
                program: environment.program.clone(),
                temporary: Some(directory.path().to_owned()),
            });
        let notes = Arc::new(TrialSink::default());
        engine::run(options, Arc::clone(&notes) as _, &Control::new())?;
        let outcome = std::mem::take(&mut *notes.lock());
        Ok(Ok(outcome))
    }

    fn scenario(&self) -> String {
        let (stall_at_boot_ms, stall_for) = self.stall.unwrap_or_default();
        let mut text = format!(
            "name: doctor\ndefaults: {{startup: 1m, step: 1m}}\nroles:\n  answerer:\n    \
             run: [rehearsal, __answer, --after, {}ms, --times, {}, --stall-at-boot-ms, \
             {stall_at_boot_ms}, --stall-for, {}ms]\n    actions:\n      \
             start: [{{prompt: \"{PROMPT}\"}}]\n",
            self.answer_after.as_millis(),
            self.questions,
            stall_for.as_millis(),
        );
        let mut flow = String::from("flow:\n  - {step: start, role: answerer, do: start}\n");
        for question in 1..=self.questions {
            write!(
                text,
                "      ask_{question}:\n        - {{prompt: \"{PROMPT}\", send: \"{question}\"}}\n        \
                 - see: '/answer {question} after (?<true_{question}>\\d+) us/'\n"
            )
            .expect("a String takes all");
            writeln!(
                flow,
                "  - {{step: ask_{question}, role: answerer, do: ask_{question}}}"
            )
            .expect("a String takes all");
        }
        text + &flow
    }
}

/// The event sink of a trial.
#[derive(Default)]
struct TrialSink(Mutex<TrialResult>);

impl TrialSink {
    fn lock(&self) -> std::sync::MutexGuard<'_, TrialResult> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for TrialSink {
    fn emit(&self, event: RunEvent) {
        match event {
            RunEvent::FlowEnded(flow) => self.lock().flow(&flow),
            RunEvent::GeneratorMeasured(generator) => self.lock().generator = *generator,
            _ => {}
        }
    }
}

impl TrialResult {
    fn flow(&mut self, flow: &FlowRecord) {
        match &flow.outcome {
            FlowOutcome::Completed => {}
            FlowOutcome::Failed(failure) => {
                self.failed += 1;
                self.failure.get_or_insert_with(|| failure.to_string());
                return;
            }
            FlowOutcome::Interrupted => {
                self.failed += 1;
                return;
            }
        }
        self.responses.record(flow.response_us());
        // The first step waits for the program's start; from then on each has one answer.
        let answers = flow.steps.iter().skip(1);
        for (step, (_, true_us)) in answers.zip(&flow.captures) {
            if let Ok(true_us) = true_us.parse() {
                self.errors.record(step.duration_us.saturating_sub(true_us));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_scenario_is_valid() {
        let trial = Trial {
            load: Load::closed(1, 1),
            answer_after: Duration::from_millis(20),
            questions: 3,
            stall: None,
        };
        let compiled = scenario::compile(&trial.scenario(), None, CompileOptions::default());
        let compiled = compiled.unwrap_or_else(|faults| panic!("{faults}"));
        assert_eq!(compiled.plan.steps.len(), 4);
        assert!(compiled.warnings.is_empty(), "{}", compiled.warnings);
    }
}
