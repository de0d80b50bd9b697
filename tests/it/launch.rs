//! Runs that an engine shares out: the files of its jobs, and real jobs on this machine. Belongs to
//! `cli`.

mod kubernetes;
mod ssh;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::running::{Finished, Running};
use crate::support::sandbox::{Sandbox, result};
use crate::support::wait;

const SCENARIO: &str = "name: Quick test
roles:
  user:
    run: [/bin/sh, -c, 'sleep 0.1; echo \"hello $0\"', '${flow.number}']
    terminal: pipes
    actions:
      go: [{see: '/hello (?<id>\\d+)/'}, {exits: 0}]
flow:
  - {step: go, role: user, do: go, provides: [id]}
integrity: {unique: [id]}
";

fn sandbox() -> Sandbox {
    Sandbox::with("quick.yaml", SCENARIO)
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = std::env::split_paths(&path).any(|it| it.join(program).exists());
    if !is_there {
        eprintln!("skipped, as there is no {program}");
    }
    is_there
}

fn merged(sandbox: &Sandbox, job: &str) -> Value {
    result(&sandbox.home().join(job).join("merged"))
}

#[test]
fn the_files_of_a_job_are_written_with_the_command_that_submits_it() {
    let sandbox = sandbox();
    let run = "-- run quick.yaml --flows 40 --parallel 8 --seed 7";
    sandbox
        .rehearsal(&format!(
            "launch slurm --segments 4 --into s --sbatch=--partition=load {run}"
        ))
        .assert_code(0)
        .assert_out("sbatch --wait ")
        .assert_out("rehearsal watch ")
        .assert_out("rehearsal launch collect ");
    let script = sandbox.read("s/job.sbatch");
    let home = sandbox.home().display().to_string();
    for line in [
        "#SBATCH --job-name=rehearsal-quick-test",
        "#SBATCH --array=1-4",
        "#SBATCH --requeue",
        "#SBATCH --partition=load",
        &format!("cd {home}"),
    ] {
        assert!(script.lines().any(|it| it == line), "{line} in\n{script}");
    }
    let command = script.lines().last().expect("the command");
    let expected = format!(
        " run quick.yaml --flows 40 --parallel 8 --seed 7 --segment auto --quiet \
         '--publish={home}/s/live' --save={home}/s/segments/\"$SLURM_ARRAY_TASK_ID\""
    );
    assert!(command.ends_with(&expected), "{command}");

    sandbox.write("x", "");
    sandbox
        .rehearsal(&format!(
            "launch ssh-parallel --segments 4 --hosts a,b:2222 --file x --into p {run}"
        ))
        .assert_code(0);
    let script = sandbox.read("p/job.sh");
    for part in [
        "'--sshlogin=a,b:2222'",
        "'--return=segments/{}'",
        &format!("'--transferfile={home}/./quick.yaml'"),
        &format!("'--transferfile={home}/./x'"),
        "--jobs=2",
        "--segment {}/4",
        "$(seq 4)",
    ] {
        assert!(script.contains(part), "{part} in\n{script}");
    }

    let options = "--image load:1 --volume-claim results --namespace test --into k";
    sandbox
        .rehearsal(&format!("launch kubernetes --segments 4 {options} {run}"))
        .assert_code(0)
        .assert_out("kubectl --namespace test create --filename ");
    let list: Value = serde_json::from_str(&sandbox.read("k/job.json")).expect("JSON");
    let (map, job) = (&list["items"][0], &list["items"][1]);
    assert_eq!(map["data"]["scenario.yaml"], SCENARIO);
    assert_eq!(job["metadata"]["name"], "rehearsal-k");
    assert_eq!(job["metadata"]["namespace"], "test");
    let spec = &job["spec"];
    assert_eq!(spec["completionMode"], "Indexed");
    assert_eq!(
        (&spec["completions"], &spec["parallelism"]),
        (&4.into(), &4.into())
    );
    let rule = &spec["podFailurePolicy"]["rules"][0];
    assert_eq!(rule["action"], "FailIndex");
    assert_eq!(
        rule["onExitCodes"]["values"],
        serde_json::json!([1, 2, 70, 98, 99])
    );
    let pod = &spec["template"]["spec"];
    assert_eq!(pod["restartPolicy"], "Never");
    let container = &pod["containers"][0];
    let words: Vec<&str> = container["command"]
        .as_array()
        .expect("a command")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let expected = "rehearsal run /scenario/scenario.yaml --flows 40 --parallel 8 --seed 7 \
                    --segment auto/4 --quiet --publish=/results/live --save=/results/segments/$(JOB_COMPLETION_INDEX)";
    assert_eq!(words.join(" "), expected);
    assert_eq!(container["volumeMounts"][0]["subPath"], "k");
}

