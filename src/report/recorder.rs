//! Recording of a run: flows, bundles, integrity, notices.

use std::path::PathBuf;

use crate::model::{FlowOutcome, FlowRecord, RunEvent, RunInfo};
use crate::stats::{FailureSummary, Integrity};

use super::bundle::{BundleCounts, Bundles};
use super::error::ReportError;
use super::flows_file::{FlowsFile, FlowsWriter};
use super::integrity::IntegrityCheck;

/// The maximum number of notices kept for the report.
const MAX_NOTICES: usize = 100;

/// A recorder that writes flows as they end, writes bundles, and checks integrity.
///
/// It keeps no flow in memory, so its size does not grow with their number.
#[derive(Default)]
pub struct Recorder {
    flows: Option<FlowsWriter>,
    info: Option<RunInfo>,
    notices: Vec<String>,
    /// The directory for the temporary file of integrity checks.
    directory: Option<PathBuf>,
    /// The integrity checks while the run is in progress, if the scenario has any.
    integrity_check: Option<IntegrityCheck>,
    /// The result of the integrity checks, once the run has ended.
    integrity: Option<Integrity>,
    is_integrity_new: bool,
    /// The reason why the integrity checks are incomplete.
    error: Option<ReportError>,
    bundles: Option<Bundles>,
    /// Failed flows with the names of their bundles.
    bundled: Vec<(FlowRecord, String)>,
}

/// Records of a run that has ended, besides its figures.
#[derive(Debug)]
pub struct Artifacts {
    /// The result of the integrity checks, if the scenario has any.
    pub integrity: Option<Integrity>,
    /// Remarks for the reader of the report; the first ones, if they are many.
    pub notices: Vec<String>,
    /// The flows, if they were recorded.
    pub flows: Option<FlowsFile>,
    /// The numbers of bundles.
    pub bundles: BundleCounts,
    bundled: Vec<(FlowRecord, String)>,
}

impl Artifacts {
    /// Sets the bundles of the groups of failures that they belong to.
    pub fn name_bundles(&self, failures: &mut FailureSummary) {
        name_bundles(&self.bundled, failures);
    }
}

/// Sets these bundles in the groups of failures that they belong to.
pub(super) fn name_bundles(bundled: &[(FlowRecord, String)], failures: &mut FailureSummary) {
    for (flow, bundle) in bundled {
        if let FlowOutcome::Failed(failure) = &flow.outcome {
            failures.note_bundle(flow, failure, bundle);
        }
    }
}

impl Recorder {
    /// Creates a recorder of notices and integrity.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a recorder that also writes every flow to `flows`.
    pub fn with_flows(flows: FlowsWriter) -> Self {
        Recorder {
            flows: Some(flows),
            ..Self::default()
        }
    }

    /// Also writes bundles of the flows whose evidence is emitted.
    #[must_use]
    pub fn with_bundles(mut self, bundles: Bundles) -> Self {
        self.bundles = Some(bundles);
        self
    }

    /// Has integrity checks use a temporary file in this directory instead of memory.
    #[must_use]
    pub fn with_temporary_directory(mut self, directory: PathBuf) -> Self {
        self.directory = Some(directory);
        self
    }

    /// Records an event.
    pub(super) fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunStarted(info) => {
                if let Some(flows) = &mut self.flows {
                    flows.begin(info);
                }
                self.integrity_check =
                    IntegrityCheck::open(&info.integrity, self.directory.clone());
                if let Some(integrity_check) = &mut self.integrity_check {
                    integrity_check.begin(&info.id);
                }
                self.info = Some((**info).clone());
            }
            RunEvent::FlowEnded(flow) => {
                if let Some(integrity_check) = &mut self.integrity_check {
                    integrity_check.record(flow);
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
            RunEvent::FlowsDropped { count, counted } => {
                if let Some(flows) = &mut self.flows {
                    flows.append_drops(*count, *counted);
                }
            }
            RunEvent::Notice { text, .. } if self.notices.len() < MAX_NOTICES => {
                self.notices.push(text.clone());
            }
            RunEvent::AuditEnded(audit) => {
                if let Some(integrity_check) = &mut self.integrity_check {
                    integrity_check.audited(audit);
                }
            }
            RunEvent::RunEnded { .. } => self.close_integrity_check(),
            _ => {}
        }
    }

    fn close_integrity_check(&mut self) {
        let Some(integrity_check) = self.integrity_check.take() else {
            return;
        };
        let (integrity, error) = integrity_check.close();
        self.integrity = Some(integrity);
        self.is_integrity_new = true;
        self.error = error;
    }

    /// Returns the result of the integrity checks once, when it is available.
    pub(super) fn new_integrity(&mut self) -> Option<&Integrity> {
        std::mem::take(&mut self.is_integrity_new)
            .then_some(self.integrity.as_ref())
            .flatten()
    }

    /// Flushes the flows to the disk.
    pub(super) fn tick(&mut self) {
        if let Some(flows) = &mut self.flows {
            flows.flush();
        }
    }

    /// Returns the records and all errors.
    pub(super) fn finish(mut self) -> (Artifacts, Vec<ReportError>) {
        // Still open if the run was cut off.
        self.close_integrity_check();
        let (flows, error) = match self.flows.map(FlowsWriter::finish) {
            Some(Ok(flows)) => (Some(flows), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        let (bundles, bundle_error) = self.bundles.map(Bundles::finish).unwrap_or_default();
        let errors = error.into_iter().chain(bundle_error).chain(self.error);
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
