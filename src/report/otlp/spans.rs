//! A flow as spans: itself, its steps, their named turns.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::{Failure, FlowRecord, RunInfo, SpanNumber, StepOutcome, StepRecord, TraceIds};

/// The name of the service that flows belong to; steps belong to their role.
const SERVICE: &str = "rehearsal";

/// The maximum number of characters of an attribute.
const MAX_CHARACTERS: usize = 1_000;

/// The spans of one flow, as elements of `resourceSpans`.
pub(super) struct FlowSpans {
    pub resources: Vec<Value>,
    /// The number of spans.
    pub count: u64,
}

/// The flow whose spans are made.
struct Builder<'f> {
    ids: TraceIds,
    flow: &'f FlowRecord,
    /// In nanoseconds since the epoch.
    began_ns: u64,
    next: SpanNumber,
    /// The spans of each service, by its name.
    services: BTreeMap<&'f str, Vec<Value>>,
}

/// The parts of a span that differ.
struct Span<'s> {
    name: &'s str,
    parent: Option<SpanNumber>,
    /// Since the flow's start, in microseconds.
    after_us: u64,
    length_us: u64,
    attributes: Vec<Value>,
    failure: Option<&'s Failure>,
}

impl FlowSpans {
    pub fn of(info: &RunInfo, flow: &FlowRecord) -> Self {
        let began = flow.started_since(info.started_at);
        // All times of a run are on the one clock that cannot be set.
        let run_ns = info.started_at.timestamp_nanos_opt().unwrap_or_default();
        let run_ns = u64::try_from(run_ns).unwrap_or_default();
        let mut builder = Builder {
            ids: TraceIds::of(info),
            flow,
            began_ns: run_ns.saturating_add(nanos(began.as_micros())),
            next: SpanNumber::FLOW,
            services: BTreeMap::new(),
        };
        let steps_end = flow.steps.iter().map(end_us).max().unwrap_or_default();
        let ended = flow.ended_since(info.started_at).saturating_sub(began);
        let ended_us = u64::try_from(ended.as_micros()).unwrap_or(u64::MAX);
        builder.add(
            SERVICE,
            Span {
                name: &info.scenario,
                parent: None,
                after_us: 0,
                length_us: ended_us.max(steps_end),
                attributes: of_flow(info, flow),
                failure: flow.failure(),
            },
        );
        let mut retries = flow.retries.iter();
        for step in &flow.steps {
            let failure = match step.outcome {
                StepOutcome::Skipped => continue,
                StepOutcome::Completed | StepOutcome::Interrupted => None,
                StepOutcome::Failed => flow.failure(),
                StepOutcome::Retried => retries.next().map(|retry| &retry.failure),
            };
            builder.add_step(info, step, failure);
        }
        let count = builder.next.0;
        let resources = builder.services.into_iter();
        let resources = resources.map(|(service, spans)| resource(info, service, &spans));
        FlowSpans {
            resources: resources.collect(),
            count,
        }
    }
}

impl<'f> Builder<'f> {
    fn add_step(&mut self, info: &'f RunInfo, step: &StepRecord, failure: Option<&Failure>) {
        let place = info.steps.iter().find(|it| it.name == step.step);
        let service = place.map_or(SERVICE, |it| &it.role);
        let attributes = vec![
            text("rehearsal.step.outcome", step.outcome.name()),
            number("rehearsal.step.attempt", u64::from(step.attempt)),
            number("rehearsal.step.duration_us", step.duration_us),
            number("rehearsal.step.paused_us", step.paused_us),
            number("rehearsal.step.waited_us", step.waited_us),
        ];
        let number = self.add(
            service,
            Span {
                name: &step.step,
                parent: Some(SpanNumber::FLOW),
                after_us: step.started_after_us,
                length_us: end_us(step).saturating_sub(step.started_after_us),
                attributes,
                failure,
            },
        );
        for turn in &step.turns {
            // Unknown in records of earlier versions.
            let Some(after_us) = turn.started_after_us else {
                continue;
            };
            self.add(
                service,
                Span {
                    name: &turn.turn,
                    parent: Some(number),
                    after_us: step.started_after_us.saturating_add(after_us),
                    length_us: turn.duration_us,
                    attributes: Vec::new(),
                    failure: None,
                },
            );
        }
    }

    fn add(&mut self, service: &'f str, span: Span<'_>) -> SpanNumber {
        let number = self.next;
        self.next = SpanNumber(number.0 + 1);
        let begun = self.began_ns.saturating_add(nanos(span.after_us.into()));
        let ended = begun.saturating_add(nanos(span.length_us.into()));
        let id = |number| self.ids.span(self.flow.number, number);
        let mut made = json!({
            "traceId": self.ids.trace(self.flow.number),
            "spanId": id(number),
            "name": short(span.name),
            // An internal operation.
            "kind": 1,
            // 64-bit numbers are texts in this encoding.
            "startTimeUnixNano": begun.to_string(),
            "endTimeUnixNano": ended.to_string(),
            "attributes": span.attributes,
        });
        if let Some(parent) = span.parent {
            made["parentSpanId"] = id(parent).into();
        }
        if let Some(failure) = span.failure {
            made["status"] = json!({ "code": 2, "message": short(&failure.message) });
            made["events"] = json!([{
                "timeUnixNano": ended.to_string(),
                "name": "exception",
                "attributes": [
                    text("exception.type", failure.kind.name()),
                    text("exception.message", &failure.message),
                    text("rehearsal.turn", &failure.turn),
                ],
            }]);
        }
        self.services.entry(service).or_default().push(made);
        number
    }
}

/// Returns the end of a step, since the flow's start.
fn end_us(step: &StepRecord) -> u64 {
    [step.duration_us, step.paused_us, step.held_us]
        .into_iter()
        .fold(step.started_after_us, u64::saturating_add)
}

fn nanos(micros: u128) -> u64 {
    u64::try_from(micros.saturating_mul(1_000)).unwrap_or(u64::MAX)
}

fn resource(info: &RunInfo, service: &str, spans: &[Value]) -> Value {
    json!({
        "resource": {
            "attributes": [
                text("service.name", service),
                text("service.namespace", &info.scenario),
                text("rehearsal.run.id", &info.id.0),
            ],
        },
        "scopeSpans": [{
            "scope": { "name": "rehearsal", "version": env!("CARGO_PKG_VERSION") },
            "spans": spans,
        }],
    })
}

fn of_flow(info: &RunInfo, flow: &FlowRecord) -> Vec<Value> {
    let mut attributes = vec![
        text("rehearsal.flow.id", &flow.id.0),
        number("rehearsal.flow.number", flow.number.0),
        text("rehearsal.flow.outcome", flow.outcome.name()),
        json!({ "key": "rehearsal.flow.counted", "value": { "boolValue": flow.counted } }),
        number("rehearsal.flow.response_us", flow.response_us()),
        number("rehearsal.flow.duration_us", flow.duration_us),
        number("rehearsal.flow.late_us", flow.late_us),
        number("rehearsal.flow.waited_us", flow.waited_us),
        number("rehearsal.flow.retries", flow.retries.len() as u64),
    ];
    attributes.extend(info.seed.map(|seed| number("rehearsal.run.seed", seed)));
    let captures = flow.captures.iter();
    attributes
        .extend(captures.map(|(name, value)| text(&format!("rehearsal.capture.{name}"), value)));
    attributes
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": short(value) } })
}

fn number(key: &str, value: u64) -> Value {
    json!({ "key": key, "value": { "intValue": value.to_string() } })
}

fn short(text: &str) -> String {
    text.chars().take(MAX_CHARACTERS).collect()
}
