//! Figures of a run in progress, for its page. Their size depends on the scenario and on the number
//! of flows in flight.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::model::{
    Failure, FlowNumber, FlowOutcome, FlowRecord, LoadChange, LoadSetting, RunEvent, RunInfo,
    micros,
};
use crate::report::live::live_stats::LiveStats;
use crate::report::result_file::Head;
use crate::report::units;
use crate::stats::{Integrity, Signature, Summary, Tally, Threshold, Timeline};

use crate::report::html::data::{Card, Part, State};
use crate::report::html::words::{self, grouped, text};
use crate::report::html::{charts, failures, headline};

use super::published::{Failures, Phase, Published, Scripts, Setting, StepRow};
use super::thresholds::Thresholds;

/// The maximum number of points of a chart, which is sent once a second.
const MAX_POINTS: usize = 300;

/// The maximum numbers of signatures, of lines of their examples, and of kept flows of each.
const MAX_GROUPS: usize = 30;
const MAX_LINES: usize = 12;
const MAX_FLOWS: usize = 3;

/// The maximum number of kept flows that are known.
const MAX_KEPT: usize = 200;

/// The maximum number of steps, and of notices, the last ones.
const MAX_STEPS: usize = 100;
const MAX_NOTICES: usize = 20;

/// The maximum number of changes of the load that are marked.
const MAX_CHANGES: usize = 100;

/// The figures so far.
pub(super) struct Figures {
    phase: Phase,
    began: Instant,
    now: Duration,
    run: Option<Run>,
    stats: LiveStats,
    notices: VecDeque<String>,
    setting: LoadSetting,
    limit: String,
    thresholds: Vec<Threshold>,
    result: Option<Finished>,
}

/// A run that has started.
struct Run {
    info: RunInfo,
    tally: Tally,
    timeline: Timeline,
    /// The times since which flows are in flight.
    in_flight: HashMap<FlowNumber, u64>,
    /// Running scripts by role.
    scripts: BTreeMap<usize, u64>,
    kept: Vec<Kept>,
    integrity: Option<Integrity>,
    changes: Vec<LoadChange>,
    thresholds: Thresholds,
    stopped_after_us: Option<u64>,
}

/// A failed flow with a bundle.
struct Kept {
    number: u64,
    signature: Signature,
    after_faults: bool,
}

/// A run that has ended.
struct Finished {
    head: Head,
    locations: String,
}

impl Figures {
    pub(super) fn new(setting: LoadSetting, limit: String, thresholds: Vec<Threshold>) -> Self {
        Figures {
            phase: Phase::Starting,
            began: Instant::now(),
            now: Duration::ZERO,
            run: None,
            stats: LiveStats::default(),
            notices: VecDeque::new(),
            setting,
            limit,
            thresholds,
            result: None,
        }
    }

    /// Takes an event.
    pub(super) fn event(&mut self, event: &RunEvent) {
        self.stats.event(event);
        match event {
            RunEvent::RunStarted(info) => {
                self.began = Instant::now();
                self.phase = Phase::Running;
                self.run = Some(Run::new(info, &self.thresholds));
            }
            RunEvent::Notice { text, .. } => self.note(text),
            RunEvent::AuditStarted { command } => self.note(&format!("Auditing: {command}")),
            RunEvent::Stopping { reason } => {
                self.note(&format!("Stopping: {reason}"));
                self.phase = Phase::Stopping;
            }
            RunEvent::LoadChanged(change) => self.setting = change.to,
            _ => {}
        }
        let now_us = micros(self.began.elapsed());
        if let Some(run) = &mut self.run {
            run.event(event, now_us);
        }
    }

    pub(super) fn integrity(&mut self, integrity: &Integrity) {
        if let Some(run) = &mut self.run {
            run.integrity = Some(integrity.clone());
        }
    }

    /// Sets the time since the start of the run.
    pub(super) fn tick(&mut self, elapsed: Duration) {
        self.now = elapsed;
        self.stats.tick(elapsed);
        let now_us = micros(self.began.elapsed());
        if let Some(run) = &mut self.run {
            run.timeline.extend_to(now_us);
        }
    }

