//! Where the fixture program is.

use std::path::PathBuf;
use std::sync::OnceLock;

/// The path of the fixture program; `tests/fixtures/fixture.rs` tells what it can do.
pub fn fixture() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        // target/PROFILE/deps/test-binary, target/PROFILE/examples/fixture
        let own = std::env::current_exe().unwrap();
        let profile = own.parent().and_then(|deps| deps.parent()).unwrap();
        let path = profile.join("examples/fixture");
        let changed = |path: &std::path::Path| std::fs::metadata(path)?.modified();
        let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fixture.rs");
        let is_fresh = matches!((changed(&path), changed(&source)), (Ok(built), Ok(written)) if built > written);
        if !is_fresh {
            // `cargo test` builds examples, but not when it is asked for single tests.
            let mut cargo = std::process::Command::new(env!("CARGO"));
            cargo.args(["build", "--quiet", "--offline", "--example", "fixture"]);
            if profile.ends_with("release") {
                cargo.arg("--release");
            }
            assert!(
                cargo.status().unwrap().success(),
                "the fixture program does not build"
            );
        }
        path
    })
    .clone()
}
