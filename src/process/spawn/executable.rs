//! Checks that a file can be executed, and the errors of program lookup.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::Access;

/// An error of program lookup.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    #[error("the command is empty")]
    Empty,
    #[error("there is no program {}{}", QuotedName(name), SearchedPaths(looked))]
    NotFound {
        name: OsString,
        /// The directories that were searched, in order.
        looked: Vec<PathBuf>,
    },
    #[error("there is no script {}{}", QuotedName(name), SearchedPaths(looked))]
    NoScript {
        name: OsString,
        /// The directories that were searched, in order.
        looked: Vec<PathBuf>,
    },
    #[error("{} is a directory, not a program", path.display())]
    Directory { path: PathBuf },
    #[error("{0} is not executable: try `chmod +x {0}`", path.display())]
    NotExecutable { path: PathBuf },
    #[error(
        "{} cannot be run: its first line asks for {}, which does not exist{}",
        path.display(), interpreter.display(), Hint(interpreter)
    )]
    NoInterpreter { path: PathBuf, interpreter: PathBuf },
    #[error(
        "{} cannot be run: its first line asks `env` for {}, which is not on PATH{}",
        path.display(), QuotedName(wanted), EnvHint(wanted)
    )]
    NotOnPath { path: PathBuf, wanted: OsString },
    #[error(
        "{} cannot be run: its first line ends with a carriage return: save the file with Unix \
         line ends",
        path.display()
    )]
    CarriageReturn { path: PathBuf },
    #[error("{} cannot be run: it is empty", path.display())]
    EmptyFile { path: PathBuf },
    #[error(
        "{} cannot be run: it is neither a program for this machine nor a script that begins \
         with `#!` and an interpreter",
        path.display()
    )]
    UnknownFormat { path: PathBuf },
}

struct QuotedName<'a>(&'a OsStr);

impl fmt::Display for QuotedName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

struct SearchedPaths<'a>(&'a [PathBuf]);

impl fmt::Display for SearchedPaths<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        let places: Vec<String> = self
            .0
            .iter()
            .map(|place| place.display().to_string())
            .collect();
        write!(f, " (looked in {})", places.join(", "))
    }
}

struct Hint<'a>(&'a Path);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.as_os_str().as_bytes().ends_with(b"\r") {
            f.write_str(
                " (the line ends with a carriage return: save the file with Unix line ends)",
            )
        } else {
            Ok(())
        }
    }
}

struct EnvHint<'a>(&'a OsStr);

impl fmt::Display for EnvHint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.as_bytes().contains(&b' ') {
            f.write_str(" (for arguments, write `env -S`)")
        } else {
            Ok(())
        }
    }
}

/// Checks that a file can be executed, as far as that can be known without executing it.
pub(super) fn check(program: &Path) -> Result<(), ResolveError> {
    let path = || program.to_owned();
    match fs::metadata(program) {
        Err(_) => {
            let name = program.as_os_str().to_owned();
            return Err(ResolveError::NotFound {
                name,
                looked: Vec::new(),
            });
        }
        Ok(metadata) if metadata.is_dir() => return Err(ResolveError::Directory { path: path() }),
        Ok(_) => {}
    }
    if rustix::fs::access(program, Access::EXEC_OK).is_err() {
        return Err(ResolveError::NotExecutable { path: path() });
    }
    let Some(head) = head(program) else {
        return Ok(());
    };
    match Head::read(&head) {
        Head::Script {
            interpreter,
            argument,
        } => {
            if !interpreter.exists() {
                return Err(ResolveError::NoInterpreter {
                    path: path(),
                    interpreter,
                });
            }
            // Perl treats it as a blank.
            if argument.ends_with(b"\r") && !interpreter.ends_with("perl") {
                return Err(ResolveError::CarriageReturn { path: path() });
            }
            Ok(())
        }
        Head::Empty => Err(ResolveError::EmptyFile { path: path() }),
        Head::Text => Err(ResolveError::UnknownFormat { path: path() }),
        Head::Other => Ok(()),
    }
}

/// Checks that the program that a script's first line requests from `env` is on `path`, relative to
/// `base`.
///
/// # Errors
/// [`ResolveError::NotOnPath`] if it is not.
pub(super) fn check_env(
    program: &Path,
    base: &Path,
    path: Option<&OsStr>,
) -> Result<(), ResolveError> {
    let Some(wanted) = head(program).and_then(|head| wanted_of_env(&head)) else {
        return Ok(());
    };
    let mut from_path = path.into_iter().flat_map(std::env::split_paths);
    let is_there = wanted.as_bytes().contains(&b'/')
        || from_path.any(|directory| {
            let file = base.join(directory).join(&wanted);
            file.is_file() && rustix::fs::access(&file, Access::EXEC_OK).is_ok()
        });
    if is_there {
        return Ok(());
    }
    Err(ResolveError::NotOnPath {
        path: program.to_owned(),
        wanted,
    })
}

