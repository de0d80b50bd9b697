//! Writer of bundles.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::model::{Evidence, FlowRecord, RunInfo};
use crate::report::error::ReportError;
use crate::report::result_directory::permissive;
use crate::stats::EvidenceLimits;

use super::film::Film;
use super::form::{About, BUNDLES, Bundle, JSON, KeptAs, SCENARIO, TEXT};
use super::text;

/// The maximum number of unsaved runs whose bundles are retained.
const MAX_UNSAVED_RUNS: usize = 20;

/// A writer of a run's bundles, each as its flow ends.
///
/// After an error it writes no more, and returns the error when it is finished.
#[derive(Debug)]
pub struct Bundles {
    /// The run's directory, created with the first bundle if necessary.
    run: PathBuf,
    about: About,
    limits: EvidenceLimits,
    kept: BundleCounts,
    /// The slowest flows with a bundle, the slowest first.
    slowest: Vec<(u64, PathBuf)>,
    error: Option<ReportError>,
}

/// Numbers of a run's bundles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BundleCounts {
    pub failed: usize,
    pub slow: usize,
}

impl Bundles {
    /// Creates a writer for a run with this directory, which need not exist.
    pub fn new(run: &Path, about: About, limits: EvidenceLimits) -> Self {
        Bundles {
            run: run.to_owned(),
            about,
            limits,
            kept: BundleCounts::default(),
            slowest: Vec::new(),
            error: None,
        }
    }

    /// Writes the bundle of a flow; returns its name within the run's directory for a failed flow.
    pub(in crate::report) fn keep(
        &mut self,
        info: &RunInfo,
        evidence: &Evidence,
    ) -> Option<String> {
        if self.error.is_some() {
            return None;
        }
        let bundle = Bundle::new(info, &self.about, evidence);
        let name = format!("{BUNDLES}/{}", bundle.name());
        let kept_as = bundle.kept_as;
        let written = self.write(&bundle).and_then(|path| match kept_as {
            KeptAs::Failed => Ok(()),
            KeptAs::Slow => self.make_room(&evidence.flow, path),
        });
        match written {
            Err(error) => {
                self.error = Some(error);
                None
            }
            Ok(()) => {
                self.kept.failed += usize::from(kept_as == KeptAs::Failed);
                self.kept.slow = self.slowest.len();
                (kept_as == KeptAs::Failed).then_some(name)
            }
        }
    }

    fn write(&self, bundle: &Bundle) -> Result<PathBuf, ReportError> {
        let directory = self.run.join(BUNDLES);
        if !directory.is_dir() {
            make_directory(&self.run, &directory)?;
        }
        let path = directory.join(bundle.name());
        let failed = |error| ReportError::create(&path, error);
        let unnamed = permissive(0o777)
            .prefix(".rehearsal-")
            .tempdir_in(&directory)
            .map_err(failed)?;
        let json = serde_json::to_string_pretty(bundle).map_err(|error| failed(error.into()))?;
        let mut texts = vec![
            (JSON.to_owned(), json + "\n"),
            (TEXT.to_owned(), text::render(bundle, &path)),
            (SCENARIO.to_owned(), self.about.scenario.clone()),
        ];
        for film in Film::of_all(bundle) {
            let text = film.text().map_err(|error| failed(error.into()))?;
            texts.push((film.file_name(), text));
        }
        for (name, text) in texts {
            fs::write(unnamed.path().join(&name), text)
                .map_err(|error| ReportError::write(&path.join(&name), error))?;
        }
        fs::rename(unnamed.path(), &path).map_err(failed)?;
        // It was renamed, so it must not be removed on drop.
        let _ = unnamed.keep();
        Ok(path)
    }

    /// Removes the bundle of the fastest of too many slow flows.
    fn make_room(&mut self, flow: &FlowRecord, path: PathBuf) -> Result<(), ReportError> {
        let place = self
            .slowest
            .partition_point(|(us, _)| *us >= flow.duration_us);
        self.slowest.insert(place, (flow.duration_us, path));
        while self.slowest.len() > self.limits.slowest {
            if let Some((_, path)) = self.slowest.pop() {
                fs::remove_dir_all(&path).map_err(|error| ReportError::write(&path, error))?;
            }
        }
        Ok(())
    }

    pub(in crate::report) fn finish(self) -> (BundleCounts, Option<ReportError>) {
        (self.kept, self.error)
    }
}

