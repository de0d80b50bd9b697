//! The log file: one line for each event of a run.

mod page;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::model::{
    Ending, ExitCause, FlowOutcome, Injection, InstanceId, ProcessRecord, RunEvent, RunInfo,
    StepIndex, StepOutcome, micros,
};

use super::error::ReportError;
use super::failure;
use super::reporter::Reporter;
use super::sanitize::{sanitize, sanitize_lines};
use super::units;
use page::{LogLine, Page};

/// The size of writes, unless a tick comes earlier.
const BUFFER_BYTES: usize = 32 << 10;

/// A reporter that writes every event, with the time at which it was reported.
pub struct Log<W: Write = BufWriter<File>> {
    /// Events of dialogue are logged.
    has_dialogue: bool,
    path: PathBuf,
    page: Page<W>,
    names: Names,
}

impl Log {
    /// Creates a log that writes to `file`, which is at `path`.
    pub fn new(path: &Path, file: File) -> Self {
        let writer = BufWriter::with_capacity(BUFFER_BYTES, file);
        Log::with_clock(path, writer, SystemTime::now)
    }
}

impl<W: Write> Log<W> {
    /// Excludes dialogue.
    #[must_use]
    pub fn without_dialogue(mut self) -> Self {
        self.has_dialogue = false;
        self
    }

    /// Creates a log that writes to `writer`, named `path` in errors, with times from `now`.
    pub fn with_clock(path: &Path, writer: W, now: fn() -> SystemTime) -> Self {
        Log {
            path: path.to_owned(),
            has_dialogue: true,
            page: Page::new(writer, now),
            names: Names::default(),
        }
    }

    fn dialogue(&mut self, instance: InstanceId, direction: &str, text: &str) {
        let mut write = |text: &str| {
            self.page.line(|line| {
                line.text("script ").instance(instance);
                line.text(direction).text(text);
            });
        };
        if direction == SAID && text.trim_end_matches(['\r', '\n']).is_empty() {
            return write("⏎");
        }
        for line in sanitize_lines(text) {
            write(&line);
        }
    }
}

/// The marks between a script's id and its output, and between its id and typed text.
const HEARD: &str = " < ";
const SAID: &str = " > ";

/// The names of a run's steps.
#[derive(Default)]
struct Names {
    steps: Vec<StepNames>,
}

struct StepNames {
    step: String,
    /// The step's role and action.
    who: String,
}

impl Names {
    fn of(info: &RunInfo) -> Self {
        let steps = info.steps.iter().map(|step| StepNames {
            step: step.name.clone(),
            who: format!("{}: {}", info.title_of(step), step.action),
        });
        Names {
            steps: steps.collect(),
        }
    }

    fn step(&self, step: StepIndex) -> Cow<'_, str> {
        match self.steps.get(step.0) {
            Some(found) => found.step.as_str().into(),
            None => (step.0 + 1).to_string().into(),
        }
    }

    fn who(&self, step: StepIndex) -> &str {
        self.steps.get(step.0).map_or("", |found| &found.who)
    }
}

