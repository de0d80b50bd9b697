//! The log file: every event of a run, a line each.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Local};

use crate::model::{
    Ending, FlowOutcome, Injection, InstanceId, ProcessRecord, RunEvent, RunInfo, StepIndex,
    StepOutcome,
};

use super::error::ReportError;
use super::failure;
use super::neutral::{neutral, neutral_lines};
use super::reporters::Reporter;
use super::units;

/// Writes every event with the time at which it was reported. What programs say and hear is
/// there if events of it come.
pub struct Log<W: Write = BufWriter<File>> {
    /// Whether what programs say and are told is in it, if it comes.
    has_dialogue: bool,
    path: PathBuf,
    writer: Result<W, io::Error>,
    now: fn() -> DateTime<Local>,
    moments: Moments,
    info: Option<RunInfo>,
}

impl Log {
    /// Writes to `file`, which is at `path`.
    pub fn new(path: &Path, file: File) -> Self {
        Log::with_clock(path, BufWriter::new(file), Local::now)
    }
}

impl<W: Write> Log<W> {
    /// Leaves out what programs say and are told.
    #[must_use]
    pub fn without_dialogue(mut self) -> Self {
        self.has_dialogue = false;
        self
    }

    /// Writes to `writer`, named `path` in errors, at the times that `now` tells.
    pub fn with_clock(path: &Path, writer: W, now: fn() -> DateTime<Local>) -> Self {
        Log {
            path: path.to_owned(),
            has_dialogue: true,
            writer: Ok(writer),
            now,
            moments: Moments::default(),
            info: None,
        }
    }

    fn attempt(&mut self, write: impl FnOnce(&mut W) -> io::Result<()>) {
        if let Ok(writer) = &mut self.writer
            && let Err(error) = write(writer)
        {
            self.writer = Err(error);
        }
    }

    fn line(&mut self, text: &str) {
        let now = (self.now)();
        let Ok(writer) = &mut self.writer else { return };
        let written = self.moments.write(now, writer);
        if let Err(error) = written.and_then(|()| writeln!(writer, " {}", neutral(text))) {
            self.writer = Err(error);
        }
    }

    fn more(&mut self, lines: impl IntoIterator<Item = String>) {
        for line in lines {
            self.attempt(|writer| writeln!(writer, "    {line}"));
        }
    }

    fn dialogue(&mut self, instance: InstanceId, direction: char, text: &str) {
        if direction == '>' && text.trim_end_matches(['\r', '\n']).is_empty() {
            self.line(&format!("script {instance} > ⏎"));
            return;
        }
        for line in neutral_lines(text) {
            self.line(&format!("script {instance} {direction} {line}"));
        }
    }

    /// The step's name.
    fn step(&self, step: StepIndex) -> Cow<'_, str> {
        let found = self.info.as_ref().and_then(|info| info.steps.get(step.0));
        match found {
            Some(found) => found.name.as_str().into(),
            None => (step.0 + 1).to_string().into(),
        }
    }

    /// Whose step it is, and what is done in it.
    fn who(&self, step: StepIndex) -> String {
        let Some(info) = &self.info else {
            return String::new();
        };
        let Some(found) = info.steps.get(step.0) else {
            return String::new();
        };
        let actor = info.roles.get(found.role.0).map_or("", |role| &role.title);
        format!("{actor}: {}", found.action)
    }
}

/// Writes moments. A busy run has many in each second, which differ in their milliseconds only.
#[derive(Debug, Default)]
struct Moments {
    /// The second that was written last, its offset from UTC with it.
    second: Option<(i64, i32)>,
    /// What it looks like, before and after the milliseconds.
    before: String,
    after: String,
}

impl Moments {
    fn write(&mut self, at: DateTime<Local>, writer: &mut impl Write) -> io::Result<()> {
        let second = Some((at.timestamp(), at.offset().local_minus_utc()));
        if self.second != second {
            self.second = second;
            self.before = at.format("%Y-%m-%dT%H:%M:%S.").to_string();
            self.after = at.format("%:z").to_string();
        }
        // A leap second counts on beyond a thousand.
        let ms = at.timestamp_subsec_millis() % 1_000;
        write!(writer, "{}{ms:03}{}", self.before, self.after)
    }
}

