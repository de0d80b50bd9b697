//! Where results go, under which names, and how they get there.
//!
//! Flows are appended to a spool (`NAME.flows.jsonl`: a line about the run, then one line a flow)
//! as they end, so that a run that is cut off leaves what it has done. The results file
//! (`NAME.json`) is put together from the spool when the run is over, beside its final name, and
//! gets that name when it is complete.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Local};
use serde::Serialize;

use crate::model::{FlowRecord, RunId, RunInfo};

use super::error::ReportError;
use super::record::{Environment, FORMAT, Flow, Head, Run};

/// The folder of log files within a results place.
const LOGS: &str = "orchestrator_logs";

/// A folder that takes results and logs.
#[derive(Debug, Clone)]
pub struct Place {
    root: PathBuf,
}

/// The name of one run, which no other run among the same results has or gets.
#[derive(Debug)]
pub struct Reserved {
    pub id: RunId,
    pub log_path: PathBuf,
    /// The log, empty.
    pub log: File,
    /// Where the results go, if they are saved.
    pub results_path: PathBuf,
}

impl Place {
    /// Makes the folder, if need be, and makes sure that files can be made in it.
    ///
    /// # Errors
    /// If they cannot.
    pub fn open(root: &Path) -> Result<Self, ReportError> {
        let logs = root.join(LOGS);
        fs::create_dir_all(&logs).map_err(|error| ReportError::create(&logs, error))?;
        for folder in [root, logs.as_path()] {
            tempfile::tempfile_in(folder).map_err(|error| ReportError::create(folder, error))?;
        }
        Ok(Place {
            root: root.to_owned(),
        })
    }

    /// Names a run that starts now. The first of a second gets `REAL-E2E-20260131-142530`, the
    /// next `…-2`, and so on, whichever process they belong to.
    ///
    /// # Errors
    /// If the log file, whose creation reserves the name, cannot be made.
    pub fn reserve(&self, now: DateTime<Local>) -> Result<Reserved, ReportError> {
        let name = now.format("REAL-E2E-%Y%m%d-%H%M%S").to_string();
        for attempt in 1_u32.. {
            let id = if attempt == 1 {
                name.clone()
            } else {
                format!("{name}-{attempt}")
            };
            let log_path = self.root.join(LOGS).join(format!("{id}.log"));
            let results_path = self.root.join(format!("{id}.json"));
            if results_path.exists() {
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
                        results_path,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(ReportError::create(&log_path, error)),
            }
        }
        unreachable!("there are fewer files than numbers")
    }
}

/// Takes flows as they end, each a line of JSON.
///
/// After a failure to write it takes no more, and tells when it is finished.
#[derive(Debug)]
pub struct Spool {
    path: PathBuf,
    state: Result<BufWriter<File>, io::Error>,
    environment: Environment,
    flows: u64,
}

/// The flows of a run that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpooledFlows {
    pub path: PathBuf,
    /// How many there are.
    pub flows: u64,
}

/// The first line of a spool.
#[derive(Serialize)]
struct SpoolHead<'a> {
    format: &'a str,
    run: Run,
    environment: &'a Environment,
}

impl Spool {
    /// A new spool of run `id` in `folder`.
    ///
    /// # Errors
    /// If the file cannot be made, or is there.
    pub fn create(
        folder: &Path,
        id: &RunId,
        environment: Environment,
    ) -> Result<Self, ReportError> {
        let path = folder.join(format!("{id}.flows.jsonl"));
        let file = File::create_new(&path).map_err(|error| ReportError::create(&path, error))?;
        Ok(Spool {
            path,
            state: Ok(BufWriter::new(file)),
            environment,
            flows: 0,
        })
    }

    pub(super) fn begin(&mut self, info: &RunInfo) {
        let environment = self.environment.clone();
        let head = SpoolHead {
            format: FORMAT,
            run: Run::new(info),
            environment: &environment,
        };
        self.line(&head);
    }

    pub(super) fn append(&mut self, info: &RunInfo, flow: &FlowRecord) {
        self.line(&Flow::new(info, flow));
        self.flows += 1;
    }

    pub(super) fn flush(&mut self) {
        self.attempt(BufWriter::flush);
    }

