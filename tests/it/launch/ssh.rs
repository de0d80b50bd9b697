//! Runs shared out over ssh, with real servers on this machine: two hosts with home directories of
//! their own. `.ci/install-test-programs` installs the server; without it the tests are skipped.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rustix::process::Signal;

use crate::support::running::{Finished, Running};
use crate::support::sandbox::Sandbox;
use crate::support::wait;
use crate::watch::Server;

use super::{is_installed, merged};

const SERVER: &str = "/usr/sbin/sshd";

/// Flows with values from a file beside the scenario.
const SCENARIO: &str = "name: names
data: {people: {file: names.csv}}
roles:
  user:
    run: [/bin/sh, -c, 'sleep 0.1; echo \"hello $0, $1\"', '${people.name}', '${flow.number}']
    terminal: pipes
    actions:
      go: [{see: '/hello \\w+, (?<id>\\d+)/'}, {exits: 0}]
flow:
  - {step: go, role: user, do: go, provides: [id]}
integrity: {unique: [id]}
";

/// The servers of two hosts, `left` and `right`, and the client's configuration for them. A third
/// one, `nowhere`, has no server.
struct Hosts {
    directory: PathBuf,
    servers: Vec<Child>,
    right_port: u16,
}

impl Hosts {
    fn start(directory: PathBuf) -> Option<Self> {
        let programs = ["parallel", "rsync", "ssh", "ssh-keygen"];
        if !programs.iter().all(|it| is_installed(it)) || !Path::new(SERVER).exists() {
            eprintln!("skipped, as there is no ssh on this machine");
            return None;
        }
        if rustix::process::getuid().is_root() {
            // The server of root wants it, empty, as init systems make it.
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true).mode(0o755);
            builder.create("/run/sshd").expect("a directory");
        }
        fs::create_dir(&directory).expect("a directory");
        for name in ["host", "user"] {
            let mut keygen = Command::new("ssh-keygen");
            let keygen = keygen.args(["-q", "-t", "ed25519", "-N", "", "-f", name]);
            let made = keygen.current_dir(&directory).status();
            assert!(made.is_ok_and(|it| it.success()), "ssh-keygen fails");
        }
        let ports = [0, 0].map(|port| TcpListener::bind(("127.0.0.1", port)).expect("a port"));
        let [left, right] = ports.map(|it| it.local_addr().expect("an address").port());
        let mut hosts = Hosts {
            directory,
            servers: Vec::new(),
            right_port: right,
        };
        hosts.serve("left", left);
        hosts.serve("right", right);
        let client = format!(
            "Host *\n  HostName 127.0.0.1\n  IdentityFile {0}/user\n  IdentitiesOnly yes\n  \
             StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  LogLevel ERROR\n\
             Host left\n  Port {left}\nHost nowhere\n  Port 1\n",
            hosts.directory.display()
        );
        fs::write(hosts.directory.join("client"), client).expect("a file");
        Some(hosts)
    }

    /// Starts the server of a host, where each login is in the host's own home directory.
    fn serve(&mut self, name: &str, port: u16) {
        let directory = self.directory.display();
        let program = Path::new(env!("CARGO_BIN_EXE_rehearsal"));
        let programs = program.parent().expect("a directory").display();
        fs::create_dir(self.home(name)).expect("a directory");
        let login = format!(
            "cd {directory}/{name} && HOME=$PWD PATH={programs}:/usr/bin:/bin exec sh -c \"$SSH_ORIGINAL_COMMAND\""
        );
        fs::write(self.directory.join(format!("{name}.login")), login).expect("a file");
        let configuration = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {directory}/host\nPidFile none\n\
             AuthorizedKeysFile {directory}/user.pub\nStrictModes no\nUsePAM no\n\
             PermitRootLogin yes\nPasswordAuthentication no\nMaxStartups 100\n\
             ForceCommand sh {directory}/{name}.login\n"
        );
        let path = self.directory.join(format!("{name}.conf"));
        fs::write(&path, configuration).expect("a file");
        let log = File::create(self.directory.join(format!("{name}.log"))).expect("a file");
        let mut server = Command::new(SERVER);
        let server = server.args(["-D", "-e", "-f"]).arg(path);
        let server = server.stdin(Stdio::null()).stderr(log).spawn();
        self.servers.push(server.expect("it starts"));
        wait::until("server", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    }

    /// A job with flows on both hosts, which does not end by itself.
    fn running_on_both(&self, sandbox: &Sandbox) -> Running {
        let run = "--parallel 4 --duration 10m --seed 7";
        let running = Running::start(&mut self.launch(sandbox, "left,right", run));
        for name in ["left", "right"] {
            wait::until("flows on a host", || self.has_flows(name));
        }
        running
    }

    fn home(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The command that shares a run of 2 segments out among these hosts.
    fn launch(&self, sandbox: &Sandbox, hosts: &str, run: &str) -> Command {
        let hosts = hosts.replace("right", &format!("127.0.0.1:{}", self.right_port));
        let line = format!("launch ssh-parallel --segments 2 --hosts {hosts} --into job --submit");
        let mut command = sandbox.command(&line);
        let client = self.directory.join("client");
        command
            .args(["--file", "load/names.csv", "--ssh"])
            .arg(format!("ssh -F {}", client.display()))
            .args(["--", "run", "load/names.yaml"])
            .args(run.split_whitespace());
        command
    }

    /// Returns `true` once flows have ended on this host.
    fn has_flows(&self, name: &str) -> bool {
        let files = files_below(&self.home(name));
        let mut flows = files.iter().filter(|it| it.ends_with("flows.jsonl"));
        flows.any(|it| fs::metadata(it).is_ok_and(|it| it.len() > 500))
    }

    /// Waits until no process of a run is left on the hosts; servers are no part of it.
    #[track_caller]
    fn assert_no_runs(&self, sandbox: &Sandbox) {
        wait::retry(Instant::now() + wait::LONG, || {
            let of_process = |pid: u32, file: &str| {
                let text = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
                String::from_utf8_lossy(&text).replace('\0', " ")
            };
            let mut left = sandbox.processes();
            left.retain(|it| it.exists() && !of_process(it.pid, "comm").starts_with("sshd"));
            let left: Vec<_> = left
                .iter()
                .map(|it| of_process(it.pid, "cmdline"))
                .collect();
            left.is_empty()
                .then_some(())
                .ok_or_else(|| format!("left: {left:?}"))
        });
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => files_below(&entry.path()),
            _ => vec![entry.path()],
        })
        .collect()
}

