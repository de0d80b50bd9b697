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

use super::registry;
use super::run::Run;
use super::sys::{self, Reaped};
use crate::model::{Ending, ExitCause, Usage};

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
pub(super) enum Asked {
    Nothing,
    ToEnd,
    /// It was killed on purpose, as if by somebody else; what is asked of it later comes too late.
    ToFall,
    Killed,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Death {
    /// `None` if the kernel never told: it was given up, or something else reaped it.
    pub(super) exit: Option<ExitCause>,
    pub(super) ending: Ending,
    pub(super) usage: Usage,
    pub(super) at: Instant,
}

enum State {
    Running {
        asked: Asked,
        /// Woken if the process is given up, which no descriptor tells.
        waker: Option<Waker>,
    },
    Ended {
        death: Death,
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
    pub(super) run: Arc<Run>,
    state: Mutex<State>,
}

impl Process {
    pub(super) fn new(
        pid: Pid,
        pidfd: OwnedFd,
        started_at: Instant,
        instance: InstanceNumber,
        run: Arc<Run>,
    ) -> Self {
        let state = Mutex::new(State::Running {
            asked: Asked::Nothing,
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
    pub(super) fn death(&self) -> Option<Death> {
        match *self.state() {
            State::Running { .. } => None,
            State::Ended { death, .. } => Some(death),
        }
    }

    /// How it ended, if that is known; else has `waker` woken if the process is given up.
    pub(super) fn death_or_wake(&self, new: &Waker) -> Option<Death> {
        match &mut *self.state() {
            State::Ended { death, .. } => return Some(*death),
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
    pub(super) fn signal(&self, harshness: Asked, signals: &[Signal]) -> bool {
        let mut state = self.state();
        let lives = match &mut *state {
            State::Running { asked, .. } => {
                let lives = !self.has_exited();
                if lives {
                    *asked = harshness.max(*asked);
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
    pub(super) fn reap(&self) -> Option<Death> {
        let mut state = self.state();
        let asked = match *state {
            State::Running { asked, .. } => asked,
            State::Ended { death, .. } => return Some(death),
        };
        let (exit, usage) = match sys::reap(self.pid()) {
            Ok(Reaped::NotYet) => return None,
            Ok(Reaped::Now { exit, usage }) => (Some(exit), usage),
            // Something else of this process reaped it, such as an ignored SIGCHLD.
            Err(_) if self.has_exited() => (None, Usage::default()),
            Err(_) => return None,
        };
        let death = Death {
            exit,
            ending: ending(asked, exit),
            usage,
            at: Instant::now(),
        };
        let mut group = Group::MayLive;
        // Right after the reap, before the number can come round again.
        self.is_group_left(&mut group);
        *state = State::Ended { death, group };
        registry::spawned().forget(self.pid());
        self.run.reaped(self.pid());
        Some(death)
    }

    /// Stops waiting for a process that even SIGKILL does not end.
    pub(super) fn give_up(&self) {
        let mut state = self.state();
        let death = Death {
            exit: None,
            ending: Ending::LeftOver,
            usage: Usage::default(),
            at: Instant::now(),
        };
        if let State::Running { waker, .. } = &mut *state {
            let waker = waker.take();
            *state = State::Ended {
                death,
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

fn ending(asked: Asked, exit: Option<ExitCause>) -> Ending {
    let by_sigkill = exit == Some(ExitCause::Signal(Signal::KILL.as_raw()));
    match asked {
        Asked::ToFall if by_sigkill => Ending::Injected,
        Asked::Nothing | Asked::ToFall => Ending::Itself,
        Asked::Killed if by_sigkill => Ending::Killed,
        // It was quicker than our SIGKILL.
        Asked::ToEnd | Asked::Killed => Ending::Terminated,
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
        assert_eq!(ending(Asked::Nothing, killed), Ending::Itself);
        assert_eq!(ending(Asked::Nothing, left), Ending::Itself);
        assert_eq!(ending(Asked::ToFall, killed), Ending::Injected);
        assert_eq!(ending(Asked::ToFall, left), Ending::Itself);
        assert_eq!(ending(Asked::ToEnd, hung_up), Ending::Terminated);
        assert_eq!(ending(Asked::ToEnd, left), Ending::Terminated);
        assert_eq!(ending(Asked::Killed, killed), Ending::Killed);
        assert_eq!(ending(Asked::Killed, left), Ending::Terminated);
    }
}
