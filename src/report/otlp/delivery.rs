//! Delivery of spans: to a file, or over HTTP to a collector, on a thread with a bounded queue.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Uri;

use crate::report::error::ReportError;

use super::spans::FlowSpans;

/// The number of batches that wait for the collector; further ones are dropped.
const QUEUE: usize = 64;

/// The time for one request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The time for what is still queued when the run has ended.
const LAST_REQUESTS: Duration = Duration::from_secs(15);

/// The delays before a request is made again.
const RETRY_DELAYS: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

/// The maximum number of bytes that are read of an answer.
const MAX_ANSWER: u64 = 64 << 10;

/// The destination of traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TraceTarget {
    File(PathBuf),
    /// The address of a collector that traces are posted to.
    Collector(String),
}

impl TraceTarget {
    /// Reads a path or an address.
    ///
    /// # Errors
    /// If it is an address without a host, or one of another scheme than `http`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_scheme = |it: &str| it.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let Some((scheme, rest)) = text.split_once("://").filter(|(it, _)| is_scheme(it)) else {
            return match text.rsplit_once(':') {
                Some((host, port)) if !host.contains('/') && port.parse::<u16>().is_ok() => {
                    Err(format!(
                        "for a collector write http://{text}, for a file of this name ./{text}"
                    ))
                }
                _ => Ok(TraceTarget::File(text.into())),
            };
        };
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(
                "traces are sent over http only: name a collector on this machine, such as \
                 http://localhost:4318, which can forward them over https"
                    .into(),
            );
        }
        let base = format!("http://{}", rest.trim_end_matches('/'));
        let has_host = |it: Uri| it.host().is_some_and(|host| !host.is_empty());
        if !base.parse().is_ok_and(has_host) {
            return Err("name the host of a collector, such as http://localhost:4318".into());
        }
        Ok(TraceTarget::Collector(match base.ends_with("/v1/traces") {
            true => base,
            false => format!("{base}/v1/traces"),
        }))
    }
}

impl fmt::Display for TraceTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TraceTarget::File(path) => path.display().fmt(f),
            TraceTarget::Collector(url) => f.write_str(url),
        }
    }
}

/// The treatment of traces that a collector does not take in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlowCollector {
    /// They are dropped: a run in progress does not wait.
    Drop,
    /// They are waited for.
    Wait,
}

/// A delivery in progress.
pub(super) enum Delivery {
    File {
        path: PathBuf,
        writer: io::Result<BufWriter<File>>,
    },
    Collector(Sending),
}

/// Batches on their way to a collector.
pub(super) struct Sending {
    url: String,
    slow: SlowCollector,
    /// `None` once the run has ended.
    queue: Option<SyncSender<Vec<FlowSpans>>>,
    /// Set when the run has ended, to the time until which the thread may go on.
    deadline: Arc<OnceLock<Instant>>,
    thread: Option<JoinHandle<Losses>>,
    all: u64,
    losses: Losses,
}

/// Spans that were not delivered.
#[derive(Default)]
struct Losses {
    spans: u64,
    /// The first reason.
    why: Option<String>,
}

impl Losses {
    fn add(&mut self, spans: u64, why: impl Into<String>) {
        self.spans += spans;
        self.why.get_or_insert_with(|| why.into());
    }
}

impl Delivery {
    pub fn begin(target: &TraceTarget, slow: SlowCollector) -> Result<Self, ReportError> {
        match target {
            TraceTarget::File(path) => {
                let file = File::create(path).map_err(|error| ReportError::write(path, error))?;
                Ok(Delivery::File {
                    path: path.clone(),
                    writer: Ok(BufWriter::new(file)),
                })
            }
            TraceTarget::Collector(url) => Sending::begin(url, slow).map(Delivery::Collector),
        }
    }

    pub fn send(&mut self, batch: Vec<FlowSpans>) {
        match self {
            Delivery::File { writer, .. } => {
                if let Ok(out) = writer
                    && let Err(error) = write_lines(out, batch)
                {
                    *writer = Err(error);
                }
            }
            Delivery::Collector(sending) => sending.send(batch),
        }
    }

    /// Completes the delivery.
    ///
    /// # Errors
    /// If spans were not delivered.
    pub fn finish(&mut self) -> Result<(), ReportError> {
        match self {
            Delivery::File { path, writer } => flush(path, writer),
            Delivery::Collector(sending) => sending.finish(),
        }
    }
}

fn write_lines(out: &mut impl Write, batch: Vec<FlowSpans>) -> io::Result<()> {
    for flow in batch {
        writeln!(out, "{}", body(flow.resources))?;
    }
    out.flush()
}

fn flush(path: &Path, writer: &mut io::Result<BufWriter<File>>) -> Result<(), ReportError> {
    let flushed = match writer {
        Ok(out) => out.flush(),
        Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
    };
    flushed.map_err(|error| ReportError::write(path, error))
}

/// A `TracesData`, which is also an `ExportTraceServiceRequest`.
fn body(resources: Vec<Value>) -> Value {
    json!({ "resourceSpans": resources })
}

