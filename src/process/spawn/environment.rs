//! Environment variables of a program: those of the run, of its terminal, of its role, and the
//! run's marks. Later ones replace earlier ones of the same name.

use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use crate::model::TerminalKind;
use crate::process::marker::{INSTANCE_VARIABLE, InstanceNumber, RUN_VARIABLE, RunMarker};

/// Environment variables of a program, as the `NAME=value` strings that the kernel takes.
///
/// Programs share their common variables: a clone does not copy the variables that
/// [`Environment::new`] was given, only those that were set afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// `NAME=value`, each.
    common: Arc<[CString]>,
    /// The same; these replace common variables of the same name.
    own: Vec<CString>,
    /// Names of common variables that are left out.
    unset: &'static [&'static str],
    /// A variable contained a NUL byte, which the kernel cannot pass on.
    has_nul: bool,
}

impl Environment {
    /// Creates an environment. Of several variables with one name the last counts.
    pub fn new<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Environment::collect(variables).into_common()
    }

    /// Creates the environment that all programs of a run share: `variables`, the run's directory,
    /// and values that switch colours off.
    pub fn of_run<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        variables: impl IntoIterator<Item = (N, V)>,
        run_directory: &Path,
    ) -> Self {
        let mut all = Environment::collect(variables);
        all.set("REHEARSAL_RUN_DIR", run_directory);
        all.set("NO_COLOR", "1");
        all.set("TERM", "dumb");
        all.into_common()
    }

    fn collect<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let mut all = Environment::default();
        for (name, value) in variables {
            all.set(name, value);
        }
        all
    }

    /// Shares the variables with all clones.
    fn into_common(self) -> Self {
        Environment {
            common: self.own.into(),
            own: Vec::new(),
            unset: self.unset,
            has_nul: self.has_nul,
        }
    }

    /// Returns this environment with the variables that describe `terminal`.
    #[must_use]
    pub fn on(&self, terminal: TerminalKind) -> Self {
        let mut environment = self.clone();
        match terminal {
            TerminalKind::Pty { rows, columns } => {
                environment.set("LINES", rows.to_string());
                environment.set("COLUMNS", columns.to_string());
            }
            // Without a terminal Python buffers its output until it ends.
            TerminalKind::Pipes => environment.set("PYTHONUNBUFFERED", "1"),
        }
        environment
    }

    /// Returns this environment for a program that draws a screen, as xterm does. The size is left to
    /// the terminal: a library that finds it here does not notice that it changes.
    #[must_use]
    pub fn drawing(mut self) -> Self {
        const LEFT_OUT: &[&str] = &["NO_COLOR", "COLORTERM", "LINES", "COLUMNS"];
        self.own
            .retain(|own| !LEFT_OUT.iter().any(|name| has_name(own, name.as_bytes())));
        self.unset = LEFT_OUT;
        self.set("TERM", "xterm-256color");
        self
    }

    /// Returns this environment with the marks by which the processes of a run and of an instance
    /// are found.
    pub(in crate::process) fn marked(&self, run: &RunMarker, instance: InstanceNumber) -> Self {
        let mut environment = self.clone();
        environment.set(RUN_VARIABLE, run.as_str());
        environment.set(INSTANCE_VARIABLE, instance.to_string());
        environment
    }

    /// Sets a variable, replacing its previous value.
    pub fn set(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) {
        let name = name.as_ref().as_bytes();
        match CString::new([name, b"=", value.as_ref().as_bytes()].concat()) {
            Ok(variable) => {
                self.own.retain(|own| !has_name(own, name));
                self.own.push(variable);
            }
            Err(_) => self.has_nul = true,
        }
    }

    pub(in crate::process) fn has_nul(&self) -> bool {
        self.has_nul
    }

    /// Returns all variables, as `NAME=value`.
    pub(in crate::process) fn variables(&self) -> Vec<&CStr> {
        let replaced = self.own.iter().map(|own| name_of(own));
        let unset = self.unset.iter().map(|name| name.as_bytes());
        let replaced: Vec<&[u8]> = replaced.chain(unset).collect();
        let is_replaced = |it: &&CString| replaced.iter().any(|name| has_name(it, name));
        let common = self.common.iter().filter(|it| !is_replaced(it));
        let mut all = Vec::with_capacity(self.common.len() + self.own.len());
        all.extend(common.chain(&self.own).map(CString::as_c_str));
        all
    }
}

fn name_of(variable: &CStr) -> &[u8] {
    let bytes = variable.to_bytes();
    // An environment may hold names that begin with `=`.
    let end = bytes.iter().skip(1).position(|&byte| byte == b'=');
    end.map_or(bytes, |end| &bytes[..end + 1])
}

fn has_name(variable: &CStr, name: &[u8]) -> bool {
    let rest = variable.to_bytes().strip_prefix(name);
    rest.is_some_and(|rest| rest.first() == Some(&b'='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(environment: &Environment) -> Vec<&str> {
        let texts = environment.variables();
        texts.iter().map(|it| it.to_str().unwrap()).collect()
    }

    #[test]
    fn the_last_value_of_a_name_counts() {
        let mut environment = Environment::new([("A", "1"), ("AB", "2"), ("A", "3"), ("=C", "4")]);
        assert_eq!(texts(&environment), ["AB=2", "A=3", "=C=4"]);
        let common = environment.clone();
        environment.set("A", "5=6");
        environment.set("B", "7");
        environment.set("A", "");
        environment.set("=C", "8");
        assert_eq!(texts(&environment), ["AB=2", "B=7", "A=", "=C=8"]);
        assert_eq!(texts(&common), ["AB=2", "A=3", "=C=4"]);
    }

    #[test]
    fn a_later_layer_replaces_variables_of_earlier_ones() {
        let run = Environment::of_run([("TERM", "xterm"), ("LINES", "1")], Path::new("/run"));
        let mut pty = run.on(TerminalKind::Pty {
            rows: 24,
            columns: 80,
        });
        pty.set("COLUMNS", "200");
        let base = ["REHEARSAL_RUN_DIR=/run", "NO_COLOR=1", "TERM=dumb"];
        assert_eq!(
            texts(&pty),
            [&base[..], &["LINES=24", "COLUMNS=200"]].concat()
        );
        let pipes = run.on(TerminalKind::Pipes);
        assert_eq!(
            texts(&pipes),
            [&["LINES=1"], &base[..], &["PYTHONUNBUFFERED=1"]].concat()
        );
    }

    #[test]
    fn a_program_that_draws_finds_a_terminal_with_colours() {
        let users = [("COLORTERM", "truecolor"), ("LINES", "1"), ("A", "1")];
        let run = Environment::of_run(users, Path::new("/run"));
        let pty = TerminalKind::Pty {
            rows: 24,
            columns: 80,
        };
        let mut screen = run.on(pty).drawing();
        let own = ["A=1", "REHEARSAL_RUN_DIR=/run", "TERM=xterm-256color"];
        assert_eq!(texts(&screen), own);
        screen.set("COLORTERM", "24bit");
        assert_eq!(texts(&screen), [&own[..], &["COLORTERM=24bit"]].concat());
    }

    #[test]
    fn a_nul_byte_is_noticed() {
        assert!(!Environment::new([("A", "1")]).has_nul());
        assert!(Environment::new([("A", "1\0")]).has_nul());
    }
}
