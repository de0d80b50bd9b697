//! Processes: output streams, exit causes, resource usage, and the record of one that has ended.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An output stream of a process. A terminal has only [`Stream::Out`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    Out,
    Err,
}

/// The exit status of a process as the kernel reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitCause {
    /// An exit code.
    Code(i32),
    /// A signal.
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

/// The cause of a process's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It exited by itself.
    Itself,
    /// It exited after a hang-up or SIGTERM.
    Terminated,
    /// It ignored those signals and was killed.
    Killed,
    /// An injected fault killed it.
    Injected,
    /// It was ended because its script's actor had panicked, which indicates a defect. Its exit was
    /// not awaited: times and usage are those until then, and all CPU time counts as user mode.
    AfterPanic,
    /// It could not be ended within the time allowed, which indicates a defect.
    LeftOver,
}

/// Resources used by a process and the children that it waited for, from `wait4(2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    pub cpu_user_us: u64,
    pub cpu_system_us: u64,
    /// An upper bound: Linux includes the memory that the parent had when it started the program
    /// (`setmax_mm_hiwater_rss` in the kernel's `exec_mmap`), so programs smaller than Rehearsal
    /// are overestimated.
    pub peak_rss_bytes: u64,
}

impl Usage {
    /// CPU time in user and system mode together, in microseconds.
    pub fn cpu_us(&self) -> u64 {
        self.cpu_user_us + self.cpu_system_us
    }
}

/// One script instance that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessRecord {
    /// The role's name.
    pub role: String,
    /// The number of this attempt at starting the role's script in its flow, from 1.
    pub attempt: u32,
    pub pid: u32,
    pub ending: Ending,
    /// `None` only for [`Ending::AfterPanic`] and [`Ending::LeftOver`].
    #[serde(
        flatten,
        serialize_with = "code_and_signal",
        deserialize_with = "exit_cause"
    )]
    pub exit: Option<ExitCause>,
    /// From the request to start it until its first output; `None` if it never wrote anything or
    /// for [`Ending::AfterPanic`].
    pub startup_us: Option<u64>,
    /// From its start until its end was detected.
    pub lifetime_us: u64,
    /// From the beginning of its role's `leave`, or from the request to end it, until its end was
    /// detected. `None` if it ended before.
    pub exit_us: Option<u64>,
    #[serde(flatten)]
    pub usage: Usage,
}

/// The end of a process as two fields, of which at least one is null.
#[derive(Serialize, Deserialize)]
struct CodeAndSignal {
    exit_code: Option<i32>,
    signal: Option<i32>,
}

fn code_and_signal<S: Serializer>(
    exit: &Option<ExitCause>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let (exit_code, signal) = match *exit {
        Some(ExitCause::Code(code)) => (Some(code), None),
        Some(ExitCause::Signal(signal)) => (None, Some(signal)),
        None => (None, None),
    };
    CodeAndSignal { exit_code, signal }.serialize(serializer)
}

fn exit_cause<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ExitCause>, D::Error> {
    let CodeAndSignal { exit_code, signal } = CodeAndSignal::deserialize(deserializer)?;
    let code = exit_code.map(ExitCause::Code);
    Ok(code.or(signal.map(ExitCause::Signal)))
}
