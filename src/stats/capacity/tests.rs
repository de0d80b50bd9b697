//! Tests of the judgement of trials.

use std::time::Duration;

use super::super::summary::Verdict;
use super::super::tally::Tally;
use super::super::testing::{flow, info};
use super::queues::{self, Spread, in_flight};
use super::*;
use crate::model::FlowOutcome;

/// Eight quick flows and two that take so much longer than these; so many dropped.
fn summary(longer_us: u64, dropped: u64) -> Summary {
    let mut tally = Tally::new(&info(10));
    for number in 0..10 {
        let mut flow = flow(number, FlowOutcome::Completed, &[]);
        if number >= 8 {
            flow.waited_us += longer_us;
        }
        tally.record(&flow);
    }
    tally.record_drops(dropped, true);
    tally.summary(Duration::from_secs(1), false)
}

fn first_reason(judged: (TrialOutcome, Vec<String>)) -> (TrialOutcome, String) {
    (judged.0, judged.1.into_iter().next().unwrap_or_default())
}

#[test]
fn drops_without_slower_flows_are_a_limit_of_the_generator() {
    let quick = TrialFigures::of(&summary(0, 0));
    for light in [None, Some(&quick)] {
        let circumstances = Circumstances {
            light,
            most_in_flight: 20,
            growth: None,
        };
        assert_eq!(judge(&summary(0, 0), circumstances).0, TrialOutcome::Held);
        let (outcome, reason) = first_reason(judge(&summary(0, 5), circumstances));
        assert_eq!(outcome, TrialOutcome::Unusable);
        assert_eq!(
            reason,
            "5 of 15 flows were dropped, as 20 were in flight, but none was slower: raise \
             --max-in-flight"
        );
        let (outcome, reason) = first_reason(judge(&summary(900_000, 5), circumstances));
        assert_eq!(outcome, TrialOutcome::Broke);
        assert!(reason.ends_with("the programs did not keep up"), "{reason}");
    }
}

#[test]
fn a_load_at_which_flows_pile_up_does_not_hold() {
    let circumstances = Circumstances {
        growth: Some(Growth {
            first: 1.5,
            last: 6.25,
        }),
        ..Circumstances::default()
    };
    let (outcome, reason) = first_reason(judge(&summary(0, 0), circumstances));
    assert_eq!(outcome, TrialOutcome::Broke);
    assert!(
        reason.starts_with("flows piled up, from 1.5 to 6.2 in flight"),
        "{reason}"
    );
    // Not even this is known if the figures are those of the generator.
    let invalid = Summary {
        verdict: Some(Verdict {
            trust: Trust::Invalid,
            reasons: vec!["late".into()],
            not_judged: Vec::new(),
        }),
        ..summary(0, 0)
    };
    let judged = judge(&invalid, circumstances);
    assert_eq!(judged, (TrialOutcome::Unusable, vec!["late".into()]));
}

#[test]
fn trials_that_a_limit_has_spoilt_are_made_again() {
    let trial = |outcome, dropped, max_in_flight| Trial {
        load: 4.0,
        outcome,
        reasons: Vec::new(),
        figures: TrialFigures {
            dropped,
            max_in_flight,
            ..TrialFigures::default()
        },
        run: String::new(),
    };
    for (outcome, dropped, before, now, expected) in [
        (TrialOutcome::Held, 0, Some(20), Some(50), false),
        (TrialOutcome::Broke, 0, Some(20), Some(50), false),
        (TrialOutcome::Broke, 7, Some(20), Some(50), true),
        (TrialOutcome::Broke, 7, Some(20), Some(20), false),
        (TrialOutcome::Broke, 7, Some(50), Some(20), false),
        // Of an earlier version, or flows in parallel.
        (TrialOutcome::Broke, 7, None, Some(50), false),
        (TrialOutcome::Unusable, 0, None, None, true),
        (TrialOutcome::Unusable, 7, Some(20), Some(20), true),
    ] {
        let found = trial(outcome, dropped, before).is_outdated(now);
        assert_eq!(found, expected, "{outcome:?} {dropped} {before:?} {now:?}");
    }
}

/// Searches that only the growth of the queue limits, with trials as long as `capacity` makes them.
#[test]
fn answers_for_queues_of_random_arrivals_are_near_their_limit() {
    let plan = SearchPlan {
        kind: LoadKind::Rate,
        start: 1.0,
        highest: None,
        precision: 0.05,
        repeats: 3,
        max_trials: 60,
    };
    let answers = |services: Spread, shortest: f64| {
        let search = |seed: u64| {
            let mut trials = Vec::new();
            while let Next::Try { load, at_edge } = next_trial(&plan, &trials) {
                let flows = if at_edge { 200.0 } else { 20.0 };
                let counted = f64::clamp(flows / load, shortest, 120.0);
                let seconds = 2 + counted as usize;
                let seed = seed * 100 + trials.len() as u64;
                let course = in_flight(Spread::Exponential, services, load, seconds, seed);
                let grows = Growth::of(&course, 2_000_000..seconds as u64 * 1_000_000).is_some();
                trials.push(Trial {
                    load,
                    outcome: match grows {
                        true => TrialOutcome::Broke,
                        false => TrialOutcome::Held,
                    },
                    reasons: Vec::new(),
                    figures: TrialFigures::default(),
                    run: String::new(),
                });
            }
            let found = answer_so_far(&plan, &trials);
            found.load.unwrap_or(0.0) / queues::CAPACITY
        };
        let mut answers: Vec<f64> = (0..200).map(search).collect();
        answers.sort_by(f64::total_cmp);
        [0.05, 0.25, 0.5, 0.75, 0.95].map(|part| answers[(part * 200.0) as usize])
    };
    let cases = [
        (Spread::Even, 10.0, 0.93..1.25),
        (Spread::Exponential, 10.0, 0.85..1.35),
        (Spread::Even, 120.0, 0.93..1.1),
        (Spread::Exponential, 120.0, 0.88..1.15),
    ];
    for (services, shortest, expected) in cases {
        let found = answers(services, shortest);
        eprintln!("services {services:?}, trials of {shortest} s: {found:.2?} of the limit");
        let [lowest, .., highest] = found;
        let is_near = expected.contains(&lowest) && expected.contains(&highest);
        assert!(is_near, "{services:?}, {shortest} s: {found:.2?}");
    }
}
