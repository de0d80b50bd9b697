//! The report on a terminal, and the narration of a single flow.

use super::*;

fn report(courses: &[FlowShape], parallel: u64, width: usize) -> String {
    let recorded = record(Recorder::new(), events(courses, parallel));
    let text = full(&recorded, width);
    anstream::adapter::strip_str(&text).to_string()
}

const FULL: Form = Form {
    detail: Detail::Full,
    width: 80,
    lines_below: 0,
};

fn full(recorded: &Recorded, width: usize) -> String {
    terminal::render(&recorded.info, &recorded.summary, Form { width, ..FULL })
}

#[test]
fn the_narration_of_a_completed_flow() {
    let page = Page::default();
    report_to(
        &mut SingleFlow::new(page.output()),
        &events(&[FlowShape::Completes], 1),
    );
    assert_snapshot!(page.text());
}

#[test]
fn the_narration_of_a_failed_flow() {
    let page = Page::default();
    report_to(
        &mut SingleFlow::new(page.output()),
        &events(&[FlowShape::TimesOut], 1),
    );
    assert_snapshot!(page.text());
}

#[test]
fn a_skipped_step_has_a_heading() {
    let page = Page::default();
    let mut events = events(&[FlowShape::Completes], 1);
    let second = StepIndex(1);
    events.retain(|event| !matches!(event, RunEvent::StepStarted { step, .. } if *step == second));
    for event in &mut events {
        if let RunEvent::StepEnded { step, outcome, .. } = event
            && *step == second
        {
            *outcome = StepOutcome::Skipped;
        }
    }
    report_to(&mut SingleFlow::new(page.output()), &events);
    let skipped = "\nStep 2/3: 02_create_order\n  – skipped: its condition does not hold\n";
    assert!(page.text().contains(skipped), "{}", page.text());
}

#[test]
fn a_message_of_several_lines_keeps_its_lines() {
    let mut events = events(&[FlowShape::TimesOut], 1);
    let message = "no row has both\nrow 1: a\nrow 2: b";
    for event in &mut events {
        match event {
            RunEvent::StepEnded {
                failure: Some(failure),
                ..
            } => failure.message = message.into(),
            RunEvent::FlowEnded(flow) => {
                if let FlowOutcome::Failed(failure) = &mut flow.outcome {
                    failure.message = message.into();
                }
            }
            _ => {}
        }
    }
    let page = Page::default();
    report_to(&mut SingleFlow::new(page.output()), &events);
    let story = page.text();
    assert!(
        story.contains("no row has both\n") && !story.contains('␊'),
        "{story}"
    );
    let recorded = record(Recorder::new(), events);
    let report = full(&recorded, 100);
    let report = anstream::adapter::strip_str(&report).to_string();
    let block = "\n    no row has both\n    row 1: a\n    row 2: b\n    flow     ";
    assert!(report.contains(block), "{report}");
}

#[test]
fn the_report_of_a_single_flow() {
    assert_snapshot!(report(&[FlowShape::Completes], 1, 100));
}

#[test]
fn the_report_of_a_batch_with_failures() {
    assert_snapshot!(report(&MIXED, 2, 100));
}

#[test]
fn the_report_of_an_interrupted_run_at_eighty_columns() {
    let text = report(&[FlowShape::Completes, FlowShape::CutOff], 2, 80);
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert_snapshot!(text);
}

#[test]
fn the_report_of_an_open_load_on_a_wide_terminal() {
    let recorded = record(Recorder::new(), open_load());
    let text = full(&recorded, 120);
    assert_snapshot!(anstream::adapter::strip_str(&text).to_string());
}

#[test]
fn every_width_has_the_figures_that_matter() {
    let recorded = record(Recorder::new(), open_load());
    for width in 80..=140 {
        let text = full(&recorded, width);
        let text = anstream::adapter::strip_str(&text).to_string();
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(width), "{width}:\n{text}");
        let headings = text.lines().find(|line| line.contains("Role, step"));
        let headings = headings.expect("a table of times");
        for heading in ["Count", "Success", "Average", "p50", "p95", "Max"] {
            assert!(headings.contains(heading), "{width}: {headings}");
        }
    }
}

