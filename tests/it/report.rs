//! What people and programs get to read of a run, from made-up events. Belongs to `report`.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Local};
use insta::assert_snapshot;
use rehearsal::model::*;
use rehearsal::report::result_file::{Completeness, FORMAT, Head, ResultRecord, RunEnvironment};
use rehearsal::report::{
    Artifacts, LatencyLog, Lines, Log, Output, Place, Recorder, Reporter, Reporters, RunFolder,
    SavedRun, SingleFlow, terminal, write_record,
};
use rehearsal::stats::{Histograms, Summary, Tally, Threshold, Verdict};

/// A writer whose text can be read while somebody else owns it.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    fn output(&self) -> Output {
        Output::new(self.clone())
    }

    fn ansi(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Without styles.
    fn text(&self) -> String {
        anstream::adapter::strip_str(&self.ansi()).to_string()
    }
}

impl Write for Page {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes out what depends on the clock and its zone.
fn redacted(text: &str) -> String {
    let times = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?([+-]\d{2}:\d{2}|Z)";
    regex::Regex::new(times)
        .unwrap()
        .replace_all(text, "[time]")
        .into_owned()
}

fn noon() -> DateTime<Local> {
    DateTime::from_timestamp(1_769_860_800, 0).unwrap().into()
}

fn info(flows: u64, parallel: u64) -> RunInfo {
    let role = |name: &str, title: &str, command: &str| RoleInfo {
        name: name.into(),
        title: title.into(),
        command: command.into(),
    };
    let step = |name: &str, role, action: &str| StepInfo {
        name: name.into(),
        role: RoleIndex(role),
        action: action.into(),
        turns: Vec::new(),
    };
    RunInfo {
        id: RunId("REAL-E2E-20260131-120000".into()),
        scenario: "order-flow".into(),
        roles: vec![
            role("customer", "Customer", "rehearsal shop customer-portal"),
            role("staff", "Inventory Staff", "rehearsal shop inventory-staff"),
        ],
        steps: vec![
            step("01_start_customer_portal", 0, "start_and_authenticate"),
            step("02_create_order", 0, "create_order"),
            step("03_process_order", 1, "process_order"),
        ],
        flows: Some(flows),
        duration_us: None,
        load: format!("{parallel} at once"),
        wanted_per_second: None,
        parallel,
        integrity: IntegrityInfo::default(),
        seed: 7,
        chaos: Vec::new(),
        started_at: noon(),
    }
}

/// How one made-up flow goes.
#[derive(Clone, Copy, PartialEq)]
enum Course {
    Well,
    /// Its last step runs into its deadline.
    TimesOut,
    /// The run is stopped during its second step.
    CutOff,
}

/// A failure whose program says hostile things.
fn failure() -> Failure {
    Failure {
        kind: FailureKind::Timeout,
        step: "03_process_order".into(),
        role: "staff".into(),
        turn: "order-flow.yaml:97".into(),
        message: "awaited a line with `Order processed`".into(),
        awaited: vec!["see `Order processed`".into(), "prompt `Retry?`".into()],
        waited_us: 30_000_000,
        activity: Activity::WaitingForInput,
        tail: "\x1b]0;owned\x07=== PENDING ===\n\x1b[2J1. ORD-1  \u{20b9}1,299\u{202e}\r\n> "
            .into(),
        hint: Some("the program asks what the scenario does not answer".into()),
    }
}

fn flow_events(info: &RunInfo, number: u64, course: Course) -> Vec<RunEvent> {
    let flow = FlowNumber(number);
    let variables: Vec<NamedValue> = vec![
        ("customer_id".into(), format!("CUST{number:03}").into()),
        ("customer_password".into(), "***".into()),
    ];
    let mut events = vec![RunEvent::FlowStarted {
        flow,
        variables: variables.clone(),
    }];
    let mut record = FlowRecord {
        number: flow,
        id: FlowId::new(&info.id, flow),
        started_at: noon(),
        counted: true,
        late_us: 0,
        duration_us: 1_236_400 + number,
        paused_us: 0,
        waited_us: 0,
        outcome: FlowOutcome::Completed,
        steps: Vec::new(),
        retries: Vec::new(),
        captures: Vec::new(),
        variables,
        processes: Vec::new(),
        injections: Vec::new(),
    };
    for (index, duration_us) in [12_345, 34_400, 1_189_655].into_iter().enumerate() {
        let step = StepIndex(index);
        let role = info.steps[index].role;
        let instance = InstanceId {
            flow,
            role,
            attempt: 1,
        };
        events.push(RunEvent::StepStarted { flow, step });
        if index != 1 {
            let command = info.roles[role.0].command.clone();
            events.push(RunEvent::ScriptStarted {
                instance,
                pid: 4711,
                command,
            });
        }
        if index == 1 && course != Course::CutOff {
            let order = format!("ORD-20260131-120000-{number:06}");
            let (name, value): NamedValue = ("order_id".into(), order.into());
            record.captures.push((name.clone(), value.clone()));
            events.push(RunEvent::Captured {
                flow,
                step,
                name,
                value,
            });
        }
        let (outcome, why) = match (course, index) {
            (Course::TimesOut, 2) => (StepOutcome::Failed, Some(Box::new(failure()))),
            (Course::CutOff, 1) => (StepOutcome::Interrupted, None),
            _ => (StepOutcome::Completed, None),
        };
        record.steps.push(StepRecord {
            step: info.steps[index].name.clone(),
            attempt: 1,
            outcome,
            started_after_us: 0,
            duration_us,
            paused_us: 0,
            held_us: 0,
            waited_us: 0,
            turns: Vec::new(),
        });
        let ended = outcome != StepOutcome::Completed;
        if let Some(failure) = &why {
            record.outcome = FlowOutcome::Failed(failure.clone());
        } else if ended {
            record.outcome = FlowOutcome::Interrupted;
        }
        let duration = Duration::from_micros(duration_us);
        events.push(RunEvent::StepEnded {
            flow,
            step,
            outcome,
            duration,
            failure: why,
        });
        if index != 0 {
            let process = ProcessRecord {
                role: info.roles[role.0].name.clone(),
                attempt: 1,
                pid: 4711,
                ending: if ended {
                    Ending::Killed
                } else {
                    Ending::Itself
                },
                exit: Some(if ended {
                    ExitCause::Signal(9)
                } else {
                    ExitCause::Code(0)
                }),
                usage: Usage {
                    cpu_user_us: 3_000,
                    cpu_system_us: 1_500,
                    peak_rss_bytes: 7 << 20,
                },
                startup_us: Some(2_450),
                lifetime_us: duration_us,
                exit_us: Some(1_800),
            };
            record.processes.push(process.clone());
            events.push(RunEvent::ScriptEnded {
                instance,
                process: Box::new(process),
            });
        }
        if ended {
            break;
        }
    }
    events.push(RunEvent::FlowEnded(Box::new(record)));
    events
}

fn events(courses: &[Course], parallel: u64) -> Vec<RunEvent> {
    let info = info(courses.len() as u64, parallel);
    let interrupted = courses.contains(&Course::CutOff);
    let mut events = vec![RunEvent::RunStarted(Box::new(info.clone()))];
    for (number, course) in (1..).zip(courses) {
        events.extend(flow_events(&info, number, *course));
    }
    if interrupted {
        events.push(RunEvent::Stopping {
            reason: "Ctrl-C".into(),
        });
    }
    events.push(RunEvent::RunEnded {
        elapsed: Duration::from_millis(2_500),
        interrupted,
    });
    events
}

fn tell(reporter: &mut dyn Reporter, events: &[RunEvent]) {
    events.iter().for_each(|event| reporter.event(event));
    reporter.finish().unwrap();
}

/// A run that has ended, with figures that were counted as the engine counts them.
struct Recorded {
    info: RunInfo,
    summary: Summary,
    histograms: Histograms,
    artifacts: Artifacts,
}

fn record(recorder: Recorder, events: Vec<RunEvent>) -> Recorded {
    record_with(recorder, events, &[])
}

fn record_with(recorder: Recorder, events: Vec<RunEvent>, thresholds: &[Threshold]) -> Recorded {
    let reporters = Reporters::start(recorder, Vec::new()).unwrap();
    let sink = reporters.sink();
    events.iter().for_each(|event| sink.emit(event.clone()));
    let (artifacts, errors) = reporters.finish().unwrap();
    assert!(errors.is_empty(), "{errors:?}");
    let RunEvent::RunStarted(info) = &events[0] else {
        panic!("a run begins with its start")
    };
    let mut tally = Tally::new(info);
    let (mut generator, mut end) = (None, (Duration::ZERO, true));
    for event in &events {
        match event {
            RunEvent::FlowEnded(flow) => tally.record(flow),
            RunEvent::FlowDropped { counted } => tally.record_drop(*counted),
            RunEvent::GeneratorMeasured(measured) => generator = Some(**measured),
            RunEvent::RunEnded {
                elapsed,
                interrupted,
            } => end = (*elapsed, *interrupted),
            _ => {}
        }
    }
    let mut summary = tally.summary(end.0, end.1);
    summary.rehearsal_cpu_us = Some(12_300);
    summary.rehearsal_peak_rss_bytes = Some(10 << 20);
    summary.integrity = artifacts.integrity.clone();
    summary.generator = generator;
    summary.verdict = generator.map(|generator| Verdict::of(&summary, &generator));
    summary.thresholds = thresholds.iter().map(|it| it.check(&summary)).collect();
    Recorded {
        info: (**info).clone(),
        histograms: tally.histograms(),
        summary,
        artifacts,
    }
}

fn report(courses: &[Course], parallel: u64, width: usize) -> String {
    let recorded = record(Recorder::new(), events(courses, parallel));
    let text = terminal::render(&recorded.info, &recorded.summary, width);
    anstream::adapter::strip_str(&text).to_string()
}

fn environment() -> RunEnvironment {
    RunEnvironment {
        host: "host".into(),
        kernel: "Linux 6.1".into(),
        cores: 2,
        rehearsal_version: "0.1.0".into(),
        command_line: vec!["rehearsal".into(), "run".into()],
    }
}

fn head(recorded: &Recorded) -> Head {
    let notices = recorded.artifacts.notices.clone();
    Head::new(
        &recorded.info,
        environment(),
        recorded.summary.clone(),
        recorded.histograms.clone(),
        notices,
    )
}

const MIXED: [Course; 4] = [
    Course::Well,
    Course::TimesOut,
    Course::Well,
    Course::TimesOut,
];

#[test]
fn the_story_of_a_flow_that_goes_well() {
    let page = Page::default();
    tell(
        &mut SingleFlow::new(page.output()),
        &events(&[Course::Well], 1),
    );
    assert_snapshot!(page.text());
}

#[test]
fn the_story_of_a_flow_that_fails() {
    let page = Page::default();
    tell(
        &mut SingleFlow::new(page.output()),
        &events(&[Course::TimesOut], 1),
    );
    assert_snapshot!(page.text());
}

#[test]
fn a_skipped_step_has_a_heading_of_its_own() {
    let page = Page::default();
    let mut events = events(&[Course::Well], 1);
    let second = StepIndex(1);
    events.retain(|event| !matches!(event, RunEvent::StepStarted { step, .. } if *step == second));
    for event in &mut events {
        if let RunEvent::StepEnded { step, outcome, .. } = event
            && *step == second
        {
            *outcome = StepOutcome::Skipped;
        }
    }
    tell(&mut SingleFlow::new(page.output()), &events);
    let told = "\nStep 2/3: 02_create_order\n  – skipped: its condition does not hold\n";
    assert!(page.text().contains(told), "{}", page.text());
}

#[test]
fn a_message_of_several_lines_is_told_as_such() {
    let mut events = events(&[Course::TimesOut], 1);
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
    tell(&mut SingleFlow::new(page.output()), &events);
    let story = page.text();
    assert!(
        story.contains("no row has both\n") && !story.contains('␊'),
        "{story}"
    );
    let recorded = record(Recorder::new(), events);
    let report = terminal::render(&recorded.info, &recorded.summary, 100);
    let report = anstream::adapter::strip_str(&report).to_string();
    let block = "\n    no row has both\n    row 1: a\n    row 2: b\n    flow     ";
    assert!(report.contains(block), "{report}");
}

#[test]
fn an_empty_text_that_is_sent_is_logged() {
    let page = Page::default();
    let mut events = events(&[Course::Well], 1);
    let instance = InstanceId {
        flow: FlowNumber(1),
        role: RoleIndex(0),
        attempt: 1,
    };
    let text = String::new();
    events.insert(4, RunEvent::Said { instance, text });
    let mut log = Log::with_clock("log".as_ref(), page.clone(), || noon().into());
    tell(&mut log, &events);
    assert!(page.text().contains(" > ⏎\n"), "{}", page.text());
}

#[test]
fn progress_in_plain_lines() {
    let page = Page::default();
    let mut lines = Lines::new(page.output());
    let events = events(&MIXED, 2);
    let (first, rest) = events.split_at(events.len() / 2);
    first.iter().for_each(|event| lines.event(event));
    lines.tick(Duration::from_millis(1_500));
    lines.tick(Duration::from_millis(2_000));
    lines.tick(Duration::from_millis(2_250));
    rest.iter().for_each(|event| lines.event(event));
    lines.tick(Duration::from_millis(4_000));
    lines.finish().unwrap();
    assert_snapshot!(page.text());
}

#[test]
fn the_report_of_a_single_flow() {
    assert_snapshot!(report(&[Course::Well], 1, 100));
}

#[test]
fn the_report_of_a_batch_with_failures() {
    assert_snapshot!(report(&MIXED, 2, 100));
}

#[test]
fn the_report_of_an_interrupted_run_at_eighty_columns() {
    let text = report(&[Course::Well, Course::CutOff], 2, 80);
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert_snapshot!(text);
}

/// A run of forty flows by the clock, each later and slower than the last; three are dropped.
fn open_load() -> Vec<RunEvent> {
    let mut events = events(&[Course::Well; 40], 200);
    for event in &mut events {
        match event {
            RunEvent::RunStarted(info) => {
                info.load = "5/s, at most 200 in flight".into();
                info.wanted_per_second = Some(5.0);
                (info.flows, info.duration_us) = (None, Some(10_000_000));
            }
            RunEvent::FlowEnded(flow) => {
                let number = flow.number.0;
                flow.started_at += Duration::from_millis(number * 250);
                flow.late_us = number * 50_000;
                flow.duration_us = 300_000 + number * number * 1_000;
            }
            _ => {}
        }
    }
    let end = events.len() - 1;
    let dropped = RunEvent::FlowDropped { counted: true };
    events.splice(end..end, vec![dropped; 3]);
    events
}

#[test]
fn the_report_of_an_open_load_on_a_wide_terminal() {
    let recorded = record(Recorder::new(), open_load());
    let text = terminal::render(&recorded.info, &recorded.summary, 120);
    assert_snapshot!(anstream::adapter::strip_str(&text).to_string());
}

#[test]
fn every_width_has_the_figures_that_matter() {
    let recorded = record(Recorder::new(), open_load());
    for width in 80..=140 {
        let text = terminal::render(&recorded.info, &recorded.summary, width);
        let text = anstream::adapter::strip_str(&text).to_string();
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(width), "{width}:\n{text}");
        let headings = text.lines().find(|line| line.contains("Actor, step"));
        let headings = headings.expect("a table of times");
        for heading in ["Count", "Success", "Average", "p50", "p95", "Max"] {
            assert!(headings.contains(heading), "{width}: {headings}");
        }
    }
}

