//! Kept flows: read from their bundles, one at a time, as far as there is room.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Component, Path, PathBuf};

use minijinja::Value;

use crate::model::{FlowOutcome, FlowRecord, RunInfo};
use crate::report::bundle::{self, BUNDLES, Bundle, KeptAs};
use crate::report::result_file::Head;
use crate::report::units;
use crate::stats::{FailureGroup, Signature};

use super::data::{Flow, Link, State};
use super::page;
use super::scan::Scan;
use super::transcript::transcript;
use super::waterfall::waterfall;
use super::words::{self, shortened, text};

/// The maximum number of bundles that are read.
const MAX_BUNDLES: usize = 60;

/// The maximum number of slow flows, which come before further failures of one signature.
const MAX_SLOW: usize = 5;

/// The maximum number of values that are shown of a flow, and their length.
const MAX_VALUES: usize = 60;
const MAX_VALUE: usize = 120;

/// The end of the names of films.
const FILM: &str = ".cast";

/// The directories of a run and of its report.
pub(super) struct Place<'a> {
    /// The run's directory, which contains that of its bundles; absolute.
    pub run: &'a Path,
    /// The directory of the report; absolute.
    pub report: &'a Path,
}

/// The kept flows of a run.
#[derive(Default)]
pub(super) struct Evidence {
    failed: Vec<Failed>,
    slow: Vec<Flow>,
    /// The numbers of the flows in both.
    numbers: BTreeSet<u64>,
    /// Bundles that were not read.
    left_out: usize,
}

struct Failed {
    signature: Signature,
    after_faults: bool,
    flow: Flow,
}

impl Evidence {
    /// Returns the flows that failed in the way of this group, at most `most`.
    pub(super) fn of_group(&self, group: &FailureGroup, most: usize) -> Vec<Flow> {
        let is_of_group = |failed: &&Failed| {
            let signature = &failed.signature;
            signature.step == group.step
                && signature.cause == group.cause
                && failed.after_faults == group.after_chaos
                && (group.saw.is_none() || signature.saw == group.saw)
        };
        let failed = self.failed.iter().filter(is_of_group).take(most);
        failed.map(|it| it.flow.clone()).collect()
    }

    /// Returns a note on bundles that were not read.
    pub(super) fn note(&self) -> Option<String> {
        (self.left_out > 0).then(|| {
            let bundles = units::counted(self.left_out as u64, "more bundle");
            format!("The run's directory has {bundles}.")
        })
    }
}

/// Reads bundles: one of each signature, then those of slow flows, then others. `bytes` is the room
/// for their transcripts.
pub(super) fn read(head: &Head, place: &Place<'_>, bytes: usize) -> Evidence {
    let groups = head.summary.failures.groups.iter();
    let named = groups.filter_map(|group| group.bundle.as_deref());
    // Figures name bundles relative to the run, or, if it was merged, by full paths.
    let mut paths: Vec<PathBuf> = named.map(|name| place.run.join(name)).collect();
    let (slow, failed) = listed(&place.run.join(BUNDLES));
    paths.extend(slow.into_iter().take(MAX_SLOW));
    let failed: Vec<_> = failed
        .into_iter()
        .filter(|path| !paths.contains(path))
        .collect();
    paths.extend(failed);
    let mut evidence = Evidence {
        left_out: paths.len().saturating_sub(MAX_BUNDLES),
        ..Evidence::default()
    };
    let mut room = bytes;
    for path in paths.iter().take(MAX_BUNDLES) {
        // It may have been removed, or be of another version.
        let Ok(bundle) = Bundle::open(path) else {
            evidence.left_out += 1;
            continue;
        };
        let flow = flow(&bundle, path, place, &mut room);
        evidence.numbers.insert(bundle.flow.number.0);
        match (bundle.kept_as, bundle.signature) {
            (KeptAs::Failed, Some(signature)) => evidence.failed.push(Failed {
                signature,
                after_faults: bundle.flow.was_hit(),
                flow,
            }),
            _ => evidence.slow.push(flow),
        }
    }
    evidence
}

/// Reads the bundle of a failed flow of a run in progress; `None` if there is none.
#[cfg(feature = "cli")]
pub(super) fn of_failed(run: &Path, number: u64) -> Option<Flow> {
    let path = run.join(bundle::of_failed(run, number)?);
    let bundle = Bundle::open(&path).ok()?;
    let place = Place { run, report: run };
    let flow = flow(&bundle, &path, &place, &mut { usize::MAX });
    // The page is not beside the files.
    let links = Vec::new();
    Some(Flow { links, ..flow })
}

/// Lists the bundles in this directory: of slow flows, and of failed ones.
fn listed(directory: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
    names.sort();
    let names = names
        .into_iter()
        .filter(|name| !name.to_string_lossy().starts_with('.'));
    let paths = names.map(|name| directory.join(name));
    paths.partition(|path| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().starts_with("slow-")
    })
}