    /// Takes the result of the run.
    pub(super) fn end(&mut self, head: &Head, locations: &str) {
        self.phase = Phase::Ended;
        let locations = locations.trim().lines();
        let locations: Vec<String> = locations.map(text).collect();
        self.result = Some(Finished {
            head: Head {
                // They have no use here.
                histograms: Default::default(),
                ..head.clone()
            },
            locations: locations.join("\n"),
        });
    }

    fn note(&mut self, notice: &str) {
        if self.notices.len() == MAX_NOTICES {
            self.notices.pop_front();
        }
        let at = units::duration(micros(self.now));
        self.notices.push_back(format!("{at}: {}", text(notice)));
    }

    /// Returns the figures as the page's script takes them.
    pub(super) fn json(&mut self) -> String {
        let notices: Vec<String> = self.notices.iter().cloned().collect();
        let mut published = Published {
            phase: self.phase,
            state: "running",
            word: match self.phase {
                Phase::Starting => "Starting",
                Phase::Running | Phase::Ended => "Running",
                Phase::Stopping => "Stopping",
            }
            .to_owned(),
            run: String::new(),
            scenario: String::new(),
            load: String::new(),
            started: String::new(),
            parts: Vec::new(),
            done: None,
            progress: String::new(),
            recent: self.recent(),
            cards: Vec::new(),
            reasons: Vec::new(),
            thresholds: Vec::new(),
            steps: Vec::new(),
            charts: None,
            bucket: String::new(),
            failed: String::new(),
            failures: Vec::new(),
            failures_note: None,
            scripts: Vec::new(),
            notices: &notices,
            setting: setting(self.setting, &self.limit),
            locations: self.result.as_ref().map(|it| it.locations.as_str()),
        };
        let elapsed = self.began.elapsed();
        if let Some(run) = &mut self.run {
            run.publish(&mut published, elapsed, self.result.as_ref());
            published.steps = step_rows(&run.info, &mut self.stats);
            let is_bounded = run.info.flows.is_some() || run.info.duration_us.is_some();
            published.done = is_bounded.then(|| self.stats.part());
            published.progress = progress(&run.info, &self.stats, elapsed);
        }
        serde_json::to_string(&published).expect("maps with text keys, and finite numbers")
    }

    /// Returns the figures of the last seconds.
    fn recent(&mut self) -> Vec<Card> {
        let rate = |rate: f64| format!("{}/s", units::per_second(rate));
        let stats = &mut self.stats;
        let scripts = self.run.as_ref().map_or(0, Run::script_count);
        vec![
            Card {
                name: "Completed",
                value: rate(stats.completed_per_second()),
                note: "flows".into(),
            },
            Card {
                name: "Failed",
                value: rate(stats.failed_per_second()),
                note: "flows".into(),
            },
            Card {
                name: "Response p50",
                value: words::duration(stats.response_us(50.0)),
                note: "completed flows".into(),
            },
            Card {
                name: "Response p95",
                value: words::duration(stats.response_us(95.0)),
                note: "completed flows".into(),
            },
            Card {
                name: "In flight",
                value: grouped(stats.in_flight),
                note: "flows now".into(),
            },
            Card {
                name: "Scripts",
                value: grouped(scripts),
                note: "programs now".into(),
            },
        ]
    }
}

impl Run {
    fn new(info: &RunInfo, thresholds: &[Threshold]) -> Self {
        Run {
            thresholds: Thresholds::new(thresholds, info),
            info: info.clone(),
            tally: Tally::new(info),
            timeline: Timeline::growing(info, MAX_POINTS),
            in_flight: HashMap::new(),
            scripts: BTreeMap::new(),
            kept: Vec::new(),
            integrity: None,
            changes: Vec::new(),
            stopped_after_us: None,
        }
    }

