//! Saved runs: any files give a run or an error.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rehearsal::report::SavedRun;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir_in("/dev/shm").expect("a folder");
    let (result, flows) = match bytes.iter().position(|&byte| byte == 0) {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (&[][..], bytes),
    };
    for (name, bytes) in [("result.json", result), ("flows.jsonl", flows)] {
        if !bytes.is_empty() {
            std::fs::write(folder.path().join(name), bytes).expect("a file");
        }
    }
    if let Ok(run) = SavedRun::open(folder.path(), folder.path()) {
        run.write_record(&mut std::io::sink()).ok();
    }
});
