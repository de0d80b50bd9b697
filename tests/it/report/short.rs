//! The short report, its headline, and its limits.

use super::*;

use std::sync::LazyLock;

use proptest::prelude::*;
use rehearsal::stats::{Checked, FailureGroup, FlowFailures, Integrity, Quantity, Trust};
use unicode_width::UnicodeWidthStr as _;

/// The most that is printed below a report.
const BELOW: usize = 6;

fn short(info: &RunInfo, summary: &Summary, width: usize) -> String {
    let form = Form {
        detail: Detail::Short,
        width,
        lines_below: BELOW,
    };
    let text = terminal::render(info, summary, form);
    anstream::adapter::strip_str(&text).to_string()
}

/// Both widths in one snapshot.
fn at_both_widths(info: &RunInfo, summary: &Summary) -> String {
    let [narrow, wide] = [80, 120].map(|width| {
        let text = short(info, summary, width);
        assert_fits(&text, width);
        text
    });
    format!("80 columns\n\n{narrow}\n120 columns\n\n{wide}")
}

fn assert_fits(text: &str, width: usize) {
    let lines = text.lines().count() + BELOW;
    assert!(lines <= terminal::SHORT_LINES, "{lines} lines:\n{text}");
    let widest = text.lines().max_by_key(|line| line.width());
    let widest = widest.expect("a line");
    assert!(widest.width() <= width, "{width}: {widest}");
}

fn recorded(shapes: &[FlowShape], parallel: u64) -> Recorded {
    record(Recorder::new(), events(shapes, parallel))
}

fn valid() -> Option<Verdict> {
    Some(Verdict {
        trust: Trust::Valid,
        reasons: Vec::new(),
        not_judged: Vec::new(),
    })
}

fn integrity(duplicates: u64) -> Integrity {
    let text = format!(
        r#"{{"violations":{duplicates},"duplicates":{duplicates},"disagreements":0,"mix_ups":0,
           "not_compared":0,"unique":[{{"name":"order_id","roles":["Customer"],"values":4,
           "duplicates":{duplicates},"across_runs":0,"found":[]}}],"agree":[],"own":[],"audits":[],
           "notices":[]}}"#
    );
    serde_json::from_str(&text).expect("an integrity record")
}

#[test]
fn a_passed_run() {
    let Recorded {
        info, mut summary, ..
    } = recorded(&[FlowShape::Completes; 6], 2);
    summary.verdict = valid();
    summary.integrity = Some(integrity(0));
    assert_snapshot!(at_both_widths(&info, &summary));
}

#[test]
fn a_failed_run() {
    let run = recorded(&MIXED, 2);
    assert_snapshot!(at_both_widths(&run.info, &run.summary));
}

#[test]
fn a_run_with_failures_that_are_allowed() {
    let mut run = recorded(&MIXED, 2);
    run.summary.flow_failures = FlowFailures::AreAllowed;
    let text = short(&run.info, &run.summary, 80);
    assert!(text.contains("\nPASSED  "), "{text}");
    assert!(text.contains("2 failed, which is allowed"), "{text}");
}

#[test]
fn a_run_with_inconsistent_data() {
    let mut run = recorded(&[FlowShape::Completes; 4], 2);
    run.summary.integrity = Some(integrity(3));
    let text = short(&run.info, &run.summary, 80);
    assert!(text.contains("DATA INCONSISTENT  "), "{text}");
    assert_snapshot!(at_both_widths(&run.info, &run.summary));
}

#[test]
fn an_interrupted_run() {
    let run = recorded(&[FlowShape::Completes, FlowShape::CutOff], 2);
    assert_snapshot!(at_both_widths(&run.info, &run.summary));
}

