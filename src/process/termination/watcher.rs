//! Watcher process: ends a run's programs if the run itself is killed.

use std::collections::HashSet;
use std::ffi::{CString, OsStr, OsString};
use std::io::{self, BufRead, BufReader, Read, StdinLock};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::OFlags;
use rustix::process::Signal;

use crate::process::io::pipes;
use crate::process::marker::{RUN_VARIABLE, RunMarker};
use crate::process::proc;
use crate::process::spawn::vfork::{self, Blocked, FileAction, RawChild, SpawnPlan};
use crate::process::sys::{self, Reaped};
use crate::process::termination::registry;
use crate::process::termination::tree::Tree;

/// The first argument that makes a program a watcher.
const WATCH: &str = "__watch";

/// The program of a watcher: one that calls [`watch_main`] before anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatcherProgram {
    /// Usually `std::env::current_exe()`.
    pub program: PathBuf,
    /// A directory that belongs to the run alone, removed if the run is killed.
    pub temporary: Option<PathBuf>,
}

/// A running watcher, as seen by the watched process.
///
/// Its standard input receives `+PID` and `-PID` as programs start and are reaped. The end of that
/// input means that the watched process has ended. A watcher that is no longer needed is killed.
pub(in crate::process) struct Watcher {
    program: WatcherProgram,
    marker: RunMarker,
    process: RawChild,
    pipe: WatcherPipe,
}

/// The pipe to the watcher; dropping the last clone closes it.
#[derive(Clone)]
pub(in crate::process) struct WatcherPipe(Arc<RwLock<OwnedFd>>);

impl WatcherPipe {
    pub(in crate::process) fn started(&self, pid: i32) {
        self.send(&format!("+{pid}\n"));
    }

    pub(in crate::process) fn reaped(&self, pid: i32) {
        self.send(&format!("-{pid}\n"));
    }

    /// Writes one line. A write of at most `PIPE_BUF` bytes is atomic, and this one never blocks.
    /// If it is lost, the watcher still finds the program by the mark in its environment.
    fn send(&self, text: &str) {
        let pipe = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let _ = rustix::io::write(&*pipe, text.as_bytes());
    }

    /// Has all clones write to another watcher.
    fn replace(&self, pipe: OwnedFd) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = pipe;
    }
}

impl Watcher {
    pub(in crate::process) fn start(
        program: WatcherProgram,
        marker: RunMarker,
    ) -> io::Result<Self> {
        let (process, pipe) = Watcher::start_process(&program, &marker)?;
        Ok(Watcher {
            program,
            marker,
            process,
            pipe: WatcherPipe(Arc::new(RwLock::new(pipe))),
        })
    }

    /// Starts another process in the place of one that has ended. It knows of no session yet.
    pub(in crate::process) fn restart(&mut self) -> io::Result<()> {
        self.reap();
        let (process, pipe) = Watcher::start_process(&self.program, &self.marker)?;
        self.process = process;
        self.pipe.replace(pipe);
        Ok(())
    }

    fn start_process(
        watcher: &WatcherProgram,
        marker: &RunMarker,
    ) -> io::Result<(RawChild, OwnedFd)> {
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
            mark: None,
        };
        let flags = rustix::fs::fcntl_getfl(&pipe)?;
        rustix::fs::fcntl_setfl(&pipe, flags | OFlags::NONBLOCK)?;
        let process = registry::spawned().enter(|| vfork::spawn(&plan))?;
        Ok((process, pipe))
    }

    pub(in crate::process) fn pipe(&self) -> WatcherPipe {
        self.pipe.clone()
    }

    /// Kills and reaps the watcher: everything has ended.
    pub(in crate::process) fn dismiss(self) {
        // Fails only if it has ended already.
        let _ = rustix::process::pidfd_send_signal(&self.process.pidfd, Signal::KILL);
        let patience = Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        };
        // The reap below shows the result.
        let _ = rustix::event::poll(
            &mut [PollFd::new(&self.process.pidfd, PollFlags::IN)],
            Some(&patience),
        );
        self.reap();
    }

    /// Reaps the process if it has ended.
    fn reap(&self) {
        let pid = self.process.pid;
        if !matches!(sys::reap(pid), Ok(Reaped::NotYet)) {
            registry::spawned().forget(pid);
        }
    }
}

