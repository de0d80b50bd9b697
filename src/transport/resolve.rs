//! Finding the program that a name means.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::Access;

/// Why a name means no program that can be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    #[error("the command is empty")]
    Empty,
    #[error("there is no program {}{}", Shown(name), Looked(looked))]
    NotFound {
        name: OsString,
        /// Where it was looked for, in order.
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
        "{} cannot be run: it is neither a program for this machine nor a script that begins \
         with `#!` and an interpreter",
        path.display()
    )]
    UnknownFormat { path: PathBuf },
}

struct Shown<'a>(&'a OsStr);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

struct Looked<'a>(&'a [PathBuf]);

impl fmt::Display for Looked<'_> {
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

/// Finds a program.
///
/// A name with a `/` is a path, taken from `base` unless it is absolute. Any other name is looked
/// for in the directories of `search`, then in those of `path`, which has the form of the
/// variable `PATH`; directories that are not absolute are taken from `base`. The first file that
/// can be executed wins.
///
/// # Errors
/// What is wrong, and where it was looked.
pub fn resolve(
    name: &OsStr,
    base: &Path,
    search: &[PathBuf],
    path: Option<&OsStr>,
) -> Result<PathBuf, ResolveError> {
    if name.is_empty() {
        return Err(ResolveError::Empty);
    }
    if name.as_bytes().contains(&b'/') {
        let program = base.join(name);
        return match check(&program) {
            Ok(()) => Ok(program),
            Err(problem) => Err(problem),
        };
    }
    let from_path = path.into_iter().flat_map(std::env::split_paths);
    let mut looked: Vec<PathBuf> = Vec::new();
    let mut nearest = None;
    for directory in search.iter().cloned().chain(from_path) {
        let directory = base.join(directory);
        let program = directory.join(name);
        match check(&program) {
            Ok(()) => return Ok(program),
            // A shell goes on looking too; but if nothing else is found, this is what was meant.
            Err(ResolveError::NotFound { .. }) => {}
            Err(problem) => nearest = nearest.or(Some(problem)),
        }
        if !looked.contains(&directory) {
            looked.push(directory);
        }
    }
    Err(nearest.unwrap_or(ResolveError::NotFound {
        name: name.to_owned(),
        looked,
    }))
}

/// Whether a path means a program that can be run, as far as can be told without running it.
fn check(program: &Path) -> Result<(), ResolveError> {
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
    if let Some(interpreter) = interpreter(program)
        && !interpreter.exists()
    {
        return Err(ResolveError::NoInterpreter {
            path: path(),
            interpreter,
        });
    }
    Ok(())
}

/// The interpreter that a script's first line names.
fn interpreter(program: &Path) -> Option<PathBuf> {
    // What the kernel reads of it (BINPRM_BUF_SIZE).
    let mut head = Vec::new();
    fs::File::open(program)
        .ok()?
        .take(256)
        .read_to_end(&mut head)
        .ok()?;
    let line = head
        .strip_prefix(b"#!")?
        .split(|&byte| byte == b'\n')
        .next()?;
    let word = line
        .split(|byte| matches!(byte, b' ' | b'\t'))
        .find(|word| !word.is_empty())?;
    Some(PathBuf::from(OsString::from_vec(word.to_vec())))
}

/// What is wrong with a program that the kernel would not run.
pub(super) fn explain(program: &Path, error: &io::Error) -> Option<ResolveError> {
    check(program).err().or_else(|| {
        (error.raw_os_error() == Some(libc::ENOEXEC)).then(|| ResolveError::UnknownFormat {
            path: program.to_owned(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn executable(directory: &Path, name: &str, mode: u32) -> PathBuf {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn names_are_looked_for_and_paths_are_taken_from_the_base() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path();
        let first = executable(base, "first dir/prüfung", 0o755);
        let second = executable(base, "second/prüfung", 0o755);
        let find = |name: &str, search: &[PathBuf], path: &str| {
            resolve(OsStr::new(name), base, search, Some(OsStr::new(path)))
        };
        let own = ["first dir".into()];
        let second_dir = base.join("second");
        let second_dir = second_dir.to_str().unwrap();
        assert_eq!(find("prüfung", &own, second_dir), Ok(first.clone()));
        assert_eq!(find("prüfung", &[], second_dir), Ok(second));
        assert_eq!(find("first dir/prüfung", &[], ""), Ok(first.clone()));
        assert_eq!(find(first.to_str().unwrap(), &[], ""), Ok(first));
        assert_eq!(find("", &[], ""), Err(ResolveError::Empty));
    }

    #[test]
    fn a_name_not_found_tells_where_it_was_looked_for() {
        let none = resolve(
            OsStr::new("nix"),
            Path::new("/base"),
            &["own".into()],
            Some(OsStr::new("/a:/b:/a")),
        );
        assert_eq!(
            none.unwrap_err().to_string(),
            "there is no program nix (looked in /base/own, /a, /b)"
        );
    }

    #[test]
    fn what_was_nearly_found_is_told_unless_a_later_place_has_it() {
        let base = tempfile::tempdir().unwrap();
        let plain = executable(base.path(), "one/tool", 0o644);
        let search = ["one".into(), "two".into()];
        let find = || resolve(OsStr::new("tool"), base.path(), &search, None);
        assert_eq!(find(), Err(ResolveError::NotExecutable { path: plain }));
        let good = executable(base.path(), "two/tool", 0o755);
        assert_eq!(find(), Ok(good));
    }
}
