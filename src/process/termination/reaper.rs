//! The thread that ends process trees, so that it gets done whatever becomes of their owners.
//!
//! Each tree on its way out is a [`Termination`]. The reaper sleeps on the descriptors of all that
//! it is ending and on a bell that rings when there are orders. About once a second while
//! anything lives, and shortly after anything ended, it looks for orphans: processes that left
//! their instance's session and outlived it.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::event::epoll::{self, EventData, EventFlags};

use crate::process::handle::{InstanceNumber, Process};
use crate::process::io::child::Grace;
use crate::process::proc;
use crate::process::spawn::shared::{INSTANCE_VARIABLE, RUN_VARIABLE, SpawnerShared};
use crate::process::spawn::spawner::Leftovers;
use crate::process::termination::registry::{self, Orphan};
use crate::process::termination::state::{Stage, Termination, send, watch};
use crate::process::termination::tree::Tree;
use crate::process::termination::watcher::Watcher;

/// How often orphans are looked for while anything lives.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How soon orphans are looked for after an instance ended.
const LOOK_AFTER_END: Duration = Duration::from_millis(250);
/// How often everything is looked at while closing.
const LOOK_WHILE_CLOSING: Duration = Duration::from_millis(50);
/// The instance of orphans that carry no mark of ours.
const UNMARKED: InstanceNumber = InstanceNumber(0);
/// What the bell's events carry; no instance ever gets this far.
const BELL: u64 = u64::MAX;

/// What the reaper can be told.
pub(in crate::process) enum ReaperCommand {
    /// End this instance's whole tree, with this patience.
    End { process: Arc<Process>, grace: Grace },
    /// This instance's program has ended and its output is done with; some of its group is left.
    Departed { process: Arc<Process> },
    /// Look for orphans soon.
    Look,
    /// End everything within this time, say what is left, and leave.
    Close {
        within: Duration,
        reply: Option<Sender<Leftovers>>,
        /// To be told that all is well, if it is.
        watcher: Option<Watcher>,
    },
    /// Panic.
    #[cfg(test)]
    Panic,
}

/// Under way to leaving.
struct Closing {
    by: Instant,
    grace: Grace,
    reply: Option<Sender<Leftovers>>,
    watcher: Option<Watcher>,
}

pub(in crate::process) struct Reaper {
    run: Arc<SpawnerShared>,
    orders: Receiver<ReaperCommand>,
    bell: OwnedFd,
    epoll: OwnedFd,
    terminations: HashMap<InstanceNumber, Termination>,
    /// When to look for orphans; `None` while nothing lives.
    look_at: Option<Instant>,
    closing: Option<Closing>,
    given_up: Vec<u32>,
}

