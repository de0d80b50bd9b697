//! What is kept of a run while it goes on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Generator, RunEvent, RunInfo};
use crate::stats::{Histograms, Integrity, Summary, Tally, Threshold, Verdict, Watched};

use super::bundle::{Bundles, Choice, Kept};
use super::error::ReportError;
use super::flows_file::{FlowsFile, FlowsWriter};
use super::integrity::IntegrityCheck;
use super::self_usage::SelfUsage;

/// How often thresholds are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How many notices are kept for the report.
const MOST_NOTICES: usize = 100;

/// Counts the flows of a run, and appends each to a file as it ends if it was given one.
///
/// It holds no flow: its size does not grow with their number.
#[derive(Default)]
pub struct Recorder {
    flows: Option<FlowsWriter>,
    begun: Option<Begun>,
    thresholds: Vec<Threshold>,
    /// Ends the run.
    stop: Option<StopRun>,
    notices: Vec<String>,
    /// Where there is room for what the books take.
    folder: Option<PathBuf>,
    /// What the books say, once they are closed.
    integrity: Option<Integrity>,
    /// Whether nobody was told yet.
    is_integrity_new: bool,
    /// What kept the books from being complete.
    error: Option<ReportError>,
    generator: Option<Generator>,
    bundles: Option<Bundles>,
    end: Option<(Duration, bool)>,
}

/// Ends a run for the threshold that is given.
type StopRun = Box<dyn Fn(&str) + Send>;

/// A run under way.
struct Begun {
    info: RunInfo,
    tally: Tally,
    own: SelfUsage,
    /// Open until the run ends, if anything is demanded of them.
    books: Option<IntegrityCheck>,
    thresholds: Vec<Watched>,
    /// When thresholds were last looked at.
    looked: Duration,
    /// How many flows were started.
    started: u64,
    /// No more flows are started.
    is_closing: bool,
}

impl Begun {
    /// Looks at the thresholds, once a second as long as flows are started; says which of them
    /// ends the run.
    fn look(&mut self, now: Duration) -> Option<String> {
        let over = self.info.flows.is_some_and(|flows| self.started >= flows)
            || self
                .info
                .duration_us
                .is_some_and(|us| now >= Duration::from_micros(us));
        if self.is_closing || over || now < self.looked + LOOK_EVERY {
            return None;
        }
        self.looked = now;
        let tally = &self.tally;
        let crossed = self
            .thresholds
            .iter_mut()
            .filter_map(|it| {
                it.look(now, || tally.summary(now, false))
                    .then(|| it.to_string())
            })
            .next()?;
        self.is_closing = true;
        Some(crossed)
    }
}

/// A run that has ended.
#[derive(Debug)]
pub struct Recorded {
    pub info: RunInfo,
    pub summary: Summary,
    /// What the figures were made of.
    pub histograms: Histograms,
    /// What readers should know though it failed nothing; the first of it, if it is much.
    pub notices: Vec<String>,
    /// The flows, if they were kept.
    pub flows: Option<FlowsFile>,
    /// How many flows have a bundle.
    pub bundles: Kept,
}

impl Recorder {
    /// Keeps figures only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps every flow in `flows`, too.
    pub fn with_flows(flows: FlowsWriter) -> Self {
        Recorder {
            flows: Some(flows),
            ..Self::default()
        }
    }

    /// Writes bundles of some of the flows.
    #[must_use]
    pub fn and_bundles(mut self, bundles: Bundles) -> Self {
        self.bundles = Some(bundles);
        self
    }

    /// Which flows get a bundle, if any does.
    pub(super) fn choice(&self) -> Option<Arc<Choice>> {
        let choice = self.bundles.as_ref().map(Bundles::choice);
        choice.filter(|choice| choice.is_open())
    }

    /// Holds these against the figures when the run is over.
    #[must_use]
    pub fn and_thresholds(mut self, thresholds: Vec<Threshold>) -> Self {
        self.thresholds = thresholds;
        self
    }

    /// Puts what the books of the run need into a file without a name in this folder if it is
    /// much; else it is kept in memory.
    #[must_use]
    pub fn and_room(mut self, folder: PathBuf) -> Self {
        self.folder = Some(folder);
        self
    }

    /// Calls this, with the threshold, from the reporters' thread when one that is to end the run is
    /// crossed.
    #[must_use]
    pub fn and_stop(mut self, stop: impl Fn(&str) + Send + 'static) -> Self {
        self.stop = Some(Box::new(stop));
        self
    }

