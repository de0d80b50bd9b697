//! A bundle: all that is known of one flow, in a folder of its own.
//!
//! - `transcript.txt`: for people. What went wrong, what the program said last, the values, and
//!   what all roles heard and said, interleaved;
//! - `bundle.json`: the same for programs, a [`Bundle`]; also what is needed to perform the flow
//!   again;
//! - `scenario.yaml`: the scenario as it was run, secrets masked.
//!
//! Bundles stand in the folder `bundles` of a run's folder: `failed-000012` of a flow that failed,
//! `slow-000007` of one that was completed later than nearly all others. Each is there whole or
//! not at all.

mod text;
mod writer;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::{Evidence, FlowOutcome, Happening, Moment, RunInfo};
use crate::stats::{Signature, Summary};

use super::error::ReportError;
use super::record::{Environment, Flow, Run};

pub use writer::{Bundles, Kept};

/// The name and version of this form. Fields may be added within a version.
pub const FORMAT: &str = "rehearsal-bundle/1";

/// The folder of the bundles within a run's folder.
pub(super) const BUNDLES: &str = "bundles";

const JSON: &str = "bundle.json";
const TEXT: &str = "transcript.txt";
const SCENARIO: &str = "scenario.yaml";

/// All that is known of one flow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bundle {
    /// `rehearsal-bundle/1`: the name and version of this form.
    pub format: String,
    pub kept_as: KeptAs,
    /// What it has in common with failures that look alike; `null` if it did not fail.
    pub signature: Option<Signature>,
    pub run: Run,
    pub environment: Environment,
    pub origin: Origin,
    /// How it went: its outcome, values, steps and processes.
    pub flow: Flow,
    /// The rows of data that it had, by table and column; secrets masked.
    pub data: BTreeMap<String, BTreeMap<String, String>>,
    /// In the order of time.
    pub transcript: Vec<TranscriptEntry>,
}

/// Why a flow was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptAs {
    Failed,
    /// It was completed, and took longer than nearly all others.
    Slow,
}

/// What a run was started with, as far as it is needed to perform one of its flows again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The scenario's file; `null` if it is built in.
    pub scenario: Option<String>,
    /// Folders in which programs are looked for.
    pub scripts: Vec<String>,
    /// Variables whose values were given; secret ones are left out.
    pub variables: BTreeMap<String, String>,
    /// The names of secret variables whose values were given.
    pub secrets_given: Vec<String>,
    /// What replaced the timeouts of all steps.
    pub step_timeout_us: Option<u64>,
    /// What replaced the delays before all steps.
    pub delay_us: Option<u64>,
    /// Variables of the environment that begin with `REHEARSAL_`: those of the shop, say.
    pub environment: BTreeMap<String, String>,
}

/// Something that happened to a script instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscriptEntry {
    /// From the flow's start.
    pub after_us: u64,
    pub role: String,
    /// Which of the role's instances, from 1.
    pub attempt: u32,
    #[serde(flatten)]
    pub what: Happening,
}

/// What all bundles of a run have in common.
#[derive(Debug, Clone)]
pub struct About {
    pub environment: Environment,
    pub origin: Origin,
    /// The scenario's text, secrets masked.
    pub scenario: String,
}

impl Bundle {
    fn new(info: &RunInfo, about: &About, evidence: &Evidence) -> Self {
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
            run: Run::new(info),
            environment: about.environment.clone(),
            origin: about.origin.clone(),
            flow: Flow::new(info, flow),
            data: rows.collect(),
            transcript: evidence.transcript.iter().map(entry).collect(),
        }
    }

    /// The name of its folder.
    fn name(&self) -> String {
        let kind = match self.kept_as {
            KeptAs::Failed => "failed",
            KeptAs::Slow => "slow",
        };
        format!("{kind}-{:06}", self.flow.number)
    }

    /// Reads the bundle in this folder.
    ///
    /// # Errors
    /// If there is none, or it cannot be read; the error names the file.
    pub fn open(folder: &Path) -> Result<Self, ReportError> {
        let path = folder.join(JSON);
        let text = fs::read_to_string(&path).map_err(|error| ReportError::read(&path, error))?;
        let malformed = |error| ReportError::malformed(&path, error);
        let Format { format } = serde_json::from_str(&text).map_err(malformed)?;
        if format != FORMAT {
            let what = format!("it is a {format}, and this program reads {FORMAT}");
            return Err(ReportError::malformed(&path, what));
        }
        serde_json::from_str(&text).map_err(malformed)
    }

    /// The scenario as it was run, secrets masked.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn scenario(folder: &Path) -> Result<String, ReportError> {
        let path = folder.join(SCENARIO);
        fs::read_to_string(&path).map_err(|error| ReportError::read(&path, error))
    }
}

#[derive(Deserialize)]
struct Format {
    format: String,
}

/// Has the figures name bundles by where they are, given the run's folder.
pub fn locate(summary: &mut Summary, run: &Path) {
    for group in &mut summary.failures.groups {
        if let Some(bundle) = &mut group.bundle {
            *bundle = run.join(&*bundle).display().to_string();
        }
    }
}

/// The failed flow's bundle in a run's folder, as figures name it, if it is there.
pub(super) fn of_failed(run: &Path, number: u64) -> Option<String> {
    let name = format!("{BUNDLES}/failed-{number:06}");
    let json: PathBuf = run.join(&name).join(JSON);
    json.is_file().then_some(name)
}
