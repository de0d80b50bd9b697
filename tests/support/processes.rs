//! What tests of processes share: the fixture program, and one program under test with all that
//! it said.

use std::ffi::OsString;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream as _;
use rehearsal::model::{Ending, ExitCause, Stream, Usage};
use rehearsal::process::{
    Child, ChildEvent, Command, Environment, Events, RunMarker, SpawnError, Spawner, Terminal,
};

/// A terminal as tests use it.
pub const PTY: Terminal = Terminal::Pty {
    rows: 24,
    columns: 80,
};
/// Both ways to talk to a program.
pub const BOTH: [Terminal; 2] = [PTY, Terminal::Pipes];
/// Longer than anything takes on a busy machine.
pub const LONG: Duration = Duration::from_secs(30);

pub use super::fixture::fixture;

/// A command that runs the fixture program.
pub fn command(terminal: Terminal, words: &[&str]) -> Command {
    let program = fixture();
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

/// A spawner of its own, as each test should have.
pub fn spawner() -> Spawner {
    Spawner::new(2, RunMarker::unique(), None).unwrap()
}

/// Runs one test on a runtime of its own, within a bounded time.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::time::timeout(LONG, test)
            .await
            .expect("the test hangs")
    })
}

/// Ends everything, and sees that no process of this run is left.
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

/// How a program ended.
#[derive(Debug, Clone, Copy)]
pub struct End {
    pub exit: Option<ExitCause>,
    pub ending: Ending,
    pub usage: Usage,
}

impl Actor {
    pub async fn start(spawner: &Spawner, terminal: Terminal, words: &[&str]) -> Actor {
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
                match stream {
                    Stream::Out => self.out.push_str(&text),
                    Stream::Err => self.err.push_str(&text),
                }
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

    /// The number behind `label` in what it said.
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

    /// Reads to the end.
    pub async fn end(&mut self) -> End {
        while self.next().await.is_some() {}
        self.end.expect("the last event tells the end")
    }
}

/// Returns whether a process lives, zombies not counted.
pub fn lives(pid: u32) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Err(_) => false,
        Ok(stat) => !matches!(
            stat.rsplit(')').next().unwrap().trim().as_bytes()[0],
            b'Z' | b'X'
        ),
    }
}

/// Waits until a process is gone; panics when it is not gone in time.
pub async fn gone(pid: u32, within: Duration) {
    let waiting = async {
        while lives(pid) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(within, waiting)
        .await
        .unwrap_or_else(|_| panic!("{pid} still lives"));
}
