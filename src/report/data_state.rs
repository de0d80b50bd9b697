//! The state of a run's data, by all its integrity checks, as every report words it.

use crate::model::AuditOutcome;
use crate::stats::Integrity;

use super::units;

/// The data of a run, by all its integrity checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DataState {
    Consistent,
    /// Not all checks could be made, or there was nothing to check.
    Unsure,
    Inconsistent,
}

/// Returns the state of the data and the words for it.
pub(super) fn data(integrity: &Integrity) -> (DataState, String) {
    if integrity.is_violated() {
        let findings = integrity.violations.filter(|it| *it > 0);
        let findings = findings.map_or(String::new(), |it| {
            format!(": {}", units::counted(it, "finding"))
        });
        return (
            DataState::Inconsistent,
            format!("data inconsistent{findings}"),
        );
    }
    let mut audits = integrity.audits.iter();
    let is_unaudited = audits.any(|audit| matches!(audit.outcome, AuditOutcome::NotRun { .. }));
    let (state, words) = if integrity.duplicates.is_none() || is_unaudited {
        (DataState::Unsure, "data not checked in full")
    } else if !has_checked(integrity) {
        (DataState::Unsure, "no data to check")
    } else {
        (DataState::Consistent, "data consistent")
    };
    (state, words.into())
}

/// Returns `true` if any check had something to look at.
fn has_checked(integrity: &Integrity) -> bool {
    integrity.unique.iter().any(|it| it.values > 0)
        || integrity.agree.iter().any(|it| it.compared > 0)
        || integrity.own.iter().any(|it| it.compared > 0)
        || !integrity.audits.is_empty()
}
