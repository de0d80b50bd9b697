//! The Rust API, used from outside the crate.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::fixture::scenario as scenario_text;
use rehearsal::engine::{Stop, StopCause};
use rehearsal::model::{FlowOutcome, RunEvent};
use rehearsal::{Role, Run, Scenario, Step, Turn};

const PROGRAM: &str =
    r#"printf 'Name: '; read -r name; printf 'PIN: '; read -r pin; echo "Order O-$name-1""#;

fn scenario() -> Scenario {
    let clerk = Role::new("clerk", ["sh", "-c", PROGRAM]).action(
        "order",
        [
            Turn::prompt("Name:").send("${who}"),
            Turn::prompt("PIN:").send("${pin}"),
            Turn::see(r"/Order (?<order>O-\w+-\d)/").within(Duration::from_secs(20)),
            Turn::exits(0),
        ],
    );
    Scenario::builder("orders")
        .variable("who", "ann")
        .secret("pin", "0815")
        .role(clerk)
        .step(Step::new("1_order", "clerk", "order").provides(["order"]))
        .build()
        .unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn a_scenario_built_in_rust_runs_and_its_figures_agree_with_its_flows() {
    let events = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&events);
    let outcome = Run::new(scenario())
        .flows(6)
        .parallel(3)
        .variable("who", "bob")
        .threshold("flow.failed == 0")
        .expect("a threshold")
        .on_event(move |event| {
            if matches!(event, RunEvent::FlowEnded(_)) {
                seen.fetch_add(1, Ordering::Relaxed);
            }
        })
        .start()
        .expect("a run");
    assert!(outcome.passed(), "{:?}", outcome.summary().failures);
    assert_eq!(outcome.flows().len(), 6);
    assert_eq!(events.load(Ordering::Relaxed), 6);
    assert_eq!(outcome.summary().flows.completed, 6);
    assert_eq!(outcome.summary().flow_duration.map(|it| it.count), Some(6));
    for flow in outcome.flows() {
        assert_eq!(flow.outcome, FlowOutcome::Completed);
        assert_eq!(&*flow.captures[0].1, "O-bob-1");
        assert!(!format!("{flow:?}").contains("0815"), "a secret is masked");
    }
    assert_eq!(outcome.details().stop_cause, StopCause::AllStarted);
    assert!(outcome.details().left_over.is_empty());
}

#[test]
fn a_failed_flow_is_data_and_a_crossed_threshold_is_in_the_outcome() {
    let text = scenario_text("api/wrong");
    let outcome = Run::new(Scenario::from_yaml(&text).expect("a sound scenario"))
        .step_timeout(Duration::from_millis(300))
        .threshold("flow.failed == 0")
        .expect("a threshold")
        .without_flows()
        .start()
        .expect("a run");
    assert!(!outcome.passed());
    assert!(outcome.flows().is_empty());
    let summary = outcome.summary();
    assert_eq!((summary.flows.failed, summary.flows.completed), (1, 0));
    assert!(!summary.thresholds[0].holds);
    assert_eq!(summary.failures.groups[0].step, "1_go");
}

#[test]
fn a_run_is_stopped_from_another_thread() {
    let text = scenario_text("api/slow");
    let run = Run::new(Scenario::from_yaml(&text).expect("a sound scenario"));
    let control = run.control();
    let outcome = run
        .on_event(move |event| {
            if matches!(event, RunEvent::ScriptStarted { .. }) {
                control.stop(Stop::Now);
            }
        })
        .start()
        .expect("a run");
    assert_eq!(outcome.summary().flows.interrupted, 1);
    let cause = &outcome.details().stop_cause;
    assert!(cause.is_interruption(), "{cause:?}");
}

#[test]
fn errors_of_a_built_scenario_show_the_place_in_its_document() {
    let clerk = Role::new("clerk", ["sh"]).action("order", [Turn::prompt("Name:").send("${whom}")]);
    let builder = Scenario::builder("orders")
        .variable("who", "ann")
        .role(clerk)
        .step(Step::new("1_order", "clerk", "order"));
    let document = builder.document();
    let errors = builder.build().unwrap_err().to_string();
    assert!(document.contains("${whom}"), "{document}");
    assert!(
        errors.contains("whom") && errors.contains("is `who` meant?"),
        "{errors}"
    );
    let error = Run::new(scenario()).threshold("flow.p95 < soon").err();
    assert!(error.is_some_and(|it| it.to_string().contains("soon")));
}
