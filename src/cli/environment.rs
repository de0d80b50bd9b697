//! The process's real environment.

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use crate::report::result_file;

/// The width of reports that are not shown on a terminal.
const WIDTH_ELSEWHERE: usize = 100;

/// Variables, paths and terminal properties of this process, read once at the start.
#[derive(Debug, Clone)]
pub struct CliEnvironment {
    /// The command line, the program's name first.
    pub arguments: Vec<OsString>,
    /// All variables; programs inherit them.
    pub variables: Vec<(OsString, OsString)>,
    /// The directory for results, if `REHEARSAL_RESULTS` names one.
    pub results: Option<PathBuf>,
    pub directory: PathBuf,
    pub temporary: PathBuf,
    /// The path of the running executable.
    pub program: PathBuf,
    pub path: Option<OsString>,
    pub stdin_is_terminal: bool,
    pub stderr_is_terminal: bool,
    /// The terminal supports only plain lines: its TERM is `dumb`.
    pub is_dumb: bool,
    /// The program runs in a CI job, whose log keeps every redrawn line of a terminal.
    pub is_ci: bool,
    /// The width of reports in columns.
    pub width: usize,
}

impl CliEnvironment {
    /// Reads the environment of this process.
    pub fn read(arguments: Vec<OsString>) -> Self {
        let not_empty = |value: &OsString| !value.is_empty();
        CliEnvironment {
            variables: env::vars_os().collect(),
            results: env::var_os("REHEARSAL_RESULTS")
                .filter(not_empty)
                .map(PathBuf::from),
            directory: env::current_dir().unwrap_or_else(|_| ".".into()),
            temporary: env::temp_dir(),
            program: env::current_exe().unwrap_or_else(|_| own_name(&arguments)),
            path: env::var_os("PATH"),
            stdin_is_terminal: io::stdin().is_terminal(),
            stderr_is_terminal: io::stderr().is_terminal(),
            is_dumb: env::var_os("TERM").is_some_and(|term| term == "dumb"),
            is_ci: env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false" && ci != "0"),
            width: rustix::termios::tcgetwinsize(io::stdout())
                .map(|size| usize::from(size.ws_col))
                .ok()
                .filter(|&columns| columns > 0)
                .unwrap_or(WIDTH_ELSEWHERE),
            arguments,
        }
    }

    /// Returns the value of an environment variable, if it is set and UTF-8.
    pub fn variable(&self, name: &str) -> Option<String> {
        let found = self.variables.iter().find(|(known, _)| known == name)?;
        found.1.to_str().map(str::to_owned)
    }

    /// Converts it to its form in the result record, with these secret values masked.
    pub fn record(&self, secrets: &[String]) -> result_file::RunEnvironment {
        let kernel = |name: &str| {
            let text = std::fs::read_to_string(format!("/proc/sys/kernel/{name}"));
            text.map_or_else(|_| "unknown".into(), |text| text.trim().to_owned())
        };
        let mask = |argument: &OsString| {
            let text = argument.to_string_lossy().into_owned();
            let secrets = secrets.iter().filter(|secret| !secret.is_empty());
            secrets.fold(text, |text, secret| text.replace(secret.as_str(), "***"))
        };
        result_file::RunEnvironment {
            host: kernel("hostname"),
            kernel: format!("{} {}", kernel("ostype"), kernel("osrelease")),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: processor(),
            governor: governor(),
            rehearsal_version: env!("CARGO_PKG_VERSION").into(),
            command_line: self.arguments.iter().map(mask).collect(),
            clock_offset_us: None,
        }
    }
}

/// Returns the model of the first processor.
fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    let (_, model) = line.split_once(':')?;
    Some(model.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Returns the policy by which the kernel sets the frequency of the first processor.
fn governor() -> Option<String> {
    let path = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned())
}

fn own_name(arguments: &[OsString]) -> PathBuf {
    arguments
        .first()
        .map_or_else(|| "rehearsal".into(), PathBuf::from)
}
