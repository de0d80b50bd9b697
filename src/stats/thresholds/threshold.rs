//! A threshold: a condition on one figure of a run.

use std::fmt;
use std::time::Duration;

use crate::stats::histogram::Spread;
use crate::stats::summary::{Checked, Quantity, StepSummary, Summary, rate};

/// A condition on one figure of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// The expression as written, without blanks around it.
    pub(super) text: String,
    pub(super) figure: Figure,
    pub(super) comparison: Comparison,
    pub(super) limit: f64,
    /// The length of the windows in which it has to hold; `None` for the whole run.
    pub(super) over: Option<Duration>,
    /// The run ends when it is crossed.
    pub(super) stop: bool,
}

/// A figure of a run that a threshold can limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Figure {
    /// Flows that were due and not started.
    Dropped,
    /// Completed flows a second.
    FlowRate,
    Flow(Ended),
    /// Response time, from when a flow was due, with all waits of the flow.
    Response(Aggregate),
    /// Service time, from a flow's start, without waits.
    Service(Aggregate),
    Integrity(IntegrityFigure),
    Step(String, Ended),
    StepTime(String, Aggregate),
}

/// A count of flows or steps by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Completed,
    Failed,
    /// The failed part of those that were completed or failed.
    FailedRate,
    /// Completed and failed together.
    Count,
}

/// A count of integrity findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IntegrityFigure {
    Duplicates,
    Disagreements,
    MixUps,
    /// All of them, and audits that did not pass.
    Violations,
}

/// A statistic of a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aggregate {
    P50,
    P90,
    P95,
    P99,
    P999,
    Min,
    Mean,
    Max,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

impl Threshold {
    /// Applies the threshold to every window of this length, at least a second.
    #[must_use]
    pub fn over(mut self, length: Duration) -> Self {
        self.over = Some(length);
        self
    }

    /// Ends the run when the threshold is crossed.
    #[must_use]
    pub fn stopping(mut self) -> Self {
        self.stop = true;
        self
    }

    /// Returns `true` if it is about integrity, which is checked after the run, and only if the
    /// scenario has integrity checks.
    pub fn is_of_integrity(&self) -> bool {
        matches!(self.figure, Figure::Integrity(_))
    }

    /// Returns `true` if it has to hold in every window of a length.
    pub fn is_of_windows(&self) -> bool {
        self.over.is_some()
    }

    /// Checks it against the figures of a whole run.
    pub fn check(&self, summary: &Summary) -> Checked {
        let value = self.figure.of(summary);
        Checked {
            threshold: self.to_string(),
            holds: value.is_some_and(|value| self.is_met_by(value)),
            value,
            crossed_after_us: None,
            stopped_run: false,
        }
    }

    /// Returns the length of the windows in which it has to hold; `None` for the whole run.
    pub fn window(&self) -> Option<Duration> {
        self.over
    }

    /// Returns the number of flows from which on its figure is steady enough to decide: ten beyond
    /// a percentile, and of a rate of failures three that are expected at its limit.
    pub fn samples_needed(&self) -> u64 {
        const LEAST: u64 = 30;
        const MOST: f64 = 10_000.0;
        let beyond = |part: f64| (10.0 / part).round().clamp(LEAST as f64, MOST) as u64;
        match &self.figure {
            Figure::Response(aggregate)
            | Figure::Service(aggregate)
            | Figure::StepTime(_, aggregate) => match aggregate {
                Aggregate::P50
                | Aggregate::P90
                | Aggregate::Mean
                | Aggregate::Min
                | Aggregate::Max => beyond(0.1),
                Aggregate::P95 => beyond(0.05),
                Aggregate::P99 => beyond(0.01),
                Aggregate::P999 => beyond(0.001),
            },
            Figure::Flow(Ended::FailedRate) | Figure::Step(_, Ended::FailedRate) => {
                (3.0 / self.limit.max(1e-9)).clamp(LEAST as f64, MOST) as u64
            }
            _ => LEAST,
        }
    }

    pub(super) fn is_met_by(&self, value: Quantity) -> bool {
        self.comparison.holds(value.number(), self.limit)
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if let Some(over) = self.over {
            write!(f, " over {}", humantime::format_duration(over))?;
        }
        f.write_str(if self.stop { " stop" } else { "" })
    }
}

impl Comparison {
    #[expect(clippy::float_cmp, reason = "`==` compares exactly")]
    pub(super) fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Comparison::Less => value < limit,
            Comparison::LessOrEqual => value <= limit,
            Comparison::Greater => value > limit,
            Comparison::GreaterOrEqual => value >= limit,
            Comparison::Equal => value == limit,
            Comparison::NotEqual => value != limit,
        }
    }
}

