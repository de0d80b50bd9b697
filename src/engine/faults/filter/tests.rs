//! Faults at their moments, with made-up time and a target that only records.

use std::borrow::Cow;
use std::cell::RefCell;

use super::*;
use crate::engine::faults::choice::Attempt;
use crate::engine::script::interpreter::Answers;
use crate::model::FlowNumber;
use crate::process::ReadRate;
use crate::scenario::{CompileOptions, FaultRules, compile};
use crate::terminal::ScreenSize;

#[derive(Default)]
struct Recorder {
    calls: RefCell<Vec<String>>,
}

impl Recorder {
    fn record(&self, call: &str) {
        self.calls.borrow_mut().push(call.to_owned());
    }

    fn take(&self) -> Vec<String> {
        self.calls.take()
    }
}

impl FaultTarget for Recorder {
    fn kill(&self) -> bool {
        self.record("kill");
        true
    }

    fn freeze(&self) -> bool {
        self.record("freeze");
        true
    }

    fn thaw(&self) {
        self.record("thaw");
    }

    fn refuse_input(&self) {
        self.record("shut");
    }

    fn close_input(&self) {
        self.record("close");
    }

    fn throttle_reads(&self, pace: Option<ReadRate>) {
        self.record(if pace.is_some() { "slow" } else { "fast" });
    }

    fn resize(&self, size: ScreenSize) {
        self.record(&size.to_string());
    }

    fn write(&self, bytes: &[u8]) -> Result<Instant, WriteError> {
        self.record(&String::from_utf8_lossy(bytes));
        Ok(Instant::now())
    }

    fn write_unchecked(&self, bytes: &[u8]) -> Result<Instant, WriteError> {
        self.write(bytes)
    }
}

/// A filter with this one fault, at the only turn of the step.
struct Bench {
    filter: FaultFilter,
    target: Recorder,
    feedback: Vec<Feedback>,
    origin: Instant,
}

impl Bench {
    fn new(chaos: &str) -> Self {
        let source = "roles: {a: {run: [p], actions: {x: [{prompt: q, send: ab}]}}}\n\
                      flow: [{step: s, role: a, do: x}]\n";
        let compiled = compile(source, None, CompileOptions::default())
            .unwrap_or_else(|faults| panic!("{faults}"));
        let plan = compiled.plan;
        let chaos = FaultRules::parse(chaos, &plan.rule_context())
            .unwrap_or_else(|error| panic!("{error}"));
        let step = &plan.steps[0];
        let attempt = Attempt {
            plan: &plan,
            seed: 1,
            flow: FlowNumber(1),
            step,
            number: 1,
        };
        let planned = attempt.planned_faults(&chaos).expect("it hits");
        let mut filter = FaultFilter::default();
        filter.begin(Some((step.index, planned)));
        Bench {
            filter,
            target: Recorder::default(),
            feedback: Vec::new(),
            origin: Instant::now(),
        }
    }

