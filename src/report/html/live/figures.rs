//! Figures of a run of this process, for its page.

use std::time::Duration;

use crate::model::{LoadSetting, RunEvent, RunInfo, micros};
use crate::report::live::live_stats::LiveStats;
use crate::report::live::so_far::{Phase, SoFar};
use crate::report::result_file::Head;
use crate::stats::{Integrity, Threshold};

use super::published::Setting;
use super::view::{MAX_POINTS, Outcome, Recent, StepNow, View};

/// The figures so far.
pub(super) struct Figures {
    so_far: SoFar,
    setting: LoadSetting,
    limit: String,
    result: Option<Outcome>,
}

impl Figures {
    pub(super) fn new(setting: LoadSetting, limit: String, thresholds: Vec<Threshold>) -> Self {
        Figures {
            so_far: SoFar::new(thresholds, MAX_POINTS),
            setting,
            limit,
            result: None,
        }
    }

    /// Takes an event.
    pub(super) fn event(&mut self, event: &RunEvent) {
        self.so_far.event(event);
        if let RunEvent::LoadChanged(change) = event {
            self.setting = change.to;
        }
    }

    pub(super) fn integrity(&mut self, integrity: &Integrity) {
        self.so_far.integrity(integrity);
    }

    /// Sets the time since the start of the run.
    pub(super) fn tick(&mut self, elapsed: Duration) {
        self.so_far.tick(elapsed);
    }

    /// Takes the result of the run.
    pub(super) fn end(&mut self, head: &Head, locations: &str) {
        self.so_far.phase = Phase::Ended;
        self.result = Some(Outcome::new(Some(head), locations));
    }

    /// Returns the figures as the page's script takes them.
    pub(super) fn json(&mut self) -> String {
        let so_far = &mut self.so_far;
        let elapsed = so_far.elapsed();
        let summary = so_far.run.as_mut().map(|run| run.summary(elapsed));
        let recent = recent(&mut so_far.stats);
        let steps = steps(&mut so_far.stats);
        let moments = so_far.run.as_ref().map_or(Vec::new(), |run| {
            let started = run.in_flight.values().copied();
            run.timeline.moments_until(micros(elapsed), started)
        });
        let run = so_far.run.as_ref();
        let is_bounded = |info: &RunInfo| info.flows.is_some() || info.duration_us.is_some();
        let view = View {
            phase: so_far.phase,
            info: run.map(|run| &run.info),
            summary: summary.as_ref(),
            elapsed,
            done: run
                .filter(|run| is_bounded(&run.info))
                .map(|_| so_far.stats.part()),
            ended: so_far.stats.ended(),
            recent,
            scripts: run.map(|run| &run.scripts),
            steps,
            course: run.map(|run| (&run.timeline, moments.as_slice())),
            kept: run.map_or(&[], |run| &run.kept),
            notices: so_far.notices.iter().collect(),
            setting: Some(setting(self.setting, &self.limit)),
            segments: None,
            result: self.result.as_ref(),
        };
        view.json()
    }
}

/// Returns the figures of the last seconds.
fn recent(stats: &mut LiveStats) -> Recent {
    Recent {
        completed_per_second: stats.completed_per_second(),
        failed_per_second: stats.failed_per_second(),
        p50_us: stats.response_us(50.0),
        p95_us: stats.response_us(95.0),
        in_flight: stats.in_flight,
    }
}

fn steps(stats: &mut LiveStats) -> Vec<StepNow> {
    let now = stats.elapsed();
    let steps = stats.steps.iter_mut().map(|step| StepNow {
        now: step.now,
        done: step.done,
        failed: step.failed,
        p95_us: step.p95_us(now),
    });
    steps.collect()
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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::view::{MAX_GROUPS, MAX_STEPS};
    use super::*;
    use crate::model::{
        Failure, FailureKind, FlowId, FlowNumber, FlowOutcome, FlowRecord, LoadChange, RoleInfo,
        StepInfo,
    };

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
        assert_eq!(update["notices"].as_array().unwrap().len(), 20);
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
