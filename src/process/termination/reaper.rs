//! Reaper thread: terminates process trees independently of their owners.
//!
//! Each tree that is being terminated has a [`Termination`]. The reaper sleeps on the pidfds of
//! their processes and on an eventfd that signals commands. About once a second while an instance
//! is live, and shortly after one ended, it sweeps for orphans: processes that left their
//! instance's session and outlived it.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::process::Signal;

use crate::process::marker::{INSTANCE_VARIABLE, InstanceNumber, RUN_VARIABLE};
use crate::process::proc;
use crate::process::process_state::Process;
use crate::process::spawn::shared::{SpawnerCount, SpawnerShared};
use crate::process::termination::command::{Leftovers, ReaperCommand};
use crate::process::termination::grace::Grace;
use crate::process::termination::registry::{self, Orphan};
use crate::process::termination::state::{Stage, Termination, send, watch};
use crate::process::termination::tree::Tree;
use crate::process::termination::watcher::Watcher;

/// The interval of sweeps for orphans while any instance is live.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// The delay of the sweep after the end of an instance.
const SWEEP_DELAY: Duration = Duration::from_millis(250);
/// The interval of sweeps during the shutdown.
const SHUTDOWN_INTERVAL: Duration = Duration::from_millis(50);
/// The maximum time of one hunt for orphans.
const HUNT: Duration = Duration::from_millis(200);
/// The instance of orphans without a mark of this run.
const UNMARKED: InstanceNumber = InstanceNumber(0);
/// The epoll data of the wakeup descriptor; no instance number reaches it.
const WAKEUP: u64 = u64::MAX;
/// The epoll data of the watcher process.
const WATCHER: u64 = u64::MAX - 1;
/// The maximum number of watchers that are started in the place of one that was killed.
const MAX_WATCHERS: u32 = 20;

/// The shutdown that is in progress.
struct Shutdown {
    by: Instant,
    /// The beginning of the hunt for orphans that fork and exit faster than they are killed.
    hunt_from: Instant,
    grace: Grace,
    reply: Option<Sender<Leftovers>>,
}

/// The reason for which a wait of the reaper ended.
#[derive(Default)]
struct Wakeup {
    /// The instances of the processes that ended.
    ended: Vec<InstanceNumber>,
    is_watcher_lost: bool,
}

/// The state of the reaper thread.
pub(in crate::process) struct Reaper {
    shared: Arc<SpawnerShared>,
    commands: Receiver<ReaperCommand>,
    wakeup: OwnedFd,
    epoll: OwnedFd,
    terminations: HashMap<InstanceNumber, Termination>,
    /// The time of the next sweep for orphans; `None` while no instance is live.
    sweep_at: Option<Instant>,
    shutdown: Option<Shutdown>,
    given_up: Vec<u32>,
    /// Dismissed if nothing is left in the end.
    watcher: Option<Watcher>,
    /// The number of watchers that were killed.
    lost_watchers: u32,
}

