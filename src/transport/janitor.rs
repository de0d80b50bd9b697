//! The thread that ends process trees, so that it gets done whatever becomes of their owners.
//!
//! Each tree on its way out is a [`Departure`]. The janitor sleeps on the descriptors of all that
//! it is ending and on a bell that rings when there are orders. About once a second while
//! anything lives, and shortly after anything ended, it looks for orphans: processes that left
//! their instance's session and outlived it.
//!
//! | stage | sent | ends when all are gone, or after | then |
//! | --- | --- | --- | --- |
//! | hung up | SIGHUP, SIGCONT | `Grace::hang_up` | terminated |
//! | terminated | SIGTERM, SIGCONT | `Grace::terminate` | killed |
//! | killed | SIGKILL | [`KILL_PATIENCE`] | given up, and told as left over |

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::process::Signal;

use super::process::{Asked, InstanceNumber, Process};
use super::registry::{self, Orphan};
use super::run::{INSTANCE_VARIABLE, RUN_VARIABLE, Run};
use super::tree::Tree;
use super::{Grace, Leftovers, proc};

/// How long a killed process may take to be gone: long only if it hangs inside the kernel.
const KILL_PATIENCE: Duration = Duration::from_secs(2);
/// How often orphans are looked for while anything lives.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// How soon orphans are looked for after an instance ended.
const SWEEP_AFTER_END: Duration = Duration::from_millis(250);
/// How often everything is looked at while closing.
const SWEEP_WHILE_CLOSING: Duration = Duration::from_millis(50);
/// The instance of orphans that carry no mark of ours.
const UNMARKED: InstanceNumber = InstanceNumber(0);
/// What the bell's events carry; no instance ever gets this far.
const BELL: u64 = u64::MAX;

/// What the janitor can be told.
pub(super) enum Order {
    /// End this instance's whole tree, with this patience.
    End { process: Arc<Process>, grace: Grace },
    /// This instance's program has ended and its output is done with.
    Departed { process: Arc<Process> },
    /// End everything within this time, say what is left, and leave.
    Close {
        within: Duration,
        reply: Option<Sender<Leftovers>>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    HungUp,
    Terminated,
    Killed,
}

impl Stage {
    fn signals(self) -> &'static [Signal] {
        match self {
            // A stopped process takes nothing but a kill before it is continued.
            Stage::HungUp => &[Signal::HUP, Signal::CONT],
            Stage::Terminated => &[Signal::TERM, Signal::CONT],
            Stage::Killed => &[Signal::KILL],
        }
    }

    fn harshness(self) -> Asked {
        match self {
            Stage::HungUp | Stage::Terminated => Asked::ToEnd,
            Stage::Killed => Asked::Killed,
        }
    }

    fn patience(self, grace: Grace) -> Duration {
        match self {
            Stage::HungUp => grace.hang_up,
            Stage::Terminated => grace.terminate,
            Stage::Killed => KILL_PATIENCE,
        }
    }

    /// The first stage from this one on that `grace` gives any time.
    fn or_later(self, grace: Grace) -> Stage {
        match self {
            Stage::HungUp if grace.hang_up.is_zero() => Stage::Terminated.or_later(grace),
            Stage::Terminated if grace.terminate.is_zero() => Stage::Killed,
            stage => stage,
        }
    }

    fn next(self, grace: Grace) -> Option<Stage> {
        match self {
            Stage::HungUp => Some(Stage::Terminated.or_later(grace)),
            Stage::Terminated => Some(Stage::Killed),
            Stage::Killed => None,
        }
    }
}

/// One tree on its way out.
struct Departure {
    /// `None` for orphans of an instance that has ended long ago.
    leader: Option<Arc<Process>>,
    tree: Tree,
    stage: Stage,
    grace: Grace,
    /// When the stage's patience ends.
    due: Instant,
}

impl Departure {
    fn leader_is_gone(&self) -> bool {
        self.leader
            .as_ref()
            .is_none_or(|leader| leader.reap().is_some())
    }

    fn group_is_gone(&self) -> bool {
        self.leader
            .as_ref()
            .is_none_or(|leader| !leader.group_lives())
    }

    /// The pids that are still there.
    fn remaining(&self) -> Vec<u32> {
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

/// Under way to leaving.
struct Closing {
    by: Instant,
    grace: Grace,
    reply: Option<Sender<Leftovers>>,
}

pub(super) struct Janitor {
    run: Arc<Run>,
    orders: Receiver<Order>,
    bell: OwnedFd,
    epoll: OwnedFd,
    departures: HashMap<InstanceNumber, Departure>,
    /// When to look for orphans; `None` while nothing lives.
    sweep_at: Option<Instant>,
    closing: Option<Closing>,
    given_up: Vec<u32>,
}

impl Janitor {
    pub(super) fn new(run: Arc<Run>, orders: Receiver<Order>, bell: OwnedFd) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &bell, EventData::new_u64(BELL), EventFlags::IN)?;
        Ok(Janitor {
            run,
            orders,
            bell,
            epoll,
            departures: HashMap::new(),
            sweep_at: None,
            closing: None,
            given_up: Vec::new(),
        })
    }

