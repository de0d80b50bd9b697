//! Resource limits of this process, user and machine: descriptors, processes, terminals.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::OnceLock;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

use crate::process::marker::RunMarker;
use crate::process::proc;

/// Descriptors of this process for a program on a terminal: the terminal and the pidfd.
pub const DESCRIPTORS_OF_A_TERMINAL: u64 = 2;
/// Descriptors of this process for a program on pipes: three pipes and the pidfd.
pub const DESCRIPTORS_OF_PIPES: u64 = 4;
/// Descriptors in use during a start only: the program's ends of three pipes, and some for the C
/// library and `/proc`.
const TEMPORARY_DESCRIPTORS: u64 = 32;

/// The limit of descriptors that this process was started with, if it was raised.
static FORMER: OnceLock<Rlimit> = OnceLock::new();

/// Raises this process' soft limit of descriptors to the hard limit.
pub(in crate::process) fn raise_descriptor_limit() -> io::Result<()> {
    let former = getrlimit(Resource::Nofile);
    if former.current == former.maximum {
        return Ok(());
    }
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: former.maximum,
            maximum: former.maximum,
        },
    )?;
    // Another spawner of this process may have set it.
    let _ = FORMER.set(former);
    Ok(())
}

/// Sets a new program's limit of descriptors to the one that this process was started with: some
/// programs close every descriptor up to the limit, or cannot use descriptors above 1023.
pub(in crate::process) fn give_former_descriptor_limit(pid: i32) {
    if let Some(former) = FORMER.get() {
        // Fails only if the program has ended already.
        let _ = prlimit(Pid::from_raw(pid), Resource::Nofile, *former);
    }
}

/// Returns `true` if programs may be marked by their limit of real-time scheduling: if they have
/// none, or the mark of another run that this one is a part of.
pub(in crate::process) fn can_be_marked() -> bool {
    let limit = getrlimit(Resource::Rttime);
    limit.maximum.is_none() && limit.current.is_none_or(RunMarker::is_mark)
}

/// Resources that a run needs at its peak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Need {
    /// Concurrent programs.
    pub processes: u64,
    /// Descriptors of this process for them; see [`DESCRIPTORS_OF_A_TERMINAL`] and
    /// [`DESCRIPTORS_OF_PIPES`].
    pub descriptors: u64,
    /// Concurrent terminals.
    pub terminals: u64,
}

/// A limit and its current use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    pub of: LimitOf,
    /// The limit; `None` if there is none.
    pub most: Option<u64>,
    /// The number in use.
    pub used: u64,
}

impl Limit {
    /// Returns the number that is free; `None` if there is no limit.
    pub fn free(&self) -> Option<u64> {
        self.most.map(|most| most.saturating_sub(self.used))
    }
}

/// The resource that a limit applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitOf {
    /// Descriptors of this process (`RLIMIT_NOFILE`).
    Descriptors,
    /// Processes and threads of this user (`RLIMIT_NPROC`).
    UserProcesses,
    /// Processes and threads of this control group or one around it (`pids.max`).
    GroupProcesses { group: String },
    /// Process numbers of this machine (`kernel.pid_max`).
    ProcessNumbers,
    /// Processes and threads of this machine (`kernel.threads-max`).
    Threads,
    /// Terminals of this machine (`kernel.pty.max`).
    Terminals,
}

impl LimitOf {
    fn thing(&self) -> &'static str {
        match self {
            LimitOf::Descriptors => "open descriptors",
            LimitOf::UserProcesses => "processes of this user",
            LimitOf::GroupProcesses { .. } => "processes of this container or service",
            LimitOf::ProcessNumbers => "process numbers of this machine",
            LimitOf::Threads => "processes and threads of this machine",
            LimitOf::Terminals => "terminals of this machine",
        }
    }

    fn remedy(&self, wanted: u64) -> String {
        let wanted = wanted.checked_next_power_of_two().unwrap_or(wanted);
        match self {
            LimitOf::Descriptors => format!(
                "raise the hard limit: `ulimit -Hn {wanted}` as root, `nofile` in \
                 /etc/security/limits.conf, or `LimitNOFILE=` of the service"
            ),
            LimitOf::UserProcesses => format!(
                "raise the limit: `ulimit -u {wanted}`, or `nproc` in /etc/security/limits.conf"
            ),
            LimitOf::GroupProcesses { group } => format!(
                "raise it: `--pids-limit {wanted}` of the container, `TasksMax=` of the service, \
                 or {group}/pids.max"
            ),
            LimitOf::ProcessNumbers => format!("raise it: `sysctl kernel.pid_max={wanted}`"),
            LimitOf::Threads => format!("raise it: `sysctl kernel.threads-max={wanted}`"),
            LimitOf::Terminals => {
                format!("raise it: `sysctl kernel.pty.max={wanted}`, or use pipes")
            }
        }
    }
}

