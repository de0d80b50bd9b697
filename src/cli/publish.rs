//! The publication of a run's live figures.

use std::sync::Arc;

use crate::report::{NatsLogin, Publication, PublicationOptions, Reporter, Say};

use super::environment::CliEnvironment;
use super::error::CliError;
use super::session::{Messages, Session};

/// Starts to publish a run that is about to begin, if that is wanted; the reporter feeds it.
pub(super) fn start(
    session: &Session,
) -> Result<Option<(Publication, Box<dyn Reporter>)>, CliError> {
    let places = session.published_at();
    if places.is_empty() {
        return Ok(None);
    }
    let options = PublicationOptions {
        places: places.to_vec(),
        login: session.nats_login().clone(),
        segments: session.plan().load.segment.count(),
        thresholds: session.thresholds().to_vec(),
        start: format!("{}-{:016x}", session.id(), fastrand::u64(..)),
        host: session.host().to_owned(),
    };
    let messages: Messages = session.messages.clone();
    let say: Say = Arc::new(move |text: &str| messages.say(text));
    let (publication, reporter) = Publication::start(options, &say)?;
    Ok(Some((publication, Box::new(reporter))))
}

/// Returns the login for NATS servers, which the environment has, as for NATS' own tools.
pub(super) fn login(environment: &CliEnvironment) -> NatsLogin {
    NatsLogin {
        user: environment.variable("NATS_USER"),
        password: environment.variable("NATS_PASSWORD"),
    }
}
