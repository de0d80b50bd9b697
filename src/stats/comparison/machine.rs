//! The machine as a cause of changes: other processes took more of it from one group of runs.
//!
//! The permutation test assumes that runs could be exchanged if the programs had not changed. Groups
//! that were made one after the other on a machine on which others work as well cannot: other
//! processes come and go over minutes, and meet one group only.

use super::figure::{ComparisonSettings, Direction, Figure, RunOrder, Scale};
use super::outcome::{ComparedFigure, Comparison, Doubt, Finding};

/// The greatest p of a difference of the machine. A difference that is overlooked becomes a false
/// alarm, so it is not as small as that of changes.
const ALPHA: f64 = 0.05;

/// Withdraws the changes of a comparison that the machine may have caused, and notes how it differs.
///
/// `free` is the part of the machine's processor time that other processes left to each run. If it
/// has become less, by more than the tolerance, nothing is called worse; if it has become more,
/// nothing is called better. Groups that were made in turns are left as they are: what happens to the
/// machine happens to both.
pub fn withdraw_changes_of_machine(
    comparison: &mut Comparison,
    free: &Figure,
    settings: &ComparisonSettings,
) {
    if settings.order == RunOrder::Interleaved {
        return;
    }
    let settings = ComparisonSettings {
        alpha: ALPHA,
        ..*settings
    };
    let found = super::compare(std::slice::from_ref(free), &settings);
    let Some(free) = found.figures.into_iter().next() else {
        return;
    };
    let (Some(p), Some(change)) = (free.p, free.change) else {
        return;
    };
    let change = change.value.ln();
    if p > ALPHA || change.abs() <= settings.tolerance_on(Scale::Ratio) {
        return;
    }
    let explained = Finding::of_change(change, Direction::HigherIsBetter);
    for figure in &mut comparison.figures {
        if figure.finding == explained {
            figure.finding = Finding::CannotTell;
            figure.doubt = Some(Doubt::Machine);
            figure.repeats = None;
        }
    }
    comparison.machine = Some(free);
}

impl Comparison {
    /// Returns how the processor time that other processes left has changed, if that may be the
    /// cause of changes, and the number of figures about which nothing is told for that reason.
    pub fn withdrawn(&self) -> Option<(&ComparedFigure, usize)> {
        let doubts = self.figures.iter().filter_map(|it| it.doubt);
        let count = doubts.filter(|doubt| *doubt == Doubt::Machine).count();
        self.machine.as_ref().map(|free| (free, count))
    }
}

#[cfg(test)]
mod tests {
    use super::super::simulation::figure;
    use super::super::{ComparisonSettings, Measure, compare};
    use super::*;

    const OLD: [f64; 6] = [100.0, 102.0, 101.0, 99.0, 100.5, 101.5];

    fn compared(factor: f64, free: [f64; 2], order: RunOrder) -> Comparison {
        let settings = ComparisonSettings {
            order,
            ..ComparisonSettings::default()
        };
        let times = figure("flow.p50", &OLD, &OLD.map(|it| it * factor));
        let mut found = compare(&[times], &settings);
        let [before, after] = free.map(|part| OLD.map(|it| it / 100.0 * part));
        let free = Figure {
            measure: Measure::Throughput,
            ..figure("machine.free", &before, &after)
        };
        withdraw_changes_of_machine(&mut found, &free, &settings);
        found
    }

    #[test]
    fn what_a_busier_machine_explains_is_not_told() {
        let found = compared(1.3, [0.4, 0.3], RunOrder::Separate);
        assert_eq!(found.figures[0].doubt, Some(Doubt::Machine));
        assert_eq!(found.figures[0].words(), "cannot tell");
        let (free, count) = found.withdrawn().expect("a difference");
        assert!((free.change.expect("values").value - 0.75).abs() < 1e-9);
        assert_eq!(count, 1);
        let found = compared(0.7, [0.3, 0.4], RunOrder::Separate);
        assert_eq!(found.figures[0].doubt, Some(Doubt::Machine));
    }

    #[test]
    fn what_it_does_not_explain_is_told() {
        // Faster on a busier machine, slower on an idler one, and on one that is as it was.
        for (factor, free, finding) in [
            (0.7, [0.4, 0.3], Finding::Better),
            (1.3, [0.3, 0.4], Finding::Worse),
            (1.3, [0.98, 0.97], Finding::Worse),
        ] {
            let found = compared(factor, free, RunOrder::Separate);
            assert_eq!(found.figures[0].finding, finding, "{factor} {free:?}");
        }
        let in_turns = compared(1.3, [0.4, 0.3], RunOrder::Interleaved);
        assert_eq!(in_turns.figures[0].finding, Finding::Worse);
        assert_eq!(in_turns.withdrawn(), None);
    }

    #[test]
    fn an_unknown_machine_is_no_cause() {
        let settings = ComparisonSettings::default();
        let times = figure("flow.p50", &OLD, &OLD.map(|it| it * 1.3));
        let mut found = compare(&[times], &settings);
        let unknown = figure("machine.free", &[], &[]);
        withdraw_changes_of_machine(&mut found, &unknown, &settings);
        assert_eq!(found.figures[0].finding, Finding::Worse);
    }
}
