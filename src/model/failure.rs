//! Failures of flows, for people, reports and programs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The activity of a program at the moment of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    WaitingForInput,
    Running,
    BlockedOnWriting,
    Sleeping,
    /// Waiting for something else: a lock, a child, the network, a disk.
    Waiting,
    /// Stopped by a signal, as by Ctrl-Z.
    Stopped,
    Gone,
    /// It was not started. Files of earlier versions have [`Activity::Gone`] then.
    NotStarted,
    Unknown,
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Activity::WaitingForInput => "waiting for input",
            Activity::Running => "running",
            Activity::BlockedOnWriting => "blocked on writing",
            Activity::Sleeping => "sleeping",
            Activity::Waiting => "waiting for something other than input",
            Activity::Stopped => "stopped",
            Activity::Gone => "gone",
            Activity::NotStarted => "not started",
            Activity::Unknown => "in an unknown state",
        })
    }
}

/// The kind of a failure, by which reports group, and which `retry` and `tolerate` name. Its
/// [names](strum::VariantNames) lack that of [`Business`](FailureKind::Business), whose names come
/// from the scenario.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum FailureKind {
    /// The program could not be started.
    NotStarted,
    /// The program did not print its first prompt in time.
    StartupTimeout,
    /// The turn's, the step's or the flow's deadline passed.
    Timeout,
    /// The program ended, or closed its output, while something was awaited.
    EndedEarly,
    /// The exit code was not the one that `exits` expects, or a signal ended the program.
    WrongExit,
    /// A `fail_on` pattern of the role or a `fail` of the scenario matched; its category.
    #[strum(disabled)]
    Business(String),
    /// `choose` or `pick` found no row.
    RowNotFound,
    /// `choose` or `pick` found several rows.
    AmbiguousRow,
    /// A reply could not be sent: too long, a control character, input closed, never read.
    NotSent,
    /// A key changed nothing on the screen, or a field does not show what was typed.
    NotTaken,
    /// A `secret` was not sent because the terminal's echo stayed on.
    EchoStayedOn,
    /// An interlude came more often than allowed, or a `repeat` or `again` took too many rounds.
    TooOften,
    /// An `assert` was false.
    AssertionFailed,
    /// A capture matched with a different value than before.
    CaptureChanged,
    /// A promised `provides` has no value.
    NotProvided,
    /// An expression could not be computed.
    Expression,
    /// A `run` command failed or did not print the expected text.
    CommandFailed,
    /// Rehearsal itself failed.
    Internal,
}

impl FailureKind {
    /// The short stable name: `timeout`, `ended_early`, or the category of a business failure.
    pub fn name(&self) -> &str {
        match self {
            FailureKind::Business(category) => category,
            other => other.into(),
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name().replace('_', " "))
    }
}

/// The failure of one flow. All texts are masked and bounded, but not sanitized for any display:
/// `tail` may contain control characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub kind: FailureKind,
    /// The step's name, such as `02_create_order`.
    pub step: String,
    /// The role's name.
    pub role: String,
    /// The turn's place in the scenario: `order-flow.yaml:42`. Empty if no turn failed.
    pub turn: String,
    /// One sentence about the error, without the program's output: "awaited prompt `Password:`".
    pub message: String,
    /// Everything that was awaited, each as in the scenario: "prompt `Password:`".
    pub awaited: Vec<String>,
    /// The length of the wait.
    pub waited_us: u64,
    /// The program's activity at that moment.
    pub activity: Activity,
    /// The last lines of the program's output; empty for a program with a screen.
    pub tail: String,
    /// The program's screen, as a picture of text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen: Option<String>,
    /// Advice, if there is any.
    pub hint: Option<String>,
}

impl Failure {
    /// Creates a failure without a step, role or turn and without a wait.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Failure {
            kind,
            step: String::new(),
            role: String::new(),
            turn: String::new(),
            message: message.into(),
            awaited: Vec::new(),
            waited_us: 0,
            activity: Activity::Unknown,
            tail: String::new(),
            screen: None,
            hint: None,
        }
    }

    /// Adds the names of the step and the role.
    pub fn at(self, step: impl Into<String>, role: impl Into<String>) -> Self {
        Failure {
            step: step.into(),
            role: role.into(),
            ..self
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}
