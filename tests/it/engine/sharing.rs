//! Pools of shared scripts, and the gates at which flows wait for each other: `exclusive`, `rate`
//! and `together`.
//!
//! The decisions are tested beside the code, in `engine`.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::flows::{Rehearsed, Rehearsing};
use rehearsal::engine::Stop;
use rehearsal::model::{
    Ending, ExitCause, FailureKind, FlowOutcome, ProcessRecord, RunEvent, StepOutcome,
};

/// The desk of `desk.yaml`: `what` is what each flow asks for there, `gates` are more keys of the
/// step that it is asked in.
fn desk(pool: u64, what: &str, gates: &str) -> Rehearsing {
    Rehearsing::of("engine/desk")
        .replaced("pool: 1", &format!("pool: {pool}"))
        .replaced(BY_NUMBER, what)
        .replaced("do: serve}", &format!("do: serve, {gates}}}"))
}

/// Each flow asks for something else.
const BY_NUMBER: &str = "F${flow.number}";

/// The ends of the scripts that served many flows.
fn pooled(run: &Rehearsed) -> Vec<&ProcessRecord> {
    let ends = run.events.iter().filter_map(|event| match event {
        RunEvent::PooledScriptEnded(record) => Some(&**record),
        _ => None,
    });
    ends.collect()
}

/// The flow, the step and the instance number of each replacement.
fn replaced(run: &Rehearsed) -> Vec<(u64, usize, usize)> {
    let events = run.events.iter();
    let replaced = events.filter_map(|event| match event {
        RunEvent::PooledScriptReplaced { flow, step, number } => Some((flow.0, step.0, *number)),
        _ => None,
    });
    replaced.collect()
}

/// The process that served each flow, in the order of the flows; flows that were not served have none.
fn served_by(run: &Rehearsed) -> Vec<&str> {
    let captures = run.flows.iter().flat_map(|flow| &flow.captures);
    captures
        .filter(|(name, _)| &**name == "by")
        .map(|(_, value)| &**value)
        .collect()
}

#[test]
fn two_scripts_serve_all_flows_and_leave_at_the_end() {
    let run = desk(2, BY_NUMBER, "").flows(12, 6).perform();
    run.assert_all(&FlowOutcome::Completed);
    for flow in &run.flows {
        let served = flow.captures.iter().find(|(name, _)| &**name == "served");
        let expected = format!("F{}", flow.number);
        assert_eq!(served.map(|(_, value)| &**value), Some(expected.as_str()));
    }
    let by: BTreeSet<_> = served_by(&run).into_iter().collect();
    assert_eq!(by.len(), 2, "{by:?}");
    let ends = pooled(&run);
    assert_eq!(ends.len(), 2);
    for end in ends {
        assert_eq!(end.exit, Some(ExitCause::Code(0)));
        assert_eq!(end.ending, Ending::Itself);
    }
    let log_ins = run.flows.iter().flat_map(|flow| &flow.steps);
    let log_ins = log_ins.filter(|step| step.step == "2_log_in");
    let done = log_ins.filter(|step| step.outcome == StepOutcome::Completed);
    assert_eq!(done.count(), 2, "each was logged in once");
    assert!(run.flows.iter().any(|flow| flow.waited_us > 0));
    let of_flows = run.flows.iter().flat_map(|flow| &flow.processes);
    assert!(of_flows.into_iter().all(|it| it.role == "guest"));
}

#[test]
fn output_of_the_previous_flow_is_no_evidence() {
    let ask = r#"- {prompt: "Menu>", send: "${what}"}"#;
    let either = r#"- first_of: [{see: served, fail: stale}, {prompt: "Menu>", send: "${what}"}]"#;
    let run = desk(1, BY_NUMBER, "").replaced(ask, either).flows(2, 1);
    run.perform().assert_all(&FlowOutcome::Completed);
}

