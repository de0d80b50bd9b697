//! Single programs under the library's `process` module, with all their output.

use std::ffi::OsString;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream as _;
use rehearsal::model::{Activity, Ending, ExitCause, Stream, TerminalKind, Usage};
use rehearsal::process::{
    Child, ChildEvent, Command, Environment, Events, RunMarker, SpawnError, Spawner, reactor_waits,
};

/// A terminal as tests use it.
pub const PTY: TerminalKind = TerminalKind::Pty {
    rows: 24,
    columns: 80,
};
/// Both ways to talk to a program.
pub const BOTH: [TerminalKind; 2] = [PTY, TerminalKind::Pipes];
use super::fixture;
use super::wait::{self, LONG};

/// A command that runs the fixture program.
pub fn command(terminal: TerminalKind, words: &[&str]) -> Command {
    let program = fixture::program();
    let argv = [program.as_os_str().to_owned()]
        .into_iter()
        .chain(words.iter().map(OsString::from))
        .collect();
    let environment = Environment::new([("PATH", "/usr/bin:/bin")]);
    Command {
        program,
        argv,
        environment,
        directory: "/".into(),
        terminal,
    }
}

/// A spawner; each test has one for itself.
pub fn spawner() -> Spawner {
    Spawner::new(2, RunMarker::unique(), None).unwrap()
}

/// Runs one test on a new runtime, within a bounded time.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_park(reactor_waits)
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::time::timeout(LONG, test)
            .await
            .expect("the test hangs")
    })
}

/// Runs one test with a new spawner, and asserts that it leaves no process.
pub fn with_spawner<T>(test: impl AsyncFnOnce(&Spawner) -> T) -> T {
    let spawner = spawner();
    // Batched writes are sent by a local task.
    let tasks = tokio::task::LocalSet::new();
    let value = run(tasks.run_until(test(&spawner)));
    finish(&spawner);
    value
}

/// The same over a terminal and over pipes.
pub fn on_both(test: impl AsyncFn(&Spawner, TerminalKind)) {
    for terminal in BOTH {
        with_spawner(async |spawner| test(spawner, terminal).await);
    }
}

/// Ends everything, and asserts that no process of this run is left.
pub fn finish(spawner: &Spawner) {
    let leftovers = spawner.shutdown(Duration::from_secs(5));
    assert!(leftovers.is_empty(), "left over: {leftovers:?}");
    let mark = format!("REHEARSAL_RUN_TOKEN={}\0", spawner.marker().as_str());
    let marked = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| {
            let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            String::from_utf8_lossy(&environment).contains(&mark)
        });
    let left: Vec<_> = marked.map(|entry| entry.file_name()).collect();
    assert!(left.is_empty(), "still alive: {left:?}");
}

/// A program under test.
pub struct Actor {
    pub child: Child,
    events: Events,
    /// All that it said on its output.
    pub out: String,
    /// All that it said on its error output.
    pub err: String,
    /// The streams that were closed.
    pub closed: Vec<Stream>,
    end: Option<End>,
}

/// The exit of a program.
#[derive(Debug, Clone, Copy)]
pub struct End {
    pub exit: Option<ExitCause>,
    pub ending: Ending,
    pub usage: Usage,
}

impl Actor {
    pub async fn start(spawner: &Spawner, terminal: TerminalKind, words: &[&str]) -> Actor {
        Actor::run(spawner, command(terminal, words)).await.unwrap()
    }

    pub async fn run(spawner: &Spawner, command: Command) -> Result<Actor, SpawnError> {
        let mut child = spawner.spawn(command).await?;
        let events = child.events().unwrap();
        let (out, err) = (String::new(), String::new());
        Ok(Actor {
            child,
            events,
            out,
            err,
            closed: Vec::new(),
            end: None,
        })
    }

    pub async fn next(&mut self) -> Option<ChildEvent> {
        let event = poll_fn(|cx| Pin::new(&mut self.events).poll_next(cx)).await;
        match &event {
            Some(ChildEvent::Output { stream, bytes, .. }) => {
                let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
                let heard = match stream {
                    Stream::Out => &mut self.out,
                    Stream::Err => &mut self.err,
                };
                // A read may end within a line end.
                if heard.ends_with('\r') && text.starts_with('\n') {
                    heard.pop();
                }
                heard.push_str(&text);
            }
            Some(ChildEvent::Closed { stream, .. }) => self.closed.push(*stream),
            &Some(ChildEvent::Exited {
                exit,
                ending,
                usage,
                ..
            }) => {
                self.end = Some(End {
                    exit,
                    ending,
                    usage,
                });
            }
            None => {}
        }
        event
    }

    /// Reads until it said this; panics if it ends before.
    pub async fn hear(&mut self, text: &str) {
        while !self.out.contains(text) {
            let event = self.next().await;
            assert!(
                event.is_some(),
                "it ended without saying {text:?}: {:?} {:?}",
                self.out,
                self.err
            );
        }
    }

    /// The number behind `label` in its output.
    pub fn number(&self, label: &str) -> u32 {
        let at = self
            .out
            .find(label)
            .unwrap_or_else(|| panic!("no {label:?} in {:?}", self.out));
        let rest = self.out[at + label.len()..].trim_start();
        rest.split(|c: char| !c.is_ascii_digit())
            .next()
            .unwrap()
            .parse()
            .unwrap()
    }

    /// Waits until its activity is this.
    pub async fn until_activity(&self, activity: Activity) {
        let what = format!("{activity:?}");
        let is_it = || self.child.activity() == activity;
        wait::until_async(Duration::from_secs(5), &what, is_it).await;
    }

    /// Reads to the end.
    pub async fn end(&mut self) -> End {
        while self.next().await.is_some() {}
        self.end.expect("the last event is the exit")
    }
}

/// Returns whether a process is alive, zombies not counted.
pub fn lives(pid: u32) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Err(_) => false,
        Ok(stat) => !matches!(
            stat.rsplit(')').next().unwrap().trim().as_bytes()[0],
            b'Z' | b'X'
        ),
    }
}

/// Waits until a process has exited.
pub async fn gone(pid: u32, limit: Duration) {
    wait::until_async(limit, &format!("{pid} is alive"), || !lives(pid)).await;
}
