//! Where flows meet: scripts that they share, and steps at which they wait for each other.
//!
//! Here belong pools, `exclusive`, `rate` and `together`. The decisions are tested beside
//! `engine::gates`.

use std::collections::BTreeSet;
use std::time::Duration;

use super::flows::{Recorder, Rehearsed, Rehearsing};
use rehearsal::engine::{Control, Stop};
use rehearsal::model::{
    Ending, ExitCause, FailureKind, FlowOutcome, ProcessRecord, RunEvent, StepOutcome,
};

/// A desk that serves whoever comes: `what` is what each flow asks for there.
fn desk(pool: u64, what: &str, gates: &str) -> Rehearsing {
    Rehearsing::new(&format!(
        r#"
name: desk
variables: {{what: "{what}"}}
defaults: {{startup: 20s, step: 20s}}
roles:
  guest:
    run: [bash, -c, 'read -p "Guest> "']
    actions:
      come: [{{prompt: "Guest>"}}]
  desk:
    run: [bash, -c, 'read -p "Name: "; echo Welcome; while read -p "Menu> " line; do case $line in
      quit) echo Bye; exit 0;; die) exit 9;; hang) sleep 3600;;
      last) echo "served last by $$"; exit 7;;
      soon) echo "served soon by $$"; read -t 0.01 -p "Menu> "; exit 7;;
      *) echo "served $line by $$";; esac; done']
    menu: {{prompt: "Menu>"}}
    lifetime: {{pool: {pool}}}
    actions:
      log_in: [{{prompt: "Name:", send: ann}}, {{see: Welcome}}]
      serve:
        - {{prompt: "Menu>", send: "${{what}}"}}
        - {{see: '/served (?<served>\S+) by (?<by>\d+)/', within: 2s}}
      leave: [{{prompt: "Menu>", send: quit}}, {{exits: 0}}]
flow:
  - {{step: 1_come, role: guest, do: come}}
  - {{step: 2_log_in, role: desk, do: log_in}}
  - {{step: 3_serve, role: desk, do: serve, {gates}}}
"#
    ))
}

const EACH_ITS_OWN: &str = "F${flow.number}";

/// The ends of the scripts that served many flows.
fn pooled(run: &Rehearsed) -> Vec<&ProcessRecord> {
    let ends = run.events.iter().filter_map(|event| match event {
        RunEvent::PooledScriptEnded(record) => Some(&**record),
        _ => None,
    });
    ends.collect()
}

/// Who served each flow that was served, in the order of their numbers.
fn served_by(run: &Rehearsed) -> Vec<&str> {
    let captures = run.flows.iter().flat_map(|flow| &flow.captures);
    captures
        .filter(|(name, _)| &**name == "by")
        .map(|(_, value)| &**value)
        .collect()
}

fn assert_all_completed(run: &Rehearsed) {
    for flow in &run.flows {
        assert_eq!(flow.outcome, FlowOutcome::Completed, "{}", run.transcript());
    }
}

#[test]
fn two_scripts_serve_all_flows_and_leave_at_the_end() {
    let mut run = desk(2, EACH_ITS_OWN, "");
    (run.flows, run.parallel) = (12, 6);
    let run = run.perform();
    assert_all_completed(&run);
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
    let log_ins = log_ins.filter(|step| step.step.0 == 1);
    let done = log_ins.filter(|step| step.outcome == StepOutcome::Completed);
    assert_eq!(done.count(), 2, "each was logged in once");
    assert!(run.flows.iter().any(|flow| flow.waited_us > 0));
    let of_flows = run.flows.iter().flat_map(|flow| &flow.processes);
    assert!(of_flows.into_iter().all(|it| it.instance.role.0 == 0));
}

#[test]
fn what_the_flow_before_has_seen_is_no_evidence() {
    let mut run = desk(1, EACH_ITS_OWN, "").replaced(
        "- {prompt: \"Menu>\", send: \"${what}\"}\n",
        "- first_of: [{see: served, fail: stale}, {prompt: \"Menu>\", send: \"${what}\"}]\n",
    );
    (run.flows, run.parallel) = (2, 1);
    assert_all_completed(&run.perform());
}

