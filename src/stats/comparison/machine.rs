//! The machine as a cause of changes: other processes took more of it from one group of runs.
//!
//! The permutation test assumes that runs could be exchanged if the programs had not changed. Groups
//! that were made one after the other on a machine on which others work as well cannot: other
//! processes come and go over minutes, and meet one group only.

use std::cmp::Ordering;

use super::figure::{ComparisonSettings, Direction, Figure, RunOrder, Scale};
use super::outcome::{ComparedFigure, Comparison, Doubt, Finding};

/// The greatest p of a difference of the machine. A difference that is overlooked becomes a false
/// alarm, so it is not as small as that of changes.
const ALPHA: f64 = 0.05;

/// The machine of both groups of runs.
#[derive(Debug, Clone, PartialEq)]
pub struct MachineFigures {
    /// The part of its processor time that other processes left to each run.
    pub free: Figure,
    /// The delay of timers: the time for which what is ready waits for a processor.
    pub lag: Figure,
}

/// Withdraws the changes of a comparison that the machine may have caused, and notes how it differs.
///
/// If other processes left less of the machine to the new runs, by more than the tolerance, and timers
/// were not as punctual, nothing is called worse that may be explained by it; if they left more,
/// nothing is called better. A change is explained if its interval reaches to that of the free
/// processor time. Both signs are needed: programs that compute more delay timers as well, and where
/// others take all that they can get, programs that wait for longer leave them more.
///
/// Groups that were made in turns are left as they are: what happens to the machine happens to both.
pub fn withdraw_changes_of_machine(
    comparison: &mut Comparison,
    machine: &MachineFigures,
    settings: &ComparisonSettings,
) {
    if settings.order == RunOrder::Interleaved {
        return;
    }
    let settings = ComparisonSettings {
        alpha: ALPHA,
        ..*settings
    };
    let tolerance = settings.tolerance_on(Scale::Ratio);
    let figures = [machine.free.clone(), machine.lag.clone()];
    let found = super::compare(&figures, &settings).figures;
    let [free, lag] = &found[..] else { return };
    let (Some(p), Some(change)) = (free.p, free.change) else {
        return;
    };
    let change = change.value.ln();
    if p > ALPHA || change.abs() <= tolerance {
        return;
    }
    // Runs that are too short have no lag.
    let is_contradicted = lag
        .change
        .is_some_and(|it| -it.value.ln() * change.signum() <= tolerance);
    if is_contradicted {
        return;
    }
    let explained = Finding::of_change(change, Direction::HigherIsBetter);
    let reach = change.abs() + tolerance;
    for figure in &mut comparison.figures {
        if figure.finding == explained && least_change(figure) <= reach {
            figure.finding = Finding::CannotTell;
            figure.doubt = Some(Doubt::Machine);
            figure.repeats = None;
        }
    }
    comparison.machine = Some(free.clone());
}

/// Returns the size of the smallest change in the interval of a ratio; of others none.
fn least_change(figure: &ComparedFigure) -> f64 {
    let interval = figure.change.filter(|it| it.scale == Scale::Ratio);
    let interval = interval.and_then(|it| it.interval);
    interval.map_or(0.0, |(low, high)| {
        let (low, high) = (low.ln(), high.ln());
        if low <= 0.0 && high >= 0.0 {
            0.0
        } else {
            low.abs().min(high.abs())
        }
    })
}

impl Comparison {
    /// Returns how the processor time that other processes left has changed, if that may be the
    /// cause of changes, and the number of figures about which nothing is told for that reason.
    pub fn withdrawn(&self) -> Option<(&ComparedFigure, usize)> {
        let doubts = self.figures.iter().filter_map(|it| it.doubt);
        let count = doubts.filter(|doubt| *doubt == Doubt::Machine).count();
        self.machine.as_ref().map(|free| (free, count))
    }

