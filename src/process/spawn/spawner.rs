//! Front end of process creation: one spawner per run.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::process::io::child::Child;
use crate::process::io::pipes;
use crate::process::marker::RunMarker;
use crate::process::spawn::command::{Command, SpawnError};
use crate::process::spawn::limits;
use crate::process::spawn::queue::{SpawnQueue, SpawnRequest, serve};
use crate::process::spawn::shared::{SpawnerCount, SpawnerShared};
use crate::process::spawn::start::start;
use crate::process::spawn::started::Started;
use crate::process::sys;
use crate::process::termination::command::{Leftovers, ReaperCommand};
use crate::process::termination::reaper::Reaper;
use crate::process::termination::watcher::{Watcher, WatcherProgram};

/// A starter of programs that ends all of them with the run.
///
/// A clone is another handle of the same spawner. When the last handle is dropped without
/// [`shutdown`](Spawner::shutdown), everything is terminated in the background.
#[derive(Clone)]
pub struct Spawner {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<SpawnerShared>,
    starts: Starts,
    queue: Arc<SpawnQueue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Dropped after the shutdown was requested.
    _count: SpawnerCount,
}

/// The threads on which programs are started.
#[derive(Clone, Copy)]
enum Starts {
    Inline,
    OnThreads,
}

impl Spawner {
    /// Starts `threads` spawner threads and the reaper thread. Without spawner threads, programs
    /// are started on the caller's thread, which costs less but delays its other tasks.
    ///
    /// This process becomes the parent of all orphans among its descendants, its limit of
    /// descriptors is raised as far as it may be (programs get the former limit), writing beyond
    /// its limit of file sizes becomes an error instead of a fatal signal, and descriptors that it
    /// inherited are not passed on to programs. With `watcher`, a process is started that ends the
    /// run's programs if this process is killed; see [`watch_main`](crate::process::watch_main).
    ///
    /// SIGPIPE must stay ignored in this process, as Rust's runtime sets it: programs may close
    /// their input at any time.
    ///
    /// # Errors
    /// The kernel's error if there is no room for a thread, a descriptor or the watcher.
    pub fn new(
        threads: usize,
        marker: RunMarker,
        watcher: Option<WatcherProgram>,
    ) -> io::Result<Self> {
        // Best effort: a start that finds no free descriptor reports the limit.
        let _ = limits::raise_descriptor_limit();
        sys::keep_children_waitable();
        sys::ignore_file_size_signal();
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        // Kernels before 5.11 do not have it. Descriptors of this library do not need it.
        let _ = sys::close_all_on_exec();
        let watcher = watcher
            .map(|program| Watcher::start(program, marker.clone()))
            .transpose()?;

        let (sender, commands) = channel();
        let flags = rustix::event::EventfdFlags::CLOEXEC | rustix::event::EventfdFlags::NONBLOCK;
        let wakeup = pipes::above_standard(rustix::event::eventfd(0, flags)?)?;
        let reaper_wakeup = rustix::io::fcntl_dupfd_cloexec(&wakeup, 3)?;
        let shared = Arc::new(SpawnerShared::new(
            marker,
            sender,
            wakeup,
            watcher.as_ref().map(Watcher::pipe),
        ));
        let reaper = Reaper::new(Arc::clone(&shared), commands, reaper_wakeup, watcher)?;

        let queue = Arc::<SpawnQueue>::default();
        let mut handles = Vec::new();
        for number in 0..threads {
            let shared = Arc::clone(&shared);
            let queue = Arc::clone(&queue);
            let builder = thread::Builder::new().name(format!("spawner-{number}"));
            handles.push(builder.spawn(move || serve(&shared, &queue))?);
        }
        let builder = thread::Builder::new().name("reaper".to_owned());
        let for_reaper = Arc::clone(&shared);
        handles.push(builder.spawn(move || run_reaper(&for_reaper, reaper))?);
        Ok(Spawner {
            inner: Arc::new(Inner {
                shared,
                starts: match threads {
                    0 => Starts::Inline,
                    _ => Starts::OnThreads,
                },
                queue,
                threads: Mutex::new(handles),
                _count: SpawnerCount::increment(),
            }),
        })
    }

