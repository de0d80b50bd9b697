//! Metrics of a run in progress, which a Prometheus server scrapes.
//!
//! Names and units follow Prometheus' conventions: durations are in seconds, counters end in
//! `_total`. The format is OpenMetrics for those who accept it, as Prometheus does, and otherwise
//! Prometheus' own text format. Flows of the warm-up are in no counter but `rehearsal_flows_not_counted_total`, as in
//! all figures.
//!
//! | metric | labels |
//! | --- | --- |
//! | `rehearsal_run_info`, always 1 | `run`, `scenario`, `load`, `version` |
//! | `rehearsal_planned_flows`, 0 if unknown | |
//! | `rehearsal_flows_started_total` | |
//! | `rehearsal_flows_total`, those that have ended | `outcome`: `completed`, `failed`, `interrupted` |
//! | `rehearsal_flows_recovered_total`, `rehearsal_flows_dropped_total`, `rehearsal_flows_not_counted_total` | |
//! | `rehearsal_flows_in_flight`, `rehearsal_scripts` (running programs) | |
//! | `rehearsal_flow_response_seconds`, `rehearsal_flow_duration_seconds`, histograms | `outcome`: `completed`, `failed` |
//! | `rehearsal_steps_total`, those of flows that have ended | `step`, `role`, `outcome` |
//! | `rehearsal_steps_in_flight` | `step`, `role` |
//! | `rehearsal_step_duration_seconds`, a histogram | `step`, `role`, `outcome`: `completed`, `failed` |
//! | `rehearsal_failures_total` | `step`, `role`, `cause` |
//! | `rehearsal_injected_faults_total` | `kind` |

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::routing::get;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::model::{FlowOutcome, FlowRecord, RunEvent, RunInfo, StepIndex, StepOutcome};

use super::error::ReportError;
use super::http::Server;
use super::reporter::Reporter;

/// The upper bounds of the histograms' buckets, in seconds: from what a program on the same machine
/// takes to answer to what its users wait for.
const BUCKETS: [f64; 18] = [
    0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    120.0, 300.0, 900.0,
];

/// The path of the page.
const PATH: &str = "/metrics";

/// The format of the page for those who accept it, and its type then.
const OPEN_METRICS: &str = "application/openmetrics-text";
const OPEN_METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The type of the page for all others.
const PLAIN_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The longest time of a scrape, and the time for the last one when the run has ended.
const LONGEST: Duration = Duration::from_secs(5);
const GRACE: Duration = Duration::from_secs(1);