    /// Calls the filter at this time.
    fn call<R>(
        &mut self,
        ms: u64,
        method: impl FnOnce(&mut FaultFilter, &mut FaultCall<'_, Recorder>) -> R,
    ) -> R {
        let mut call = FaultCall {
            now: self.at(ms),
            target: &self.target,
            feedback: &mut self.feedback,
        };
        method(&mut self.filter, &mut call)
    }

    fn at(&self, ms: u64) -> Instant {
        self.origin + Duration::from_millis(ms)
    }

    fn before_reply(&mut self, ms: u64) {
        self.call(ms, |filter, call| filter.before_reply(&point(), call));
    }

    fn type_reply(&mut self, ms: u64) -> bool {
        let reply = TypedReply {
            typed: Typed::line("ab", false).expect("short"),
            shown: Cow::Borrowed("ab"),
            gates: None,
            remark: None,
            secret: false,
            closes_input: false,
            answers: Answers::Wait,
        };
        self.call(ms, |filter, call| {
            filter.type_reply(&reply, false, String::new, call)
        })
    }

    #[track_caller]
    fn alarm(&mut self, ms: u64) {
        assert_eq!(self.filter.next_alarm(), Some(self.at(ms)));
        self.call(ms, FaultFilter::alarm);
    }

    /// The feedback since the last call, in short.
    fn feedback(&mut self) -> Vec<String> {
        let feedback = self.feedback.drain(..).map(|one| match one {
            Feedback::Injection { what, .. } => what,
            Feedback::Resized(size) => format!("resized {size}"),
            Feedback::Released => "released".to_owned(),
            Feedback::Delayed(length) => format!("delayed {length:?}"),
            Feedback::Preceded(lines) => format!("preceded by {}", lines.len()),
            Feedback::Written { .. } => "written".to_owned(),
            Feedback::NotTyped { reason } => reason,
        });
        feedback.collect()
    }
}

fn point() -> FaultPoint {
    FaultPoint {
        turn: None,
        place: "f:1".to_owned(),
    }
}

#[test]
fn a_killed_program_gets_no_reply() {
    let mut bench = Bench::new("kill 100% between_turns");
    bench.before_reply(0);
    assert_eq!(bench.target.take(), ["kill"]);
    let expected = ["killed between turns", "chaos has killed the program"];
    assert_eq!(bench.feedback(), expected);
}

#[test]
fn a_fault_in_mid_turn_is_injected_later_or_when_the_evidence_comes() {
    let begun = || {
        let mut bench = Bench::new("kill 100% mid_turn after 30ms");
        bench.before_reply(0);
        assert_eq!(bench.feedback(), ["released"]);
        bench.call(10, |filter, call| {
            filter.reached(Progress::ReplySent, &point(), call);
        });
        assert!(bench.target.take().is_empty());
        bench
    };
    let mut bench = begun();
    bench.alarm(40);
    assert_eq!(bench.feedback(), ["killed in mid-turn"]);
    let mut bench = begun();
    bench.call(20, FaultFilter::evidence_came);
    assert_eq!(bench.feedback(), ["killed in mid-turn"]);
    assert_eq!(bench.filter.next_alarm(), None);
    let mut bench = begun();
    bench.call(20, FaultFilter::end);
    assert_eq!(bench.feedback(), ["not hit by kill: its step was over"]);
    assert_eq!(bench.filter.next_alarm(), None, "its action is over");
}

#[test]
fn a_delayed_reply_is_released_when_its_time_is_over() {
    let mut bench = Bench::new("delay 100% for 2s");
    bench.before_reply(0);
    let expected = ["its answer held back for 2s", "delayed 2s"];
    assert_eq!(bench.feedback(), expected);
    bench.alarm(2000);
    assert_eq!(bench.feedback(), ["released"]);
    assert!(!bench.type_reply(2000), "nothing more is done to it");
}

#[test]
fn a_terminal_is_resized_and_output_is_read_byte_by_byte() {
    let mut bench = Bench::new("resize 40x120 100% between_turns");
    bench.before_reply(0);
    assert_eq!(bench.target.take(), ["40x120"]);
    let expected = [
        "resized 40x120",
        "its terminal resized to 40x120 between turns",
        "released",
    ];
    assert_eq!(bench.feedback(), expected);
    let mut bench = Bench::new("bytewise once");
    bench.call(0, |filter, call| {
        filter.reached(Progress::WaitBegins, &point(), call);
    });
    assert_eq!(bench.target.take(), ["slow"]);
    assert_eq!(bench.feedback(), ["its output read byte by byte"]);
}

#[test]
fn a_frozen_program_is_thawed() {
    let mut bench = Bench::new("freeze 100% for 1s between_turns");
    bench.before_reply(0);
    assert_eq!(
        bench.feedback(),
        ["frozen for 1s between turns", "released"]
    );
    bench.alarm(1000);
    assert_eq!(bench.target.take(), ["freeze", "thaw"]);
}

#[test]
fn a_dribbled_reply_is_typed_byte_by_byte_and_its_time_is_a_delay() {
    let mut bench = Bench::new("dribble 100% every 10ms");
    bench.before_reply(0);
    assert!(bench.type_reply(0));
    assert_eq!(bench.target.take(), ["a"]);
    bench.alarm(10);
    bench.alarm(20);
    assert_eq!(bench.target.take(), ["b", "\n"]);
    let feedback = bench.feedback();
    assert_eq!(feedback[feedback.len() - 2..], ["delayed 20ms", "written"]);
}

#[test]
fn garbage_is_typed_before_the_reply() {
    let mut bench = Bench::new("garbage 100%");
    bench.before_reply(0);
    assert!(bench.type_reply(0));
    let typed = bench.target.take();
    assert_eq!(typed.len(), 2);
    assert_eq!(typed[1], "ab\n");
    let feedback = bench.feedback();
    assert_eq!(feedback[feedback.len() - 2..], ["preceded by 1", "written"]);
}

#[test]
fn nothing_hits_a_program_that_has_exited() {
    let mut bench = Bench::new("freeze 100% for 1s between_turns");
    bench.filter.exited();
    bench.before_reply(0);
    assert!(bench.target.take().is_empty());
    let expected = ["not hit by freeze: it had ended", "released"];
    assert_eq!(bench.feedback(), expected);
}

#[test]
fn a_fault_whose_moment_never_came_is_missed() {
    let mut bench = Bench::new("garbage 100%");
    bench.filter.exited();
    bench.call(20, FaultFilter::end);
    assert_eq!(bench.feedback(), ["not hit by garbage: it had ended"]);
}
