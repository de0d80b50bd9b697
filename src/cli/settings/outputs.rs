//! Checks of the files that a command is to write.

use std::path::{self, Path, PathBuf};

use crate::cli::args::ExportArgs;
use crate::cli::error::CliError;
use crate::report::TraceTarget;

use super::Destination;

/// Checks that the report for browsers can be written, before there is anything to report, and that
/// no two outputs have the same file.
pub(in crate::cli) fn check(
    html: Option<&Option<PathBuf>>,
    json_lines: Option<&Destination>,
    exports: &ExportArgs,
) -> Result<(), CliError> {
    let html = html.and_then(Option::as_deref);
    if let Some(file) = html {
        check_place(file)?;
    }
    let otlp = match &exports.otlp {
        Some(TraceTarget::File(file)) => Some(file.as_path()),
        Some(TraceTarget::Collector(_)) | None => None,
    };
    let json_lines = match json_lines {
        Some(Destination::File(file)) => Some(file.as_path()),
        Some(Destination::StandardOutput) | None => None,
    };
    let files = [
        ("--html", html),
        ("--json-lines", json_lines),
        ("--junit", exports.junit.as_deref()),
        ("--markdown", exports.markdown.as_deref()),
        ("--csv-steps", exports.csv_steps.as_deref()),
        ("--csv-flows", exports.csv_flows.as_deref()),
        ("--otlp", otlp),
    ];
    let files: Vec<_> = files
        .into_iter()
        .filter_map(|(option, file)| Some((option, file?)))
        // Devices and pipes take several.
        .filter(|(_, file)| !file.metadata().is_ok_and(|it| !it.is_file()))
        .map(|(option, file)| (option, file, path::absolute(file).unwrap_or(file.into())))
        .collect();
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

/// Checks that a report can be written to this file.
fn check_place(file: &Path) -> Result<(), CliError> {
    let directory = file.parent().filter(|it| !it.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    if directory.is_dir() && !file.is_dir() {
        return Ok(());
    }
    let (path, what) = match file.is_dir() {
        true => (file, "is a directory"),
        false => (directory, "is not a directory"),
    };
    Err(CliError::usage(
        format_args!("--html: {} {what}", path.display()),
        "name a file in a directory that exists: --html=report.html",
    ))
}
