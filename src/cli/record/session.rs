//! A person's session with a program, passed through and recorded.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_core::Stream as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{sleep, sleep_until};

use crate::cli::signals::Signal;
use crate::model::ExitCause;
use crate::process::{Child, ChildEvent, Events, Grace, TerminalMode, WriteError};
use crate::recorder::{
    Capture, Captured, Mark, Recording, RecordingError, RecordingFile, TypedMode,
};

use super::console::Console;
use super::menu::{Choice, Menu, MenuStep, restored};

/// Silence of the program after which typed text is judged.
const QUIET: Duration = Duration::from_millis(300);

/// The most that is written to the program at once: less than a terminal keeps of a line.
const PIECE: usize = 1024;

/// A program that does not read is tried again after this.
const RETRY: Duration = Duration::from_millis(20);

/// A recording in progress.
pub(super) struct Session {
    pub(super) console: Console,
    pub(super) child: Child,
    pub(super) capture: Capture,
    pub(super) file: RecordingFile,
    /// The recording without its chunks.
    pub(super) head: Recording,
    pub(super) menu_key: u8,
    pub(super) started: Instant,
    /// The first error of the disk. The session goes on.
    pub(super) failure: Option<RecordingError>,
}

/// The end of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) exit: Option<ExitCause>,
    /// A signal to the recorder ended it, or the terminal was closed.
    pub(super) is_interrupted: bool,
}

impl Session {
    /// Passes everything through until the program has exited.
    pub(super) async fn run(
        &mut self,
        mut events: Events,
        mut signals: UnboundedReceiver<Signal>,
    ) -> io::Result<Ended> {
        let mut resizes = signal(SignalKind::window_change())?;
        let mut continues = signal(SignalKind::from_raw(libc_signals::CONTINUE))?;
        // Listened to, it does not stop this process in raw mode.
        let _stops = signal(SignalKind::from_raw(libc_signals::STOP_FROM_TERMINAL))?;
        let mut menu: Option<Menu> = None;
        let mut unwritten: Vec<u8> = Vec::new();
        let mut is_interrupted = false;
        let mut is_open = true;
        let mut last_event = tokio::time::Instant::now();
        loop {
            let quiet = last_event + QUIET;
            tokio::select! {
                biased;
                Some(_) = signals.recv() => {
                    is_interrupted = true;
                    self.close(&mut menu).await;
                    self.child.end(Grace::default());
                }
                Some(()) = continues.recv() => {
                    self.console.enter_raw_mode()?;
                    self.resize();
                }
                Some(()) = resizes.recv() => self.resize(),
                event = next(&mut events), if menu.is_none() => match event {
                    Some(ChildEvent::Output { bytes, .. }) => {
                        last_event = tokio::time::Instant::now();
                        // First to the disk: what was seen is never lost.
                        self.capture.output(self.started.elapsed(), &bytes);
                        self.save();
                        let write = self.console.write(&bytes);
                        tokio::select! {
                            written = write => is_interrupted |= self.end_if(written.is_err()),
                            Some(_) = signals.recv() => is_interrupted |= self.end_if(true),
                        }
                    }
                    Some(ChildEvent::Closed { .. }) => {}
                    Some(ChildEvent::Exited { exit, .. }) => {
                        let code = match exit {
                            Some(ExitCause::Code(code)) => code,
                            Some(ExitCause::Signal(number)) => -number,
                            None => 0,
                        };
                        self.capture.exited(self.started.elapsed(), code);
                        self.save();
                        return Ok(Ended { exit, is_interrupted });
                    }
                    None => return Ok(Ended { exit: None, is_interrupted }),
                },
                typed = self.console.read(), if is_open && unwritten.is_empty() => {
                    last_event = tokio::time::Instant::now();
                    let typed = typed?;
                    if typed.is_empty() {
                        is_open = false;
                        is_interrupted |= self.end_if(true);
                        menu = None;
                        continue;
                    }
                    unwritten = self.take_in(&typed, &mut menu).await;
                    unwritten = self.write(unwritten);
                }
                () = sleep(RETRY), if !unwritten.is_empty() => {
                    unwritten = self.write(std::mem::take(&mut unwritten));
                }
                () = sleep_until(quiet), if self.capture.waits_for_quiet() => {
                    self.capture.quiet();
                    self.save();
                }
            }
        }
    }

    /// Ends the program if there is a reason. Returns whether there is.
    fn end_if(&self, is_reason: bool) -> bool {
        if is_reason {
            self.child.end(Grace::default());
        }
        is_reason
    }

    fn resize(&mut self) {
        let size = self.console.size();
        if size != self.capture.screen().size() {
            self.child.resize(size.rows, size.columns);
            self.capture.resized(self.started.elapsed(), size);
            self.save();
        }
    }

