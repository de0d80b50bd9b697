//! Progress of a run for programs: one JSON object a line.
//!
//! The first line is `run_started` with `"format": "rehearsal-events/1"`. Then come, each with
//! `event` and `elapsed_us` (when it was written, since the run's start):
//!
//! | event | fields |
//! | --- | --- |
//! | `snapshot`, once a second | `completed`, `recovered` (those completed after a retry), `failed`, `interrupted`, `dropped`, `in_flight`, `planned` (flows, or null), `part` (of the run that is over, 0 to 1), and of the last ten seconds `completed_per_second` and `response_p95_us` (or null); `wanted_per_second` (or null); `steps`, each with `name`, `in_flight`, `completed`, `failed`, `p95_us` |
//! | `flow_ended` | `number`, `id`, `outcome` (`completed`, `failed`, `interrupted`), `counted`, `duration_us`, `late_us`, `waited_us`, `retry_delay_us`, `retries` (number of retries); of failed ones `step`, `cause` and `message` |
//! | `injected`, after a fault injection | `flow` (its number), `role`, `attempt` (the role's script instance, from 1), `step`, `kind`, `what` |
//! | `notice`, `stopping` | `text` |
//! | `audit_started`, when all flows have ended | `command` |
//! | `integrity`, if the scenario has integrity checks | the fields of the summary's `integrity` |
//! | `run_ended`, the last | the figures of a snapshot, `interrupted_run`, and `run_us`, the run's duration |
//!
//! Fields may be added within a version of the format.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::model::{FlowRecord, Injection, RunEvent, RunInfo, micros};
use crate::stats::Integrity;

use super::error::ReportError;
use super::live::live_stats::LiveStats;
use super::reporter::Reporter;

/// The name and version of the format.
const FORMAT: &str = "rehearsal-events/1";

/// The time between snapshots.
const SNAPSHOT_EVERY: Duration = Duration::from_secs(1);

/// A reporter that writes a run as lines of JSON.
///
/// It ignores a closed pipe: the run continues. Lines are flushed a few times a second.
pub struct JsonLines {
    writer: io::Result<Box<dyn Write + Send>>,
    /// The path in errors; empty for a stream.
    path: PathBuf,
    stats: LiveStats,
    /// The names of the roles.
    roles: Vec<String>,
    began: Instant,
    snapshot_at: Duration,
}

impl JsonLines {
    /// Creates a reporter that writes to `writer`.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        JsonLines {
            writer: Ok(Box::new(BufWriter::new(writer))),
            path: "standard output".into(),
            stats: LiveStats::default(),
            roles: Vec::new(),
            began: Instant::now(),
            snapshot_at: SNAPSHOT_EVERY,
        }
    }

    /// Creates a reporter that writes to a file, replacing its content.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn to_file(path: &Path) -> Result<Self, ReportError> {
        let file = File::create(path).map_err(|error| ReportError::write(path, error))?;
        Ok(JsonLines {
            path: path.to_owned(),
            ..JsonLines::new(file)
        })
    }

    fn write_event(&mut self, event: &str, mut fields: Value) {
        if let Value::Object(fields) = &mut fields {
            fields.insert("event".into(), event.into());
            let elapsed_us = micros(self.began.elapsed());
            fields.insert("elapsed_us".into(), elapsed_us.into());
        }
        self.attempt(|writer| writeln!(writer, "{fields}"));
    }

    fn flush(&mut self) {
        self.attempt(Write::flush);
    }

    fn attempt(&mut self, work: impl FnOnce(&mut Box<dyn Write + Send>) -> io::Result<()>) {
        if let Ok(writer) = &mut self.writer
            && let Err(error) = work(writer)
        {
            self.writer = Err(error);
        }
    }

    fn injected(&self, injection: &Injection) -> Value {
        let Injection { instance, step, .. } = injection;
        json!({
            "flow": instance.flow.0,
            "role": self.roles.get(instance.role.0),
            "attempt": instance.attempt,
            "step": self.stats.steps.get(step.0).map(|step| &step.name),
            "kind": injection.kind.name(),
            "what": injection.what,
        })
    }

    fn figures(&mut self) -> Value {
        let now = self.stats.elapsed();
        let steps: Vec<_> = self
            .stats
            .steps
            .iter_mut()
            .map(|step| {
                json!({
                    "name": step.name,
                    "in_flight": step.now,
                    "completed": step.done,
                    "failed": step.failed,
                    "p95_us": step.p95_us(now),
                })
            })
            .collect();
        let stats = &mut self.stats;
        json!({
            "planned": stats.planned,
            "part": stats.part(),
            "completed": stats.completed,
            "recovered": stats.recovered,
            "failed": stats.failed,
            "interrupted": stats.interrupted,
            "dropped": stats.dropped,
            "in_flight": stats.in_flight,
            "completed_per_second": stats.completed_per_second(),
            "wanted_per_second": stats.wanted_per_second,
            "response_p95_us": stats.response_p95_us(),
            "steps": steps,
        })
    }
}

