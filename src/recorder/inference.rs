//! Inference of a scenario from recordings of the work.
//!
//! Pure: recordings in, the text of a scenario out, with notes on what is uncertain in it.

mod line_editing;
mod screen_session;
mod sessions;
mod shapes;
#[cfg(test)]
mod testing;
mod typed_keys;

use super::recording::Recording;

/// Settings of an inference.
#[derive(Debug, Clone, Default)]
pub struct InferOptions {
    /// The scenario's name; that of the first role by default.
    pub name: Option<String>,
    /// Think times become turns; otherwise comments.
    pub think: bool,
    /// Further recordings of the same work: what differs in them is volatile.
    pub again: Vec<Recording>,
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

/// Infers a scenario from recordings, one or more for each role.
pub fn infer(recordings: &[Recording], options: &InferOptions) -> Inferred {
    let _ = (recordings, options);
    Inferred::default()
}
