//! Bundles of flows: any file gives a bundle or an error.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rehearsal::report::Bundle;

fuzz_target!(|bytes: &[u8]| {
    let directory = tempfile::tempdir_in("/dev/shm").expect("a directory");
    std::fs::write(directory.path().join("bundle.json"), bytes).expect("a file");
    let _ = Bundle::open(directory.path());
});
