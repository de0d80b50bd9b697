//! The process that ends a run's programs when the run itself is killed.

use std::collections::HashSet;
use std::ffi::{CString, OsStr, OsString};
use std::io::{self, BufRead, BufReader, Read, StdinLock};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::OFlags;
use rustix::process::Signal;

use crate::process::io::pipes;
use crate::process::proc;
use crate::process::spawn::shared::{RUN_VARIABLE, RunMarker};
use crate::process::sys::{self, Blocked, FileAction, RawChild, SpawnPlan};
use crate::process::termination::registry;
use crate::process::termination::tree::Tree;

/// The first argument that makes a program a watcher.
const WATCH: &str = "__watch";

/// How to start a watcher: a program that calls [`watch_main`] before anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatcherProgram {
    /// Usually this very program: `std::env::current_exe()`.
    pub program: PathBuf,
    /// A directory that belongs to the run alone, removed if the run is killed.
    pub temporary: Option<PathBuf>,
}

/// A running watcher, as the watched see it.
///
/// Over its standard input it is told `+PID` and `-PID` as programs start and are reaped. The end
/// of that input means that the watched is gone; one that is not needed any more is killed.
pub(in crate::process) struct Watcher {
    pid: i32,
    pidfd: OwnedFd,
    line: Line,
}

/// The line to a watcher. The last one closes it.
#[derive(Clone)]
pub(in crate::process) struct Line(Arc<OwnedFd>);

impl Line {
    pub(in crate::process) fn started(&self, pid: i32) {
        self.tell(&format!("+{pid}\n"));
    }

    pub(in crate::process) fn reaped(&self, pid: i32) {
        self.tell(&format!("-{pid}\n"));
    }

    /// So short a write to a pipe is done as a whole or not at all; it never blocks. If it is
    /// lost, the watcher has the marks in the programs' environment to go by.
    fn tell(&self, text: &str) {
        let _ = rustix::io::write(&*self.0, text.as_bytes());
    }
}

impl Watcher {
    pub(in crate::process) fn start(
        watcher: &WatcherProgram,
        marker: &RunMarker,
    ) -> io::Result<Self> {
        let (read, pipe) = pipes::pipe()?;
        let string = |text: &OsStr| CString::new(text.as_bytes());
        let program = string(watcher.program.as_os_str())?;
        let mut argv = vec![
            program.clone(),
            string(OsStr::new(WATCH))?,
            string(OsStr::new(marker.as_str()))?,
        ];
        if let Some(temporary) = &watcher.temporary {
            argv.push(string(temporary.as_os_str())?);
        }
        let actions = [
            FileAction::Duplicate {
                source: read.as_raw_fd(),
                target: 0,
            },
            FileAction::OpenBoth {
                path: c"/dev/null",
                target: 1,
            },
            FileAction::OpenBoth {
                path: c"/dev/null",
                target: 2,
            },
            FileAction::ChangeDirectory { path: c"/" },
        ];
        let plan = SpawnPlan {
            program: &program,
            argv: &argv,
            environment: &[],
            actions: &actions,
            blocked: Blocked::RequestsToStop,
        };
        let RawChild { pid, pidfd } = registry::spawned().enter(|| sys::spawn(&plan))?;
        let flags = rustix::fs::fcntl_getfl(&pipe)?;
        rustix::fs::fcntl_setfl(&pipe, flags | OFlags::NONBLOCK)?;
        Ok(Watcher {
            pid,
            pidfd,
            line: Line(Arc::new(pipe)),
        })
    }

    pub(in crate::process) fn line(&self) -> Line {
        self.line.clone()
    }

    /// All is well: it has nothing to do any more.
    pub(in crate::process) fn dismiss(self) {
        // Fails only if it is gone already.
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
        let patience = Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        };
        // Whatever comes of it, the reap tells.
        let _ = rustix::event::poll(
            &mut [PollFd::new(&self.pidfd, PollFlags::IN)],
            Some(&patience),
        );
        if !matches!(sys::reap(self.pid), Ok(sys::Reaped::NotYet)) {
            registry::spawned().forget(self.pid);
        }
    }
}

