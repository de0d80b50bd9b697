//! The verdict on the trustworthiness of a run's figures.
//!
//! The load generator and the programs share a machine. The verdict is the worst of the following
//! objections; without any, the figures are valid.
//!
//! | figure | doubtful | invalid |
//! | --- | --- | --- |
//! | timer delay of the generator, p99 (of few samples the median) | 10 ms | 100 ms |
//! | time in which Rehearsal was stopped | any | a tenth of the run |
//! | delay of flow starts, p99, relative to the median response | 5 % (and 10 ms) | 50 % (and 10 ms) |
//! | dropped flows, of those due | any | 1 % |
//! | time without idle processors, of the run | half | |
//! | processor time of the machine used by other processes | half | |
//! | descriptors or terminals in use, of their limit | 90 % | |
//! | completed flows | | none |
//!
//! Times in which Rehearsal was stopped are in no timer delay, and late starts that they explain are
//! not counted against the generator. A run that is too short to judge its timers or its machine
//! says so. CPU pressure is reported but not judged, as some task always waits for a moment.

use crate::model::Generator;

use super::summary::{Summary, Trust, Verdict};

/// Ten times the timers' resolution, and about the time that programs take to answer; a later
/// timer distorts the measured time.
const LAG_DOUBTFUL_US: u64 = 10_000;

/// A tenth of a second is noticeable to people, so the figures would describe the generator.
const LAG_INVALID_US: u64 = 100_000;

/// With fewer samples, the 99th percentile is the maximum, and the median is judged instead.
const LAG_SAMPLES: u64 = 100;

/// With fewer samples, nothing is judged.
const LAG_SAMPLES_OF_MEDIAN: u64 = 10;

/// The part of a run in which Rehearsal was stopped from which on most figures include it.
const STALLED_INVALID: f64 = 0.1;

/// From this part of the machine on, other processes take processors that the programs need.
const OTHERS_DOUBTFUL: f64 = 0.5;

/// Late starts below this are indistinguishable from the cost of timers and threads.
const START_DELAY_NEGLIGIBLE_US: u64 = 10_000;

/// Late starts are part of the response time, whose percentiles vary by about a twentieth anyway.
const START_DELAY_DOUBTFUL: f64 = 0.05;

/// From here on the response time is mostly the wait for the generator.
const START_DELAY_INVALID: f64 = 0.5;

/// Missing samples shift percentiles; from a hundredth on, the 99th is unknown.
const DROPPED_INVALID: f64 = 0.01;

/// From this part of the run on, the machine is saturated and not just briefly busy.
const SATURATED_DOUBTFUL: f64 = 0.5;

/// Near its limit, a resource fails starts in bursts, and the kernel is slow to find free entries.
const FULL_DOUBTFUL: f64 = 0.9;

impl Verdict {
    /// Judges the figures of a run by how its generator fared.
    pub fn of(summary: &Summary, generator: &Generator) -> Self {
        let mut objections: Vec<(Trust, String)> = [
            nothing_completed(summary),
            stalled(summary, generator),
            dropped(summary, generator),
            late_timers(generator),
            late_starts(summary, generator),
            machine(generator),
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
            not_judged: not_judged(generator),
        }
    }
}

type Objection = Option<(Trust, String)>;

fn nothing_completed(summary: &Summary) -> Objection {
    let reason = "no flow was completed: there is nothing to measure";
    (summary.flows.completed == 0).then(|| (Trust::Invalid, reason.to_owned()))
}

fn dropped(summary: &Summary, generator: &Generator) -> Objection {
    let dropped = summary.flows.dropped;
    let due = summary.flows.ended().saturating_add(dropped);
    if dropped == 0 {
        return None;
    }
    let trust = if dropped as f64 >= DROPPED_INVALID * due as f64 {
        Trust::Invalid
    } else {
        Trust::Doubtful
    };
    let cause = match generator.longest_stall {
        Some(_) => "many may have been due while Rehearsal was stopped",
        None => "the target rate was not reached; lower it, or allow more flows in flight",
    };
    let reason = format!("{dropped} of {due} flows were dropped: {cause}");
    Some((trust, reason))
}

