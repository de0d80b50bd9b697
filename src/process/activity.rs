//! Activity and live resource usage of a program, from `/proc`.
//!
//! The kernel shows for each thread the system call that it waits in, with its arguments. A wait
//! for the terminal or for standard input is a wait for our input; every other wait is not.

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::Activity;
use crate::process::proc;
use crate::process::sys;

/// The maximum number of descriptors of one call that are examined.
const MAX_DESCRIPTORS: usize = 64;

/// Resource usage of a program and its descendants while they are alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LiveUsage {
    /// CPU time so far, user and system.
    pub cpu: Duration,
    /// Resident memory; pages that several processes share are counted for each.
    pub rss_bytes: u64,
}

/// Returns the current resource usage of the process `pid` and its live descendants; `None` if
/// there is no such process. The owner of a program uses
/// [`Child::usage_now`](crate::process::Child::usage_now) instead.
pub fn live_usage(pid: u32) -> Option<LiveUsage> {
    usage_of_tree(i32::try_from(pid).ok()?)
}

/// Sums the CPU time and the memory of a process and its live descendants.
pub(super) fn usage_of_tree(pid: i32) -> Option<LiveUsage> {
    let leader = proc::stat(pid).filter(|stat| !stat.is_dead())?;
    let rest = proc::descendants(pid).into_iter().filter_map(proc::stat);
    let (ticks, pages) = rest.chain([leader]).fold((0, 0), |(ticks, pages), stat| {
        (ticks + stat.cpu_ticks, pages + stat.resident_pages)
    });
    Some(LiveUsage {
        cpu: Duration::from_millis(ticks * 1000 / sys::ticks_per_second()),
        rss_bytes: pages * sys::page_size(),
    })
}

/// Returns the most informative activity among a process and its descendants.
///
/// A child is more informative than the shell that waits for it, and a program that waits for
/// input is more informative than its busy helper.
pub(super) fn of_tree(pid: i32) -> Activity {
    let Some(input) = Input::of(pid) else {
        return if proc::stat(pid).is_none_or(|stat| stat.is_dead()) {
            Activity::Gone
        } else {
            Activity::Unknown
        };
    };
    let all = [pid].into_iter().chain(proc::descendants(pid));
    all.map(|pid| of_process(pid, &input))
        .max_by_key(|&activity| weight(activity))
        .unwrap_or(Activity::Gone)
}

/// Returns whether a process or one of its descendants waits for its input and for nothing else: in a
/// read, or in a call that waits for its input alone and without a time limit.
pub(super) fn only_reads(pid: i32) -> bool {
    let Some(input) = Input::of(pid) else {
        return false;
    };
    let all = [pid].into_iter().chain(proc::descendants(pid));
    all.into_iter().any(|pid| {
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
            return false;
        };
        tasks.flatten().any(|task| {
            let call = fs::read_to_string(task.path().join("syscall"));
            let call = call.ok().and_then(|call| Call::parse(&call));
            call.is_some_and(|call| call.is_only_for(pid, &input))
        })
    })
}

/// Returns whether a process and its descendants can do nothing before input comes: one of them waits
/// for it alone and without a time limit, and all other threads wait for each other.
pub(super) fn is_blocked_on_input(pid: i32) -> bool {
    // The cheapest look first: most programs have one thread.
    let leader = PathBuf::from(format!("/proc/{pid}"));
    if Call::of(&leader).is_none() {
        return false;
    }
    let Some(input) = Input::of(pid) else {
        return false;
    };
    let Some(threads) = blocked_threads(pid, &input) else {
        return false;
    };
    if threads.len() == 1 {
        return true;
    }
    // One may have woken another after that one was looked at. Those that did not run between two looks
    // all waited at the same time.
    let before = times_run(&threads);
    let again = blocked_threads(pid, &input);
    before.is_some() && again.as_ref() == Some(&threads) && times_run(&threads) == before
}

/// Returns how long and how often each of these threads ran, if all of it is known.
fn times_run(threads: &[PathBuf]) -> Option<Vec<String>> {
    let files = threads.iter().map(|thread| thread.join("schedstat"));
    files.map(|file| fs::read_to_string(file).ok()).collect()
}