/// The whole life of a watcher, if `arguments` (those after the program's name) ask for one; to
/// be called by the program before anything else, and its answer to be the program's exit code.
///
/// The watcher waits for the end of its standard input. Then it ends every process of the run, and removes the run's temporary directory, within two seconds.
/// It cannot know a process that is in a session of its own, has none of the run's environment,
/// and whose parent died with the watched; only the watched, as the parent of orphans, can.
pub fn watch_main(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter();
    if arguments.next()? != WATCH {
        return None;
    }
    let Some(marker) = arguments
        .next()
        .and_then(|marker| marker.into_string().ok())
    else {
        return Some(ExitCode::FAILURE);
    };
    let sessions = listen(BufReader::new(Unhurried(io::stdin().lock())));
    end_all(&Wanted {
        marker: RunMarker::told(&marker),
        sessions,
    });
    if let Some(temporary) = arguments.next() {
        // There is nobody to tell that it does not work.
        let _ = std::fs::remove_dir_all(temporary);
    }
    Some(ExitCode::SUCCESS)
}

/// Standard input, of which only the end is urgent.
///
/// To wake a reader for every line costs the writer as much as all else that it does with the
/// program that the line is about. So lines gather in the pipe; one that it has no room for is
/// lost, as [`Line`] allows.
struct Unhurried<'a>(StdinLock<'a>);

impl Read for Unhurried<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let gather = Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        };
        // Asks for nothing, so only the end, which is always told, makes it return before. If it
        // fails, lines are read as they come.
        let _ = rustix::event::poll(
            &mut [PollFd::new(&self.0, PollFlags::empty())],
            Some(&gather),
        );
        self.0.read(buffer)
    }
}

/// Gives the sessions that live when the input ends.
fn listen(line: impl BufRead) -> HashSet<i32> {
    let mut sessions = HashSet::new();
    for word in line.lines() {
        let Ok(word) = word else { break };
        if let Some(pid) = word.strip_prefix('+').and_then(|pid| pid.parse().ok()) {
            sessions.insert(pid);
        } else if let Some(pid) = word.strip_prefix('-').and_then(|pid| pid.parse().ok()) {
            sessions.remove(&pid);
        }
    }
    sessions
}

/// What a process is known by.
struct Wanted {
    marker: RunMarker,
    sessions: HashSet<i32>,
}

impl Wanted {
    fn is_marked(&self, pid: i32) -> bool {
        proc::environment(pid).get(RUN_VARIABLE) == Some(OsStr::new(self.marker.as_str()))
    }

    /// Whether it is one of the run's, by its session or by its mark.
    fn includes(&self, pid: i32) -> bool {
        proc::stat(pid).is_some_and(|stat| {
            !stat.is_dead() && (self.sessions.contains(&stat.session) || self.is_marked(pid))
        })
    }
}

/// Ends the run's processes: SIGHUP first, SIGTERM and SIGKILL for those that stay.
fn end_all(wanted: &Wanted) {
    const STAGES: [(&[Signal], Duration); 3] = [
        (&[Signal::HUP, Signal::CONT], Duration::from_millis(300)),
        (&[Signal::TERM, Signal::CONT], Duration::from_millis(300)),
        (&[Signal::KILL], Duration::from_millis(100)),
    ];
    const NAP: Duration = Duration::from_millis(10);
    let by = Instant::now() + Duration::from_millis(1800);
    let mut tree = Tree::default();
    for (index, &(signals, patience)) in STAGES.iter().enumerate() {
        let is_last = index + 1 == STAGES.len();
        loop {
            for pid in proc::all() {
                if wanted.includes(pid) {
                    tree.add(pid, |pid| wanted.includes(pid));
                }
            }
            tree.grow(None, |_| {});
            if tree.is_empty() {
                return;
            }
            tree.signal(signals, None);
            let until = (Instant::now() + patience).min(by);
            while !tree.is_empty() && Instant::now() < until {
                thread::sleep(NAP);
                tree.prune();
            }
            // Whoever was being started while we looked is found by looking again; the last
            // stage is over only when nobody is found, or the time is.
            if !is_last || Instant::now() >= by {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_watched_tells_is_understood() {
        assert_eq!(listen(&b"+1\n+2\n-1\n"[..]), HashSet::from([2]));
        assert_eq!(listen(&b""[..]), HashSet::new());
    }

    #[test]
    fn other_programs_arguments_are_left_alone() {
        assert!(watch_main([]).is_none());
        assert!(watch_main(["run".into(), "__watch".into()]).is_none());
    }
}
