//! The directory of a search: its record and the runs of its trials.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::Local;

use crate::cli::args::CapacityArgs;
use crate::cli::environment::CliEnvironment;
use crate::cli::error::CliError;
use crate::cli::saved;
use crate::report::{CapacityRecord, sanitize};

/// The name of the record.
const RECORD: &str = "capacity.json";

/// The directory of a search.
pub(super) struct Place {
    directory: PathBuf,
}

impl Place {
    /// Opens the directory of an earlier search, or makes a new one.
    pub(super) fn open(
        args: &CapacityArgs,
        environment: &CliEnvironment,
    ) -> Result<Self, CliError> {
        if let Some(directory) = &args.resume {
            let directory = directory.clone();
            return Ok(Place { directory });
        }
        let results = args.save.clone();
        let results = results.unwrap_or_else(|| saved::results(environment));
        let failed = |path: &Path, error: io::Error| {
            let what = format_args!("cannot make {}: {error}", path.display()).to_string();
            CliError::usage(what, "name a directory that you may write to: --save DIR")
        };
        fs::create_dir_all(&results).map_err(|error| failed(&results, error))?;
        let name = Local::now().format("capacity-%Y%m%d-%H%M%S").to_string();
        let mut number = 1;
        loop {
            let directory = match number {
                1 => results.join(&name),
                _ => results.join(format!("{name}-{number}")),
            };
            match fs::create_dir(&directory) {
                Ok(()) => return Ok(Place { directory }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(failed(&directory, error)),
            }
        }
    }

    /// Returns the directory for the runs of trials.
    pub(super) fn runs(&self) -> PathBuf {
        self.directory.clone()
    }

    /// Returns the directory's path for people.
    pub(super) fn shown(&self) -> String {
        sanitize(&self.directory.display().to_string()).into_owned()
    }

    /// Reads the record, which has to be of the same search as `wanted`.
    pub(super) fn read(&self, wanted: &CapacityRecord) -> Result<CapacityRecord, CliError> {
        let path = self.directory.join(RECORD);
        let unusable = |reason: &dyn std::fmt::Display| {
            let what = format_args!("--resume: {}: {reason}", path.display()).to_string();
            CliError::usage(what, "name the directory of a search, or start a new one")
        };
        let text = fs::read_to_string(&path).map_err(|error| unusable(&error))?;
        let record: CapacityRecord =
            serde_json::from_str(&text).map_err(|error| unusable(&error))?;
        let differs = [
            (record.format != wanted.format, "another version wrote it"),
            (
                record.scenario != wanted.scenario,
                "it is about another scenario",
            ),
            (
                record.kind != wanted.kind,
                "it raises another load (see --parallel)",
            ),
            (
                record.thresholds != wanted.thresholds,
                "it has other thresholds",
            ),
        ];
        match differs.iter().find(|(differs, _)| *differs) {
            Some((_, reason)) => Err(unusable(reason)),
            None => Ok(record),
        }
    }

    /// Writes the record in place of the earlier one.
    pub(super) fn write(&self, record: &CapacityRecord) -> Result<(), CliError> {
        let path = self.directory.join(RECORD);
        let write = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
            serde_json::to_writer_pretty(&mut file, record)?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(|error| {
            CliError::system(format_args!("cannot write {}", path.display()), error)
        })
    }
}
