//! Termination state of one process tree.
//!
//! | stage | sent | ends when all are gone, or after | then |
//! | --- | --- | --- | --- |
//! | hung up | SIGHUP, SIGCONT | `Grace::hang_up` | terminated |
//! | terminated | SIGTERM, SIGCONT | `Grace::terminate` | killed |
//! | killed | SIGKILL | [`KILL_TIMEOUT`] | given up, and reported as left over |

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::process::Signal;

use crate::process::marker::InstanceNumber;
use crate::process::process_state::{Process, Requested};
use crate::process::termination::grace::Grace;
use crate::process::termination::tree::Tree;

/// The time for a killed process to exit, which is long only if it hangs inside the kernel.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);

/// The harshest signals that a tree was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::process) enum Stage {
    HungUp,
    Terminated,
    Killed,
}

impl Stage {
    pub(in crate::process) fn signals(self) -> &'static [Signal] {
        match self {
            // A stopped process handles no signal but SIGKILL until it is continued.
            Stage::HungUp => &[Signal::HUP, Signal::CONT],
            Stage::Terminated => &[Signal::TERM, Signal::CONT],
            Stage::Killed => &[Signal::KILL],
        }
    }

    pub(in crate::process) fn request(self) -> Requested {
        match self {
            Stage::HungUp | Stage::Terminated => Requested::Termination,
            Stage::Killed => Requested::Kill,
        }
    }

    pub(in crate::process) fn timeout(self, grace: Grace) -> Duration {
        match self {
            Stage::HungUp => grace.hang_up,
            Stage::Terminated => grace.terminate,
            Stage::Killed => KILL_TIMEOUT,
        }
    }

    /// Returns the first stage, from this one on, with a grace that is not zero.
    pub(in crate::process) fn or_later(self, grace: Grace) -> Stage {
        match self {
            Stage::HungUp if grace.hang_up.is_zero() => Stage::Terminated.or_later(grace),
            Stage::Terminated if grace.terminate.is_zero() => Stage::Killed,
            stage => stage,
        }
    }

    pub(in crate::process) fn next(self, grace: Grace) -> Option<Stage> {
        match self {
            Stage::HungUp => Some(Stage::Terminated.or_later(grace)),
            Stage::Terminated => Some(Stage::Killed),
            Stage::Killed => None,
        }
    }
}

/// A process tree that is being terminated.
pub(in crate::process) struct Termination {
    /// `None` for orphans of an instance that has ended before.
    pub(in crate::process) leader: Option<Arc<Process>>,
    pub(in crate::process) tree: Tree,
    pub(in crate::process) stage: Stage,
    pub(in crate::process) grace: Grace,
    /// The end of the stage's grace.
    pub(in crate::process) due: Instant,
    /// The leader and all known members had ended at the last check.
    pub(in crate::process) all_ended: bool,
}

impl Termination {
    /// Checks which members are still alive.
    pub(in crate::process) fn check(&mut self) {
        self.tree.prune();
        let leader_is_gone = match &self.leader {
            Some(leader) => leader.reap().is_some(),
            None => true,
        };
        self.all_ended = leader_is_gone && self.tree.is_empty();
    }

    pub(in crate::process) fn group_is_gone(&self) -> bool {
        self.leader
            .as_ref()
            .is_none_or(|leader| !leader.group_lives())
    }

    /// Returns the pids that are still alive.
    pub(in crate::process) fn remaining(&self) -> Vec<u32> {
        let leader = self
            .leader
            .as_ref()
            .filter(|leader| leader.reap().is_none());
        leader
            .map(|leader| leader.pid())
            .into_iter()
            .chain(self.tree.pids())
            .filter_map(|pid| u32::try_from(pid).ok())
            .collect()
    }
}

/// Sends the stage's signals to the whole tree, new descendants included.
pub(in crate::process) fn send(
    termination: &mut Termination,
    epoll: &OwnedFd,
    instance: InstanceNumber,
) {
    let root = termination.leader.as_ref().map(|leader| leader.pid());
    termination.tree.grow(root, |member| {
        watch(epoll, member, instance);
    });
    let signals = termination.stage.signals();
    if let Some(leader) = &termination.leader {
        leader.signal(termination.stage.request(), signals);
    }
    termination.tree.signal(signals, root);
}

/// Wakes the reaper when a member ends. Always returns `true`, for use in a chain.
pub(in crate::process) fn watch(
    epoll: &OwnedFd,
    member: impl AsFd,
    instance: InstanceNumber,
) -> bool {
    let once = EventFlags::IN | EventFlags::ONESHOT;
    // If this fails, the end is noticed when the stage's grace is over.
    let _ = epoll::add(epoll, member, EventData::new_u64(instance.0), once);
    true
}