    fn event(&mut self, event: &RunEvent, now_us: u64) {
        self.thresholds.event(event, Duration::from_micros(now_us));
        match event {
            RunEvent::FlowStarted { flow, .. } => drop(self.in_flight.insert(*flow, now_us)),
            RunEvent::FlowEnded(flow) => {
                self.in_flight.remove(&flow.number);
                self.tally.record(flow);
                self.timeline.record(&self.info, flow);
            }
            RunEvent::EvidenceKept(evidence) => {
                if let FlowOutcome::Failed(failure) = &evidence.flow.outcome {
                    self.keep(&evidence.flow, failure);
                }
            }
            RunEvent::PooledScriptEnded(process) => self.tally.record_pooled(process),
            RunEvent::FlowsDropped { count, counted } => self.tally.record_drops(*count, *counted),
            RunEvent::ScriptStarted { instance, .. } => {
                *self.scripts.entry(instance.role.0).or_default() += 1;
            }
            RunEvent::ScriptEnded { instance, .. } => {
                if let Some(count) = self.scripts.get_mut(&instance.role.0) {
                    *count = count.saturating_sub(1);
                }
            }
            RunEvent::LoadChanged(change) if self.changes.len() < MAX_CHANGES => {
                // The first change is in place of later stages.
                let after_us = change.after_us;
                self.info.stages.retain(|it| it.ends_after_us <= after_us);
                self.changes.push(*change);
            }
            RunEvent::Stopping { .. } => {
                self.stopped_after_us.get_or_insert(now_us);
            }
            _ => {}
        }
    }

    fn keep(&mut self, flow: &FlowRecord, failure: &Failure) {
        if self.kept.len() < MAX_KEPT {
            self.kept.push(Kept {
                number: flow.number.0,
                signature: Signature::of(flow, failure),
                after_faults: flow.was_hit(),
            });
        }
    }

    fn script_count(&self) -> u64 {
        self.scripts.values().sum()
    }

    fn publish(&mut self, page: &mut Published<'_>, elapsed: Duration, result: Option<&Finished>) {
        let mut summary = self.tally.summary(elapsed, false);
        summary.load_changes.clone_from(&self.changes);
        summary.stopped_after_us = self.stopped_after_us;
        summary.integrity.clone_from(&self.integrity);
        summary.thresholds = self.thresholds.check(&summary, elapsed);
        let info = &self.info;
        page.run = text(&info.id.0);
        page.scenario = text(&info.scenario);
        page.load = format!("{}, {}", units::extent(info), text(&info.load));
        if let Some(change) = self.changes.last() {
            page.load += &format!(", changed while running to {}", change.to);
        }
        page.started = words::time(info.started_at);
        page.parts = parts(&summary);
        page.thresholds = headline::thresholds_so_far(&summary.thresholds);
        page.cards = headline::cards(info, &summary);
        if let Some(length) = page.cards.iter_mut().find(|card| card.name == "Took") {
            length.name = "So far";
        }
        let now_us = micros(elapsed);
        let started = self.in_flight.values().copied();
        let moments = self.timeline.moments_until(now_us, started);
        page.charts = Some(charts::so_far(info, &summary, &self.timeline, &moments));
        page.bucket = units::duration(self.timeline.width_us());
        self.publish_failures(page, &summary);
        let roles = info.roles.iter().enumerate();
        let scripts = roles.filter_map(|(place, role)| {
            let count = *self.scripts.get(&place).filter(|count| **count > 0)?;
            Some(Scripts {
                role: text(&role.title),
                colour: words::colour(Some(place)),
                count,
            })
        });
        page.scripts = scripts.take(MAX_STEPS).collect();
        if let Some(result) = result {
            let head = &result.head;
            let headline = headline::headline(head);
            page.state = match headline.state {
                State::Good => "good",
                State::Unsure => "unsure",
                State::Bad => "bad",
            };
            page.word = headline.word;
            page.load = headline.load;
            page.parts = headline.parts;
            page.cards = headline.cards;
            page.reasons = headline.reasons;
            page.thresholds = headline::thresholds(&head.summary);
        }
    }

