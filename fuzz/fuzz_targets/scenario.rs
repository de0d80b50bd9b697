//! Scenario compiler: any text gives a plan or errors, and never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rehearsal::scenario::{CompileOptions, compile};

fuzz_target!(|text: &str| {
    if let Err(faults) = compile(text, None, CompileOptions::default()) {
        assert!(!faults.to_string().is_empty());
    }
});