#[test]
fn a_menu_after_the_last_evidence_is_left_to_the_next_flow() {
    let with_rows = |run: Rehearsing| {
        let rows = r#"while echo; echo "1. Serve"; echo "0. Quit"; read -p"#;
        run.replaced("while read -p", rows)
            .replaced(r#"send: "${what}"}"#, "choose: Serve}")
            .replaced("*) echo", "1) echo")
            .replaced("send: quit}", "choose: Quit}")
            .replaced("quit) echo", "0) echo")
    };
    let step = r"- {see: '/served (?<served>\S+) by (?<by>\d+)/', within: 2s}";
    // The action may also end with the menu's prompt: that is not used up by it.
    for end in ["", "\n        - {prompt: \"Menu>\"}"] {
        with_rows(desk(1, "x", ""))
            .replaced(step, &format!("{step}{end}"))
            .flows(4, 2)
            .perform()
            .assert_all(&FlowOutcome::Completed);
    }
}

#[test]
fn a_pooled_script_that_exits_is_replaced() {
    // Every second flow asks it to die.
    let run = desk(1, "${'die' if flow.number % 2 == 0 else 'F'}", "")
        .flows(4, 2)
        .perform();
    let outcomes = run.flows.iter().map(|flow| match &flow.outcome {
        FlowOutcome::Failed(failure) => Some(failure.kind.clone()),
        _ => None,
    });
    let died = Some(FailureKind::EndedEarly);
    assert_eq!(
        outcomes.collect::<Vec<_>>(),
        [None, died.clone(), None, died]
    );
    let of_flows = run.flows.iter().flat_map(|flow| &flow.processes);
    let of_flows = of_flows.filter(|process| process.role == "desk");
    let started = pooled(&run).len() + of_flows.count();
    assert_eq!(replaced(&run).len(), started - 1);
}

#[test]
fn a_pooled_script_that_exits_between_flows_is_replaced() {
    // One never gets back to its menu; the other does, and ends before the next flow wants it.
    for (what, delay) in [("last", None), ("soon", Some(Duration::from_millis(150)))] {
        let mut run = desk(1, what, "").flows(3, 1);
        run.delay = delay;
        let run = run.perform();
        run.assert_all(&FlowOutcome::Completed);
        let by: BTreeSet<_> = served_by(&run).into_iter().collect();
        assert_eq!(by.len(), 3, "{by:?}");
        // On a busy machine a script exits before its flow has released it: it is the flow's then.
        let of_flows = run.flows.iter().flat_map(|flow| &flow.processes);
        let of_flows = of_flows.filter(|process| process.role == "desk");
        assert_eq!(pooled(&run).len() + of_flows.count(), 3);
    }
}

#[test]
fn a_pooled_script_that_hangs_fails_its_flow_and_is_replaced() {
    let run = desk(1, "${'hang' if flow.number == 1 else 'F'}", "")
        .flows(3, 3)
        .perform();
    let failed = run.flows.iter().filter_map(|flow| match &flow.outcome {
        FlowOutcome::Failed(failure) => Some(&failure.kind),
        _ => None,
    });
    assert_eq!(failed.collect::<Vec<_>>(), [&FailureKind::Timeout]);
    assert_eq!(served_by(&run).len(), 2);
}

#[test]
fn a_step_is_retried_with_another_script_of_the_pool() {
    let once = r#"*) f="${run.directory}/came"; if [ ! -e $f ]; then touch $f; exit 9; fi; echo"#;
    let run = desk(1, BY_NUMBER, "retry: 1").replaced("*) echo", once);
    let run = run.flows(2, 1).perform();
    run.assert_all(&FlowOutcome::Completed);
    assert!(run.flows[0].is_recovered());
    assert!(!run.flows[1].is_recovered());
    assert_eq!(replaced(&run), [(1, 2, 1)]);
}

/// A retried flow acquires its scripts in the order of its steps again, as all others do.
#[test]
fn retried_flows_of_two_pools_do_not_deadlock() {
    let run = Rehearsing::of("engine/two-pools").flows(10, 3).perform();
    run.assert_all(&FlowOutcome::Completed);
    assert!(run.flows.iter().any(|flow| flow.is_recovered()));
}

/// Kills and freezes hit shared scripts like others, and every process has exactly one record: that
/// of its flow, or that of the pool.
#[test]
fn chaos_in_a_pool_loses_no_flow_and_no_process_record() {
    let faults = "\
retry: 4
chaos: [kill 20% role desk, freeze 20% role desk for 30ms, close 10% role desk]
roles:";
    let run = desk(3, BY_NUMBER, "retry: 4")
        .replaced("roles:", faults)
        .flows(40, 8)
        .perform();
    assert_eq!(run.flows.len(), 40);
    for flow in &run.flows {
        if flow.outcome == FlowOutcome::Completed {
            let served = flow.captures.iter().find(|(name, _)| &**name == "served");
            let expected = format!("F{}", flow.number);
            assert_eq!(served.map(|(_, value)| &**value), Some(expected.as_str()));
        }
    }
    let recovered = run.flows.iter().filter(|flow| flow.is_recovered());
    assert!(recovered.count() > 0, "many are hit");
    let mut started: Vec<_> = run
        .events
        .iter()
        .filter_map(|event| match event {
            RunEvent::ScriptStarted { pid, .. } => Some(*pid),
            _ => None,
        })
        .collect();
    let of_flows = run.flows.iter().flat_map(|flow| &flow.processes);
    let mut recorded: Vec<_> = of_flows.chain(pooled(&run)).map(|it| it.pid).collect();
    started.sort_unstable();
    recorded.sort_unstable();
    assert_eq!(started, recorded);
}

#[test]
fn a_run_that_is_stopped_at_once_leaves_no_pooled_script() {
    // That no process is left is asserted by `perform_until`.
    let run = desk(2, BY_NUMBER, "")
        .flows(1_000, 8)
        .perform_until(|event| {
            let is_fifth = matches!(event, RunEvent::FlowEnded(flow) if flow.number.0 > 4);
            is_fifth.then_some(Stop::Now)
        });
    assert!(run.outcome.summary.interrupted);
    assert!(run.flows.len() < 1_000);
    // A step that a flow waited for was not started, and is not called interrupted.
    let begun = |flow: u64, of: &str| {
        run.events.iter().any(|event| {
            matches!(event, RunEvent::StepStarted { flow: it, step } if it.0 == flow && of.starts_with(&format!("{}_", step.0 + 1)))
        })
    };
    for flow in &run.flows {
        for step in &flow.steps {
            let is_interrupted = step.outcome == StepOutcome::Interrupted;
            assert!(
                !is_interrupted || begun(flow.number.0, &step.step),
                "{step:?}"
            );
        }
    }
}

/// Returns the start and end of the last step of each flow, in the order of events.
fn last_step(run: &Rehearsed) -> Vec<(u64, bool)> {
    let moments = run.events.iter().filter_map(|event| match event {
        RunEvent::StepStarted { flow, step } if step.0 == 2 => Some((flow.0, true)),
        RunEvent::StepEnded { flow, step, .. } if step.0 == 2 => Some((flow.0, false)),
        _ => None,
    });
    moments.collect()
}

#[test]
fn flows_wait_for_a_group_and_are_released_together() {
    let run = desk(4, BY_NUMBER, "together: 4").flows(8, 4).perform();
    run.assert_all(&FlowOutcome::Completed);
    let moments = last_step(&run);
    let first_end = moments.iter().position(|(_, starts)| !starts).unwrap();
    // All four were ready when the first of them began; each waits for its program then.
    let come = run
        .events
        .iter()
        .take_while(|event| !matches!(event, RunEvent::StepStarted { step, .. } if step.0 == 2));
    let ready =
        come.filter(|event| matches!(event, RunEvent::StepEnded { step, .. } if step.0 == 1));
    assert_eq!(ready.count(), 4);
    assert!(first_end > 0);
}

#[test]
fn an_incomplete_group_is_released_when_no_other_flow_can_join() {
    let run = desk(3, BY_NUMBER, "together: 3").flows(4, 3).perform();
    run.assert_all(&FlowOutcome::Completed);
    let notices = run.notices();
    let is_noted = notices.iter().any(|it| it.starts_with("only 1 of 3 flows"));
    assert!(is_noted, "{notices:?}");
}

#[test]
fn an_exclusive_step_is_performed_by_one_flow_at_a_time() {
    let run = desk(4, BY_NUMBER, "exclusive: till").flows(8, 4).perform();
    run.assert_all(&FlowOutcome::Completed);
    let moments = last_step(&run);
    assert_eq!(moments.len(), 16);
    for pair in moments.chunks(2) {
        assert_eq!(pair[0].0, pair[1].0, "{moments:?}");
    }
}

#[test]
fn starts_of_a_step_are_spaced() {
    let run = desk(4, BY_NUMBER, "rate: 20/s").flows(4, 4).perform();
    run.assert_all(&FlowOutcome::Completed);
    let waited = run.flows.iter().map(|flow| flow.steps[2].waited_us);
    // The last one to start has three others before it; it may have come a little later.
    assert!(waited.clone().max() > Some(50_000), "{waited:?}");
    let flow = &run.flows[0];
    assert!(flow.waited_us >= flow.steps[2].waited_us);
}