    /// Starts a program without blocking the caller's thread.
    ///
    /// Must be awaited on a thread that runs a tokio runtime with I/O and time: the child is
    /// bound to it. If the future is dropped, the program is terminated in case it was started.
    ///
    /// # Errors
    /// The reason why the program does not run, including every error of `execve(2)`.
    pub async fn spawn(&self, command: Command) -> Result<Child, SpawnError> {
        let program = command.program.clone();
        let started = self.start(command).await?;
        Child::new(started).map_err(|source| SpawnError::Failed {
            what: "watch",
            program,
            source,
        })
    }

    async fn start(&self, command: Command) -> Result<Started, SpawnError> {
        let Inner { shared, queue, .. } = &*self.inner;
        match self.inner.starts {
            Starts::Inline => queue.run_inline(|| start(shared, &command)),
            Starts::OnThreads => {
                let (reply, answer) = oneshot::channel();
                queue.push(SpawnRequest { command, reply })?;
                answer.await.map_err(|_| SpawnError::ShutDown)?
            }
        }
    }

    /// Calls `notify` with a sentence about each unexpected event from now on that concerns the run
    /// as a whole, on another thread. Only the first call has an effect.
    pub fn on_notice(&self, notify: impl Fn(String) + Send + Sync + 'static) {
        self.inner.shared.on_notice(Box::new(notify));
    }

    /// Returns the marker that every process of this run carries in its environment.
    pub fn marker(&self) -> &RunMarker {
        &self.inner.shared.marker
    }

    /// Terminates everything that is still alive, processes that left their session included, and
    /// returns what could not be ended.
    ///
    /// Takes no longer than `within`, and blocks the caller's thread; no program can be started
    /// afterwards. Events of children that still have owners are reported as usual.
    pub fn shutdown(&self, within: Duration) -> Leftovers {
        let (reply, answer) = channel();
        self.inner.close(within, Some(reply));
        // The reaper keeps the time; the margin only covers a machine that does not schedule it.
        let leftovers = answer
            .recv_timeout(within + Duration::from_secs(1))
            .unwrap_or_else(|_| Leftovers {
                pids: self.inner.shared.kill_all(),
            });
        let mut threads = lock(&self.inner.threads);
        for handle in threads.drain(..) {
            // A panic of the thread was printed on stderr, and nothing depends on it now.
            let _ = handle.join();
        }
        leftovers
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    /// Refuses further programs, and commands the reaper to end everything.
    fn close(&self, within: Duration, reply: Option<Sender<Leftovers>>) {
        self.queue.close();
        // Refused only by a reaper that was shut down before.
        self.shared
            .command(ReaperCommand::Shutdown { within, reply });
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close(Duration::from_secs(5), None);
    }
}

/// Runs the reaper: the body of its thread. If it panics, everything is killed at once, because
/// otherwise nothing would end the live processes and their owners would wait for ever.
fn run_reaper(shared: &SpawnerShared, reaper: Reaper) {
    let result = catch_unwind(AssertUnwindSafe(|| reaper.run()));
    // The command channel is closed by now, so later starts and terminations are refused.
    if result.is_err() {
        shared.kill_all();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::path::PathBuf;
    use std::pin::Pin;

    use futures_core::Stream as _;

    use super::*;
    use crate::model::{ExitCause, TerminalKind};
    use crate::process::{ChildEvent, Environment};

    #[tokio::test(flavor = "local")]
    async fn a_panic_of_the_reaper_kills_live_processes_and_reports_their_exit() {
        let spawner = Spawner::new(0, RunMarker::unique(), None).unwrap();
        let ignoring = "trap '' HUP TERM; exec sleep 1000";
        let mut child = spawner
            .spawn(Command {
                program: PathBuf::from("/bin/sh"),
                argv: vec!["sh".into(), "-c".into(), ignoring.into()],
                environment: Environment::new([("PATH", "/usr/bin:/bin")]),
                directory: PathBuf::from("/"),
                terminal: TerminalKind::Pipes,
            })
            .await
            .unwrap();
        let mut events = child.events().unwrap();

        spawner.inner.shared.command(ReaperCommand::Panic);

        let last = loop {
            match poll_fn(|task| Pin::new(&mut events).poll_next(task)).await {
                Some(ChildEvent::Exited { exit, .. }) => break exit,
                Some(_) => {}
                None => panic!("no exit was reported"),
            }
        };
        assert!(matches!(last, Some(ExitCause::Signal(9))), "{last:?}");
        assert!(spawner.shutdown(Duration::from_secs(5)).is_empty());
    }
}
