//! Order of the trials: raise the load until the thresholds break, narrow, and repeat at the edge.

use serde::Serialize;

use super::{LoadKind, Trial, TrialOutcome};

/// Times that the lowest load is halved before the search gives up.
const MAX_HALVINGS: usize = 6;

/// With fewer flows in flight on average, they hardly ever meet.
const ALONE: f64 = 0.1;

/// Unusable trials at a load before it counts as out of reach.
const UNUSABLE: usize = 2;

/// The settings of a search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SearchPlan {
    pub kind: LoadKind,
    /// The first load.
    pub start: f64,
    /// The highest load to try, if there is one.
    pub highest: Option<f64>,
    /// The search ends once the load that breaks is at most this part higher than the one that
    /// holds.
    pub precision: f64,
    /// Trials at each of these two loads.
    pub repeats: usize,
    /// The maximum number of trials.
    pub max_trials: usize,
}

/// The next part of a search.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// A trial at this load. One at the edge decides, and needs all samples of its thresholds.
    Try { load: f64, at_edge: bool },
    /// The search has ended.
    Found(Capacity),
}

/// The answer of a search.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Capacity {
    /// The highest load at which the thresholds held; `None` if they held at none.
    pub load: Option<f64>,
    /// Trials there that held, and all usable ones.
    pub held: (usize, usize),
    /// The lowest higher load that is out of reach.
    pub broke_at: Option<f64>,
    /// Trials there that broke, and all usable ones.
    pub broke: (usize, usize),
    pub limit: CapacityLimit,
    /// The reason for which trials there say nothing about the programs.
    pub unusable: Option<String>,
    /// The search ended with its number of trials, before the loads were as near as wanted.
    pub is_cut_short: bool,
}

/// The reason for which the load was not raised further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CapacityLimit {
    /// The thresholds broke.
    Thresholds,
    /// The load generator gave out: the capacity is at least the load that held.
    Generator,
    /// The highest load to try was reached: the capacity is at least that.
    Highest,
    /// The search was ended before a load broke.
    Unfinished,
}

impl Capacity {
    /// Returns the probability that trials agree at least so well at a load at which the thresholds
    /// hold only half of the time: that of `held.0` or more of `held.1` coin flips.
    pub fn chance(&self) -> f64 {
        let (held, all) = self.held;
        let ways: f64 = (held..=all).map(|it| choose(all, it)).sum();
        ways / 2_f64.powi(i32::try_from(all).unwrap_or(i32::MAX))
    }
}

fn choose(all: usize, some: usize) -> f64 {
    (0..some).fold(1.0, |ways, at| ways * (all - at) as f64 / (at + 1) as f64)
}

/// The trials at one load.
#[derive(Debug, Clone, Copy)]
struct Level {
    load: f64,
    held: usize,
    broke: usize,
    unusable: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Holds,
    Breaks,
    /// The generator gave out.
    OutOfReach,
    /// Its only trial was unusable.
    Unknown,
}

impl Level {
    fn usable(self) -> usize {
        self.held + self.broke
    }

    fn status(self) -> Status {
        match self {
            it if it.unusable >= UNUSABLE && it.unusable >= it.usable() => Status::OutOfReach,
            it if it.usable() == 0 => Status::Unknown,
            it if it.held > it.broke => Status::Holds,
            _ => Status::Breaks,
        }
    }

    fn is_out_of_reach(self) -> bool {
        matches!(self.status(), Status::Breaks | Status::OutOfReach)
    }
}

/// Returns the levels by load, the lowest first.
fn levels(trials: &[Trial]) -> Vec<Level> {
    let mut levels: Vec<Level> = Vec::new();
    for trial in trials {
        let at = levels.partition_point(|it| it.load < trial.load);
        if levels.get(at).is_none_or(|it| it.load > trial.load) {
            levels.insert(
                at,
                Level {
                    load: trial.load,
                    held: 0,
                    broke: 0,
                    unusable: 0,
                },
            );
        }
        let level = &mut levels[at];
        match trial.outcome {
            TrialOutcome::Held => level.held += 1,
            TrialOutcome::Broke => level.broke += 1,
            TrialOutcome::Unusable => level.unusable += 1,
        }
    }
    levels
}

