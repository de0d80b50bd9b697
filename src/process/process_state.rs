//! State of one started process, shared by threads, and the system calls that signal and reap it.
//!
//! | state | entered by | a signal | a reap |
//! | --- | --- | --- | --- |
//! | running | the spawn | goes to the process group | asks the kernel, never waits |
//! | ended | the first reap, or giving up | goes to what is left of the group | repeats the first result |
//!
//! One lock covers all of it, so a signal never reaches a process that reuses the pid: until the
//! reap the zombie keeps the pid, and afterwards it is used only while members of the group, which
//! keep it as well, are known to live.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, Signal};

use crate::model::{Ending, ExitCause, Usage};
use crate::process::marker::InstanceNumber;
use crate::process::sys::{self, Reaped};
use crate::process::termination::registry;
use crate::process::termination::watcher::WatcherPipe;

/// The harshest request sent to a process while it lived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Requested {
    Nothing,
    Termination,
    /// A SIGKILL of fault injection; later requests do not change the reported ending.
    InjectedKill,
    Kill,
}

/// The exit of a process, as reported to its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ExitRecord {
    /// `None` if the process was given up, or if other code reaped it.
    pub(super) exit: Option<ExitCause>,
    pub(super) ending: Ending,
    pub(super) usage: Usage,
    pub(super) at: Instant,
}

enum State {
    Running {
        requested: Requested,
        /// Woken if the process is given up, which no descriptor signals.
        waker: Option<Waker>,
    },
    Ended {
        exit_record: ExitRecord,
        group: Group,
    },
}

/// The process group of a reaped leader.
#[derive(Clone, Copy)]
enum Group {
    /// It had members at the last check; they keep its id.
    MayLive,
    /// The group is empty, so its id may have been reused.
    Gone,
}

/// A started process. Its pid is also the id of its session and of its process group.
pub(super) struct Process {
    pid: Pid,
    pidfd: Arc<OwnedFd>,
    pub(super) started_at: Instant,
    pub(super) instance: InstanceNumber,
    /// The pipe to the watcher, which is notified of the reap.
    watcher: Option<WatcherPipe>,
    state: Mutex<State>,
}

impl Process {
    pub(super) fn new(
        pid: Pid,
        pidfd: OwnedFd,
        started_at: Instant,
        instance: InstanceNumber,
        watcher: Option<WatcherPipe>,
    ) -> Self {
        let state = Mutex::new(State::Running {
            requested: Requested::Nothing,
            waker: None,
        });
        Process {
            pid,
            pidfd: Arc::new(pidfd),
            started_at,
            instance,
            watcher,
            state,
        }
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Returns the pidfd, which is readable once the process has ended.
    pub(super) fn exit_fd(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.pidfd)
    }

    /// Returns the exit if it is known, without a system call.
    pub(super) fn exit_record(&self) -> Option<ExitRecord> {
        match *self.state() {
            State::Running { .. } => None,
            State::Ended { exit_record, .. } => Some(exit_record),
        }
    }

    /// Returns the exit if it is known; otherwise registers `new` to be woken if the process is
    /// given up.
    pub(super) fn exit_or_wake(&self, new: &Waker) -> Option<ExitRecord> {
        match &mut *self.state() {
            State::Ended { exit_record, .. } => return Some(*exit_record),
            State::Running {
                waker: Some(old), ..
            } => old.clone_from(new),
            State::Running { waker, .. } => *waker = Some(new.clone()),
        }
        None
    }

    /// Sends signals to the process and its group, and records the request unless the process has
    /// already ended. What is left of the group gets the signals in any case. Returns `true` if the
    /// process itself had not ended.
    pub(super) fn signal(&self, request: Requested, signals: &[Signal]) -> bool {
        let mut state = self.state();
        let lives = match &mut *state {
            State::Running { requested, .. } => {
                let lives = !self.has_exited();
                if lives {
                    *requested = request.max(*requested);
                }
                lives
            }
            State::Ended { group, .. } => {
                if !self.is_group_left(group) {
                    return false;
                }
                false
            }
        };
        for &signal in signals {
            // Fails only if the group is empty.
            let _ = rustix::process::kill_process_group(self.pid, signal);
        }
        lives
    }

