//! `rehearsal doctor`: the accuracy of measurements on this machine.
//!
//! Programs that report how long they took to answer are driven through the engine, and its
//! measurements are compared with their reports. Then all of them stall for a while, which an open
//! load must reveal.

mod answer;
mod trial;

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use crate::process::since_boot;
use crate::report::units::{counted, duration};
use crate::report::{Output, sanitize};
use crate::scenario::{Arrivals, Load, Ramp, Shape};

use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;
use trial::{Trial, TrialResult};

pub use answer::AnswerArgs;
pub(super) use answer::answer;

/// Levels of load: programs at once, and programs in all.
const LEVELS: [(u64, u64); 3] = [(1, 4), (50, 150), (200, 600)];
const ANSWER_AFTER: Duration = Duration::from_millis(50);
const QUESTIONS: usize = 10;

/// Time to one answer of the programs that will stall.
const STALL_ANSWER_AFTER: Duration = Duration::from_millis(20);
const STALL: Duration = Duration::from_secs(1);
/// Start of the stall and length of the run, from the run's start.
const STALL_AT: Duration = Duration::from_millis(1_500);
const STALL_RUN: Duration = Duration::from_secs(4);
const STALL_PER_SECOND: f64 = 20.0;
const STALL_WORKERS: u64 = 2;

/// Measurement errors below this do not matter for programs with human users.
const TRUSTED_US: u64 = 10_000;

/// The findings about this machine.
#[derive(Debug, Serialize)]
struct DoctorReport {
    format: &'static str,
    answer_us: u64,
    levels: Vec<Level>,
    stall: Option<Stall>,
}

/// Measurement errors at one level of load.
#[derive(Debug, Default, Serialize)]
struct Level {
    parallel: u64,
    answers: u64,
    error_p50_us: Option<u64>,
    error_p99_us: Option<u64>,
    error_max_us: Option<u64>,
    lag_p99_us: Option<u64>,
    failed_flows: u64,
    /// Cause of failed flows, or the missing resource that prevented the level.
    trouble: Option<String>,
}

/// Visibility of a stall of all programs in an open and in a closed load.
#[derive(Debug, Serialize)]
struct Stall {
    stall_us: u64,
    /// In the open load, from the moment each flow was due.
    open_response_p50_us: Option<u64>,
    open_response_p95_us: Option<u64>,
    /// In the closed load, in which each worker starts a flow when its last one has ended.
    closed_response_p95_us: Option<u64>,
    failed_flows: u64,
}

impl Stall {
    /// A quarter of the open load's flows are due during the stall. Half of the stall or more
    /// remains for the slowest twentieth.
    fn is_seen(&self) -> bool {
        self.open_response_p95_us
            .is_some_and(|us| us >= self.stall_us / 2)
    }
}

/// Measures this machine and prints the findings.
pub(super) fn doctor(json: bool, environment: &CliEnvironment) -> Result<Exit, CliError> {
    let mut levels = Vec::new();
    let mut progress = Output::new(anstream::stderr());
    for (parallel, flows) in LEVELS {
        progress.line(&format!(
            "measuring answers of {}, {parallel} at once …",
            counted(flows, "program")
        ));
        levels.push(level(parallel, flows, environment)?);
    }
    progress.line("stalling all programs for 1 s …");
    let findings = DoctorReport {
        format: "rehearsal-doctor/1",
        answer_us: us(ANSWER_AFTER),
        levels,
        stall: stall(environment)?,
    };
    let mut output = Output::new(anstream::stdout());
    if json {
        let text = serde_json::to_string_pretty(&findings).expect("numbers and texts");
        output.line(&text);
    } else {
        output.text(&findings.as_text());
    }
    let written = output.finish();
    written.map_err(|error| CliError::standard_output("the findings", error))?;
    Ok(findings.exit())
}

fn level(parallel: u64, flows: u64, environment: &CliEnvironment) -> Result<Level, CliError> {
    let trial = Trial {
        load: Load::closed(flows, parallel),
        answer_after: ANSWER_AFTER,
        questions: QUESTIONS,
        stall: None,
    };
    Ok(match trial.perform(environment)? {
        Ok(outcome) => Level {
            parallel,
            answers: outcome.errors.count(),
            error_p50_us: outcome.errors.percentile_us(50.0),
            error_p99_us: outcome.errors.percentile_us(99.0),
            error_max_us: outcome.errors.percentile_us(100.0),
            lag_p99_us: outcome.generator.lag_p99_us,
            failed_flows: outcome.failed,
            trouble: outcome.failure,
        },
        Err(no_room) => Level {
            parallel,
            trouble: Some(no_room),
            ..Level::default()
        },
    })
}