fn stalled(summary: &Summary, generator: &Generator) -> Objection {
    let longest = generator.longest_stall?;
    let part = generator.stalled_us as f64 / summary.elapsed_us.max(1) as f64;
    let trust = if part >= STALLED_INVALID {
        Trust::Invalid
    } else {
        Trust::Doubtful
    };
    let (length, at) = (seconds(longest.length_us), seconds(longest.after_us));
    let times = match generator.stalls {
        0 | 1 => format!("was stopped for {length} at {at} of the run"),
        times => format!(
            "was stopped {times} times, for {} in all, the longest for {length} at {at} of the run",
            seconds(generator.stalled_us)
        ),
    };
    let reason = format!("Rehearsal {times}: times that include it are too long; run it again");
    Some((trust, reason))
}

fn seconds(us: u64) -> String {
    format!("{:.1} s", us as f64 / 1e6)
}

fn late_timers(generator: &Generator) -> Objection {
    let (lag_us, at) = match generator.lag_samples {
        LAG_SAMPLES.. => (generator.lag_p99_us?, "p99"),
        LAG_SAMPLES_OF_MEDIAN.. => (generator.lag_p50_us?, "the median"),
        _ => return None,
    };
    let trust = match lag_us {
        LAG_INVALID_US.. => Trust::Invalid,
        LAG_DOUBTFUL_US.. => Trust::Doubtful,
        _ => return None,
    };
    let remedy = match are_others_the_cause(generator) {
        true => "other processes use the machine",
        false => "the machine is saturated; run fewer flows, or use more cores",
    };
    let reason = format!(
        "the generator was late by {} ms at {at}: {remedy}",
        lag_us / 1000
    );
    Some((trust, reason))
}

fn late_starts(summary: &Summary, generator: &Generator) -> Objection {
    let delay_us = summary.start_delay?.p99_us;
    let response_us = summary.flow_response?.p50_us;
    let part = delay_us as f64 / response_us.max(1) as f64;
    let stall_us = generator.longest_stall.map_or(0, |stall| stall.length_us);
    let without_stall_us = delay_us.saturating_sub(stall_us);
    if without_stall_us < START_DELAY_NEGLIGIBLE_US || part < START_DELAY_DOUBTFUL {
        return None;
    }
    let trust = if part >= START_DELAY_INVALID {
        Trust::Invalid
    } else {
        Trust::Doubtful
    };
    let remedy = match are_others_the_cause(generator) {
        true => "other processes use the machine",
        false => "run fewer flows, or use more cores",
    };
    let reason = format!(
        "flows were started {} ms late at p99, with a median response time of {} ms; {remedy}",
        delay_us / 1000,
        response_us / 1000
    );
    Some((trust, reason))
}

fn are_others_the_cause(generator: &Generator) -> bool {
    generator
        .machine_others_ratio
        .is_some_and(|part| part >= OTHERS_DOUBTFUL)
}

/// Judges the load of the machine, and names whose it was.
fn machine(generator: &Generator) -> Objection {
    let saturated = generator.machine_saturated_ratio;
    let saturated = saturated.filter(|part| *part >= SATURATED_DOUBTFUL);
    let others = generator.machine_others_ratio;
    let others = others.filter(|_| are_others_the_cause(generator));
    let of_saturation = saturated.map(|part| {
        let percent = part * 100.0;
        format!("the CPUs were saturated for {percent:.0} % of the run: ")
    });
    let reason = match (of_saturation, others) {
        (None, None) => return None,
        (of_saturation, Some(others)) => format!(
            "{}other processes used {:.0} % of the machine; stop them, or use another machine",
            of_saturation.unwrap_or_default(),
            others * 100.0
        ),
        (Some(of_saturation), None) => {
            format!("{of_saturation}the programs and the load generator competed for them")
        }
    };
    Some((Trust::Doubtful, reason))
}

