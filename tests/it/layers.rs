//! The layers of the library: each module imports only modules below it.
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
    ("report", &["model", "terminal", "stats"]),
    ("guide", &[]),
    ("baseline", &["model", "stats", "report"]),
    (
        "recorder",
        &["model", "terminal", "dialogue", "scenario", "process"],
    ),
    (
        "cli",
        &[
            "model", "terminal", "dialogue", "scenario", "process", "engine", "stats", "report",
            "baseline", "recorder", "guide",
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
            let path = entry.expect("a readable directory").path();
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
fn modules_import_only_modules_below_them() {
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
fn the_files_that_the_documentation_names_exist() {
    let text = fs::read_to_string(source("lib.rs")).expect("lib.rs");
    let named: Vec<&str> = text
        .split('`')
        .filter(|it| it.starts_with("src/"))
        .collect();
    assert!(!named.is_empty());
    let missing: Vec<_> = named
        .iter()
        .filter(|it| !Path::new(env!("CARGO_MANIFEST_DIR")).join(it).exists())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
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

/// The module path of a source file below `src`: `engine::flow::machine`.
fn module_of(file: &Path) -> Vec<String> {
    let relative = file.strip_prefix(source("")).expect("a file below src");
    let parts = relative.with_extension("");
    parts
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect()
}

/// The `use` declarations of a file before its tests, each as a list of full paths.
fn imports(text: &str, own: &[String]) -> Vec<Vec<String>> {
    let code = text.split("\n#[cfg(test)]\nmod tests {").next();
    let code = code.unwrap_or_default();
    let mut found = Vec::new();
    for part in code.split('\n').collect::<Vec<_>>().join("\n").split(";") {
        let Some(at) = part.rfind("use ") else {
            continue;
        };
        let before = part[..at].rsplit('\n').next().unwrap_or_default().trim();
        // A re-export of a child is no import.
        if !before.is_empty() {
            continue;
        }
        let path: String = part[at + 4..].split_whitespace().collect();
        for path in expanded(&path) {
            let mut words: Vec<String> = path.split("::").map(str::to_owned).collect();
            let mut full: Vec<String> = match words[0].as_str() {
                "crate" => Vec::new(),
                "super" => own[..own.len() - 1].to_vec(),
                "self" => own.to_vec(),
                _ => [own, &words[..1]].concat(),
            };
            words.remove(0);
            while words.first().is_some_and(|word| word == "super") {
                words.remove(0);
                full.pop();
            }
            full.extend(words);
            found.push(full);
        }
    }
    found
}

/// The paths of a `use` tree: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn expanded(path: &str) -> Vec<String> {
    let Some(open) = path.find('{') else {
        return vec![path.to_owned()];
    };
    let (head, rest) = path.split_at(open);
    let inner = rest[1..].strip_suffix('}').unwrap_or(&rest[1..]);
    let (mut depth, mut begin, mut found) = (0, 0, Vec::new());
    for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&inner[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    let found = found.into_iter().filter(|it| !it.is_empty());
    found
        .flat_map(|it| expanded(&format!("{head}{it}")))
        .collect()
}

/// The files of a module that each of its files imports.
fn arrows(module: &str) -> Vec<(String, Vec<String>)> {
    let files = files_of(module);
    let names: Vec<Vec<String>> = files.iter().map(|file| module_of(file)).collect();
    let mut arrows = Vec::new();
    for (file, own) in files.iter().zip(&names) {
        let text = fs::read_to_string(file).expect("a readable source file");
        let mut to: Vec<String> = Vec::new();
        for path in imports(&text, own) {
            let target = names
                .iter()
                .filter(|name| path.starts_with(name))
                .max_by_key(|name| name.len());
            if let Some(target) = target.filter(|target| *target != own) {
                to.push(target.join("::"));
            }
        }
        arrows.push((own.join("::"), to));
    }
    arrows
}

/// The files of a module that lie on a circle of imports.
fn on_circles(module: &str) -> Vec<String> {
    let mut left = arrows(module);
    // A file that imports nothing that is left, or that nothing left imports, is on no circle.
    loop {
        let names: Vec<String> = left.iter().map(|(name, _)| name.clone()).collect();
        let imported: Vec<String> = left.iter().flat_map(|(_, to)| to.clone()).collect();
        let count = left.len();
        left.retain(|(name, to)| to.iter().any(|it| names.contains(it)) && imported.contains(name));
        if left.len() == count {
            return left.into_iter().map(|(name, _)| name).collect();
        }
    }
}

#[test]
fn files_import_each_other_in_no_circle() {
    for (module, _) in LAYERS {
        let circle = on_circles(module);
        assert!(
            circle.is_empty(),
            "on or between circles of {module}: {circle:?}"
        );
    }
}

#[test]
fn use_trees_are_read_as_the_compiler_reads_them() {
    let own = ["engine", "flow", "machine"].map(str::to_owned);
    let text = "use crate::a::{b::C, d};\nuse super::super::e::F;\npub use x::Y;\nuse g::H;\n\
                #[cfg(test)]\nmod tests {\n    use super::*;\n}\n";
    let found: Vec<String> = imports(text, &own).iter().map(|it| it.join("::")).collect();
    let expected = [
        "a::b::C",
        "a::d",
        "engine::e::F",
        "engine::flow::machine::g::H",
    ];
    assert_eq!(found, expected);
}
