//! The table of running scripts.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::engine::LiveScript;
use crate::report::sanitize;
use crate::report::units::{bytes, duration};

/// The most scripts listed.
const MAX_LISTED: usize = 50;

/// Renders the table of running scripts.
pub(super) fn table(scripts: &[LiveScript]) -> String {
    if scripts.is_empty() {
        return "No scripts are running.\n".into();
    }
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["PID", "Script", "Role", "State", "Age", "CPU", "Memory"]);
    for script in scripts.iter().take(MAX_LISTED) {
        table.add_row([
            script.pid.to_string(),
            script.instance.to_string(),
            sanitize(&script.role).into_owned(),
            sanitize(&script.state).into_owned(),
            duration(u64::try_from(script.age.as_micros()).unwrap_or(u64::MAX)),
            duration(script.cpu_us),
            bytes(script.rss_bytes),
        ]);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if matches!(index, 0 | 4..) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if scripts.len() > MAX_LISTED {
        text.push_str(&format!("and {} more\n", scripts.len() - MAX_LISTED));
    }
    text
}