    /// Reaps the process if it has ended; never waits. Later calls return the same result.
    pub(super) fn reap(&self) -> Option<ExitRecord> {
        let mut state = self.state();
        let requested = match *state {
            State::Running { requested, .. } => requested,
            State::Ended { exit_record, .. } => return Some(exit_record),
        };
        let (exit, usage) = match sys::reap(self.pid()) {
            Ok(Reaped::NotYet) => return None,
            Ok(Reaped::Now { exit, usage }) => (Some(exit), usage),
            // Other code reaped it, or the kernel did because SIGCHLD is ignored.
            Err(_) if self.has_exited() => (None, Usage::default()),
            Err(_) => return None,
        };
        let exit_record = ExitRecord {
            exit,
            ending: ending(requested, exit),
            usage,
            at: Instant::now(),
        };
        let mut group = Group::MayLive;
        // Right after the reap, before the pid can be reused.
        self.is_group_left(&mut group);
        *state = State::Ended { exit_record, group };
        registry::spawned().forget(self.pid());
        if let Some(watcher) = &self.watcher {
            watcher.reaped(self.pid());
        }
        Some(exit_record)
    }

    /// Records a process as left over that even SIGKILL does not end.
    pub(super) fn give_up(&self) {
        let mut state = self.state();
        let exit_record = ExitRecord {
            exit: None,
            ending: Ending::LeftOver,
            usage: Usage::default(),
            at: Instant::now(),
        };
        if let State::Running { waker, .. } = &mut *state {
            let waker = waker.take();
            *state = State::Ended {
                exit_record,
                group: Group::MayLive,
            };
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// Returns `true` if the process has ended, reaped or not.
    pub(super) fn has_exited(&self) -> bool {
        let mut fds = [PollFd::new(&*self.pidfd, PollFlags::IN)];
        let now = rustix::event::Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        matches!(rustix::event::poll(&mut fds, Some(&now)), Ok(ready) if ready > 0)
    }

    /// Returns `true` if its process group has members; the process itself counts until reaped.
    pub(super) fn group_lives(&self) -> bool {
        match &mut *self.state() {
            State::Running { .. } => true,
            State::Ended { group, .. } => self.is_group_left(group),
        }
    }

    fn is_group_left(&self, group: &mut Group) -> bool {
        if let Group::MayLive = group
            && rustix::process::test_kill_process_group(self.pid) == Err(rustix::io::Errno::SRCH)
        {
            *group = Group::Gone;
        }
        matches!(group, Group::MayLive)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsFd for Process {
    /// The pidfd: readable once the process has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

fn ending(requested: Requested, exit: Option<ExitCause>) -> Ending {
    let by_sigkill = exit == Some(ExitCause::Signal(Signal::KILL.as_raw()));
    match requested {
        Requested::InjectedKill if by_sigkill => Ending::Injected,
        Requested::Nothing | Requested::InjectedKill => Ending::Itself,
        Requested::Kill if by_sigkill => Ending::Killed,
        // It ended before our SIGKILL.
        Requested::Termination | Requested::Kill => Ending::Terminated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_attributed_to_a_request_only_if_there_was_one() {
        let killed = Some(ExitCause::Signal(9));
        let left = Some(ExitCause::Code(0));
        let hung_up = Some(ExitCause::Signal(1));
        assert_eq!(ending(Requested::Nothing, killed), Ending::Itself);
        assert_eq!(ending(Requested::Nothing, left), Ending::Itself);
        assert_eq!(ending(Requested::InjectedKill, killed), Ending::Injected);
        assert_eq!(ending(Requested::InjectedKill, left), Ending::Itself);
        assert_eq!(ending(Requested::Termination, hung_up), Ending::Terminated);
        assert_eq!(ending(Requested::Termination, left), Ending::Terminated);
        assert_eq!(ending(Requested::Kill, killed), Ending::Killed);
        assert_eq!(ending(Requested::Kill, left), Ending::Terminated);
    }
}