/// A limit that is too low for a run. Its text has the numbers and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitProblem {
    pub limit: Limit,
    /// The number that the run needs in addition.
    pub needed: u64,
}

impl fmt::Display for LimitProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Limit { of, most, used } = &self.limit;
        let most = most.unwrap_or(u64::MAX);
        write!(
            f,
            "too few {}: {} more are needed, {} of {most} are free; {}, or run fewer flows in \
             parallel",
            of.thing(),
            self.needed,
            most.saturating_sub(*used),
            of.remedy(used.saturating_add(self.needed)),
        )
    }
}

/// Returns the current limits that concern a run, without those that cannot be read.
pub fn limits() -> Vec<Limit> {
    let mut found = vec![descriptors()];
    found.extend(user_processes());
    found.extend(group_processes());
    let tasks = tasks_of_machine();
    let machine_wide = |of, path| {
        Some(Limit {
            of,
            most: Some(read_number(Path::new(path))?),
            used: tasks?,
        })
    };
    found.extend(machine_wide(
        LimitOf::ProcessNumbers,
        "/proc/sys/kernel/pid_max",
    ));
    found.extend(machine_wide(
        LimitOf::Threads,
        "/proc/sys/kernel/threads-max",
    ));
    found.extend(terminals());
    found
}

/// Returns the limits that are too low for a run. The soft limit of descriptors does not count: a
/// [`Spawner`](crate::process::Spawner) raises it to the hard one.
pub fn check_limits(need: Need) -> Vec<LimitProblem> {
    limits()
        .into_iter()
        .filter_map(|limit| check(limit, need))
        .collect()
}

fn check(limit: Limit, need: Need) -> Option<LimitProblem> {
    let needed = match limit.of {
        LimitOf::Descriptors => need.descriptors.saturating_add(TEMPORARY_DESCRIPTORS),
        LimitOf::Terminals => need.terminals,
        _ => need.processes,
    };
    (needed > limit.free()?).then_some(LimitProblem { limit, needed })
}

/// Utilisation of limited resources, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Fullness {
    /// Descriptors of this process.
    pub descriptors: Option<f64>,
    /// Terminals of this machine.
    pub terminals: Option<f64>,
}

impl Fullness {
    /// Measures the current utilisation; cheap enough for once a second.
    pub fn now() -> Self {
        let part = |limit: Limit| Some(limit.used as f64 / limit.most?.max(1) as f64);
        Fullness {
            descriptors: part(descriptors()),
            terminals: terminals().and_then(part),
        }
    }

    /// Returns the higher utilisation of each resource.
    #[must_use]
    pub fn max(self, other: Fullness) -> Self {
        let fuller = |one: Option<f64>, other: Option<f64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.max(other)),
            _ => one.or(other),
        };
        Fullness {
            descriptors: fuller(self.descriptors, other.descriptors),
            terminals: fuller(self.terminals, other.terminals),
        }
    }
}

fn descriptors() -> Limit {
    Limit {
        of: LimitOf::Descriptors,
        most: getrlimit(Resource::Nofile).maximum,
        used: open_descriptors(),
    }
}

/// Returns the number of open descriptors. Since Linux 6.2 it is the directory's size; counting
/// thousands of entries takes milliseconds.
fn open_descriptors() -> u64 {
    let directory = "/proc/self/fd";
    match fs::metadata(directory).map_or(0, |metadata| metadata.len()) {
        0 => fs::read_dir(directory).map_or(0, |entries| entries.count() as u64),
        number => number,
    }
}

/// Returns the limit of this user's processes; `None` for root, whom the kernel exempts.
fn user_processes() -> Option<Limit> {
    let user = rustix::process::getuid();
    if user.is_root() {
        return None;
    }
    let most = getrlimit(Resource::Nproc).current;
    let used = if most.is_some() {
        tasks_of_user(user.as_raw())
    } else {
        0
    };
    Some(Limit {
        of: LimitOf::UserProcesses,
        most,
        used,
    })
}

fn tasks_of_user(user: u32) -> u64 {
    let threads = |pid: i32| -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let field = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_ascii_whitespace().next()?.parse().ok()
        };
        (field("Uid:")? == u64::from(user)).then(|| field("Threads:"))?
    };
    proc::all().into_iter().filter_map(threads).sum()
}

