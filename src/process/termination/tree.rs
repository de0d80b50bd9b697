//! The processes below an instance, each held by a descriptor so that no signal meets a stranger.

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
    /// Takes hold of a process if `belongs` still says so once it is held: between the look at a
    /// number and the hold, the number may have passed to another process.
    fn hold(pid: i32, belongs: impl Fn(i32) -> bool) -> Option<Self> {
        let pidfd = rustix::process::pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
        belongs(pid).then_some(Member { pidfd })
    }

    /// Sends signals; those that are gone get none.
    fn signal(&self, signals: &[Signal]) {
        for &signal in signals {
            // Fails only for a process that is gone, or that runs as another user.
            let _ = rustix::process::pidfd_send_signal(&self.pidfd, signal);
        }
    }

    /// Whether it has ended, reaped or not.
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

/// The processes known to belong to one instance, its leader not among them.
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

    /// Adds one process, if `belongs` still says so once it is held, and gives it when it is new.
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

    /// Adds all that descends from `root` and from the members; `on_new` sees each new one.
    ///
    /// To be called before the tree is signalled: once a parent is gone, its children are
    /// somebody else's.
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

    /// Sends signals to all but the members of `group`, who get theirs together.
    pub(in crate::process) fn signal(&self, signals: &[Signal], group: Option<i32>) {
        for (&pid, member) in &self.members {
            if group.is_none() || proc::stat(pid).map(|stat| stat.group) != group {
                member.signal(signals);
            }
        }
    }

    /// Forgets those that have ended.
    pub(in crate::process) fn prune(&mut self) {
        self.members.retain(|_, member| !member.is_gone());
    }
}
