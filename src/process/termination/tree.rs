//! Descendants of an instance, each held by a pidfd so that no signal reaches a reused pid.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Signal};

use crate::process::proc;

/// One process of a tree.
pub(in crate::process) struct Member {
    pidfd: OwnedFd,
}

impl Member {
    /// Opens a process, and keeps it if `belongs` still returns `true` afterwards: before the
    /// pidfd was open, the pid may have been reused.
    fn hold(pid: i32, belongs: impl Fn(i32) -> bool) -> Option<Self> {
        let pidfd = rustix::process::pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
        belongs(pid).then_some(Member { pidfd })
    }

    /// Sends signals, if the process has not ended.
    fn signal(&self, signals: &[Signal]) {
        for &signal in signals {
            // Fails only for a process that has ended or runs as another user.
            let _ = rustix::process::pidfd_send_signal(&self.pidfd, signal);
        }
    }

    /// Returns `true` if the process has ended, reaped or not.
    fn is_gone(&self) -> bool {
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        matches!(rustix::event::poll(&mut fds, Some(&now)), Ok(ready) if ready > 0)
    }
}

impl AsFd for Member {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

/// The processes known to belong to one instance, without its leader.
#[derive(Default)]
pub(in crate::process) struct Tree {
    members: HashMap<i32, Member>,
}

impl Tree {
    pub(in crate::process) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(in crate::process) fn pids(&self) -> impl Iterator<Item = i32> {
        self.members.keys().copied()
    }

    /// Adds one process, if `belongs` returns `true` once it is held, and returns it if it is new.
    pub(in crate::process) fn add(
        &mut self,
        pid: i32,
        belongs: impl Fn(i32) -> bool,
    ) -> Option<&Member> {
        if self.members.contains_key(&pid) {
            return None;
        }
        let member = Member::hold(pid, belongs)?;
        Some(self.members.entry(pid).or_insert(member))
    }

    /// Adds all descendants of `root` and of the members, and calls `on_new` with each new one.
    ///
    /// Must be called before the tree is signalled: once a parent has ended, its children have
    /// another parent.
    pub(in crate::process) fn grow(&mut self, root: Option<i32>, mut on_new: impl FnMut(&Member)) {
        let roots: Vec<i32> = root.into_iter().chain(self.pids()).collect();
        for root in roots {
            for pid in proc::descendants(root) {
                let started = proc::stat(pid).map(|stat| stat.started);
                let same = |pid| started.is_some() && proc::stat(pid).map(|s| s.started) == started;
                if let Some(member) = self.add(pid, same) {
                    on_new(member);
                }
            }
        }
    }

    /// Sends signals to all processes outside of `group`, which is signalled as a whole.
    pub(in crate::process) fn signal(&self, signals: &[Signal], group: Option<i32>) {
        for (&pid, member) in &self.members {
            if group.is_none() || proc::stat(pid).map(|stat| stat.group) != group {
                member.signal(signals);
            }
        }
    }

    /// Removes the processes that have ended.
    pub(in crate::process) fn prune(&mut self) {
        self.members.retain(|_, member| !member.is_gone());
    }
}