/// Returns the threads of a process and its descendants, if they all wait for this input or for each
/// other, and at least one of them for the input.
fn blocked_threads(pid: i32, input: &Input) -> Option<Vec<PathBuf>> {
    let mut threads = Vec::new();
    let mut processes = vec![pid];
    let mut is_input_awaited = false;
    while let Some(pid) = processes.pop() {
        for task in fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
            let thread = task.path();
            let call = Call::of(&thread)?;
            if call.is_only_for(pid, input) {
                is_input_awaited = true;
            } else if !call.is_for_own_threads() {
                return None;
            }
            let children = fs::read_to_string(thread.join("children")).ok()?;
            let children = children.split_ascii_whitespace();
            processes.extend(children.filter_map(|pid| pid.parse::<i32>().ok()));
            threads.push(thread);
        }
    }
    is_input_awaited.then_some(threads)
}

fn weight(activity: Activity) -> u8 {
    match activity {
        Activity::WaitingForInput => 7,
        Activity::BlockedOnWriting => 6,
        Activity::Running => 5,
        Activity::Stopped => 4,
        Activity::Sleeping => 3,
        Activity::Waiting => 2,
        Activity::Unknown => 1,
        Activity::Gone | Activity::NotStarted => 0,
    }
}

/// Returns the most informative activity among the threads of a process.
fn of_process(pid: i32, input: &Input) -> Activity {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Activity::Gone;
    };
    let threads = tasks
        .flatten()
        .filter_map(|task| task.file_name().to_str()?.parse().ok());
    threads
        .map(|thread| of_thread(pid, thread, input))
        .max_by_key(|&activity| weight(activity))
        .unwrap_or(Activity::Gone)
}

fn of_thread(pid: i32, thread: i32, input: &Input) -> Activity {
    let directory = format!("/proc/{pid}/task/{thread}");
    let Some(stat) = proc::stat_at(&directory) else {
        return Activity::Gone;
    };
    match stat.state {
        b'R' => Activity::Running,
        b'T' | b't' => Activity::Stopped,
        b'Z' | b'X' | b'x' => Activity::Gone,
        // The rest sleeps: interruptibly, for a disk, or as a kernel thread.
        _ => match fs::read_to_string(format!("{directory}/syscall")) {
            Ok(call) => waiting_in(pid, &call, input),
            Err(_) => Activity::Unknown,
        },
    }
}

/// Classifies the wait of a sleeping thread, from its `/proc/PID/syscall`.
fn waiting_in(pid: i32, call: &str, input: &Input) -> Activity {
    let Some(call) = Call::parse(call) else {
        // It woke up after its state was read.
        return Activity::Running;
    };
    match call.kind() {
        CallKind::Read if input.is_at(pid, call.descriptor()) => Activity::WaitingForInput,
        CallKind::Write => Activity::BlockedOnWriting,
        CallKind::Sleep => Activity::Sleeping,
        CallKind::Poll | CallKind::Select | CallKind::Epoll => {
            let waited_for = match call.kind() {
                CallKind::Poll => polled(pid, &call),
                CallKind::Select => selected(pid, &call),
                _ => watched(pid, &call),
            };
            match waited_for {
                // Its memory may not be read.
                None => Activity::Unknown,
                Some(list) if list.is_empty() => Activity::Sleeping,
                Some(list) if list.iter().any(|&fd| input.is_at(pid, fd)) => {
                    Activity::WaitingForInput
                }
                Some(_) => Activity::Waiting,
            }
        }
        CallKind::Read | CallKind::Other => Activity::Waiting,
    }
}

/// A line of `/proc/PID/syscall`.
struct Call {
    number: i64,
    arguments: [u64; 6],
}

#[derive(Clone, Copy)]
enum CallKind {
    Read,
    Write,
    Poll,
    Select,
    Epoll,
    Sleep,
    Other,
}

impl Call {
    /// Reads the call in which a process' first thread or a thread waits, by its directory; `None` if it
    /// runs or has ended.
    fn of(directory: &Path) -> Option<Self> {
        Call::parse(&fs::read_to_string(directory.join("syscall")).ok()?)
    }

