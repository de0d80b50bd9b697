//! The live page: in a real browser, and as a server.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use crate::html::PAYLOAD;
use crate::support::browser::{assert_contained, packages};
use crate::support::fixture::scenario;
use crate::support::running::Running;
use crate::support::sandbox::Sandbox;
use crate::support::wait::{LONG, retry};

/// A run with a live page.
struct Live {
    sandbox: Sandbox,
    running: Running,
    link: String,
}

impl Live {
    fn start(sandbox: Sandbox, line: &str) -> Self {
        let running = Running::start(&mut sandbox.command(line));
        running.hear("Live page: ");
        let link = retry(Instant::now() + LONG, || {
            let heard = running.heard();
            let (_, rest) = heard
                .split_once("Live page: ")
                .ok_or_else(|| heard.clone())?;
            let (link, _) = rest.split_once('\n').ok_or_else(|| heard.clone())?;
            Ok(link.to_owned())
        });
        Live {
            sandbox,
            running,
            link,
        }
    }

    fn of_shifts(line: &str) -> Self {
        let sandbox = Sandbox::with("shifts.yaml", &scenario("live/shifts"));
        Live::start(sandbox, &format!("run shifts.yaml {line}"))
    }

    /// The host with its port, and the path.
    fn parts(&self) -> (&str, &str) {
        let link = self.link.strip_prefix("http://").expect("a link");
        let at = link.find('/').expect("a path");
        link.split_at(at)
    }

    fn token(&self) -> &str {
        self.parts().1.trim_matches('/')
    }

    /// The status of a request with these headers, and its whole answer.
    fn request(&self, first: &str, headers: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.parts().0).expect("a server");
        let length = body.len();
        let request =
            format!("{first} HTTP/1.1\r\n{headers}content-length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).expect("it listens");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("UTF-8");
        let status = answer.split(' ').nth(1).and_then(|it| it.parse().ok());
        (status.unwrap_or_else(|| panic!("{answer}")), answer)
    }

    /// Uses a button, as the page does.
    fn post(&self, body: &str) -> (u16, String) {
        let (host, path) = self.parts();
        let headers = format!(
            "host: {host}\r\norigin: http://{host}\r\nx-rehearsal-token: {}\r\n",
            self.token()
        );
        self.request(&format!("POST {path}control"), &headers, body)
    }

    /// Reads updates until one fulfils the condition.
    fn until(&self, what: &str, condition: impl Fn(&Value) -> bool) -> Value {
        let (host, path) = self.parts();
        let mut stream = TcpStream::connect(host).expect("a server");
        let request = format!("GET {path}events HTTP/1.1\r\nhost: {host}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it listens");
        stream.set_read_timeout(Some(LONG)).expect("a time");
        let (mut text, mut block) = (String::new(), [0; 4096]);
        loop {
            let read = stream.read(&mut block).expect("an update");
            assert!(read > 0, "the run ended without {what}: {text}");
            text.push_str(&String::from_utf8_lossy(&block[..read]));
            let updates = text.split("data: ").skip(1);
            let parsed = updates.filter_map(|it| {
                let line: String = it.split("\n\n").next()?.into();
                serde_json::from_str(&unchunked(&line)).ok()
            });
            if let Some(update) = parsed.filter(|it| condition(it)).last() {
                return update;
            }
        }
    }
}

/// Removes the sizes of the chunks in which a text came.
fn unchunked(text: &str) -> String {
    let is_size = |line: &str| line.len() < 8 && line.chars().all(|c| c.is_ascii_hexdigit());
    let parts = text.split("\r\n").filter(|line| !is_size(line));
    parts.collect()
}

/// Uses the page in a browser; `None` without one.
fn browse(live: &Live, parallel: u64) -> Option<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/live/browse.mjs");
    let mut command = Command::new("node");
    command.arg(script).arg(packages()?);
    command.args([&live.link, &parallel.to_string()]);
    command.args(std::env::var_os("REHEARSAL_TEST_PICTURES"));
    let output = command.output().expect("node starts");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{err}\n{}", live.running.heard());
    Some(serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {err}")))
}

