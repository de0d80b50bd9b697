//! Table of saved runs.

use crate::report::sanitize::sanitize;
use crate::report::saved_runs::{ListedResult, ListedRun};
use crate::report::units;

use super::columns::{Row, layout_with_short};

/// The column of scenarios, whose names are shortened as far as necessary.
const SCENARIO: usize = 2;

/// The column of results.
const RESULT: usize = 3;

/// Renders the list of these runs as ANSI text.
pub fn list(runs: &[ListedRun], width: usize) -> String {
    let headings = ["Run", "Started", "Scenario", "Result", "Flows", "p95"];
    let rows = runs.iter().map(row).collect();
    layout_with_short(&headings, rows, 4, SCENARIO, width) + "\n"
}

fn row(run: &ListedRun) -> Row {
    let name = run
        .directory
        .file_name()
        .unwrap_or(run.directory.as_os_str());
    let flows = run.flows.map_or("–".into(), |flows| {
        let all = flows.planned.unwrap_or_default().max(flows.ended());
        format!("{}/{all}", flows.completed)
    });
    let is_bad = matches!(
        run.result,
        ListedResult::Failed | ListedResult::DataInconsistent | ListedResult::Unreadable
    );
    Row {
        cells: vec![
            sanitize(&name.to_string_lossy()).into_owned(),
            run.started_at.format("%m-%d %H:%M").to_string(),
            run.scenario
                .as_deref()
                .map_or("–".into(), |it| sanitize(it).into_owned()),
            run.result.words(),
            flows,
            run.response_p95_us.map_or("–".into(), units::duration),
        ],
        highlighted: is_bad.then_some(RESULT),
    }
}