    /// Works until it is told to close and everything has ended, or its time is over.
    pub(super) fn work(mut self) {
        loop {
            self.sleep();
            self.take_orders();
            self.end_what_still_lives();
            self.advance();
            self.look_for_orphans();
            self.settle();
            if self.is_done() {
                break;
            }
        }
        let unreaped = self.departures.values().flat_map(Departure::remaining);
        let mut pids: Vec<u32> = self.given_up.iter().copied().chain(unreaped).collect();
        pids.sort_unstable();
        pids.dedup();
        if let Some(Closing {
            reply: Some(reply), ..
        }) = self.closing
        {
            // Whoever asked may have stopped waiting.
            let _ = reply.send(Leftovers { pids });
        }
    }

    /// Sleeps until somebody ends, the bell rings, or something is due.
    fn sleep(&self) {
        let wake_at = self
            .departures
            .values()
            .map(|departure| departure.due)
            .chain(self.sweep_at)
            .chain(self.closing.as_ref().map(|closing| closing.by))
            .min();
        let timeout = wake_at.map(|at| {
            let left = at.saturating_duration_since(Instant::now());
            Timespec::try_from(left).unwrap_or(Timespec {
                tv_sec: 1,
                tv_nsec: 0,
            })
        });
        let mut events = Vec::with_capacity(256);
        // Interrupted or not: what there is to do is asked of each descriptor afterwards.
        let _ = epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(&mut events),
            timeout.as_ref(),
        );
        if events.iter().any(|event| event.data.u64() == BELL) {
            // Silences the bell; the orders say what it rang for.
            let _ = rustix::io::read(&self.bell, &mut [0; 8]);
        }
    }

    fn take_orders(&mut self) {
        while let Ok(order) = self.orders.try_recv() {
            match order {
                Order::End { process, grace } => self.end(process.instance, Some(process), grace),
                Order::Departed { process } => self.see_off(process),
                Order::Close { within, reply } => {
                    let stage = within / 4;
                    self.closing = Some(Closing {
                        by: Instant::now() + within,
                        grace: Grace::default().at_most(Grace {
                            hang_up: stage,
                            terminate: stage,
                        }),
                        reply,
                    });
                }
            }
        }
    }

    /// The leader is gone: whoever of its group remains goes too, and its orphans soon after.
    fn see_off(&mut self, process: Arc<Process>) {
        let soon = Instant::now() + SWEEP_AFTER_END;
        self.sweep_at = Some(self.sweep_at.map_or(soon, |at| at.min(soon)));
        if self.departures.contains_key(&process.instance) {
            return;
        }
        if process.group_lives() {
            self.end(process.instance, Some(process), Grace::SHORT);
        } else {
            self.run.forget(process.instance);
        }
    }

    fn end_what_still_lives(&mut self) {
        if self.sweep_at.is_none() && self.run.any_live() {
            self.sweep_at = Some(Instant::now() + SWEEP_EVERY);
        }
        let Some(grace) = self.closing.as_ref().map(|closing| closing.grace) else {
            return;
        };
        for process in self.run.running() {
            self.end(process.instance, Some(process), grace);
        }
        // What is being started right now shows up without ringing the bell.
        let soon = Instant::now() + SWEEP_WHILE_CLOSING;
        self.sweep_at = Some(self.sweep_at.map_or(soon, |at| at.min(soon)));
    }

    /// Begins to end a tree, or hurries an end that is under way.
    fn end(&mut self, instance: InstanceNumber, leader: Option<Arc<Process>>, grace: Grace) {
        let now = Instant::now();
        if let Some(departure) = self.departures.get_mut(&instance) {
            departure.grace = departure.grace.at_most(grace);
            departure.due = departure
                .due
                .min(now + departure.stage.patience(departure.grace));
            return;
        }
        let stage = Stage::HungUp.or_later(grace);
        let due = now + stage.patience(grace);
        let departure = Departure {
            leader,
            tree: Tree::default(),
            stage,
            grace,
            due,
        };
        if let Some(leader) = &departure.leader {
            let data = EventData::new_u64(instance.0);
            let once = EventFlags::IN | EventFlags::ONESHOT;
            // If it cannot be watched, its end is seen when the stage's patience is over.
            let _ = epoll::add(&self.epoll, leader.as_fd(), data, once);
        }
        let departure = self.departures.entry(instance).or_insert(departure);
        send(departure, &self.epoll, instance);
    }

    /// Moves those on whose patience is over.
    fn advance(&mut self) {
        let now = Instant::now();
        let mut given_up = Vec::new();
        for (&instance, departure) in &mut self.departures {
            departure.tree.prune();
            if departure.due > now
                || (departure.leader_is_gone()
                    && departure.group_is_gone()
                    && departure.tree.is_empty())
            {
                continue;
            }
            match departure.stage.next(departure.grace) {
                Some(stage) => {
                    departure.stage = stage;
                    departure.due = now + stage.patience(departure.grace);
                    send(departure, &self.epoll, instance);
                }
                None => given_up.push(instance),
            }
        }
        for instance in given_up {
            if let Some(departure) = self.departures.remove(&instance) {
                self.given_up.extend(departure.remaining());
                if let Some(leader) = &departure.leader {
                    leader.give_up();
                }
                self.forget(instance, &departure);
            }
        }
    }

    /// Lets go of the trees that are gone for good, orphans included.
    fn settle(&mut self) {
        let gone = |departure: &Departure| departure.leader_is_gone() && departure.tree.is_empty();
        if !self.departures.values().any(gone) {
            return;
        }
        // One look for all of them: with thousands of children it is not cheap.
        self.adopt(&registry::spawned().sweep());
        let settled: Vec<InstanceNumber> = self
            .departures
            .iter()
            .filter(|(_, departure)| gone(departure) && departure.group_is_gone())
            .map(|(&instance, _)| instance)
            .collect();
        for instance in settled {
            if let Some(departure) = self.departures.remove(&instance) {
                self.forget(instance, &departure);
            }
        }
    }

    fn forget(&self, instance: InstanceNumber, departure: &Departure) {
        if let Some(leader) = &departure.leader {
            // The owner may keep the descriptor open; it concerns us no longer.
            let _ = epoll::delete(&self.epoll, leader.as_fd());
        }
        self.run.forget(instance);
    }

    fn look_for_orphans(&mut self) {
        let now = Instant::now();
        if self.sweep_at.is_none_or(|at| at > now) {
            return;
        }
        self.adopt(&registry::spawned().sweep());
        let more = self.run.any_live() || !self.departures.is_empty();
        self.sweep_at = more.then(|| now + SWEEP_EVERY);
    }

    /// Ends the orphans of instances that have ended or are being ended.
    fn adopt(&mut self, orphans: &[Orphan]) {
        for orphan in orphans {
            let Some(instance) = self.instance_of(orphan) else {
                continue;
            };
            let departing = self.departures.contains_key(&instance);
            if self.run.is_live(instance) && !departing {
                continue;
            }
            if !departing {
                let grace = self
                    .closing
                    .as_ref()
                    .map_or(Grace::SHORT, |closing| closing.grace);
                self.end(instance, None, grace);
            }
            let Some(departure) = self.departures.get_mut(&instance) else {
                continue;
            };
            let session = orphan.session;
            let still = |pid| proc::stat(pid).is_some_and(|stat| stat.session == session);
            if departure
                .tree
                .add(orphan.pid, still)
                .is_some_and(|member| watch(&self.epoll, member, instance))
            {
                send(departure, &self.epoll, instance);
            }
        }
    }

    /// Which instance an orphan belongs to, if it is this run's.
    fn instance_of(&self, orphan: &Orphan) -> Option<InstanceNumber> {
        let led = self.departures.iter().find(|(_, departure)| {
            let leader = departure.leader.as_ref().map(|leader| leader.pid());
            leader == Some(orphan.session) || leader == Some(orphan.group)
        });
        if let Some((&instance, _)) = led {
            return Some(instance);
        }
        let environment = proc::environment(orphan.pid);
        match environment.get(RUN_VARIABLE) {
            Some(token) if token == self.run.marker.as_str() => {
                let number = environment.get(INSTANCE_VARIABLE)?.to_str()?.parse().ok()?;
                Some(InstanceNumber(number))
            }
            // It wiped its environment, or it belongs to a run inside an instance. Nobody else of
            // this process can be its origin if there is no other spawner.
            _ if self.closing.is_some() && super::spawn::is_the_only_spawner() => Some(UNMARKED),
            _ => None,
        }
    }

    fn is_done(&mut self) -> bool {
        let Some(closing) = &self.closing else {
            return false;
        };
        let by = closing.by;
        if self.is_quiet() {
            // Orphans may have come since the last look.
            self.adopt(&registry::spawned().sweep());
        }
        self.is_quiet() || Instant::now() >= by
    }

    fn is_quiet(&self) -> bool {
        self.departures.is_empty() && !self.run.any_live()
    }
}

/// Sends the stage's signals to all of a tree, including whoever joined it meanwhile.
fn send(departure: &mut Departure, epoll: &OwnedFd, instance: InstanceNumber) {
    let root = departure.leader.as_ref().map(|leader| leader.pid());
    departure.tree.grow(root, |member| {
        watch(epoll, member, instance);
    });
    let signals = departure.stage.signals();
    if let Some(leader) = &departure.leader {
        leader.signal(departure.stage.harshness(), signals);
    }
    departure.tree.signal(signals, root);
}

/// Has the janitor woken when a member ends; gives `true`, as its caller always goes on.
fn watch(epoll: &OwnedFd, member: impl AsFd, instance: InstanceNumber) -> bool {
    let once = EventFlags::IN | EventFlags::ONESHOT;
    // If it cannot be watched, its end is seen when the stage's patience is over.
    let _ = epoll::add(epoll, member, EventData::new_u64(instance.0), once);
    true
}
