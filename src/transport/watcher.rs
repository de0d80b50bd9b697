//! The process that ends a run's programs when the run itself is killed.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::run::RunMarker;
use super::sys::{self, Blocked, FileAction, SpawnPlan};
use super::{pipes, registry};

/// The first argument that makes a program a watcher.
const WATCH: &str = "__watch";

/// How to start a watcher: a program that calls [`watch_main`] before anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatcherProgram {
    /// Usually this very program: `std::env::current_exe()`.
    pub program: PathBuf,
    /// A directory that belongs to the run alone, removed if the run is killed.
    pub temporary: Option<PathBuf>,
}

/// A running watcher, as the watched see it.
pub(super) struct Watcher {
    pid: i32,
    /// Its closing tells the watcher that we are gone.
    pipe: OwnedFd,
}

impl Watcher {
    pub(super) fn start(watcher: &WatcherProgram, marker: &RunMarker) -> io::Result<Self> {
        let (read, pipe) = pipes::pipe()?;
        let string = |text: &OsStr| CString::new(text.as_bytes());
        let program = string(watcher.program.as_os_str())?;
        let mut argv = vec![
            program.clone(),
            string(OsStr::new(WATCH))?,
            string(OsStr::new(marker.as_str()))?,
        ];
        if let Some(temporary) = &watcher.temporary {
            argv.push(string(temporary.as_os_str())?);
        }
        let actions = [
            FileAction::Duplicate {
                source: read.as_raw_fd(),
                target: 0,
            },
            FileAction::OpenBoth {
                path: c"/dev/null",
                target: 1,
            },
            FileAction::OpenBoth {
                path: c"/dev/null",
                target: 2,
            },
            FileAction::ChangeDirectory { path: c"/" },
        ];
        let plan = SpawnPlan {
            program: &program,
            argv: &argv,
            environment: &[],
            actions: &actions,
            blocked: Blocked::RequestsToStop,
        };
        let pid = registry::spawned().enter(|| sys::spawn(&plan))?;
        Ok(Watcher { pid, pipe })
    }

    /// Tells it that all is well, and sees it leave.
    pub(super) fn dismiss(self) {
        // If it is gone already, so much the better.
        let _ = rustix::io::write(&self.pipe, b"done\n");
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let by = Instant::now() + Duration::from_secs(1);
        while let Ok(sys::Reaped::NotYet) = sys::reap(self.pid) {
            if Instant::now() > by {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        registry::spawned().forget(self.pid);
    }
}

/// The whole life of a watcher, if `arguments` (those after the program's name) ask for one; to
/// be called before anything else.
pub fn watch_main(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter();
    if arguments.next()? != WATCH {
        return None;
    }
    Some(ExitCode::SUCCESS)
}
