//! Live figures of runs that are divided among processes: published, watched, merged. Belongs to
//! `report` and `cli`.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rehearsal::stats::Histograms;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::running::{Finished, Running};
use crate::support::sandbox::{Sandbox, result};
use crate::support::wait::until;

const SCENARIO: &str = "name: Quick test
roles:
  user:
    run: [/bin/sh, -c, 'sleep 0.05; echo \"hello $0\"; case $0 in *7) exit 3;; esac', '${flow.number}']
    terminal: pipes
    actions:
      go: [{see: '/hello (?<id>\\d+)/'}, {exits: 0}]
flow:
  - {step: go, role: user, do: go, provides: [id]}
";

fn sandbox() -> Sandbox {
    Sandbox::with("quick.yaml", SCENARIO)
}

fn now(sandbox: &Sandbox, place: &str) -> Value {
    let seen = sandbox.rehearsal(&format!("watch {place} --json"));
    seen.assert_code(0);
    seen.json()
}

fn histograms(value: &Value) -> Histograms {
    serde_json::from_value(value["histograms"].clone()).expect("histograms")
}

fn states(seen: &Value) -> Vec<&str> {
    let segments = seen["segments"].as_array().expect("segments");
    let states = segments.iter().map(|it| it["state"].as_str());
    states.map(|it| it.expect("a state")).collect()
}

/// The runs in a directory that have a result.
fn complete(sandbox: &Sandbox, directory: &str) -> Vec<PathBuf> {
    let runs = fs::read_dir(sandbox.home().join(directory)).expect("a directory");
    let runs = runs.map(|run| run.expect("an entry").path());
    runs.filter(|run| run.join("result.json").exists())
        .collect()
}

/// Merges the runs in a directory, and asserts that what was seen last is the same.
fn assert_is_merged(sandbox: &Sandbox, seen: &Value, directory: &str) {
    let mut command = sandbox.command("merge --into whole");
    let merged = command.args(complete(sandbox, directory)).output();
    assert!(merged.expect("it starts").status.success());
    let whole = result(&sandbox.home().join("whole"));
    assert_eq!(histograms(seen), histograms(&whole));
    let (seen, whole) = (&seen["summary"], &whole["summary"]);
    for part in [
        "flows",
        "flow_response",
        "flow_duration",
        "flow_distribution",
        "failed_response",
        "phases",
        "steps",
        "roles",
        "processes",
        "thresholds",
        "completed_per_second",
        "elapsed_us",
    ] {
        assert_eq!(seen[part], whole[part], "{part}");
    }
    let counts = |summary: &Value| -> Vec<(Value, Value, Value, Value)> {
        let groups = summary["failures"]["groups"].as_array().expect("groups");
        let groups = groups.iter();
        groups
            .map(|it| {
                let of = |name: &str| it[name].clone();
                (of("step"), of("cause"), of("saw"), of("count"))
            })
            .collect()
    };
    assert_eq!(counts(seen), counts(whole));
}

#[test]
fn what_segments_publish_last_is_their_merged_result() {
    let sandbox = sandbox();
    let segments = ["1/3", "2/3", "3/3"].map(|segment| {
        let line = format!(
            "run quick.yaml --flows 62 --parallel 6 --seed 3 --segment {segment} --publish pub \
             --threshold flow.completed>=1 --save=part --quiet"
        );
        Running::start(&mut sandbox.command(&line))
    });
    for segment in segments {
        let (code, heard) = segment.end();
        assert_eq!(code, Some(1), "some flows fail: {heard}");
    }
    let seen = now(&sandbox, "pub");
    assert_eq!(seen["phase"], "ended");
    assert_eq!(states(&seen), ["ended"; 3]);
    assert_eq!(seen["run"]["flows"], 62);
    assert_eq!(seen["now"]["in_flight"], 0);
    assert_eq!(seen["now"]["ended"], 62);
    assert_is_merged(&sandbox, &seen, "part");
    // A run that is over can still be looked at, and has ended.
    let watched = sandbox.rehearsal("watch pub");
    watched
        .assert_code(0)
        .assert_err("62 of 62 done, 6 failed")
        .assert_err("segments 3 of 3, 3 ended");
    // One file for each segment, and nothing else.
    let files = fs::read_dir(sandbox.home().join("pub")).expect("a directory");
    assert_eq!(files.count(), 3);
}