impl Reaper {
    pub(in crate::process) fn new(
        run: Arc<SpawnerShared>,
        orders: Receiver<ReaperCommand>,
        bell: OwnedFd,
    ) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &bell, EventData::new_u64(BELL), EventFlags::IN)?;
        Ok(Reaper {
            run,
            orders,
            bell,
            epoll,
            terminations: HashMap::new(),
            look_at: None,
            closing: None,
            given_up: Vec::new(),
        })
    }

    /// Works until it is told to close and everything has ended, or its time is over.
    pub(in crate::process) fn work(mut self) {
        loop {
            let ended = self.sleep();
            self.take_orders();
            self.notice(&ended);
            self.advance();
            self.look_around();
            self.settle();
            if self.is_done() {
                break;
            }
        }
        let unreaped = self.terminations.values().flat_map(Termination::remaining);
        let mut pids: Vec<u32> = self.given_up.iter().copied().chain(unreaped).collect();
        pids.sort_unstable();
        pids.dedup();
        let Some(Closing { reply, watcher, .. }) = self.closing else {
            return;
        };
        let all_is_well = pids.is_empty();
        if let Some(reply) = reply {
            // Whoever asked may have stopped waiting.
            let _ = reply.send(Leftovers { pids });
        }
        if let Some(watcher) = watcher.filter(|_| all_is_well) {
            watcher.dismiss();
        }
    }

    /// Sleeps until somebody ends, the bell rings, or something is due; gives the instances of
    /// those that ended.
    fn sleep(&self) -> Vec<InstanceNumber> {
        let wake_at = self
            .terminations
            .values()
            .map(|termination| termination.due)
            .chain(self.look_at)
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
        let room = rustix::buffer::spare_capacity(&mut events);
        // Interrupted or not: what was missed is told again, or seen when it is due.
        let _ = epoll::wait(&self.epoll, room, timeout.as_ref());
        let mut ended = Vec::new();
        for event in &events {
            match event.data.u64() {
                // Silences the bell; the orders say what it rang for.
                BELL => drop(rustix::io::read(&self.bell, &mut [0; 8])),
                number => ended.push(InstanceNumber(number)),
            }
        }
        ended
    }

    fn take_orders(&mut self) {
        while let Ok(order) = self.orders.try_recv() {
            match order {
                ReaperCommand::End { process, grace } => {
                    self.end(process.instance, Some(process), grace)
                }
                ReaperCommand::Departed { process } => self.see_off(process),
                ReaperCommand::Look => self.look_by(Instant::now() + LOOK_AFTER_END),
                ReaperCommand::Close {
                    within,
                    reply,
                    watcher,
                } => {
                    let stage = within / 4;
                    let now = Instant::now();
                    self.look_at = Some(now);
                    self.closing = Some(Closing {
                        by: now + within,
                        grace: Grace::default().at_most(Grace {
                            hang_up: stage,
                            terminate: stage,
                        }),
                        reply,
                        watcher,
                    });
                }
                #[cfg(test)]
                ReaperCommand::Panic => panic!("requested to"),
            }
        }
    }

    /// The leader is gone: whoever of its group remains goes too, and its orphans soon after.
    fn see_off(&mut self, process: Arc<Process>) {
        self.look_by(Instant::now() + LOOK_AFTER_END);
        if self.terminations.contains_key(&process.instance) {
            return;
        }
        if process.group_lives() {
            self.end(process.instance, Some(process), Grace::SHORT);
        } else {
            self.run.forget(process.instance);
        }
    }

    fn look_by(&mut self, by: Instant) {
        self.look_at = Some(self.look_at.map_or(by, |at| at.min(by)));
    }

    /// Begins to end a tree, or hurries an end that is under way.
    fn end(&mut self, instance: InstanceNumber, leader: Option<Arc<Process>>, grace: Grace) {
        let now = Instant::now();
        if let Some(termination) = self.terminations.get_mut(&instance) {
            termination.grace = termination.grace.at_most(grace);
            termination.due = termination
                .due
                .min(now + termination.stage.patience(termination.grace));
            return;
        }
        let stage = Stage::HungUp.or_later(grace);
        let due = now + stage.patience(grace);
        let termination = Termination {
            leader,
            tree: Tree::default(),
            stage,
            grace,
            due,
            deserted: false,
        };
        if let Some(leader) = &termination.leader {
            let data = EventData::new_u64(instance.0);
            let once = EventFlags::IN | EventFlags::ONESHOT;
            // If it cannot be watched, its end is seen when the stage's patience is over.
            let _ = epoll::add(&self.epoll, leader.as_fd(), data, once);
        }
        let termination = self.terminations.entry(instance).or_insert(termination);
        send(termination, &self.epoll, instance);
    }

    /// Looks after the instances of which somebody ended.
    fn notice(&mut self, ended: &[InstanceNumber]) {
        for instance in ended {
            if let Some(termination) = self.terminations.get_mut(instance) {
                termination.look();
            }
        }
    }

    /// Moves those on whose patience is over.
    fn advance(&mut self) {
        let now = Instant::now();
        let mut given_up = Vec::new();
        for (&instance, termination) in &mut self.terminations {
            if termination.due > now {
                continue;
            }
            termination.look();
            match termination.stage.next(termination.grace) {
                _ if termination.deserted && termination.group_is_gone() => {}
                Some(stage) => {
                    termination.stage = stage;
                    termination.due = now + stage.patience(termination.grace);
                    send(termination, &self.epoll, instance);
                }
                None => given_up.push(instance),
            }
        }
        for instance in given_up {
            if let Some(termination) = self.terminations.remove(&instance) {
                self.given_up.extend(termination.remaining());
                if let Some(leader) = &termination.leader {
                    leader.give_up();
                }
                self.forget(instance, &termination);
            }
        }
    }

    /// Lets go of the trees that are gone for good, orphans included.
    fn settle(&mut self) {
        if !self
            .terminations
            .values()
            .any(|termination| termination.deserted)
        {
            return;
        }
        // One look for all of them: with thousands of children it is not cheap.
        self.adopt(&registry::spawned().sweep());
        let settled: Vec<InstanceNumber> = self
            .terminations
            .iter()
            .filter(|(_, termination)| termination.deserted && termination.group_is_gone())
            .map(|(&instance, _)| instance)
            .collect();
        for instance in settled {
            if let Some(termination) = self.terminations.remove(&instance) {
                self.forget(instance, &termination);
            }
        }
    }

    fn forget(&self, instance: InstanceNumber, termination: &Termination) {
        if let Some(leader) = &termination.leader {
            // The owner may keep the descriptor open; it concerns us no longer.
            let _ = epoll::delete(&self.epoll, leader.as_fd());
        }
        self.run.forget(instance);
    }

    /// Now and then: sees to orphans, and when closing, to whatever still lives.
    fn look_around(&mut self) {
        let now = Instant::now();
        if self.look_at.is_some_and(|at| at <= now) {
            self.look_at = None;
            self.run.looking();
            if let Some(grace) = self.closing.as_ref().map(|closing| closing.grace) {
                for process in self.run.running() {
                    self.end(process.instance, Some(process), grace);
                }
            }
            self.adopt(&registry::spawned().sweep());
        }
        if self.closing.is_some() {
            // What is being started right now shows up without ringing the bell.
            self.look_by(now + LOOK_WHILE_CLOSING);
        } else if self.run.any_live()
            || !self.terminations.is_empty()
            || !self.run.leave_unattended()
        {
            self.look_by(now + LOOK_EVERY);
        }
    }

    /// Ends the orphans of instances that have ended or are being ended.
    fn adopt(&mut self, orphans: &[Orphan]) {
        for orphan in orphans {
            let Some(instance) = self.instance_of(orphan) else {
                continue;
            };
            let departing = self.terminations.contains_key(&instance);
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
            let Some(termination) = self.terminations.get_mut(&instance) else {
                continue;
            };
            let session = orphan.session;
            let still = |pid| proc::stat(pid).is_some_and(|stat| stat.session == session);
            if termination
                .tree
                .add(orphan.pid, still)
                .is_some_and(|member| watch(&self.epoll, member, instance))
            {
                termination.deserted = false;
                send(termination, &self.epoll, instance);
            }
        }
    }

    /// Which instance an orphan belongs to, if it is this run's.
    fn instance_of(&self, orphan: &Orphan) -> Option<InstanceNumber> {
        let led = self.terminations.iter().find(|(_, termination)| {
            let leader = termination.leader.as_ref().map(|leader| leader.pid());
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
            _ if self.closing.is_some()
                && crate::process::spawn::spawner::is_the_only_spawner() =>
            {
                Some(UNMARKED)
            }
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
        self.terminations.is_empty() && !self.run.any_live()
    }
}
