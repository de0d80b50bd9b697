//! Directories and names of results and logs.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Local};

use crate::model::RunId;

use super::error::ReportError;

/// The directory of log files within a results place.
const LOGS: &str = "orchestrator_logs";

/// The directory for results and logs.
#[derive(Debug, Clone)]
pub struct Place {
    root: PathBuf,
}

/// The name of one run, unique among the runs of the same place.
#[derive(Debug)]
pub struct Reserved {
    pub id: RunId,
    pub log_path: PathBuf,
    /// The log file, still empty.
    pub log: File,
    /// The directory for saved results, which does not exist yet.
    pub directory: PathBuf,
}

impl Place {
    /// Creates the directory if necessary, and checks that files can be created in it.
    ///
    /// # Errors
    /// If the directory or files in it cannot be created.
    pub fn open(root: &Path) -> Result<Self, ReportError> {
        let logs = root.join(LOGS);
        fs::create_dir_all(&logs).map_err(|error| ReportError::create(&logs, error))?;
        for directory in [root, logs.as_path()] {
            tempfile::tempfile_in(directory)
                .map_err(|error| ReportError::create(directory, error))?;
        }
        Ok(Place {
            root: root.to_owned(),
        })
    }

    /// Reserves a name for a run that starts now. The first run of a second is named
    /// `REAL-E2E-20260131-142530`, the next `…-2`, and so on, across processes.
    ///
    /// # Errors
    /// If the log file, whose creation reserves the name, cannot be created.
    pub fn reserve(&self, now: DateTime<Local>) -> Result<Reserved, ReportError> {
        let name = now.format("REAL-E2E-%Y%m%d-%H%M%S").to_string();
        for attempt in 1_u32.. {
            let id = if attempt == 1 {
                name.clone()
            } else {
                format!("{name}-{attempt}")
            };
            let log_path = self.root.join(LOGS).join(format!("{id}.log"));
            let directory = self.root.join(&id);
            if directory.exists() {
                continue;
            }
            match OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&log_path)
            {
                Ok(log) => {
                    return Ok(Reserved {
                        id: RunId(id),
                        log_path,
                        log,
                        directory,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(ReportError::create(&log_path, error)),
            }
        }
        unreachable!("there are fewer files than numbers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_one_second_have_different_names() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::open(directory.path()).unwrap();
        let now = Local::now();
        let name = now.format("REAL-E2E-%Y%m%d-%H%M%S").to_string();
        assert_eq!(place.reserve(now).unwrap().id.0, name);
        let again = Place::open(directory.path()).unwrap().reserve(now).unwrap();
        assert_eq!(again.id.0, format!("{name}-2"));
        fs::create_dir(directory.path().join(format!("{name}-3"))).unwrap();
        assert_eq!(place.reserve(now).unwrap().id.0, format!("{name}-4"));
    }

    #[test]
    fn an_error_names_a_place_that_is_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Place::open(file.path()).unwrap_err().to_string();
        assert!(
            error.contains(&file.path().display().to_string()),
            "{error}"
        );
    }
}
