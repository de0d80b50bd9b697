//! Environment variables of a program.

use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

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
    /// A variable contained a NUL byte, which the kernel cannot pass on.
    has_nul: bool,
}

impl Environment {
    /// Creates an environment. Of several variables with one name the last counts.
    pub fn new<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let mut all = Environment::default();
        for (name, value) in variables {
            all.set(name, value);
        }
        Environment {
            common: all.own.into(),
            own: Vec::new(),
            has_nul: all.has_nul,
        }
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
        let replaced: Vec<&[u8]> = self.own.iter().map(|own| name_of(own)).collect();
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
    fn a_nul_byte_is_noticed() {
        assert!(!Environment::new([("A", "1")]).has_nul());
        assert!(Environment::new([("A", "1\0")]).has_nul());
    }
}
