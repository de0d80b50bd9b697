//! All segments together, at a moment.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::model::{RunId, RunInfo};
use crate::report::live::so_far::{Phase, TimedNotice};
use crate::report::merge::parts::{self, Part};
use crate::stats::{Histogram, Histograms, Summary, Timeline};

use super::collection::{SegmentState, SegmentStatus, Segments};
use super::snapshot::{Now, Snapshot, StepNow};

/// The maximum number of points of the course over time.
const MAX_POINTS: usize = 300;

/// The maximum number of notices, the last ones.
const MAX_NOTICES: usize = 20;

/// The figures of all segments that were heard of.
pub(in crate::report) struct Merged {
    pub phase: Phase,
    pub info: RunInfo,
    pub summary: Summary,
    pub histograms: Histograms,
    /// Without the segments that are silent.
    pub now: Now,
    pub timeline: Timeline,
    /// The time from the start of the first segment to the last snapshot.
    pub elapsed: Duration,
    pub notices: Vec<TimedNotice>,
    pub segments: Vec<SegmentStatus>,
}

impl Merged {
    /// Adds up the latest snapshots; `None` if there is none.
    pub(super) fn of(segments: &Segments, now: Instant) -> Option<Self> {
        let heard: Vec<(&Snapshot, SegmentState)> = segments.heard(now).collect();
        let first = heard.first()?.0;
        let all: Vec<Part<'_>> = heard.iter().map(|(it, _)| it.part()).collect();
        // What the segments have in common.
        let id = match first.run.seed {
            Some(seed) => RunId(format!("seed {seed}")),
            None => first.run.id.clone(),
        };
        let mut info = parts::run(&all, id);
        let mut loads: Vec<&str> = all.iter().map(|it| it.run.load.as_str()).collect();
        loads.dedup();
        let count = segments.count();
        info.load = format!("{count} segments of {}", loads.join(" and "));
        if (heard.len() as u64) < count {
            // The share of the others is not known.
            info.flows = None;
        }
        // Each snapshot was checked when it came, and all are of the same run.
        let (mut summary, histograms) = parts::figures(&all, &info).ok()?;
        let rates = || all.iter().map(|it| it.summary);
        summary.completed_per_second = sum(rates().map(|it| it.completed_per_second));
        summary.started_per_second = sum(rates().map(|it| it.started_per_second));
        let ended = heard.iter();
        let ended = ended.filter(|(_, state)| *state == SegmentState::Ended);
        let has_ended = ended.count() as u64 == count;
        summary.thresholds = parts::thresholds(&all, &info, &summary);
        if !has_ended {
            for threshold in &mut summary.thresholds {
                threshold.holds |= threshold.value.is_none();
            }
        }
        let (timeline, elapsed) = course(&info, &heard);
        let states = || heard.iter().map(|(_, state)| *state);
        Some(Merged {
            phase: if has_ended {
                Phase::Ended
            } else if states().any(|it| it == SegmentState::Stopping) {
                Phase::Stopping
            } else {
                Phase::Running
            },
            summary,
            histograms,
            now: moment(&info, &heard),
            timeline,
            elapsed,
            notices: notices(&heard),
            segments: segments.statuses(now),
            info,
        })
    }

    /// Returns the completed part of the run, from 0 to 1; `None` if its end is not known.
    pub(in crate::report) fn part(&self) -> Option<f64> {
        let flows = self.info.flows.map(|flows| {
            let over = self.now.ended.saturating_add(self.summary.flows.dropped);
            over as f64 / flows.max(1) as f64
        });
        let duration = self.info.duration_us.map(|us| {
            let duration = Duration::from_micros(us).as_secs_f64();
            self.elapsed.as_secs_f64() / duration.max(0.001)
        });
        let part = flows.into_iter().chain(duration).reduce(f64::max)?;
        Some(part.min(1.0))
    }

    /// Returns the number of segments that were heard of.
    pub(in crate::report) fn seen(&self) -> usize {
        let seen = self.segments.iter();
        seen.filter(|it| it.state != SegmentState::Waiting).count()
    }
}

/// Returns the sum of the values that are known; `None` without any.
fn sum(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    values.flatten().reduce(|sum, value| sum + value)
}

/// Returns the time from the run's start to that of a segment.
fn offset(info: &RunInfo, snapshot: &Snapshot) -> Duration {
    let offset = snapshot.run.started_at - info.started_at;
    offset.to_std().unwrap_or_default()
}

fn course(info: &RunInfo, heard: &[(&Snapshot, SegmentState)]) -> (Timeline, Duration) {
    let mut timeline = Timeline::growing(info, MAX_POINTS);
    let mut elapsed = Duration::ZERO;
    for (snapshot, _) in heard {
        let offset = offset(info, snapshot);
        let offset_us = u64::try_from(offset.as_micros()).unwrap_or(u64::MAX);
        timeline.add(&snapshot.timeline, offset_us);
        let own = Duration::from_micros(snapshot.summary.elapsed_us);
        elapsed = elapsed.max(offset.saturating_add(own));
    }
    (timeline, elapsed)
}

fn moment(info: &RunInfo, heard: &[(&Snapshot, SegmentState)]) -> Now {
    let mut sum = Now {
        steps: info.steps.iter().map(|_| StepNow::default()).collect(),
        scripts: BTreeMap::new(),
        responses: Histogram::new(),
        ..Now::default()
    };
    for (snapshot, state) in heard {
        let now = &snapshot.now;
        let is_known = *state != SegmentState::Silent;
        sum.ended += now.ended;
        for (sum, step) in sum.steps.iter_mut().zip(&now.steps) {
            sum.done += step.done;
            sum.failed += step.failed;
            if is_known {
                sum.now += step.now;
                sum.durations.add(&step.durations);
            }
        }
        if is_known {
            sum.in_flight += now.in_flight;
            sum.completed_per_second += now.completed_per_second;
            sum.failed_per_second += now.failed_per_second;
            sum.responses.add(&now.responses);
            for (role, count) in &now.scripts {
                *sum.scripts.entry(*role).or_default() += count;
            }
        }
    }
    sum
}

/// Returns the last notices, each with its segments.
fn notices(heard: &[(&Snapshot, SegmentState)]) -> Vec<TimedNotice> {
    let mut all: Vec<(u64, &str, Vec<String>)> = Vec::new();
    for (snapshot, _) in heard {
        let number = snapshot.place().map_or(0, |it| it.0).to_string();
        for notice in &snapshot.notices {
            match all.iter_mut().find(|(_, text, _)| *text == notice.text) {
                Some((_, _, numbers)) => numbers.push(number.clone()),
                None => all.push((notice.after_us, &notice.text, vec![number.clone()])),
            }
        }
    }
    all.sort_by_key(|(after_us, ..)| *after_us);
    let last = all.split_off(all.len().saturating_sub(MAX_NOTICES));
    let notices = last.into_iter().map(|(after_us, text, mut numbers)| {
        numbers.dedup();
        let text = match numbers.len() {
            all if all == heard.len() => text.to_owned(),
            1 => format!("segment {}: {text}", numbers[0]),
            several => format!("{several} segments, such as {}: {text}", numbers[0]),
        };
        TimedNotice { after_us, text }
    });
    notices.collect()
}