/// Measures the stall; `None` if the machine has no room for it.
fn stall(environment: &CliEnvironment) -> Result<Option<Stall>, CliError> {
    let run = |shape| -> Result<Option<TrialResult>, CliError> {
        let at = since_boot() + STALL_AT;
        let trial = Trial {
            load: Load {
                shape,
                flows: None,
                duration: Some(STALL_RUN),
                ..Load::closed(1, 1)
            },
            answer_after: STALL_ANSWER_AFTER,
            questions: 1,
            stall: Some((us(at) / 1000, STALL)),
        };
        Ok(trial.perform(environment)?.ok())
    };
    let closed = run(Load::closed(1, STALL_WORKERS).shape)?;
    let open = run(Shape::Open {
        rate: Ramp::constant(STALL_PER_SECOND),
        arrivals: Arrivals::Even,
        most_in_flight: 200,
    })?;
    Ok(open.zip(closed).map(|(open, closed)| Stall {
        stall_us: us(STALL),
        open_response_p50_us: open.responses.percentile_us(50.0),
        open_response_p95_us: open.responses.percentile_us(95.0),
        closed_response_p95_us: closed.responses.percentile_us(95.0),
        failed_flows: open.failed + closed.failed,
    }))
}

impl DoctorReport {
    fn as_text(&self) -> String {
        let mut text = format!(
            "Measurement error of answers that took {}\n  \
             At once  Answers       p50       p99   Longest  Timers late (p99)\n",
            duration(self.answer_us)
        );
        let time = |us: Option<u64>| us.map_or("–".to_owned(), duration);
        for level in &self.levels {
            push(
                &mut text,
                format_args!(
                    "  {:>7}  {:>7}  {:>8}  {:>8}  {:>8}  {:>17}",
                    level.parallel,
                    level.answers,
                    time(level.error_p50_us),
                    time(level.error_p99_us),
                    time(level.error_max_us),
                    time(level.lag_p99_us),
                ),
            );
            if let Some(trouble) = &level.trouble {
                let failed = counted(level.failed_flows, "flow");
                push(
                    &mut text,
                    format_args!("           {failed} failed: {}", sanitize(trouble)),
                );
            }
        }
        push(&mut text, format_args!("\n{}\n", self.trust()));
        match &self.stall {
            Some(stall) => push(
                &mut text,
                format_args!(
                    "All programs stalled for {}: how long users waited (p95)\n  \
                     by the clock, {STALL_PER_SECOND}/s  {:>8}  (median {}){}\n  \
                     {STALL_WORKERS} at once            {:>8}  a load without --rate hides it",
                    duration(stall.stall_us),
                    time(stall.open_response_p95_us),
                    time(stall.open_response_p50_us),
                    if stall.is_seen() { "" } else { " NOT SEEN" },
                    time(stall.closed_response_p95_us),
                ),
            ),
            None => push(
                &mut text,
                format_args!("This machine has no room for the stall test."),
            ),
        }
        text
    }

    fn trust(&self) -> String {
        let is_good = |level: &&Level| {
            level.failed_flows == 0 && level.error_p99_us.is_some_and(|us| us <= TRUSTED_US)
        };
        let good = self.levels.iter().take_while(is_good).last();
        match good {
            Some(level) => format!(
                "With {}{} at once, measured answer times are accurate to within {} (p99) on this machine \
                 as it is now.",
                if level.parallel > 1 { "up to " } else { "" },
                level.parallel,
                duration(level.error_p99_us.unwrap_or_default())
            ),
            None => {
                "This machine, as busy as it is now, is not fit to measure answer times.".into()
            }
        }
    }

    fn exit(&self) -> Exit {
        let failed = self.levels.iter().any(|level| level.failed_flows > 0);
        let seen = self
            .stall
            .as_ref()
            .is_some_and(|it| it.is_seen() && it.failed_flows == 0);
        if failed || !seen {
            Exit::SomeFailed
        } else {
            Exit::Completed
        }
    }
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a String takes all");
}

fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
