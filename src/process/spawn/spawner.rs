//! Starting programs, on threads of their own or on the caller's.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::process::handle::Process;
use crate::process::io::child::Grace;
use crate::process::io::child::{Child, Wires};
use crate::process::io::pipes;
use crate::process::spawn::environment::Environment;
use crate::process::spawn::limits;
use crate::process::spawn::resolve;
use crate::process::spawn::shared::{RunMarker, SpawnerShared};
use crate::process::spawn::start::start;
use crate::process::sys;
use crate::process::termination::reaper::{Reaper, ReaperCommand};
use crate::process::termination::watcher::{Watcher, WatcherProgram};

/// What a program talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminal {
    /// A terminal of this size, which is the program's controlling terminal. All three standard
    /// streams are on it, so there is one output stream.
    Pty { rows: u16, columns: u16 },
    /// One pipe for each standard stream, and no controlling terminal.
    Pipes,
}

/// A program to start. Nothing is inherited and nothing is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// An absolute path, as [`resolve`](crate::process::resolve()) gives it.
    pub program: PathBuf,
    /// All of the program's arguments, its own name first.
    pub argv: Vec<OsString>,
    /// The whole environment; the run's marks are added to it.
    pub environment: Environment,
    /// The working directory.
    pub directory: PathBuf,
    pub terminal: Terminal,
}

/// Why a program could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The program itself is at fault; the text tells how.
    #[error(transparent)]
    Program(#[from] resolve::ResolveError),
    #[error("the working directory {} cannot be entered: {source}", directory.display())]
    Directory {
        directory: PathBuf,
        source: io::Error,
    },
    #[error("an argument or a variable for {} contains a NUL byte", program.display())]
    Nul { program: PathBuf },
    /// The machine, or a limit on this process, has no room for it.
    #[error("cannot {what}: {source}; {remedy}")]
    NoRoom {
        what: &'static str,
        remedy: &'static str,
        source: io::Error,
    },
    #[error("cannot {what} {}: {source}", program.display())]
    Failed {
        what: &'static str,
        program: PathBuf,
        source: io::Error,
    },
    /// [`Spawner::shutdown`] was called.
    #[error("no programs are started any more: the run is being shut down")]
    ShutDown,
}

/// What [`Spawner::shutdown`] could not end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Leftovers {
    /// Process numbers, in order.
    pub pids: Vec<u32>,
}

impl Leftovers {
    /// Whether everything is gone.
    pub fn is_empty(&self) -> bool {
        self.pids.is_empty()
    }
}

/// Starts programs on threads of its own, and sees to it that none outlives the run.
///
/// A clone is another handle of the same spawner. When the last handle is dropped without
/// [`shutdown`](Spawner::shutdown), everything is ended in the background.
#[derive(Clone)]
pub struct Spawner {
    inner: Arc<Inner>,
}

struct Inner {
    run: Arc<SpawnerShared>,
    /// There are no threads that start programs.
    starts_inline: bool,
    jobs: Arc<SpawnQueue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    watcher: Mutex<Option<Watcher>>,
}

/// How many spawners this process has.
static SPAWNERS: AtomicUsize = AtomicUsize::new(0);

pub(in crate::process) fn is_the_only_spawner() -> bool {
    SPAWNERS.load(Ordering::SeqCst) == 1
}

/// A program that was ordered.
enum Submitted {
    Started(Started),
    Awaited(oneshot::Receiver<Result<Started, SpawnError>>),
}

struct SpawnRequest {
    command: Command,
    reply: oneshot::Sender<Result<Started, SpawnError>>,
}

/// A program that runs and that no [`Child`] owns yet. Dropped as such, it is ended: whoever
/// ordered it is gone.
pub(in crate::process) struct Started {
    pub(in crate::process) process: Option<Arc<Process>>,
    pub(in crate::process) wires: Option<Wires>,
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            abandon(process);
        }
    }
}

/// Hands a process that has no owner any more to the reaper.
pub(in crate::process) fn abandon(process: Arc<Process>) {
    let run = Arc::clone(&process.run);
    if !run.order(ReaperCommand::End {
        process: Arc::clone(&process),
        grace: Grace::SHORT,
    }) {
        // The reaper left after ending everything: this can only be what it gave up.
        process.signal(
            crate::process::handle::Requested::Kill,
            &[rustix::process::Signal::KILL],
        );
        process.reap();
    }
}

