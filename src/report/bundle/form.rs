//! The machine-readable form of a bundle, `bundle.json`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::{Evidence, FlowOutcome, FlowRecord, Happening, Moment, RunInfo};
use crate::stats::{Signature, Summary};

use crate::report::error::ReportError;
use crate::report::result_file::RunEnvironment;
use crate::report::saved_file;

/// The name and version of the format. Fields may be added within a version.
pub const FORMAT: &str = "rehearsal-bundle/1";

/// The directory of the bundles within a run's directory.
pub(in crate::report) const BUNDLES: &str = "bundles";

pub(super) const JSON: &str = "bundle.json";
pub(in crate::report) const TEXT: &str = "transcript.txt";
pub(super) const SCENARIO: &str = "scenario.yaml";

/// All details of one flow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bundle {
    /// `rehearsal-bundle/1`: the name and version of the format.
    pub format: String,
    pub kept_as: KeptAs,
    /// The signature shared by similar failures; `null` if the flow did not fail.
    pub signature: Option<Signature>,
    pub run: RunInfo,
    pub environment: RunEnvironment,
    pub origin: RunOrigin,
    /// The flow's outcome, values, steps and processes.
    pub flow: FlowRecord,
    /// The flow's rows of data, by table and column; secrets masked.
    pub data: BTreeMap<String, BTreeMap<String, String>>,
    /// The transcript in the order of time.
    pub transcript: Vec<TranscriptEntry>,
}

/// The reason for keeping a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptAs {
    Failed,
    /// It was completed, and took longer than nearly all others.
    Slow,
}

/// The settings of a run that are needed to replay one of its flows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOrigin {
    /// The scenario's file; `null` for the built-in one.
    pub scenario: Option<String>,
    /// Directories that are searched for programs.
    pub scripts: Vec<String>,
    /// Variables set by the user, without secret ones.
    pub variables: BTreeMap<String, String>,
    /// The names of secret variables set by the user.
    pub secrets_given: Vec<String>,
    /// The timeout that overrides those of all steps.
    pub step_timeout_us: Option<u64>,
    /// The delay that overrides those of all steps.
    pub delay_us: Option<u64>,
    /// Environment variables that begin with `REHEARSAL_`, such as those of the shop.
    pub environment: BTreeMap<String, String>,
}

/// An event of a script instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscriptEntry {
    /// Since the flow's start.
    pub after_us: u64,
    pub role: String,
    /// The script instance among those of its role, from 1.
    pub attempt: u32,
    #[serde(flatten)]
    pub what: Happening,
}

/// The data that all bundles of a run have in common.
#[derive(Debug, Clone)]
pub struct About {
    pub environment: RunEnvironment,
    pub origin: RunOrigin,
    /// The scenario's text, secrets masked.
    pub scenario: String,
}

impl Bundle {
    pub(super) fn new(info: &RunInfo, about: &About, evidence: &Evidence) -> Self {
        let flow = &evidence.flow;
        let (kept_as, signature) = match &flow.outcome {
            FlowOutcome::Failed(failure) => (KeptAs::Failed, Some(Signature::of(flow, failure))),
            FlowOutcome::Completed | FlowOutcome::Interrupted => (KeptAs::Slow, None),
        };
        let rows = evidence.data.iter().map(|row| {
            let values = row.values.iter().cloned();
            (row.name.clone(), values.collect())
        });
        let entry = |moment: &Moment| TranscriptEntry {
            after_us: moment.after_us,
            role: info
                .roles
                .get(moment.role.0)
                .map_or_else(String::new, |role| role.name.clone()),
            attempt: moment.attempt,
            what: moment.what.clone(),
        };
        Bundle {
            format: FORMAT.into(),
            kept_as,
            signature,
            run: info.clone(),
            environment: about.environment.clone(),
            origin: about.origin.clone(),
            flow: flow.clone(),
            data: rows.collect(),
            transcript: evidence.transcript.iter().map(entry).collect(),
        }
    }

    /// Returns the name of its directory.
    pub(super) fn name(&self) -> String {
        let kind = match self.kept_as {
            KeptAs::Failed => "failed",
            KeptAs::Slow => "slow",
        };
        format!("{kind}-{:06}", self.flow.number.0)
    }

    /// Reads the bundle in this directory.
    ///
    /// # Errors
    /// If it does not exist or cannot be read; the error names the file.
    pub fn open(directory: &Path) -> Result<Self, ReportError> {
        let path = directory.join(JSON);
        let text = saved_file::read(&path)?;
        let malformed = |error| ReportError::malformed(&path, error);
        let Format { format } = serde_json::from_str(&text).map_err(malformed)?;
        if format != FORMAT {
            let what = format!("it is a {format}, and this program reads {FORMAT}");
            return Err(ReportError::malformed(&path, what));
        }
        serde_json::from_str(&text).map_err(malformed)
    }

    /// Reads the scenario as it was run, secrets masked.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn scenario(directory: &Path) -> Result<String, ReportError> {
        saved_file::read(&directory.join(SCENARIO))
    }
}

#[derive(Deserialize)]
struct Format {
    format: String,
}

/// Makes the figures name bundles by full paths, given the run's directory.
pub fn locate(summary: &mut Summary, run: &Path) {
    for group in &mut summary.failures.groups {
        if let Some(bundle) = &mut group.bundle {
            *bundle = run.join(&*bundle).display().to_string();
        }
    }
}

/// Returns the description of a run from one of its bundles, if any can be read.
pub(in crate::report) fn run_of_any(run: &Path) -> Option<(RunInfo, RunEnvironment)> {
    let directories = fs::read_dir(run.join(BUNDLES)).ok()?.flatten();
    let mut bundles = directories.filter_map(|directory| Bundle::open(&directory.path()).ok());
    let bundle = bundles.next()?;
    Some((bundle.run, bundle.environment))
}

/// Returns the bundle of a failed flow, as figures name it, if it exists.
pub(in crate::report) fn of_failed(run: &Path, number: u64) -> Option<String> {
    let name = format!("{BUNDLES}/failed-{number:06}");
    let json: PathBuf = run.join(&name).join(JSON);
    json.is_file().then_some(name)
}
