//! Directories in which `rehearsal` runs as its users run it, and what its runs leave there.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use super::fixture;
use super::running::Finished;
use super::wait;

/// The directories of one test. All processes of its runs have the directory's path in their
/// environment or in their command line.
pub struct Sandbox {
    directory: tempfile::TempDir,
}

/// A process as it was seen: its number alone may pass to another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Seen {
    pub pid: u32,
    started: String,
}

impl Sandbox {
    pub fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("sandbox-").tempdir();
        let sandbox = Sandbox {
            directory: directory.expect("a temporary directory"),
        };
        for directory in [sandbox.home(), sandbox.temporary()] {
            fs::create_dir(directory).expect("a directory");
        }
        sandbox
    }

    /// A sandbox whose home directory has this one file.
    pub fn with(name: &str, text: &str) -> Self {
        let sandbox = Sandbox::new();
        sandbox.write(name, text);
        sandbox
    }

    /// The working directory of the program.
    pub fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    /// The directory of the program's temporary files.
    pub fn temporary(&self) -> PathBuf {
        self.directory.path().join("temporary")
    }

    /// The path that all its processes carry; scenarios read it from `SANDBOX`.
    pub fn mark(&self) -> &str {
        self.directory.path().to_str().expect("a UTF-8 path")
    }

    /// Writes a file below the home directory.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home().join(name);
        fs::create_dir_all(path.parent().expect("a file's directory")).expect("a directory");
        fs::write(&path, text).expect("a file of the test's own");
        path
    }

    /// Writes a file that can be executed.
    pub fn write_program(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.write(name, text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        path
    }

    /// Reads a file below the home directory.
    pub fn read(&self, name: impl AsRef<Path>) -> String {
        let path = self.home().join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub fn has(&self, name: &str) -> bool {
        self.home().join(name).exists()
    }

    /// Makes a named pipe below the home directory: a program that reads it waits for the test.
    pub fn make_gate(&self, name: &str) -> PathBuf {
        let path = self.home().join(name);
        let status = Command::new("mkfifo").arg(&path).status();
        assert!(status.expect("mkfifo").success());
        path
    }

    /// Waits for a file below the home directory.
    #[track_caller]
    pub fn wait_for(&self, name: &str) {
        wait::until(name, || self.has(name));
    }

    /// A command of any program in this sandbox, with none of the tester's settings. Signals have
    /// their defaults: a test run in the background of a script inherits an ignored SIGINT, and
    /// would pass it on.
    pub fn command_of(&self, program: &str) -> Command {
        let mut command = Command::new("env");
        command
            .args(["--default-signal=HUP,INT,QUIT,TERM", program])
            .current_dir(self.home())
            .env("PATH", fixture::search_path())
            .env("TMPDIR", self.temporary())
            .env("SANDBOX", self.mark())
            .env("REHEARSAL", env!("CARGO_BIN_EXE_rehearsal"))
            .env_remove("REHEARSAL_RESULTS")
            .env_remove("REHEARSAL_SHOP_DB")
            .env_remove("REHEARSAL_SHOP_FAULT")
            .env_remove("CLICOLOR_FORCE")
            .env_remove("GITHUB_ACTIONS")
            .env_remove("GITHUB_STEP_SUMMARY")
            .stdin(Stdio::null());
        command
    }

    /// The program with the words of this line.
    pub fn command(&self, line: &str) -> Command {
        let mut command = self.command_of(env!("CARGO_BIN_EXE_rehearsal"));
        command.args(line.split_whitespace());
        command
    }

    /// Runs the program with the words of this line to its end.
    pub fn rehearsal(&self, line: &str) -> Finished {
        Finished::of(&mut self.command(line))
    }

    /// The same with a fault of the shop.
    pub fn rehearsal_with_fault(&self, fault: &str, line: &str) -> Finished {
        Finished::of(self.command(line).env("REHEARSAL_SHOP_FAULT", fault))
    }

    /// Runs a shell script, in which `"$REHEARSAL"` is the program.
    pub fn shell(&self, script: &str) -> Finished {
        Finished::of(self.command_of("/bin/sh").args(["-c", script]))
    }

    /// The living processes of this sandbox; zombies carry no mark.
    pub fn processes(&self) -> HashSet<Seen> {
        let mark = self.mark().as_bytes();
        let carries = |path: PathBuf| {
            let bytes = fs::read(path).unwrap_or_default();
            bytes.windows(mark.len()).any(|window| window == mark)
        };
        let all = fs::read_dir("/proc").expect("/proc").flatten();
        all.filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let started = started(pid)?;
            let ours =
                carries(entry.path().join("environ")) || carries(entry.path().join("cmdline"));
            ours.then_some(Seen { pid, started })
        })
        .collect()
    }

    /// Waits for the last process to exit, at most until `by`, and asserts that the temporary
    /// directory is empty then.
    #[track_caller]
    pub fn assert_empty(&self, by: Instant) {
        wait::retry(by, || {
            let left = self.processes();
            let files = entries(&self.temporary());
            let is_empty = left.is_empty() && files.is_empty();
            is_empty
                .then_some(())
                .ok_or_else(|| format!("left: {:?}, {files:?}", names(&left)))
        });
    }

    /// The directories of saved runs, in the order of their names.
    pub fn runs(&self) -> Vec<PathBuf> {
        self.runs_in("rehearsal-results")
    }

    /// The directories of saved runs in another results directory below the home directory.
    pub fn runs_in(&self, results: &str) -> Vec<PathBuf> {
        let mut runs = entries(&self.home().join(results));
        runs.retain(|path| path.is_dir() && !path.ends_with("orchestrator_logs"));
        runs
    }

    /// The only saved run.
    #[track_caller]
    pub fn run(&self) -> PathBuf {
        let runs = self.runs();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs[0].clone()
    }

    /// The files in the results directory and below.
    pub fn results(&self) -> Vec<PathBuf> {
        files_below(&self.home().join("rehearsal-results"))
    }

    /// The only log.
    pub fn log(&self) -> String {
        let is_log = |path: &PathBuf| {
            path.extension().is_some_and(|it| it == "log") && !path.ends_with("run.log")
        };
        let logs: Vec<_> = self.results().into_iter().filter(is_log).collect();
        assert_eq!(logs.len(), 1, "{logs:?}");
        fs::read_to_string(&logs[0]).expect("the log is UTF-8")
    }
}