fn hosts() -> Option<(Sandbox, Hosts)> {
    let sandbox = Sandbox::with("load/names.yaml", SCENARIO);
    sandbox.write("load/names.csv", "name\nann\nbob\ncyd\ndan\n");
    let hosts = Hosts::start(Path::new(sandbox.mark()).join("hosts"))?;
    Some((sandbox, hosts))
}

#[test]
fn a_run_is_shared_out_over_ssh_and_its_results_come_back() {
    let Some((sandbox, hosts)) = hosts() else {
        return;
    };
    let mut command = hosts.launch(&sandbox, "left,right", "--flows 42 --parallel 4 --seed 7");
    Finished::of(&mut command)
        .assert_code(0)
        .assert_out("42 of 42 flows completed")
        .assert_err("there are no live figures; --nats")
        .assert_err("2 of 2 segments have ended");
    let head = merged(&sandbox, "job");
    assert_eq!(head["merged_from"].as_array().map(Vec::len), Some(2));
    let unique = &head["summary"]["integrity"]["unique"][0];
    assert_eq!(unique["duplicates"], 0, "{unique}");
    let tasks = sandbox.read("job/tasks.log");
    for host in ["left", &format!("127.0.0.1:{}", hosts.right_port)] {
        let there = tasks
            .lines()
            .filter(|it| it.split('\t').nth(1) == Some(host));
        assert_eq!(there.count(), 1, "{host} in\n{tasks}");
    }
    // Nothing stays there, and the files here are as they were.
    for name in ["left", "right"] {
        assert_eq!(files_below(&hosts.home(name)), [] as [PathBuf; 0]);
    }
    assert_eq!(sandbox.read("load/names.yaml"), SCENARIO);
    hosts.assert_no_runs(&sandbox);
}

