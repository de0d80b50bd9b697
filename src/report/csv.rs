//! Tables of steps and of flows as CSV (RFC 4180), for spreadsheets and data frames.
//!
//! Columns are named as fields of the [result record](super::result_file): a figure's unit is in
//! its name, and an unknown one is empty.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::model::{FlowRecord, RunEvent, StepOutcome};
use crate::stats::{Spread, Summary};

use super::error::ReportError;
use super::reporter::Reporter;
use super::sanitize::sanitize;

/// A figure of a duration, with the end of its column's name.
type Figure = (&'static str, fn(&Spread) -> u64);

/// The percentiles and other figures of a duration, in the order of the columns.
const FIGURES: [Figure; 8] = [
    ("mean_us", |it| it.mean_us),
    ("min_us", |it| it.min_us),
    ("p50_us", |it| it.p50_us),
    ("p90_us", |it| it.p90_us),
    ("p95_us", |it| it.p95_us),
    ("p99_us", |it| it.p99_us),
    ("p999_us", |it| it.p999_us),
    ("max_us", |it| it.max_us),
];

/// Writes the steps of a run: a row for each step, followed by one for each of its named turns,
/// in which `turn` is not empty and the counts are.
///
/// # Errors
/// Errors of the writer.
pub fn write_steps(summary: &Summary, out: impl Write) -> io::Result<()> {
    let mut rows = ::csv::Writer::from_writer(out);
    let counts = [
        "completed",
        "failed",
        "retried",
        "interrupted",
        "skipped",
        "success_rate",
    ];
    let mut header: Vec<String> = ["step", "turn", "role"].map(String::from).to_vec();
    header.extend(counts.map(String::from));
    header.extend(FIGURES.map(|(name, _)| format!("duration.{name}")));
    header.push("failed_duration.p50_us".into());
    rows.write_record(&header)?;
    for step in &summary.steps {
        let (name, role) = (csv_cell(&step.name), csv_cell(&step.role));
        let mut row = vec![name.clone(), Cow::Borrowed(""), role.clone()];
        let counts = [
            step.completed,
            step.failed,
            step.retried,
            step.interrupted,
            step.skipped,
        ];
        row.extend(counts.map(number));
        row.push(
            step.success_rate
                .map_or("".into(), |rate| rate.to_string().into()),
        );
        row.extend(figures(step.duration.as_ref()));
        row.push(
            step.failed_duration
                .map_or("".into(), |it| number(it.p50_us)),
        );
        rows.write_record(row.iter().map(|it| it.as_bytes()))?;
        for turn in &step.turns {
            let mut row = vec![name.clone(), csv_cell(&turn.name), role.clone()];
            row.extend(counts.map(|_| Cow::Borrowed("")));
            row.push("".into());
            row.extend(figures(turn.duration.as_ref()));
            row.push("".into());
            rows.write_record(row.iter().map(|it| it.as_bytes()))?;
        }
    }
    rows.flush()
}

fn figures(spread: Option<&Spread>) -> [Cow<'static, str>; FIGURES.len()] {
    FIGURES.map(|(_, figure)| spread.map_or("".into(), |it| number(figure(it))))
}

fn number(number: u64) -> Cow<'static, str> {
    number.to_string().into()
}

/// Neutralises a text for spreadsheets, which take one that begins with `=`, `+`, `-` or `@`, or with
/// the wide forms of these, for a formula: it gets a leading `'`, which they do not show
/// (<https://owasp.org/www-community/attacks/CSV_Injection>). Programs can take it off; numbers never
/// have one.
pub fn csv_cell(text: &str) -> Cow<'_, str> {
    const BEGINS_FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    let text = sanitize(text);
    match text.trim_start().starts_with(BEGINS_FORMULA) {
        true => format!("'{text}").into(),
        false => text,
    }
}

/// A writer of flows as they end, a row each.
pub struct FlowsTable<W: Write = File> {
    path: PathBuf,
    rows: io::Result<::csv::Writer<W>>,
    /// The names of the steps.
    steps: Vec<String>,
}

impl<W: Write> FlowsTable<W> {
    /// Creates a table that is written to `writer`, named `path` in errors.
    pub fn new(path: &Path, writer: W) -> Self {
        FlowsTable {
            path: path.to_owned(),
            rows: Ok(::csv::Writer::from_writer(writer)),
            steps: Vec::new(),
        }
    }

    fn begin(&mut self) {
        let columns = [
            "number",
            "id",
            "outcome",
            "counted",
            "started_at",
            "started_after_us",
            "ended_after_us",
            "response_us",
            "duration_us",
            "late_us",
            "waited_us",
            "paused_us",
            "retry_delay_us",
            "retries",
            "failed_step",
            "cause",
            "message",
        ];
        let steps = self
            .steps
            .iter()
            .map(|name| format!("step.{name}.duration_us"));
        let steps: Vec<_> = steps.collect();
        let header = columns.into_iter().chain(steps.iter().map(String::as_str));
        let header: Vec<_> = header.map(|it| csv_cell(it).into_owned()).collect();
        self.attempt(|rows| Ok(rows.write_record(&header)?));
    }

    fn write(&mut self, flow: &FlowRecord) {
        let known = |us: Option<u64>| us.map_or("".into(), number);
        let mut row: Vec<Cow<'_, str>> = vec![
            number(flow.number.0),
            csv_cell(&flow.id.0),
            flow.outcome.name().into(),
            flow.counted.to_string().into(),
            flow.started_at.to_rfc3339().into(),
            known(flow.started_after_us),
            known(flow.ended_after_us),
            number(flow.response_us()),
            number(flow.duration_us),
            number(flow.late_us),
            number(flow.waited_us),
            number(flow.paused_us),
            number(flow.retry_delay_us),
            number(flow.retries.len() as u64),
        ];
        row.extend(match flow.failure() {
            Some(failure) => [
                csv_cell(&failure.step),
                csv_cell(failure.kind.name()),
                csv_cell(&failure.message),
            ],
            None => ["", "", ""].map(Cow::from),
        });
        row.extend(self.steps.iter().map(|name| {
            let mut completed = flow.steps.iter().rev();
            let completed =
                completed.find(|it| it.step == *name && it.outcome == StepOutcome::Completed);
            completed.map_or("".into(), |it| number(it.duration_us))
        }));
        let row: Vec<_> = row.into_iter().map(Cow::into_owned).collect();
        self.attempt(|rows| Ok(rows.write_record(&row)?));
    }

    fn attempt(&mut self, work: impl FnOnce(&mut ::csv::Writer<W>) -> io::Result<()>) {
        if let Ok(rows) = &mut self.rows
            && let Err(error) = work(rows)
        {
            self.rows = Err(error);
        }
    }
}

impl<W: Write + Send> Reporter for FlowsTable<W> {
    fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunStarted(info) => {
                self.steps = info.steps.iter().map(|step| step.name.clone()).collect();
                self.begin();
            }
            RunEvent::FlowEnded(flow) => self.write(flow),
            _ => {}
        }
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        self.attempt(|rows| rows.flush());
        match &self.rows {
            Ok(_) => Ok(()),
            Err(error) => {
                let error = io::Error::new(error.kind(), error.to_string());
                Err(ReportError::write(&self.path, error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_formula() {
        for (text, shown) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("＝1+1", "'＝1+1"),
            ("\r=1", "␍=1"),
            ("\t=1", "'    =1"),
            ("1=1", "1=1"),
            ("a\nb", "a␊b"),
        ] {
            assert_eq!(csv_cell(text), shown);
        }
    }
}
