//! HTML report: one file that shows a run in a browser, without a network.
//!
//! [`write_html`] takes a saved run, or one that has just ended, as its record, its flows and its
//! bundles. Flows are read once, one at a time, and bundles one at a time, so memory does not grow
//! with their number; neither does the file, which is at most [`MAX_BYTES`] large. What had to be
//! left out is named where it is missing.
//!
//! **Invariant**: no text of a run becomes markup. Texts are sanitized ([`sanitize`]), the
//! templates escape all values, figures for scripts are JSON without `<`, scripts set only
//! `textContent`, and the page's policy permits nothing but its own scripts and styles.
//!
//! [`sanitize`]: super::sanitize()

mod about;
mod bundles;
#[cfg(feature = "cli")]
mod capacity;
mod charts;
#[cfg(feature = "cli")]
mod comparison;
mod data;
mod failures;
mod headline;
#[cfg(feature = "cli")]
mod history;
mod integrity;
#[cfg(feature = "cli")]
mod live;
mod page;
mod resources;
mod scan;
mod screen;
mod time;
mod transcript;
mod tree;
mod waterfall;
mod words;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::ReportError;
use super::result_directory::{ResultDirectory, permissive};
use super::result_file::Head;

#[cfg(feature = "cli")]
pub use capacity::write_capacity_html;
#[cfg(feature = "cli")]
pub use comparison::{CurveSource, write_comparison_html};
#[cfg(feature = "cli")]
pub use history::write_history_html;

use data::Page;

#[cfg(feature = "cli")]
pub use live::{LiveControls, LiveOptions, LivePage, SegmentsPage};

/// The maximum size of the file.
pub const MAX_BYTES: usize = 1_500_000;

/// The space for transcripts and screens, and what is tried if the rest is larger than usual.
const EVIDENCE_BYTES: [usize; 3] = [900_000, 300_000, 0];

/// A run to be shown.
#[derive(Debug, Clone, Copy)]
pub struct HtmlSource<'a> {
    pub head: &'a Head,
    /// The directory with the run's flows and scenario. Without it, figures over time are missing.
    pub saved: Option<&'a ResultDirectory>,
    /// The directory that contains the directory of the run's bundles.
    pub bundles: &'a Path,
    /// The trends of figures up to this run, of which the page shows some.
    #[cfg(feature = "cli")]
    pub trends: &'a [super::Trend],
}

/// The maximum number of figures with their trend.
#[cfg(feature = "cli")]
const MAX_TRENDS: usize = 40;

/// Writes the report to `path`, in place of an earlier one.
///
/// # Errors
/// If the run's flows cannot be read, or the file cannot be written. A bundle that cannot be read
/// is named in the report.
pub fn write_html(source: &HtmlSource<'_>, path: &Path) -> Result<(), ReportError> {
    write_page(&render(source, path)?, path)
}

/// Writes a page to `path`, in place of an earlier one. A link stays, and so does a device or a pipe.
fn write_page(html: &str, path: &Path) -> Result<(), ReportError> {
    if path.symlink_metadata().is_ok_and(|it| !it.is_file()) {
        return fs::write(path, html).map_err(|error| ReportError::write(path, error));
    }
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let failed = |error| ReportError::create(path, error);
    if !directory.is_dir() {
        return Err(failed(io::ErrorKind::NotADirectory.into()));
    }
    let file = permissive(0o666)
        .prefix(".rehearsal-")
        .tempfile_in(directory)
        .map_err(failed)?;
    fs::write(file.path(), html).map_err(|error| ReportError::write(path, error))?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Renders the report that will be at `path`, to which its links are relative.
fn render(source: &HtmlSource<'_>, path: &Path) -> Result<String, ReportError> {
    let head = source.head;
    let scan = match source.saved.map(ResultDirectory::flows) {
        Some(flows) if flows.path.exists() => Some(scan::scan(head, &flows)?),
        _ => None,
    };
    let scenario = source.saved.and_then(|saved| saved.scenario().ok());
    let directory = absolute(path.parent().unwrap_or(Path::new("")));
    let mut html = String::new();
    for evidence_bytes in EVIDENCE_BYTES {
        let place = bundles::Place {
            run: &absolute(source.bundles),
            report: &directory,
        };
        let evidence = bundles::read(head, &place, evidence_bytes);
        let (trends, lines) = trends(source);
        let page = Page {
            title: words::text(&format!("{} · {}", head.run.scenario, head.run.id)),
            headline: headline::headline(head),
            notices: headline::notices(head, scan.as_ref()),
            thresholds: headline::thresholds(&head.summary),
            integrity: head.summary.integrity.as_ref().map(integrity::integrity),
            charts: charts::charts(head, scan.as_ref(), lines),
            tree: tree::tree(head, scan.as_ref()),
            time: scan.as_ref().map(|scan| time::time(&head.run, scan)),
            phases: time::phases(&head.summary),
            failures: failures::groups(&head.run, &head.summary.failures, Some(&evidence)),
            retried: failures::groups(&head.run, &head.summary.retries.failures, None),
            faults: failures::faults(&head.summary),
            flows: bundles::other_flows(head, scan.as_ref(), evidence),
            resources: resources::resources(head),
            trends,
            about: about::about(head, scenario.as_deref()),
        };
        html = page::render(&page);
        if html.len() <= MAX_BYTES {
            break;
        }
    }
    Ok(html)
}

/// Returns the section on earlier runs, and its lines for the script.
#[cfg(feature = "cli")]
fn trends(source: &HtmlSource<'_>) -> (Option<data::Trends>, Option<data::TrendLines>) {
    if source.trends.is_empty() {
        return (None, None);
    }
    let (section, lines) = history::section(source.trends, "flow.p95", MAX_TRENDS, "Earlier runs");
    (Some(section), Some(lines))
}

#[cfg(not(feature = "cli"))]
fn trends(_: &HtmlSource<'_>) -> (Option<data::Trends>, Option<data::TrendLines>) {
    (None, None)
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
