//! The exit codes of the program.

use std::process::ExitCode;

use crate::stats::{FlowFailures, Integrity, Summary};

/// An exit code. Where several apply, the later one in this list is used: an interrupted run says
/// little about its thresholds, thresholds were asked for explicitly, and no figure makes up for
/// inconsistent data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// All flows completed, or the command succeeded.
    Completed,
    /// The exit code of the program that was recorded.
    Program(u8),
    /// Rehearsal itself failed: for example, a results file could not be written.
    Internal,
    /// More flows failed than are allowed.
    SomeFailed,
    /// A replayed flow failed differently.
    FailedDifferently,
    /// With `--fail-if`: slower than the runs it was compared with, or worse in another figure.
    BecameWorse,
    /// A threshold was crossed.
    ThresholdsCrossed,
    /// The integrity checks failed.
    IntegrityViolated,
    /// The command line or the scenario is wrong, or this machine has no room for the run.
    /// Nothing was started.
    Usage,
    /// A signal stopped the run; it was cleaned up and reported.
    Interrupted,
}

impl Exit {
    /// Returns the number for the shell.
    pub fn code(self) -> u8 {
        match self {
            Exit::Completed => 0,
            Exit::Program(code) => code,
            Exit::SomeFailed => 1,
            Exit::Usage => 2,
            Exit::FailedDifferently => 3,
            Exit::Internal => 70,
            Exit::BecameWorse => 97,
            Exit::IntegrityViolated => 98,
            Exit::ThresholdsCrossed => 99,
            Exit::Interrupted => 130,
        }
    }
}

/// The exit codes as shown by `--help`.
pub(super) const HELP: &str =
    "  0    all flows completed, or the failures are within --allow-failures
  1    more flows failed than --allow-failures permits, or segments of a job are not complete
  2    the command line or the scenario is wrong and nothing was started, or runs cannot be compared
  3    of `replay`: the flow failed, but differently
  70   rehearsal itself failed, for example to write the results
  97   with --fail-if: slower than the runs it was compared with, or worse in another figure
  98   the data is inconsistent: a duplicate value, values that disagree, or a failed audit
  99   a threshold was crossed
  130  interrupted by Ctrl-C or a signal, after cleaning up and reporting

  Where several apply: 130 before 98, 98 before 99, 99 before 97, 97 before 1,
  1 before 70";

impl Exit {
    /// Returns the exit code with this number, as another process of this program returned it.
    pub(super) fn of_code(code: i32) -> Exit {
        let all = [
            Exit::Completed,
            Exit::SomeFailed,
            Exit::Usage,
            Exit::FailedDifferently,
            Exit::BecameWorse,
            Exit::IntegrityViolated,
            Exit::ThresholdsCrossed,
            Exit::Interrupted,
        ];
        let found = all.into_iter().find(|it| i32::from(it.code()) == code);
        found.unwrap_or(Exit::Internal)
    }

    /// Returns the reason as a clause.
    fn reason(self) -> &'static str {
        match self {
            Exit::Completed => "no problems",
            Exit::Program(_) => "the program exited with it",
            Exit::Internal => "rehearsal itself failed in part",
            Exit::SomeFailed => "more flows failed than are allowed",
            Exit::FailedDifferently => "the flow failed differently",
            Exit::BecameWorse => "slower or worse than before",
            Exit::ThresholdsCrossed => "a threshold was crossed",
            Exit::IntegrityViolated => "the data is inconsistent",
            Exit::Usage => "nothing was started",
            Exit::Interrupted => "the run was interrupted",
        }
    }

    /// Lists the exit codes that apply to a run with these figures.
    pub(super) fn of(summary: &Summary) -> Vec<Exit> {
        let crossed = summary.thresholds.iter().any(|it| !it.holds);
        let is_allowed = summary.flow_failures == FlowFailures::AreAllowed;
        let integrity = summary.integrity.as_ref();
        let all = [
            (summary.interrupted, Exit::Interrupted),
            (
                integrity.is_some_and(Integrity::is_violated),
                Exit::IntegrityViolated,
            ),
            (crossed, Exit::ThresholdsCrossed),
            (summary.flows.failed > 0 && !is_allowed, Exit::SomeFailed),
        ];
        all.into_iter()
            .filter_map(|(applies, exit)| applies.then_some(exit))
            .collect()
    }

    /// Returns the applicable one of several, by their order.
    pub(super) fn first(all: &[Exit]) -> Exit {
        all.iter().copied().max().unwrap_or(Exit::Completed)
    }

    /// Describes the chosen exit code and the others that applied.
    pub(super) fn explain(all: &[Exit]) -> Option<String> {
        let first = Exit::first(all);
        let others: Vec<_> = all.iter().filter(|exit| **exit != first).collect();
        if others.is_empty() {
            return None;
        }
        let others: Vec<_> = others
            .iter()
            .map(|exit| format!("{} ({})", exit.reason(), exit.code()))
            .collect();
        Some(format!(
            "Exit code {}: {}; also: {}",
            first.code(),
            first.reason(),
            others.join(", ")
        ))
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_lists_every_code() {
        let all = [
            Exit::Completed,
            Exit::SomeFailed,
            Exit::Usage,
            Exit::FailedDifferently,
            Exit::Internal,
            Exit::BecameWorse,
            Exit::IntegrityViolated,
            Exit::ThresholdsCrossed,
            Exit::Interrupted,
        ];
        let listed: Vec<_> = HELP
            .lines()
            .take_while(|line| !line.is_empty())
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        let codes = all.map(|exit| exit.code().to_string());
        assert_eq!(listed, codes);
    }

    #[test]
    fn of_several_the_weightiest_applies_and_the_others_are_named() {
        let all = [Exit::SomeFailed, Exit::ThresholdsCrossed];
        assert_eq!(Exit::first(&all), Exit::ThresholdsCrossed);
        assert_eq!(
            Exit::explain(&all).unwrap(),
            "Exit code 99: a threshold was crossed; also: more flows failed than are allowed (1)"
        );
        let all = [Exit::ThresholdsCrossed, Exit::IntegrityViolated];
        assert_eq!(Exit::first(&all), Exit::IntegrityViolated);
        let all = [Exit::Interrupted, Exit::IntegrityViolated];
        assert_eq!(Exit::first(&all), Exit::Interrupted);
        assert_eq!(Exit::explain(&[Exit::SomeFailed]), None);
        assert_eq!(Exit::first(&[]), Exit::Completed);
    }
}