#[test]
fn jobs_that_cannot_work_are_refused_before_anything_is_written() {
    let sandbox = sandbox();
    let cases = [
        (
            "--segments 4 -- check quick.yaml",
            "only runs can be launched",
        ),
        (
            "--segments 4 -- run quick.yaml --flows 2",
            "fewer than its 4 segments",
        ),
        (
            "--segments 2 -- run quick.yaml --flows 4 --html",
            "--html is for a run of one process",
        ),
        (
            "--segments 2 -- run quick.yaml --flows 4 --segment 1/2",
            "--segment is chosen",
        ),
        ("--segments 2 -- run nothing.yaml --flows 4", "nothing.yaml"),
        ("--segments 2 -- run quick.yaml --flow 4", "--flow"),
        ("--segments 0 -- run quick.yaml", "--segments"),
        (
            "--segments 2 --live -- run quick.yaml --flows 4",
            "--live is for a job that is submitted here",
        ),
        (
            "--segments 2 --submit -- run quick.yaml --flows 4 --live",
            "write it before the `--`",
        ),
        (
            "--segments 2 --nats nats://a:b@host -- run quick.yaml --flows 4 --parallel 2",
            "leave the password out",
        ),
    ];
    for (line, text) in cases {
        let line = format!("launch slurm --into job {line}");
        sandbox.rehearsal(&line).assert_code(2).assert_err(text);
        assert!(!sandbox.has("job"), "{line}");
    }
    let secret = SCENARIO.replace("roles:", "variables: {pin: ''}\nsecrets: [pin]\nroles:");
    sandbox.write("secret.yaml", &secret);
    let line = "launch slurm --into job --segments 2 -- run secret.yaml --flows 4 --parallel 2 --var pin=4711";
    sandbox
        .rehearsal(line)
        .assert_code(2)
        .assert_err("--var pin: the secret would be in");
    assert!(!sandbox.has("job"));
    sandbox
        .rehearsal("launch collect quick")
        .assert_code(2)
        .assert_err("rehearsal launch");
}

#[test]
fn gnu_parallel_shares_a_run_out() {
    if !is_installed("parallel") {
        return;
    }
    let sandbox = sandbox();
    let audit = "integrity: {unique: [id], audit: {run: [/bin/sh, -c, 'echo audited >> audits; echo fine'], \
                 expect: fine}}";
    sandbox.write(
        "quick.yaml",
        &SCENARIO.replace("integrity: {unique: [id]}", audit),
    );
    let launched = sandbox.rehearsal(
        "launch ssh-parallel --segments 4 --hosts : --into job --submit -- run quick.yaml --flows 42 \
         --parallel 8 --threshold=flow.completed==42",
    );
    // It holds for all together, and for none of the segments.
    launched
        .assert_code(0)
        .assert_out("PASSED")
        .assert_out("42 of 42 flows");
    let head = merged(&sandbox, "job");
    assert_eq!(head["summary"]["flows"]["completed"], 42);
    let unique = &head["summary"]["integrity"]["unique"][0];
    assert_eq!(unique["duplicates"], 0, "{unique}");
    // Once for all, and not by each segment.
    assert_eq!(sandbox.read("audits"), "audited\n");
    assert_eq!(
        head["summary"]["integrity"]["audits"][0]["outcome"],
        "passed"
    );
    // What was collected once can be collected again, beside the first time.
    sandbox.rehearsal("launch collect job").assert_code(0);
    assert!(sandbox.has("job/merged-2/result.json"));
    // A segment that is gone is named.
    fs::remove_dir_all(sandbox.home().join("job/segments/2")).expect("it is there");
    let collected = sandbox.rehearsal("launch collect job");
    collected
        .assert_code(99)
        .assert_err("Segment 2 is lost")
        .assert_err("1 of 4 segments not complete");
}

