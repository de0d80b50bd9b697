//! Stand-in for the processes, until they are there.

#![allow(clippy::all)]

use std::path::PathBuf;

pub const DESCRIPTORS_OF_A_TERMINAL: u64 = 2;
pub const DESCRIPTORS_OF_PIPES: u64 = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Need {
    pub processes: u64,
    pub descriptors: u64,
    pub terminals: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitProblem;

impl std::fmt::Display for LimitProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("too few terminals")
    }
}

pub fn check_limits(need: Need) -> Vec<LimitProblem> {
    if need.processes > 1_000_000 {
        vec![LimitProblem]
    } else {
        Vec::new()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatcherProgram {
    pub program: PathBuf,
    pub temporary: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Leftovers {
    pub pids: Vec<u32>,
}
