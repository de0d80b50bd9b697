//! Integrity checks on the values of all flows of a run, and the result of the audit.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::process::ExitCause;

/// The integrity checks of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IntegrityInfo {
    /// Captures whose value no two flows may share.
    pub unique: Vec<ValueInfo>,
    /// Values that must be equal within each flow, two or more at a time.
    pub agree: Vec<Vec<ValueInfo>>,
    /// Captures that must equal the value of a unique name in the same flow.
    pub own: Vec<OwnInfo>,
    /// The command of the audit, as in the scenario, which checks the system's state after the run.
    pub audit: Option<String>,
}

/// A named value of each flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueInfo {
    pub name: String,
    /// The titles of the roles that capture it; empty for a variable.
    pub roles: Vec<String>,
}

/// A capture that must be the flow's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnInfo {
    pub seen: ValueInfo,
    /// The unique name whose value it must be.
    pub of: String,
}

impl IntegrityInfo {
    /// Returns `true` if there are no checks.
    pub fn is_empty(&self) -> bool {
        *self == IntegrityInfo::default()
    }
}

impl fmt::Display for ValueInfo {
    /// Formats the name and its readers: `total (Customer)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.roles.is_empty() {
            return Ok(());
        }
        write!(f, " ({})", self.roles.join(", "))
    }
}

/// The result of the audit: the command that checks the system's state after the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// The command line, masked.
    pub command: String,
    #[serde(flatten)]
    pub outcome: AuditOutcome,
    pub duration_us: u64,
    /// The last lines of its output, secrets masked.
    pub output: Vec<String>,
    /// The number of output lines before those.
    pub lines_left_out: u64,
}

/// The outcome of an audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum AuditOutcome {
    /// It exited with code 0 and printed the expected text.
    Passed,
    /// It did not exit with code 0.
    Failed { exit: ExitCause },
    /// It exited with code 0 without printing the expected text.
    ExpectedMissing { expected: String },
    /// It was ended at its time limit.
    TimedOut { allowed_us: u64 },
    /// It could not be started, or its result is unknown.
    NotStarted { reason: String },
    /// It was deliberately not run.
    NotRun { reason: String },
}

impl AuditRecord {
    /// The record of an audit that was not run.
    pub fn not_run(command: String, reason: impl Into<String>) -> Self {
        AuditRecord {
            command,
            outcome: AuditOutcome::NotRun {
                reason: reason.into(),
            },
            duration_us: 0,
            output: Vec::new(),
            lines_left_out: 0,
        }
    }

    /// Returns `true` if the audit ran and did not pass.
    pub fn is_violation(&self) -> bool {
        !matches!(
            self.outcome,
            AuditOutcome::Passed | AuditOutcome::NotRun { .. }
        )
    }
}

impl fmt::Display for AuditOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AuditOutcome::Passed => f.write_str("passed"),
            AuditOutcome::Failed { exit } => write!(f, "failed with {exit}"),
            AuditOutcome::ExpectedMissing { expected } => {
                write!(f, "did not print {expected} as expected")
            }
            AuditOutcome::TimedOut { allowed_us } => {
                let allowed = std::time::Duration::from_micros(*allowed_us);
                let allowed = humantime::format_duration(allowed);
                write!(f, "did not end within {allowed}, and was ended")
            }
            AuditOutcome::NotStarted { reason } => write!(f, "could not be run: {reason}"),
            AuditOutcome::NotRun { reason } => write!(f, "was not run: {reason}"),
        }
    }
}