    /// Takes in typed bytes. Returns those for the program.
    async fn take_in(&mut self, typed: &[u8], menu: &mut Option<Menu>) -> Vec<u8> {
        let mut for_program = Vec::new();
        let mut begin = 0;
        for (at, &byte) in typed.iter().enumerate() {
            let Some(open) = menu else {
                if byte == self.menu_key {
                    self.record(&typed[begin..at]);
                    for_program.extend_from_slice(&typed[begin..at]);
                    let screen = self.capture.screen();
                    let opened = Menu::open(self.menu_key, self.capture.is_paused(), screen);
                    self.show(&opened.draw(screen)).await;
                    *menu = Some(opened);
                }
                continue;
            };
            begin = at + 1;
            match open.press(byte) {
                MenuStep::Open => {
                    let drawn = open.draw(self.capture.screen());
                    self.show(&drawn).await;
                }
                MenuStep::Closed(Some(Choice::Secret)) => {
                    open.say(self.declare_secret());
                    let drawn = open.draw(self.capture.screen());
                    self.show(&drawn).await;
                }
                MenuStep::Closed(choice) => {
                    self.close(menu).await;
                    match choice {
                        Some(Choice::Mark(mark)) => self.mark(mark),
                        Some(Choice::TypeKey) => {
                            self.record(&[self.menu_key]);
                            for_program.push(self.menu_key);
                        }
                        Some(Choice::Secret) => {}
                        Some(Choice::Quit) => {
                            self.capture.quiet();
                            self.child.end(Grace::default());
                        }
                        None => {}
                    }
                }
            }
        }
        if menu.is_none() {
            self.record(&typed[begin..]);
            for_program.extend_from_slice(&typed[begin..]);
        }
        for_program
    }

    fn mark(&mut self, mark: Mark) {
        self.capture.marked(self.started.elapsed(), mark);
        self.save();
    }

    /// Takes the last answer for a secret. Returns what to tell the person.
    fn declare_secret(&mut self) -> &'static str {
        if !self.capture.declare_secret() {
            return "record: no complete answer was typed that could be a secret";
        }
        self.save();
        match self.failure {
            None => "record: the last answer is a secret; the recording was rewritten without it",
            Some(_) => "record: the recording could not be rewritten; remove it at the end",
        }
    }

    /// Closes the menu, if it is open.
    async fn close(&mut self, menu: &mut Option<Menu>) {
        if menu.take().is_some() {
            let drawn = restored(self.capture.screen());
            self.show(&drawn).await;
        }
    }

    async fn show(&self, drawn: &str) {
        // A terminal that is gone is noticed by the next read.
        let _ = self.console.write(drawn.as_bytes()).await;
    }

    /// Records what is typed, in the mode in which the terminal is now.
    fn record(&mut self, typed: &[u8]) {
        let mode = match self.child.echo() {
            TerminalMode::On => (true, true),
            TerminalMode::OnForKeys => (true, false),
            TerminalMode::Off => (false, true),
            TerminalMode::Raw => (false, false),
            TerminalMode::NoTerminal => return,
        };
        if !typed.is_empty() {
            let (echo, lines) = mode;
            let mode = TypedMode { echo, lines };
            self.capture.typed(self.started.elapsed(), typed, mode);
            self.save();
        }
    }

    /// Writes to the program. Returns what it has no room for yet.
    fn write(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        while !bytes.is_empty() {
            let length = bytes.len().min(PIECE);
            match self.child.write(&bytes[..length]) {
                Ok(_) => drop(bytes.drain(..length)),
                Err(WriteError::Full { .. }) => break,
                // It has exited, which is reported by its own event.
                Err(
                    WriteError::Closed | WriteError::LineTooLong { .. } | WriteError::Failed(_),
                ) => {
                    bytes.clear();
                }
            }
        }
        bytes
    }

    /// Writes what is safe to the disk.
    fn save(&mut self) {
        let saved = match self.capture.take() {
            Captured::More(chunks) if chunks.is_empty() => return,
            Captured::More(chunks) => self.file.append(&chunks),
            Captured::All(chunks) => {
                let recording = Recording {
                    chunks,
                    ..self.head.clone()
                };
                self.file.rewrite(&recording)
            }
        };
        if let Err(error) = saved {
            self.failure.get_or_insert(error);
        }
    }
}

async fn next(events: &mut Events) -> Option<ChildEvent> {
    poll_fn(|task| Pin::new(&mut *events).poll_next(task)).await
}

/// The numbers of signals that tokio has no names for.
mod libc_signals {
    use rustix::process::Signal;

    pub(super) const CONTINUE: i32 = Signal::CONT.as_raw();
    pub(super) const STOP_FROM_TERMINAL: i32 = Signal::TSTP.as_raw();
}
