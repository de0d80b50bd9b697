//! The verdict on the trustworthiness of a run's figures.
//!
//! The generator of the load and the programs share a machine. The rule: a run is as good as the
//! worst of what is said about it below; without objections it is valid.
//!
//! | what | doubtful | invalid |
//! | --- | --- | --- |
//! | timers of the generator, late at p99 by | 10 ms | 100 ms |
//! | starts of flows, late at p99 by, of the median response | 5 % (and 10 ms) | 50 % (and 10 ms) |
//! | flows dropped, of those due | any | 1 % |
//! | the machine without processor time left, of the run | half | |
//! | descriptors or terminals used, of those there may be | 90 % | |
//! | flows completed | | none |
//!
//! Of a run that is too short for a percentile of its timers, they are not judged. The machine's
//! pressure is reported and not judged: some task always waits for a moment.

use crate::model::Generator;

use super::summary::{Summary, Trust, Verdict};

/// The most that timers may be late at the 99th percentile: ten times their resolution, and about
/// as long as programs take for an answer; later ones make times out of what are none.
const LAG_DOUBTFUL_US: u64 = 10_000;

/// A tenth of a second is what people notice: what is measured is the generator.
const LAG_INVALID_US: u64 = 100_000;

/// Of fewer looks at timers, the 99th percentile is no more than the worst one.
const LAG_SAMPLES: u64 = 100;

/// Late starts below this are lost among what timers and threads cost.
const START_DELAY_NEGLIGIBLE_US: u64 = 10_000;

/// Late starts are part of the response; a twentieth of it is what percentiles vary by anyway.
const START_DELAY_DOUBTFUL: f64 = 0.05;

/// From here on the response says more about waiting for the generator than of the programs.
const START_DELAY_INVALID: f64 = 0.5;

/// A percentile is moved by what is missing from it; from a hundredth on, the 99th is made up.
const DROPPED_INVALID: f64 = 0.01;

/// The part of the run from which on a busy machine is no passing matter.
const SATURATED_DOUBTFUL: f64 = 0.5;

/// A resource that is nearly used up fails starts in bursts, and makes the kernel search for what
/// is free.
const FULL_DOUBTFUL: f64 = 0.9;

impl Verdict {
    /// Judges the figures of a run by how its generator fared.
    pub fn of(summary: &Summary, generator: &Generator) -> Self {
        let mut objections: Vec<(Trust, String)> = [
            nothing_completed(summary),
            dropped(summary),
            late_timers(generator),
            late_starts(summary),
            saturated(generator),
            full(
                "descriptors of rehearsal",
                generator.fullest_descriptors_ratio,
            ),
            full(
                "terminals of the machine",
                generator.fullest_terminals_ratio,
            ),
        ]
        .into_iter()
        .flatten()
        .collect();
        objections.sort_by_key(|(trust, _)| std::cmp::Reverse(*trust));
        Verdict {
            trust: objections.first().map_or(Trust::Valid, |(trust, _)| *trust),
            reasons: objections.into_iter().map(|(_, reason)| reason).collect(),
        }
    }
}

type Objection = Option<(Trust, String)>;

fn nothing_completed(summary: &Summary) -> Objection {
    let reason = "no flow was completed: there is nothing to measure";
    (summary.flows.completed == 0).then(|| (Trust::Invalid, reason.to_owned()))
}

fn dropped(summary: &Summary) -> Objection {
    let dropped = summary.flows.dropped;
    let due = summary.flows.ended() + dropped;
    if dropped == 0 {
        return None;
    }
    let trust = if dropped as f64 >= DROPPED_INVALID * due as f64 {
        Trust::Invalid
    } else {
        Trust::Doubtful
    };
    let reason = format!(
        "{dropped} of {due} flows were dropped: the rate that was wanted was not reached; want \
         fewer a second, or allow more in flight"
    );
    Some((trust, reason))
}

fn late_timers(generator: &Generator) -> Objection {
    let lag_us = generator
        .lag_p99_us
        .filter(|_| generator.lag_samples >= LAG_SAMPLES)?;
    let trust = match lag_us {
        LAG_INVALID_US.. => Trust::Invalid,
        LAG_DOUBTFUL_US.. => Trust::Doubtful,
        _ => return None,
    };
    let reason = format!(
        "the generator was late by {} ms at p99: the machine is saturated; fewer flows, or more \
         cores",
        lag_us / 1000
    );
    Some((trust, reason))
}

