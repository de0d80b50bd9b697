//! Information about single processes from `/proc`: stat, children, environment.
//!
//! A process may disappear between any two reads, so all functions return an `Option` or an empty
//! list instead of an error.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

/// The fields of `/proc/PID/stat` that this module uses, see `proc_pid_stat(5)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    /// The letter of `proc_pid_stat(5)`: `R`, `S`, `D`, `Z`, `T`, …
    pub(super) state: u8,
    pub(super) parent: i32,
    pub(super) group: i32,
    pub(super) session: i32,
    /// The number of the controlling terminal, 0 without one.
    pub(super) terminal: i64,
    /// User and system time in clock ticks.
    pub(super) cpu_ticks: u64,
    /// The same of its children that were waited for, and of theirs.
    pub(super) children_ticks: u64,
    /// Ticks from the machine's start to the process' start; unique together with the pid.
    pub(super) started: u64,
    pub(super) resident_pages: u64,
}

impl Stat {
    /// Returns `true` if the process has ended and only waits to be reaped.
    pub(super) fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }
}

/// Reads `/proc/PID/stat`.
pub(super) fn stat(pid: i32) -> Option<Stat> {
    stat_at(&format!("/proc/{pid}"))
}

/// Reads this process' own `stat`.
pub(super) fn own_stat() -> Option<Stat> {
    stat_at("/proc/self")
}

/// Reads the `stat` file in the directory of a process or a thread.
pub(super) fn stat_at(directory: &str) -> Option<Stat> {
    parse_stat(&fs::read(format!("{directory}/stat")).ok()?)
}

fn parse_stat(line: &[u8]) -> Option<Stat> {
    // The second field is the program's name in parentheses; it may hold spaces and parentheses.
    let after_name = memchr::memrchr(b')', line)? + 1;
    let rest = std::str::from_utf8(&line[after_name..]).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let fields: Vec<i64> = fields.map(|field| field.parse().unwrap_or(0)).collect();
    // `fields[0]` is field 4 of the manual page.
    let field = |number: usize| fields.get(number - 4).copied();
    let unsigned = |number: usize| field(number).and_then(|value| u64::try_from(value).ok());
    Some(Stat {
        state,
        parent: i32::try_from(field(4)?).ok()?,
        group: i32::try_from(field(5)?).ok()?,
        session: i32::try_from(field(6)?).ok()?,
        terminal: field(7)?,
        cpu_ticks: unsigned(14)? + unsigned(15)?,
        children_ticks: unsigned(16)? + unsigned(17)?,
        started: unsigned(22)?,
        resident_pages: unsigned(24)?,
    })
}

/// Returns the children of all threads of a process, live and dead.
pub(super) fn children(pid: i32) -> Vec<i32> {
    children_below(&format!("/proc/{pid}/task"))
}

/// Returns the children of this process, live and dead.
pub(super) fn own_children() -> Vec<i32> {
    children_below("/proc/self/task")
}

fn children_below(tasks: &str) -> Vec<i32> {
    let Ok(tasks) = fs::read_dir(tasks) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for task in tasks.flatten() {
        if let Ok(list) = fs::read_to_string(task.path().join("children")) {
            found.extend(
                list.split_ascii_whitespace()
                    .filter_map(|pid| pid.parse::<i32>().ok()),
            );
        }
    }
    found
}

/// Returns all descendants of a process, without itself, parents before their children.
pub(super) fn descendants(pid: i32) -> Vec<i32> {
    let mut found = children(pid);
    let mut next = 0;
    while next < found.len() {
        for child in children(found[next]) {
            // A process that changes its parent meanwhile may appear twice.
            if !found.contains(&child) {
                found.push(child);
            }
        }
        next += 1;
    }
    found
}

/// Returns every visible process of the machine.
pub(super) fn all() -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// Reads the environment that a program was started with; empty for a process that has ended or
/// may not be read.
pub(super) fn environ(pid: i32) -> Environ {
    Environ(fs::read(format!("/proc/{pid}/environ")).unwrap_or_default())
}

/// Reads a process' soft limit of real-time scheduling (`RLIMIT_RTTIME`); `None` without a limit.
pub(super) fn realtime_limit(pid: i32) -> Option<u64> {
    parse_realtime_limit(&fs::read_to_string(format!("/proc/{pid}/limits")).ok()?)
}

fn parse_realtime_limit(limits: &str) -> Option<u64> {
    let mut lines = limits.lines();
    let values = lines.find_map(|line| line.strip_prefix("Max realtime timeout"))?;
    values.split_ascii_whitespace().next()?.parse().ok()
}

/// The text of `/proc/PID/environ`.
pub(super) struct Environ(Vec<u8>);

impl Environ {
    /// Returns the value of a variable.
    pub(super) fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.split(|&byte| byte == 0).find_map(|entry| {
            let value = entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            Some(OsStr::from_bytes(value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let line = b"42 (a) S (b) R 7 42 42 34816 42 4194304 1 0 0 0 5 6 3 4 20 0 1 0 999 1000 \
                     33 18446744073709551615 0";
        assert_eq!(
            parse_stat(line),
            Some(Stat {
                state: b'R',
                parent: 7,
                group: 42,
                session: 42,
                terminal: 34816,
                cpu_ticks: 11,
                children_ticks: 7,
                started: 999,
                resident_pages: 33,
            })
        );
    }

    #[test]
    fn the_soft_limit_is_read() {
        let of = |limit: &str| {
            parse_realtime_limit(&format!(
                "Max realtime priority     0                    0                    \n\
                 Max realtime timeout      {limit} unlimited            us        \n"
            ))
        };
        assert_eq!(of("4611686018427387905 "), Some(4_611_686_018_427_387_905));
        assert_eq!(of("unlimited           "), None);
        assert_eq!(parse_realtime_limit(""), None);
    }

    #[test]
    fn this_process_is_visible() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let stat = stat(pid).unwrap();
        assert!(stat.resident_pages > 0);
        assert!(all().contains(&pid));
        assert_eq!(environ(pid).get("NO_SUCH_VARIABLE_AT_ALL"), None);
    }
}
