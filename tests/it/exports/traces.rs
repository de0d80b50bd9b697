//! Traces: in a file, at a collector, and in the environment of programs.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use opentelemetry_proto::tonic::trace::v1::TracesData;
use serde_json::Value;

use super::*;
use crate::support::wait::LONG;

/// A span with the service that it belongs to.
struct Span {
    service: String,
    value: Value,
}

impl Span {
    fn text(&self, field: &str) -> &str {
        self.value[field].as_str().unwrap_or_default()
    }

    /// The beginning and the end.
    fn times(&self) -> (u64, u64) {
        let time = |field| self.text(field).parse::<u64>().expect("a number");
        (time("startTimeUnixNano"), time("endTimeUnixNano"))
    }

    fn attribute(&self, key: &str) -> Option<&str> {
        let attributes = self.value["attributes"].as_array()?;
        let found = attributes.iter().find(|it| it["key"] == key)?;
        let value = &found["value"];
        value["stringValue"].as_str().or(value["intValue"].as_str())
    }
}

/// Checks that the published definition of `TracesData` knows all fields of `data`, with these types.
#[track_caller]
fn check_definition(data: &Value) {
    let parsed: TracesData = serde_json::from_value(data.clone()).expect("traces");
    // Unknown fields are ignored when they are read, and so are missing when they are written.
    let known = serde_json::to_value(&parsed).expect("JSON");
    check_all_there(data, &known);
}

/// Checks that `known` has all that `written` has.
#[track_caller]
fn check_all_there(written: &Value, known: &Value) {
    match (written, known) {
        (Value::Object(fields), Value::Object(of_known)) => {
            for (name, value) in fields {
                let value_of_known = of_known.get(name);
                let value_of_known = value_of_known.unwrap_or_else(|| panic!("{name}: {known}"));
                check_all_there(value, value_of_known);
            }
        }
        (Value::Array(elements), Value::Array(of_known)) => {
            assert_eq!(elements.len(), of_known.len());
            for (element, element_of_known) in elements.iter().zip(of_known) {
                check_all_there(element, element_of_known);
            }
        }
        _ => assert_eq!(written, known),
    }
}

/// Parses a `TracesData` and checks what its schema demands.
fn spans(data: &Value) -> Vec<Span> {
    check_definition(data);
    let mut spans = Vec::new();
    for resource in data["resourceSpans"].as_array().expect("resources") {
        let attributes = resource["resource"]["attributes"]
            .as_array()
            .expect("attributes");
        let service = attributes.iter().find(|it| it["key"] == "service.name");
        let service = service.expect("a service")["value"]["stringValue"]
            .as_str()
            .expect("a name");
        for scope in resource["scopeSpans"].as_array().expect("scopes") {
            assert_eq!(scope["scope"]["name"], "rehearsal");
            for value in scope["spans"].as_array().expect("spans") {
                let span = Span {
                    service: service.to_owned(),
                    value: value.clone(),
                };
                let is_id = |text: &str, length| {
                    text.len() == length
                        && text
                            .bytes()
                            .all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
                        && text.bytes().any(|it| it != b'0')
                };
                assert!(
                    is_id(span.text("traceId"), 32) && is_id(span.text("spanId"), 16),
                    "{value}"
                );
                let (begun, ended) = span.times();
                assert!(
                    begun <= ended && begun > 1_700_000_000_000_000_000,
                    "{value}"
                );
                spans.push(span);
            }
        }
    }
    spans
}