#[test]
fn a_task_that_was_ended_does_not_interrupt_the_whole() {
    if !is_installed("parallel") {
        return;
    }
    let sandbox = sandbox();
    let mut command = sandbox.command(
        "launch ssh-parallel --segments 2 --hosts : --into job --submit -- run quick.yaml --parallel 2 \
         --duration 5s",
    );
    let running = Running::start(&mut command);
    let program = env!("CARGO_BIN_EXE_rehearsal").as_bytes();
    let words = |pid: u32| fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let first = wait::retry(Instant::now() + wait::LONG, || {
        let is_first = |pid: &u32| {
            let words = words(*pid);
            let mut words = words.split(|it| *it == 0);
            words.next() == Some(program) && words.any(|it| it == b"1/2")
        };
        let saved = fs::read_dir(sandbox.home().join("job/segments/1"));
        let mut pids = sandbox.processes().into_iter().map(|it| it.pid);
        let found = pids.find(is_first).filter(|_| saved.is_ok());
        found.ok_or_else(|| "no first segment".to_owned())
    });
    let pid = i32::try_from(first).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("a process id"), Signal::TERM).expect("it runs");
    let (code, heard) = running.end();
    assert_eq!(code, Some(1), "{heard}");
    assert!(heard.contains("Segment 1 was interrupted"), "{heard}");
    assert!(!heard.contains("Segment 2 "), "{heard}");
    sandbox.rehearsal("launch collect job").assert_code(1);
}

/// A cluster is played by a program that performs the segments itself.
#[test]
fn a_job_of_kubernetes_is_awaited_and_collected() {
    let sandbox = sandbox();
    let kubectl = sandbox.write_program(
        "bin/kubectl",
        "#!/bin/sh
case $1 in
create)
  for index in 0 1; do
    JOB_COMPLETION_INDEX=$index rehearsal run quick.yaml --flows 6 --parallel 2 --seed 3 --quiet \\
      --segment auto/2 --save=job/segments/$index
  done ;;
get) echo \"$*\" > asked; printf 'rehearsal-job Complete' ;;
delete) echo \"$*\" > deleted ;;
esac
",
    );
    let mut command = sandbox.command(
        "launch kubernetes --segments 2 --image i --volume-claim c --into job --submit -- run quick.yaml \
         --flows 6 --parallel 2 --seed 3",
    );
    let path = std::env::join_paths([
        kubectl.parent().expect("its directory").to_owned(),
        PathBuf::from(env!("CARGO_BIN_EXE_rehearsal"))
            .parent()
            .expect("a directory")
            .to_owned(),
        "/usr/bin".into(),
        "/bin".into(),
    ])
    .expect("a PATH");
    let launched = Finished::of(command.env("PATH", path));
    launched.assert_code(0).assert_out("6 of 6 flows completed");
    assert!(
        sandbox
            .read("asked")
            .starts_with("get job rehearsal-job --ignore-not-found --output jsonpath=")
    );
    assert_eq!(sandbox.read("deleted"), "delete configmap rehearsal-job\n");
}

/// Slurm's daemons in a directory of their own, ended with the test.
struct Cluster {
    directory: PathBuf,
}

