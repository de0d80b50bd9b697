//! Figures for the charts: the course over time, and latency by percentile.

use minijinja::Value;
use serde::Serialize;

use crate::model::RunInfo;
use crate::report::result_file::Head;
use crate::report::units;
#[cfg(feature = "cli")]
use crate::stats::Histograms;
use crate::stats::{Histogram, MAX_CAUSES, Summary, Timeline, TimelineMoment};

use super::data::{Charts, TrendLines};
use super::page::script_json;
use super::scan::Scan;
use super::words::text;

/// The maximum number of steps with a curve.
const MAX_CURVES: usize = 60;

/// The maximum number of roles with a line of processor use.
const MAX_ROLES: usize = 8;

/// The maximum number of stages that are marked.
const MAX_STAGES: usize = 100;

/// The percentiles of a curve; those without a sample of their own are left out.
const PERCENTILES: [f64; 30] = [
    0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 75.0, 80.0, 85.0, 90.0, 92.5, 95.0, 96.0, 97.0,
    98.0, 98.5, 99.0, 99.3, 99.5, 99.7, 99.8, 99.9, 99.95, 99.97, 99.99, 99.995, 99.999, 100.0,
];

/// The figures for the page's script.
#[derive(Serialize)]
pub(super) struct Figures {
    timeline: Option<Course>,
    marks: Vec<Mark>,
    curves: Vec<Curve>,
    /// Trends over the saved runs.
    #[serde(flatten)]
    trends: Option<TrendLines>,
}

/// The course over time; one element for each bucket.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Course {
    /// The width of a bucket, in seconds.
    width: f64,
    /// The middles of the buckets, in seconds.
    at: Vec<f64>,
    /// Milliseconds.
    p50: Vec<Option<f64>>,
    p95: Vec<Option<f64>>,
    p99: Vec<Option<f64>>,
    /// Per second.
    completed: Vec<f64>,
    failed: Vec<f64>,
    in_flight: Vec<f64>,
    /// Injected faults.
    strikes: Vec<u64>,
    causes: Vec<Named>,
    /// Processors in use, by role.
    cores: Vec<Named>,
}

#[derive(Serialize)]
struct Named {
    name: String,
    values: Vec<f64>,
}

/// A time, or a range of times, in seconds.
#[derive(Serialize)]
struct Mark {
    kind: &'static str,
    from: f64,
    to: Option<f64>,
    label: String,
}

/// Latency by percentile.
#[derive(Serialize)]
pub(super) struct Curve {
    name: String,
    count: u64,
    percentiles: Vec<f64>,
    /// Milliseconds.
    response: Option<Vec<f64>>,
    service: Option<Vec<f64>>,
}

pub(super) fn charts(head: &Head, scan: Option<&Scan>, trends: Option<TrendLines>) -> Charts {
    let figures = Figures {
        timeline: scan.map(|scan| {
            let timeline = &scan.timeline;
            course(&head.run, timeline, &timeline.moments())
        }),
        marks: marks(&head.run, &head.summary),
        curves: curves(head, scan),
        trends,
    };
    let mut notes = Vec::new();
    let timeline = scan.map(|scan| &scan.timeline);
    if timeline.is_some_and(|it| it.failures().len() > MAX_CAUSES) {
        notes.push(format!(
            "Causes beyond the first {MAX_CAUSES} are counted together."
        ));
    }
    if head.run.roles.len() > MAX_ROLES {
        notes.push(format!(
            "Processor use is shown for the first {MAX_ROLES} roles."
        ));
    }
    let steps = head.run.steps.len();
    if steps > MAX_CURVES {
        notes.push(format!(
            "Percentiles are shown for the first {MAX_CURVES} of {steps} steps."
        ));
    }
    let course = figures.timeline.as_ref();
    Charts {
        json: Value::from_safe_string(script_json(&figures)),
        has_timeline: course.is_some_and(|it| !it.at.is_empty()),
        has_failures: course.is_some_and(|it| !it.causes.is_empty()),
        has_cores: course.is_some_and(|it| !it.cores.is_empty()),
        has_curves: !figures.curves.is_empty(),
        bucket: timeline.map_or(String::new(), |it| units::duration(it.width_us())),
        notes,
    }
}

/// Returns the figures of a run in progress; its moments are those that are over.
#[cfg(feature = "cli")]
pub(super) fn so_far(
    info: &RunInfo,
    summary: &Summary,
    timeline: &Timeline,
    moments: &[TimelineMoment],
) -> Figures {
    Figures {
        timeline: Some(course(info, timeline, moments)),
        marks: marks(info, summary),
        curves: Vec::new(),
        trends: None,
    }
}

fn course(info: &RunInfo, timeline: &Timeline, moments: &[TimelineMoment]) -> Course {
    let width = seconds(timeline.width_us());
    let each = |of: &dyn Fn(&TimelineMoment) -> f64| moments.iter().map(of).collect();
    let percentile = |of: &dyn Fn(&TimelineMoment) -> Option<u64>| {
        moments.iter().map(|it| of(it).map(milliseconds)).collect()
    };
    let causes = timeline
        .failures()
        .into_iter()
        .map(|(cause, counts)| Named {
            name: text(&cause.replace('_', " ")),
            values: counts
                .iter()
                .take(moments.len())
                .map(|count| *count as f64)
                .collect(),
        });
    let roles = info.roles.iter().zip(timeline.cores()).take(MAX_ROLES);
    let cores = roles
        .filter(|(_, values)| values.iter().any(|it| *it > 0.0))
        .map(|(role, values)| Named {
            name: text(&role.title),
            values: values.into_iter().take(moments.len()).map(short).collect(),
        });
    Course {
        width,
        at: each(&|it| seconds(it.middle_us)),
        p50: percentile(&|it| it.p50_us),
        p95: percentile(&|it| it.p95_us),
        p99: percentile(&|it| it.p99_us),
        completed: each(&|it| short(it.completed as f64 / width)),
        failed: each(&|it| short(it.failed as f64 / width)),
        in_flight: each(&|it| short(it.in_flight)),
        strikes: moments.iter().map(|it| it.strikes).collect(),
        causes: causes.collect(),
        cores: cores.collect(),
    }
}