/// Returns the next load to try, or the answer.
///
/// The load is doubled until the thresholds break, or halved until they hold; then the range between
/// is divided at its geometric mean. At its two ends the trials are repeated, and the majority
/// decides; if it decides otherwise than the first trial, the search goes on from there.
pub fn next_trial(plan: &SearchPlan, trials: &[Trial]) -> Next {
    let (unknown, levels): (Vec<Level>, Vec<Level>) = levels(trials)
        .into_iter()
        .partition(|it| it.status() == Status::Unknown);
    let above = levels.iter().position(|it| it.is_out_of_reach());
    let (below, above) = match above {
        Some(at) => (at.checked_sub(1).map(|at| levels[at]), Some(levels[at])),
        None => (levels.last().copied(), None),
    };
    let next = match (below, above) {
        (None, None) => Some(plan.start),
        (Some(below), None) => match plan.highest {
            Some(highest) if below.load >= highest => again(plan, below),
            highest => Some(plan.rounded((2.0 * below.load).min(highest.unwrap_or(f64::MAX)))),
        },
        (None, Some(above)) if is_alone(plan, above, trials) => again(plan, above),
        (None, Some(above)) => match plan.lower(above.load, levels.len()) {
            None => again(plan, above),
            lower => lower,
        },
        (Some(below), Some(above)) => plan
            .between(below.load, above.load)
            .or_else(|| again(plan, below))
            .or_else(|| again(plan, above)),
    };
    let next = unknown.first().map(|it| it.load).or(next);
    match next {
        Some(load) if trials.len() < plan.max_trials => Next::Try {
            load,
            at_edge: above.is_some() || plan.highest == Some(load),
        },
        cut_short => {
            let found = capacity(plan, below, above, cut_short.is_some());
            let unusable = trials
                .iter()
                .rev()
                .find(|it| Some(it.load) == found.broke_at && it.outcome == TrialOutcome::Unusable);
            let reason = unusable.and_then(|it| it.reasons.first().cloned());
            Next::Found(Capacity {
                unusable: reason.filter(|_| found.limit == CapacityLimit::Generator),
                ..found
            })
        }
    }
}

/// Returns `true` if flows at this rate hardly ever meet, so that a lower one is no easier.
fn is_alone(plan: &SearchPlan, level: Level, trials: &[Trial]) -> bool {
    let mut trials = trials.iter().filter(|it| it.load == level.load);
    plan.kind == LoadKind::Rate
        && trials.all(|it| {
            let us = it.figures.response_mean_us;
            us.is_some_and(|us| level.load * us as f64 / 1e6 < ALONE)
        })
}

/// Returns the load of this level if it needs more trials.
fn again(plan: &SearchPlan, level: Level) -> Option<f64> {
    let is_settled = level.status() == Status::OutOfReach || level.usable() >= plan.repeats;
    (!is_settled).then_some(level.load)
}

fn capacity(
    plan: &SearchPlan,
    below: Option<Level>,
    above: Option<Level>,
    is_cut_short: bool,
) -> Capacity {
    Capacity {
        load: below.map(|it| it.load),
        held: below.map_or((0, 0), |it| (it.held, it.usable())),
        broke_at: above.map(|it| it.load),
        broke: above.map_or((0, 0), |it| (it.broke, it.usable())),
        limit: match above.map(Level::status) {
            Some(Status::OutOfReach) => CapacityLimit::Generator,
            Some(_) => CapacityLimit::Thresholds,
            None if below.is_some_and(|it| plan.highest.is_some_and(|most| it.load >= most)) => {
                CapacityLimit::Highest
            }
            None => CapacityLimit::Unfinished,
        },
        unusable: None,
        is_cut_short,
    }
}