    /// Returns the figure that has changed most of those about which nothing is told for that reason.
    pub fn most_withdrawn(&self) -> Option<&ComparedFigure> {
        let change = |it: &&ComparedFigure| {
            let value = it.change.filter(|it| it.scale == Scale::Ratio)?.value;
            Some(value.ln().abs())
        };
        let figures = self.figures.iter();
        let withdrawn = figures.filter(|it| it.doubt == Some(Doubt::Machine));
        withdrawn.max_by(|one, other| {
            change(one)
                .partial_cmp(&change(other))
                .unwrap_or(Ordering::Equal)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::simulation::figure;
    use super::super::{ComparisonSettings, Measure, compare};
    use super::*;

    const OLD: [f64; 6] = [100.0, 102.0, 101.0, 99.0, 100.5, 101.5];

    fn machine(free: [f64; 2], lag: [f64; 2]) -> MachineFigures {
        let groups = |[old, new]: [f64; 2]| [old, new].map(|part| OLD.map(|it| it / 100.0 * part));
        let [old, new] = groups(free);
        let free = Figure {
            measure: Measure::Throughput,
            ..figure("machine.free", &old, &new)
        };
        let [old, new] = groups(lag);
        let lag = figure("machine.lag", &old, &new);
        MachineFigures { free, lag }
    }

    fn compared(factor: f64, machine: &MachineFigures, order: RunOrder) -> Comparison {
        let settings = ComparisonSettings {
            order,
            ..ComparisonSettings::default()
        };
        let times = figure("flow.p50", &OLD, &OLD.map(|it| it * factor));
        let mut found = compare(&[times], &settings);
        withdraw_changes_of_machine(&mut found, machine, &settings);
        found
    }

    const BUSIER: ([f64; 2], [f64; 2]) = ([0.4, 0.3], [10.0, 14.0]);
    const IDLER: ([f64; 2], [f64; 2]) = ([0.3, 0.4], [14.0, 10.0]);

    #[test]
    fn what_a_busier_machine_explains_is_not_told() {
        let found = compared(1.3, &machine(BUSIER.0, BUSIER.1), RunOrder::Separate);
        assert_eq!(found.figures[0].doubt, Some(Doubt::Machine));
        assert_eq!(found.figures[0].words(), "cannot tell");
        let (free, count) = found.withdrawn().expect("a difference");
        assert!((free.change.expect("values").value - 0.75).abs() < 1e-9);
        assert_eq!(count, 1);
        let most = found.most_withdrawn().map(|it| it.name.as_str());
        assert_eq!(most, Some("flow.p50"));
        let found = compared(0.75, &machine(IDLER.0, IDLER.1), RunOrder::Separate);
        assert_eq!(found.figures[0].doubt, Some(Doubt::Machine));
        // Too short for a lag.
        let mut short = machine(BUSIER.0, BUSIER.1);
        short.lag = figure("machine.lag", &[], &[]);
        let found = compared(1.3, &short, RunOrder::Separate);
        assert_eq!(found.figures[0].doubt, Some(Doubt::Machine));
    }

    #[test]
    fn what_it_does_not_explain_is_told() {
        for (factor, (free, lag), finding) in [
            // Faster on a busier machine, slower on an idler one.
            (0.7, BUSIER, Finding::Better),
            (1.3, IDLER, Finding::Worse),
            // By more than the machine.
            (1.8, BUSIER, Finding::Worse),
            // As busy as before.
            (1.3, ([0.98, 0.97], [1.0, 1.5]), Finding::Worse),
            // Others have taken what the programs left, or the programs took it themselves.
            (1.3, ([0.4, 0.3], [10.0, 10.0]), Finding::Worse),
            (1.3, ([0.4, 0.4], [10.0, 14.0]), Finding::Worse),
        ] {
            let found = compared(factor, &machine(free, lag), RunOrder::Separate);
            assert_eq!(found.figures[0].finding, finding, "{factor} {free:?}");
        }
        let in_turns = compared(1.3, &machine(BUSIER.0, BUSIER.1), RunOrder::Interleaved);
        assert_eq!(in_turns.figures[0].finding, Finding::Worse);
        assert_eq!(in_turns.withdrawn(), None);
        let unknown = MachineFigures {
            free: figure("machine.free", &[], &[]),
            lag: figure("machine.lag", &[], &[]),
        };
        let found = compared(1.3, &unknown, RunOrder::Separate);
        assert_eq!(found.figures[0].finding, Finding::Worse);
    }
}
