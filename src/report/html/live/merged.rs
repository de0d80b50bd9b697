//! Figures of all segments of a run, for their page.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::model::micros;
use crate::report::live::so_far::{Phase, TimedNotice};
use crate::report::result_file::Head;
use crate::report::segments::Look;
use crate::report::segments::collection::{SegmentState, SegmentStatus};
use crate::report::segments::merged::Merged;
use crate::report::units;

use crate::report::html::words::{grouped, text};

use super::published::SegmentRow;
use super::view::{Outcome, Recent, StepNow, View};

/// The maximum number of segments that are listed, those with trouble first.
const MAX_SEGMENTS: usize = 200;

/// The maximum number of notices of the watch itself.
const MAX_NOTICES: usize = 20;

/// The states, those with trouble first.
const STATES: [SegmentState; 5] = [
    SegmentState::Silent,
    SegmentState::Waiting,
    SegmentState::Running,
    SegmentState::Stopping,
    SegmentState::Ended,
];

/// The figures of all segments so far.
pub(super) struct MergedFigures {
    merged: Option<Merged>,
    began: Instant,
    notices: VecDeque<TimedNotice>,
    result: Option<Outcome>,
}

impl Default for MergedFigures {
    fn default() -> Self {
        MergedFigures {
            merged: None,
            began: Instant::now(),
            notices: VecDeque::new(),
            result: None,
        }
    }
}

impl MergedFigures {
    /// Takes what was seen.
    pub(super) fn look(&mut self, look: Look) {
        self.merged = look.merged.or(self.merged.take());
        let elapsed = self.elapsed();
        for note in look.notes {
            if self.notices.len() == MAX_NOTICES {
                self.notices.pop_front();
            }
            self.notices.push_back(TimedNotice {
                after_us: micros(elapsed),
                text: note,
            });
        }
    }

    /// Takes the result of the merged run, if it is known.
    pub(super) fn end(&mut self, head: Option<&Head>, locations: &str) {
        self.result = Some(Outcome::new(head, locations));
    }

    fn elapsed(&self) -> Duration {
        let merged = self.merged.as_ref();
        merged.map_or_else(|| self.began.elapsed(), |it| it.elapsed)
    }

    /// Returns the figures as the page's script takes them.
    pub(super) fn json(&self) -> String {
        let merged = self.merged.as_ref();
        let elapsed = self.elapsed();
        let moments = merged.map_or(Vec::new(), |it| {
            it.timeline
                .moments_until(micros(elapsed), std::iter::empty())
        });
        let of_segments = merged.iter().flat_map(|it| &it.notices);
        let phase = match (&self.result, merged) {
            (Some(_), _) => Phase::Ended,
            (None, None) => Phase::Starting,
            // The page is still updated.
            (None, Some(merged)) if merged.phase == Phase::Ended => Phase::Stopping,
            (None, Some(merged)) => merged.phase,
        };
        let view = View {
            phase,
            info: merged.map(|it| &it.info),
            summary: merged.map(|it| &it.summary),
            elapsed,
            done: merged.and_then(Merged::part),
            ended: merged.map_or(0, |it| it.now.ended),
            recent: recent(merged),
            scripts: merged.map(|it| &it.now.scripts),
            steps: merged.map_or(Vec::new(), steps),
            course: merged.map(|it| (&it.timeline, moments.as_slice())),
            kept: &[],
            notices: of_segments.chain(&self.notices).collect(),
            setting: None,
            segments: Some(segments(merged)),
            result: self.result.as_ref(),
        };
        view.json()
    }
}

fn recent(merged: Option<&Merged>) -> Recent {
    let now = merged.map(|it| &it.now);
    let percentile = |percent| now.and_then(|it| it.responses.percentile_us(percent));
    Recent {
        completed_per_second: now.map_or(0.0, |it| it.completed_per_second),
        failed_per_second: now.map_or(0.0, |it| it.failed_per_second),
        p50_us: percentile(50.0),
        p95_us: percentile(95.0),
        in_flight: now.map_or(0, |it| it.in_flight),
    }
}

fn steps(merged: &Merged) -> Vec<StepNow> {
    let steps = merged.now.steps.iter().map(|step| StepNow {
        now: step.now,
        done: step.done,
        failed: step.failed,
        p95_us: step.durations.percentile_us(95.0),
    });
    steps.collect()
}

/// Returns the rows of the segments, and a sentence about all of them.
fn segments(merged: Option<&Merged>) -> (Vec<SegmentRow>, String) {
    let Some(merged) = merged else {
        return (Vec::new(), "No segment has been heard of.".into());
    };
    let all = &merged.segments;
    let counts = STATES.iter().filter_map(|state| {
        let count = all.iter().filter(|it| it.state == *state).count();
        (count > 0).then(|| format!("{count} {}", word(*state)))
    });
    let counts: Vec<String> = counts.collect();
    let mut note = format!(
        "{} of {} heard of: {}.",
        merged.seen(),
        all.len(),
        counts.join(", ")
    );
    let mut shown: Vec<&SegmentStatus> = all.iter().collect();
    if shown.len() > MAX_SEGMENTS {
        let place = |it: &&SegmentStatus| STATES.iter().position(|state| *state == it.state);
        shown.sort_by_key(place);
        shown.truncate(MAX_SEGMENTS);
        shown.sort_by_key(|it| it.number);
        note += &format!(" {MAX_SEGMENTS} are listed.");
    }
    (shown.into_iter().map(row).collect(), note)
}

fn word(state: SegmentState) -> &'static str {
    match state {
        SegmentState::Waiting => "not heard of yet",
        SegmentState::Running => "running",
        SegmentState::Stopping => "stopping",
        SegmentState::Silent => "silent",
        SegmentState::Ended => "ended",
    }
}

fn row(status: &SegmentStatus) -> SegmentRow {
    let age = units::rough(Duration::from_secs(status.age.as_secs()));
    let word = match status.state {
        SegmentState::Silent => format!("silent for {age}"),
        state => word(state).to_owned(),
    };
    SegmentRow {
        number: status.number,
        state: status.state,
        word,
        host: text(&status.host),
        starts: status.starts as u64,
        ended: grouped(status.ended),
        failed: status.failed,
        in_flight: status.in_flight,
        heard: match status.state {
            SegmentState::Running | SegmentState::Stopping | SegmentState::Silent => {
                format!("{age} ago")
            }
            _ => "–".to_owned(),
        },
    }
}