    /// Something happened, `now` from the run's start.
    pub(super) fn event(&mut self, event: &RunEvent, now: Duration) {
        match event {
            RunEvent::RunStarted(info) => {
                if let Some(flows) = &mut self.flows {
                    flows.begin(info);
                }
                let mut books = IntegrityCheck::open(&info.integrity, self.folder.clone());
                if let Some(books) = &mut books {
                    books.begin(&info.id);
                }
                self.begun = Some(Begun {
                    books,
                    info: (**info).clone(),
                    tally: Tally::new(info),
                    own: SelfUsage::start(),
                    thresholds: self
                        .thresholds
                        .iter()
                        .map(|it| Watched::new(it.clone(), info))
                        .collect(),
                    looked: now,
                    started: 0,
                    is_closing: false,
                });
            }
            RunEvent::FlowEnded(flow) => {
                if let Some(begun) = &mut self.begun {
                    begun.tally.record(flow);
                    if let Some(books) = &mut begun.books {
                        books.record(flow);
                    }
                    if flow.counted && !begun.is_closing {
                        let watched = begun.thresholds.iter_mut();
                        watched.for_each(|it| it.record(flow, now));
                    }
                    if let Some(flows) = &mut self.flows {
                        flows.append(flow);
                    }
                }
            }
            RunEvent::PooledScriptEnded(process) => {
                if let Some(begun) = &mut self.begun {
                    begun.tally.record_pooled(process);
                }
            }
            RunEvent::EvidenceKept(evidence) => {
                if let (Some(begun), Some(bundles)) = (&mut self.begun, &mut self.bundles)
                    && let Some(bundle) = bundles.keep(&begun.info, evidence)
                {
                    begun.tally.note_bundle(&evidence.flow, &bundle);
                }
            }
            RunEvent::FlowDropped { counted } => {
                if let Some(begun) = &mut self.begun {
                    begun.tally.record_drop(*counted);
                    if *counted && !begun.is_closing {
                        let watched = begun.thresholds.iter_mut();
                        watched.for_each(|it| it.record_drop(now));
                    }
                    if let Some(flows) = &mut self.flows {
                        flows.append_drop(*counted);
                    }
                }
            }
            RunEvent::FlowStarted { .. } => {
                if let Some(begun) = &mut self.begun {
                    begun.started += 1;
                }
            }
            RunEvent::Stopping { .. } => {
                if let Some(begun) = &mut self.begun {
                    begun.is_closing = true;
                }
            }
            RunEvent::Notice { text, .. } if self.notices.len() < MOST_NOTICES => {
                self.notices.push(text.clone());
            }
            RunEvent::AuditEnded(audit) => {
                if let Some(books) = self.begun.as_mut().and_then(|it| it.books.as_mut()) {
                    books.audited(audit);
                }
            }
            RunEvent::GeneratorMeasured(generator) => self.generator = Some(**generator),
            RunEvent::RunEnded {
                elapsed,
                interrupted,
            } => {
                self.end = Some((*elapsed, *interrupted));
                self.close_books();
            }
            _ => {}
        }
    }

    fn close_books(&mut self) {
        let Some(books) = self.begun.as_mut().and_then(|begun| begun.books.take()) else {
            return;
        };
        let (integrity, error) = books.close();
        self.integrity = Some(integrity);
        self.is_integrity_new = true;
        self.error = error;
    }

    /// What the books say, if they have just been closed.
    pub(super) fn new_integrity(&mut self) -> Option<&Integrity> {
        std::mem::take(&mut self.is_integrity_new)
            .then_some(self.integrity.as_ref())
            .flatten()
    }

    /// Time has passed: it is `now` since the run's start.
    pub(super) fn tick(&mut self, now: Duration) {
        if let Some(crossed) = self.begun.as_mut().and_then(|begun| begun.look(now))
            && let Some(stop) = &self.stop
        {
            stop(&crossed);
        }
        if let Some(flows) = &mut self.flows {
            flows.flush();
        }
    }

    /// What was recorded, and what could not be.
    pub(super) fn finish(mut self) -> (Option<Recorded>, Vec<ReportError>) {
        // Those of a run that was cut off are still open.
        self.close_books();
        let (flows, error) = match self.flows.map(FlowsWriter::finish) {
            Some(Ok(flows)) => (Some(flows), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        let (bundles, trouble) = self.bundles.map(Bundles::finish).unwrap_or_default();
        let errors = error.into_iter().chain(trouble).chain(self.error);
        let end = self.end;
        let recorded = self.begun.map(|begun| {
            let Begun {
                info, tally, own, ..
            } = begun;
            // Without a proper end the run was cut off, and how long it took is not known.
            let (elapsed, interrupted) = end.unwrap_or((Duration::ZERO, true));
            let mut summary = tally.summary(elapsed, interrupted);
            summary.rehearsal_cpu_us = Some(own.cpu_us());
            summary.rehearsal_peak_rss_bytes = own.peak_rss_bytes();
            summary.generator = self.generator;
            summary.integrity = self.integrity;
            let judge = |generator| Verdict::of(&summary, generator);
            summary.verdict = self.generator.as_ref().map(judge);
            let check = |threshold: &Watched| threshold.checked(&summary);
            summary.thresholds = begun.thresholds.iter().map(check).collect();
            Recorded {
                info,
                summary,
                histograms: tally.histograms(),
                notices: self.notices,
                flows,
                bundles,
            }
        });
        (recorded, errors.collect())
    }
}
