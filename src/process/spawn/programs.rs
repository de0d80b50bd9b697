//! Program lookup by name, with the scripts of interpreters.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::process::spawn::executable::{ResolveError, check, check_env};

/// Interpreters: programs whose first argument names a script. A version may follow
/// (`python3.12`).
const INTERPRETERS: [&str; 12] = [
    "python", "sh", "bash", "dash", "zsh", "perl", "ruby", "node", "php", "Rscript", "tclsh",
    "expect",
];
/// The interpreters that search PATH for a script as well.
const SHELLS: [&str; 4] = ["sh", "bash", "dash", "zsh"];
/// The letters of options before the script that change nothing about it, by interpreter.
const PLAIN_OPTIONS: [(&str, &str); 7] = [
    ("python", "bBdEiIOqsSuvx"),
    ("sh", "aefmnuvx"),
    ("dash", "aefmnuvx"),
    ("bash", "aefhlmnuvx"),
    ("zsh", "aefhlmnuvx"),
    ("perl", "tTwW"),
    ("ruby", "w"),
];
/// The extensions that `node` adds to the name of a script.
const NODE_ENDINGS: [&str; 4] = ["js", "json", "node", "cjs"];

/// The surroundings in which a command runs, as far as they are known.
#[derive(Debug, Clone, Copy)]
pub struct Within<'a> {
    /// The working directory. If `None`, scripts are not checked.
    pub directory: Option<&'a Path>,
    /// `true` if the command sets its own PATH.
    pub has_own_path: bool,
}

/// A program that was found, and the check of what its first line requests from `env`.
#[derive(Debug, Clone)]
struct Found {
    path: PathBuf,
    env: Result<(), ResolveError>,
}

/// Lookup of programs: beside the scenario, in the directories for scripts, beside this executable,
/// and on PATH. The name `rehearsal` means this executable.
#[derive(Debug)]
pub struct Programs {
    home: PathBuf,
    scripts: Vec<PathBuf>,
    own: PathBuf,
    path: Option<OsString>,
    found: Mutex<HashMap<String, Found>>,
}

impl Programs {
    /// Creates a lookup. `home` is the scenario's directory (or the current one), `scripts` the
    /// directories for scripts, `own` this program's executable, `path` the value of PATH.
    pub fn new(home: PathBuf, scripts: Vec<PathBuf>, own: PathBuf, path: Option<OsString>) -> Self {
        Programs {
            home,
            scripts,
            own,
            path,
            found: Mutex::default(),
        }
    }

    /// Returns the default working directory of programs.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Finds the program `name`, at most once.
    fn find(&self, name: &str) -> Result<Found, ResolveError> {
        if name == "rehearsal" {
            let path = self.own.clone();
            return Ok(Found { path, env: Ok(()) });
        }
        let mut all = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = all.get(name) {
            return Ok(found.clone());
        }
        let path = self.search(name)?;
        let env = check_env(&path, &self.home, self.path.as_deref());
        let found = Found { path, env };
        all.insert(name.to_owned(), found.clone());
        Ok(found)
    }

    /// Searches for the program `name`: a path if it contains a `/`, otherwise in all directories.
    /// Relative paths are relative to the scenario's directory. Returns the first file that can be
    /// executed, or else the problem of the first match.
    fn search(&self, name: &str) -> Result<PathBuf, ResolveError> {
        if name.is_empty() {
            return Err(ResolveError::Empty);
        }
        if name.contains('/') {
            let program = self.home.join(name);
            return check(&program).map(|()| program);
        }
        let mut looked: Vec<PathBuf> = Vec::new();
        let mut nearest = None;
        let beside_own = self.own.parent().map(Path::to_owned);
        let beside = self.script_directories().cloned().chain(beside_own);
        for directory in beside.chain(self.directories_on_path()) {
            let directory = self.home.join(directory);
            let program = directory.join(name);
            match check(&program) {
                Ok(()) => return Ok(program),
                // The search continues, as in a shell; without another match, this is the error.
                Err(ResolveError::NotFound { .. }) => {}
                Err(problem) => nearest = nearest.or(Some(problem)),
            }
            if !looked.contains(&directory) {
                looked.push(directory);
            }
        }
        let name = name.into();
        Err(nearest.unwrap_or(ResolveError::NotFound { name, looked }))
    }