#[test]
fn a_killed_segment_is_silent_and_counted_once_when_it_is_started_again() {
    let sandbox = sandbox();
    let start = |segment: &str| {
        let line = format!(
            "run quick.yaml --duration 10m --parallel 4 --seed 3 --segment {segment} --publish pub \
             --save=part --quiet"
        );
        Running::start(&mut sandbox.command(&line))
    };
    let killed = start("1/2");
    let other = start("2/2");
    let is_published = |number: usize| sandbox.has(&format!("pub/segment-{number}.json"));
    until("two segments", || is_published(1) && is_published(2));
    let watch = Running::start(&mut sandbox.command("watch pub --progress plain"));
    watch.hear("segments 2 of 2");
    until("a completed flow", || {
        let seen = now(&sandbox, "pub");
        seen["segments"][0]["ended"].as_u64() > Some(0)
    });
    killed.signal(Signal::KILL);
    killed.end();
    watch.hear("Note: segment 1 (");
    watch.hear("silent for");
    let seen = now(&sandbox, "pub");
    assert_eq!(states(&seen), ["silent", "running"]);
    let again = start("1/2");
    watch.hear("segment 1 was started again");
    watch.hear("segment 1 is heard again");
    for segment in [&other, &again] {
        segment.signal(Signal::INT);
    }
    for segment in [other, again] {
        let (code, heard) = segment.end();
        assert_eq!(code, Some(130), "{heard}");
    }
    let (code, heard) = watch.end();
    assert_eq!(code, Some(0), "{heard}");
    assert!(heard.contains("segments 2 of 2, 2 ended"), "{heard}");
    let seen = now(&sandbox, "pub");
    assert_eq!(states(&seen), ["ended"; 2]);
    assert_is_merged(&sandbox, &seen, "part");
}

#[test]
fn files_that_are_no_snapshots_are_ignored_and_named() {
    let sandbox = sandbox();
    for segment in ["1/3", "2/3"] {
        let line = format!(
            "run quick.yaml --flows 6 --parallel 3 --seed 3 --segment {segment} --publish pub --quiet"
        );
        sandbox.rehearsal(&line).assert_code(0);
    }
    let good = sandbox.read("pub/segment-1.json");
    let damaged = good.replace("\"v2_deflate_base64\":\"H", "\"v2_deflate_base64\":\"I");
    let cases = [
        ("segment-3.json", &good[..good.len() / 2], "EOF"),
        ("segment-4.json", good.as_str(), "of another segment"),
        (
            "segment-5.json",
            "{\"format\":\"other/2\"}",
            "it is a other/2",
        ),
        ("segment-6.json", "\u{1b}[2J\0", "no snapshot"),
        ("segment-7.json", &damaged, "a histogram cannot be read"),
        ("notes.txt", "hello", "no file of a segment"),
    ];
    for (name, text, _) in cases {
        sandbox.write(&format!("pub/{name}"), text);
    }
    fs::create_dir(sandbox.home().join("pub/segment-8.json")).expect("a directory");
    sandbox.write("pub/.segment-1.half", "{");
    let seen = now(&sandbox, "pub");
    assert_eq!(states(&seen), ["ended", "ended", "waiting"]);
    assert_eq!(seen["summary"]["flows"]["completed"], 4);
    let notes = seen["notes"].as_array().expect("notes");
    assert_eq!(notes.len(), cases.len() + 1, "{notes:?}");
    for (name, _, why) in cases {
        let mut notes = notes.iter().filter_map(Value::as_str);
        let is_named = |it: &&str| it.contains(name) && it.contains(why);
        assert!(notes.any(|it| is_named(&it)), "{name}: {why} in {seen}");
    }
    // The torn one is replaced by a whole one.
    let line = "run quick.yaml --flows 6 --parallel 3 --seed 3 --segment 3/3 --publish pub --quiet";
    sandbox.rehearsal(line).assert_code(0);
    let seen = now(&sandbox, "pub");
    assert_eq!(seen["summary"]["flows"]["completed"], 6);
    assert_eq!(seen["phase"], "ended");
    sandbox
        .rehearsal("watch nowhere")
        .assert_code(2)
        .assert_err("nowhere is not a directory");
}

#[test]
fn secrets_are_masked_in_what_is_published() {
    let sandbox = sandbox();
    let secret = SCENARIO
        .replace("roles:", "variables: {pin: ''}\nsecrets: [pin]\nroles:")
        .replace("hello $0", "hello $0 $PIN")
        .replace(
            "    terminal:",
            "    environment: {PIN: '${pin}'}\n    terminal:",
        )
        .replace("exits: 0", "exits: 4");
    sandbox.write("quick.yaml", &secret);
    let line = "run quick.yaml --flows 2 --var pin=s3same --publish pub --quiet";
    sandbox.rehearsal(line).assert_code(1);
    let published = sandbox.read("pub/segment-1.json");
    assert!(published.contains("hello"), "{published}");
    assert!(!published.contains("s3same"), "{published}");
}

/// The login of the server.
const LOGIN: [(&str, &str); 2] = [("NATS_USER", "ann"), ("NATS_PASSWORD", "s3same")];

/// A NATS server on the loopback address that takes only short messages, ended with the test.
pub struct Server {
    pub port: u16,
    child: Child,
}