impl Sending {
    fn begin(url: &str, slow: SlowCollector) -> Result<Self, ReportError> {
        let (sender, receiver) = sync_channel(QUEUE);
        let deadline = Arc::new(OnceLock::new());
        let (to, until) = (url.to_owned(), Arc::clone(&deadline));
        let thread = thread::Builder::new()
            .name("traces".into())
            .spawn(move || post_all(&receiver, &to, &until))
            .map_err(|error| ReportError::Thread(error.to_string()))?;
        Ok(Sending {
            url: url.to_owned(),
            slow,
            queue: Some(sender),
            deadline,
            thread: Some(thread),
            all: 0,
            losses: Losses::default(),
        })
    }

    fn send(&mut self, batch: Vec<FlowSpans>) {
        let spans = batch.iter().map(|flow| flow.count).sum();
        self.all += spans;
        let Some(queue) = &self.queue else { return };
        // Refused also if the thread has panicked, which `finish` reports.
        let is_sent = match self.slow {
            SlowCollector::Drop => queue.try_send(batch).is_ok(),
            SlowCollector::Wait => queue.send(batch).is_ok(),
        };
        if !is_sent {
            self.losses.add(spans, "it is too slow");
        }
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        // Set only here, once.
        let _ = self.deadline.set(Instant::now() + LAST_REQUESTS);
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let of_thread = thread
                .join()
                .map_err(|_| ReportError::Thread("the sender of traces panicked".into()))?;
            self.losses.spans += of_thread.spans;
            // The reason for which it was slow.
            self.losses.why = of_thread.why.or(self.losses.why.take());
        }
        match &self.losses.why {
            None => Ok(()),
            Some(why) => Err(ReportError::Undelivered {
                lost: self.losses.spans,
                all: self.all,
                to: self.url.clone(),
                why: why.clone(),
            }),
        }
    }
}

/// Posts batches until the queue is closed: the body of the thread.
fn post_all(queue: &Receiver<Vec<FlowSpans>>, url: &str, deadline: &OnceLock<Instant>) -> Losses {
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("rehearsal/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let mut losses = Losses::default();
    for batch in queue {
        let spans = batch.iter().map(|flow| flow.count).sum();
        let resources = batch.into_iter().flat_map(|flow| flow.resources).collect();
        let text = body(resources).to_string();
        match post_patiently(&agent, url, &text, deadline) {
            Ok(0) => {}
            Ok(rejected) => losses.add(rejected.min(spans), "it rejected them"),
            Err(why) => losses.add(spans, why),
        }
    }
    losses
}

/// Posts a batch, again after errors that may pass. Returns the number of spans that the collector
/// rejected.
fn post_patiently(
    agent: &Agent,
    url: &str,
    text: &str,
    deadline: &OnceLock<Instant>,
) -> Result<u64, String> {
    let left = || match deadline.get() {
        Some(deadline) => deadline.saturating_duration_since(Instant::now()),
        None => TIMEOUT,
    };
    let mut delays = RETRY_DELAYS.into_iter();
    loop {
        let timeout = left().min(TIMEOUT);
        if timeout.is_zero() {
            return Err("it is too slow".into());
        }
        let (error, may_pass) = match post(agent, url, text, timeout) {
            Ok(Answer {
                status: 200..=299,
                rejected,
            }) => return Ok(rejected),
            Ok(Answer { status, .. }) => {
                // https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes
                let may_pass = matches!(status, 429 | 502 | 503 | 504);
                (format!("it answered with status {status}"), may_pass)
            }
            Err(error) => (error.to_string(), true),
        };
        match delays.next().filter(|delay| may_pass && *delay < left()) {
            Some(delay) => thread::sleep(delay),
            None => return Err(error),
        }
    }
}

/// A collector's answer.
struct Answer {
    status: u16,
    rejected: u64,
}

fn post(agent: &Agent, url: &str, text: &str, timeout: Duration) -> Result<Answer, ureq::Error> {
    let mut response = agent
        .post(url)
        .config()
        .timeout_global(Some(timeout))
        .build()
        .content_type("application/json")
        .send(text)?;
    let status = response.status().as_u16();
    let answer = response.body_mut().with_config().limit(MAX_ANSWER);
    // Only informative: an answer that cannot be read rejects nothing.
    let answer = answer.read_to_string().unwrap_or_default();
    let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
    let rejected = &answer["partialSuccess"]["rejectedSpans"];
    let as_text = rejected.as_str().and_then(|it| it.parse().ok());
    Ok(Answer {
        status,
        rejected: rejected.as_u64().or(as_text).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_file_or_an_address() {
        let collector = TraceTarget::Collector("http://localhost:4318/v1/traces".into());
        for text in [
            "http://localhost:4318",
            "http://localhost:4318/",
            "http://localhost:4318/v1/traces",
        ] {
            assert_eq!(TraceTarget::parse(text), Ok(collector.clone()));
        }
        assert_eq!(
            TraceTarget::parse("t.jsonl"),
            Ok(TraceTarget::File("t.jsonl".into()))
        );
        assert!(
            TraceTarget::parse("https://example.org")
                .unwrap_err()
                .contains("http only")
        );
    }
}