    fn publish_failures(&self, page: &mut Published<'_>, summary: &Summary) {
        let all = &summary.failures;
        let shown = failures::groups(&self.info, all, None);
        page.failed = shown.total;
        page.failures_note = shown.note;
        if shown.groups.len() > MAX_GROUPS {
            page.failures_note = Some(format!("The most frequent {MAX_GROUPS} are shown."));
        }
        let groups = shown.groups.into_iter().zip(&all.groups).take(MAX_GROUPS);
        let groups = groups.map(|(mut shown, group)| {
            shown.lines.truncate(MAX_LINES);
            // The transcript has it.
            shown.screen.clear();
            let is_of_group = |kept: &&Kept| {
                let Signature { step, cause, saw } = &kept.signature;
                *step == group.step
                    && *cause == group.cause
                    && kept.after_faults == group.after_chaos
                    && (group.saw.is_none() || *saw == group.saw)
            };
            let flows = self.kept.iter().filter(is_of_group).take(MAX_FLOWS);
            Failures {
                flows: flows.map(|kept| kept.number).collect(),
                group: shown,
            }
        });
        page.failures = groups.collect();
    }
}

fn setting(setting: LoadSetting, limit: &str) -> Setting<'_> {
    let (label, value) = match setting {
        LoadSetting::Parallel(flows) => ("Flows in parallel", flows.to_string()),
        LoadSetting::FlowsPerSecond(_) => ("Flow starts", setting.to_string()),
    };
    Setting {
        label,
        value,
        limit,
    }
}

/// Returns the parts of the headline of a run in progress.
fn parts(summary: &Summary) -> Vec<Part> {
    let flows = summary.flows;
    let mut parts = vec![match flows.failed {
        0 => Part {
            state: State::Good,
            text: "no flow has failed".into(),
        },
        failed => Part {
            state: State::Bad,
            text: format!("{} failed", units::counted(failed, "flow")),
        },
    }];
    parts.extend(summary.integrity.as_ref().map(headline::integrity));
    if flows.dropped > 0 {
        parts.push(Part {
            state: State::Unsure,
            text: format!("{} dropped", units::counted(flows.dropped, "flow")),
        });
    }
    parts
}

fn progress(info: &RunInfo, stats: &LiveStats, elapsed: Duration) -> String {
    let ended = grouped(stats.ended());
    let flows = match info.flows {
        Some(flows) => format!("{ended} of {} flows ended", grouped(flows)),
        None => format!("{ended} flows ended"),
    };
    let elapsed = units::rough(elapsed);
    let duration = info.duration_us.map(Duration::from_micros);
    match duration.map(units::rough) {
        Some(duration) => format!("{flows}, {elapsed} of {duration}"),
        None => format!("{flows}, {elapsed}"),
    }
}