/// Creates a run's directory for bundles. For a run that is not saved, removes the oldest of too
/// many unsaved runs.
fn make_directory(run: &Path, directory: &Path) -> Result<(), ReportError> {
    let is_saved = run.is_dir();
    fs::create_dir_all(directory).map_err(|error| ReportError::create(directory, error))?;
    if !is_saved && let Some(results) = run.parent() {
        // A failure to remove is retried by the next run.
        let _ = forget_oldest(results);
    }
    Ok(())
}

fn forget_oldest(results: &Path) -> io::Result<()> {
    let mut unsaved: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(results)? {
        let path = entry?.path();
        if is_unsaved_run(&path)? {
            let changed = path.join(BUNDLES).metadata()?.modified()?;
            unsaved.push((changed, path));
        }
    }
    unsaved.sort_unstable();
    let too_many = unsaved.len().saturating_sub(MAX_UNSAVED_RUNS);
    for (_, path) in &unsaved[..too_many] {
        fs::remove_dir_all(path)?;
    }
    Ok(())
}

/// Returns `true` if the directory contains only files of this module.
fn is_unsaved_run(path: &Path) -> io::Result<bool> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if !name.starts_with("REAL-E2E-") || !path.is_dir() {
        return Ok(false);
    }
    let mut entries = fs::read_dir(path)?;
    let only = (entries.next().transpose()?, entries.next());
    Ok(matches!(only, (Some(entry), None) if entry.file_name() == BUNDLES))
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::Local;

    use super::*;
    use crate::model::{
        Activity, DataRow, Failure, FailureKind, FlowId, FlowNumber, FlowOutcome, Happening,
        Moment, RoleIndex, RoleInfo, RunId, StepInfo, Stream,
    };
    use crate::report::result_file::RunEnvironment;

    pub(in crate::report::bundle) fn completed(number: u64, duration_us: u64) -> FlowRecord {
        FlowRecord {
            number: FlowNumber(number),
            id: FlowId(format!("RUN-{number:06}")),
            started_at: Local::now(),
            started_after_us: None,
            ended_after_us: None,
            counted: true,
            late_us: 0,
            duration_us,
            paused_us: 0,
            waited_us: 0,
            retry_delay_us: 0,
            outcome: FlowOutcome::Completed,
            steps: Vec::new(),
            retries: Vec::new(),
            captures: vec![("order_id".into(), format!("ORD-{number}").into())],
            variables: vec![("customer".into(), "CUST001".into())],
            processes: Vec::new(),
            injections: Vec::new(),
        }
    }

    pub(in crate::report::bundle) fn failed(number: u64, tail: &str) -> FlowRecord {
        let failure = Failure {
            kind: FailureKind::Timeout,
            step: "06_approve".into(),
            role: "manager".into(),
            turn: "shop.yaml:40".into(),
            message: "awaited see `approved` for 5s".into(),
            awaited: vec!["see `approved`".into()],
            waited_us: 5_000_000,
            activity: Activity::WaitingForInput,
            tail: tail.into(),
            screen: None,
            hint: None,
        };
        FlowRecord {
            outcome: FlowOutcome::Failed(Box::new(failure)),
            ..completed(number, 5_100_000)
        }
    }

    pub(in crate::report::bundle) fn info() -> RunInfo {
        let role = |name: &str| RoleInfo {
            name: name.into(),
            title: name.into(),
            command: format!("./{name}"),
            terminal: None,
        };
        RunInfo {
            id: RunId("REAL-E2E-20260131-120000".into()),
            scenario: "shop".into(),
            roles: vec![role("customer"), role("manager")],
            steps: vec![StepInfo {
                name: "06_approve".into(),
                role: "manager".into(),
                action: "approve".into(),
                turns: Vec::new(),
            }],
            flows: Some(10),
            parallel: 1,
            load: "1 at once".into(),
            seed: Some(7),
            started_at: Local::now(),
            ..RunInfo::default()
        }
    }

    pub(in crate::report::bundle) fn about() -> About {
        About {
            environment: RunEnvironment {
                host: "host".into(),
                kernel: "Linux".into(),
                cores: 2,
                processor: None,
                governor: None,
                rehearsal_version: "0".into(),
                command_line: vec!["rehearsal".into(), "run".into()],
                clock_offset_us: None,
            },
            origin: super::super::form::RunOrigin::default(),
            scenario: "name: shop\n".into(),
        }
    }

    pub(in crate::report::bundle) fn evidence(flow: FlowRecord) -> Evidence {
        let moment = |after_us, role, what| Moment {
            after_us,
            role: RoleIndex(role),
            attempt: 1,
            what,
        };
        let heard = |text: &str| Happening::Heard {
            stream: Stream::Out,
            text: text.into(),
        };
        Evidence {
            flow,
            data: vec![DataRow {
                name: "customers".into(),
                values: vec![("name".into(), "Ann".into())],
            }],
            transcript: vec![
                moment(1_000, 1, heard("\u{1b}[2JOrder?\r\n> ")),
                moment(1_500, 1, Happening::Said { text: "1".into() }),
                moment(
                    2_000,
                    1,
                    heard("ORD-1 is already \u{7}approved\r\nSelect: "),
                ),
                moment(2_100, 0, heard("Bye\n")),
            ],
        }
    }

    fn names(directory: &Path) -> Vec<String> {
        let Ok(entries) = fs::read_dir(directory) else {
            return Vec::new();
        };
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn bundles_are_whole_and_can_be_read_again() {
        let home = tempfile::tempdir().unwrap();
        let run = home.path().join("REAL-E2E-1");
        let limits = EvidenceLimits {
            in_all: 5,
            alike: 5,
            slowest: 0,
        };
        let mut bundles = Bundles::new(&run, about(), limits);
        let name = bundles
            .keep(&info(), &evidence(failed(12, "Select: ")))
            .unwrap();
        assert_eq!(name, "bundles/failed-000012");
        assert_eq!(names(&run.join("bundles")), ["failed-000012"]);
        let directory = run.join(name);
        let films = ["customer.cast", "manager.cast"];
        assert_eq!(
            names(&directory),
            [JSON, films[0], films[1], SCENARIO, TEXT]
        );
        let bundle = Bundle::open(&directory).unwrap();
        assert_eq!(bundle.signature.unwrap().saw.as_deref(), Some("Select:"));
        assert_eq!(bundle.flow.number, FlowNumber(12));
        assert_eq!(bundle.transcript.len(), 4);
        assert_eq!(bundle.data["customers"]["name"], "Ann");
        assert_eq!(Bundle::scenario(&directory).unwrap(), "name: shop\n");
        let (kept, error) = bundles.finish();
        assert_eq!(kept, BundleCounts { failed: 1, slow: 0 });
        assert!(error.is_none());
    }

    #[test]
    fn only_the_slowest_stay() {
        let home = tempfile::tempdir().unwrap();
        let limits = EvidenceLimits {
            in_all: 5,
            alike: 5,
            slowest: 2,
        };
        let mut bundles = Bundles::new(home.path(), about(), limits);
        for (number, us) in [(1, 50), (2, 10), (3, 40), (4, 90)] {
            assert_eq!(
                bundles.keep(&info(), &evidence(completed(number, us))),
                None
            );
        }
        assert_eq!(
            names(&home.path().join("bundles")),
            ["slow-000001", "slow-000004"]
        );
        assert_eq!(bundles.finish().0, BundleCounts { failed: 0, slow: 2 });
    }

    #[test]
    fn runs_that_are_not_saved_do_not_fill_the_disk() {
        let home = tempfile::tempdir().unwrap();
        let saved = home.path().join("REAL-E2E-0-saved");
        fs::create_dir_all(saved.join(BUNDLES)).unwrap();
        fs::write(saved.join("flows.jsonl"), "").unwrap();
        fs::create_dir(home.path().join("mine")).unwrap();
        let limits = EvidenceLimits {
            in_all: 5,
            alike: 5,
            slowest: 0,
        };
        for number in 0..30 {
            let run = home.path().join(format!("REAL-E2E-{number:02}"));
            let mut bundles = Bundles::new(&run, about(), limits);
            bundles.keep(&info(), &evidence(failed(1, ""))).unwrap();
        }
        let left = names(home.path());
        assert_eq!(left.len(), MAX_UNSAVED_RUNS + 2, "{left:?}");
        assert!(left.contains(&"REAL-E2E-29".into()) && left.contains(&"mine".into()));
        assert!(saved.is_dir());
    }

    #[test]
    fn a_write_error_is_reported_once() {
        let home = tempfile::tempdir().unwrap();
        let run = home.path().join("a-file");
        fs::write(&run, "").unwrap();
        let limits = EvidenceLimits {
            in_all: 5,
            alike: 5,
            slowest: 0,
        };
        let mut bundles = Bundles::new(&run, about(), limits);
        for number in 1..3 {
            assert_eq!(bundles.keep(&info(), &evidence(failed(number, ""))), None);
        }
        let error = bundles.finish().1.unwrap().to_string();
        assert!(error.contains("a-file/bundles"), "{error}");
    }
}
