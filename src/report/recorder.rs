//! What is kept of a run besides its figures: flows, bundles, integrity, notices.

use std::path::PathBuf;

use crate::model::{FlowOutcome, FlowRecord, RunEvent, RunInfo};
use crate::stats::{FailureSummary, Integrity};

use super::bundle::{Bundles, Kept};
use super::error::ReportError;
use super::flows_file::{FlowsFile, FlowsWriter};
use super::integrity::IntegrityCheck;

/// The most notices kept for the report.
const MOST_NOTICES: usize = 100;

/// Writes the flows of a run to their file as they end, writes bundles, and checks integrity.
///
/// It holds no flow: its size does not grow with their number.
#[derive(Default)]
pub struct Recorder {
    flows: Option<FlowsWriter>,
    info: Option<RunInfo>,
    notices: Vec<String>,
    /// The folder for the temporary file of integrity checks.
    folder: Option<PathBuf>,
    /// Open until the run ends, if the scenario has integrity checks.
    books: Option<IntegrityCheck>,
    /// The result of the integrity checks, once the run has ended.
    integrity: Option<Integrity>,
    is_integrity_new: bool,
    /// The reason why the integrity checks are incomplete.
    error: Option<ReportError>,
    bundles: Option<Bundles>,
    /// Failed flows with the names of their bundles.
    bundled: Vec<(FlowRecord, String)>,
}

/// What was kept of a run that has ended, besides its figures.
#[derive(Debug)]
pub struct Artifacts {
    /// The result of the integrity checks, if the scenario has any.
    pub integrity: Option<Integrity>,
    /// What readers should know though it fails nothing; the first of it, if it is much.
    pub notices: Vec<String>,
    /// The flows, if they were kept.
    pub flows: Option<FlowsFile>,
    /// The numbers of bundles.
    pub bundles: Kept,
    bundled: Vec<(FlowRecord, String)>,
}

impl Artifacts {
    /// Names the bundles in the groups of failures that they belong to.
    pub fn name_bundles(&self, failures: &mut FailureSummary) {
        name_bundles(&self.bundled, failures);
    }
}

/// Names these bundles of flows in the groups of failures that they belong to.
pub(super) fn name_bundles(bundled: &[(FlowRecord, String)], failures: &mut FailureSummary) {
    for (flow, bundle) in bundled {
        if let FlowOutcome::Failed(failure) = &flow.outcome {
            failures.note_bundle(flow, failure, bundle);
        }
    }
}

impl Recorder {
    /// A recorder of notices and integrity.
    pub fn new() -> Self {
        Self::default()
    }

    /// A recorder that also writes every flow to `flows`.
    pub fn with_flows(flows: FlowsWriter) -> Self {
        Recorder {
            flows: Some(flows),
            ..Self::default()
        }
    }

    /// Writes bundles of the flows whose evidence is emitted.
    #[must_use]
    pub fn and_bundles(mut self, bundles: Bundles) -> Self {
        self.bundles = Some(bundles);
        self
    }

    /// Lets integrity checks use a temporary file in this folder; without it they use memory.
    #[must_use]
    pub fn and_room(mut self, folder: PathBuf) -> Self {
        self.folder = Some(folder);
        self
    }

    /// Takes an event.
    pub(super) fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunStarted(info) => {
                if let Some(flows) = &mut self.flows {
                    flows.begin(info);
                }
                self.books = IntegrityCheck::open(&info.integrity, self.folder.clone());
                if let Some(books) = &mut self.books {
                    books.begin(&info.id);
                }
                self.info = Some((**info).clone());
            }
            RunEvent::FlowEnded(flow) => {
                if let Some(books) = &mut self.books {
                    books.record(flow);
                }
                if let Some(flows) = &mut self.flows {
                    flows.append(flow);
                }
            }
            RunEvent::EvidenceKept(evidence) => {
                if let (Some(info), Some(bundles)) = (&self.info, &mut self.bundles)
                    && let Some(bundle) = bundles.keep(info, evidence)
                {
                    self.bundled.push((evidence.flow.clone(), bundle));
                }
            }
            RunEvent::FlowDropped { counted } => {
                if let Some(flows) = &mut self.flows {
                    flows.append_drop(*counted);
                }
            }
            RunEvent::Notice { text, .. } if self.notices.len() < MOST_NOTICES => {
                self.notices.push(text.clone());
            }
            RunEvent::AuditEnded(audit) => {
                if let Some(books) = &mut self.books {
                    books.audited(audit);
                }
            }
            RunEvent::RunEnded { .. } => self.close_books(),
            _ => {}
        }
    }

    fn close_books(&mut self) {
        let Some(books) = self.books.take() else {
            return;
        };
        let (integrity, error) = books.close();
        self.integrity = Some(integrity);
        self.is_integrity_new = true;
        self.error = error;
    }

    /// Returns the result of the integrity checks, once.
    pub(super) fn new_integrity(&mut self) -> Option<&Integrity> {
        std::mem::take(&mut self.is_integrity_new)
            .then_some(self.integrity.as_ref())
            .flatten()
    }

    /// Brings what was recorded to the disk.
    pub(super) fn tick(&mut self) {
        if let Some(flows) = &mut self.flows {
            flows.flush();
        }
    }

    /// Returns what was kept, and the errors met on the way.
    pub(super) fn finish(mut self) -> (Artifacts, Vec<ReportError>) {
        // Those of a run that was cut off are still open.
        self.close_books();
        let (flows, error) = match self.flows.map(FlowsWriter::finish) {
            Some(Ok(flows)) => (Some(flows), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        let (bundles, trouble) = self.bundles.map(Bundles::finish).unwrap_or_default();
        let errors = error.into_iter().chain(trouble).chain(self.error);
        let artifacts = Artifacts {
            integrity: self.integrity,
            notices: self.notices,
            flows,
            bundles,
            bundled: self.bundled,
        };
        (artifacts, errors.collect())
    }
}