/// Returns the program that a script's first line requests from `env`, if it does.
fn wanted_of_env(head: &[u8]) -> Option<OsString> {
    let Head::Script {
        interpreter,
        argument,
    } = Head::read(head)
    else {
        return None;
    };
    if interpreter.file_name()? != "env" {
        return None;
    }
    let wanted = match argument.strip_prefix(b"-S") {
        // Only the plain form is supported.
        Some(split) => split
            .split(u8::is_ascii_whitespace)
            .find(|word| !word.is_empty() && !word.contains(&b'='))?,
        None => argument,
    };
    let is_option = wanted.starts_with(b"-") || wanted.contains(&b'=');
    (!wanted.is_empty() && !is_option).then(|| OsString::from_vec(wanted.to_vec()))
}

/// Reads the beginning of a file, as much as the kernel does (BINPRM_BUF_SIZE). Returns `None` if
/// the file is not readable, which an executable need not be.
fn head(program: &Path) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    let file = fs::File::open(program).ok()?;
    file.take(256).read_to_end(&mut head).ok()?;
    Some(head)
}

/// The format of an executable file, by its first bytes.
enum Head<'a> {
    Script {
        interpreter: PathBuf,
        /// The rest of the line, which is one argument.
        argument: &'a [u8],
    },
    Empty,
    /// Text without an interpreter.
    Text,
    /// A binary, or another format that the kernel may support.
    Other,
}

impl<'a> Head<'a> {
    fn read(head: &'a [u8]) -> Self {
        if head.is_empty() {
            return Head::Empty;
        }
        let Some(line) = head.strip_prefix(b"#!") else {
            let is_control = |byte: &u8| *byte < b' ' && !byte.is_ascii_whitespace() && *byte != 27;
            return if head.iter().any(is_control) {
                Head::Other
            } else {
                Head::Text
            };
        };
        let line = line.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let trim = |text: &'a [u8]| -> &'a [u8] {
            let begin = text.iter().position(|byte| !is_blank(byte));
            let end = text.iter().rposition(|byte| !is_blank(byte));
            begin
                .zip(end)
                .map_or(&[], |(begin, end)| &text[begin..=end])
        };
        let line = trim(line);
        if line.is_empty() {
            return Head::Text;
        }
        let end = line.iter().position(is_blank).unwrap_or(line.len());
        let (interpreter, argument) = line.split_at(end);
        Head::Script {
            interpreter: PathBuf::from(OsString::from_vec(interpreter.to_vec())),
            argument: trim(argument),
        }
    }
}

/// Returns the reason why the kernel did not execute a program, if it can be found.
pub(in crate::process) fn explain(program: &Path, error: &io::Error) -> Option<ResolveError> {
    check(program).err().or_else(|| {
        (error.raw_os_error() == Some(libc::ENOEXEC)).then(|| ResolveError::UnknownFormat {
            path: program.to_owned(),
        })
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// Writes an empty shell script with these permissions.
    pub(in crate::process::spawn) fn executable(
        directory: &Path,
        name: &str,
        mode: u32,
    ) -> PathBuf {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn error_of(content: &str) -> Option<String> {
        let base = tempfile::tempdir().unwrap();
        let tool = executable(base.path(), "tool", 0o755);
        fs::write(&tool, content).unwrap();
        let path = std::env::var_os("PATH");
        let found = check(&tool).and_then(|()| check_env(&tool, base.path(), path.as_deref()));
        let error = found.err()?.to_string();
        Some(error.split_once("tool ").unwrap().1.to_owned())
    }

    #[test]
    fn files_that_the_kernel_would_not_execute_are_reported() {
        for good in [
            "#!/bin/sh\n",
            "#! /bin/sh -e\n",
            "#!/usr/bin/env sh\n",
            "\x7fELF\x02\0",
            "#!/usr/bin/env -S A=b sh -e\n",
            "#!/usr/bin/env -i sh\n",
        ] {
            assert_eq!(error_of(good), None, "{good:?}");
        }
        let bad = [
            ("", "cannot be run: it is empty"),
            ("echo hello\n", "a script that begins with `#!`"),
            ("#!\n", "a script that begins with `#!`"),
            ("#!/bin/sh\r\n", "carriage return"),
            ("#!/bin/sh -e\r\n", "carriage return"),
            ("#!/usr/bin/env sh\r\n", "carriage return"),
            (
                "#!/usr/bin/env no-such\n",
                "asks `env` for no-such, which is not on PATH",
            ),
            ("#!/usr/bin/env -S no-such -x\n", "asks `env` for no-such, "),
            ("#!/usr/bin/env sh -e\n", "(for arguments, write `env -S`)"),
        ];
        for (content, what) in bad {
            let error = error_of(content).unwrap_or_default();
            assert!(error.contains(what), "{content:?}: {error}");
        }
    }
}
