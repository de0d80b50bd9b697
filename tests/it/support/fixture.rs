//! The fixture program, and the scenarios in `tests/it/fixtures`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Returns the path of the fixture program; `tests/fixtures/fixture.rs` documents its words.
/// Scenarios call it `fixture`: its directory is in [`search_path`].
pub fn program() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        // target/PROFILE/deps/test-binary, target/PROFILE/examples/fixture
        let own = std::env::current_exe().unwrap();
        let profile = own.parent().and_then(Path::parent).unwrap();
        let path = profile.join("examples/fixture");
        let changed = |path: &Path| fs::metadata(path)?.modified();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fixture.rs");
        let is_fresh = matches!((changed(&path), changed(&source)), (Ok(built), Ok(written)) if built > written);
        if !is_fresh {
            // `cargo test` builds examples, but not when it is asked for single tests.
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["build", "--quiet", "--offline", "--examples"]);
            if profile.ends_with("release") {
                cargo.arg("--release");
            }
            let status = cargo.status().unwrap();
            assert!(status.success(), "the fixture program does not build");
        }
        path
    })
    .clone()
}

/// Returns the `PATH` of the tests, with the fixture program in front.
pub fn search_path() -> OsString {
    let own = std::env::var_os("PATH").unwrap_or_default();
    let program = program();
    let directory = program.parent().expect("a directory").to_owned();
    let directories = std::iter::once(directory).chain(std::env::split_paths(&own));
    std::env::join_paths(directories).expect("directories without colons")
}

/// Returns the text of `tests/it/fixtures/NAME.yaml`.
pub fn scenario(name: &str) -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures");
    let path = directory.join(format!("{name}.yaml"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns `text` with `to` in every place of `from`, of which there is at least one.
#[track_caller]
pub fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "no {from:?} in:\n{text}");
    text.replace(from, to)
}
