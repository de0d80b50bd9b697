//! The files of a saved run.

use super::*;

fn environment() -> RunEnvironment {
    RunEnvironment {
        host: "host".into(),
        kernel: "Linux 6.1".into(),
        cores: 2,
        processor: None,
        governor: None,
        rehearsal_version: "0.1.0".into(),
        command_line: vec!["rehearsal".into(), "run".into()],
        clock_offset_us: None,
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

#[test]
fn the_result_record() {
    let directory = tempfile::tempdir().unwrap();
    let directory = ResultDirectory::at(directory.path());
    let flows = directory.write_flows(environment()).unwrap();
    let recorded = record(
        Recorder::with_flows(flows),
        events(&[FlowShape::Completes, FlowShape::TimesOut], 2),
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
    let reserved = Place::open(place.path())
        .unwrap()
        .reserve(noon(), None)
        .unwrap();
    let directory = ResultDirectory::create(&reserved.directory).unwrap();
    directory.keep_scenario("name: order-flow\n").unwrap();
    let flows = directory.write_flows(environment()).unwrap();
    let recorded = record(Recorder::with_flows(flows), events(&MIXED, 2));
    directory
        .finish(&head(&recorded), Some(&reserved.log_path))
        .unwrap();
    let names = |directory: &ResultDirectory| {
        let files = std::fs::read_dir(directory.path()).unwrap();
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let expected = ["flows.jsonl", "result.json", "run.log", "scenario.yaml"];
    assert_eq!(names(&directory), expected);

    let again = directory.finish(&head(&recorded), None).unwrap_err();
    assert!(again.to_string().contains("result.json"), "{again}");

    let copy = directory.copy_to(&place.path().join("copy")).unwrap();
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
    let directory = tempfile::tempdir().unwrap();
    let directory = ResultDirectory::at(directory.path());
    let flows = directory.write_flows(environment()).unwrap();
    let mut events = open_load();
    let failing = flow_events(&info(41, 200), 41, FlowShape::TimesOut);
    events.splice(1..1, failing);
    let recorded = record(Recorder::with_flows(flows), events);
    let saved = SavedRun::open(directory.path(), directory.path())
        .unwrap()
        .head;
    assert_eq!(saved.completeness, Completeness::CutOff);
    assert_eq!(saved.histograms, recorded.histograms);
    let mut summary = saved.summary;
    assert!(summary.interrupted, "its end was not recorded");
    // The elapsed time is known up to the end of the last flow.
    summary.interrupted = false;
    summary.elapsed_us = recorded.summary.elapsed_us;
    summary.completed_per_second = recorded.summary.completed_per_second;
    // The usage of Rehearsal itself is lost with it.
    summary.rehearsal_cpu_us = recorded.summary.rehearsal_cpu_us;
    summary.rehearsal_peak_rss_bytes = recorded.summary.rehearsal_peak_rss_bytes;
    assert_eq!(summary, recorded.summary);
    assert_eq!(summary.flows.dropped, 3);
}

#[test]
fn flows_are_on_disk_before_the_run_has_ended() {
    let directory = tempfile::tempdir().unwrap();
    let directory = ResultDirectory::at(directory.path());
    let flows = directory.write_flows(environment()).unwrap();
    let reporters = Reporters::start(Recorder::with_flows(flows), Vec::new()).unwrap();
    let sink = reporters.sink();
    let mut events = events(&[FlowShape::Completes], 1);
    events.pop();
    events.into_iter().for_each(|event| sink.emit(event));
    let path = directory.flows().path;
    wait::until("the flow is on the disk", || {
        std::fs::read_to_string(&path).unwrap().lines().count() >= 2
    });
    reporters.finish().unwrap();
}