impl<W: Write + Send> Reporter for Log<W> {
    fn event(&mut self, event: &RunEvent) {
        let Log { page, names, .. } = self;
        match event {
            RunEvent::RunStarted(info) => {
                page.line(|line| run_started(line, info));
                if !info.chaos.is_empty() {
                    let chaos = info.chaos.join(", ");
                    page.line(|line| _ = line.text("chaos: ").text(&chaos));
                }
                *names = Names::of(info);
            }
            RunEvent::FlowStarted { flow, variables } => page.line(|line| {
                line.text("flow ").number(flow.0).text(" started");
                for (index, (name, value)) in variables.iter().enumerate() {
                    line.text(if index == 0 { ": " } else { " " });
                    line.text(name).text("=").text(value);
                }
            }),
            RunEvent::StepStarted { flow, step } => page.line(|line| {
                line.text("flow ").number(flow.0);
                line.text(" step ").text(&names.step(*step));
                line.text(" started: ").text(names.who(*step));
            }),
            RunEvent::ScriptStarted {
                instance,
                pid,
                command,
            } => page.line(|line| {
                line.text("script ").instance(*instance);
                line.text(" started, pid ").number(u64::from(*pid));
                line.text(": ").text(command);
            }),
            RunEvent::Captured {
                flow,
                step,
                name,
                value,
            } => page.line(|line| {
                line.text("flow ").number(flow.0);
                line.text(" step ").text(&names.step(*step));
                line.text(" captured ").text(name).text(": ").text(value);
            }),
            RunEvent::Heard { .. } | RunEvent::Said { .. } if !self.has_dialogue => {}
            RunEvent::Heard { instance, text } => self.dialogue(*instance, HEARD, text),
            RunEvent::Said { instance, text } => self.dialogue(*instance, SAID, text),
            RunEvent::Injected(injection) => page.line(|line| {
                let Injection { instance, what, .. } = &**injection;
                line.text("script ").instance(*instance);
                line.text(" had a fault injected in ");
                line.text(&names.step(injection.step)).text(": ").text(what);
            }),
            RunEvent::StepEnded {
                flow,
                step,
                outcome,
                duration,
                failure,
            } => {
                page.line(|line| {
                    line.text("flow ").number(flow.0);
                    line.text(" step ").text(&names.step(*step));
                    step_ended(line, outcome, *duration);
                    if let Some(failure) = failure {
                        line.text(": ").shown(&failure.kind);
                    }
                });
                if let Some(failure) = failure {
                    page.more(failure::lines(failure));
                }
            }
            // Already logged with `ScriptEnded`.
            RunEvent::PooledScriptEnded(_) => {}
            RunEvent::ScriptEnded { instance, process } => {
                page.line(|line| script_ended(line, *instance, process));
            }
            RunEvent::PooledScriptReplaced { flow, step, number } => page.line(|line| {
                line.text("flow ").number(flow.0);
                line.text(" step ").text(&names.step(*step));
                line.text(" replaces instance ").number(*number as u64);
                line.text(" of its pool, which has ended");
            }),
            RunEvent::Notice { flow, text } => page.line(|line| {
                if let Some(flow) = flow {
                    line.text("flow ").number(flow.0).text(" ");
                }
                line.text("notice: ").text(text);
            }),
            RunEvent::FlowEnded(flow) => page.line(|line| {
                line.text("flow ").number(flow.number.0);
                let took = units::precise_duration(flow.duration_us);
                line.text(" ended after ").text(&took);
                match &flow.outcome {
                    FlowOutcome::Completed if flow.is_recovered() => {
                        let failures = units::counted(flow.retries.len() as u64, "failure");
                        line.text(": completed, recovered from ").text(&failures)
                    }
                    FlowOutcome::Completed => line.text(": completed"),
                    FlowOutcome::Failed(failure) => {
                        line.text(": failed at ").text(&failure.step);
                        line.text(": ").shown(failure)
                    }
                    FlowOutcome::Interrupted => line.text(": interrupted"),
                };
            }),
            // Written by the bundles; and a notice.
            RunEvent::EvidenceKept(_) | RunEvent::LoadChanged(_) => {}
            RunEvent::FlowsDropped { count, .. } => page.line(|line| {
                let flows = units::counted(*count, "flow");
                line.text("dropped, as too many were in flight: ")
                    .text(&flows);
            }),
            RunEvent::GeneratorMeasured(generator) => page.line(|line| {
                let late = |us: Option<u64>| us.map_or("unknown".into(), units::precise_duration);
                line.text("the generator was late by ");
                line.text(&late(generator.lag_p99_us)).text(" at p99, ");
                line.text(&late(generator.lag_max_us)).text(" at most");
            }),
            RunEvent::AuditStarted { command } => {
                page.line(|line| _ = line.text("audit started: ").text(command));
            }
            RunEvent::AuditEnded(audit) => {
                page.line(|line| {
                    line.text("audit ").shown(&audit.outcome);
                    let took = units::precise_duration(audit.duration_us);
                    line.text(" after ").text(&took);
                });
                page.more(audit.output.iter().map(|it| sanitize(it)));
            }
            RunEvent::Stopping { reason } => {
                page.line(|line| _ = line.text("stopping: ").text(reason));
            }
            RunEvent::RunEnded {
                elapsed,
                interrupted,
            } => page.line(|line| {
                let how = if *interrupted { "interrupted" } else { "ended" };
                let took = units::precise_duration(micros(*elapsed));
                line.text("run ").text(how).text(" after ").text(&took);
            }),
        }
    }

    fn tick(&mut self, _elapsed: Duration) {
        self.page.flush();
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        self.page.flush();
        match self.page.error() {
            None => Ok(()),
            Some(error) => {
                let again = error.raw_os_error().map_or_else(
                    || io::Error::new(error.kind(), error.to_string()),
                    io::Error::from_raw_os_error,
                );
                Err(ReportError::write(&self.path, again))
            }
        }
    }
}

fn run_started(line: &mut LogLine, info: &RunInfo) {
    line.text("run ").text(&info.id.0).text(" started: ");
    line.text(&info.scenario).text(", ");
    line.text(&units::extent(info)).text(", ");
    line.text(&info.load)
        .text(", seed ")
        .number(info.seed.unwrap_or_default());
}

fn step_ended(line: &mut LogLine, outcome: &StepOutcome, duration: Duration) {
    let how = match outcome {
        StepOutcome::Completed => " completed in ",
        StepOutcome::Skipped => {
            line.text(" skipped");
            return;
        }
        StepOutcome::Failed | StepOutcome::Retried => " failed after ",
        StepOutcome::Interrupted => " interrupted after ",
    };
    let took = units::precise_duration(micros(duration));
    line.text(how).text(&took);
    if *outcome == StepOutcome::Retried {
        line.text(" and is to be retried");
    }
}

fn script_ended(line: &mut LogLine, instance: InstanceId, process: &ProcessRecord) {
    line.text("script ").instance(instance);
    match (process.ending, process.exit) {
        (Ending::Itself, Some(ExitCause::Code(code))) if code >= 0 => {
            line.text(" ended with exit code ");
            line.number(u64::from(code.unsigned_abs()))
        }
        (Ending::Itself, Some(exit)) => line.text(" ended with ").shown(exit),
        (Ending::Itself, None) => line.text(" ended"),
        (Ending::Terminated, _) => line.text(" was terminated"),
        (Ending::Killed, _) => line.text(" was killed"),
        (Ending::Injected, _) => line.text(" was killed by chaos"),
        (Ending::AfterPanic, _) => line.text(" was ended after a panic"),
        (Ending::LeftOver, _) => line.text(" is left over"),
    };
    line.text(" after ");
    line.text(&units::precise_duration(process.lifetime_us));
    line.text(", pid ").number(u64::from(process.pid));
    line.text(", CPU ");
    line.text(&units::duration(process.usage.cpu_us()));
    line.text(", peak memory ");
    line.text(&units::bytes(process.usage.peak_rss_bytes));
}