    fn directories_on_path(&self) -> impl Iterator<Item = PathBuf> {
        self.path.iter().flat_map(std::env::split_paths)
    }

    /// Returns the program and the full argument list for a command line of a scenario.
    ///
    /// A script that is passed to its interpreter (`python3 -u portal.py`) is found like a program:
    /// a first argument, plain options aside, that names a file beside the scenario or in a
    /// directory for scripts becomes that file's full path.
    ///
    /// # Errors
    /// The directories that were searched for the program or its script, or the reason why it
    /// cannot be executed.
    pub fn resolve<W: AsRef<str>>(
        &self,
        argv: &[W],
        within: Within<'_>,
    ) -> Result<(PathBuf, Vec<OsString>), ResolveError> {
        let name = argv.first().map(AsRef::as_ref).unwrap_or_default();
        let Found { path: program, env } = self.find(name)?;
        if !within.has_own_path {
            env?;
        }
        let mut full: Vec<OsString> = argv.iter().map(|word| word.as_ref().into()).collect();
        let place = 1 + plain_options(argv);
        let script = argv.get(place).map(AsRef::as_ref);
        if let Some(script) = script.filter(|script| !script.starts_with('-'))
            && name != "rehearsal"
        {
            match self.script(script) {
                Some(path) => full[place] = path.into(),
                None => self.check_script(name, script, within)?,
            }
        }
        Ok((program, full))
    }

    fn script_directories(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.home).chain(&self.scripts)
    }

    fn script(&self, name: &str) -> Option<PathBuf> {
        self.script_directories()
            .map(|directory| directory.join(name))
            .find(|path| path.is_file())
    }

    /// Checks that an interpreter will find a script that is not in a directory for scripts.
    fn check_script(
        &self,
        program: &str,
        script: &str,
        within: Within<'_>,
    ) -> Result<(), ResolveError> {
        let (Some(interpreter), Some(directory)) = (interpreter(program), within.directory) else {
            return Ok(());
        };
        let path = directory.join(script);
        let is_there = match interpreter {
            "node" => {
                script == "inspect"
                    || path.exists()
                    || NODE_ENDINGS
                        .iter()
                        .any(|ending| directory.join(format!("{script}.{ending}")).exists())
            }
            shell if SHELLS.contains(&shell) && !script.contains('/') => {
                let on_path = |directory: PathBuf| directory.join(script).exists();
                within.has_own_path || path.exists() || self.directories_on_path().any(on_path)
            }
            _ => path.exists(),
        };
        if is_there {
            return Ok(());
        }
        let mut looked: Vec<PathBuf> = self.script_directories().cloned().collect();
        if !looked.iter().any(|looked_in| looked_in == directory) {
            looked.push(directory.to_owned());
        }
        Err(ResolveError::NoScript {
            name: script.into(),
            looked,
        })
    }
}

/// Returns the number of options before the script of an interpreter; 0 if one of them may mean
/// that there is no script, or takes an argument.
fn plain_options<W: AsRef<str>>(argv: &[W]) -> usize {
    let name = argv.first().and_then(|name| interpreter(name.as_ref()));
    let letters = PLAIN_OPTIONS.iter().find(|(known, _)| Some(*known) == name);
    let letters = letters.map_or("", |(_, letters)| letters);
    let is_plain =
        |option: &str| !option.is_empty() && option.chars().all(|letter| letters.contains(letter));
    let options = argv.iter().skip(1).map(AsRef::as_ref);
    let options = options.take_while(|word: &&str| word.starts_with('-') && *word != "-");
    let options: Vec<&str> = options.collect();
    if options.iter().all(|option| is_plain(&option[1..])) {
        options.len()
    } else {
        0
    }
}

