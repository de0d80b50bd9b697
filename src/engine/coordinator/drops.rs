//! Dropped flows that are not reported yet: events say how many, so that a rate far beyond the
//! machine's floods no reporter.

use std::time::Duration;

use crate::model::RunEvent;

/// The interval at which drops are reported.
pub(super) const REPORT_EVERY: Duration = Duration::from_secs(1);

/// Drops since the last report.
#[derive(Debug, Default)]
pub(super) struct Drops {
    counted: u64,
    warm_up: u64,
}

impl Drops {
    pub(super) fn add(&mut self, count: u64, counted: bool) {
        let drops = match counted {
            true => &mut self.counted,
            false => &mut self.warm_up,
        };
        *drops = drops.saturating_add(count);
    }

    /// Returns the events for the drops since the last call.
    pub(super) fn take(&mut self) -> impl Iterator<Item = RunEvent> + use<> {
        let Drops { counted, warm_up } = std::mem::take(self);
        [(warm_up, false), (counted, true)]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, counted)| RunEvent::FlowsDropped { count, counted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_drops_are_one_event() {
        let mut drops = Drops::default();
        (0..1_000).for_each(|_| drops.add(3, true));
        drops.add(7, false);
        let events: Vec<_> = drops.take().collect();
        let counts = events.iter().map(|event| match event {
            RunEvent::FlowsDropped { count, counted } => (*count, *counted),
            other => panic!("{other:?}"),
        });
        assert_eq!(counts.collect::<Vec<_>>(), [(7, false), (3_000, true)]);
        assert_eq!(drops.take().count(), 0);
    }
}