#[test]
fn hosts_that_share_no_directory_publish_at_a_nats_server() {
    let Some((sandbox, hosts)) = hosts() else {
        return;
    };
    let Some(server) = Server::start(&sandbox, None, &[]) else {
        return;
    };
    let options = format!("left,right --nats nats://127.0.0.1:{}", server.port);
    let mut command = hosts.launch(&sandbox, &options, "--flows 42 --parallel 4 --seed 7");
    Finished::of(&mut command)
        .assert_code(0)
        .assert_err("42 of 42 done, 0 failed")
        .assert_err("segments 2 of 2, 2 ended")
        .assert_err_lacks("no live figures")
        .assert_out("42 of 42 flows completed");
}

#[test]
fn a_host_without_a_connection_is_named() {
    let Some((sandbox, hosts)) = hosts() else {
        return;
    };
    let mut command = hosts.launch(&sandbox, "left,nowhere", "--flows 42 --parallel 4");
    let launched = Finished::of(&mut command);
    launched
        .assert_code(1)
        .assert_err("1 of 2 segments not complete")
        .assert_err("is lost: its task left no results. There was no connection to nowhere")
        .assert_out("21 of 21 flows completed");
}

#[test]
fn ctrl_c_ends_the_tasks_on_all_hosts_and_collects_what_there_is() {
    let Some((sandbox, hosts)) = hosts() else {
        return;
    };
    let running = hosts.running_on_both(&sandbox);
    running.signal(Signal::INT);
    let (code, heard) = running.end();
    assert_eq!(code, Some(130), "{heard}");
    for number in 1..=2 {
        let text = format!("Segment {number} was interrupted before its end");
        assert!(heard.contains(&text), "{text} in\n{heard}");
    }
    let head = merged(&sandbox, "job");
    assert_eq!(head["merged_from"].as_array().map(Vec::len), Some(2));
    // A later collection is not interrupted itself.
    sandbox.rehearsal("launch collect job").assert_code(1);
    hosts.assert_no_runs(&sandbox);
    for name in ["left", "right"] {
        assert_eq!(files_below(&hosts.home(name)), [] as [PathBuf; 0]);
    }
}

#[test]
fn tasks_end_if_the_connection_is_lost() {
    let Some((sandbox, hosts)) = hosts() else {
        return;
    };
    let running = hosts.running_on_both(&sandbox);
    running.signal(Signal::KILL);
    running.end();
    hosts.assert_no_runs(&sandbox);
}

#[test]
fn files_that_cannot_be_copied_are_refused() {
    let sandbox = Sandbox::with("names.yaml", SCENARIO);
    sandbox.write("names.csv", "name\nann\n");
    let other = sandbox.temporary().join("other.csv");
    fs::write(&other, "name\n").expect("a file");
    let other = other.display();
    for (options, text) in [
        (
            "--hosts a --file nothing.csv".to_owned(),
            "cannot copy nothing.csv: No such file",
        ),
        (
            format!("--hosts a --file {other}"),
            "other.csv is not below",
        ),
        ("--hosts a,:".to_owned(), "results of `:` do not come back"),
    ] {
        let line = format!(
            "launch ssh-parallel --segments 2 --into job {options} -- run names.yaml --flows 4 --parallel 2"
        );
        sandbox.rehearsal(&line).assert_code(2).assert_err(text);
        assert!(!sandbox.has("job"), "{options}");
    }
}
