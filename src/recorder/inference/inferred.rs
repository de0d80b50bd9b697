//! Settings of an inference, and the scenario that it returns.

use crate::recorder::recording::Recording;

/// Settings of an inference.
#[derive(Debug, Clone, Default)]
pub struct InferOptions {
    /// The scenario's name; that of the first role by default.
    pub name: Option<String>,
    /// Think times become turns; otherwise comments.
    pub think: bool,
    /// The roles to write into an existing scenario; all by default. The recordings of the others
    /// show where values come from and where they go.
    pub only: Vec<String>,
    /// Further recordings of the same work: what differs in them is volatile.
    pub again: Vec<Recording>,
    /// The output of each role in a first replay of the scenario, without what was typed: what is
    /// different in it is volatile, and what was typed of it must have been read.
    pub replayed: Vec<(String, String)>,
    /// Prompts whose echoed answers are no secrets, although their texts suggest it.
    pub plain_prompts: Vec<String>,
}

/// A scenario as inferred.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inferred {
    /// The text of the scenario: YAML with comments.
    pub scenario: String,
    /// Places that a person should look at.
    pub notes: Vec<Note>,
    /// Decisions that only the person can take. The scenario is written for the cautious answer.
    pub questions: Vec<Question>,
    /// Variables that hold what the person typed, with their values in the recording.
    pub variables: Vec<(String, String)>,
    /// Environment variables from which the scenario takes its secrets, with the number of the
    /// secret in the recording of a role.
    pub secrets: Vec<SecretValue>,
}

/// A remark about the scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    pub role: String,
    pub text: String,
}

/// A decision that only the person can take.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    pub role: String,
    /// The prompt that the question is about.
    pub prompt: String,
    pub text: String,
}

/// A secret of the scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct SecretValue {
    pub role: String,
    /// Equal numbers in a role's recording stand for equal texts.
    pub number: Option<usize>,
    /// The environment variable that has its value.
    pub variable: String,
}