#[test]
fn the_report_tells_whether_the_figures_are_good_and_to_be_believed() {
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
        machine_saturated_ratio: Some(0.8),
        fullest_descriptors_ratio: Some(0.04),
        fullest_terminals_ratio: Some(0.01),
        cpu_pressure_ratio: Some(0.6),
    };
    events.insert(
        events.len() - 1,
        RunEvent::GeneratorMeasured(Box::new(generator)),
    );
    let recorded = record_with(Recorder::new(), events, &thresholds);
    let text = terminal::render(&recorded.info, &recorded.summary, 80);
    let text = anstream::adapter::strip_str(&text).to_string();
    let head = text.split("\n\nSteps").next().unwrap();
    assert_snapshot!(head);
}

#[test]
fn what_programs_say_is_shown_and_not_obeyed() {
    let page = Page::default();
    tell(&mut SingleFlow::new(page.output()), &events(&MIXED, 1));
    let log = Page::default();
    tell(
        &mut Log::with_clock("log".as_ref(), log.clone(), || noon().into()),
        &events(&MIXED, 1),
    );
    let recorded = record(Recorder::new(), events(&MIXED, 1));
    let report = terminal::render(&recorded.info, &recorded.summary, 100);
    let styles = regex::Regex::new("\x1b\\[[0-9;]*m").unwrap();
    for text in [page.ansi(), log.ansi(), report] {
        // Our own styles are all that is left of escape sequences.
        let text = styles.replace_all(&text, "");
        let acts = |character: char| character.is_control() && character != '\n';
        assert!(!text.contains(acts), "{text:?}");
        assert!(!text.contains('\u{202e}'), "{text:?}");
    }
}