impl Server {
    /// Starts it at this port or a free one, with the options for a login; `None` if there is no such
    /// program.
    pub fn start(sandbox: &Sandbox, port: Option<u16>, login: &[&str]) -> Option<Self> {
        let free = || {
            let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
            listener.local_addr().expect("an address").port()
        };
        let port = port.unwrap_or_else(free);
        let configuration = sandbox.write("nats.conf", "max_payload: 4096\n");
        let started = Command::new("nats-server")
            .args(["-a", "127.0.0.1", "-p", &port.to_string()])
            .args(login)
            .arg("-c")
            .arg(configuration)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = started else {
            eprintln!("skipped, as there is no nats-server");
            return None;
        };
        until("a server", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Some(Server { port, child })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_nats_server_that_goes_and_comes_back_changes_no_run() {
    let sandbox = sandbox();
    let [user, password] = LOGIN.map(|(_, value)| value);
    let login = ["--user", user, "--pass", password];
    let Some(server) = Server::start(&sandbox, None, &login) else {
        return;
    };
    let place = format!("nats://127.0.0.1:{}/night", server.port);
    let command = |line: String| {
        let mut command = sandbox.command(&line);
        command.envs(LOGIN);
        command
    };
    let mut watch = command(format!("watch {place} --progress plain"));
    let watch = Running::start(&mut watch);
    watch.hear("Waits for segments at nats://");
    let segments = ["1/2", "2/2"].map(|segment| {
        let line = format!(
            "run quick.yaml --duration 10m --parallel 4 --seed 3 --segment {segment} \
             --publish {place} --save=part --quiet"
        );
        Running::start(&mut command(line))
    });
    watch.hear("segments 2 of 2");
    let seen = Finished::of(&mut command(format!("watch {place} --json")));
    assert_eq!(states(&seen.assert_code(0).json()), ["running"; 2]);
    let line = format!("run quick.yaml --flows 3 --seed 4 --quiet --publish {place}");
    let stranger = sandbox.rehearsal(&line);
    stranger.assert_code(0).assert_err("did not reach nats://");
    stranger.assert_err("authorization violation");

    let port = server.port;
    drop(server);
    watch.hear("night is not heard: the connection is lost");
    for segment in &segments {
        segment.hear("live figures do not reach nats://");
    }
    let flows = || {
        let runs = fs::read_dir(sandbox.home().join("part")).expect("a directory");
        let files = runs.flatten().map(|it| it.path().join("flows.jsonl"));
        let lengths = files.filter_map(|it| fs::metadata(it).ok());
        lengths.map(|it| it.len()).sum::<u64>()
    };
    let before = flows();
    until("more flows without the server", || flows() > before);
    let _server = Server::start(&sandbox, Some(port), &login);
    watch.hear("night is heard again");
    for segment in &segments {
        segment.hear("night again");
    }
    for segment in &segments {
        segment.signal(Signal::INT);
    }
    for segment in segments {
        let (code, heard) = segment.end();
        assert_eq!(code, Some(130), "{heard}");
        assert!(!heard.contains("last live figures"), "{heard}");
    }
    let (code, heard) = watch.end();
    assert_eq!(code, Some(0), "{heard}");
    let last = heard.lines().rfind(|it| it.contains("2 ended"));
    let last = last.unwrap_or_else(|| panic!("no end in {heard}"));
    let ended = |run: &PathBuf| {
        let flows = &result(run)["summary"]["flows"];
        let counts = ["completed", "failed", "interrupted"].map(|it| flows[it].as_u64());
        counts.into_iter().flatten().sum::<u64>()
    };
    let ended: u64 = complete(&sandbox, "part").iter().map(ended).sum();
    assert!(
        last.contains(&format!(" {ended} done")),
        "{ended} in {last}"
    );
}

#[test]
fn a_run_whose_nats_server_is_not_there_says_so_and_succeeds() {
    let sandbox = sandbox();
    let line = "run quick.yaml --flows 3 --quiet --publish nats://127.0.0.1:1/night";
    sandbox
        .rehearsal(line)
        .assert_code(0)
        .assert_err("The last live figures did not reach nats://127.0.0.1:1/night");
    for (place, why) in [
        ("nats://127.0.0.1", "the run's name"),
        ("nats://ann:pw@127.0.0.1/night", "leave the password out"),
        ("tls://127.0.0.1/night", "TLS is not supported"),
    ] {
        let line = format!("run quick.yaml --publish {place}");
        sandbox.rehearsal(&line).assert_code(2).assert_err(why);
    }
    // A directory that cannot be made fails no run, either.
    sandbox
        .rehearsal("run quick.yaml --flows 3 --quiet --publish quick.yaml/pub")
        .assert_code(0)
        .assert_err("The last live figures did not reach quick.yaml/pub");
}