impl AsFd for Watcher {
    /// The pidfd: readable once the process has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.process.pidfd.as_fd()
    }
}

/// Runs a watcher to its end if `arguments` (without the program's name) request one.
///
/// A program calls this before anything else, and exits with the returned code. The watcher waits
/// for the end of its standard input. Then it ends every process of the run, and removes the run's
/// temporary directory, within two seconds. It cannot find a process that left its session, has
/// cleared its environment and set another limit of real-time scheduling, and whose parent ended
/// with the watched process; only the watched process itself, as the parent of orphans, can.
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
    // A command that kills all processes of the program's name should not kill this one.
    let _ = std::fs::write("/proc/self/comm", "run-watcher");
    let sessions = listen(BufReader::new(DelayedStdin(io::stdin().lock())));
    end_all(&RunProcesses {
        marker: RunMarker::received(&marker),
        sessions,
    });
    if let Some(temporary) = arguments.next() {
        // There is no output left to report a failure on.
        let _ = std::fs::remove_dir_all(temporary);
    }
    Some(ExitCode::SUCCESS)
}

/// Standard input whose lines are read at intervals and whose end is noticed at once.
///
/// Waking a reader for every line would cost the writer as much as everything else that it does
/// with the program concerned. So lines collect in the pipe; a line without room is lost, which
/// [`WatcherPipe`] permits.
struct DelayedStdin<'a>(StdinLock<'a>);

impl Read for DelayedStdin<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let gather = Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        };
        // Requests no event, so only the hangup, which is always reported, ends the wait early.
        // If it fails, lines are read as they arrive.
        let _ = rustix::event::poll(
            &mut [PollFd::new(&self.0, PollFlags::empty())],
            Some(&gather),
        );
        self.0.read(buffer)
    }
}

/// Reads lines until the input ends, and returns the sessions that are alive then.
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

/// Criteria by which a process is known as the run's.
struct RunProcesses {
    marker: RunMarker,
    sessions: HashSet<i32>,
}

impl RunProcesses {
    fn is_marked(&self, pid: i32) -> bool {
        proc::environ(pid).get(RUN_VARIABLE) == Some(OsStr::new(self.marker.as_str()))
            || proc::realtime_limit(pid) == Some(self.marker.as_limit())
    }

    /// Returns `true` for a live process with a session or a mark of the run.
    fn includes(&self, pid: i32) -> bool {
        proc::stat(pid).is_some_and(|stat| {
            !stat.is_dead() && (self.sessions.contains(&stat.session) || self.is_marked(pid))
        })
    }
}

/// Ends the run's processes: SIGHUP first, SIGTERM and SIGKILL for those that stay.
fn end_all(wanted: &RunProcesses) {
    const STAGES: [(&[Signal], Duration); 3] = [
        (&[Signal::HUP, Signal::CONT], Duration::from_millis(300)),
        (&[Signal::TERM, Signal::CONT], Duration::from_millis(300)),
        (&[Signal::KILL], Duration::from_millis(100)),
    ];
    const POLL_INTERVAL: Duration = Duration::from_millis(10);
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
                thread::sleep(POLL_INTERVAL);
                tree.prune();
            }
            // A process that started during the search is found by the next one; the last stage
            // ends only when a search finds none, or the time is over.
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
    fn lines_of_the_watched_process_are_parsed() {
        assert_eq!(listen(&b"+1\n+2\n-1\n"[..]), HashSet::from([2]));
        assert_eq!(listen(&b""[..]), HashSet::new());
    }

    #[test]
    fn other_programs_arguments_are_left_alone() {
        assert!(watch_main([]).is_none());
        assert!(watch_main(["run".into(), "__watch".into()]).is_none());
    }
}
