//! Content of the page, as its templates take it. All texts are sanitized, and no number of items
//! grows with the run.

use minijinja::Value;
use serde::Serialize;

/// The whole page.
#[derive(Serialize)]
pub(super) struct Page {
    pub title: String,
    pub headline: Headline,
    /// Restrictions of the report.
    pub notices: Vec<String>,
    pub thresholds: Vec<Threshold>,
    pub integrity: Option<Integrity>,
    pub charts: Charts,
    pub tree: Tree,
    pub time: Option<TimeTable>,
    pub phases: Vec<Phase>,
    pub failures: Groups,
    pub retried: Groups,
    pub faults: Option<Faults>,
    pub flows: Vec<Flow>,
    pub resources: Resources,
    pub trends: Option<Trends>,
    pub about: About,
}

/// Trends of figures over the saved runs.
#[derive(Serialize)]
pub(super) struct Trends {
    pub title: &'static str,
    pub has_scenarios: bool,
    pub rows: Vec<TrendRow>,
    pub note: Option<String>,
}

/// The trends for the page's script.
#[derive(Serialize)]
pub(super) struct TrendLines {
    /// The place of the trend that is shown first.
    pub first: usize,
    pub scenarios: Vec<TrendRuns>,
    pub trends: Vec<TrendLine>,
}

/// The runs of a scenario.
#[derive(Serialize)]
pub(super) struct TrendRuns {
    pub name: String,
    pub ids: Vec<String>,
    /// Their starts, in local time.
    pub started: Vec<String>,
}

/// One trend.
#[derive(Serialize)]
pub(super) struct TrendLine {
    /// The place of its scenario.
    pub scenario: usize,
    pub name: String,
    pub unit: String,
    pub values: Vec<Option<f64>>,
    /// The mean between change points, for each run.
    pub levels: Vec<f64>,
    /// Places of the change points.
    pub changes: Vec<usize>,
}

/// A figure with the changes of its trend.
#[derive(Serialize)]
pub(super) struct TrendRow {
    pub scenario: String,
    pub name: String,
    /// The newest value, and what it is sorted by.
    pub last: (String, f64),
    pub runs: usize,
    pub changes: Vec<String>,
}

/// The state of a part of the result: a class, and the word for it.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Good,
    Unsure,
    Bad,
}

