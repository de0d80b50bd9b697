//! Checks of the files that a command is to write.

use std::fs;
use std::path::{self, Path, PathBuf};

use crate::cli::args::ExportArgs;
use crate::cli::error::CliError;
use crate::report::TraceTarget;

use super::Destination;

/// Checks that the report for browsers can be written, before there is anything to report, that no
/// two outputs have the same file, and that none has that of an input, which it would overwrite.
pub(in crate::cli) fn check(
    inputs: &[PathBuf],
    html: Option<&Option<PathBuf>>,
    json_lines: Option<&Destination>,
    exports: &ExportArgs,
) -> Result<(), CliError> {
    let html = html.and_then(Option::as_deref);
    if let Some(file) = html {
        check_place("--html", file)?;
    }
    let otlp = match &exports.otlp {
        Some(TraceTarget::File(file)) => Some(file.as_path()),
        Some(TraceTarget::Collector(_)) | None => None,
    };
    let json_lines = match json_lines {
        Some(Destination::File(file)) => Some(file.as_path()),
        Some(Destination::StandardOutput) | None => None,
    };
    check_distinct(
        inputs,
        &[
            ("--html", html),
            ("--json-lines", json_lines),
            ("--junit", exports.junit.as_deref()),
            ("--markdown", exports.markdown.as_deref()),
            ("--csv-steps", exports.csv_steps.as_deref()),
            ("--csv-flows", exports.csv_flows.as_deref()),
            ("--otlp", otlp),
        ],
    )
}

/// Checks that these files can be written, each in place of an earlier one, that no two of them are the
/// same, and that none is an input.
pub(in crate::cli) fn check_files(
    inputs: &[PathBuf],
    files: &[(&'static str, Option<&Path>)],
) -> Result<(), CliError> {
    for (option, file) in files {
        file.map_or(Ok(()), |file| check_place(option, file))?;
    }
    check_distinct(inputs, files)
}

fn check_distinct(
    inputs: &[PathBuf],
    files: &[(&'static str, Option<&Path>)],
) -> Result<(), CliError> {
    let files: Vec<_> = files
        .iter()
        .filter_map(|(option, file)| Some((*option, (*file)?)))
        // Devices and pipes take several.
        .filter(|(_, file)| !file.metadata().is_ok_and(|it| !it.is_file()))
        .map(|(option, file)| (option, file, identity(file)))
        .collect();
    for (option, file, path) in &files {
        if inputs.iter().any(|input| identity(input) == *path) {
            return Err(CliError::usage(
                format_args!("{option} would overwrite {}, which is read", file.display()),
                "name another file for the output",
            ));
        }
    }
    for (place, (option, file, path)) in files.iter().enumerate() {
        if let Some((earlier, ..)) = files[..place].iter().find(|(.., it)| it == path) {
            return Err(CliError::usage(
                format_args!("{earlier} and {option} both name {}", file.display()),
                "name a file of its own for each",
            ));
        }
    }
    Ok(())
}

/// Returns the path by which a file is known, however it was written: links and `..` are followed.
/// The file need not exist.
fn identity(file: &Path) -> PathBuf {
    let of_new_file = || {
        let directory = fs::canonicalize(directory_of(file)).ok()?;
        Some(directory.join(file.file_name()?))
    };
    let known = fs::canonicalize(file).ok().or_else(of_new_file);
    known.unwrap_or_else(|| path::absolute(file).unwrap_or(file.into()))
}

/// Returns the directory that has this file.
fn directory_of(file: &Path) -> &Path {
    let directory = file.parent().filter(|it| !it.as_os_str().is_empty());
    directory.unwrap_or(Path::new("."))
}

/// Checks that a report can be written to this file.
fn check_place(option: &str, file: &Path) -> Result<(), CliError> {
    let directory = directory_of(file);
    if directory.is_dir() && !file.is_dir() {
        // A regular file is replaced by a new one, so that the directory has to take it.
        if file.symlink_metadata().is_ok_and(|it| !it.is_file()) {
            return Ok(());
        }
        let tried = tempfile::tempfile_in(directory).map(drop);
        return tried.map_err(|error| {
            // Its text names the temporary file.
            let reason = error.kind();
            CliError::usage(
                format_args!("{option}: cannot write {}: {reason}", file.display()),
                format_args!("name a file in a directory that you may write to: {option}=FILE"),
            )
        });
    }
    let (path, what) = match file.is_dir() {
        true => (file, "is a directory"),
        false => (directory, "is not a directory"),
    };
    Err(CliError::usage(
        format_args!("{option}: {} {what}", path.display()),
        format_args!("name a file in a directory that exists: {option}=FILE"),
    ))
}