impl Cluster {
    fn start(directory: &Path) -> Option<Self> {
        let is_root = rustix::process::getuid().is_root();
        let there = ["sbatch", "scancel", "scontrol", "squeue"]
            .iter()
            .all(|it| is_installed(it));
        if !is_root || !there || !Path::new("/usr/sbin/slurmctld").exists() {
            eprintln!("skipped, as Slurm cannot be started here");
            return None;
        }
        let start =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/launch/start-slurm");
        fs::create_dir_all(directory).expect("a directory");
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).expect("its mode");
        let cluster = Cluster {
            directory: directory.to_owned(),
        };
        // Two ports that are free now.
        let ports = [0, 0].map(|port| TcpListener::bind(("127.0.0.1", port)).expect("a port"));
        let ports = ports.map(|it| it.local_addr().expect("an address").port().to_string());
        let started = Command::new(start)
            .arg(directory)
            .args(ports)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status();
        assert!(started.is_ok_and(|it| it.success()), "Slurm does not start");
        cluster.until("an idle node", || {
            cluster.ask("sinfo", &["--noheader", "--format=%t"]) == "idle"
        });
        Some(cluster)
    }

    fn configuration(&self) -> PathBuf {
        self.directory.join("slurm.conf")
    }

    fn ask(&self, program: &str, arguments: &[&str]) -> String {
        let output = Command::new(program)
            .args(arguments)
            .env("SLURM_CONF", self.configuration())
            .stderr(Stdio::null())
            .output();
        let output = output.expect("a program of Slurm");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Asks until something holds, which Slurm does not report.
    fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !holds() {
            assert!(Instant::now() < end, "there is no {what}");
            thread::park_timeout(Duration::from_millis(200));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for name in ["d.pid", "ctld.pid", "munge/pid"] {
            if let Ok(pid) = fs::read_to_string(self.directory.join(name)) {
                let _ = Command::new("kill").arg(pid.trim()).status();
            }
        }
    }
}

#[test]
fn slurm_shares_a_run_out_and_loses_or_repeats_tasks() {
    let sandbox = sandbox();
    let Some(cluster) = Cluster::start(&sandbox.home().join("slurm")) else {
        return;
    };
    let mut command = sandbox.command(
        "launch slurm --segments 8 --into job --submit -- run quick.yaml --parallel 16 --duration 8s",
    );
    let running = Running::start(command.env("SLURM_CONF", cluster.configuration()));
    let segment = |number: u32| sandbox.home().join(format!("job/segments/{number}"));
    let has_flows = |number: u32| {
        let runs = fs::read_dir(segment(number))
            .into_iter()
            .flatten()
            .flatten();
        let mut flows = runs.map(|run| fs::metadata(run.path().join("flows.jsonl")));
        flows.any(|it| it.is_ok_and(|it| it.len() > 2_000))
    };
    cluster.until("flow in each segment", || (1..=8).all(has_flows));
    let job = cluster.ask("squeue", &["--noheader", "--array", "--format=%F"]);
    let job = job.lines().next().expect("a job").trim().to_owned();
    cluster.ask("scontrol", &["requeue", &format!("{job}_5")]);
    cluster.ask("scancel", &[&format!("{job}_3")]);
    // Slurm lets two minutes pass before it starts a requeued task, and kills one that starts within the
    // second in which its earlier credential was revoked.
    let requeued = format!("JobId={job}_5");
    cluster.until("requeued task", || {
        cluster
            .ask("squeue", &["--noheader", "--array", "--format=%K %T"])
            .contains("5 PENDING")
    });
    cluster.ask("scontrol", &["update", &requeued, "StartTime=now+3"]);
    let (code, heard) = running.end();
    assert_eq!(code, Some(1), "{heard}");
    assert!(heard.contains("8 of 8 segments have ended"), "{heard}");
    assert!(heard.contains("segment 5 was started again"), "{heard}");
    assert!(heard.contains("in flight; segments 8 of 8"), "{heard}");
    assert!(heard.contains("Segment 3 was interrupted"), "{heard}");
    assert!(heard.contains("1 of 8 segments not complete"), "{heard}");
    assert!(
        heard.contains("Segment 5 was started 2 times, and is counted once"),
        "{heard}"
    );
    let head = merged(&sandbox, "job");
    assert_eq!(head["merged_from"].as_array().map(Vec::len), Some(8));
    let unique = &head["summary"]["integrity"]["unique"][0];
    assert_eq!(unique["duplicates"], 0, "{unique}");
}