impl Spawner {
    /// Starts `threads` threads that start programs and one that ends them. Without the former,
    /// programs are started on the caller's thread: that costs less, but holds up whatever else
    /// the thread has to do.
    ///
    /// This process becomes the parent of all orphans among its descendants, its limit of
    /// descriptors is raised as far as it may be (programs get the former limit), writing beyond
    /// its limit of file sizes becomes an error and no longer its end, and descriptors that it
    /// inherited are not passed on to programs. With `watcher`, a process is
    /// started that ends the run's programs should this process be killed; see
    /// [`watch_main`](crate::process::watch_main).
    ///
    /// SIGPIPE must stay ignored in this process, as Rust's start-up has it: programs close their
    /// input as they like.
    ///
    /// # Errors
    /// Whatever the kernel says when there is no room for a thread, a descriptor or the watcher.
    pub fn new(
        threads: usize,
        marker: RunMarker,
        watcher: Option<WatcherProgram>,
    ) -> io::Result<Self> {
        // For its effect only; programs are told apart by what is left when it fails.
        let _ = limits::raise_descriptor_limit();
        sys::keep_children_waitable();
        sys::survive_file_size_limit();
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        // Kernels before 5.11 do not know it. Nothing of our own needs it.
        let _ = sys::close_all_on_exec();
        let watcher = watcher
            .map(|program| Watcher::start(&program, &marker))
            .transpose()?;

        let (orders, order_box) = channel();
        let flags = rustix::event::EventfdFlags::CLOEXEC | rustix::event::EventfdFlags::NONBLOCK;
        let bell = pipes::above_standard(rustix::event::eventfd(0, flags)?)?;
        let heard = rustix::io::fcntl_dupfd_cloexec(&bell, 3)?;
        let run = Arc::new(SpawnerShared::new(
            marker,
            orders,
            bell,
            watcher.as_ref().map(Watcher::line),
        ));
        let reaper = Reaper::new(Arc::clone(&run), order_box, heard)?;

        let jobs = Arc::<SpawnQueue>::default();
        let mut handles = Vec::new();
        for number in 0..threads {
            let run = Arc::clone(&run);
            let jobs = Arc::clone(&jobs);
            let builder = thread::Builder::new().name(format!("spawner-{number}"));
            handles.push(builder.spawn(move || start_all(&run, &jobs))?);
        }
        let builder = thread::Builder::new().name("reaper".to_owned());
        let ours = Arc::clone(&run);
        handles.push(builder.spawn(move || keep_order(&ours, reaper))?);
        SPAWNERS.fetch_add(1, Ordering::SeqCst);
        Ok(Spawner {
            inner: Arc::new(Inner {
                run,
                starts_inline: threads == 0,
                jobs,
                threads: Mutex::new(handles),
                watcher: Mutex::new(watcher),
            }),
        })
    }

    /// Starts a program; the caller's thread does not wait.
    ///
    /// To be awaited where a tokio runtime with I/O and time runs on the caller's thread: the
    /// child is bound to it. If the future is dropped, the program is ended in case it was
    /// started.
    ///
    /// # Errors
    /// Why the program does not run. All that `execve(2)` has to say comes here, not later.
    pub async fn spawn(&self, command: Command) -> Result<Child, SpawnError> {
        let program = command.program.clone();
        let mut started = match self.order(command)? {
            Submitted::Started(started) => started,
            Submitted::Awaited(answer) => answer.await.map_err(|_| SpawnError::ShutDown)??,
        };
        let (Some(process), Some(wires)) = (started.process.take(), started.wires.take()) else {
            return Err(SpawnError::ShutDown);
        };
        Child::new(process, wires).map_err(|source| SpawnError::Failed {
            what: "watch",
            program,
            source,
        })
    }

    /// Has a program started, on this thread if there is no other for it.
    fn order(&self, command: Command) -> Result<Submitted, SpawnError> {
        if self.inner.starts_inline {
            // Held until the program counts as started, so that a shutdown cannot overlook it.
            let waiting = self.inner.jobs.lock();
            if waiting.closed {
                return Err(SpawnError::ShutDown);
            }
            return start(&self.inner.run, &command).map(Submitted::Started);
        }
        let (reply, answer) = oneshot::channel();
        self.inner.jobs.put(SpawnRequest { command, reply })?;
        Ok(Submitted::Awaited(answer))
    }

    /// The word that every process of this run carries in its environment.
    pub fn marker(&self) -> &RunMarker {
        &self.inner.run.marker
    }

