//! The directory of a saved run; [`result_file`](super::result_file) lists its files.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::error::ReportError;
use super::flows_file::{FlowsFile, FlowsWriter};
use super::latency_log::LatencyLog;
use super::result_file::{Head, RunEnvironment};
use super::saved_file;

const RESULT: &str = "result.json";
const FLOWS: &str = "flows.jsonl";
const LATENCY: &str = "latency.hlog";
const SCENARIO: &str = "scenario.yaml";
const LOG: &str = "run.log";
/// An empty file while the run is in progress.
const UNFINISHED: &str = "unfinished";
/// The reason for which the record of a run that has ended could not be saved, if that could be.
const NOT_SAVED: &str = "not-saved";

/// The end of a run without a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    InProgress,
    Killed,
    /// It ended, and its record could not be saved.
    NotSaved {
        /// Empty if it could not be saved, either.
        why: String,
    },
    Unknown,
}

/// The directory for the files of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultDirectory {
    path: PathBuf,
}

impl ResultDirectory {
    /// Creates a new directory.
    ///
    /// # Errors
    /// If it cannot be created, or exists.
    pub fn create(path: &Path) -> Result<Self, ReportError> {
        fs::create_dir(path).map_err(|error| ReportError::create(path, error))?;
        Ok(ResultDirectory::at(path))
    }

    /// Refers to a directory that may exist.
    pub fn at(path: &Path) -> Self {
        ResultDirectory {
            path: path.to_owned(),
        }
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of the run's record.
    pub fn result(&self) -> PathBuf {
        self.path.join(RESULT)
    }

    /// Returns the file of the run's flows.
    pub fn flows(&self) -> FlowsFile {
        FlowsFile {
            path: self.path.join(FLOWS),
        }
    }

    /// Returns the path of the run's latency log.
    pub fn latencies(&self) -> PathBuf {
        self.path.join(LATENCY)
    }

    /// Returns the paths of the files from which reports are made, and of the run's log.
    pub fn inputs(&self) -> Vec<PathBuf> {
        [RESULT, FLOWS, LATENCY, SCENARIO, LOG]
            .map(|name| self.path.join(name))
            .into()
    }

    /// Measures the clock of its file system against that of this machine, in microseconds; `None` if
    /// that is not possible. The error is some milliseconds: file systems keep the time of the
    /// kernel's last tick.
    pub fn clock_offset_us(&self) -> Option<i64> {
        let mut file = tempfile::NamedTempFile::new_in(&self.path).ok()?;
        let before = SystemTime::now();
        file.write_all(b"\n").ok()?;
        // A file system of the network sets the time when it gets the data.
        file.as_file().sync_all().ok()?;
        let after = SystemTime::now();
        let written = file.path().metadata().ok()?.modified().ok()?;
        let middle = before + after.duration_since(before).ok()? / 2;
        let us = |length: Duration| i64::try_from(length.as_micros()).ok();
        match written.duration_since(middle) {
            Ok(ahead) => us(ahead),
            Err(behind) => us(behind.duration()).map(|us| -us),
        }
    }

    /// Creates the file of the run's flows and returns its writer. Until
    /// [`ResultDirectory::finish`], the run counts as unfinished.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub fn write_flows(&self, environment: RunEnvironment) -> Result<FlowsWriter, ReportError> {
        let unfinished = self.path.join(UNFINISHED);
        File::create_new(&unfinished).map_err(|error| ReportError::create(&unfinished, error))?;
        FlowsWriter::create(&self.flows().path, environment)
    }