impl<W: Write + Send> Reporter for Log<W> {
    fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunStarted(info) => {
                self.line(&format!(
                    "run {} started: {}, {}, {}, seed {}",
                    info.id,
                    info.scenario,
                    units::extent(info),
                    info.load,
                    info.seed
                ));
                if !info.chaos.is_empty() {
                    self.line(&format!("chaos: {}", info.chaos.join(", ")));
                }
                self.info = Some((**info).clone());
            }
            RunEvent::FlowStarted { flow, variables } => {
                let with: Vec<_> = variables
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                self.line(
                    format!("flow {flow} started: {}", with.join(" ")).trim_end_matches([':', ' ']),
                );
            }
            RunEvent::StepStarted { flow, step } => {
                let (name, who) = (self.step(*step), self.who(*step));
                let text = format!("flow {flow} step {name} started: {who}");
                self.line(&text);
            }
            RunEvent::ScriptStarted {
                instance,
                pid,
                command,
            } => {
                self.line(&format!("script {instance} started, pid {pid}: {command}"));
            }
            RunEvent::Captured {
                flow,
                step,
                name,
                value,
            } => {
                let step = self.step(*step);
                let text = format!("flow {flow} step {step} captured {name}: {value}");
                self.line(&text);
            }
            RunEvent::Heard { .. } | RunEvent::Said { .. } if !self.has_dialogue => {}
            RunEvent::Heard { instance, text } => self.dialogue(*instance, '<', text),
            RunEvent::Said { instance, text } => self.dialogue(*instance, '>', text),
            RunEvent::Injected(injection) => {
                let step = self.step(injection.step);
                let Injection { instance, what, .. } = &**injection;
                let text = format!("script {instance} struck by chaos in {step}: {what}");
                self.line(&text);
            }
            RunEvent::StepEnded {
                flow,
                step,
                outcome,
                duration,
                failure,
            } => {
                let name = self.step(*step);
                let took = units::precise_duration(micros(*duration));
                let outcome = match outcome {
                    StepOutcome::Completed => format!("completed in {took}"),
                    StepOutcome::Skipped => "skipped".to_owned(),
                    StepOutcome::Failed => format!("failed after {took}"),
                    StepOutcome::Retried => {
                        format!("failed after {took} and is to be performed again")
                    }
                    StepOutcome::Interrupted => format!("interrupted after {took}"),
                };
                let cause = failure
                    .as_ref()
                    .map(|it| format!(": {}", it.kind))
                    .unwrap_or_default();
                let text = format!("flow {flow} step {name} {outcome}{cause}");
                self.line(&text);
                if let Some(failure) = failure {
                    self.more(failure::lines(failure));
                }
            }
            // Its end was told already.
            RunEvent::PooledScriptEnded(_) => {}
            RunEvent::ScriptEnded(process) => self.line(&script_ended(process)),
            RunEvent::Notice { flow, text } => {
                let whose = flow.map(|flow| format!("flow {flow} ")).unwrap_or_default();
                self.line(&format!("{whose}notice: {text}"));
            }
            RunEvent::FlowEnded(flow) => {
                let took = units::precise_duration(flow.duration_us);
                let outcome = match &flow.outcome {
                    FlowOutcome::Completed if flow.is_recovered() => {
                        let failures = units::counted(flow.retries.len() as u64, "failure");
                        format!("completed, recovered from {failures}")
                    }
                    FlowOutcome::Completed => "completed".to_owned(),
                    FlowOutcome::Failed(failure) => {
                        format!("failed at {}: {failure}", failure.step)
                    }
                    FlowOutcome::Interrupted => "interrupted".to_owned(),
                };
                self.line(&format!(
                    "flow {} ended after {took}: {outcome}",
                    flow.number
                ));
            }
            // It is kept elsewhere.
            RunEvent::EvidenceKept(_) => {}
            RunEvent::FlowDropped { .. } => self.line("a flow was due and dropped"),
            RunEvent::GeneratorMeasured(generator) => {
                let late = |us: Option<u64>| us.map_or("unknown".into(), units::precise_duration);
                let (p99, max) = (late(generator.lag_p99_us), late(generator.lag_max_us));
                self.line(&format!(
                    "the generator was late by {p99} at p99, {max} at most"
                ));
            }
            RunEvent::AuditStarted { command } => self.line(&format!("audit started: {command}")),
            RunEvent::AuditEnded(audit) => {
                let took = units::precise_duration(audit.duration_us);
                self.line(&format!("audit {} after {took}", audit.outcome));
                let output: Vec<_> = audit
                    .output
                    .iter()
                    .map(|it| neutral(it).into_owned())
                    .collect();
                self.more(output);
            }
            RunEvent::Stopping { reason } => self.line(&format!("stopping: {reason}")),
            RunEvent::RunEnded {
                elapsed,
                interrupted,
            } => {
                let how = if *interrupted { "interrupted" } else { "ended" };
                let took = units::precise_duration(micros(*elapsed));
                self.line(&format!("run {how} after {took}"));
            }
        }
    }

    fn tick(&mut self, _elapsed: Duration) {
        self.attempt(W::flush);
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        self.attempt(W::flush);
        match &self.writer {
            Ok(_) => Ok(()),
            Err(error) => {
                let again = error.raw_os_error().map_or_else(
                    || io::Error::new(error.kind(), error.to_string()),
                    io::Error::from_raw_os_error,
                );
                Err(ReportError::write(&self.path, again))
            }
        }
    }
}

fn script_ended(process: &ProcessRecord) -> String {
    let how = match (process.ending, process.exit) {
        (Ending::Itself, Some(exit)) => format!("ended with {exit}"),
        (Ending::Itself, None) => "ended".to_owned(),
        (Ending::Terminated, _) => "was terminated".to_owned(),
        (Ending::Killed, _) => "was killed".to_owned(),
        (Ending::Injected, _) => "was killed by chaos".to_owned(),
        (Ending::LeftOver, _) => "is left over".to_owned(),
    };
    format!(
        "script {} {how} after {}, pid {}, CPU {}, peak memory {}",
        process.instance,
        units::precise_duration(process.lifetime_us),
        process.pid,
        units::duration(process.usage.cpu_us()),
        units::bytes(process.usage.peak_rss_bytes)
    )
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
