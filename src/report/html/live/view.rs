//! View of a run in progress, of one process or merged from segments, and its form for the page.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::RunInfo;
use crate::report::live::so_far::{KeptFlow, Phase, TimedNotice};
use crate::report::result_file::Head;
use crate::report::units;
use crate::stats::{Signature, Summary, Timeline, TimelineMoment};

use crate::report::html::data::{Card, Part, State};
use crate::report::html::words::{self, grouped, text};
use crate::report::html::{charts, failures, headline};

use super::published::{Failures, Published, Scripts, SegmentRow, Setting, StepRow};

/// The maximum number of points of a chart, which is sent once a second.
pub(super) const MAX_POINTS: usize = 300;

/// The maximum numbers of signatures, of lines of their examples, and of kept flows of each.
pub(super) const MAX_GROUPS: usize = 30;
const MAX_LINES: usize = 12;
const MAX_FLOWS: usize = 3;

/// The maximum number of steps.
pub(super) const MAX_STEPS: usize = 100;

/// A run at a moment.
pub(super) struct View<'a> {
    pub phase: Phase,
    /// Absent until the run has started, as are the summary and the course.
    pub info: Option<&'a RunInfo>,
    pub summary: Option<&'a Summary>,
    pub elapsed: Duration,
    /// The part of the run that is over, from 0 to 1; `None` if it has no known end.
    pub done: Option<f64>,
    /// Flows that have ended, those of the warm-up included.
    pub ended: u64,
    pub recent: Recent,
    /// Running scripts by role.
    pub scripts: Option<&'a BTreeMap<usize, u64>>,
    /// In the order of the flow.
    pub steps: Vec<StepNow>,
    /// The timeline, and its moments that are over.
    pub course: Option<(&'a Timeline, &'a [TimelineMoment])>,
    /// Failed flows whose transcripts can be had.
    pub kept: &'a [KeptFlow],
    pub notices: Vec<&'a TimedNotice>,
    /// The load, if it can be changed.
    pub setting: Option<Setting<'a>>,
    /// The segments of a merged run, and a sentence about them.
    pub segments: Option<(Vec<SegmentRow>, String)>,
    pub result: Option<&'a Outcome>,
}

/// Figures of the last seconds.
pub(super) struct Recent {
    pub completed_per_second: f64,
    pub failed_per_second: f64,
    pub p50_us: Option<u64>,
    pub p95_us: Option<u64>,
    pub in_flight: u64,
}

/// A step at a moment.
pub(super) struct StepNow {
    /// Flows in the step.
    pub now: u64,
    /// Flows that completed it.
    pub done: u64,
    /// Flows that failed in it.
    pub failed: u64,
    /// Of the last seconds.
    pub p95_us: Option<u64>,
}

/// The result of a run that has ended.
pub(super) struct Outcome {
    /// Absent if it is not known here.
    head: Option<Head>,
    locations: String,
}

impl Outcome {
    pub(super) fn new(head: Option<&Head>, locations: &str) -> Self {
        let locations: Vec<String> = locations.trim().lines().map(text).collect();
        Outcome {
            head: head.map(|head| Head {
                // They have no use here.
                histograms: Default::default(),
                ..head.clone()
            }),
            locations: locations.join("\n"),
        }
    }
}