#[test]
fn the_report_tells_what_chaos_did_and_what_became_of_it() {
    let mut info = info(3, 1);
    info.chaos = vec!["kill 5%".into(), "delay 1%".into()];
    let mut tally = Tally::new(&info);
    let courses = [
        (Course::Well, InjectionKind::Delay, Some(4_000)),
        (Course::Well, InjectionKind::Freeze, Some(310_000)),
        (Course::TimesOut, InjectionKind::Kill, None),
    ];
    for (number, (course, kind, recovered_after_us)) in (1..).zip(courses) {
        let ended = flow_events(&info, number, course).pop();
        let Some(RunEvent::FlowEnded(mut record)) = ended else {
            panic!("a flow ends with its record");
        };
        record.injections.push(InjectionRecord {
            kind,
            what: "struck".into(),
            role: "customer".into(),
            attempt: 1,
            step: "02_create_order".into(),
            turn: String::new(),
            after_us: 1_000,
            recovered_after_us,
        });
        tally.record(&record);
    }
    let summary = tally.summary(Duration::from_secs(2), false);
    let report = redacted(&terminal::render(&info, &summary, 80));
    let chaos = report.find("Chaos").expect("a section");
    assert_snapshot!(&report[chaos..]);
}

#[test]
fn the_log_tells_every_event() {
    let page = Page::default();
    let mut events = events(&[Course::TimesOut], 1);
    let instance = InstanceId {
        flow: FlowNumber(1),
        role: RoleIndex(0),
        attempt: 1,
    };
    let heard = RunEvent::Heard {
        instance,
        text: "\x1b[1mCustomer ID:".into(),
    };
    let said = RunEvent::Said {
        instance,
        text: "CUST001".into(),
    };
    let struck = RunEvent::Injected(Box::new(Injection {
        instance,
        step: StepIndex(0),
        kind: InjectionKind::Freeze,
        what: "frozen for 500ms in mid-turn".into(),
        turn: "order-flow.yaml:42".into(),
    }));
    events.splice(4..4, [heard, said, struck]);
    tell(
        &mut Log::with_clock("log".as_ref(), page.clone(), || noon().into()),
        &events,
    );
    assert_snapshot!(redacted(&page.text()));
}

