//! A script in the place of a person at a terminal.

use std::ffi::OsString;
use std::fs;
use std::future::poll_fn;
use std::path::PathBuf;
use std::pin::Pin;

use futures_core::Stream as _;
use rehearsal::model::{ExitCause, TerminalKind};
use rehearsal::process::{Child, ChildEvent, Command, Environment, Events, Spawner};

use crate::support::fixture;
use crate::support::sandbox::Sandbox;
use crate::support::wait;

/// A person at a terminal with a program.
pub struct Person {
    pub child: Child,
    events: Events,
    /// All that was shown.
    pub shown: Vec<u8>,
    /// The length of what the test has looked at.
    seen: usize,
}

impl Person {
    pub async fn at(spawner: &Spawner, sandbox: &Sandbox, words: &[&str]) -> Person {
        Person::with(spawner, sandbox, words, &[]).await
    }

    /// With these variables of the environment besides.
    pub async fn with(
        spawner: &Spawner,
        sandbox: &Sandbox,
        words: &[&str],
        more: &[(&str, &str)],
    ) -> Person {
        let program = match words[0] {
            "rehearsal" => PathBuf::from(env!("CARGO_BIN_EXE_rehearsal")),
            name => PathBuf::from(name),
        };
        let mark = sandbox.mark();
        let temporary = sandbox.temporary();
        let path = fixture::search_path();
        let rehearsal = env!("CARGO_BIN_EXE_rehearsal");
        let database = sandbox.home().join("shop.db");
        let variables: [(&str, &std::ffi::OsStr); 8] = [
            ("PATH", path.as_ref()),
            ("TERM", "xterm-256color".as_ref()),
            ("LANG", "C.UTF-8".as_ref()),
            ("COLORTERM", "truecolor".as_ref()),
            ("SANDBOX", mark.as_ref()),
            ("TMPDIR", temporary.as_ref()),
            ("REHEARSAL", rehearsal.as_ref()),
            ("REHEARSAL_SHOP_DB", database.as_ref()),
        ];
        let more = more.iter().map(|&(name, value)| (name, value.as_ref()));
        let command = Command {
            program,
            argv: words.iter().map(OsString::from).collect(),
            environment: Environment::new(variables.into_iter().chain(more)),
            directory: sandbox.home(),
            terminal: TerminalKind::Pty {
                rows: 24,
                columns: 80,
            },
        };
        let mut child = spawner.spawn(command).await.unwrap();
        let events = child.events().unwrap();
        Person {
            child,
            events,
            shown: Vec::new(),
            seen: 0,
        }
    }

    pub async fn next(&mut self) -> Option<ChildEvent> {
        let event = poll_fn(|cx| Pin::new(&mut self.events).poll_next(cx)).await;
        if let Some(ChildEvent::Output { bytes, .. }) = &event {
            self.shown.extend_from_slice(bytes);
        }
        event
    }

    pub fn unseen(&self) -> String {
        String::from_utf8_lossy(&self.shown[self.seen..]).into_owned()
    }

    /// Reads until this is shown.
    pub async fn sees(&mut self, text: &str) {
        let wanted = text.as_bytes();
        loop {
            let unseen = &self.shown[self.seen..];
            if let Some(at) = unseen.windows(wanted.len()).position(|it| it == wanted) {
                self.seen += at + wanted.len();
                return;
            }
            let event = self.next().await;
            assert!(
                event.is_some(),
                "{text:?} was not shown, but {:?}",
                self.unseen()
            );
        }
    }

    pub fn types(&self, text: &str) {
        self.child.write(text.as_bytes()).unwrap();
    }

    /// Waits until what was typed is passed on.
    pub async fn types_hidden(&self, text: &str) {
        let what = "the recorder has read what was typed";
        self.types(text);
        wait::until_async(wait::LONG, what, || self.child.unread() == 0).await;
    }

    /// Waits until the recorded program hides what is typed, and types.
    pub async fn types_secret(&mut self, text: &str) {
        let recorder = self.child.pid();
        let what = "the program hides what is typed";
        wait::until_async(wait::LONG, what, || hides_input(recorder)).await;
        self.types_hidden(text).await;
    }

    pub async fn exits(&mut self) -> Option<ExitCause> {
        loop {
            match self.next().await {
                Some(ChildEvent::Exited { exit, .. }) => return exit,
                Some(_) => {}
                None => panic!("no exit was reported"),
            }
        }
    }
}

/// Returns whether the terminal of a recorder's program has its echo off.
fn hides_input(recorder: u32) -> bool {
    let tasks = fs::read_dir(format!("/proc/{recorder}/task")).unwrap();
    let children = tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let children = children.collect::<Vec<_>>().join(" ");
    let terminals = children
        .split_whitespace()
        .filter_map(|child| fs::read_link(format!("/proc/{child}/fd/0")).ok())
        .filter(|path| path.starts_with("/dev/pts"));
    terminals.into_iter().any(|terminal| {
        let mut stty = std::process::Command::new("stty");
        let output = stty.arg("-F").arg(terminal).arg("-a").output().unwrap();
        String::from_utf8_lossy(&output.stdout).contains(" -echo ")
    })
}