fn late_starts(summary: &Summary) -> Objection {
    let delay_us = summary.start_delay?.p99_us;
    let response_us = summary.flow_response?.p50_us;
    let part = delay_us as f64 / response_us.max(1) as f64;
    if delay_us < START_DELAY_NEGLIGIBLE_US || part < START_DELAY_DOUBTFUL {
        return None;
    }
    let trust = if part >= START_DELAY_INVALID {
        Trust::Invalid
    } else {
        Trust::Doubtful
    };
    let reason = format!(
        "flows were started {} ms late at p99, of a median response of {} ms; fewer flows, or more \
         cores",
        delay_us / 1000,
        response_us / 1000
    );
    Some((trust, reason))
}

fn saturated(generator: &Generator) -> Objection {
    let part = generator.machine_saturated_ratio?;
    let reason = format!(
        "the machine had no processor time left in {:.0} % of the run: programs and generator were \
         in each other's way",
        part * 100.0
    );
    (part >= SATURATED_DOUBTFUL).then_some((Trust::Doubtful, reason))
}

fn full(what: &str, part: Option<f64>) -> Objection {
    let part = part.filter(|part| *part >= FULL_DOUBTFUL)?;
    let reason = format!(
        "{:.0} % of the {what} were in use: starts may have had to wait or to fail; raise the limit, \
         or have fewer flows in flight",
        part * 100.0
    );
    Some((Trust::Doubtful, reason))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tally::Tally;
    use super::super::testing::{flow, info};
    use super::*;
    use crate::model::FlowOutcome;

    /// So many flows of 20 ms, all so late; so many dropped.
    fn summary(completed: u64, late_us: u64, dropped: u64) -> Summary {
        let mut tally = Tally::new(&info(completed));
        for number in 0..completed {
            let mut flow = flow(number, FlowOutcome::Completed, &[]);
            flow.late_us = late_us;
            tally.record(&flow);
        }
        (0..dropped).for_each(|_| tally.record_drop(true));
        tally.summary(Duration::from_secs(1), false)
    }

    fn generator(lag_p99_us: u64) -> Generator {
        Generator {
            lag_samples: LAG_SAMPLES,
            lag_p99_us: Some(lag_p99_us),
            ..Generator::default()
        }
    }

    #[test]
    fn each_rule_has_its_limits() {
        use Trust::{Doubtful, Invalid, Valid};
        let saturated = |part| Generator {
            machine_saturated_ratio: Some(part),
            ..generator(1_000)
        };
        let terminals = |part| Generator {
            fullest_terminals_ratio: Some(part),
            ..generator(1_000)
        };
        let few = Generator {
            lag_samples: LAG_SAMPLES - 1,
            ..generator(100_000)
        };
        let cases = [
            (summary(100, 0, 0), few, Valid),
            (summary(100, 0, 0), generator(9_999), Valid),
            (summary(100, 0, 0), generator(10_000), Doubtful),
            (summary(100, 0, 0), generator(100_000), Invalid),
            (summary(200, 0, 1), generator(1_000), Doubtful),
            (summary(99, 0, 1), generator(1_000), Invalid),
            (summary(0, 0, 0), generator(1_000), Invalid),
            // The response is 20 ms and the lateness.
            (summary(100, 9_999, 0), generator(1_000), Valid),
            (summary(100, 10_000, 0), generator(1_000), Doubtful),
            (summary(100, 30_000, 0), generator(1_000), Invalid),
            (summary(100, 0, 0), saturated(0.49), Valid),
            (summary(100, 0, 0), saturated(0.5), Doubtful),
            (summary(100, 0, 0), Generator::default(), Valid),
            (summary(100, 0, 0), terminals(0.89), Valid),
            (summary(100, 0, 0), terminals(0.9), Doubtful),
        ];
        for (number, (summary, generator, trust)) in cases.into_iter().enumerate() {
            let verdict = Verdict::of(&summary, &generator);
            assert_eq!(verdict.trust, trust, "case {number}: {verdict:?}");
            assert_eq!(verdict.reasons.is_empty(), trust == Valid);
        }
    }

    #[test]
    fn the_worst_reason_comes_first() {
        let verdict = Verdict::of(&summary(10, 0, 5), &generator(40_000));
        assert_eq!(verdict.trust, Trust::Invalid);
        assert_eq!(
            verdict.reasons,
            [
                "5 of 15 flows were dropped: the rate that was wanted was not reached; want fewer \
                 a second, or allow more in flight",
                "the generator was late by 40 ms at p99: the machine is saturated; fewer flows, or \
                 more cores",
            ]
        );
    }
}
