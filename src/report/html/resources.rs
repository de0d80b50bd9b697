//! Resources of the programs, of Rehearsal itself and of the machine.

use crate::report::result_file::Head;
use crate::report::units;
use crate::stats::RoleSummary;

use super::data::{Cell, ResourceRow, Resources};
use super::tree;
use super::words::{self, grouped, text};

/// The maximum number of roles.
const MAX_ROLES: usize = 100;

pub(super) fn resources(head: &Head) -> Resources {
    let roles = head.summary.roles.iter().enumerate();
    let used = roles.filter(|(_, role)| role.instances > 0).take(MAX_ROLES);
    let rows = used.map(|(place, role)| ResourceRow {
        role: text(&role.title),
        colour: words::colour(Some(place)),
        cells: cells(head, role),
    });
    Resources {
        rows: rows.collect(),
        facts: facts(head),
    }
}

fn cells(head: &Head, role: &RoleSummary) -> Vec<Cell> {
    // Results of earlier versions do not state it.
    let is_small = Some(role.peak_rss_bytes) <= head.summary.rehearsal_peak_rss_bytes;
    let bound = if role.peak_rss_is_upper_bound || is_small {
        "≤ "
    } else {
        ""
    };
    let memory = Cell {
        text: format!("{bound}{}", units::bytes(role.peak_rss_bytes)),
        ..tree::count(Some(role.peak_rss_bytes))
    };
    vec![
        tree::count(Some(role.instances)),
        tree::time(role.startup.map(|it| it.p50_us)),
        tree::time(role.startup.map(|it| it.max_us)),
        tree::time(role.cpu_mean_us),
        tree::time(Some(role.cpu_total_us)),
        memory,
    ]
}

fn facts(head: &Head) -> Vec<(String, String)> {
    let summary = &head.summary;
    let counts = summary.processes;
    let ends = [
        (counts.ended_well, "ended well"),
        (counts.ended_badly, "ended badly"),
        (counts.terminated, "terminated"),
        (counts.killed, "killed"),
        (counts.injected, "killed by a fault"),
        (counts.left_over, "left over"),
    ];
    let ends = ends.iter().filter(|(count, _)| *count > 0);
    let ends: Vec<_> = ends
        .map(|(count, how)| format!("{} {how}", grouped(*count)))
        .collect();
    let mut facts = vec![(
        "Processes".to_owned(),
        format!("{} started; {}", grouped(counts.started), ends.join(", ")),
    )];
    if let Some(cpu_us) = summary.rehearsal_cpu_us {
        let memory = summary
            .rehearsal_peak_rss_bytes
            .map_or("–".into(), units::bytes);
        let text = format!("CPU {}, peak memory {memory}", units::duration(cpu_us));
        facts.push(("Rehearsal itself".into(), text));
    }
    let Some(generator) = &summary.generator else {
        return facts;
    };
    let percent = |share: Option<f64>| share.map(|it| units::percent(Some(it)));
    let shares = [
        ("Machine busy", percent(generator.machine_busy_ratio)),
        (
            "… by the programs",
            percent(generator.machine_programs_ratio),
        ),
        ("… by Rehearsal", percent(generator.machine_own_ratio)),
        (
            "… by other processes",
            percent(generator.machine_others_ratio),
        ),
        ("CPU pressure", percent(generator.cpu_pressure_ratio)),
        (
            "Timers late, p99",
            generator.lag_p99_us.map(units::duration),
        ),
        (
            "Timers late, max",
            generator.lag_max_us.map(units::duration),
        ),
    ];
    facts.extend(
        shares
            .into_iter()
            .filter_map(|(name, share)| Some((name.to_owned(), share?))),
    );
    facts
}