/// Returns the answer of a search that is ended now.
pub fn answer_so_far(plan: &SearchPlan, trials: &[Trial]) -> Capacity {
    let plan = SearchPlan {
        max_trials: 0,
        ..*plan
    };
    match next_trial(&plan, trials) {
        Next::Found(capacity) => capacity,
        Next::Try { .. } => unreachable!("no trial is allowed"),
    }
}

impl SearchPlan {
    /// Rounds a load to a form that people can read: three digits, or a whole number of flows.
    fn rounded(&self, load: f64) -> f64 {
        match self.kind {
            LoadKind::Parallel => load.round().max(1.0),
            LoadKind::Rate => {
                let unit = 10_f64.powf(load.log10().floor() - 2.0);
                // By its text, as the product with a power of ten is not exact.
                let rounded = (load / unit).round() * unit;
                format!("{rounded:.6}").parse().unwrap_or(rounded)
            }
        }
    }

    /// Returns a load below one that breaks, where none has held.
    fn lower(&self, load: f64, levels: usize) -> Option<f64> {
        let lower = self.rounded(load / 2.0);
        (levels <= MAX_HALVINGS && lower < load).then_some(lower)
    }

    /// Returns a load between these two, if they are not near enough.
    fn between(&self, below: f64, above: f64) -> Option<f64> {
        let middle = self.rounded((below * above).sqrt());
        let is_near = above <= below * (1.0 + self.precision);
        (!is_near && middle > below && middle < above).then_some(middle)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::TrialFigures;
    use super::*;

    fn plan(kind: LoadKind) -> SearchPlan {
        SearchPlan {
            kind,
            start: 1.0,
            highest: None,
            precision: 0.05,
            repeats: 3,
            max_trials: 60,
        }
    }

    fn search(
        plan: &SearchPlan,
        mut outcome: impl FnMut(f64) -> TrialOutcome,
    ) -> (Capacity, Vec<Trial>) {
        let mut trials = Vec::new();
        loop {
            match next_trial(plan, &trials) {
                Next::Found(capacity) => return (capacity, trials),
                Next::Try { load, .. } => trials.push(Trial {
                    load,
                    outcome: outcome(load),
                    reasons: vec!["late".into()],
                    figures: TrialFigures::default(),
                    run: String::new(),
                }),
            }
        }
    }

    fn limit(at: f64) -> impl FnMut(f64) -> TrialOutcome {
        move |load| match load <= at {
            true => TrialOutcome::Held,
            false => TrialOutcome::Broke,
        }
    }

    #[test]
    fn the_load_is_doubled_narrowed_and_repeated_at_the_edge() {
        let (capacity, trials) = search(&plan(LoadKind::Parallel), limit(23.0));
        let loads: Vec<f64> = trials.iter().map(|it| it.load).collect();
        assert_eq!(
            loads,
            [
                1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 23.0, 27.0, 25.0, 24.0, 23.0, 23.0, 24.0, 24.0
            ]
        );
        assert_eq!((capacity.load, capacity.broke_at), (Some(23.0), Some(24.0)));
        assert_eq!((capacity.held, capacity.broke), ((3, 3), (3, 3)));
        assert_eq!(capacity.limit, CapacityLimit::Thresholds);
        assert!((capacity.chance() - 0.125).abs() < 1e-9);
    }

    #[test]
    fn a_start_that_breaks_is_halved_and_the_search_gives_up_in_the_end() {
        let from = |start| SearchPlan {
            start,
            ..plan(LoadKind::Rate)
        };
        let (capacity, _) = search(&from(100.0), limit(7.3));
        let load = capacity.load.unwrap();
        assert!((7.3 / 1.06..=7.3).contains(&load), "{capacity:?}");
        let (capacity, trials) = search(&from(1.0), limit(0.0));
        assert_eq!((capacity.load, capacity.broke.0), (None, 3));
        assert_eq!(trials.len(), 7 + 2);
    }

    #[test]
    fn a_limit_of_the_generator_is_no_limit_of_the_programs() {
        let (capacity, trials) = search(&plan(LoadKind::Rate), |load| match load {
            ..20.0 => TrialOutcome::Held,
            _ => TrialOutcome::Unusable,
        });
        assert_eq!(capacity.limit, CapacityLimit::Generator);
        assert_eq!(capacity.unusable.as_deref(), Some("late"));
        assert!(capacity.load.unwrap() < 20.0);
        let at_edge = trials
            .iter()
            .filter(|it| Some(it.load) == capacity.broke_at);
        assert_eq!(at_edge.count(), 2);
    }

    #[test]
    fn a_lower_rate_is_not_tried_if_flows_do_not_meet() {
        let slow = |load: f64| Trial {
            load,
            outcome: TrialOutcome::Broke,
            reasons: vec!["flow.p95 < 100ms".into()],
            figures: TrialFigures {
                response_mean_us: Some(200_000),
                ..TrialFigures::default()
            },
            run: String::new(),
        };
        let mut trials = Vec::new();
        while let Next::Try { load, .. } = next_trial(&plan(LoadKind::Rate), &trials) {
            trials.push(slow(load));
        }
        let loads: Vec<f64> = trials.iter().map(|it| it.load).collect();
        assert_eq!(loads, [1.0, 0.5, 0.25, 0.25, 0.25]);
        let found = answer_so_far(&plan(LoadKind::Rate), &trials);
        assert_eq!((found.load, found.broke), (None, (3, 3)));
    }

    #[test]
    fn the_highest_load_ends_the_search() {
        let plan = SearchPlan {
            highest: Some(10.0),
            ..plan(LoadKind::Rate)
        };
        let (capacity, trials) = search(&plan, limit(1000.0));
        assert_eq!((capacity.load, capacity.broke_at), (Some(10.0), None));
        assert_eq!(capacity.limit, CapacityLimit::Highest);
        assert_eq!(trials.iter().filter(|it| it.load >= 10.0).count(), 3);
    }

    #[test]
    fn a_lucky_trial_does_not_decide() {
        // The first trial at each load above the limit holds.
        let mut tried: Vec<f64> = Vec::new();
        let (capacity, _) = search(&plan(LoadKind::Parallel), |load| {
            let is_first = !tried.contains(&load);
            tried.push(load);
            match load <= 23.0 || (is_first && load < 30.0) {
                true => TrialOutcome::Held,
                false => TrialOutcome::Broke,
            }
        });
        assert_eq!(capacity.load, Some(23.0), "{capacity:?}");
    }

    proptest! {
        #[test]
        fn the_answer_is_near_the_limit(at in 0.02..5000.0, start in 0.1..200.0, parallel: bool) {
            let kind = if parallel { LoadKind::Parallel } else { LoadKind::Rate };
            let start = if parallel { f64::ceil(start) } else { start };
            let plan = SearchPlan { start, ..plan(kind) };
            let (capacity, trials) = search(&plan, limit(at));
            prop_assert!(trials.len() < 60);
            let floor = if parallel { at.floor() } else { at };
            match capacity.load {
                Some(load) if parallel => prop_assert!(load <= floor && load >= (at / 1.06).floor()),
                Some(load) => prop_assert!(load <= at && load >= at / 1.06, "{load} of {at}"),
                None => prop_assert!(floor < 1.0 || at < start / 60.0),
            }
        }

        #[test]
        fn every_search_ends(seed: u64, start in 0.1..50.0, kind in 0..2) {
            let kind = if kind == 0 { LoadKind::Rate } else { LoadKind::Parallel };
            let plan = SearchPlan { start: f64::ceil(start), ..plan(kind) };
            let mut random = fastrand::Rng::with_seed(seed);
            let (_, trials) = search(&plan, |load| match random.f64() {
                luck if luck < 0.1 => TrialOutcome::Unusable,
                luck if luck * 40.0 > load => TrialOutcome::Held,
                _ => TrialOutcome::Broke,
            });
            prop_assert!(trials.len() <= 60);
            let so_far = answer_so_far(&plan, &trials[..trials.len() / 2]);
            prop_assert!(so_far.broke_at.is_none_or(|at| so_far.load.is_none_or(|load| load < at)));
        }
    }
}
