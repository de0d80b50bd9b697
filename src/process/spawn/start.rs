//! The start of one program: its wires, its environment, and its setup.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Pid;

use crate::process::handle::{InstanceNumber, Process};
use crate::process::io::child::Wires;
use crate::process::io::pipes;
use crate::process::io::pty;
use crate::process::spawn::environment::Environment;
use crate::process::spawn::limits;
use crate::process::spawn::resolve;
use crate::process::spawn::shared::{INSTANCE_VARIABLE, RUN_VARIABLE, SpawnerShared};
use crate::process::spawn::spawner::{Command, SpawnError, Started, Terminal};
use crate::process::sys;
use crate::process::sys::{Blocked, FileAction, RawChild, SpawnPlan};
use crate::process::termination::registry;

/// Starts the program on this thread.
pub(in crate::process) fn start(
    run: &Arc<SpawnerShared>,
    command: &Command,
) -> Result<Started, SpawnError> {
    let instance = run.begin();
    start_instance(run, command, instance).inspect_err(|_| run.forget(instance))
}

fn start_instance(
    run: &Arc<SpawnerShared>,
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
    let environment = environment(command, run, instance);
    if environment.has_nul() {
        return Err(nul());
    }
    let variables = environment.variables();

    let pty_path;
    let program_ends;
    let mut actions = vec![FileAction::ChangeDirectory { path: &directory }];
    let wires = match command.terminal {
        Terminal::Pty { rows, columns } => {
            let pty = pty::open(rows, columns)
                .map_err(|errno| failed(command, "open a terminal for", errno.into()))?;
            pty_path = pty.path;
            // The first terminal that the leader of a new session opens becomes its own.
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
            Wires::Terminal(pty.master)
        }
        Terminal::Pipes => {
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
            Wires::Pipes(own)
        }
    };
    let plan = SpawnPlan {
        program: &program,
        argv: &argv,
        environment: &variables,
        actions: &actions,
        blocked: Blocked::Nothing,
    };
    let started_at = Instant::now();
    let child = registry::spawned()
        .enter(|| sys::spawn(&plan))
        .map_err(|error| not_started(command, error))?;
    let pid = child.pid;
    let process = hold(child, started_at, instance, run)
        .map_err(|error| failed(command, "take hold of", error))?;
    limits::give_former_descriptor_limit(pid);
    run.entered(&process);
    Ok(Started {
        process: Some(process),
        wires: Some(wires),
    })
}

/// Takes the child into the hands of the run. One that cannot be held is not kept.
fn hold(
    child: RawChild,
    started_at: Instant,
    instance: InstanceNumber,
    run: &Arc<SpawnerShared>,
) -> io::Result<Arc<Process>> {
    let RawChild { pid, pidfd } = child;
    let number = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidData)?;
    match pipes::above_standard(pidfd) {
        Ok(pidfd) => {
            let run = Arc::clone(run);
            Ok(Arc::new(Process::new(
                number, pidfd, started_at, instance, run,
            )))
        }
        Err(errno) => {
            // It has not been reaped, so the number is still its own.
            let _ = rustix::process::kill_process_group(number, rustix::process::Signal::KILL);
            while matches!(sys::reap(pid), Ok(sys::Reaped::NotYet)) {
                thread::sleep(Duration::from_millis(1));
            }
            registry::spawned().forget(pid);
            Err(errno.into())
        }
    }
}

/// The command's variables and the run's marks, which nothing can set otherwise.
fn environment(command: &Command, run: &SpawnerShared, instance: InstanceNumber) -> Environment {
    let mut environment = command.environment.clone();
    environment.set(RUN_VARIABLE, run.marker.as_str());
    environment.set(INSTANCE_VARIABLE, instance.to_string());
    environment
}

/// Finds out which step on the way to the program went wrong: the number alone does not
/// tell.
fn not_started(command: &Command, error: io::Error) -> SpawnError {
    if let Err(source) = enter(&command.directory) {
        return SpawnError::Directory {
            directory: command.directory.clone(),
            source,
        };
    }
    if let Some(problem) = resolve::explain(&command.program, &error) {
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