#[test]
fn a_crossed_threshold_and_invalid_figures() {
    let mut run = recorded(&[FlowShape::Completes; 4], 2);
    let checked = |threshold: &str, holds| Checked {
        threshold: threshold.into(),
        holds,
        value: Some(Quantity::DurationUs(1_236_000)),
        crossed_after_us: (!holds).then_some(2_000_000),
        stopped_run: !holds,
    };
    run.summary.thresholds = vec![
        checked("flow.p95 < 2s", true),
        checked("flow.p99 < 1s", false),
    ];
    run.summary.verdict = Some(Verdict {
        trust: Trust::Invalid,
        reasons: vec![
            "the generator was late by 44 ms at p99: the machine is saturated; run fewer flows, or use more \
             cores"
                .into(),
            "flows were dropped".into(),
        ],
        not_judged: Vec::new(),
    });
    assert_snapshot!(at_both_widths(&run.info, &run.summary));
}

#[test]
fn one_flow_has_no_tables() {
    let run = recorded(&[FlowShape::Completes], 1);
    assert_snapshot!(
        "one_completed_flow",
        at_both_widths(&run.info, &run.summary)
    );
    let run = recorded(&[FlowShape::TimesOut], 1);
    assert_snapshot!("one_failed_flow", at_both_widths(&run.info, &run.summary));
}

/// Makes a run large: so many steps, causes of failures and thresholds, with names of this length.
fn enlarge(run: &mut Recorded, steps: usize, causes: usize, thresholds: usize, length: usize) {
    let long = |number: usize| format!("{number:04}_{}", "n".repeat(length));
    let summary = &mut run.summary;
    let step = summary.steps[0].clone();
    let larger = (0..steps).map(|number| {
        let mut step = step.clone();
        step.name = long(number);
        step.failed = (number % 7) as u64;
        step
    });
    summary.steps = larger.collect();
    let group = summary.failures.groups.first().cloned();
    let groups = (0..causes).filter_map(|number| {
        let group: FailureGroup = group.clone()?;
        Some(FailureGroup {
            step: long(number),
            role: long(number),
            saw: Some(long(number)),
            count: 1 + number as u64,
            bundle: Some(format!("results/bundles/failed-{number:06}")),
            ..group
        })
    });
    summary.failures.groups = groups.collect();
    summary.failures.groups.reverse();
    summary.failures.others = causes as u64 / 3;
    let checked = (0..thresholds).map(|number| Checked {
        threshold: format!("step.{}.p95 < 2s", long(number)),
        holds: number % 3 != 0,
        value: None,
        crossed_after_us: None,
        stopped_run: number == 0,
    });
    summary.thresholds = checked.collect();
    run.info.scenario = long(1);
}

#[test]
fn a_large_run_with_many_causes() {
    let mut run = recorded(&MIXED, 2);
    enlarge(&mut run, 40, 60, 5, 30);
    run.info.flows = Some(10_000);
    run.summary.flows.planned = Some(10_000);
    run.summary.flows.completed = 8_170;
    run.summary.flows.failed = 1_830;
    assert_snapshot!(at_both_widths(&run.info, &run.summary));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_short_report_fits(
        (steps, causes, thresholds) in (0..60_usize, 0..80_usize, 0..40_usize),
        length in 0..150_usize,
        width in 80..140_usize,
        duplicates in 0..9_u64,
        single: bool,
        interrupted: bool,
    ) {
        // Reporters take a moment to start and to finish.
        static RUN: LazyLock<Recorded> = LazyLock::new(|| recorded(&MIXED, 2));
        let mut run = RUN.clone();
        enlarge(&mut run, steps, causes, thresholds, length);
        run.summary.integrity = Some(integrity(duplicates));
        run.summary.interrupted = interrupted;
        run.summary.verdict = Some(Verdict {
            trust: Trust::Doubtful,
            reasons: vec!["word ".repeat(length), "x".repeat(length)],
            not_judged: vec!["y".repeat(length)],
        });
        if single {
            run.info.flows = Some(1);
        }
        assert_fits(&short(&run.info, &run.summary, width), width);
    }
}
