//! Runs the program itself, in a folder and with a temporary folder of its own, and sees what it
//! leaves.

use super::home::with_default_signals;
use std::collections::HashSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than anything takes on a busy machine.
pub const LONG: Duration = Duration::from_secs(30);

/// The folders of one test. All processes of its runs have the folder's path in their environment
/// or in their command line.
pub struct Sandbox {
    folder: tempfile::TempDir,
}

/// A process as it was seen: its number alone may pass to another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Seen {
    pid: u32,
    started: String,
}

impl Sandbox {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("sandbox-").tempdir();
        let sandbox = Sandbox {
            folder: folder.expect("a temporary folder"),
        };
        for folder in [sandbox.home(), sandbox.temporary()] {
            fs::create_dir(folder).expect("a folder");
        }
        sandbox
    }

    /// Where the program is started.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Where the program has its temporary files.
    pub fn temporary(&self) -> PathBuf {
        self.folder.path().join("temporary")
    }

    /// By what its processes are known.
    pub fn mark(&self) -> &str {
        self.folder.path().to_str().expect("a UTF-8 path")
    }

    /// Writes a file below the home folder; `FIXTURE` and `MARK` in it stand for the fixture
    /// program and for [`Sandbox::mark`].
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home().join(name);
        fs::create_dir_all(path.parent().expect("a file's folder")).expect("a folder");
        let text = text
            .replace("FIXTURE", fixture().to_str().expect("a UTF-8 path"))
            .replace("MARK", self.mark());
        fs::write(&path, text).expect("a file of the test's own");
        path
    }

    /// The same for a file that can be executed.
    pub fn write_program(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.write(name, text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        path
    }

    /// Any program in this sandbox, with signals at their defaults.
    pub fn command_of(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = with_default_signals(program);
        command
            .args(arguments)
            .current_dir(self.home())
            .env("TMPDIR", self.temporary())
            .env("SANDBOX", self.mark())
            .env("REHEARSAL", env!("CARGO_BIN_EXE_rehearsal"))
            .env("REHEARSAL_SHOP_DB", self.folder.path().join("shop.db"))
            .env_remove("REHEARSAL_RESULTS")
            .env_remove("REHEARSAL_SHOP_FAULT")
            .env_remove("CLICOLOR_FORCE")
            .stdin(Stdio::null());
        command
    }

    /// The program itself.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_rehearsal"), arguments)
    }

    /// What the program says to these arguments, at once.
    pub fn output(&self, arguments: &[&str]) -> Finished {
        Finished::from(self.command(arguments).output().expect("it starts"))
    }

    /// A shell that runs `script`, in which `"$REHEARSAL"` is the program.
    pub fn shell(&self, script: &str) -> Finished {
        let mut shell = self.command_of("/bin/sh", &["-c", script]);
        Finished::from(shell.output().expect("there is a shell"))
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

    /// Waits for the last process to go, at most until `by`, and sees that the temporary folder
    /// is empty then.
    pub fn assert_empty(&self, by: Instant) {
        loop {
            let left = self.processes();
            let files: Vec<_> = fs::read_dir(self.temporary())
                .expect("the test's own folder")
                .map(|entry| entry.expect("an entry").path())
                .collect();
            if left.is_empty() && files.is_empty() {
                return;
            }
            assert!(Instant::now() < by, "left: {:?}, {files:?}", names(&left));
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The files in the results folder and below.
    pub fn results(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        collect(&self.home().join("rehearsal-results"), &mut files);
        files.sort();
        files
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
    /// Returns whether it lives and is stopped.
    pub fn is_stopped(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        let state = stat
            .rsplit(')')
            .next()
            .and_then(|it| it.split_whitespace().next());
        self.exists() && state == Some("T")
    }

    /// Returns whether it is still there, dead or alive.
    pub fn exists(&self) -> bool {
        started(self.pid).is_some_and(|started| started == self.started)
    }
}

/// Sees that none of these is there any more, not even as a zombie.
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

/// When a process was started, in the kernel's ticks.
fn started(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields = stat.rsplit(')').next()?;
    fields.split_whitespace().nth(19).map(str::to_owned)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// What a program that has ended has said.
#[derive(Debug)]
pub struct Finished {
    /// `None` if a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Finished {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Finished {
    /// Its output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A program that runs, with what it has said so far on its output and its error output together.
pub struct Running {
    pub child: Child,
    heard: Arc<(Mutex<String>, Condvar)>,
    readers: Vec<JoinHandle<()>>,
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let heard = Arc::<(Mutex<String>, Condvar)>::default();
        let out: Box<dyn Read + Send> = Box::new(child.stdout.take().expect("a pipe"));
        let err: Box<dyn Read + Send> = Box::new(child.stderr.take().expect("a pipe"));
        let reader = |mut stream: Box<dyn Read + Send>| {
            let heard = Arc::clone(&heard);
            thread::spawn(move || {
                let mut block = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut block) {
                    let text = String::from_utf8_lossy(&block[..read]);
                    heard.0.lock().expect("no panic").push_str(&text);
                    heard.1.notify_all();
                }
            })
        };
        let readers = vec![reader(out), reader(err)];
        Running {
            child,
            heard,
            readers,
        }
    }

    pub fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.pid(), signal).expect("it is not reaped yet");
    }

    /// Waits until it has said `text`.
    pub fn hear(&self, text: &str) {
        let (heard, changed) = &*self.heard;
        let heard = heard.lock().expect("no panic");
        let (heard, waited) = changed
            .wait_timeout_while(heard, LONG, |heard| !heard.contains(text))
            .expect("no panic");
        assert!(!waited.timed_out(), "never said {text:?}: {heard}");
    }

    /// Waits for its end: its exit code, and all that it has said.
    pub fn end(mut self) -> (Option<i32>, String) {
        let by = Instant::now() + LONG;
        let status = loop {
            match self.child.try_wait().expect("it is ours") {
                Some(status) => break status,
                None if Instant::now() > by => {
                    let _ = self.child.kill();
                    panic!("it hangs: {}", self.heard.0.lock().expect("no panic"));
                }
                None => thread::sleep(Duration::from_millis(2)),
            }
        };
        for reader in self.readers {
            reader.join().expect("a reader does not panic");
        }
        let heard = self.heard.0.lock().expect("no panic").clone();
        (status.code(), heard)
    }
}

/// The compiled fixture program; `cargo test` builds it.
pub fn fixture() -> PathBuf {
    let own = std::env::current_exe().expect("this test's own path");
    let profile = own.parent().and_then(Path::parent);
    profile
        .expect("target/PROFILE/deps")
        .join("examples/fixture")
}