impl View<'_> {
    /// Returns it as the page's script takes it.
    pub(super) fn json(&self) -> String {
        let mut page = Published {
            phase: self.phase,
            state: "running",
            word: match self.phase {
                Phase::Starting => "Starting",
                Phase::Running => "Running",
                Phase::Stopping => "Stopping",
                Phase::Ended => "Ended",
            }
            .to_owned(),
            run: String::new(),
            scenario: String::new(),
            load: String::new(),
            started: String::new(),
            parts: Vec::new(),
            done: self.done,
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
            notices: self.notices(),
            setting: self.setting.as_ref(),
            segments: self.segments.as_ref().map(|it| it.0.as_slice()),
            segments_note: self.segments.as_ref().map_or("", |it| it.1.as_str()),
            locations: self.result.map(|it| it.locations.as_str()),
        };
        if let (Some(info), Some(summary)) = (self.info, self.summary) {
            self.publish(info, summary, &mut page);
        }
        serde_json::to_string(&page).expect("maps with text keys, and finite numbers")
    }

    fn publish(&self, info: &RunInfo, summary: &Summary, page: &mut Published<'_>) {
        page.run = text(&info.id.0);
        page.scenario = text(&info.scenario);
        page.load = format!("{}, {}", units::extent(info), text(&info.load));
        if let Some(change) = summary.load_changes.last() {
            page.load += &format!(", changed while running to {}", change.to);
        }
        page.started = words::time(info.started_at);
        page.parts = parts(summary);
        page.progress = progress(info, self.ended, self.elapsed);
        page.thresholds = headline::thresholds_so_far(&summary.thresholds);
        page.cards = headline::cards(info, summary);
        if let Some(length) = page.cards.iter_mut().find(|card| card.name == "Took") {
            length.name = "So far";
        }
        if let Some((timeline, moments)) = self.course {
            page.charts = Some(charts::so_far(info, summary, timeline, moments));
            page.bucket = units::duration(timeline.width_us());
        }
        page.steps = self.step_rows(info);
        self.publish_failures(info, summary, page);
        let roles = info.roles.iter().enumerate();
        let scripts = roles.filter_map(|(place, role)| {
            let count = *self.scripts?.get(&place).filter(|count| **count > 0)?;
            Some(Scripts {
                role: text(&role.title),
                colour: words::colour(Some(place)),
                count,
            })
        });
        page.scripts = scripts.take(MAX_STEPS).collect();
        if let Some(head) = self.result.and_then(|it| it.head.as_ref()) {
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

    /// Returns the figures of the last seconds.
    fn recent(&self) -> Vec<Card> {
        let rate = |rate: f64| format!("{}/s", units::per_second(rate));
        let recent = &self.recent;
        let scripts = self.scripts.map_or(0, |it| it.values().sum());
        vec![
            Card {
                name: "Completed",
                value: rate(recent.completed_per_second),
                note: "flows".into(),
            },
            Card {
                name: "Failed",
                value: rate(recent.failed_per_second),
                note: "flows".into(),
            },
            Card {
                name: "Response p50",
                value: words::duration(recent.p50_us),
                note: "completed flows".into(),
            },
            Card {
                name: "Response p95",
                value: words::duration(recent.p95_us),
                note: "completed flows".into(),
            },
            Card {
                name: "In flight",
                value: grouped(recent.in_flight),
                note: "flows now".into(),
            },
            Card {
                name: "Scripts",
                value: grouped(scripts),
                note: "programs now".into(),
            },
        ]
    }

    fn notices(&self) -> Vec<String> {
        let notices = self.notices.iter().map(|notice| {
            let at = units::duration(notice.after_us);
            format!("{at}: {}", text(&notice.text))
        });
        notices.collect()
    }

    fn step_rows(&self, info: &RunInfo) -> Vec<StepRow> {
        let steps = self.steps.iter().zip(&info.steps).take(MAX_STEPS);
        let rows = steps.map(|(now, step)| {
            let role = info.role(&step.role);
            StepRow {
                name: text(&step.name),
                role: text(info.title_of(step)),
                colour: words::colour(role.map(|role| role.0)),
                now: now.now,
                done: now.done,
                failed: now.failed,
                p95: words::duration(now.p95_us),
            }
        });
        rows.collect()
    }

    fn publish_failures(&self, info: &RunInfo, summary: &Summary, page: &mut Published<'_>) {
        let all = &summary.failures;
        let shown = failures::groups(info, all, None);
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
            if self.segments.is_some() {
                shown.note = Some("Transcripts are in the bundles of the segments.".into());
            }
            let is_of_group = |kept: &&KeptFlow| {
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

fn progress(info: &RunInfo, ended: u64, elapsed: Duration) -> String {
    let ended = grouped(ended);
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