/// The result at the top of the page.
#[derive(Serialize)]
pub(super) struct Headline {
    pub state: State,
    /// `PASSED`, `FAILED`, `DATA INCONSISTENT`, `INTERRUPTED`.
    pub word: String,
    pub run: String,
    pub scenario: String,
    pub load: String,
    pub started: String,
    /// One sentence each, with its state.
    pub parts: Vec<Part>,
    pub cards: Vec<Card>,
    /// Objections to the figures.
    pub reasons: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Part {
    pub state: State,
    pub text: String,
}

/// A figure with its name.
#[derive(Serialize)]
pub(super) struct Card {
    pub name: &'static str,
    pub value: String,
    pub note: String,
}

#[derive(Serialize)]
pub(super) struct Threshold {
    pub state: State,
    pub text: String,
    pub value: String,
    pub note: String,
}

#[derive(Serialize)]
pub(super) struct Integrity {
    pub rules: Vec<Rule>,
    pub notes: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Rule {
    pub state: State,
    pub demand: String,
    pub found: String,
    pub examples: Vec<String>,
}

/// Figures for the charts, which a script draws.
#[derive(Serialize)]
pub(super) struct Charts {
    /// JSON that is safe within a script element.
    pub json: Value,
    pub has_timeline: bool,
    pub has_failures: bool,
    pub has_cores: bool,
    pub has_curves: bool,
    /// The width of a point of the timeline.
    pub bucket: String,
    pub notes: Vec<String>,
}

/// The table of the flow, its roles, steps and named turns.
#[derive(Serialize)]
pub(super) struct Tree {
    pub rows: Vec<TreeRow>,
    pub note: Option<String>,
}

#[derive(Serialize)]
pub(super) struct TreeRow {
    /// 1 for the flow, 2 for roles, 3 for steps, 4 for turns.
    pub level: u8,
    pub kind: &'static str,
    pub name: String,
    pub colour: String,
    pub has_children: bool,
    pub count: Cell,
    pub failed: Cell,
    /// p50, p95, p99 of response times, then p50, p95, p99, maximum of service times.
    pub times: Vec<Cell>,
}

/// A value as shown, and the number by which it is sorted.
#[derive(Serialize)]
pub(super) struct Cell {
    pub text: String,
    pub sort: i64,
    /// It is a count of something bad.
    pub is_bad: bool,
}

/// The time of a mean flow, by role and phase.
#[derive(Serialize)]
pub(super) struct TimeTable {
    pub flows: String,
    pub rows: Vec<TimeRow>,
    pub total: String,
}

#[derive(Serialize)]
pub(super) struct TimeRow {
    pub name: String,
    pub colour: String,
    pub parts: Vec<TimePart>,
    pub total: String,
    pub share: String,
}

#[derive(Serialize)]
pub(super) struct TimePart {
    pub kind: &'static str,
    pub text: String,
    /// Place and width in the bar, in thousandths.
    pub x: f64,
    pub width: f64,
}

#[derive(Serialize)]
pub(super) struct Phase {
    pub name: String,
    pub cells: Vec<Cell>,
}

/// Failures by signature.
#[derive(Serialize)]
pub(super) struct Groups {
    pub groups: Vec<Group>,
    pub total: String,
    /// Failures, or groups, that are not shown.
    pub note: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Group {
    pub count: String,
    pub share: String,
    /// The width of its bar, in thousandths.
    pub width: f64,
    pub step: String,
    pub cause: String,
    pub role: String,
    pub colour: String,
    pub after_faults: bool,
    pub saw: Option<String>,
    pub first: String,
    pub last: String,
    pub example: String,
    pub lines: Vec<String>,
    pub screen: Vec<String>,
    pub flows: Vec<Flow>,
    pub note: Option<String>,
}

/// One kept flow.
#[derive(Clone, Serialize)]
pub(super) struct Flow {
    pub title: String,
    pub id: String,
    pub state: State,
    pub started: String,
    pub waterfall: Waterfall,
    pub values: Vec<(String, String)>,
    /// Rendered from its bundle; absent without one, or if there was no room.
    pub transcript: Option<Value>,
    pub note: Option<String>,
    /// The command that performs it again.
    pub replay: Option<String>,
    /// The command that plays its films.
    pub watch: Option<String>,
    pub links: Vec<Link>,
}

/// A link to a file beside the report.
#[derive(Clone, Serialize)]
pub(super) struct Link {
    pub name: String,
    pub href: String,
}

/// The steps of one flow over time.
#[derive(Clone, Serialize)]
pub(super) struct Waterfall {
    pub total: String,
    pub rows: Vec<Bar>,
    pub note: Option<String>,
}

#[derive(Clone, Serialize)]
pub(super) struct Bar {
    pub step: String,
    pub role: String,
    pub colour: String,
    pub outcome: &'static str,
    pub start: String,
    pub took: String,
    /// Places and widths, in thousandths of the flow.
    pub wait: Option<(f64, f64)>,
    pub work: (f64, f64),
    pub pause: Option<(f64, f64)>,
    pub strikes: Vec<f64>,
}

#[derive(Serialize)]
pub(super) struct Faults {
    pub rules: String,
    pub facts: Vec<(String, String)>,
}

#[derive(Serialize)]
pub(super) struct Resources {
    pub rows: Vec<ResourceRow>,
    pub facts: Vec<(String, String)>,
}

#[derive(Serialize)]
pub(super) struct ResourceRow {
    pub role: String,
    pub colour: String,
    pub cells: Vec<Cell>,
}

#[derive(Serialize)]
pub(super) struct About {
    pub facts: Vec<(String, String)>,
    pub command_line: String,
    pub scenario: Option<String>,
    pub scenario_note: Option<String>,
    pub notices: Vec<String>,
}
