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
mod inferred;
mod interludes;
mod leaving;
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
pub use inferred::{InferOptions, Inferred, Note, Question, SecretValue};
use replies::{Replies, ValueKind};
use sessions::Session;
use work::Work;

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
    let typed = replies.values.iter();
    let typed = typed.filter(|it| matches!(it.kind, ValueKind::Variable { .. }));
    let variables = typed.map(|it| (it.name.clone(), it.recorded.clone()));
    Inferred {
        scenario,
        variables: variables.collect(),
        notes: replies.notes,
        questions: replies.questions,
        secrets: replies.secrets,
    }
}