fn not_judged(generator: &Generator) -> Vec<String> {
    let timers = (generator.lag_samples < LAG_SAMPLES_OF_MEDIAN).then_some("timers");
    let machine = generator.machine_saturated_ratio;
    let machine = machine.is_none().then_some("load of the machine");
    let what: Vec<_> = timers.into_iter().chain(machine).collect();
    if what.is_empty() {
        return Vec::new();
    }
    vec![format!("too short to judge: {}", what.join(", "))]
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
    use crate::model::{FlowOutcome, Stall};

    /// So many flows of 20 ms, all so late; so many dropped.
    fn summary(completed: u64, late_us: u64, dropped: u64) -> Summary {
        let mut tally = Tally::new(&info(completed));
        for number in 0..completed {
            let mut flow = flow(number, FlowOutcome::Completed, &[]);
            flow.late_us = late_us;
            tally.record(&flow);
        }
        tally.record_drops(dropped, true);
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
        let few = |samples, lag_p50_us| Generator {
            lag_samples: samples,
            lag_p50_us: Some(lag_p50_us),
            ..generator(1_000_000)
        };
        let others = |part| Generator {
            machine_others_ratio: Some(part),
            ..generator(1_000)
        };
        let stopped = |length_us| Generator {
            stalls: 1,
            stalled_us: length_us,
            longest_stall: Some(Stall {
                after_us: 600_000,
                length_us,
            }),
            ..generator(1_000)
        };
        let cases = [
            (summary(100, 0, 0), few(99, 9_999), Valid),
            (summary(100, 0, 0), few(99, 10_000), Doubtful),
            (summary(100, 0, 0), few(10, 100_000), Invalid),
            (summary(100, 0, 0), few(9, 100_000), Valid),
            (summary(100, 0, 0), others(0.49), Valid),
            (summary(100, 0, 0), others(0.5), Doubtful),
            (summary(100, 0, 0), stopped(99_000), Doubtful),
            (summary(100, 0, 0), stopped(100_000), Invalid),
            (summary(100, 99_000, 0), stopped(99_000), Doubtful),
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
    fn a_stall_and_other_processes_are_named_as_the_cause() {
        let generator = Generator {
            stalls: 1,
            stalled_us: 3_200_000,
            longest_stall: Some(Stall {
                after_us: 600_000,
                length_us: 3_200_000,
            }),
            machine_saturated_ratio: Some(0.93),
            machine_others_ratio: Some(0.7),
            ..generator(12_000)
        };
        let verdict = Verdict::of(&summary(10, 3_150_000, 4), &generator);
        assert_eq!(
            verdict.reasons,
            [
                "Rehearsal was stopped for 3.2 s at 0.6 s of the run: times that include it are too \
                 long; run it again",
                "4 of 14 flows were dropped: many may have been due while Rehearsal was stopped",
                "the generator was late by 12 ms at p99: other processes use the machine",
                "the CPUs were saturated for 93 % of the run: other processes used 70 % of the machine; \
                 stop them, or use another machine",
            ]
        );
        assert!(verdict.not_judged.is_empty());
    }

    #[test]
    fn a_run_too_short_to_judge_says_so() {
        let generator = Generator {
            lag_samples: 3,
            ..Generator::default()
        };
        let verdict = Verdict::of(&summary(1, 0, 0), &generator);
        assert_eq!(verdict.trust, Trust::Valid);
        assert_eq!(
            verdict.not_judged,
            ["too short to judge: timers, load of the machine"]
        );
    }

    #[test]
    fn the_worst_reason_comes_first() {
        let verdict = Verdict::of(&summary(10, 0, 5), &generator(40_000));
        assert_eq!(verdict.trust, Trust::Invalid);
        assert_eq!(
            verdict.reasons,
            [
                "5 of 15 flows were dropped: the target rate was not reached; lower it, or \
                 allow more flows in flight",
                "the generator was late by 40 ms at p99: the machine is saturated; run fewer flows, \
                 or use more cores",
            ]
        );
    }
}
