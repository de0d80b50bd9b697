//! Opening of saved files: regular files only, so that reading them ends.

use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::error::ReportError;

/// The maximum size of a file that is read as a whole.
const MAX_TEXT_BYTES: u64 = 256 << 20;

/// Opens a saved file for reading. Never waits.
///
/// # Errors
/// If it cannot be opened, or is a directory, a FIFO, a device or a socket.
pub(super) fn open(path: &Path) -> Result<File, ReportError> {
    open_regular(path).map_err(|error| ReportError::read(path, error))
}

fn open_regular(path: &Path) -> io::Result<File> {
    // Before it is opened, because opening a device can have effects.
    check(fs::metadata(path)?.file_type())?;
    let file = OpenOptions::new()
        .read(true)
        // It may have become a FIFO, which would wait for a writer.
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    check(file.metadata()?.file_type())?;
    Ok(file)
}

fn check(kind: FileType) -> io::Result<()> {
    let kind = match kind {
        _ if kind.is_file() => return Ok(()),
        _ if kind.is_dir() => "a directory",
        _ if kind.is_fifo() => "a FIFO",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    };
    Err(io::Error::other(format!("it is {kind}, not a file")))
}

/// Reads a saved file as text.
///
/// # Errors
/// As for [`open`], and if it is not UTF-8 or larger than any file of its kind.
pub(super) fn read(path: &Path) -> Result<String, ReportError> {
    let failed = |error| ReportError::read(path, error);
    let check_size = |bytes: u64| {
        let what = format_args!("it is larger than {} MiB", MAX_TEXT_BYTES >> 20);
        (bytes <= MAX_TEXT_BYTES)
            .then_some(())
            .ok_or_else(|| ReportError::malformed(path, what))
    };
    let file = open(path)?;
    check_size(file.metadata().map_err(failed)?.len())?;
    let mut bytes = Vec::new();
    // It may be growing.
    let mut limited = file.take(MAX_TEXT_BYTES + 1);
    limited.read_to_end(&mut bytes).map_err(failed)?;
    check_size(bytes.len() as u64)?;
    String::from_utf8(bytes).map_err(|_| ReportError::malformed(path, "it is not UTF-8"))
}

/// A character that some editors put before a text.
pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_are_opened_and_the_others_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let socket = directory.path().join("socket");
        let _socket = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (path, what) in [
            (fifo.as_path(), "a FIFO"),
            (directory.path(), "a directory"),
            (Path::new("/dev/zero"), "a device"),
            (&socket, "a socket"),
        ] {
            let error = read(path).unwrap_err().to_string();
            let expected = format!("cannot read {}: it is {what}, not a file", path.display());
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn other_encodings_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "{\"é\": 1}").unwrap();
        assert_eq!(read(&path).unwrap(), "{\"é\": 1}");
        fs::write(&path, b"\xff\xfe{\0").unwrap();
        assert!(read(&path).unwrap_err().to_string().ends_with("not UTF-8"));
    }

    #[test]
    fn an_endless_file_is_refused_with_bounded_memory() {
        let file = tempfile::NamedTempFile::new().unwrap();
        // Sparse: it takes no room on the disk.
        file.as_file().set_len(MAX_TEXT_BYTES * 16).unwrap();
        let error = read(file.path()).unwrap_err().to_string();
        assert!(error.ends_with("it is larger than 256 MiB"), "{error}");
    }
}
