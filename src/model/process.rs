//! What is known of a process, whoever ran it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::InstanceId;

/// Where a piece of output came from. A terminal has only [`Stream::Out`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    Out,
    Err,
}

/// How a process ended, as the kernel told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitCause {
    /// It left with this exit code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl fmt::Display for ExitCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExitCause::Code(code) => write!(f, "exit code {code}"),
            ExitCause::Signal(number) => match signal_name(*number) {
                Some(name) => write!(f, "signal {number} ({name})"),
                None => write!(f, "signal {number}"),
            },
        }
    }
}

/// The usual name of a signal, for Linux' common numbering.
fn signal_name(number: i32) -> Option<&'static str> {
    Some(match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        10 => "SIGUSR1",
        11 => "SIGSEGV",
        12 => "SIGUSR2",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return None,
    })
}

/// Whose doing the end of a process was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It ended by itself.
    Itself,
    /// It ended after we asked it to (hang-up or SIGTERM).
    Terminated,
    /// It did not listen and was killed.
    Killed,
    /// Chaos killed it on purpose.
    Injected,
    /// It could not be ended within the time allowed. Never seen in a healthy run.
    LeftOver,
}

/// What a process used, from `wait4(2)`: itself and the children that it waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    pub cpu_user_us: u64,
    pub cpu_system_us: u64,
    /// At most this. Linux counts in what whoever started a program had in memory then, see
    /// `setmax_mm_hiwater_rss` in its `exec_mmap`; of programs that are smaller than Rehearsal it
    /// tells no more than that.
    pub peak_rss_bytes: u64,
}

impl Usage {
    /// CPU time in user and system mode together, in microseconds.
    pub fn cpu_us(&self) -> u64 {
        self.cpu_user_us + self.cpu_system_us
    }
}

/// The life of one script instance, told when it has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessRecord {
    pub instance: InstanceId,
    pub pid: u32,
    pub ending: Ending,
    /// `None` only for [`Ending::LeftOver`].
    pub exit: Option<ExitCause>,
    pub usage: Usage,
    /// From the order to start it until its first output; `None` if it never said anything.
    pub startup_us: Option<u64>,
    /// From its start until its end was seen.
    pub lifetime_us: u64,
    /// From when it was to go until its end was seen: from the beginning of its role's `leave`, or
    /// from the order to end it. `None` if it went before.
    pub exit_us: Option<u64>,
}