fn marks(run: &RunInfo, summary: &Summary) -> Vec<Mark> {
    let mut marks = Vec::new();
    if run.warm_up_us > 0 {
        marks.push(Mark {
            kind: "warm-up",
            from: 0.0,
            to: Some(seconds(run.warm_up_us)),
            label: "warm-up".into(),
        });
    }
    let unit = if run.wanted_per_second.is_some() {
        "/s"
    } else {
        ""
    };
    for stage in run.stages.iter().take(MAX_STAGES) {
        // Later stages were not reached.
        if stage.ends_after_us <= summary.elapsed_us {
            marks.push(Mark {
                kind: "stage",
                from: seconds(stage.ends_after_us),
                to: None,
                label: format!("stage ends at {}{unit}", stage.to),
            });
        }
    }
    for change in summary.load_changes.iter().take(MAX_STAGES) {
        marks.push(Mark {
            kind: "load",
            from: seconds(change.after_us),
            to: None,
            label: format!("load changed to {}", change.to),
        });
    }
    for checked in &summary.thresholds {
        if let Some(us) = checked
            .crossed_after_us
            .filter(|_| marks.len() < 3 * MAX_STAGES)
        {
            marks.push(Mark {
                kind: "crossed",
                from: seconds(us),
                to: None,
                label: format!("crossed: {}", text(&checked.threshold)),
            });
        }
    }
    let is_over = |us: &u64| *us < summary.elapsed_us;
    let stop = match (summary.stopped_after_us, run.duration_us.filter(is_over)) {
        (Some(us), _) => Some((us, "stopped")),
        (None, Some(us)) => Some((us, "no more starts")),
        (None, None) => None,
    };
    marks.extend(stop.map(|(us, label)| Mark {
        kind: "stop",
        from: seconds(us),
        to: None,
        label: label.into(),
    }));
    marks
}

fn curves(head: &Head, scan: Option<&Scan>) -> Vec<Curve> {
    let histogram = |name: &str| head.histograms.get(name);
    let flow = curve(
        "Flow",
        histogram("flow.response"),
        histogram("flow.service"),
    );
    let steps = head.run.steps.iter().enumerate().take(MAX_CURVES);
    let steps = steps.filter_map(|(place, step)| {
        let response = scan.and_then(|scan| scan.breakdown.step_response(place));
        curve(
            &step.name,
            response,
            histogram(&format!("step.{}", step.name)),
        )
    });
    flow.into_iter().chain(steps).collect()
}

/// Returns the curves that two groups of runs have both, of the flow and of each step, the old group
/// in the place of the response and the new one in that of the service time.
#[cfg(feature = "cli")]
pub(super) fn overlaid_curves(old: &Histograms, new: &Histograms) -> Vec<Curve> {
    let both = |name: &str, key: &str| {
        let (old, new) = (old.get(key)?, new.get(key)?);
        curve(name, Some(old), Some(new))
    };
    let steps = old.keys().filter_map(|key| {
        let step = key.strip_prefix("step.")?;
        both(step, key)
    });
    both("Flow", "flow.response")
        .into_iter()
        .chain(steps.take(MAX_CURVES))
        .collect()
}

fn curve(name: &str, response: Option<&Histogram>, service: Option<&Histogram>) -> Option<Curve> {
    let recorded = |it: Option<&Histogram>| it.map_or(0, Histogram::count);
    let count = recorded(response).max(recorded(service));
    if count < 2 {
        return None;
    }
    // A percentile between the last two samples is the maximum.
    let last = 100.0 - 100.0 / count as f64;
    let of_count = PERCENTILES
        .iter()
        .copied()
        .filter(|it| *it <= last || *it >= 100.0);
    let percentiles: Vec<f64> = of_count.collect();
    let values = |histogram: Option<&Histogram>| {
        let histogram = histogram.filter(|it| it.count() > 0)?;
        let values = percentiles
            .iter()
            .filter_map(|it| histogram.percentile_us(*it));
        Some(values.map(milliseconds).collect())
    };
    Some(Curve {
        name: text(name),
        count,
        response: values(response),
        service: values(service),
        percentiles,
    })
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

fn milliseconds(us: u64) -> f64 {
    short(us as f64 / 1e3)
}

/// Rounds a number to four significant digits, which no chart can show, for a smaller file.
fn short(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return 0.0;
    }
    let digits = 3 - number.abs().log10().floor() as i32;
    let unit = 10_f64.powi(digits.clamp(-12, 12));
    (number * unit).round() / unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits() {
        assert_eq!(
            [0.0, 1234.56, 0.000_123_456, f64::NAN].map(short),
            [0.0, 1235.0, 0.000_123_5, 0.0]
        );
    }

    #[test]
    fn a_curve_ends_where_its_samples_do() {
        let mut histogram = Histogram::new();
        (1..=10).for_each(|ms| histogram.record(ms * 1_000));
        let curve = curve("x", Some(&histogram), None).unwrap();
        let last = curve.percentiles.iter().rev().take(2).collect::<Vec<_>>();
        assert_eq!(last, [&100.0, &90.0]);
        assert_eq!(curve.response.unwrap().len(), curve.percentiles.len());
        assert!(curve.service.is_none());
    }
}