    pub(super) fn finish(mut self) -> Result<SpooledFlows, ReportError> {
        self.flush();
        match self.state {
            Ok(_) => Ok(SpooledFlows {
                path: self.path,
                flows: self.flows,
            }),
            Err(error) => Err(ReportError::write(&self.path, error)),
        }
    }

    fn line(&mut self, value: &impl Serialize) {
        self.attempt(|file| {
            serde_json::to_writer(&mut *file, value)?;
            file.write_all(b"\n")
        });
    }

    fn attempt(&mut self, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) {
        if let Ok(file) = &mut self.state
            && let Err(error) = write(file)
        {
            self.state = Err(error);
        }
    }
}

impl SpooledFlows {
    /// The flows, a line of JSON each.
    fn lines(&self) -> io::Result<impl Iterator<Item = io::Result<String>>> {
        Ok(BufReader::new(File::open(&self.path)?).lines().skip(1))
    }
}

/// Writes the record of a run, with one flow in memory at a time.
///
/// # Errors
/// What the writer says; the reader's troubles look the same. `flows` of `None` makes an empty
/// list.
pub fn write_record(
    out: &mut impl Write,
    head: &Head,
    flows: Option<&SpooledFlows>,
) -> io::Result<()> {
    let head = serde_json::to_string_pretty(head)?;
    let open = head
        .strip_suffix("\n}")
        .expect("a struct with fields is a JSON object");
    write!(out, "{open},\n  \"flows\": [")?;
    let mut separator = "\n    ";
    if let Some(flows) = flows {
        for line in flows.lines()? {
            write!(out, "{separator}{}", line?)?;
            separator = ",\n    ";
        }
    }
    out.write_all(if separator.starts_with(',') {
        b"\n  ]\n}\n"
    } else {
        b"]\n}\n"
    })?;
    out.flush()
}

/// Puts the record of a run into the file `path`, whole or not at all. The spool has then done
/// its work and is removed; if the file could not be written, the spool stays, as it is all there
/// is. A file that is there already stays as it is, and is an error.
///
/// # Errors
/// If it cannot be written; the error names the file.
pub fn save(path: &Path, head: &Head, flows: Option<SpooledFlows>) -> Result<(), ReportError> {
    if let Some(flows) = &flows {
        File::open(&flows.path).map_err(|error| ReportError::read(&flows.path, error))?;
    }
    let failed = |error| ReportError::write(path, error);
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut permissive = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any other new file; the default of temporary files is to be readable by nobody else.
        permissive.permissions(fs::Permissions::from_mode(0o666));
    }
    let file = permissive
        .prefix(".rehearsal-")
        .tempfile_in(folder)
        .map_err(failed)?;
    let mut writer = BufWriter::new(file);
    write_record(&mut writer, head, flows.as_ref()).map_err(failed)?;
    let file = writer
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist_noclobber(path)
        .map_err(|error| failed(error.error))?;
    if let Some(flows) = flows {
        fs::remove_file(&flows.path).map_err(|error| ReportError::write(&flows.path, error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_one_second_have_names_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::open(folder.path()).unwrap();
        let now = Local::now();
        let name = now.format("REAL-E2E-%Y%m%d-%H%M%S").to_string();
        assert_eq!(place.reserve(now).unwrap().id.0, name);
        let again = Place::open(folder.path()).unwrap().reserve(now).unwrap();
        assert_eq!(again.id.0, format!("{name}-2"));
        fs::write(folder.path().join(format!("{name}-3.json")), "").unwrap();
        assert_eq!(place.reserve(now).unwrap().id.0, format!("{name}-4"));
    }

    #[test]
    fn a_place_that_is_a_file_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Place::open(file.path()).unwrap_err().to_string();
        assert!(
            error.contains(&file.path().display().to_string()),
            "{error}"
        );
    }

    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        let full = PathBuf::from("/dev/full");
        if !full.exists() {
            return;
        }
        let file = OpenOptions::new().write(true).open(&full).unwrap();
        let mut spool = Spool {
            path: full,
            state: Ok(BufWriter::new(file)),
            environment: Environment {
                host: "here".into(),
                kernel: "Linux 6".into(),
                cores: 2,
                rehearsal_version: "1".into(),
                command_line: Vec::new(),
            },
            flows: 0,
        };
        spool.line(&"a line");
        let error = spool.finish().unwrap_err().to_string();
        assert!(
            error.starts_with("cannot write /dev/full: No space left"),
            "{error}"
        );
    }
}
