//! Saved runs: any files give a run or an error.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rehearsal::report::SavedRun;

fuzz_target!(|bytes: &[u8]| {
    let directory = tempfile::tempdir_in("/dev/shm").expect("a directory");
    let (result, flows) = match bytes.iter().position(|&byte| byte == 0) {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (&[][..], bytes),
    };
    for (name, bytes) in [("result.json", result), ("flows.jsonl", flows)] {
        if !bytes.is_empty() {
            std::fs::write(directory.path().join(name), bytes).expect("a file");
        }
    }
    if let Ok(run) = SavedRun::open(directory.path(), directory.path()) {
        run.write_record(&mut std::io::sink()).ok();
    }
});