/// Checks that each trace has one root, and that all other spans lie within their parents.
fn check_trees(spans: &[Span]) -> usize {
    let by_id: HashMap<_, _> = spans
        .iter()
        .map(|it| ((it.text("traceId"), it.text("spanId")), it))
        .collect();
    assert_eq!(by_id.len(), spans.len(), "ids are unique");
    let mut roots = HashSet::new();
    for span in spans {
        let trace = span.text("traceId");
        match span.text("parentSpanId") {
            "" => assert!(roots.insert(trace), "a second root of {trace}"),
            parent => {
                let parent = by_id[&(trace, parent)];
                let (inner, outer) = (span.times(), parent.times());
                assert!(
                    outer.0 <= inner.0 && inner.1 <= outer.1,
                    "{} {inner:?} in {outer:?}",
                    span.value
                );
            }
        }
    }
    roots.len()
}

fn lines(sandbox: &Sandbox, name: &str) -> Vec<Value> {
    let text = sandbox.read(name);
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn each_flow_is_a_trace_of_steps_and_turns() {
    let sandbox = sandbox();
    sandbox
        .rehearsal("run exports.yaml --flows 4 --save --otlp traces.jsonl")
        .assert_code(98);
    let lines = lines(&sandbox, "traces.jsonl");
    assert_eq!(lines.len(), 4);
    let spans: Vec<_> = lines.iter().flat_map(spans).collect();
    assert_eq!(check_trees(&spans), 4);
    let of = |name: &str| {
        spans
            .iter()
            .filter(|it| it.text("name") == name)
            .collect::<Vec<_>>()
    };
    let (flows, steps, turns) = (of("exports"), of("2_pack"), of("=packing"));
    assert_eq!((flows.len(), steps.len(), turns.len()), (4, 4, 3));
    assert_eq!(
        (&*flows[0].service, &*steps[0].service, &*turns[0].service),
        ("rehearsal", "clerk", "clerk")
    );
    assert_eq!(of("3_bring")[0].service, "courier");
    assert_eq!(turns[0].text("parentSpanId"), steps[0].text("spanId"));

    let failed = steps
        .iter()
        .find(|it| it.attribute("rehearsal.step.outcome") == Some("failed"));
    let failed = failed.expect("the step of flow 2");
    assert_eq!(failed.value["status"]["code"], 2);
    assert_eq!(failed.value["events"][0]["name"], "exception");
    let root = flows
        .iter()
        .find(|it| it.text("traceId") == failed.text("traceId"))
        .expect("a root");
    assert_eq!(root.attribute("rehearsal.flow.number"), Some("2"));
    assert_eq!(root.attribute("rehearsal.capture.order"), Some("A2"));

    // The saved run has the same traces, with the same ids.
    let line = format!("report --otlp saved.jsonl {}", sandbox.run().display());
    sandbox.rehearsal(&line).assert_code(0);
    assert_eq!(sandbox.read("saved.jsonl"), sandbox.read("traces.jsonl"));
}

#[test]
fn programs_can_continue_the_trace_of_their_flow() {
    let text = "\
name: traced
roles:
  user:
    run: [fixture, env, TRACEPARENT]
    actions: {say: [{see: '/TRACEPARENT=(?<parent>\\S*)/'}, {exits: 0}]}
flow:
  - {step: say, role: user, do: say}
";
    let sandbox = Sandbox::with("traced.yaml", text);
    sandbox
        .rehearsal("run traced.yaml --flows 2 --otlp traces.jsonl")
        .assert_code(0);
    let spans: Vec<_> = lines(&sandbox, "traces.jsonl")
        .iter()
        .flat_map(spans)
        .collect();
    let roots: Vec<_> = spans
        .iter()
        .filter(|it| it.text("parentSpanId").is_empty())
        .collect();
    assert_eq!(roots.len(), 2);
    for root in roots {
        let parent = format!("00-{}-{}-01", root.text("traceId"), root.text("spanId"));
        assert_eq!(root.attribute("rehearsal.capture.parent"), Some(&*parent));
    }

    sandbox.rehearsal("run traced.yaml --save").assert_code(0);
    let flows = crate::support::sandbox::flows(&sandbox.run());
    let parent = flows[0]["captures"]["parent"].as_str();
    assert!(parent.is_none_or(str::is_empty), "{parent:?}");
}

/// Starts a collector that answers requests with these statuses and bodies, one after the other,
/// the last one for all others. Returns its address and the bodies of requests.
fn collector(
    answers: &'static [(&'static str, &'static str)],
) -> (String, Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut answers = answers
            .iter()
            .chain(std::iter::repeat(answers.last().expect("an answer")));
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.expect("a connection"));
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                assert!(stream.read_line(&mut head).expect("a line") > 0, "{head}");
            }
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            });
            let mut body = vec![0; length.expect("a length")];
            stream.read_exact(&mut body).expect("a body");
            let (status, text) = answers.next().expect("an endless list");
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
                text.len()
            );
            stream
                .get_mut()
                .write_all(answer.as_bytes())
                .expect("it listens");
            let body = String::from_utf8(body).expect("UTF-8");
            // Refused only when the test is over.
            let _ = sender.send((head, body));
        }
    });
    (address, receiver)
}

