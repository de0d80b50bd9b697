//! Loads and stops of a run: closed and open loads, warm-up, graceful and immediate stops.

use std::time::Duration;

use crate::support::flows::Rehearsing;
use rehearsal::engine::Stop;
use rehearsal::model::{Ending, FlowOutcome, FlowRecord, RunEvent};
use rehearsal::scenario::{Arrivals, Load, Pacing, Ramp, Shape};

#[test]
fn every_flow_of_many_completes_and_is_recorded() {
    let run = Rehearsing::with_turns(
        r"ask, 'Name: ', answer, print, '\nok\n'",
        "
            - {prompt: 'Name:', send: 'n${flow.number}'}
            - see: <n${flow.number}>
            - exits: 0",
    )
    .flows(60, 20)
    .perform();
    assert_eq!(run.flows.len(), 60);
    run.assert_all(&FlowOutcome::Completed);
    assert!(
        run.flows
            .iter()
            .all(|flow| flow.processes[0].ending == Ending::Itself)
    );
}

#[test]
fn a_run_that_is_stopped_at_once_reports_and_leaves_nothing() {
    let run = Rehearsing::with_turns(
        r"print, 'ready\n', forever",
        "
            - see: ready
            - see: never",
    )
    .flows(10, 3)
    .perform_until(|event| matches!(event, RunEvent::Heard { .. }).then_some(Stop::Now));
    assert!(run.outcome.summary.interrupted);
    assert_eq!(run.flows.len(), 3);
    run.assert_all(&FlowOutcome::Interrupted);
}

#[test]
fn a_run_that_is_stopped_gently_lets_its_flows_finish() {
    let grace = Duration::from_secs(20);
    let run = Rehearsing::with_turns(
        r"ask, 'Name: ', print, 'fine\n'",
        "
            - {prompt: 'Name:', send: x}
            - see: fine",
    )
    .flows(1000, 2)
    .perform_until(move |event| {
        matches!(event, RunEvent::Heard { .. }).then_some(Stop::Graceful { grace })
    });
    assert!(run.outcome.summary.interrupted);
    assert!(run.flows.len() < 100, "{} flows", run.flows.len());
    run.assert_all(&FlowOutcome::Completed);
}

/// A scenario whose only program answers after this many seconds.
fn answers_after(seconds: &str) -> Rehearsing {
    Rehearsing::with_turns(
        &format!(r"sleep, '{seconds}', print, 'done\n'"),
        "
            - see: done
            - exits: 0",
    )
}

#[test]
fn an_open_load_starts_by_the_clock_and_counts_what_it_drops() {
    let load = Load {
        shape: Shape::Open {
            rate: Ramp::constant(20.0),
            arrivals: Arrivals::Even,
            most_in_flight: 4,
        },
        flows: None,
        duration: Some(Duration::from_secs(1)),
        ..Load::closed(1, 1)
    };
    let run = answers_after("0.5").load(load).perform();
    let drops = run.events.iter().map(|event| match event {
        RunEvent::FlowsDropped { count, .. } => *count,
        _ => 0,
    });
    assert_eq!(
        run.flows.len() as u64 + drops.sum::<u64>(),
        20,
        "every flow that was due is accounted for"
    );
    assert!(
        run.flows.len() <= 12,
        "at most four at once for half a second each"
    );
    run.assert_all(&FlowOutcome::Completed);
}

#[test]
fn flows_of_the_warm_up_are_not_counted() {
    let load = Load {
        shape: Shape::Open {
            rate: Ramp::constant(20.0),
            arrivals: Arrivals::Even,
            most_in_flight: 100,
        },
        flows: Some(4),
        warm_up: Duration::from_millis(200),
        ..Load::closed(1, 1)
    };
    let run = answers_after("0").load(load).perform();
    let counted = run.flows.iter().filter(|flow| flow.counted).count();
    assert_eq!((run.flows.len(), counted), (8, 4));
}

#[test]
fn flows_that_outlast_the_graceful_stop_are_interrupted() {
    let load = Load {
        flows: None,
        duration: Some(Duration::from_millis(200)),
        graceful_stop: Duration::from_millis(200),
        ..Load::closed(1, 2)
    };
    let run = Rehearsing::with_turns("forever", "- see: never")
        .load(load)
        .perform();
    assert!(!run.outcome.summary.interrupted, "the load ended the run");
    assert_eq!(run.flows.len(), 2);
    run.assert_all(&FlowOutcome::Interrupted);
}

/// The last flow of a rate is due before the duration is over.
#[test]
fn flows_of_a_rate_have_the_graceful_stop_after_the_duration() {
    let load = Load {
        shape: Shape::Open {
            rate: Ramp::constant(10.0),
            arrivals: Arrivals::Even,
            most_in_flight: 100,
        },
        flows: None,
        duration: Some(Duration::from_millis(150)),
        graceful_stop: Duration::from_millis(200),
        ..Load::closed(1, 1)
    };
    let run = Rehearsing::with_turns("forever", "- see: never")
        .load(load)
        .perform();
    assert!(!run.outcome.summary.interrupted, "the load ended the run");
    assert_eq!(run.flows.len(), 2);
    run.assert_all(&FlowOutcome::Interrupted);
}

/// Closed loads hide a stall: they start fewer flows meanwhile.
#[test]
fn a_stall_shows_in_the_response_times_of_an_open_load() {
    // The one worker's flow takes 300 ms; flows are due every 100 ms.
    let load = |shape| Load {
        shape,
        flows: Some(8),
        ..Load::closed(1, 1)
    };
    let closed = load(Shape::Closed {
        parallel: Ramp::constant(1.0),
        flows_each: None,
        between: Pacing::Pace(Duration::from_millis(100)),
    });
    let open = load(Shape::Open {
        rate: Ramp::constant(10.0),
        arrivals: Arrivals::Even,
        most_in_flight: 100,
    });
    let response = |load: Load| -> Vec<u64> {
        let flows = answers_after("0.3").load(load).perform().flows;
        flows.iter().map(FlowRecord::response_us).collect()
    };
    for times in [response(closed), response(open)] {
        assert_eq!(times.len(), 8);
        assert!(times.iter().all(|time| *time >= 300_000), "{times:?}");
    }
}