    /// Ends everything that still lives, escapees included, and tells what could not be ended.
    /// Takes no longer than `within`, and blocks the caller's thread; nothing can be started
    /// afterwards. Children that still have owners tell of their end as ever.
    pub fn shutdown(&self, within: Duration) -> Leftovers {
        let (reply, answer) = channel();
        self.inner.close(within, Some(reply));
        // The reaper keeps the time; the margin only covers a machine that does not run it.
        let leftovers = answer
            .recv_timeout(within + Duration::from_secs(1))
            .unwrap_or_else(|_| Leftovers {
                pids: kill_all(&self.inner.run),
            });
        for handle in self
            .inner
            .threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain(..)
        {
            // A panic of such a thread was already told on stderr, and nothing depends on it now.
            let _ = handle.join();
        }
        leftovers
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    /// Starts nothing any more, and has everything ended. Refused by a reaper that was told
    /// before and has left.
    fn close(&self, within: Duration, reply: Option<Sender<Leftovers>>) {
        self.jobs.close();
        let watcher = lock(&self.watcher).take();
        self.run.order(ReaperCommand::Close {
            within,
            reply,
            watcher,
        });
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close(Duration::from_secs(5), None);
        SPAWNERS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// For how many jobs there is room for good.
const MOST_ROOM: usize = 64;

/// The programs that are to be started: first come, first served, by any of the threads.
#[derive(Default)]
struct SpawnQueue {
    waiting: Mutex<QueueState>,
    /// Wakes one thread for one job.
    bell: Condvar,
}

#[derive(Default)]
struct QueueState {
    jobs: VecDeque<SpawnRequest>,
    /// Nothing is started any more.
    closed: bool,
}

impl SpawnQueue {
    fn put(&self, job: SpawnRequest) -> Result<(), SpawnError> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(SpawnError::ShutDown);
        }
        waiting.jobs.push_back(job);
        drop(waiting);
        self.bell.notify_one();
        Ok(())
    }

    /// The next job; `None` when there can be no more.
    fn take(&self) -> Option<SpawnRequest> {
        let waiting = self.lock();
        let woken = self
            .bell
            .wait_while(waiting, |all| all.jobs.is_empty() && !all.closed);
        let mut waiting = woken.unwrap_or_else(PoisonError::into_inner);
        let next = waiting.jobs.pop_front();
        if waiting.jobs.is_empty() {
            // What thousands took that were ordered at once is not needed again soon.
            waiting.jobs.shrink_to(MOST_ROOM);
        }
        next
    }

    /// Whoever waits for a job that was not begun learns that it will not be.
    fn close(&self) {
        let mut waiting = self.lock();
        waiting.closed = true;
        waiting.jobs.clear();
        drop(waiting);
        self.bell.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        lock(&self.waiting)
    }
}

/// The work of the reaper's thread. Should the reaper panic, nobody would be left to end what
/// lives, and whoever awaits an end would wait for ever: so everything is killed at once.
fn keep_order(run: &SpawnerShared, reaper: Reaper) {
    let worked = catch_unwind(AssertUnwindSafe(|| reaper.work()));
    // Its letter box is gone by now, so whoever starts or abandons a program later is refused.
    if worked.is_err() {
        kill_all(run);
    }
}

/// Kills whatever runs, without patience and without its escapees; gives the pids of those whose
/// group is not gone yet.
fn kill_all(run: &SpawnerShared) -> Vec<u32> {
    let running = run.running().into_iter();
    let living = running.filter(|process| process.group_lives());
    living
        .filter_map(|process| {
            process.signal(
                crate::process::handle::Requested::Kill,
                &[rustix::process::Signal::KILL],
            );
            u32::try_from(process.pid()).ok()
        })
        .collect()
}

/// The work of a spawner's thread: one order after the other, until there can be no more.
fn start_all(run: &Arc<SpawnerShared>, jobs: &SpawnQueue) {
    while let Some(SpawnRequest { command, reply }) = jobs.take() {
        if reply.is_closed() {
            continue;
        }
        // Refused if nobody waits for it any more: its drop ends the program.
        let _ = reply.send(start(run, &command));
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::Pin;

    use futures_core::Stream as _;

    use super::*;
    use crate::model::ExitCause;
    use crate::process::ChildEvent;

    #[tokio::test(flavor = "local")]
    async fn a_panic_of_the_janitor_kills_what_lives_and_keeps_nobody_waiting() {
        let spawner = Spawner::new(0, RunMarker::unique(), None).unwrap();
        let ignoring = "trap '' HUP TERM; exec sleep 1000";
        let mut child = spawner
            .spawn(Command {
                program: PathBuf::from("/bin/sh"),
                argv: vec!["sh".into(), "-c".into(), ignoring.into()],
                environment: Environment::new([("PATH", "/usr/bin:/bin")]),
                directory: PathBuf::from("/"),
                terminal: Terminal::Pipes,
            })
            .await
            .unwrap();
        let mut events = child.events().unwrap();

        spawner.inner.run.order(ReaperCommand::Panic);

        let last = loop {
            match poll_fn(|task| Pin::new(&mut events).poll_next(task)).await {
                Some(ChildEvent::Exited { exit, .. }) => break exit,
                Some(_) => {}
                None => panic!("no end was told"),
            }
        };
        assert!(matches!(last, Some(ExitCause::Signal(9))), "{last:?}");
        assert!(spawner.shutdown(Duration::from_secs(5)).is_empty());
    }
}