    /// Parses the line; `None` for `running`.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let number = words.next()?.parse().ok()?;
        let mut arguments = [0; 6];
        for argument in &mut arguments {
            let Some(word) = words.next() else { break };
            *argument = u64::from_str_radix(word.trim_start_matches("0x"), 16).ok()?;
        }
        Some(Call { number, arguments })
    }

    /// Returns whether the call waits for this input and for nothing else.
    fn is_only_for(&self, pid: i32, input: &Input) -> bool {
        let waited_for = match self.kind() {
            CallKind::Read => return input.is_at(pid, self.descriptor()),
            CallKind::Poll => polled(pid, self),
            CallKind::Select => selected(pid, self),
            CallKind::Epoll => watched(pid, self),
            CallKind::Write | CallKind::Sleep | CallKind::Other => None,
        };
        !self.has_time_limit()
            && waited_for
                .is_some_and(|list| !list.is_empty() && list.iter().all(|&fd| input.is_at(pid, fd)))
    }

    /// Returns whether the call waits, without a time limit, for other threads of its process or for
    /// its children.
    fn is_for_own_threads(&self) -> bool {
        match self.number {
            libc::SYS_futex => {
                const OPERATION: u64 = 0x7f;
                let operation = self.arguments[1] & OPERATION;
                let waits = [libc::FUTEX_WAIT, libc::FUTEX_WAIT_BITSET];
                let waits = waits.map(|wait| u64::try_from(wait).unwrap_or(u64::MAX));
                waits.contains(&operation) && self.arguments[3] == 0
            }
            libc::SYS_wait4 | libc::SYS_waitid => true,
            _ => false,
        }
    }

    /// Returns whether a call that waits for descriptors ends by itself.
    fn has_time_limit(&self) -> bool {
        let is_negative = |milliseconds: u64| (milliseconds as u32).cast_signed() < 0;
        #[cfg(target_arch = "x86_64")]
        match self.number {
            libc::SYS_poll => return !is_negative(self.arguments[2]),
            libc::SYS_select => return self.arguments[4] != 0,
            libc::SYS_epoll_wait => return !is_negative(self.arguments[3]),
            _ => {}
        }
        match self.number {
            libc::SYS_ppoll => self.arguments[2] != 0,
            libc::SYS_pselect6 => self.arguments[4] != 0,
            libc::SYS_epoll_pwait => !is_negative(self.arguments[3]),
            libc::SYS_epoll_pwait2 => self.arguments[3] != 0,
            _ => false,
        }
    }

    fn descriptor(&self) -> i32 {
        // The kernel uses the lower half as well.
        i32::try_from(self.arguments[0] & 0xffff_ffff).unwrap_or(-1)
    }

    fn kind(&self) -> CallKind {
        #[cfg(target_arch = "x86_64")]
        match self.number {
            libc::SYS_poll => return CallKind::Poll,
            libc::SYS_select => return CallKind::Select,
            libc::SYS_epoll_wait => return CallKind::Epoll,
            _ => {}
        }
        match self.number {
            libc::SYS_read
            | libc::SYS_readv
            | libc::SYS_pread64
            | libc::SYS_recvfrom
            | libc::SYS_recvmsg => CallKind::Read,
            libc::SYS_write
            | libc::SYS_writev
            | libc::SYS_pwrite64
            | libc::SYS_sendto
            | libc::SYS_sendmsg => CallKind::Write,
            libc::SYS_ppoll => CallKind::Poll,
            libc::SYS_pselect6 => CallKind::Select,
            libc::SYS_epoll_pwait | libc::SYS_epoll_pwait2 => CallKind::Epoll,
            libc::SYS_nanosleep | libc::SYS_clock_nanosleep => CallKind::Sleep,
            _ => CallKind::Other,
        }
    }
}

/// Reads another process' memory, which is permitted for descendants of the same user.
fn memory(pid: i32, address: u64, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    let memory = fs::File::open(format!("/proc/{pid}/mem")).ok()?;
    memory.read_exact_at(&mut bytes, address).ok()?;
    Some(bytes)
}