impl Reaper {
    pub(in crate::process) fn new(
        shared: Arc<SpawnerShared>,
        commands: Receiver<ReaperCommand>,
        wakeup: OwnedFd,
        watcher: Option<Watcher>,
    ) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &wakeup, EventData::new_u64(WAKEUP), EventFlags::IN)?;
        if let Some(watcher) = &watcher {
            watch_watcher(&epoll, watcher);
        }
        Ok(Reaper {
            shared,
            commands,
            wakeup,
            epoll,
            terminations: HashMap::new(),
            sweep_at: None,
            shutdown: None,
            given_up: Vec::new(),
            watcher,
            lost_watchers: 0,
        })
    }

    /// Runs until a shutdown has ended everything or its time is over.
    pub(in crate::process) fn run(mut self) {
        loop {
            let Wakeup {
                ended,
                is_watcher_lost,
            } = self.wait();
            if is_watcher_lost {
                self.replace_watcher();
            }
            self.receive_commands();
            self.check(&ended);
            self.escalate();
            self.sweep_if_due();
            self.remove_ended();
            if self.is_done() {
                break;
            }
        }
        let mut pids = self.left_over();
        pids.sort_unstable();
        pids.dedup();
        let Some(Shutdown { reply, .. }) = self.shutdown else {
            return;
        };
        let nothing_left = pids.is_empty();
        if let Some(reply) = reply {
            // The caller may have stopped waiting.
            let _ = reply.send(Leftovers { pids });
        }
        if let Some(watcher) = self.watcher.filter(|_| nothing_left) {
            watcher.dismiss();
        }
    }

    /// Returns the processes of the run that are alive.
    fn left_over(&self) -> Vec<u32> {
        let unreaped = self.terminations.values().flat_map(Termination::remaining);
        let lives = |pid: &u32| {
            let stat = i32::try_from(*pid).ok().and_then(proc::stat);
            stat.is_some_and(|stat| !stat.is_dead())
        };
        let given_up = self.given_up.iter().copied().filter(lives);
        let orphans = registry::spawned().sweep().into_iter();
        let orphans = orphans.filter(|orphan| self.instance_of(orphan).is_some());
        let orphans = orphans.filter_map(|orphan| u32::try_from(orphan.pid).ok());
        unreaped.chain(given_up).chain(orphans).collect()
    }

    /// Kills orphans as fast as they can be found. A process that forks, exits and does so again
    /// in its child has another pid at each look, and lives for less than a usual sweep takes.
    fn hunt(&self, until: Instant) {
        while Instant::now() < until {
            let orphans = registry::spawned().sweep();
            let mut found = Tree::default();
            for orphan in &orphans {
                if self.instance_of(orphan).is_some() {
                    let session = orphan.session;
                    found.add(orphan.pid, |pid| {
                        proc::stat(pid).is_some_and(|stat| stat.session == session)
                    });
                }
            }
            if found.is_empty() {
                return;
            }
            found.signal(&[Signal::KILL], None);
        }
    }

    /// Waits until a process ends, a command arrives, or something is due.
    fn wait(&self) -> Wakeup {
        let wake_at = self
            .terminations
            .values()
            .map(|termination| termination.due)
            .chain(self.sweep_at)
            .chain(self.shutdown.as_ref().map(|shutdown| shutdown.by))
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
        // Interrupted or not: the events remain, and what is due is noticed below.
        let _ = epoll::wait(&self.epoll, room, timeout.as_ref());
        let mut wakeup = Wakeup::default();
        for event in &events {
            match event.data.u64() {
                // Resets the eventfd; the commands are in the channel.
                WAKEUP => drop(rustix::io::read(&self.wakeup, &mut [0; 8])),
                WATCHER => wakeup.is_watcher_lost = true,
                number => wakeup.ended.push(InstanceNumber(number)),
            }
        }
        wakeup
    }

    /// Starts another watcher after this one was killed from outside.
    fn replace_watcher(&mut self) {
        const KILLED: &str = "the process that ends the programs if Rehearsal is killed was itself \
                              killed from outside";
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        self.lost_watchers += 1;
        let restarted = if self.lost_watchers > MAX_WATCHERS {
            Err(io::Error::other(format!("{MAX_WATCHERS} were killed")))
        } else {
            watcher.restart()
        };
        match restarted {
            Ok(()) => {
                watch_watcher(&self.epoll, watcher);
                self.shared.introduce_watcher();
                self.shared
                    .notice(format!("{KILLED}; another one was started"));
            }
            Err(error) => {
                self.watcher = None;
                self.shared
                    .notice(format!("{KILLED}, and no other one is started: {error}"));
            }
        }
    }

    fn receive_commands(&mut self) {
        while let Ok(command) = self.commands.try_recv() {
            match command {
                ReaperCommand::Terminate { process, grace } => {
                    self.terminate(process.instance, Some(process), grace)
                }
                ReaperCommand::EndGroup { process } => self.end_group(process),
                ReaperCommand::Sweep => self.sweep_by(Instant::now() + SWEEP_DELAY),
                ReaperCommand::Shutdown { within, reply } => {
                    let stage = within / 4;
                    let now = Instant::now();
                    self.sweep_at = Some(now);
                    self.shutdown = Some(Shutdown {
                        by: now + within,
                        hunt_from: now + within / 2,
                        grace: Grace::default().at_most(Grace {
                            hang_up: stage,
                            terminate: stage,
                        }),
                        reply,
                    });
                }
                #[cfg(test)]
                ReaperCommand::Panic => panic!("requested to"),
            }
        }
    }

    /// Ends what is left of a group whose leader has exited, and soon its orphans.
    fn end_group(&mut self, process: Arc<Process>) {
        self.sweep_by(Instant::now() + SWEEP_DELAY);
        if self.terminations.contains_key(&process.instance) {
            return;
        }
        if process.group_lives() {
            self.terminate(process.instance, Some(process), Grace::SHORT);
        } else {
            self.shared.forget(process.instance);
        }
    }

    fn sweep_by(&mut self, by: Instant) {
        self.sweep_at = Some(self.sweep_at.map_or(by, |at| at.min(by)));
    }

    /// Begins to terminate a tree, or shortens the grace of a termination in progress.
    fn terminate(&mut self, instance: InstanceNumber, leader: Option<Arc<Process>>, grace: Grace) {
        let now = Instant::now();
        if let Some(termination) = self.terminations.get_mut(&instance) {
            termination.grace = termination.grace.at_most(grace);
            termination.due = termination
                .due
                .min(now + termination.stage.timeout(termination.grace));
            return;
        }
        let stage = Stage::HungUp.or_later(grace);
        let due = now + stage.timeout(grace);
        let termination = Termination {
            leader,
            tree: Tree::default(),
            stage,
            grace,
            due,
            all_ended: false,
        };
        if let Some(leader) = &termination.leader {
            let data = EventData::new_u64(instance.0);
            let once = EventFlags::IN | EventFlags::ONESHOT;
            // If this fails, the end is noticed when the stage's grace is over.
            let _ = epoll::add(&self.epoll, leader.as_fd(), data, once);
        }
        let termination = self.terminations.entry(instance).or_insert(termination);
        send(termination, &self.epoll, instance);
    }

    /// Checks the instances of processes that ended.
    fn check(&mut self, ended: &[InstanceNumber]) {
        for instance in ended {
            if let Some(termination) = self.terminations.get_mut(instance) {
                termination.check();
            }
        }
    }

    /// Moves trees whose grace is over to the next stage.
    fn escalate(&mut self) {
        let now = Instant::now();
        let mut given_up = Vec::new();
        for (&instance, termination) in &mut self.terminations {
            if termination.due > now {
                continue;
            }
            termination.check();
            match termination.stage.next(termination.grace) {
                _ if termination.all_ended && termination.group_is_gone() => {}
                Some(stage) => {
                    termination.stage = stage;
                    termination.due = now + stage.timeout(termination.grace);
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

    /// Removes the trees that have ended completely, orphans included.
    fn remove_ended(&mut self) {
        if !self
            .terminations
            .values()
            .any(|termination| termination.all_ended)
        {
            return;
        }
        // One sweep for all of them: with thousands of children it is not cheap.
        self.adopt(&registry::spawned().sweep());
        let ended: Vec<InstanceNumber> = self
            .terminations
            .iter()
            .filter(|(_, termination)| termination.all_ended && termination.group_is_gone())
            .map(|(&instance, _)| instance)
            .collect();
        for instance in ended {
            if let Some(termination) = self.terminations.remove(&instance) {
                self.forget(instance, &termination);
            }
        }
    }

    fn forget(&self, instance: InstanceNumber, termination: &Termination) {
        if let Some(leader) = &termination.leader {
            // The owner may keep the descriptor open, so it does not leave the epoll set by itself.
            let _ = epoll::delete(&self.epoll, leader.as_fd());
        }
        self.shared.forget(instance);
    }

    /// Sweeps for orphans when due, and during a shutdown terminates everything that runs.
    fn sweep_if_due(&mut self) {
        let now = Instant::now();
        if self.sweep_at.is_some_and(|at| at <= now) {
            self.sweep_at = None;
            self.shared.begin_sweep();
            if let Some(grace) = self.shutdown.as_ref().map(|shutdown| shutdown.grace) {
                for process in self.shared.running() {
                    self.terminate(process.instance, Some(process), grace);
                }
            }
            self.adopt(&registry::spawned().sweep());
        }
        if let Some(shutdown) = self.shutdown.as_ref().filter(|it| it.hunt_from <= now) {
            self.hunt(shutdown.by.min(now + HUNT));
        }
        if self.shutdown.is_some() {
            // Programs that are being started now appear without a command.
            self.sweep_by(now + SHUTDOWN_INTERVAL);
        } else if self.shared.any_live()
            || !self.terminations.is_empty()
            || !self.shared.stop_sweeping()
        {
            self.sweep_by(now + SWEEP_INTERVAL);
        }
    }

    /// Terminates the orphans of instances that have ended or are being terminated.
    fn adopt(&mut self, orphans: &[Orphan]) {
        for orphan in orphans {
            let Some(instance) = self.instance_of(orphan) else {
                continue;
            };
            let terminating = self.terminations.contains_key(&instance);
            if self.shared.is_live(instance) && !terminating {
                continue;
            }
            if !terminating {
                let grace = self
                    .shutdown
                    .as_ref()
                    .map_or(Grace::SHORT, |shutdown| shutdown.grace);
                self.terminate(instance, None, grace);
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
                termination.all_ended = false;
                send(termination, &self.epoll, instance);
            }
        }
    }

    /// Returns the instance that an orphan belongs to, if it is this run's.
    fn instance_of(&self, orphan: &Orphan) -> Option<InstanceNumber> {
        let led = self.terminations.iter().find(|(_, termination)| {
            let leader = termination.leader.as_ref().map(|leader| leader.pid());
            leader == Some(orphan.session) || leader == Some(orphan.group)
        });
        if let Some((&instance, _)) = led {
            return Some(instance);
        }
        let environment = proc::environ(orphan.pid);
        match environment.get(RUN_VARIABLE) {
            Some(token) if token == self.shared.marker.as_str() => {
                let number = environment.get(INSTANCE_VARIABLE)?.to_str()?.parse().ok()?;
                Some(InstanceNumber(number))
            }
            // It cleared its environment, or it belongs to a run inside an instance. Without
            // another spawner in this process it descends from this run.
            _ if self.shutdown.is_some()
                && (SpawnerCount::is_one() || self.shared.has_mark(orphan.pid)) =>
            {
                Some(UNMARKED)
            }
            _ => None,
        }
    }

    fn is_done(&mut self) -> bool {
        let Some(shutdown) = &self.shutdown else {
            return false;
        };
        let by = shutdown.by;
        if self.is_quiet() {
            // Orphans may have appeared since the last sweep.
            self.adopt(&registry::spawned().sweep());
        }
        self.is_quiet() || Instant::now() >= by
    }

    fn is_quiet(&self) -> bool {
        self.terminations.is_empty() && !self.shared.any_live()
    }
}

/// Wakes the reaper when the watcher ends.
fn watch_watcher(epoll: &OwnedFd, watcher: &Watcher) {
    let once = EventFlags::IN | EventFlags::ONESHOT;
    // If this fails, a watcher that is killed is missed; the run goes on as well without it.
    let _ = epoll::add(epoll, watcher, EventData::new_u64(WATCHER), once);
}
