//! Comparison of repeated runs: what has become slower or faster, and how sure that is.
//!
//! The unit is the run. Samples within a run depend on each other, and runs differ by more than
//! their samples say, so that tests on pooled samples raise false alarms in half of all comparisons.
//! Each run therefore gives one value per figure (a percentile, a rate), and:
//!
//! - the effect is the ratio of the geometric means, or for shares, which may be zero, the
//!   difference of the means;
//! - `p` is that of the exact permutation test, which needs no assumption but that runs could be
//!   exchanged if nothing had changed;
//! - `p_adjusted` is that of the step-down maximum over all figures, which keeps the rate of
//!   comparisons with any false alarm. Unlike Holm's correction it takes account of the correlation
//!   between figures, and the smallest possible value does not rise with their number;
//! - the interval inverts the same permutation test, so it is exact as well.
//!
//! A figure has changed if `p_adjusted` is at most `alpha` and the estimate is beyond the tolerance
//! (a part of the figure, and for times a duration: what is within one of them does not matter); it is
//! the same if the whole interval is within the tolerance. Anything else cannot be told, and
//! the number of repeats that would tell is estimated.

mod arrangements;
mod candidate;
mod drift;
mod family;
mod figure;
mod machine;
mod outcome;
mod permutation;
mod power;
#[cfg(test)]
mod simulation;
mod single_runs;
mod warm_up;

pub use arrangements::fewest_repeats;
pub use drift::{Drift, drift};
pub use figure::{ComparisonSettings, Direction, Figure, Measure, RunOrder, Scale};
pub use machine::{MachineFigures, withdraw_changes_of_machine};
pub use outcome::{ComparedFigure, Comparison, Doubt, Estimate, Finding, IntervalMethod};
#[cfg(test)]
pub(super) use simulation::normal;
pub use single_runs::{compare_single_rates, compare_single_runs};
pub use warm_up::{WarmUp, warm_up};

use arrangements::Arrangements;
use candidate::{Bar, Candidate};
use family::adjust;