#[test]
fn a_log_on_a_full_disk_is_an_error_that_names_it() {
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
        eprintln!("skipped: there is no /dev/full");
        return;
    };
    let mut log = Log::new("/dev/full".as_ref(), full);
    events(&[Course::Well], 1)
        .iter()
        .for_each(|event| log.event(event));
    let error = log.finish().unwrap_err().to_string();
    assert!(
        error.starts_with("cannot write /dev/full: No space left"),
        "{error}"
    );
}

#[test]
fn the_result_record() {
    let folder = tempfile::tempdir().unwrap();
    let folder = RunFolder::at(folder.path());
    let flows = folder.write_flows(environment()).unwrap();
    let recorded = record(
        Recorder::with_flows(flows),
        events(&[Course::Well, Course::TimesOut], 2),
    );
    let mut text = Vec::new();
    write_record(
        &mut text,
        &head(&recorded),
        recorded.artifacts.flows.as_ref(),
    )
    .unwrap();
    let text = redacted(&String::from_utf8(text).unwrap());
    let counts = regex::Regex::new("(v2_deflate_base64\": )\"[^\"]+\"").unwrap();
    assert_snapshot!(counts.replace_all(&text, "$1\"[counts]\""));
}

#[test]
fn a_saved_run_has_all_its_files() {
    let place = tempfile::tempdir().unwrap();
    let reserved = Place::open(place.path()).unwrap().reserve(noon()).unwrap();
    let folder = RunFolder::create(&reserved.folder).unwrap();
    folder.keep_scenario("name: order-flow\n").unwrap();
    let flows = folder.write_flows(environment()).unwrap();
    let recorded = record(Recorder::with_flows(flows), events(&MIXED, 2));
    folder
        .finish(&head(&recorded), Some(&reserved.log_path))
        .unwrap();
    let names = |folder: &RunFolder| {
        let files = std::fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let expected = ["flows.jsonl", "result.json", "run.log", "scenario.yaml"];
    assert_eq!(names(&folder), expected);

    let again = folder.finish(&head(&recorded), None).unwrap_err();
    assert!(again.to_string().contains("result.json"), "{again}");

    let copy = folder.copy_to(&place.path().join("copy")).unwrap();
    assert_eq!(names(&copy), expected);
    let mut text = Vec::new();
    let saved = SavedRun::open(copy.path(), place.path()).unwrap();
    saved.write_record(&mut text).unwrap();
    let read: ResultRecord = serde_json::from_slice(&text).unwrap();
    assert_eq!(read.head.format, FORMAT);
    assert_eq!(read.head.summary, recorded.summary);
    assert_eq!(read.head.histograms, recorded.histograms);
    assert_eq!(read.flows.len(), 4);
    assert_eq!(read.flows[1].failure(), Some(&failure()));
}

#[test]
fn a_run_that_was_cut_off_is_counted_again_from_its_flows() {
    let folder = tempfile::tempdir().unwrap();
    let folder = RunFolder::at(folder.path());
    let flows = folder.write_flows(environment()).unwrap();
    let mut events = open_load();
    let failing = flow_events(&info(41, 200), 41, Course::TimesOut);
    events.splice(1..1, failing);
    let recorded = record(Recorder::with_flows(flows), events);
    let saved = SavedRun::open(folder.path(), folder.path()).unwrap().head;
    assert_eq!(saved.completeness, Completeness::CutOff);
    assert_eq!(saved.histograms, recorded.histograms);
    let mut summary = saved.summary;
    assert!(summary.interrupted, "nobody saw its end");
    // How long it took is known as far as its last flow's end.
    summary.interrupted = false;
    summary.elapsed_us = recorded.summary.elapsed_us;
    summary.completed_per_second = recorded.summary.completed_per_second;
    // What Rehearsal itself used ended with it.
    summary.rehearsal_cpu_us = recorded.summary.rehearsal_cpu_us;
    summary.rehearsal_peak_rss_bytes = recorded.summary.rehearsal_peak_rss_bytes;
    assert_eq!(summary, recorded.summary);
    assert_eq!(summary.flows.dropped, 3);
}

#[test]
fn flows_are_on_disk_before_the_run_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let folder = RunFolder::at(folder.path());
    let spool = folder.write_flows(environment()).unwrap();
    let reporters = Reporters::start(Recorder::with_flows(spool), Vec::new()).unwrap();
    let sink = reporters.sink();
    let mut events = events(&[Course::Well], 1);
    events.pop();
    events.into_iter().for_each(|event| sink.emit(event));
    let path = folder.flows().path;
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while std::fs::read_to_string(&path).unwrap().lines().count() < 2 {
        assert!(
            std::time::Instant::now() < deadline,
            "the flow never came to the disk"
        );
        std::thread::yield_now();
    }
    reporters.finish().unwrap();
}