/// Returns the interpreter that a program is, by its name.
fn interpreter(program: &str) -> Option<&'static str> {
    let name = Path::new(program).file_name()?.to_str()?;
    let is_version = |rest: &str| {
        rest.chars()
            .all(|c| c.is_ascii_digit() || c == '.' || c == '-')
    };
    INTERPRETERS
        .into_iter()
        .find(|known| name.strip_prefix(known).is_some_and(is_version))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::process::spawn::executable::tests::executable;

    fn error_of(argv: &[&str], directory: &str, has_own_path: bool) -> Option<String> {
        let scratch = tempfile::tempdir().unwrap();
        let home = scratch.path();
        fs::create_dir_all(home.join("sub")).unwrap();
        for file in ["here.py", "sub/there.py", "app.js"] {
            fs::write(home.join(file), "").unwrap();
        }
        let path = std::env::var_os("PATH");
        let programs = Programs::new(home.to_owned(), Vec::new(), "rehearsal".into(), path);
        let directory = home.join(directory);
        // Any program will do, because only its name matters.
        for name in ["python3.99", "node", "sh"] {
            std::os::unix::fs::symlink("/bin/sh", home.join(name)).unwrap();
        }
        let within = Within {
            directory: Some(&directory),
            has_own_path,
        };
        let error = programs.resolve(argv, within).err()?.to_string();
        Some(error.replace(home.to_str().unwrap(), "HOME"))
    }

    #[test]
    fn a_missing_script_is_reported() {
        assert_eq!(
            error_of(&["python3.99", "nosuch.py"], "", false).unwrap(),
            "there is no script nosuch.py (looked in HOME)"
        );
        assert_eq!(
            error_of(&["python3.99", "nosuch.py"], "sub", false).unwrap(),
            "there is no script nosuch.py (looked in HOME, HOME/sub)"
        );
        assert_eq!(
            error_of(&["python3.99", "-u", "-B", "nosuch.py"], "", false).unwrap(),
            "there is no script nosuch.py (looked in HOME)"
        );
        for good in [
            ["python3.99", "-u", "here.py"].as_slice(),
            &["python3.99", "-c", "nosuch.py"],
            &["python3.99", "-uc", "nosuch.py"],
            &["python3.99", "-W", "nosuch.py"],
            &["python3.99", "-", "nosuch.py"],
            &["ls", "-l", "nosuch.py"],
        ] {
            assert_eq!(error_of(good, "sub", false), None, "{good:?}");
        }
        for good in [
            ["python3.99", "here.py"],
            ["python3.99", "there.py"],
            ["python3.99", "-c"],
            ["node", "../app"],
            ["node", "inspect"],
            ["sh", "ls"],
            ["ls", "nosuch.py"],
            ["rehearsal", "shop"],
        ] {
            assert_eq!(error_of(&good, "sub", false), None, "{good:?}");
        }
        assert!(error_of(&["sh", "nosuch"], "", false).is_some());
        assert_eq!(error_of(&["sh", "nosuch"], "", true), None);
    }

    /// Finds a program in the scenario's directory `home`, in `scripts` and on `path`.
    fn found(
        name: &str,
        home: &Path,
        scripts: &[PathBuf],
        path: &str,
    ) -> Result<PathBuf, ResolveError> {
        let path = Some(path.into());
        let programs = Programs::new(home.into(), scripts.into(), "/own/rehearsal".into(), path);
        let within = Within {
            directory: None,
            has_own_path: false,
        };
        programs
            .resolve(&[name], within)
            .map(|(program, _)| program)
    }

    #[test]
    fn names_are_searched_for_and_paths_start_at_the_home() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        let first = executable(home, "first dir/prüfung", 0o755);
        let second = executable(home, "second/prüfung", 0o755);
        let scripts = ["first dir".into()];
        let on_path = home.join("second");
        let on_path = on_path.to_str().unwrap();
        assert_eq!(found("prüfung", home, &scripts, on_path), Ok(first.clone()));
        assert_eq!(found("prüfung", home, &[], on_path), Ok(second));
        assert_eq!(found("first dir/prüfung", home, &[], ""), Ok(first.clone()));
        assert_eq!(found(first.to_str().unwrap(), home, &[], ""), Ok(first));
        assert_eq!(found("", home, &[], ""), Err(ResolveError::Empty));
    }

    #[test]
    fn an_unknown_name_is_reported_with_the_searched_directories() {
        let none = found("nix", "/home".as_ref(), &["scripts".into()], "/a:/b:/a");
        assert_eq!(
            none.unwrap_err().to_string(),
            "there is no program nix (looked in /home, /home/scripts, /own, /a, /b)"
        );
    }

    #[test]
    fn the_nearest_match_is_reported_unless_a_later_directory_has_the_program() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        let plain = executable(home, "one/tool", 0o644);
        let find = || found("tool", home, &["one".into(), "two".into()], "");
        assert_eq!(find(), Err(ResolveError::NotExecutable { path: plain }));
        let good = executable(home, "two/tool", 0o755);
        assert_eq!(find(), Ok(good));
    }
}
