//! Resources used by the programs, and their exit statuses.

use crate::model::RunInfo;
use crate::report::output::{BAD, CARE, styled};
use crate::report::sanitize::sanitize;
use crate::report::units;
use crate::stats::{ProcessCounts, RoleSummary, Summary};

use super::columns::{Row, layout_to_fit};
use super::heading;

pub(super) fn render(info: &RunInfo, summary: &Summary, width: usize) -> Option<String> {
    if summary.processes.started == 0 {
        return None;
    }
    // The mean and the maximum of one sample are the sample.
    let is_single = info.flows == Some(1);
    let headings: &[&str] = if is_single {
        &["Role", "Scripts", "CPU", "Peak mem"]
    } else {
        &[
            "Role",
            "Scripts",
            "Start-up",
            "Longest",
            "CPU each",
            "CPU total",
            "Peak mem",
        ]
    };
    let used = summary.roles.iter().filter(|role| role.instances > 0);
    let rows = used.map(|role| {
        let startup = role.startup.as_ref();
        let time = |us: Option<u64>| us.map_or("–".into(), units::duration);
        let name = sanitize(&role.title).into_owned();
        let mut cells = vec![name, role.instances.to_string()];
        if !is_single {
            cells.extend([
                time(startup.map(|spread| spread.mean_us)),
                time(startup.map(|spread| spread.max_us)),
                time(role.cpu_mean_us),
            ]);
        }
        cells.extend([units::duration(role.cpu_total_us), peak(role, summary)]);
        Row::new(cells)
    });
    let table = layout_to_fit(headings, rows.collect(), width);
    let mut lines = vec![processes(&summary.processes)];
    lines.extend(own_use(summary));
    Some(format!(
        "{}\n{table}\n\n{}",
        heading("Resources"),
        lines.join("\n")
    ))
}

/// Formats the peak memory of a role's programs.
fn peak(role: &RoleSummary, summary: &Summary) -> String {
    // Results of earlier versions do not state it.
    let is_small = Some(role.peak_rss_bytes) <= summary.rehearsal_peak_rss_bytes;
    let bound = if role.peak_rss_is_upper_bound || is_small {
        "≤ "
    } else {
        ""
    };
    format!("{bound}{}", units::bytes(role.peak_rss_bytes))
}

/// Formats resources used by Rehearsal itself, as its own load on the machine.
fn own_use(summary: &Summary) -> Option<String> {
    let cpu = units::duration(summary.rehearsal_cpu_us?);
    let memory = summary
        .rehearsal_peak_rss_bytes
        .map_or("–".into(), units::bytes);
    Some(format!(
        "  Rehearsal itself: CPU {cpu}, peak memory {memory}"
    ))
}

fn processes(counts: &ProcessCounts) -> String {
    let highlighted = |count: u64, style, text: &str| {
        let text = format!("{count} {text}");
        if count == 0 {
            text
        } else {
            styled(style, text)
        }
    };
    let mut ends = vec![format!("{} ended well", counts.ended_well)];
    if counts.ended_badly > 0 {
        ends.push(highlighted(counts.ended_badly, CARE, "ended badly"));
    }
    ends.push(format!("{} terminated", counts.terminated));
    ends.push(highlighted(counts.killed, CARE, "killed"));
    if counts.injected > 0 {
        ends.push(format!("{} killed by a fault", counts.injected));
    }
    ends.push(highlighted(counts.left_over, BAD, "left over"));
    format!(
        "  Processes: {} started, {}",
        counts.started,
        ends.join(", ")
    )
}