impl Seen {
    /// Returns whether the process is alive and stopped.
    pub fn is_stopped(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        let state = stat
            .rsplit(')')
            .next()
            .and_then(|it| it.split_whitespace().next());
        self.exists() && state == Some("T")
    }

    /// Returns whether the process still exists, as a zombie or alive.
    pub fn exists(&self) -> bool {
        started(self.pid).is_some_and(|started| started == self.started)
    }
}

/// Asserts that none of these processes exists any more, not even as a zombie.
pub fn assert_gone(seen: &HashSet<Seen>) {
    let left: HashSet<_> = seen.iter().filter(|it| it.exists()).cloned().collect();
    assert!(left.is_empty(), "{:?}", names(&left));
}

fn names(seen: &HashSet<Seen>) -> Vec<String> {
    let name = |it: &Seen| {
        let words = fs::read(format!("/proc/{}/cmdline", it.pid)).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).replace('\0', " ");
        format!("{}: {words}", it.pid)
    };
    seen.iter().map(name).collect()
}

/// Returns the time at which a process was started, in the kernel's ticks.
fn started(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields = stat.rsplit(')').next()?;
    fields.split_whitespace().nth(19).map(str::to_owned)
}

/// The entries of a directory, in the order of their names; none where there is no directory.
pub fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

/// The files in a directory and its subdirectories.
pub fn files_below(directory: &Path) -> Vec<PathBuf> {
    let of = |path: PathBuf| {
        if path.is_dir() {
            files_below(&path)
        } else {
            vec![path]
        }
    };
    entries(directory).into_iter().flat_map(of).collect()
}

/// The parsed `result.json` of a saved run.
#[track_caller]
pub fn result(run: &Path) -> Value {
    let bytes = fs::read(run.join("result.json")).expect("a result");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// The parsed flows of a saved run, without the line about the run. The last line may be torn.
#[track_caller]
pub fn flows(run: &Path) -> Vec<Value> {
    let lines = fs::read_to_string(run.join("flows.jsonl")).expect("flows");
    let whole = &lines[..lines.rfind('\n').expect("a line")];
    let flows = whole.lines().skip(1);
    flows
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}
