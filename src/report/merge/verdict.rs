//! The verdict on the figures of merged runs: the worst of theirs, and the agreement of their clocks.

use std::collections::BTreeMap;

use crate::report::units;
use crate::stats::{Trust, Verdict};

use super::parts::Part;

/// Differences of clocks below this are those of measuring them.
const SKEW_US: u64 = 100_000;

/// Judges the figures of all runs together; `None` if none was judged.
pub(super) fn verdict(runs: &[Part<'_>]) -> Option<Verdict> {
    let verdicts = || runs.iter().filter_map(|run| run.summary.verdict.as_ref());
    let skew = skew(runs);
    let trust = verdicts().map(|it| it.trust).max();
    let trust = trust.max(skew.as_ref().map(|_| Trust::Doubtful))?;
    // The worst of each run: others follow from it or are in its own report.
    let mut of_runs: BTreeMap<Trust, (usize, &str)> = BTreeMap::new();
    for verdict in verdicts() {
        if let Some(reason) = verdict.reasons.first() {
            of_runs.entry(verdict.trust).or_insert((0, reason)).0 += 1;
        }
    }
    let of_runs = of_runs.into_iter().rev().map(|(_, (count, reason))| {
        let runs = runs.len();
        format!("in {count} of {runs} runs, such as: {reason}")
    });
    let mut not_judged: Vec<String> = verdicts().flat_map(|it| it.not_judged.clone()).collect();
    not_judged.sort();
    not_judged.dedup();
    Some(Verdict {
        trust,
        reasons: of_runs.chain(skew).collect(),
        not_judged,
    })
}

/// Describes the clocks of segments if they differ.
fn skew(runs: &[Part<'_>]) -> Option<String> {
    let clocks: Vec<_> = runs.iter().filter_map(|run| run.clock).collect();
    let (ahead, behind) = (clocks.iter().min()?, clocks.iter().max()?);
    let skew_us = behind.0.abs_diff(ahead.0);
    (skew_us >= SKEW_US).then(|| {
        format!(
            "the clock of {} is {} ahead of that of {}: starts and the course over time are off by as \
             much; synchronise them (NTP)",
            ahead.1,
            units::duration(skew_us),
            behind.1
        )
    })
}
