//! Snapshots as files in a directory that machines share: one for each segment.
//!
//! A file is written under another name and renamed, so that a reader sees the one before or the new
//! one, whole.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::report::result_directory::permissive;
use crate::report::sanitize::sanitize;

use super::snapshot::{MAX_BYTES, Snapshot};

/// The beginning and the end of the files' names.
const PREFIX: &str = "segment-";
const SUFFIX: &str = ".json";

/// The maximum number of files that are looked at.
const MAX_FILES: usize = 200_000;

/// A writer of one segment's file.
pub(super) struct FolderWriter {
    directory: PathBuf,
    /// The segment whose file this writes; 0 before the first.
    number: u64,
}

impl FolderWriter {
    pub(super) fn new(directory: &Path) -> Self {
        FolderWriter {
            directory: directory.to_owned(),
            number: 0,
        }
    }

    /// Replaces the segment's file.
    pub(super) fn write(&mut self, number: u64, bytes: &[u8]) -> io::Result<()> {
        let temporary = format!(".{PREFIX}{number}.");
        if self.number != number {
            fs::create_dir_all(&self.directory)?;
            self.remove_unfinished(&temporary);
            self.number = number;
        }
        let mut file = permissive(0o666)
            .prefix(&temporary)
            .tempfile_in(&self.directory)?;
        file.write_all(bytes)?;
        file.persist(self.directory.join(format!("{PREFIX}{number}{SUFFIX}")))
            .map(drop)
            .map_err(|error| error.error)
    }

    /// Removes what a killed start of this segment has left.
    fn remove_unfinished(&self, prefix: &str) {
        let entries = fs::read_dir(&self.directory).into_iter().flatten();
        for entry in entries.flatten().take(MAX_FILES) {
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                // It is in no one's way.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// A reader of the files of all segments.
pub(super) struct FolderReader {
    directory: PathBuf,
    /// The state in which each file was read last.
    seen: HashMap<PathBuf, Stamp>,
    /// The beginning of the last look.
    looked: Option<Instant>,
}

/// The inode, length and time of change of a version of a file.
type Stamp = (u64, u64, i64, i64);

/// A file that has changed.
pub(super) enum Found {
    /// A snapshot that was written so long ago.
    Snapshot(Box<Snapshot>, Duration),
    /// A file that is none.
    Unusable(String),
}

impl FolderReader {
    pub(super) fn new(directory: &Path) -> Self {
        FolderReader {
            directory: directory.to_owned(),
            seen: HashMap::new(),
            looked: None,
        }
    }

    /// Reads the files that have changed since the last time. A directory that is not there yet has
    /// none.
    pub(super) fn changed(&mut self) -> Vec<Found> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                let directory = self.directory.display();
                let text = format!("{directory} cannot be read: {error}");
                return vec![Found::Unusable(sanitize(&text).into_owned())];
            }
        };
        // What has changed since then was written since then, whatever the clock of the file system says.
        let last = self.looked.replace(Instant::now());
        let most = last.map_or(Duration::MAX, |last| last.elapsed());
        let mut found = Vec::new();
        for entry in entries.flatten().take(MAX_FILES) {
            let name = entry.file_name().to_string_lossy().into_owned();
            // Files that are being written.
            if name.starts_with('.') {
                continue;
            }
            let path = entry.path();
            // One that is being replaced.
            let Ok(about) = fs::metadata(&path) else {
                continue;
            };
            let stamp = (about.ino(), about.len(), about.mtime(), about.mtime_nsec());
            if self.seen.insert(path.clone(), stamp) == Some(stamp) {
                continue;
            }
            let age = about.modified().ok();
            let age = age.and_then(|at| SystemTime::now().duration_since(at).ok());
            found.push(match read(&path, &name, about.is_file()) {
                Ok(snapshot) => {
                    Found::Snapshot(Box::new(snapshot), age.unwrap_or_default().min(most))
                }
                Err(why) => {
                    let text = format!("{}: {why}; it is ignored", path.display());
                    Found::Unusable(sanitize(&text).into_owned())
                }
            });
        }
        found
    }
}

fn read(path: &Path, name: &str, is_file: bool) -> Result<Snapshot, String> {
    let number = name
        .strip_prefix(PREFIX)
        .and_then(|it| it.strip_suffix(SUFFIX))
        .and_then(|it| it.parse::<u64>().ok())
        .filter(|_| is_file);
    let number = number.ok_or("it is no file of a segment")?;
    let unreadable = |error: io::Error| format!("it cannot be read: {error}");
    let file = fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let most = MAX_BYTES as u64 + 1;
    file.take(most)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() > MAX_BYTES {
        return Err("it is too large for a snapshot".into());
    }
    let snapshot = Snapshot::read(&bytes)?;
    match snapshot.place() {
        Some((own, _)) if own == number => Ok(snapshot),
        _ => Err("it is of another segment than its name says".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::snapshot;
    use super::*;

    #[test]
    fn what_changes_while_it_is_watched_is_new_by_any_clock_of_the_file_system() {
        let directory = tempfile::tempdir().expect("a directory");
        let an_hour = Duration::from_secs(3600);
        let publish = |number: u64| {
            let bytes =
                serde_json::to_vec(&snapshot(&format!("{number}/2"), "a", 1, 3)).expect("JSON");
            let mut writer = FolderWriter::new(directory.path());
            writer.write(number, &bytes).expect("it is written");
            let path = directory.path().join(format!("segment-{number}.json"));
            let file = fs::File::options().write(true).open(path).expect("a file");
            let then = SystemTime::now() - an_hour;
            file.set_modified(then).expect("its time can be set");
        };
        let ages = |reader: &mut FolderReader| -> Vec<Duration> {
            let changed = reader.changed().into_iter();
            let age = |found| match found {
                Found::Snapshot(_, age) => age,
                Found::Unusable(why) => panic!("{why}"),
            };
            changed.map(age).collect()
        };
        let mut reader = FolderReader::new(directory.path());
        publish(1);
        assert!(matches!(ages(&mut reader)[..], [age] if age >= an_hour));
        assert!(ages(&mut reader).is_empty());
        publish(1);
        publish(2);
        assert!(matches!(ages(&mut reader)[..], [one, other] if one.max(other) < an_hour));
    }
}