#[test]
fn a_collector_gets_all_traces_also_if_it_is_busy_at_first() {
    let sandbox = sandbox();
    let (address, requests) = collector(&[("503 Busy", ""), ("200 OK", "{}")]);
    let line = format!("run exports.yaml --flows 4 --otlp {address}");
    sandbox
        .rehearsal(&line)
        .assert_code(98)
        .assert_err_lacks("delivered");
    let refused = requests.recv_timeout(LONG).expect("a request");
    assert!(
        refused.0.starts_with("POST /v1/traces HTTP/1.1\r\n"),
        "{}",
        refused.0
    );
    assert!(
        refused
            .0
            .to_ascii_lowercase()
            .contains("content-type: application/json\r\n"),
        "{}",
        refused.0
    );
    let bodies: Vec<_> = requests.try_iter().map(|(_, body)| body).collect();
    assert_eq!(bodies[0], refused.1, "the refused batch comes again");
    let spans: Vec<_> = bodies
        .iter()
        .flat_map(|body| spans(&serde_json::from_str(body).expect("JSON")))
        .collect();
    assert_eq!(check_trees(&spans), 4);
}

#[test]
fn spans_that_are_not_delivered_are_counted() {
    let sandbox = sandbox();
    // 4 flows, 11 steps, and 3 named turns.
    let (address, _requests) = collector(&[("400 Bad Request", "")]);
    let finished = sandbox.rehearsal(&format!("run exports.yaml --flows 4 --otlp {address}"));
    let error = format!(
        "18 of 18 spans could not be delivered to {address}/v1/traces: it answered with status 400"
    );
    finished.assert_code(98).assert_err(&error);

    let answer = r#"{"partialSuccess": {"rejectedSpans": "3"}}"#;
    let (address, _requests) = collector(Box::leak(Box::new([("200 OK", answer)])));
    let finished = sandbox.rehearsal(&format!("run exports.yaml --flows 4 --otlp {address}"));
    finished
        .assert_code(98)
        .assert_err("3 of 18 spans could not be delivered");

    let gone = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address");
    let finished = sandbox.rehearsal(&format!("run exports.yaml --flows 4 --otlp http://{gone}"));
    finished
        .assert_code(98)
        .assert_err("18 of 18 spans could not be delivered")
        .assert_err("refused");
}

#[test]
fn an_address_that_is_none_is_refused_before_the_run() {
    let sandbox = sandbox();
    for (address, why) in [
        ("https://localhost:4318", "over http only"),
        ("grpc://localhost:4317", "over http only"),
        ("http://", "name the host of a collector"),
        ("http://:4318", "name the host of a collector"),
        (
            "localhost:4318",
            "for a collector write http://localhost:4318",
        ),
    ] {
        let finished = sandbox.rehearsal(&format!("run exports.yaml --otlp {address}"));
        finished.assert_code(2).assert_err(why);
        assert!(!sandbox.has("rehearsal-results"), "{address}");
    }
}