    /// Creates the latency log of the run.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub fn latency_log(&self) -> Result<LatencyLog, ReportError> {
        let path = self.latencies();
        let file = File::create_new(&path).map_err(|error| ReportError::create(&path, error))?;
        Ok(LatencyLog::new(&path, BufWriter::new(file)))
    }

    /// Saves the scenario's text, which must not contain secrets.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep_scenario(&self, text: &str) -> Result<(), ReportError> {
        write_whole(&self.path.join(SCENARIO), |out| {
            out.write_all(text.as_bytes())
        })
    }

    /// Reads the saved scenario.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn scenario(&self) -> Result<String, ReportError> {
        saved_file::read(&self.path.join(SCENARIO))
    }

    /// Returns the ending of a run that has no record and is not in progress.
    pub(super) fn ending(&self) -> Ending {
        match saved_file::read(&self.path.join(NOT_SAVED)) {
            Ok(why) => Ending::NotSaved {
                why: why.trim().to_owned(),
            },
            Err(_) if self.path.join(UNFINISHED).exists() => Ending::Killed,
            Err(_) => Ending::Unknown,
        }
    }

    /// Saves the record, atomically, and the log at the end of the run.
    ///
    /// # Errors
    /// If one of them cannot be written; the error names the file.
    pub fn finish(&self, head: &Head, log: Option<&Path>) -> Result<(), ReportError> {
        let saved = write_whole(&self.result(), |out| {
            serde_json::to_writer_pretty(&mut *out, head)?;
            out.write_all(b"\n")
        });
        self.note_end(saved.as_ref().err());
        saved?;
        let Some(log) = log else { return Ok(()) };
        let here = self.path.join(LOG);
        // A hard link, where the file system permits it.
        if fs::hard_link(log, &here).is_err() {
            fs::copy(log, &here).map_err(|error| ReportError::write(&here, error))?;
        }
        Ok(())
    }

    /// Notes that the run has ended, and the error of saving its record. Renaming and removing
    /// take no room on a full disk; what fails nevertheless only makes a later report less exact.
    fn note_end(&self, error: Option<&ReportError>) {
        let (unfinished, not_saved) = (self.path.join(UNFINISHED), self.path.join(NOT_SAVED));
        match error {
            Some(error) if fs::rename(&unfinished, &not_saved).is_ok() => {
                let _ = fs::write(not_saved, format!("{error}\n"));
            }
            // It had ended before.
            Some(_) => {}
            None => {
                let _ = fs::remove_file(unfinished);
                let _ = fs::remove_file(not_saved);
            }
        }
    }

    /// Copies the directory to a place with nothing but bundles of the run; the record comes last.
    ///
    /// # Errors
    /// If a file cannot be copied; the error names it.
    pub fn copy_to(&self, path: &Path) -> Result<ResultDirectory, ReportError> {
        let failed = |error| ReportError::create(path, error);
        let copy = permissive(0o777)
            .prefix(".rehearsal-")
            .tempdir_in(parent(path))
            .map_err(failed)?;
        let files =
            fs::read_dir(&self.path).map_err(|error| ReportError::read(&self.path, error))?;
        for file in files {
            let file = file.map_err(|error| ReportError::read(&self.path, error))?;
            let to = copy.path().join(file.file_name());
            fs::copy(file.path(), &to).map_err(|error| ReportError::write(&to, error))?;
        }
        if path.is_dir() {
            let mut names: Vec<_> = fs::read_dir(copy.path())
                .and_then(Iterator::collect::<io::Result<Vec<_>>>)
                .map_err(failed)?
                .iter()
                .map(fs::DirEntry::file_name)
                .collect();
            names.sort_by_key(|name| name == RESULT);
            for name in names {
                let to = path.join(&name);
                fs::rename(copy.path().join(name), &to)
                    .map_err(|error| ReportError::write(&to, error))?;
            }
        } else {
            fs::rename(copy.path(), path).map_err(failed)?;
            // It was renamed, so it must not be removed on drop.
            let _ = copy.keep();
        }
        Ok(ResultDirectory::at(path))
    }
}

fn parent(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Builds temporary files with these permissions, as they become results; by default only their
/// owner could read them.
pub(super) fn permissive(mode: u32) -> tempfile::Builder<'static, 'static> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut builder = tempfile::Builder::new();
    builder.permissions(fs::Permissions::from_mode(mode));
    builder
}

/// Creates a file atomically; it must not exist.
fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> Result<(), ReportError> {
    let failed = |error| ReportError::write(path, error);
    let file = permissive(0o666)
        .prefix(".rehearsal-")
        .tempfile_in(parent(path))
        .map_err(failed)?;
    // Written through `File`, as the wrapper's errors name the temporary path.
    let mut writer = BufWriter::new(file.as_file());
    write(&mut writer)
        .and_then(|()| writer.flush())
        .map_err(failed)?;
    drop(writer);
    file.as_file().sync_all().map_err(failed)?;
    file.persist_noclobber(path)
        .map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_joins_the_bundles_of_its_run() {
        let home = tempfile::tempdir().unwrap();
        let kept = ResultDirectory::create(&home.path().join("kept")).unwrap();
        kept.keep_scenario("name: test\n").unwrap();
        fs::write(kept.result(), "{}").unwrap();
        let place = home.path().join("REAL-E2E-1");
        fs::create_dir_all(place.join("bundles/failed-000001")).unwrap();
        let copy = kept.copy_to(&place).unwrap();
        assert_eq!(copy.scenario().unwrap(), "name: test\n");
        assert!(copy.result().is_file());
        assert!(place.join("bundles/failed-000001").is_dir());
        let left: Vec<_> = fs::read_dir(home.path()).unwrap().collect();
        assert_eq!(left.len(), 2, "{left:?}");
    }
}