fn step_rows(info: &RunInfo, stats: &mut LiveStats) -> Vec<StepRow> {
    let now = stats.elapsed();
    let steps = stats.steps.iter_mut().zip(&info.steps).take(MAX_STEPS);
    let rows = steps.map(|(stats, step)| {
        let role = info.role(&step.role);
        StepRow {
            name: text(&step.name),
            role: text(info.title_of(step)),
            colour: words::colour(role.map(|role| role.0)),
            now: stats.now,
            done: stats.done,
            failed: stats.failed,
            p95: words::duration(stats.p95_us(now)),
        }
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::model::{FailureKind, FlowId, RoleInfo, StepInfo};

    fn info(steps: usize) -> RunInfo {
        let step = |number| StepInfo {
            name: format!("step-{number}"),
            role: "clerk".into(),
            action: "act".into(),
            turns: Vec::new(),
        };
        RunInfo {
            scenario: "</script>\u{202e}\u{1b}[2J".into(),
            roles: vec![RoleInfo {
                name: "clerk".into(),
                title: "Clerk".into(),
                command: "clerk".into(),
                terminal: None,
            }],
            steps: (0..steps).map(step).collect(),
            ..RunInfo::default()
        }
    }

    fn failed(number: u64) -> RunEvent {
        let text = format!("{} {number}\n\u{1b}", "wild".repeat(500));
        let mut failure = Failure::new(FailureKind::Timeout, text.clone());
        failure.step = format!("step-{}", number % 400);
        failure.role = "clerk".into();
        failure.tail = text.repeat(5);
        let outcome = FlowOutcome::Failed(Box::new(failure));
        let id = FlowId(format!("flow-{number}"));
        let flow = FlowRecord::not_performed(FlowNumber(number), id, true, outcome);
        RunEvent::FlowEnded(Box::new(FlowRecord {
            started_after_us: Some(number * 1_000_000),
            ended_after_us: Some(number * 1_000_000 + 500_000),
            ..flow
        }))
    }

    #[test]
    fn an_update_is_bounded_and_inert_whatever_the_run() {
        let mut figures = Figures::new(LoadSetting::Parallel(1), String::new(), Vec::new());
        figures.event(&RunEvent::RunStarted(Box::new(info(400))));
        for number in 0..5_000 {
            figures.event(&failed(number));
            figures.event(&RunEvent::Notice {
                flow: None,
                text: "x\u{1b}\n".repeat(1_000),
            });
        }
        let json = figures.json();
        assert!(json.len() < 400_000, "{}", json.len());
        assert!(!json.contains(['\u{1b}', '\u{202e}', '\n', '\r']));
        let update: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(update["failures"].as_array().unwrap().len(), MAX_GROUPS);
        assert_eq!(update["failed"], "5\u{202f}000");
        assert_eq!(update["notices"].as_array().unwrap().len(), MAX_NOTICES);
        assert_eq!(update["steps"].as_array().unwrap().len(), MAX_STEPS);
    }

    #[test]
    fn thresholds_are_checked_as_the_run_goes_on() {
        let texts = [
            "flow.failed_rate < 1%",
            "flow.p95 < 1s",
            "flow.failed_rate < 1% over 1h",
            "step.step-0.failed_rate <= 100% stop",
        ];
        let parse = |text: &str| Threshold::parse(text, &["step-0"]).expect("a threshold");
        let thresholds = texts.map(parse).to_vec();
        let mut figures = Figures::new(LoadSetting::Parallel(1), String::new(), thresholds);
        figures.event(&RunEvent::RunStarted(Box::new(info(1))));
        let state = |update: &Value, place: usize| {
            let threshold = &update["thresholds"][place];
            (threshold["state"].clone(), threshold["value"].clone())
        };
        let before: Value = serde_json::from_str(&figures.json()).expect("JSON");
        for (place, text) in texts.iter().enumerate() {
            let expected = ("unsure".into(), "no samples yet".into());
            assert_eq!(state(&before, place), expected, "{text}");
        }
        figures.event(&failed(1));
        let after: Value = serde_json::from_str(&figures.json()).expect("JSON");
        assert_eq!(state(&after, 0).0, "bad", "{after}");
        assert_eq!(after["thresholds"][0]["note"], "not met so far");
        // No flow was completed, and no window is over.
        assert_eq!(state(&after, 1).0, "unsure", "{after}");
        assert_eq!(state(&after, 2).0, "unsure", "{after}");
    }

    #[test]
    fn flows_in_flight_and_scripts_are_those_of_the_moment() {
        let mut figures = Figures::new(LoadSetting::FlowsPerSecond(2.0), String::new(), Vec::new());
        figures.event(&RunEvent::RunStarted(Box::new(info(1))));
        for number in 1..=3 {
            figures.event(&RunEvent::FlowStarted {
                flow: FlowNumber(number),
                variables: Vec::new(),
            });
        }
        figures.event(&failed(2));
        let change = LoadChange {
            after_us: 1,
            from: LoadSetting::FlowsPerSecond(2.0),
            to: LoadSetting::FlowsPerSecond(5.0),
        };
        figures.event(&RunEvent::LoadChanged(change));
        let update: Value = serde_json::from_str(&figures.json()).unwrap();
        assert_eq!(update["recent"][4]["name"], "In flight");
        assert_eq!(update["recent"][4]["value"], "2");
        assert_eq!(update["setting"]["value"], "5/s");
        assert_eq!(update["charts"]["marks"][0]["label"], "load changed to 5/s");
        assert_eq!(update["phase"], "running");
    }
}