/// The count and the tag of each interval, with when it began.
fn intervals(log: &str) -> Vec<(u64, String, u64)> {
    use base64::Engine as _;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    let entries = IntervalLogIterator::new(log.as_bytes()).map(|entry| entry.unwrap());
    entries
        .filter_map(|entry| match entry {
            LogEntry::Interval(interval) => {
                let bytes = base64::engine::general_purpose::STANDARD
                    .decode(interval.encoded_histogram())
                    .unwrap();
                let counts: hdrhistogram::Histogram<u64> =
                    hdrhistogram::serialization::Deserializer::new()
                        .deserialize(&mut bytes.as_slice())
                        .unwrap();
                let tag = interval.tag().unwrap().as_str().to_owned();
                Some((interval.start_timestamp().as_secs(), tag, counts.len()))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn latencies_are_logged_once_a_second_by_tag() {
    let page = Page::default();
    let mut log = LatencyLog::new("latency.hlog".as_ref(), page.clone());
    let events = events(&[Course::Well, Course::TimesOut, Course::Well], 2);
    // Up to the end of the second flow.
    let ends = |event: &RunEvent| matches!(event, RunEvent::FlowEnded(_));
    let second = events.iter().position(ends).unwrap() + 1;
    let second = second + events[second..].iter().position(ends).unwrap() + 1;
    events[..second].iter().for_each(|event| log.event(event));
    log.tick(Duration::from_millis(750));
    assert!(intervals(&page.text()).is_empty(), "{}", page.text());
    log.tick(Duration::from_millis(1_000));
    log.tick(Duration::from_millis(2_000));
    events[second..].iter().for_each(|event| log.event(event));
    log.finish().unwrap();
    let told = intervals(&page.text());
    let told: Vec<_> = told
        .iter()
        .map(|(at, tag, n)| (*at, tag.as_str(), *n))
        .collect();
    assert_eq!(
        told,
        [
            (0, "flow", 1),
            (0, "flow.failed", 1),
            (0, "step.01_start_customer_portal", 2),
            (0, "step.02_create_order", 2),
            (0, "step.03_process_order", 1),
            (2, "flow", 1),
            (2, "step.01_start_customer_portal", 1),
            (2, "step.02_create_order", 1),
            (2, "step.03_process_order", 1),
        ]
    );
}