/// Returns the tightest limit among the control groups of this process.
fn group_processes() -> Option<Limit> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let found = groups.lines().filter_map(|line| {
        // `0::/path` of version 2, `7:pids:/path` of version 1.
        let mut fields = line.splitn(3, ':').skip(1);
        let root = match fields.next()? {
            "" => "/sys/fs/cgroup",
            "pids" => "/sys/fs/cgroup/pids",
            _ => return None,
        };
        Some((root, fields.next()?.to_owned()))
    });
    found
        .flat_map(|(root, path)| {
            let start = Path::new(root).join(path.trim_start_matches('/'));
            let chain: Vec<_> = start.ancestors().map(Path::to_owned).collect();
            chain
                .into_iter()
                .take_while(move |group| group.starts_with(root))
        })
        .filter_map(|group| {
            let most = read_number(&group.join("pids.max"))?;
            let used = read_number(&group.join("pids.current"))?;
            let of = LimitOf::GroupProcesses {
                group: group.display().to_string(),
            };
            Some(Limit {
                of,
                most: Some(most),
                used,
            })
        })
        .min_by_key(Limit::free)
}

/// Returns the number of tasks of the machine; threads count, because each has an id.
fn tasks_of_machine() -> Option<u64> {
    let load = fs::read_to_string("/proc/loadavg").ok()?;
    load.split_ascii_whitespace()
        .nth(3)?
        .split('/')
        .nth(1)?
        .parse()
        .ok()
}

/// Returns the limit of terminals: the machine's, or that of a container's `/dev/pts`.
fn terminals() -> Option<Limit> {
    let machine = read_number(Path::new("/proc/sys/kernel/pty/max"))?;
    let used = read_number(Path::new("/proc/sys/kernel/pty/nr")).unwrap_or(0);
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let own = mounts.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (place, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
        let max = options
            .split(',')
            .find_map(|option| option.strip_prefix("max="));
        (place == "/dev/pts" && kind == "devpts").then_some(max?.parse::<u64>().ok()?)
    });
    let most = own.map_or(machine, |own| own.min(machine));
    Some(Limit {
        of: LimitOf::Terminals,
        most: Some(most),
        used,
    })
}

/// Reads the number in a file; `None` for `max` and for a file that cannot be read.
fn read_number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Returns the action that failed and its remedy, if an error means that a limit is reached.
pub(in crate::process) fn remedy(error: &io::Error) -> Option<(&'static str, &'static str)> {
    Some(match error.raw_os_error()? {
        libc::EAGAIN => (
            "start another process",
            "run fewer flows in parallel, or raise the limit of processes (`ulimit -u`)",
        ),
        libc::EMFILE => (
            "open another descriptor",
            "run fewer flows in parallel, or raise the limit of descriptors (`ulimit -n`)",
        ),
        libc::ENFILE => (
            "open another file on this machine",
            "run fewer flows in parallel, or raise the sysctl `fs.file-max`",
        ),
        libc::ENOMEM => (
            "find memory for another process",
            "run fewer flows in parallel",
        ),
        libc::ENOSPC => (
            "open another terminal on this machine",
            "run fewer flows in parallel, raise the sysctl `kernel.pty.max`, or use pipes",
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_too_low_is_reported_with_its_numbers_and_remedy() {
        let limit = Limit {
            of: LimitOf::Terminals,
            most: Some(4096),
            used: 4000,
        };
        let need = |terminals| Need {
            terminals,
            ..Need::default()
        };
        assert_eq!(check(limit.clone(), need(96)), None);
        let problem = check(limit, need(500)).unwrap();
        assert_eq!(
            problem.to_string(),
            "too few terminals of this machine: 500 more are needed, 96 of 4096 are free; raise \
             it: `sysctl kernel.pty.max=8192`, or use pipes, or run fewer flows in parallel"
        );
    }

    #[test]
    fn no_limit_is_never_too_low() {
        let limit = Limit {
            of: LimitOf::Descriptors,
            most: None,
            used: 10,
        };
        let need = Need {
            descriptors: u64::MAX / 2,
            ..Need::default()
        };
        assert_eq!(check(limit, need), None);
    }

    #[test]
    fn this_machine_has_limits() {
        let found = limits();
        assert!(
            found
                .iter()
                .any(|limit| limit.of == LimitOf::Descriptors && limit.used > 2)
        );
        let absurd = Need {
            processes: u64::MAX / 4,
            ..Need::default()
        };
        assert!(!check_limits(absurd).is_empty());
    }
}