fn flow(bundle: &Bundle, path: &Path, place: &Place<'_>, room: &mut usize) -> Flow {
    let rendered = page::transcript(&transcript(bundle));
    let fits = rendered.len() <= *room;
    if fits {
        *room -= rendered.len();
    }
    let links = links(path, place);
    let has_film = links.iter().any(|link| link.href.ends_with(FILM));
    let note = (!fits).then(|| {
        "The transcript is left out to limit the size of this file; see transcript.txt in the bundle."
            .into()
    });
    Flow {
        transcript: fits.then(|| Value::from_safe_string(rendered)),
        note,
        replay: Some(bundle::replay_command(bundle, path)),
        watch: has_film.then(|| bundle::watch_command(path)),
        links,
        values: values(bundle),
        ..plain(&bundle.run, &bundle.flow, "")
    }
}

/// Returns a flow without a bundle.
fn plain(info: &RunInfo, flow: &FlowRecord, what: &str) -> Flow {
    let took = units::duration(flow.response_us());
    let (state, outcome) = match &flow.outcome {
        FlowOutcome::Completed => (State::Good, format!("completed in {took}")),
        FlowOutcome::Failed(failure) => (
            State::Bad,
            format!("failed at {} after {took}", text(&failure.step)),
        ),
        FlowOutcome::Interrupted => (State::Unsure, format!("interrupted after {took}")),
    };
    Flow {
        title: format!("{what}Flow {} {outcome}", flow.number),
        id: text(&flow.id.0),
        state,
        started: words::time(flow.started_at),
        waterfall: waterfall(info, flow),
        values: Vec::new(),
        transcript: None,
        note: None,
        replay: None,
        watch: None,
        links: Vec::new(),
    }
}

fn values(bundle: &Bundle) -> Vec<(String, String)> {
    let flow = &bundle.flow;
    let own = flow.variables.iter().chain(&flow.captures);
    let own = own.map(|(name, value)| (name.to_string(), value.to_string()));
    let rows = bundle.data.iter().flat_map(|(table, row)| {
        row.iter()
            .map(move |(column, value)| (format!("{table}.{column}"), value.clone()))
    });
    let all = own.chain(rows).take(MAX_VALUES);
    all.map(|(name, value)| (text(&name), shortened(&value, MAX_VALUE)))
        .collect()
}

/// Returns links to the bundle's transcript, and to its films.
fn links(path: &Path, place: &Place<'_>) -> Vec<Link> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name == bundle::TEXT || name.ends_with(FILM))
        .collect();
    names.sort();
    let link = |name: String| Link {
        href: relative(place.report, &path.join(&name)),
        name: match name.strip_suffix(FILM) {
            Some(film) => format!("film of {}", text(film)),
            None => text(&name),
        },
    };
    names.into_iter().map(link).collect()
}

/// Returns a relative URL from a directory to a file. Both are absolute.
fn relative(from: &Path, to: &Path) -> String {
    let from: Vec<_> = from.components().collect();
    let to: Vec<_> = to.components().collect();
    let common = from
        .iter()
        .zip(&to)
        .take_while(|(one, other)| one == other)
        .count();
    let up = from[common..].iter().map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to[common..].iter().copied()).collect();
    let mut url = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                url.push(char::from(*byte));
            }
            _ => write!(url, "%{byte:02X}").expect("a String takes all"),
        }
    }
    // A name with a colon is escaped, so that it is not read as a scheme.
    url
}

/// Returns kept flows that did not fail: the slowest, and a typical one.
pub(super) fn other_flows(head: &Head, scan: Option<&Scan>, evidence: Evidence) -> Vec<Flow> {
    let Evidence { slow, numbers, .. } = evidence;
    let mut flows = slow;
    let Some(scan) = scan else { return flows };
    let slowest = scan
        .slowest
        .iter()
        .filter(|flow| !numbers.contains(&flow.number.0));
    let room = MAX_SLOW.saturating_sub(flows.len());
    flows.extend(slowest.take(room).map(|flow| plain(&head.run, flow, "")));
    let is_shown = |flow: &FlowRecord| flows.iter().any(|shown| shown.id == flow.id.0);
    if let Some(typical) = scan.typical.as_ref().filter(|it| !is_shown(it)) {
        flows.push(plain(&head.run, typical, "Typical: "));
    }
    flows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_relative_and_escaped() {
        let link = |from: &str, to: &str| relative(Path::new(from), Path::new(to));
        assert_eq!(link("/r/run", "/r/run/bundles/a.txt"), "bundles/a.txt");
        assert_eq!(
            link("/r/other", "/r/run/a b\"<.cast"),
            "../run/a%20b%22%3C.cast"
        );
        assert_eq!(link("/r", "/r/javascript:x"), "javascript%3Ax");
    }
}