impl Figure {
    pub(super) fn of(&self, summary: &Summary) -> Option<Quantity> {
        let flows = &summary.flows;
        let step = |name: &String| summary.steps.iter().find(|step| step.name == *name);
        match self {
            Figure::Dropped => {
                (flows.ended() + flows.dropped > 0).then_some(Quantity::Count(flows.dropped))
            }
            Figure::FlowRate => {
                let per_second = summary.completed_per_second.map(Quantity::PerSecond);
                per_second.filter(|_| flows.ended() > 0)
            }
            Figure::Flow(ended) => ended.of(flows.completed, flows.failed),
            Figure::Response(aggregate) => aggregate.of(summary.flow_response.as_ref()),
            Figure::Service(aggregate) => aggregate.of(summary.flow_duration.as_ref()),
            Figure::Integrity(finding) => {
                let integrity = summary.integrity.as_ref()?;
                let count = match finding {
                    IntegrityFigure::Duplicates => integrity.duplicates,
                    IntegrityFigure::Disagreements => Some(integrity.disagreements),
                    IntegrityFigure::MixUps => Some(integrity.mix_ups),
                    IntegrityFigure::Violations => integrity.violations,
                };
                count.map(Quantity::Count)
            }
            Figure::Step(name, ended) => {
                let StepSummary {
                    completed, failed, ..
                } = step(name)?;
                ended.of(*completed, *failed)
            }
            Figure::StepTime(name, aggregate) => aggregate.of(step(name)?.duration.as_ref()),
        }
    }
}

impl Ended {
    pub(super) fn of(self, completed: u64, failed: u64) -> Option<Quantity> {
        let count = completed + failed;
        let failed_rate = rate(failed, count)?;
        Some(match self {
            Ended::Completed => Quantity::Count(completed),
            Ended::Failed => Quantity::Count(failed),
            Ended::FailedRate => Quantity::Ratio(failed_rate),
            Ended::Count => Quantity::Count(count),
        })
    }
}

impl Aggregate {
    pub(super) fn of(self, spread: Option<&Spread>) -> Option<Quantity> {
        let spread = spread?;
        Some(Quantity::DurationUs(match self {
            Aggregate::P50 => spread.p50_us,
            Aggregate::P90 => spread.p90_us,
            Aggregate::P95 => spread.p95_us,
            Aggregate::P99 => spread.p99_us,
            Aggregate::P999 => spread.p999_us,
            Aggregate::Min => spread.min_us,
            Aggregate::Mean => spread.mean_us,
            Aggregate::Max => spread.max_us,
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{FailureKind, FlowOutcome, StepOutcome};
    use crate::stats::tally::Tally;
    use crate::stats::testing::{failure, flow, info};

    const STEPS: &[&str] = &["01_login", "02_create_order"];

    /// Nine flows of 20 ms, each 5 ms late; one that failed in its second step; two dropped; in
    /// two seconds.
    fn summary() -> Summary {
        let info = info(10);
        let mut tally = Tally::new(&info);
        let (done, failed) = (StepOutcome::Completed, StepOutcome::Failed);
        for number in 1..=9 {
            let mut flow = flow(number, FlowOutcome::Completed, &[done, done]);
            flow.late_us = 5_000;
            flow.started_at = info.started_at + Duration::from_micros(flow.late_us);
            tally.record(&flow);
        }
        let reason = failure("02_create_order", FailureKind::Timeout);
        let outcome = FlowOutcome::Failed(Box::new(reason));
        let mut last = flow(10, outcome, &[done, failed]);
        last.started_at = info.started_at + Duration::from_millis(1_980);
        tally.record(&last);
        tally.record_drops(2, true);
        tally.summary(Duration::from_secs(2), false)
    }

    fn check(text: &str, summary: &Summary) -> Checked {
        let threshold = Threshold::parse(text, STEPS).unwrap_or_else(|e| panic!("{text}: {e:?}"));
        threshold.check(summary)
    }

    #[test]
    fn figures_are_held_against_their_limits() {
        let summary = summary();
        for text in [
            "flow.p95 < 2s",
            "flow.p50 >= 25ms",
            "flow.service.p50<=20ms",
            "flow.service.max == 20ms",
            "flow.failed_rate <= 10%",
            "flow.failed == 1",
            "flow.completed != 10",
            "flow.count == 10",
            "flow.rate >= 4/s",
            "flow.rate > 250/m",
            "dropped <= 2",
            "step.02_create_order.failed == 1",
            "step.02_create_order.failed_rate < 10.1 %",
            "step.01_login.failed_rate == 0%",
            "step.01_login.p99.9 < 11ms",
            "step.01_login.mean > 9000us",
        ] {
            let checked = check(text, &summary);
            assert!(checked.holds, "{checked:?}");
        }
        for text in ["flow.p50 < 25ms", "dropped == 0", "flow.failed_rate < 10%"] {
            let checked = check(text, &summary);
            assert!(!checked.holds, "{checked:?}");
        }
    }

    #[test]
    fn a_value_comes_with_its_unit() {
        let summary = summary();
        let value = |text| serde_json::to_value(check(text, &summary).value).unwrap();
        assert_eq!(
            value("flow.p50 < 1s"),
            serde_json::json!({"duration_us": 25_000})
        );
        assert_eq!(
            value("flow.failed_rate < 1%"),
            serde_json::json!({"ratio": 0.1})
        );
        assert_eq!(
            value("flow.rate > 1/s"),
            serde_json::json!({"per_second": 4.5})
        );
        assert_eq!(value("dropped > 1"), serde_json::json!({"count": 2}));
    }

    #[test]
    fn without_samples_nothing_holds() {
        let summary = Tally::new(&info(10)).summary(Duration::from_secs(1), false);
        for text in [
            "flow.p95 < 2s",
            "flow.failed == 0",
            "flow.failed_rate < 100%",
            "flow.rate >= 0/s",
            "dropped == 0",
            "step.01_login.p50 < 1m",
            "step.01_login.failed == 0",
        ] {
            let checked = check(text, &summary);
            assert_eq!((checked.holds, checked.value), (false, None), "{text}");
        }
    }
}
