//! Tests of the judgement of trials.

use std::time::Duration;

use super::super::summary::Verdict;
use super::super::tally::Tally;
use super::super::testing::{flow, info};
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
