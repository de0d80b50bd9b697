//! A real browser, Chromium, driven by playwright-core.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Returns the directory of the npm packages, if they and the programs are there.
pub fn packages() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?;
    let packages = target.join("test-programs/node_modules");
    let runs = |program: &str| {
        let output = Command::new(program).arg("--version").output();
        output.is_ok_and(|output| output.status.success())
    };
    for program in ["node", "chromium"] {
        if !runs(program) {
            eprintln!("skipped: there is no `{program}`");
            return None;
        }
    }
    if !packages.join("playwright-core").is_dir() {
        eprintln!(
            "skipped: there is no playwright-core in {}",
            packages.display()
        );
        return None;
    }
    Some(packages)
}

/// Asserts that nothing but the page's own scripts ran, of which there are so many, without errors
/// and without requests elsewhere.
#[track_caller]
pub fn assert_contained(seen: &Value, scripts: u64) {
    for events in ["console", "errors", "requests", "dialogs"] {
        assert_eq!(seen[events], serde_json::json!([]), "{events}: {seen}");
    }
    let foreign = &seen["foreign"];
    for kind in ["elements", "handlers", "styles"] {
        assert_eq!(foreign[kind], 0, "{kind}: {foreign}");
    }
    assert_eq!(foreign["scripts"], scripts);
    assert_eq!(foreign["ran"], false);
}
