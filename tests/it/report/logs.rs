//! Progress lines, the log, and the log of latencies.

use super::*;

#[test]
fn an_empty_text_that_is_sent_is_logged() {
    let page = Page::default();
    let mut events = events(&[FlowShape::Completes], 1);
    let instance = InstanceId {
        flow: FlowNumber(1),
        role: RoleIndex(0),
        attempt: 1,
    };
    let text = String::new();
    events.insert(4, RunEvent::Said { instance, text });
    let mut log = Log::with_clock("log".as_ref(), page.clone(), || noon().into());
    report_to(&mut log, &events);
    assert!(page.text().contains(" > ⏎\n"), "{}", page.text());
}

#[test]
fn progress_in_plain_lines() {
    let page = Page::default();
    let mut lines = PlainProgress::new(page.output());
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
fn the_log_has_every_event() {
    let page = Page::default();
    let mut events = events(&[FlowShape::TimesOut], 1);
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
    let injected = RunEvent::Injected(Box::new(Injection {
        instance,
        step: StepIndex(0),
        kind: FaultKind::Freeze,
        what: "frozen for 500ms in mid-turn".into(),
        turn: "order-flow.yaml:42".into(),
    }));
    events.splice(4..4, [heard, said, injected]);
    report_to(
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
    events(&[FlowShape::Completes], 1)
        .iter()
        .for_each(|event| log.event(event));
    let error = log.finish().unwrap_err().to_string();
    assert!(
        error.starts_with("cannot write /dev/full: No space left"),
        "{error}"
    );
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
    let events = events(
        &[
            FlowShape::Completes,
            FlowShape::TimesOut,
            FlowShape::Completes,
        ],
        2,
    );
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
    let logged = intervals(&page.text());
    let logged: Vec<_> = logged
        .iter()
        .map(|(at, tag, n)| (*at, tag.as_str(), *n))
        .collect();
    assert_eq!(
        logged,
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
