//! Metrics of a run in progress, scraped over HTTP.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use super::*;
use crate::support::running::Running;

/// Media types that a Prometheus server accepts.
const ACCEPT: &str = "accept: application/openmetrics-text;version=1.0.0;q=0.5,\
    text/plain;version=0.0.4;q=0.2,*/*;q=0.1\r\n";

/// The answer to a request of a Prometheus server, its head and its body.
fn request(address: &str, head: &str) -> (String, String) {
    request_with(address, head, ACCEPT)
}

fn request_with(address: &str, head: &str, headers: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("a server");
    stream
        .write_all(format!("{head}\r\nhost: x\r\n{headers}\r\n").as_bytes())
        .expect("it listens");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), body.to_owned())
}

/// Parses the OpenMetrics text format into the values of the series, and checks that each family
/// has a type and a help text before its samples, and that histograms are cumulative.
fn parse(text: &str) -> BTreeMap<String, f64> {
    assert!(text.ends_with("# EOF\n"), "{text}");
    let mut types = BTreeMap::new();
    let mut helped = Vec::new();
    let mut series = BTreeMap::new();
    let mut bucket: Option<(String, f64)> = None;
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (word, name, rest) = (words.next(), words.next().expect("a name"), words.next());
            match word {
                Some("TYPE") => {
                    drop(types.insert(name.to_owned(), rest.expect("a type").to_owned()))
                }
                Some("HELP") => helped.push(name.to_owned()),
                Some("UNIT") => assert!(name.ends_with(rest.expect("a unit"))),
                _ => panic!("{line}"),
            }
            continue;
        }
        let (name, value) = line.rsplit_once(' ').expect("a value");
        let value: f64 = value.parse().expect("a number");
        let metric = name.split('{').next().expect("a name");
        let family = ["_total", "_info", "_bucket", "_sum", "_count", ""]
            .iter()
            .filter_map(|suffix| metric.strip_suffix(suffix))
            .find(|family| types.contains_key(*family));
        let family = family.unwrap_or_else(|| panic!("no type of {line}"));
        assert!(
            family.starts_with("rehearsal_") && helped.iter().any(|it| it == family),
            "{line}"
        );
        if types[family] == "counter" {
            assert!(metric.ends_with("_total") && value >= 0.0, "{line}");
        }
        if metric.ends_with("_bucket") {
            let labels = name.split_once(',').map_or("", |(_, labels)| labels);
            let labels = format!("{metric} {labels}");
            if let Some((of, before)) = &bucket
                && *of == labels
            {
                assert!(*before <= value, "{line}");
            }
            bucket = Some((labels, value));
        }
        assert!(
            series.insert(name.to_owned(), value).is_none(),
            "twice: {line}"
        );
    }
    series
}

/// Checks Prometheus' own text format, with `promtool` where that is installed.
fn check_plain(text: &str) {
    for line in [
        "# HELP rehearsal_flows_total Flows that have ended.",
        "# TYPE rehearsal_flows_total counter",
        r#"rehearsal_flows_total{outcome="completed"} 1"#,
        "# TYPE rehearsal_step_duration_seconds histogram",
    ] {
        assert!(text.lines().any(|it| it == line), "no {line} in {text}");
    }
    assert!(
        !text.contains("# UNIT") && !text.contains("# EOF"),
        "{text}"
    );
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped());
    let Ok(mut child) = command.stderr(Stdio::piped()).spawn() else {
        println!("not checked: promtool is not installed");
        return;
    };
    let mut input = child.stdin.take().expect("an input");
    input.write_all(text.as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}{text}");
}

#[test]
fn a_run_in_progress_can_be_scraped() {
    // Flow 3 waits for the test.
    let sandbox = sandbox();
    let text = sandbox.read("exports.yaml").replace(
        "echo brought",
        "test $0 = 3 && read line <gate; echo brought",
    );
    let text = text.replace("echo brought']", "echo brought', '${flow.number}']");
    let sandbox = {
        sandbox.write("exports.yaml", &text);
        sandbox
    };
    let gate = sandbox.make_gate("gate");
    let running = Running::start(&mut sandbox.command("run exports.yaml --flows 4 --prometheus 0"));
    running.hear("/metrics\n");
    let address = running
        .heard()
        .split_once("http://")
        .expect("an address")
        .1
        .split('/')
        .next()
        .expect("a port")
        .to_owned();
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let step = r#"{step="3_bring",role="courier"}"#;
    let scraped = crate::support::wait::retry(
        std::time::Instant::now() + crate::support::wait::LONG,
        || {
            let (head, body) = request(&address, "GET /metrics HTTP/1.1");
            assert!(
                head.starts_with(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/openmetrics-text; version=1.0.0"
                ),
                "{head}"
            );
            let series = parse(&body);
            let waits = series.get(&format!("rehearsal_steps_in_flight{step}")) == Some(&1.0);
            let is_third = series.get("rehearsal_flows_started_total") == Some(&3.0);
            (waits && is_third).then_some(series).ok_or(body)
        },
    );
    let value = |name: &str| {
        *scraped
            .get(name)
            .unwrap_or_else(|| panic!("no {name}: {scraped:#?}"))
    };
    assert_eq!(value("rehearsal_flows_in_flight"), 1.0);
    assert_eq!(value("rehearsal_planned_flows"), 4.0);
    assert_eq!(value(r#"rehearsal_flows_total{outcome="completed"}"#), 1.0);
    assert_eq!(value(r#"rehearsal_flows_total{outcome="failed"}"#), 1.0);
    assert_eq!(
        value(r#"rehearsal_failures_total{step="2_pack",role="clerk",cause="timeout"}"#),
        1.0
    );
    assert_eq!(
        value(r#"rehearsal_steps_total{step="1_take",role="clerk",outcome="completed"}"#),
        2.0
    );
    let histogram = r#"rehearsal_step_duration_seconds_bucket{le="+Inf",step="2_pack",role="clerk",outcome="failed"}"#;
    assert_eq!(value(histogram), 1.0);
    let below = histogram.replace("+Inf", "0.25");
    assert_eq!(value(&below), 0.0, "it failed after 300 ms");
    let sum = r#"rehearsal_step_duration_seconds_sum{step="2_pack",role="clerk",outcome="failed"}"#;
    assert!((0.3..30.0).contains(&value(sum)), "{}", value(sum));

    let (head, plain) = request_with(&address, "GET /metrics HTTP/1.1", "");
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4"),
        "{head}"
    );
    check_plain(&plain);
    assert!(
        request(&address, "GET / HTTP/1.1")
            .0
            .starts_with("HTTP/1.1 404 ")
    );
    assert!(
        request(&address, "POST /metrics HTTP/1.1")
            .0
            .starts_with("HTTP/1.1 405 ")
    );
    // A client that sends nothing keeps neither others nor the run.
    let silent = TcpStream::connect(&address).expect("a server");
    assert!(
        request(&address, "GET /metrics HTTP/1.1")
            .0
            .starts_with("HTTP/1.1 200 ")
    );
    fs::write(gate, "\n").expect("a reader");
    assert_eq!(running.end().0, Some(98));
    drop(silent);
}

#[test]
fn an_address_in_use_is_refused_before_the_run() {
    let sandbox = sandbox();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let finished = sandbox.rehearsal(&format!("run exports.yaml --prometheus {address}"));
    finished
        .assert_code(2)
        .assert_err(&format!("cannot listen at {address}"));
    assert!(!sandbox.has("rehearsal-results"));
}