#[test]
fn the_report_shows_thresholds_and_whether_the_figures_are_valid() {
    let steps = ["01_login", "02_create_order"];
    let thresholds = ["flow.p95 < 2s", "flow.failed_rate < 1%", "flow.rate >= 1/s"];
    let thresholds = thresholds.map(|text| Threshold::parse(text, &steps).unwrap());
    let mut events = events(&MIXED, 2);
    let generator = Generator {
        lag_samples: 500,
        lag_p50_us: Some(1_100),
        lag_p99_us: Some(40_400),
        lag_max_us: Some(61_000),
        machine_busy_ratio: Some(0.975),
        machine_own_ratio: Some(0.05),
        machine_programs_ratio: Some(0.8),
        machine_others_ratio: Some(0.125),
        machine_saturated_ratio: Some(0.8),
        fullest_descriptors_ratio: Some(0.04),
        fullest_terminals_ratio: Some(0.01),
        cpu_pressure_ratio: Some(0.6),
        ..Generator::default()
    };
    events.insert(
        events.len() - 1,
        RunEvent::GeneratorMeasured(Box::new(generator)),
    );
    let recorded = record_with(Recorder::new(), events, &thresholds);
    let text = full(&recorded, 80);
    let text = anstream::adapter::strip_str(&text).to_string();
    let head = text.split("\n\nSteps").next().unwrap();
    assert_snapshot!(head);
}

#[test]
fn control_sequences_of_programs_are_shown_and_have_no_effect() {
    let page = Page::default();
    report_to(&mut SingleFlow::new(page.output()), &events(&MIXED, 1));
    let log = Page::default();
    report_to(
        &mut Log::with_clock("log".as_ref(), log.clone(), || noon().into()),
        &events(&MIXED, 1),
    );
    let recorded = record(Recorder::new(), events(&MIXED, 1));
    let report = full(&recorded, 100);
    let styles = regex::Regex::new("\x1b\\[[0-9;]*m").unwrap();
    for text in [page.ansi(), log.ansi(), report] {
        // Our styles are the only escape sequences.
        let text = styles.replace_all(&text, "");
        let acts = |character: char| character.is_control() && character != '\n';
        assert!(!text.contains(acts), "{text:?}");
        assert!(!text.contains('\u{202e}'), "{text:?}");
    }
}

#[test]
fn the_report_shows_injections_and_their_outcomes() {
    let mut info = info(3, 1);
    info.chaos = vec!["kill 5%".into(), "delay 1%".into()];
    let mut tally = Tally::new(&info);
    let courses = [
        (FlowShape::Completes, FaultKind::Delay, Some(4_000)),
        (FlowShape::Completes, FaultKind::Freeze, Some(310_000)),
        (FlowShape::TimesOut, FaultKind::Kill, None),
    ];
    for (number, (shape, kind, recovered_after_us)) in (1..).zip(courses) {
        let ended = flow_events(&info, number, shape).pop();
        let Some(RunEvent::FlowEnded(mut record)) = ended else {
            panic!("a flow ends with its record");
        };
        if kind == FaultKind::Freeze {
            record.retries.push(Retry {
                what: RetriedPart::Step,
                recovered_after_us: Some(300_000),
                failure: Failure::new(FailureKind::Timeout, "too late"),
                forgotten: Vec::new(),
            });
        }
        let missed = InjectionRecord {
            kind: FaultKind::Kill,
            outcome: InjectionOutcome::Missed,
            what: "not hit by kill: it had ended".into(),
            role: "customer".into(),
            attempt: 1,
            step: "02_create_order".into(),
            turn: String::new(),
            after_us: 2_000,
            recovered_after_us: None,
        };
        record.injections.push(InjectionRecord {
            kind,
            outcome: InjectionOutcome::Injected,
            what: "injected".into(),
            after_us: 1_000,
            recovered_after_us,
            ..missed.clone()
        });
        record.injections.push(missed);
        tally.record(&record);
    }
    let summary = tally.summary(Duration::from_secs(2), false);
    let report = redacted(&terminal::render(&info, &summary, FULL));
    let chaos = report.find("Faults").expect("a section");
    assert_snapshot!(&report[chaos..]);
}