/// Returns the descriptors that `poll(2)` waits to read from.
fn polled(pid: i32, call: &Call) -> Option<Vec<i32>> {
    /// `struct pollfd`: a number of 32 bits, two sets of 16.
    const SIZE: usize = 8;
    let count = usize::try_from(call.arguments[1])
        .unwrap_or(usize::MAX)
        .min(MAX_DESCRIPTORS);
    let entries = memory(pid, call.arguments[0], count * SIZE)?;
    let wanted = entries.chunks_exact(SIZE).filter_map(|entry| {
        let fd = i32::from_ne_bytes(entry[..4].try_into().ok()?);
        let events = i16::from_ne_bytes(entry[4..6].try_into().ok()?);
        (fd >= 0 && events & libc::POLLIN != 0).then_some(fd)
    });
    Some(wanted.collect())
}

/// Returns the descriptors that `select(2)` waits to read from.
fn selected(pid: i32, call: &Call) -> Option<Vec<i32>> {
    let count = usize::try_from(call.arguments[0])
        .unwrap_or(usize::MAX)
        .min(MAX_DESCRIPTORS);
    if count == 0 || call.arguments[1] == 0 {
        return Some(Vec::new());
    }
    // A set is an array of words; one word of 64 bits holds all that are examined.
    let set = memory(pid, call.arguments[1], 8)?;
    let bits = u64::from_ne_bytes(set.try_into().ok()?);
    Some(
        (0..count)
            .filter(|bit| bits & (1 << bit) != 0)
            .filter_map(|bit| i32::try_from(bit).ok())
            .collect(),
    )
}

/// Returns the descriptors that an epoll instance watches.
fn watched(pid: i32, call: &Call) -> Option<Vec<i32>> {
    let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{}", call.descriptor())).ok()?;
    let targets = info.lines().filter_map(|line| {
        line.strip_prefix("tfd:")?
            .split_ascii_whitespace()
            .next()?
            .parse()
            .ok()
    });
    Some(targets.take(MAX_DESCRIPTORS).collect())
}

/// Identity of a program's input, independent of descriptor numbers and paths: a helper may have
/// it under another number, and a terminal has two paths.
#[derive(Debug, PartialEq, Eq)]
struct Input {
    /// Device and inode of the program's standard input; `None` if it is closed.
    file: Option<(u64, u64)>,
    /// The program's controlling terminal, or 0.
    terminal: i64,
}

impl Input {
    fn of(pid: i32) -> Option<Input> {
        let stat = proc::stat(pid).filter(|stat| !stat.is_dead())?;
        let metadata = fs::metadata(format!("/proc/{pid}/fd/0")).ok();
        let file = metadata.map(|metadata| (metadata.dev(), metadata.ino()));
        Some(Input {
            file,
            terminal: stat.terminal,
        })
    }

    /// Returns `true` if a descriptor of a process refers to this input.
    fn is_at(&self, pid: i32, fd: i32) -> bool {
        let Ok(metadata) = fs::metadata(format!("/proc/{pid}/fd/{fd}")) else {
            return false;
        };
        if self.file == Some((metadata.dev(), metadata.ino())) {
            return true;
        }
        let path = fs::read_link(format!("/proc/{pid}/fd/{fd}")).unwrap_or_default();
        let is_terminal = path.as_os_str() == "/dev/tty" || path.starts_with("/dev/pts");
        let same = || proc::stat(pid).is_some_and(|stat| stat.terminal == self.terminal);
        self.terminal != 0 && is_terminal && same()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_call_is_read_with_its_arguments() {
        let call = Call::parse("0 0x3 0x7f00 0x20000 0x0 0x0 0x0 0x7ffc 0x7f39\n").unwrap();
        assert_eq!(call.number, 0);
        assert_eq!(call.descriptor(), 3);
        assert_eq!(call.arguments[2], 0x20000);
        assert!(Call::parse("running\n").is_none());
        let blocked = Call::parse("-1 0x7ffc 0x7f39\n").unwrap();
        assert!(matches!(blocked.kind(), CallKind::Other));
    }

    #[test]
    fn the_more_informative_activity_wins() {
        let order = [
            Activity::Gone,
            Activity::Unknown,
            Activity::Waiting,
            Activity::Sleeping,
            Activity::Stopped,
            Activity::Running,
            Activity::BlockedOnWriting,
            Activity::WaitingForInput,
        ];
        assert!(
            order
                .windows(2)
                .all(|pair| weight(pair[0]) < weight(pair[1]))
        );
    }
}
