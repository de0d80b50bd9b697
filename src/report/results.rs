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

    /// Reserves a name for a run that starts now: its time and a random part, which makes it unique
    /// across machines, such as `REAL-E2E-20260131-142530-k3f9x`. `part` names a part of a run that
    /// several processes perform: `REAL-E2E-20260131-142530-k3f9x-s2of8`.
    ///
    /// # Errors
    /// If the log file, whose creation reserves the name, cannot be created.
    pub fn reserve(
        &self,
        now: DateTime<Local>,
        part: Option<&str>,
    ) -> Result<Reserved, ReportError> {
        loop {
            let mut id = now.format("REAL-E2E-%Y%m%d-%H%M%S-").to_string();
            id.extend((0..RANDOM_LENGTH).map(|_| random_character()));
            if let Some(part) = part {
                id.push('-');
                id.push_str(part);
            }
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
    }
}

/// The length of the random part of names: about 10⁷ runs of one second.
const RANDOM_LENGTH: usize = 5;

/// Returns a character that forms no words with others and is not taken for another one.
fn random_character() -> char {
    fastrand::choice(b"23456789bcdfghjkmnpqrstvwxz").map_or('2', |byte| char::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn runs_of_one_second_have_different_names() {
        let now = Local::now();
        let name = now.format("REAL-E2E-%Y%m%d-%H%M%S-").to_string();
        // As if on different machines.
        let names: BTreeSet<String> = (0..20)
            .map(|_| {
                let directory = tempfile::tempdir().unwrap();
                let place = Place::open(directory.path()).unwrap();
                place.reserve(now, None).unwrap().id.0
            })
            .collect();
        assert_eq!(names.len(), 20);
        for id in names {
            let random = id.strip_prefix(&name).expect("the time first");
            assert_eq!(random.len(), RANDOM_LENGTH);
        }
    }

    #[test]
    fn a_part_of_a_run_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::open(directory.path()).unwrap();
        let reserved = place.reserve(Local::now(), Some("s2of8")).unwrap();
        assert!(reserved.id.0.ends_with("-s2of8"), "{}", reserved.id);
        assert!(reserved.log_path.exists());
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