/// Compares all figures of two groups of runs.
///
/// Each group should have at least [`fewest_repeats`] runs; with fewer, intervals and spreads are
/// still estimated, but no change is found.
pub fn compare(figures: &[Figure], settings: &ComparisonSettings) -> Comparison {
    let longest = |of: fn(&Figure) -> usize| figures.iter().map(of).max().unwrap_or(0);
    let (old, new) = (longest(|it| it.old.len()), longest(|it| it.new.len()));
    let arrangements = Arrangements::new(old, new, settings.order, settings.seed);
    let fewest = fewest_repeats(settings.alpha, settings.order);
    let mut candidates: Vec<Candidate> = figures
        .iter()
        .map(|figure| Candidate::new(figure, (old, new), &arrangements, settings))
        .collect();
    let critical_z = adjust(&mut candidates, arrangements.count(), settings.alpha);
    let bar = Bar {
        critical_z,
        extremes: (settings.alpha * arrangements.count() as f64 / 2.0).floor(),
        repeats: old.min(new),
        fewest,
    };
    Comparison {
        figures: candidates
            .iter()
            .map(|it| it.conclude(&bar, settings))
            .collect(),
        arrangements: arrangements.count(),
        exhaustive: arrangements.exhaustive,
        fewest_repeats: fewest,
        machine: None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::simulation::{Machine, groups, settings};
    use super::*;

    fn figure(measure: Measure, old: &[f64], new: &[f64]) -> Figure {
        Figure {
            measure,
            ..simulation::figure("flow.response.p95", old, new)
        }
    }

    fn only(measure: Measure, old: &[f64], new: &[f64]) -> ComparedFigure {
        let figures = [figure(measure, old, new)];
        let mut found = compare(&figures, &ComparisonSettings::default());
        found.figures.remove(0)
    }

    const SMALL: Machine = Machine {
        steps: 2,
        flows: 40,
        ..Machine::USUAL
    };

    /// The greatest number of events that chance would bring, but for one in a thousand times.
    fn at_most(rate: f64, count: usize) -> usize {
        let mean = rate * count as f64;
        (mean + 3.1 * (mean * (1.0 - rate)).sqrt()).ceil() as usize
    }

    #[test]
    fn unchanged_programs_raise_no_more_alarms_than_nominal() {
        let noisy = Machine {
            between_runs: 0.15,
            disturbed: 0.1,
            ..SMALL
        };
        let wandering = Machine {
            wandering: 0.05,
            ..SMALL
        };
        let (mut all, mut unadjusted) = (0, 0);
        for (machine, repeats, order) in [
            (SMALL, 4, RunOrder::Separate),
            (noisy, 5, RunOrder::Separate),
            (wandering, 6, RunOrder::Interleaved),
        ] {
            let mut random = fastrand::Rng::with_seed(1);
            let (count, mut alarms) = (60, 0);
            for _ in 0..count {
                let figures = groups(&machine, repeats, order, None, &mut random);
                let found = compare(&figures, &settings(order, 1)).figures;
                let alarm = |p: Option<f64>| p.is_some_and(|p| p <= 0.05);
                alarms += usize::from(found.iter().any(|it| alarm(it.p_adjusted)));
                unadjusted += usize::from(found.iter().any(|it| alarm(it.p)));
            }
            let most = at_most(0.05, count);
            assert!(
                alarms <= most,
                "{alarms} of {count} with {repeats} {order:?}"
            );
            all += count;
        }
        let is_needed = unadjusted > at_most(0.05, all);
        assert!(is_needed, "the adjustment is not needed: {unadjusted}");
    }

    #[test]
    fn the_promised_change_is_found_four_of_five_times() {
        let mut random = fastrand::Rng::with_seed(2);
        let (count, mut found) = (25, 0);
        for _ in 0..count {
            let order = RunOrder::Separate;
            let before = groups(&SMALL, 6, order, None, &mut random);
            let before = compare(&before[4..5], &settings(order, 1));
            let promised = before.figures[0].smallest_change.expect("enough runs");
            assert!(promised > 1.05);
            let after = groups(&SMALL, 6, order, Some((1, promised)), &mut random);
            let after = compare(&after[4..5], &settings(order, 1));
            found += usize::from(after.figures[0].finding == Finding::Worse);
        }
        let missed = count - found;
        assert!(missed <= at_most(0.2, count), "missed {missed} of {count}");
    }

    #[test]
    fn intervals_cover_the_true_change() {
        for repeats in [3, 5] {
            let mut random = fastrand::Rng::with_seed(3);
            let (count, mut missed) = (90, 0);
            for _ in 0..count {
                let order = RunOrder::Separate;
                let figures = groups(&SMALL, repeats, order, Some((1, 1.2)), &mut random);
                let found = compare(&figures[4..5], &settings(order, 1));
                let change = found.figures[0].change.expect("values");
                let (low, high) = change.interval.expect("enough runs");
                missed += usize::from(low > 1.2 || 1.2 > high);
            }
            assert!(missed <= at_most(0.05, count), "{missed} with {repeats}");
        }
    }

    #[test]
    fn a_slow_step_is_found_at_that_step() {
        let machine = Machine {
            between_runs: 0.02,
            ..SMALL
        };
        for order in [RunOrder::Separate, RunOrder::Interleaved] {
            let mut random = fastrand::Rng::with_seed(4);
            let (mut found, mut blamed) = (0, 0);
            for _ in 0..10 {
                let figures = groups(&machine, 6, order, Some((1, 1.4)), &mut random);
                let compared = compare(&figures, &settings(order, 1)).figures;
                found += usize::from(compared[4].words() == "slower");
                blamed += usize::from(
                    compared[2..4]
                        .iter()
                        .any(|it| it.doubt.is_none() && it.finding != Finding::Same),
                );
            }
            assert!(
                found >= 9 && blamed <= at_most(0.05, 10),
                "{found} {blamed}"
            );
        }
    }

    #[test]
    fn the_p_of_separate_groups_is_that_of_the_arrangements() {
        let old = [100.0, 101.0, 102.0, 103.0, 104.0, 105.0];
        let found = only(Measure::Time, &old, &old.map(|it| it * 1.2));
        assert_eq!(found.p, Some(2.0 / 924.0));
        assert_eq!(found.p_adjusted, found.p);
        assert_eq!((found.words(), found.repeats), ("slower", None));
        let change = found.change.expect("values");
        assert!((change.value - 1.2).abs() < 1e-9);
        assert_eq!(change.method, IntervalMethod::Permutation);
    }

    #[test]
    fn too_few_runs_are_said_to_be_too_few() {
        for repeats in 1..=3 {
            let old: Vec<f64> = (0..repeats).map(|run| 100.0 + f64::from(run)).collect();
            let new: Vec<f64> = old.iter().map(|it| it * 2.0).collect();
            let found = only(Measure::Time, &old, &new);
            assert_eq!(found.doubt, Some(Doubt::TooFewRuns), "{repeats}");
            assert!(found.repeats.is_some_and(|it| it >= 4));
            let change = found.change.expect("values");
            assert_eq!(change.method, IntervalMethod::StudentT);
            assert_eq!(change.interval.is_some(), repeats > 1);
        }
        let none = only(Measure::Time, &[], &[1.0, 2.0]);
        assert_eq!((none.doubt, none.change), (Some(Doubt::Missing), None));
        let nothing = compare(&[], &ComparisonSettings::default());
        assert!(nothing.figures.is_empty());
    }

    #[test]
    fn shares_may_be_zero() {
        let none = [0.0; 6];
        let same = only(Measure::Share, &none, &none);
        assert_eq!((same.finding, same.p), (Finding::Same, Some(1.0)));
        let some = [0.03, 0.05, 0.04, 0.06, 0.05, 0.04];
        let worse = only(Measure::Share, &none, &some);
        assert_eq!(worse.words(), "worse");
        assert!((worse.change.expect("values").value - 0.045).abs() < 1e-9);
        assert_eq!(only(Measure::Share, &some, &none).words(), "better");
    }

    #[test]
    fn small_times_have_a_tolerance_of_their_own() {
        let settings = ComparisonSettings {
            time_tolerance_us: 1000.0,
            ..ComparisonSettings::default()
        };
        let old = [2700.0, 2710.0, 2690.0, 2705.0, 2695.0, 2700.0];
        let finding = |measure, [old, new]: [[f64; 6]; 2]| {
            let found = compare(&[figure(measure, &old, &new)], &settings).figures;
            (found[0].words(), found[0].smallest_change)
        };
        let risen = |by: f64| [old, old.map(|it| it + by)];
        let (within, promised) = finding(Measure::Time, risen(300.0));
        assert_eq!(within, "same within tolerance");
        // What is promised is beyond the tolerance.
        assert!(
            promised.is_some_and(|it| it > 3700.0 / 2700.0),
            "{promised:?}"
        );
        assert_eq!(finding(Measure::Time, risen(1100.0)).0, "slower");
        assert_eq!(finding(Measure::Use, risen(300.0)).0, "worse");
        let [low, high] = risen(300.0);
        assert_eq!(
            finding(Measure::Time, [high, low]).0,
            "same within tolerance"
        );
        let long = [old.map(|it| it * 100.0), old.map(|it| it * 104.0)];
        assert_eq!(finding(Measure::Time, long).0, "same within tolerance");
        let long = [old.map(|it| it * 100.0), old.map(|it| it * 106.0)];
        assert_eq!(finding(Measure::Time, long).0, "slower");
    }

    #[test]
    fn less_throughput_is_worse_and_promised_as_less() {
        let old = [50.0, 51.0, 49.5, 50.5, 50.2, 49.8];
        let found = only(Measure::Throughput, &old, &old.map(|it| it * 0.8));
        assert_eq!(found.words(), "worse");
        assert!(found.smallest_change.is_some_and(|it| it < 1.0));
        assert_eq!(
            only(Measure::Throughput, &old, &old).words(),
            "same within tolerance"
        );
    }

    #[test]
    fn noise_asks_for_more_repeats() {
        let old = [100.0, 112.0, 95.0, 104.0];
        let found = only(Measure::Time, &old, &[103.0, 97.0, 110.0, 101.0]);
        assert_eq!(found.doubt, Some(Doubt::Noise));
        assert!(
            found.repeats.is_some_and(|it| it > 8),
            "{:?}",
            found.repeats
        );
    }

    prop_compose! {
        fn any_figure()(
            old in prop::collection::vec(any_value(), 0..6),
            new in prop::collection::vec(any_value(), 0..6),
            measure in prop::sample::select(vec![Measure::Time, Measure::Share, Measure::Throughput]),
        ) -> Figure {
            Figure { old, new, ..figure(measure, &[], &[]) }
        }
    }

    fn any_value() -> impl Strategy<Value = Option<f64>> {
        prop_oneof![
            6 => (1.0..2.0).prop_map(Some),
            1 => Just(None),
            1 => prop::sample::select(vec![0.0, -1.0, f64::NAN, f64::INFINITY, 1e300]).prop_map(Some),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn any_numbers_are_compared(figures in prop::collection::vec(any_figure(), 0..4)) {
            let found = compare(&figures, &ComparisonSettings::default());
            prop_assert_eq!(found.figures.len(), figures.len());
            for it in &found.figures {
                prop_assert!(it.p.is_none_or(|p| p > 0.0 && p <= 1.0), "{:?}", it);
                prop_assert!(it.p_adjusted.is_none_or(|p| p > 0.0 && p <= 1.0), "{:?}", it);
                prop_assert_eq!(it.finding == Finding::CannotTell, it.doubt.is_some());
                if let Some((low, high)) = it.change.and_then(|it| it.interval) {
                    prop_assert!(low <= high, "{:?}", it);
                }
            }
        }

        #[test]
        fn exchanged_groups_give_the_opposite(
            old in prop::collection::vec(1.0..2.0_f64, 5), new in prop::collection::vec(1.0..2.0_f64, 5),
        ) {
            let (one, other) = (only(Measure::Time, &old, &new), only(Measure::Time, &new, &old));
            prop_assert_eq!(one.p, other.p);
            let (change, opposite) = (one.change.expect("values"), other.change.expect("values"));
            prop_assert!((change.value * opposite.value - 1.0).abs() < 1e-9);
            let (low, high) = change.interval.expect("five runs");
            let (opposite_low, opposite_high) = opposite.interval.expect("five runs");
            prop_assert!((low * opposite_high - 1.0).abs() < 1e-9);
            prop_assert!((high * opposite_low - 1.0).abs() < 1e-9);
            // The interval and the test are one.
            prop_assert_eq!(one.p.expect("values") <= 0.05, low > 1.0 || high < 1.0);
        }
    }
}