impl Reporter for JsonLines {
    fn event(&mut self, event: &RunEvent) {
        self.stats.event(event);
        match event {
            RunEvent::RunStarted(info) => {
                self.began = Instant::now();
                self.roles = info.roles.iter().map(|role| role.name.clone()).collect();
                self.write_event("run_started", run(info));
                self.flush();
            }
            RunEvent::FlowEnded(record) => self.write_event("flow_ended", flow(record)),
            RunEvent::Injected(injection) => {
                let fields = self.injected(injection);
                self.write_event("injected", fields);
            }
            RunEvent::Notice { text, .. } => self.write_event("notice", json!({ "text": text })),
            RunEvent::AuditStarted { command } => {
                self.write_event("audit_started", json!({ "command": command }));
                self.flush();
            }
            RunEvent::Stopping { reason } => {
                self.write_event("stopping", json!({ "text": reason }))
            }
            RunEvent::RunEnded {
                elapsed,
                interrupted,
            } => {
                self.stats.tick(*elapsed);
                let mut figures = self.figures();
                figures["interrupted_run"] = (*interrupted).into();
                figures["run_us"] = micros(*elapsed).into();
                self.write_event("run_ended", figures);
            }
            _ => {}
        }
    }

    fn integrity(&mut self, integrity: &Integrity) {
        self.write_event("integrity", json!(integrity));
    }

    fn tick(&mut self, elapsed: Duration) {
        self.stats.tick(elapsed);
        if elapsed >= self.snapshot_at && self.stats.has_begun() {
            self.snapshot_at = elapsed + SNAPSHOT_EVERY;
            let figures = self.figures();
            self.write_event("snapshot", figures);
        }
        self.flush();
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        self.flush();
        match &self.writer {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                let error = io::Error::new(error.kind(), error.to_string());
                Err(ReportError::write(&self.path, error))
            }
            _ => Ok(()),
        }
    }
}

fn run(info: &RunInfo) -> Value {
    let steps: Vec<_> = info.steps.iter().map(|step| &step.name).collect();
    json!({
        "format": FORMAT,
        "id": info.id.0,
        "scenario": info.scenario,
        "started_at": info.started_at,
        "seed": info.seed,
        "load": info.load,
        "planned": info.flows,
        "duration_us": info.duration_us,
        "wanted_per_second": info.wanted_per_second,
        "steps": steps,
    })
}

fn flow(record: &FlowRecord) -> Value {
    let mut fields = json!({
        "number": record.number.0,
        "id": record.id.0,
        "outcome": record.outcome.name(),
        "counted": record.counted,
        "duration_us": record.duration_us,
        "late_us": record.late_us,
        "waited_us": record.waited_us,
        "retry_delay_us": record.retry_delay_us,
        "retries": record.retries.len(),
    });
    if let Some(failure) = record.failure() {
        fields["step"] = failure.step.as_str().into();
        fields["cause"] = failure.kind.name().into();
        fields["message"] = failure.message.as_str().into();
    }
    fields
}