/// Names of labels with their values.
type Labels<const N: usize> = [(&'static str, String); N];

/// A reporter that serves the metrics of its run until it is finished.
pub struct Prometheus {
    server: Server,
    metrics: Metrics,
    /// The labels of the steps, in their order: `step` and `role`.
    steps: Vec<Labels<2>>,
}

struct Metrics {
    run_info: Family<Labels<4>, Gauge>,
    planned_flows: Gauge,
    flows_started: Counter,
    flows: Family<Labels<1>, Counter>,
    flows_recovered: Counter,
    flows_dropped: Counter,
    flows_not_counted: Counter,
    flows_in_flight: Gauge,
    scripts: Gauge,
    flow_response: Family<Labels<1>, Histogram>,
    flow_duration: Family<Labels<1>, Histogram>,
    steps: Family<Labels<3>, Counter>,
    steps_in_flight: Family<Labels<2>, Gauge>,
    step_duration: Family<Labels<3>, Histogram>,
    failures: Family<Labels<3>, Counter>,
    injected_faults: Family<Labels<1>, Counter>,
}

impl Metrics {
    fn register(registry: &mut Registry) -> Self {
        fn histogram() -> Histogram {
            Histogram::new(BUCKETS)
        }
        let metrics = Metrics {
            run_info: Family::default(),
            planned_flows: Gauge::default(),
            flows_started: Counter::default(),
            flows: Family::default(),
            flows_recovered: Counter::default(),
            flows_dropped: Counter::default(),
            flows_not_counted: Counter::default(),
            flows_in_flight: Gauge::default(),
            scripts: Gauge::default(),
            flow_response: Family::new_with_constructor(histogram),
            flow_duration: Family::new_with_constructor(histogram),
            steps: Family::default(),
            steps_in_flight: Family::default(),
            step_duration: Family::new_with_constructor(histogram),
            failures: Family::default(),
            injected_faults: Family::default(),
        };
        let it = &metrics;
        registry.register("run_info", "The run", it.run_info.clone());
        registry.register(
            "planned_flows",
            "Planned number of flows",
            it.planned_flows.clone(),
        );
        registry.register(
            "flows_started",
            "Flows that were started",
            it.flows_started.clone(),
        );
        registry.register("flows", "Flows that have ended", it.flows.clone());
        registry.register(
            "flows_recovered",
            "Flows that were completed after a retry",
            it.flows_recovered.clone(),
        );
        registry.register(
            "flows_dropped",
            "Flows that were due and not started, as too many were in flight",
            it.flows_dropped.clone(),
        );
        registry.register(
            "flows_not_counted",
            "Flows of the warm-up that have ended",
            it.flows_not_counted.clone(),
        );
        registry.register(
            "flows_in_flight",
            "Flows in flight",
            it.flows_in_flight.clone(),
        );
        registry.register("scripts", "Running programs", it.scripts.clone());
        registry.register_with_unit(
            "flow_response",
            "From when a flow was due to its end, without pauses",
            Unit::Seconds,
            it.flow_response.clone(),
        );
        registry.register_with_unit(
            "flow_duration",
            "From a flow's start to its end, without pauses and waits for others",
            Unit::Seconds,
            it.flow_duration.clone(),
        );
        registry.register(
            "steps",
            "Attempts at steps that have ended",
            it.steps.clone(),
        );
        registry.register(
            "steps_in_flight",
            "Steps in flight",
            it.steps_in_flight.clone(),
        );
        registry.register_with_unit(
            "step_duration",
            "From a step's start to its last evidence, without pauses",
            Unit::Seconds,
            it.step_duration.clone(),
        );
        registry.register(
            "failures",
            "Failures of flows by cause",
            it.failures.clone(),
        );
        registry.register(
            "injected_faults",
            "Faults that were injected",
            it.injected_faults.clone(),
        );
        metrics
    }
}

impl Prometheus {
    /// Creates a reporter that serves at `address`.
    ///
    /// # Errors
    /// If the address cannot be listened at, or the system cannot start a thread.
    pub fn new(address: SocketAddr) -> Result<Self, ReportError> {
        let mut registry = Registry::with_prefix("rehearsal");
        let metrics = Metrics::register(&mut registry);
        let registry = Arc::new(registry);
        let page = async move |headers: HeaderMap| {
            let mut text = String::new();
            encode(&mut text, &registry).expect("a String takes all");
            let accepted = headers.get_all(ACCEPT).iter();
            let mut accepted = accepted.filter_map(|it| it.to_str().ok());
            if accepted.any(|it| it.contains(OPEN_METRICS)) {
                ([(CONTENT_TYPE, OPEN_METRICS_TYPE)], text)
            } else {
                ([(CONTENT_TYPE, PLAIN_TYPE)], plain(&text))
            }
        };
        let elsewhere = async || {
            let text = format!("the metrics are at {PATH}\n");
            (axum::http::StatusCode::NOT_FOUND, text)
        };
        let router = Router::new().route(PATH, get(page)).fallback(elsewhere);
        let listener = Server::bind(address)?;
        Ok(Prometheus {
            server: Server::start("metrics", listener, router, LONGEST)?,
            metrics,
            steps: Vec::new(),
        })
    }

    /// Returns the address that is served, with the port that the system chose for port 0.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    fn begin(&mut self, info: &RunInfo) {
        let labels: Labels<4> = [
            ("run", info.id.0.clone()),
            ("scenario", info.scenario.clone()),
            ("load", info.load.clone()),
            ("version", env!("CARGO_PKG_VERSION").into()),
        ];
        let metrics = &self.metrics;
        metrics.run_info.get_or_create(&labels).set(1);
        let planned = info.flows.and_then(|flows| i64::try_from(flows).ok());
        metrics.planned_flows.set(planned.unwrap_or_default());
        self.steps = info
            .steps
            .iter()
            .map(|step| [("step", step.name.clone()), ("role", step.role.clone())])
            .collect();
        // A rate needs a value before the first increment.
        for outcome in ["completed", "failed"] {
            let labels = [("outcome", outcome.to_owned())];
            drop(metrics.flows.get_or_create(&labels));
            drop(metrics.flow_response.get_or_create(&labels));
            drop(metrics.flow_duration.get_or_create(&labels));
            for step in &self.steps {
                let labels = with(step, "outcome", outcome);
                drop(metrics.steps.get_or_create(&labels));
                drop(metrics.step_duration.get_or_create(&labels));
            }
        }
        for step in &self.steps {
            drop(metrics.steps_in_flight.get_or_create(step));
        }
    }

    fn step_in_flight(&self, step: StepIndex, by: i64) {
        if let Some(labels) = self.steps.get(step.0) {
            self.metrics
                .steps_in_flight
                .get_or_create(labels)
                .inc_by(by);
        }
    }

    fn flow_ended(&self, flow: &FlowRecord) {
        let metrics = &self.metrics;
        metrics.flows_in_flight.dec();
        if !flow.counted {
            metrics.flows_not_counted.inc();
            return;
        }
        let labels = [("outcome", flow.outcome.name().to_owned())];
        metrics.flows.get_or_create(&labels).inc();
        if flow.outcome != FlowOutcome::Interrupted {
            let observe = |family: &Family<Labels<1>, Histogram>, us| {
                family.get_or_create(&labels).observe(seconds(us));
            };
            observe(&metrics.flow_response, flow.response_us());
            observe(&metrics.flow_duration, flow.duration_us);
        }
        if flow.is_recovered() {
            metrics.flows_recovered.inc();
        }
        if let Some(failure) = flow.failure() {
            let labels = [
                ("step", failure.step.clone()),
                ("role", failure.role.clone()),
                ("cause", failure.kind.name().to_owned()),
            ];
            metrics.failures.get_or_create(&labels).inc();
        }
        for step in &flow.steps {
            let mut all = self.steps.iter();
            let Some(labels) = all.find(|labels| labels[0].1 == step.step) else {
                continue;
            };
            let labels = with(labels, "outcome", step.outcome.name());
            metrics.steps.get_or_create(&labels).inc();
            if matches!(step.outcome, StepOutcome::Completed | StepOutcome::Failed) {
                let duration = seconds(step.duration_us);
                metrics
                    .step_duration
                    .get_or_create(&labels)
                    .observe(duration);
            }
        }
    }
}

/// Returns the metrics in Prometheus' own text format. It has neither units nor an end, and its
/// comments about a counter have the name of the samples, with `_total`.
fn plain(open_metrics: &str) -> String {
    let types = open_metrics.lines();
    let types = types.filter_map(|line| line.strip_prefix("# TYPE "));
    let counters: HashSet<&str> = types.filter_map(|it| it.strip_suffix(" counter")).collect();
    let mut text = String::with_capacity(open_metrics.len());
    for line in open_metrics.lines() {
        let mut words = line.splitn(4, ' ');
        match [(); 4].map(|()| words.next()) {
            [Some("#"), Some("UNIT" | "EOF"), ..] => continue,
            [Some("#"), Some(about), Some(name), Some(rest)] if counters.contains(name) => {
                text.push_str(&format!("# {about} {name}_total {rest}"));
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

/// Returns the labels of a step with one more.
fn with(step: &Labels<2>, name: &'static str, value: &str) -> Labels<3> {
    let [one, other] = step.clone();
    [one, other, (name, value.to_owned())]
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

impl Reporter for Prometheus {
    fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunStarted(info) => self.begin(info),
            RunEvent::FlowStarted { .. } => {
                self.metrics.flows_started.inc();
                self.metrics.flows_in_flight.inc();
            }
            RunEvent::StepStarted { step, .. } => self.step_in_flight(*step, 1),
            RunEvent::StepEnded { step, outcome, .. } if *outcome != StepOutcome::Skipped => {
                self.step_in_flight(*step, -1);
            }
            RunEvent::ScriptStarted { .. } => {
                self.metrics.scripts.inc();
            }
            RunEvent::ScriptEnded { .. } => {
                self.metrics.scripts.dec();
            }
            RunEvent::Injected(injection) => {
                let labels = [("kind", injection.kind.name().to_owned())];
                self.metrics.injected_faults.get_or_create(&labels).inc();
            }
            RunEvent::FlowsDropped {
                count,
                counted: true,
            } => {
                self.metrics.flows_dropped.inc_by(*count);
            }
            RunEvent::FlowEnded(flow) => self.flow_ended(flow),
            _ => {}
        }
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        self.server.stop(GRACE);
        Ok(())
    }
}
