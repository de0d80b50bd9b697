//! Starts one program: streams, environment, vfork, and errors.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Pid;

use crate::model::TerminalKind;
use crate::process::io::{pipes, pty};
use crate::process::marker::InstanceNumber;
use crate::process::process_state::Process;
use crate::process::spawn::command::{Command, SpawnError};
use crate::process::spawn::shared::SpawnerShared;
use crate::process::spawn::started::{SpawnedProcess, Started, Streams, TerminateOnDrop};
use crate::process::spawn::vfork::{Blocked, FileAction, RawChild, SpawnPlan};
use crate::process::spawn::{executable, limits, vfork};
use crate::process::sys;
use crate::process::termination::registry;

/// Starts a program on this thread.
pub(in crate::process) fn start(
    spawner: &Arc<SpawnerShared>,
    command: &Command,
) -> Result<Started, SpawnError> {
    let instance = spawner.begin();
    start_instance(spawner, command, instance).inspect_err(|_| spawner.forget(instance))
}

fn start_instance(
    spawner: &Arc<SpawnerShared>,
    command: &Command,
    instance: InstanceNumber,
) -> Result<Started, SpawnError> {
    let nul = || SpawnError::Nul {
        program: command.program.clone(),
    };
    let string = |text: &OsStr| CString::new(text.as_bytes()).map_err(|_| nul());
    let program = string(command.program.as_os_str())?;
    let directory = string(command.directory.as_os_str())?;
    let words = command.argv.iter().map(|word| string(word));
    let argv = words.collect::<Result<Vec<_>, _>>()?;
    let environment = command.environment.marked(&spawner.marker, instance);
    if environment.has_nul() {
        return Err(nul());
    }
    let variables = environment.variables();

    let pty_path;
    let program_ends;
    let mut actions = vec![FileAction::ChangeDirectory { path: &directory }];
    let streams = match command.terminal {
        TerminalKind::Pty { rows, columns } => {
            let pty = pty::open(rows, columns)
                .map_err(|errno| failed(command, "open a terminal for", errno.into()))?;
            pty_path = pty.path;
            // The first terminal that the leader of a new session opens becomes its controlling
            // terminal.
            actions.push(FileAction::OpenBoth {
                path: &pty_path,
                target: 0,
            });
            actions.push(FileAction::Duplicate {
                source: 0,
                target: 1,
            });
            actions.push(FileAction::Duplicate {
                source: 0,
                target: 2,
            });
            Streams::Terminal(pty.master)
        }
        TerminalKind::Pipes => {
            let (own, theirs) =
                pipes::open().map_err(|errno| failed(command, "open pipes for", errno.into()))?;
            program_ends = theirs;
            let ends = [
                &program_ends.stdin,
                &program_ends.stdout,
                &program_ends.stderr,
            ];
            for (target, end) in (0..).zip(ends) {
                actions.push(FileAction::Duplicate {
                    source: OwnedFd::as_raw_fd(end),
                    target,
                });
            }
            Streams::Pipes(own)
        }
    };
    let plan = SpawnPlan {
        program: &program,
        argv: &argv,
        environment: &variables,
        actions: &actions,
        blocked: Blocked::Nothing,
        mark: spawner.mark,
    };
    let started_at = Instant::now();
    let child = registry::spawned()
        .enter(|| vfork::spawn(&plan))
        .map_err(|error| not_started(command, error))?;
    let pid = child.pid;
    let process = hold(child, started_at, instance, spawner)
        .map_err(|error| failed(command, "take hold of", error))?;
    limits::give_former_descriptor_limit(pid);
    spawner.started(&process);
    Ok(Started {
        guard: TerminateOnDrop::new(SpawnedProcess {
            process,
            spawner: Arc::clone(spawner),
        }),
        streams,
    })
}

/// Creates the handle of a new child. If that fails, the child is killed and reaped.
fn hold(
    child: RawChild,
    started_at: Instant,
    instance: InstanceNumber,
    spawner: &Arc<SpawnerShared>,
) -> io::Result<Arc<Process>> {
    let RawChild { pid, pidfd } = child;
    let number = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidData)?;
    match pipes::above_standard(pidfd) {
        Ok(pidfd) => {
            let watcher = spawner.watcher();
            Ok(Arc::new(Process::new(
                number, pidfd, started_at, instance, watcher,
            )))
        }
        Err(errno) => {
            // The child has not been reaped, so the pid is still its own.
            let _ = rustix::process::kill_process_group(number, rustix::process::Signal::KILL);
            while matches!(sys::reap(pid), Ok(sys::Reaped::NotYet)) {
                thread::sleep(Duration::from_millis(1));
            }
            registry::spawned().forget(pid);
            Err(errno.into())
        }
    }
}

/// Determines which step of the start failed, because the error number alone does not show it.
fn not_started(command: &Command, error: io::Error) -> SpawnError {
    if let Err(source) = enter(&command.directory) {
        return SpawnError::Directory {
            directory: command.directory.clone(),
            source,
        };
    }
    if let Some(problem) = executable::explain(&command.program, &error) {
        return SpawnError::Program(problem);
    }
    failed(command, "start", error)
}

fn enter(directory: &Path) -> io::Result<()> {
    let flags =
        rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC;
    rustix::fs::open(directory, flags, rustix::fs::Mode::empty())?;
    rustix::fs::access(directory, rustix::fs::Access::EXEC_OK)?;
    Ok(())
}

fn failed(command: &Command, what: &'static str, source: io::Error) -> SpawnError {
    match limits::remedy(&source) {
        Some((what, remedy)) => SpawnError::NoRoom {
            what,
            remedy,
            source,
        },
        None => SpawnError::Failed {
            what,
            program: command.program.clone(),
            source,
        },
    }
}
