//! Inference of a scenario from recordings of the work.
//!
//! Pure: recordings in, the text of a scenario out, with notes on what is uncertain in it.

mod actions;
mod agreement;
mod anchors;
mod captures;
mod compose;
mod differences;
mod document;
mod interludes;
mod line_editing;
mod merge;
mod names;
mod phrases;
mod proofs;
mod replies;
mod screen_session;
mod selections;
mod sessions;
mod shapes;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod typed_keys;
mod work;
mod yaml;

use super::recording::Recording;
use document::Document;
use replies::Replies;
use sessions::Session;
use work::Work;

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

/// Infers a scenario from recordings, one for each role. Further recordings of a role are taken for
/// the same work, done again.
pub fn infer(recordings: &[Recording], options: &InferOptions) -> Inferred {
    let (document, replies) = documented(recordings, options);
    inferred(document.text(), replies)
}

/// Infers the actions and steps of the recorded roles into an existing scenario. All else in it
/// stays as it is, with its comments; the notes tell what could not be kept.
///
/// # Errors
/// If the existing text is not a map in YAML: the reason.
pub fn infer_into(
    existing: &str,
    recordings: &[Recording],
    options: &InferOptions,
) -> Result<Inferred, String> {
    let (mut document, mut replies) = documented(recordings, options);
    if !options.only.is_empty() {
        let only: Vec<String> = options
            .only
            .iter()
            .filter_map(|it| names::slug(it))
            .collect();
        document.roles.retain(|role| only.contains(&role.key));
    }
    let merged = merge::merge(existing, &document)?;
    replies.notes.extend(merged.notes);
    Ok(inferred(merged.scenario, replies))
}

fn documented(recordings: &[Recording], options: &InferOptions) -> (Document, Replies) {
    let mut sessions: Vec<Session> = Vec::new();
    let mut again: Vec<Session> = options.again.iter().map(Session::new).collect();
    for recording in recordings {
        let session = Session::new(recording);
        match sessions.iter().any(|it| it.role == session.role) {
            true => again.push(session),
            false => sessions.push(session),
        }
    }
    let work = Work::new(sessions, again, &options.replayed);
    let mut replies = replies::infer(&work, options);
    let document = compose::compose(&work, &mut replies, options);
    (document, replies)
}

fn inferred(scenario: String, replies: Replies) -> Inferred {
    Inferred {
        scenario,
        notes: replies.notes,
        questions: replies.questions,
        secrets: replies.secrets,
    }
}
