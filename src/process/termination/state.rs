//! One process tree on its way out.
//!
//! | stage | sent | ends when all are gone, or after | then |
//! | --- | --- | --- | --- |
//! | hung up | SIGHUP, SIGCONT | `Grace::hang_up` | terminated |
//! | terminated | SIGTERM, SIGCONT | `Grace::terminate` | killed |
//! | killed | SIGKILL | [`KILL_PATIENCE`] | given up, and told as left over |

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::process::Signal;

use crate::process::handle::{InstanceNumber, Process, Requested};
use crate::process::io::child::Grace;
use crate::process::termination::tree::Tree;

/// How long a killed process may take to be gone: long only if it hangs inside the kernel.
const KILL_PATIENCE: Duration = Duration::from_secs(2);

/// How far its end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::process) enum Stage {
    HungUp,
    Terminated,
    Killed,
}

impl Stage {
    pub(in crate::process) fn signals(self) -> &'static [Signal] {
        match self {
            // A stopped process takes nothing but a kill before it is continued.
            Stage::HungUp => &[Signal::HUP, Signal::CONT],
            Stage::Terminated => &[Signal::TERM, Signal::CONT],
            Stage::Killed => &[Signal::KILL],
        }
    }

    pub(in crate::process) fn harshness(self) -> Requested {
        match self {
            Stage::HungUp | Stage::Terminated => Requested::Termination,
            Stage::Killed => Requested::Kill,
        }
    }

    pub(in crate::process) fn patience(self, grace: Grace) -> Duration {
        match self {
            Stage::HungUp => grace.hang_up,
            Stage::Terminated => grace.terminate,
            Stage::Killed => KILL_PATIENCE,
        }
    }

    /// The first stage from this one on that `grace` gives any time.
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

/// One tree on its way out.
pub(in crate::process) struct Termination {
    /// `None` for orphans of an instance that has ended long ago.
    pub(in crate::process) leader: Option<Arc<Process>>,
    pub(in crate::process) tree: Tree,
    pub(in crate::process) stage: Stage,
    pub(in crate::process) grace: Grace,
    /// When the stage's patience ends.
    pub(in crate::process) due: Instant,
    /// Whether the leader and all known members were gone when one of them was last seen to end.
    pub(in crate::process) deserted: bool,
}

impl Termination {
    /// Sees who is still there.
    pub(in crate::process) fn look(&mut self) {
        self.tree.prune();
        let leader_is_gone = match &self.leader {
            Some(leader) => leader.reap().is_some(),
            None => true,
        };
        self.deserted = leader_is_gone && self.tree.is_empty();
    }

    pub(in crate::process) fn group_is_gone(&self) -> bool {
        self.leader
            .as_ref()
            .is_none_or(|leader| !leader.group_lives())
    }

    /// The pids that are still there.
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

/// Sends the stage's signals to all of a tree, including whoever joined it meanwhile.
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
        leader.signal(termination.stage.harshness(), signals);
    }
    termination.tree.signal(signals, root);
}

/// Has the reaper woken when a member ends; gives `true`, as its caller always goes on.
pub(in crate::process) fn watch(
    epoll: &OwnedFd,
    member: impl AsFd,
    instance: InstanceNumber,
) -> bool {
    let once = EventFlags::IN | EventFlags::ONESHOT;
    // If it cannot be watched, its end is seen when the stage's patience is over.
    let _ = epoll::add(epoll, member, EventData::new_u64(instance.0), once);
    true
}