#[test]
fn a_menu_that_came_after_the_evidence_is_the_next_flows() {
    let with_rows = |run: Rehearsing| {
        run.replaced(
            "while read -p",
            "while echo; echo \"1. Serve\"; echo \"0. Quit\"; read -p",
        )
        .replaced("send: \"${what}\"}", "choose: Serve}")
        .replaced("*) echo", "1) echo")
        .replaced("send: quit}", "choose: Quit}")
        .replaced("quit) echo", "0) echo")
    };
    let step = "- {see: '/served (?<served>\\S+) by (?<by>\\d+)/', within: 2s}";
    // The action may also end with the menu's prompt: that is not used up by it.
    for end in ["", "\n        - {prompt: \"Menu>\"}"] {
        let mut run = with_rows(desk(1, "x", "")).replaced(step, &format!("{step}{end}"));
        (run.flows, run.parallel) = (4, 2);
        assert_all_completed(&run.perform());
    }
}

#[test]
fn one_that_dies_is_replaced() {
    // Every second flow asks it to die.
    let mut run = desk(1, "${'die' if flow.number % 2 == 0 else 'F'}", "");
    (run.flows, run.parallel) = (4, 2);
    let run = run.perform();
    let outcomes = run.flows.iter().map(|flow| match &flow.outcome {
        FlowOutcome::Failed(failure) => Some(failure.kind.clone()),
        _ => None,
    });
    let died = Some(FailureKind::EndedEarly);
    assert_eq!(
        outcomes.collect::<Vec<_>>(),
        [None, died.clone(), None, died]
    );
}

#[test]
fn one_that_ends_between_flows_is_replaced() {
    // One never gets back to its menu; the other does, and ends before the next flow wants it.
    for (what, delay) in [("last", None), ("soon", Some(Duration::from_millis(150)))] {
        let mut run = desk(1, what, "");
        (run.flows, run.parallel, run.delay) = (3, 1, delay);
        let run = run.perform();
        assert_all_completed(&run);
        let by: BTreeSet<_> = served_by(&run).into_iter().collect();
        assert_eq!(by.len(), 3, "{by:?}");
        assert_eq!(pooled(&run).len(), 3);
    }
}

#[test]
fn one_that_is_stuck_fails_its_flow_and_is_replaced() {
    let mut run = desk(1, "${'hang' if flow.number == 1 else 'F'}", "");
    (run.flows, run.parallel) = (3, 3);
    let run = run.perform();
    let failed = run.flows.iter().filter_map(|flow| match &flow.outcome {
        FlowOutcome::Failed(failure) => Some(&failure.kind),
        _ => None,
    });
    assert_eq!(failed.collect::<Vec<_>>(), [&FailureKind::Timeout]);
    assert_eq!(served_by(&run).len(), 2);
}

#[test]
fn a_step_is_retried_with_another_of_the_pool() {
    let mut run = desk(1, EACH_ITS_OWN, "retry: 1").replaced(
        "*) echo",
        "*) f=\"${run.directory}/came\"; if [ ! -e $f ]; then touch $f; exit 9; fi; echo",
    );
    (run.flows, run.parallel) = (2, 1);
    let run = run.perform();
    assert_all_completed(&run);
    assert!(run.flows[0].is_recovered());
    assert!(!run.flows[1].is_recovered());
}