#[test]
fn a_run_can_be_watched_changed_and_stopped_in_a_browser() {
    let live = Live::of_shifts("--parallel 2 --duration 10m --save --html --live");
    assert!(live.link.starts_with("http://127.0.0.1:"), "{}", live.link);
    let Some(seen) = browse(&live, 4) else {
        live.post(r#"{"stop":true}"#);
        return;
    };
    assert_contained(&seen, 1);
    for charts in ["charts", "darkCharts"] {
        let charts = seen[charts].as_array().expect("charts");
        assert_eq!(charts.len(), 5, "{charts:?}");
        for chart in charts {
            assert_eq!(chart[1], true, "{} is blank", chart[0]);
        }
    }
    assert_ne!(seen["phone"]["background"], "rgb(245, 246, 248)");
    assert_eq!(seen["phone"]["width"], 360, "it is wider than a phone");
    assert_eq!(seen["word"], "Running");
    let counts = &seen["counts"];
    assert!(counts["done"].as_u64() > Some(0) && counts["failed"].as_u64() > Some(0));
    assert!(
        seen["scripts"]
            .as_str()
            .is_some_and(|it| it.contains("clerk"))
    );
    let transcript = seen["transcript"].as_str().expect("a text");
    for part in [
        "1_order",
        "Desk open",
        "out of stock for 3",
        "ended with exit code 1",
    ] {
        assert!(transcript.contains(part), "no {part:?} in {transcript}");
    }
    let replay = seen["replay"].as_str().expect("a text");
    assert!(replay.starts_with("rehearsal replay /"), "{replay}");
    assert_eq!(seen["wasOpen"], true, "updates close what is open");
    assert_eq!(seen["refusal"], "write a number of 1 or greater");
    let marks = seen["marks"].as_str().expect("a text");
    assert!(marks.contains("load changed to 4 at once"), "{marks}");
    assert_eq!(seen["settingElsewhere"], "4");
    let ended = &seen["ended"];
    assert_eq!(ended["word"], "INTERRUPTED");
    assert_eq!(
        (&ended["controls"], &ended["lost"]),
        (&false.into(), &false.into())
    );
    let locations = ended["locations"].as_str().expect("a text");
    assert!(
        locations.contains("Results: ") && locations.contains("report.html"),
        "{locations}"
    );
    let (code, heard) = live.running.end();
    assert_eq!(code, Some(130), "{heard}");
    assert!(
        heard.contains("stopped on the live page: flows in flight may finish"),
        "{heard}"
    );

    let run = live.sandbox.run();
    let result: Value =
        serde_json::from_str(&live.sandbox.read(run.join("result.json"))).expect("JSON");
    let change = &result["summary"]["load_changes"][0];
    assert_eq!(change["from"]["parallel"], 2);
    assert_eq!(change["to"]["parallel"], 4);
    assert_eq!(result["run"]["parallel"], 4);
    let html = live.sandbox.read(run.join("report.html"));
    assert!(
        html.contains("load changed to 4 at once"),
        "it is marked in the report"
    );
}

#[test]
fn hostile_output_on_the_live_page_is_inert() {
    let sandbox = Sandbox::with("hostile.yaml", &scenario("hostile"));
    std::fs::write(sandbox.home().join("payload"), PAYLOAD.repeat(3)).expect("a file");
    let live = Live::start(
        sandbox,
        "run hostile.yaml --parallel 2 --duration 10m --live",
    );
    let Some(seen) = browse(&live, 0) else {
        live.post(r#"{"stop":true}"#);
        return;
    };
    assert_contained(&seen, 1);
    let transcript = seen["transcript"].as_str().expect("a text");
    for part in [
        "</script><script>ran=true",
        "onerror=ran=true",
        "\\u{202e}evil",
        "{{ 7*7 }}",
    ] {
        assert!(transcript.contains(part), "no {part:?} in {transcript}");
    }
    assert_eq!(live.running.end().0, Some(130));
}

#[test]
fn nothing_is_answered_without_the_token_and_nothing_changed_from_elsewhere() {
    let live = Live::of_shifts("--parallel 1 --duration 10m --live");
    let (host, path) = live.parts();
    let own = format!("host: {host}\r\n");
    let get = |path: &str, headers: &str| live.request(&format!("GET {path}"), headers, "").0;
    let (status, answer) = live.request(&format!("GET {path}"), &own, "");
    assert_eq!(status, 200);
    for header in [
        "frame-ancestors 'none'",
        "no-referrer",
        "nosniff",
        "no-store",
    ] {
        assert!(answer.contains(header), "no {header} in {answer}");
    }
    assert_eq!(get("/", &own), 404);
    assert_eq!(get("/events", &own), 404);
    assert_eq!(get(&format!("/{}0/", live.token()), &own), 404);
    assert_eq!(get(path, "host: rebound.example\r\n"), 404);
    assert_eq!(get(&format!("{path}flows/../../etc/passwd"), &own), 404);

    let control = format!("POST {path}control");
    let stop = r#"{"stop":true}"#;
    let token = format!("x-rehearsal-token: {}\r\n", live.token());
    for headers in [
        own.clone(),
        format!("{own}x-rehearsal-token: {}\r\n", "0".repeat(32)),
        format!("{own}{token}origin: http://evil.example\r\n"),
        format!("host: rebound.example\r\n{token}"),
    ] {
        assert_eq!(live.request(&control, &headers, stop).0, 404, "{headers}");
    }
    assert_eq!(live.post("{").0, 400);
    assert_eq!(live.post(r#"{"delete":true}"#).0, 400);
    assert_eq!(
        live.post(&format!("{{\"load\":\"{}\"}}", "9".repeat(2_000)))
            .0,
        413
    );
    live.until("a running run", |update| update["phase"] == "running");
    assert_eq!(live.post(stop).0, 200);
    let (code, heard) = live.running.end();
    assert_eq!(code, Some(130), "{heard}");
    assert!(
        heard.contains("stopped on the live page: all flows are ended now"),
        "{heard}"
    );
}

#[test]
fn thresholds_have_a_state_while_the_run_goes_on() {
    let mut text = scenario("live/shifts");
    text.push_str("\nthresholds: [flow.failed_rate < 1%, flow.p95 < 1h over 1s]\n");
    let sandbox = Sandbox::with("shifts.yaml", &text);
    let live = Live::start(
        sandbox,
        "run shifts.yaml --parallel 2 --duration 10m --live",
    );
    let update = live.until("states of both thresholds", |update| {
        update["thresholds"][0]["state"] == "bad" && update["thresholds"][1]["state"] == "good"
    });
    assert_eq!(update["phase"], "running");
    assert_eq!(update["thresholds"][0]["note"], "not met so far");
    let value = update["thresholds"][1]["value"].as_str().expect("a text");
    assert!(value.ends_with('s'), "{value}");
    live.post(r#"{"stop":true}"#);
    live.post(r#"{"stop":true}"#);
    assert_eq!(live.running.end().0, Some(130));
}

#[test]
fn intended_starts_follow_a_rate_that_is_changed() {
    let live = Live::of_shifts("--rate 1/s --duration 8s --save --live");
    live.until("a flow", |update| {
        update["steps"][0]["done"].as_u64() > Some(0)
    });
    for refused in ["0/s", "fast", "5", "-1/s"] {
        let (status, answer) = live.post(&format!("{{\"load\":\"{refused}\"}}"));
        assert_eq!(status, 200);
        assert!(
            answer.contains("write a rate greater than zero"),
            "{answer}"
        );
    }
    assert!(
        live.post(r#"{"load":"600/m"}"#)
            .1
            .ends_with(r#"{"refused":null}"#)
    );
    let update = live.until("the new rate", |update| {
        update["setting"]["value"] == "10/s"
    });
    assert_eq!(update["setting"]["label"], "Flow starts");
    let (code, heard) = live.running.end();
    assert_eq!(code, Some(1), "{heard}");
    assert!(
        heard.contains("the load was changed from 1/s to 10/s after"),
        "{heard}"
    );
    let run = live.sandbox.run();
    let result: Value =
        serde_json::from_str(&live.sandbox.read(run.join("result.json"))).expect("JSON");
    let summary = &result["summary"];
    let after = summary["load_changes"][0]["after_us"]
        .as_f64()
        .expect("a time")
        / 1e6;
    let due = after + (8.0 - after) * 10.0;
    let flows = &summary["flows"];
    let started: f64 = ["completed", "failed", "dropped"]
        .iter()
        .filter_map(|name| flows[name].as_f64())
        .sum();
    assert!((started - due).abs() <= 2.0, "{started} of {due}");
    let wanted = result["run"]["wanted_per_second"].as_f64().expect("a rate");
    assert!(
        (wanted - due / 8.0).abs() < 0.01,
        "{wanted}, not {}",
        due / 8.0
    );
}

#[test]
fn browsers_that_never_read_slow_no_run() {
    let live = Live::of_shifts("--flows 8 --parallel 4 --live");
    let (host, path) = live.parts();
    let request = format!("GET {path}events HTTP/1.1\r\nhost: {host}\r\n\r\n");
    // More than are served at a time; the others are sent away.
    let silent: Vec<TcpStream> = (0..40)
        .map(|_| {
            let mut stream = TcpStream::connect(host).expect("a server");
            // It may have been closed already.
            let _ = stream.write_all(request.as_bytes());
            stream
        })
        .collect();
    let address = host.to_owned();
    let (code, heard) = live.running.end();
    assert_eq!(code, Some(1), "{heard}");
    assert!(TcpStream::connect(&address).is_err(), "the port is free");
    drop(silent);
}

#[test]
fn an_address_that_others_can_reach_is_warned_about() {
    let sandbox = Sandbox::with("shifts.yaml", &scenario("live/shifts"));
    let finished = sandbox.rehearsal("run shifts.yaml --live=0.0.0.0:0");
    finished
        .assert_code(0)
        .assert_err("Live page: http://0.0.0.0:")
        .assert_err("Warning: anyone who has this link");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let finished = sandbox.rehearsal(&format!("run shifts.yaml --live={address}"));
    finished
        .assert_code(2)
        .assert_err(&format!("cannot listen at {address}"));
}

#[test]
fn the_segments_of_a_job_are_one_run_on_the_live_page() {
    let is_there = |it: &Path| it.join("parallel").exists();
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&path).any(|it| is_there(&it)) {
        eprintln!("skipped, as there is no parallel");
        return;
    }
    let sandbox = Sandbox::with("shifts.yaml", &scenario("live/shifts"));
    let live = Live::start(
        sandbox,
        "launch ssh-parallel --segments 2 --hosts : --into job --submit --live --progress plain -- run \
         shifts.yaml --flows 40 --parallel 4",
    );
    let both = live.until("both segments", |update| {
        let segments = update["segments"].as_array();
        let is_busy = |it: &Value| it["state"] == "running" && it["inFlight"].as_u64() > Some(0);
        segments.is_some_and(|it| it.len() == 2 && it.iter().all(is_busy))
    });
    assert_eq!(both["setting"], Value::Null);
    assert!(
        both["progress"].to_string().contains("of 40 flows"),
        "{both}"
    );
    assert_eq!(live.post(r#"{"stop":true}"#).0, 404);
    let last = live.until("the result", |update| update["phase"] == "ended");
    assert_eq!(last["word"], "FAILED", "some flows do: {last}");
    let locations = last["locations"].as_str().expect("a text");
    assert!(locations.ends_with("job/merged"), "{locations}");
    let (code, heard) = live.running.end();
    assert_eq!(code, Some(1), "{heard}");
    assert!(heard.contains("40 of 40 done"), "{heard}");
    assert!(heard.contains("segments 2 of 2, 2 ended"), "{heard}");
}
