//! Finds the programs that a scenario names.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::transport::{ResolveError, resolve};

/// Where programs are looked for: beside the scenario, in the folders given for scripts, beside
/// this very program, and on PATH. The name `rehearsal` is this very program.
#[derive(Debug)]
pub struct Programs {
    home: PathBuf,
    search: Vec<PathBuf>,
    scripts: Vec<PathBuf>,
    own: PathBuf,
    path: Option<OsString>,
    found: Mutex<HashMap<String, PathBuf>>,
}

impl Programs {
    /// `home` is the scenario's folder (or the current one), `scripts` the folders given for
    /// scripts, `own` this program's executable, `path` the value of PATH.
    pub fn new(home: PathBuf, scripts: Vec<PathBuf>, own: PathBuf, path: Option<OsString>) -> Self {
        let mut search = vec![home.clone()];
        search.extend(scripts.iter().cloned());
        search.extend(own.parent().map(Path::to_owned));
        Programs {
            home,
            search,
            scripts,
            own,
            path,
            found: Mutex::default(),
        }
    }

    /// The folder in which programs run that say nothing else.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The program called `name`.
    ///
    /// # Errors
    /// Tells where it was looked for, or why it cannot be executed.
    pub fn find(&self, name: &str) -> Result<PathBuf, ResolveError> {
        if name == "rehearsal" {
            return Ok(self.own.clone());
        }
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = found.get(name) {
            return Ok(path.clone());
        }
        let path = resolve(
            OsStr::new(name),
            &self.home,
            &self.search,
            self.path.as_deref(),
        )?;
        found.insert(name.to_owned(), path.clone());
        Ok(path)
    }

    /// The program and the full argument list for a command line of a scenario.
    ///
    /// A script that is handed to its interpreter (`python3 portal.py`) is found like a program:
    /// a first argument that names a file beside the scenario or in a folder for scripts becomes
    /// that file's full path.
    ///
    /// # Errors
    /// As [`Programs::find`].
    pub fn resolve(&self, argv: &[String]) -> Result<(PathBuf, Vec<OsString>), ResolveError> {
        let name = argv.first().map(String::as_str).unwrap_or_default();
        let program = self.find(name)?;
        let mut full: Vec<OsString> = argv.iter().map(OsString::from).collect();
        if let Some(script) = argv.get(1).filter(|script| !script.starts_with('-'))
            && name != "rehearsal"
            && let Some(path) = self.script(script)
        {
            full[1] = path.into();
        }
        Ok((program, full))
    }

    fn script(&self, name: &str) -> Option<PathBuf> {
        let folders = std::iter::once(&self.home).chain(&self.scripts);
        folders
            .map(|folder| folder.join(name))
            .find(|path| path.is_file())
    }
}
