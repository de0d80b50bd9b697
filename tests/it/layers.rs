//! The layers of the library: each module imports only what stands below it.
//!
//! This reads the sources, so that the picture in the crate's documentation stays true.

use std::fs;
use std::path::{Path, PathBuf};

/// Each module with the modules that it may use.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("terminal", &["model"]),
    ("dialogue", &["model", "terminal"]),
    ("stats", &["model"]),
    ("process", &["model"]),
    ("scenario", &["model", "terminal", "dialogue", "stats"]),
    (
        "engine",
        &[
            "model", "terminal", "dialogue", "stats", "scenario", "process",
        ],
    ),
    ("api", &["model", "stats", "scenario", "engine"]),
    ("report", &["model", "stats"]),
    (
        "cli",
        &[
            "model", "terminal", "dialogue", "scenario", "process", "engine", "stats", "report",
        ],
    ),
];

fn source(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src")
        .join(relative)
}

fn rust_files(at: &Path, found: &mut Vec<PathBuf>) {
    if at.is_file() {
        found.push(at.to_owned());
    } else if let Ok(entries) = fs::read_dir(at) {
        for entry in entries {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() || path.extension().is_some_and(|extension| extension == "rs") {
                rust_files(&path, found);
            }
        }
    }
}

fn files_of(module: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    rust_files(&source(&format!("{module}.rs")), &mut found);
    rust_files(&source(module), &mut found);
    assert!(!found.is_empty(), "the module {module} has no files");
    found
}

/// The names `x` of every `crate::x` in the text, and of every name in `crate::{…}`.
fn crate_paths(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let group = group.split('}').next().unwrap_or_default();
            names.extend(group.split(',').map(|name| first_name(name.trim())));
        } else {
            names.push(first_name(rest));
        }
    }
    names
}

fn first_name(path: &str) -> String {
    path.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

#[test]
fn modules_import_only_what_stands_below_them() {
    let modules: Vec<&str> = LAYERS.iter().map(|(module, _)| *module).collect();
    let mut faults = Vec::new();
    for (module, below) in LAYERS {
        for file in files_of(module) {
            let text = fs::read_to_string(&file).expect("a readable source file");
            for name in crate_paths(&text) {
                let is_layer = modules.contains(&name.as_str());
                if is_layer && name != *module && !below.contains(&name.as_str()) {
                    faults.push(format!("{} imports {name}", file.display()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_module_of_the_library_has_its_layer() {
    let text = fs::read_to_string(source("lib.rs")).expect("lib.rs");
    let declared: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let mut known: Vec<&str> = LAYERS.iter().map(|(module, _)| *module).collect();
    known.sort_unstable();
    let mut sorted = declared.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, known);
}

#[test]
fn only_the_process_module_holds_unsafe_code() {
    for (module, _) in LAYERS.iter().filter(|(module, _)| *module != "process") {
        for file in files_of(module) {
            let text = fs::read_to_string(&file).expect("a readable source file");
            assert!(
                !text.contains("unsafe "),
                "{} holds unsafe code",
                file.display()
            );
        }
    }
}

#[test]
fn the_shop_knows_nothing_of_the_library() {
    for file in files_of("shop") {
        let text = fs::read_to_string(&file).expect("a readable source file");
        assert!(
            !text.contains("rehearsal::"),
            "{} uses the library",
            file.display()
        );
    }
}
