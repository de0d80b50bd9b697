//! The time of flows: by role and phase, and outside of steps.

use crate::model::RunInfo;
use crate::report::units;
use crate::stats::{Spread, Summary, TimeShares};

use super::data::{Phase, TimePart, TimeRow, TimeTable};
use super::scan::Scan;
use super::tree;
use super::words::{self, grouped, text};

/// The maximum number of roles.
const MAX_ROLES: usize = 60;

/// The mean completed flow.
pub(super) fn time(info: &RunInfo, scan: &Scan) -> TimeTable {
    let breakdown = &scan.breakdown;
    let roles = info.roles.iter().zip(breakdown.roles()).enumerate();
    let roles = roles
        .take(MAX_ROLES)
        .map(|(place, (role, shares))| (text(&role.title), words::colour(Some(place)), shares));
    let outside = breakdown.outside();
    let outside = outside
        .iter()
        .map(|(name, shares)| ((*name).to_owned(), words::colour(None), *shares));
    let rows: Vec<_> = roles
        .chain(outside)
        .filter(|(_, _, shares)| shares.total_us() > 0)
        .collect();
    let total_us: u64 = rows.iter().map(|(_, _, shares)| shares.total_us()).sum();
    let mut before_us = 0;
    let rows = rows.into_iter().map(|(name, colour, shares)| {
        let row_us = shares.total_us();
        let row = TimeRow {
            name,
            colour,
            parts: parts(shares, before_us, total_us),
            total: units::duration(row_us),
            share: units::percent(Some(row_us as f64 / total_us.max(1) as f64)),
        };
        before_us += row_us;
        row
    });
    TimeTable {
        rows: rows.collect(),
        flows: grouped(breakdown.flows()),
        total: units::duration(total_us),
    }
}

/// Returns the parts of a row's bar, which begins where the row before has ended.
fn parts(shares: TimeShares, before_us: u64, total_us: u64) -> Vec<TimePart> {
    let all = [
        ("starting", shares.starting_us),
        ("working", shares.working_us),
        ("waiting", shares.waiting_us),
        ("paused", shares.paused_us),
        ("held", shares.held_us),
    ];
    let thousandths = |us: u64| us as f64 * 1_000.0 / total_us.max(1) as f64;
    let mut at_us = before_us;
    let parts = all.into_iter().filter(|(_, us)| *us > 0).map(|(kind, us)| {
        let part = TimePart {
            kind,
            text: format!("{kind} {}", units::duration(us)),
            x: thousandths(at_us),
            width: thousandths(us).max(1.0),
        };
        at_us += us;
        part
    });
    parts.collect()
}

/// Time outside of steps, and within roles' first steps.
pub(super) fn phases(summary: &Summary) -> Vec<Phase> {
    let mut rows = Vec::new();
    let mut phase = |name: String, spread: Option<Spread>| {
        rows.extend(spread.map(|spread| Phase {
            name,
            cells: cells(&spread),
        }));
    };
    let phases = &summary.phases;
    phase("Queueing, due to started".into(), summary.start_delay);
    for role in summary.roles.iter().take(MAX_ROLES) {
        phase(format!("First output, {}", text(&role.title)), role.startup);
    }
    phase("Log-in, first step".into(), phases.log_in);
    phase("Hand-over to another role".into(), phases.hand_over);
    phase("Next step, same role".into(), phases.next_step);
    phase("Pauses, each flow".into(), phases.paused);
    phase("Waiting for others".into(), phases.waited);
    phase("Delays before retries".into(), phases.retry_delay);
    phase(
        "Recovery, first failure to success".into(),
        summary.retries.recovery,
    );
    phase("Exit of a program".into(), phases.exit);
    rows
}

fn cells(spread: &Spread) -> Vec<super::data::Cell> {
    let times = [
        spread.mean_us,
        spread.p50_us,
        spread.p95_us,
        spread.p99_us,
        spread.max_us,
    ];
    let times = times.into_iter().map(|us| tree::time(Some(us)));
    std::iter::once(tree::count(Some(spread.count)))
        .chain(times)
        .collect()
}