/// A flow that begins anew takes its places in the order of its steps again, as all others do.
#[test]
fn two_pools_and_flows_that_begin_anew_do_not_lock_up() {
    let mut run = Rehearsing::new(
        r#"
name: two pools
retry: 9
defaults: {startup: 20s, step: 20s, flow: 30s}
roles:
  clerk:
    run: [bash, -c, 'echo Hi; while read -p "Pick: " c; do echo "Done $c"; done']
    lifetime: {pool: 1}
    menu: {prompt: "Pick:"}
    actions:
      hello: [{see: Hi}]
      work: [{prompt: "Pick:", send: "c${flow.number}"}, {see: "Done c${flow.number}"}]
  boss:
    run: [bash, -c, 'f="${run.directory}/turn"; echo Hi; while read -p "Pick: " c; do
      if [ -e "$f" ]; then rm "$f"; exit 9; else touch "$f"; echo "Done $c"; fi; done']
    lifetime: {pool: 1}
    menu: {prompt: "Pick:"}
    actions:
      hello: [{see: Hi}]
      work: [{prompt: "Pick:", send: "b${flow.number}"}, {see: "Done b${flow.number}"}]
flow:
  - {step: 1_clerk_in, role: clerk, do: hello}
  - {step: 2_boss_in, role: boss, do: hello}
  - {step: 3_boss, role: boss, do: work}
  - {step: 4_clerk, role: clerk, do: work}
"#,
    );
    (run.flows, run.parallel) = (10, 3);
    let run = run.perform();
    assert_all_completed(&run);
    assert!(run.flows.iter().any(|flow| flow.is_recovered()));
}

/// Kills and freezes strike shared scripts as they strike others, and every process is in exactly
/// one place of the records: that of its flow, or among those that served many.
#[test]
fn chaos_among_shared_scripts_loses_nothing() {
    let mut run = desk(3, EACH_ITS_OWN, "retry: 4").replaced(
        "name: desk",
        "name: desk\nretry: 4\n\
         chaos: ['kill 20% role desk', 'freeze 20% role desk for 30ms', 'close 10% role desk']",
    );
    (run.flows, run.parallel) = (40, 8);
    let run = run.perform();
    assert_eq!(run.flows.len(), 40);
    for flow in &run.flows {
        if flow.outcome == FlowOutcome::Completed {
            let served = flow.captures.iter().find(|(name, _)| &**name == "served");
            let expected = format!("F{}", flow.number);
            assert_eq!(served.map(|(_, value)| &**value), Some(expected.as_str()));
        }
    }
    let recovered = run.flows.iter().filter(|flow| flow.is_recovered());
    assert!(recovered.count() > 0, "many are struck");
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
fn a_run_that_is_ended_at_once_leaves_no_script_of_a_pool() {
    let mut run = desk(2, EACH_ITS_OWN, "");
    (run.flows, run.parallel) = (1_000, 8);
    let control = Control::new();
    let stop = control.clone();
    let recorder = Recorder {
        react: Some(Box::new(move |event| {
            if let RunEvent::FlowEnded(flow) = event
                && flow.number.0 > 4
            {
                stop.stop(Stop::Now);
            }
        })),
        ..Recorder::default()
    };
    // That nothing is left is asserted by whoever performs it.
    let run = run.perform_with(&control, recorder);
    assert!(run.outcome.summary.interrupted);
    assert!(run.flows.len() < 1_000);
    // A step before which a flow waited was not begun, and is not called interrupted.
    let begun = |flow: u64, of: usize| {
        run.events.iter().any(|event| {
            matches!(event, RunEvent::StepStarted { flow: it, step } if it.0 == flow && step.0 == of)
        })
    };
    for flow in &run.flows {
        for step in &flow.steps {
            let is_interrupted = step.outcome == StepOutcome::Interrupted;
            assert!(
                !is_interrupted || begun(flow.number.0, step.step.0),
                "{step:?}"
            );
        }
    }
}

/// When each flow started and ended the last step, in the order of events.
fn last_step(run: &Rehearsed) -> Vec<(u64, bool)> {
    let moments = run.events.iter().filter_map(|event| match event {
        RunEvent::StepStarted { flow, step } if step.0 == 2 => Some((flow.0, true)),
        RunEvent::StepEnded { flow, step, .. } if step.0 == 2 => Some((flow.0, false)),
        _ => None,
    });
    moments.collect()
}

#[test]
fn flows_are_held_and_released_together() {
    let mut run = desk(4, EACH_ITS_OWN, "together: 4");
    (run.flows, run.parallel) = (8, 4);
    let run = run.perform();
    assert_all_completed(&run);
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
fn a_crowd_that_cannot_be_complete_goes_on_when_nobody_else_can_come() {
    let mut run = desk(3, EACH_ITS_OWN, "together: 3");
    (run.flows, run.parallel) = (4, 3);
    let run = run.perform();
    assert_all_completed(&run);
    let told = run.events.iter().any(|event| {
        matches!(event, RunEvent::Notice { text, .. } if text.starts_with("1 flow performed"))
    });
    assert!(told, "{}", run.everything());
}

#[test]
fn one_flow_at_a_time_performs_what_is_exclusive() {
    let mut run = desk(4, EACH_ITS_OWN, "exclusive: till");
    (run.flows, run.parallel) = (8, 4);
    let run = run.perform();
    assert_all_completed(&run);
    let moments = last_step(&run);
    assert_eq!(moments.len(), 16);
    for pair in moments.chunks(2) {
        assert_eq!(pair[0].0, pair[1].0, "{moments:?}");
    }
}

#[test]
fn starts_of_a_step_are_spaced() {
    let mut run = desk(4, EACH_ITS_OWN, "rate: 20/s");
    (run.flows, run.parallel) = (4, 4);
    let run = run.perform();
    assert_all_completed(&run);
    let waited = run.flows.iter().map(|flow| flow.steps[2].waited_us);
    // Whoever starts last has three others before it; it may have come a little later.
    assert!(waited.clone().max() > Some(50_000), "{waited:?}");
    let flow = &run.flows[0];
    assert!(flow.waited_us >= flow.steps[2].waited_us);
}
