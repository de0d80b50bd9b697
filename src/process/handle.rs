//! One started program as all threads see it: who may signal it, and who reaps it.
//!
//! | state | entered by | a signal | a reap |
//! | --- | --- | --- | --- |
//! | running | the spawn | goes to the process group | asks the kernel, never waits |
//! | ended | the first reap, or giving up | goes to what is left of the group | answers as before |
//!
//! All of it happens under one lock, so a signal can never meet a recycled number: until the reap
//! the zombie keeps it, and afterwards the number is only used while members of the group, who
//! keep it too, are known to live.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, Signal};

use crate::model::{Ending, ExitCause, Usage};
use crate::process::spawn::shared::SpawnerShared;
use crate::process::sys::{self, Reaped};
use crate::process::termination::registry;

/// The place of an instance among all that a spawner starts: the value of `REHEARSAL_INSTANCE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct InstanceNumber(pub(super) u64);

impl fmt::Display for InstanceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The harshest thing we did to a process while it lived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Requested {
    Nothing,
    Termination,
    /// It was killed on purpose, as if by somebody else; what is asked of it later comes too late.
    InjectedKill,
    Kill,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ExitRecord {
    /// `None` if the kernel never told: it was given up, or something else reaped it.
    pub(super) exit: Option<ExitCause>,
    pub(super) ending: Ending,
    pub(super) usage: Usage,
    pub(super) at: Instant,
}

enum State {
    Running {
        requested: Requested,
        /// Woken if the process is given up, which no descriptor tells.
        waker: Option<Waker>,
    },
    Ended {
        exit_record: ExitRecord,
        group: Group,
    },
}

/// What is left of a process group when its leader was reaped.
#[derive(Clone, Copy)]
enum Group {
    /// Somebody was there when last asked; they keep the number.
    MayLive,
    /// Nobody: the number may be anybody's by now.
    Gone,
}

/// A started program. Its pid is also the number of its session and of its process group.
pub(super) struct Process {
    pid: Pid,
    pidfd: Arc<OwnedFd>,
    pub(super) started_at: Instant,
    pub(super) instance: InstanceNumber,
    pub(super) run: Arc<SpawnerShared>,
    state: Mutex<State>,
}

impl Process {
    pub(super) fn new(
        pid: Pid,
        pidfd: OwnedFd,
        started_at: Instant,
        instance: InstanceNumber,
        run: Arc<SpawnerShared>,
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
            run,
            state,
        }
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// The descriptor that is readable once the process has ended.
    pub(super) fn exit_fd(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.pidfd)
    }

    /// How it ended, if that is known; asks nobody.
    pub(super) fn exit_record(&self) -> Option<ExitRecord> {
        match *self.state() {
            State::Running { .. } => None,
            State::Ended { exit_record, .. } => Some(exit_record),
        }
    }

    /// How it ended, if that is known; else has `waker` woken if the process is given up.
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

    /// Sends signals to the process and its group, and notes how harsh they are, unless the
    /// process has ended by itself already. What is left of the group gets them in any case. Tells
    /// whether the process itself had not ended.
    pub(super) fn signal(&self, harshness: Requested, signals: &[Signal]) -> bool {
        let mut state = self.state();
        let lives = match &mut *state {
            State::Running { requested, .. } => {
                let lives = !self.has_exited();
                if lives {
                    *requested = harshness.max(*requested);
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
            // Lost only if nobody is left to get it.
            let _ = rustix::process::kill_process_group(self.pid, signal);
        }
        lives
    }

    /// Reaps the process if it has ended; never waits. Whoever asks later gets the same answer.
    pub(super) fn reap(&self) -> Option<ExitRecord> {
        let mut state = self.state();
        let requested = match *state {
            State::Running { requested, .. } => requested,
            State::Ended { exit_record, .. } => return Some(exit_record),
        };
        let (exit, usage) = match sys::reap(self.pid()) {
            Ok(Reaped::NotYet) => return None,
            Ok(Reaped::Now { exit, usage }) => (Some(exit), usage),
            // Something else of this process reaped it, such as an ignored SIGCHLD.
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
        // Right after the reap, before the number can come round again.
        self.is_group_left(&mut group);
        *state = State::Ended { exit_record, group };
        registry::spawned().forget(self.pid());
        self.run.reaped(self.pid());
        Some(exit_record)
    }

    /// Stops waiting for a process that even SIGKILL does not end.
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

    /// Whether the kernel says that it has ended, reaped or not.
    pub(super) fn has_exited(&self) -> bool {
        let mut fds = [PollFd::new(&*self.pidfd, PollFlags::IN)];
        let now = rustix::event::Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        matches!(rustix::event::poll(&mut fds, Some(&now)), Ok(ready) if ready > 0)
    }

    /// Whether anybody of its process group is left, the process itself counted until reaped.
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
        // It was quicker than our SIGKILL.
        Requested::Termination | Requested::Kill => Ending::Terminated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_ours_only_if_we_asked_for_it() {
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
