//! Where flows wait for each other.

use std::time::Duration;

use super::load::Load;
use super::plan::Plan;

/// What a flow has to wait for before a step, besides a free script instance of a pool. In this
/// order: for company, for its turn by the clock, for the others to leave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gates {
    /// So many flows are held and then released at once.
    pub together: Option<u64>,
    /// The least time between two starts of the step.
    pub interval: Option<Duration>,
    /// One flow at a time performs the steps with this name.
    pub exclusive: Option<String>,
}

impl Gates {
    /// Returns whether there is nothing to wait for.
    pub fn are_open(&self) -> bool {
        *self == Gates::default()
    }
}

impl Plan {
    /// Returns whether flows of it ever wait for each other.
    pub fn has_gates(&self) -> bool {
        self.roles.iter().any(|role| role.pool.is_some())
            || self.steps.iter().any(|step| !step.gates.are_open())
    }

    /// Which gates never hold as many flows of this load as they are to release together, with
    /// what to do about it.
    pub fn closed_gates(&self, load: &Load) -> Vec<String> {
        let most = load.most_in_flight().min(load.flows.unwrap_or(u64::MAX));
        let steps = self.steps.iter();
        steps
            .filter_map(|step| {
                let wanted = step.gates.together.filter(|wanted| *wanted > most)?;
                Some(format!(
                    "`{}` is to be performed by {wanted} flows together, and there are never more \
                     than {most}: run {wanted} flows with --parallel {wanted}, or make `together` \
                     smaller ({})",
                    step.name, step.place,
                ))
            })
            .collect()
    }
}
