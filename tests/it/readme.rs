//! The README and the pages of the guide: their files and commands, run in their order, print the
//! output that they show, and their links lead somewhere.
//!
//! Numbers may differ, and runs of blanks; `...` matches any lines. Each page runs in a directory
//! of its own, with a new database.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use regex::Regex;
use rehearsal::guide::PAGES;

enum Block {
    File { name: String, text: String },
    Console(Vec<Shown>),
}

/// A command and the lines that it should print.
struct Shown {
    command: String,
    lines: Vec<String>,
}

fn blocks(readme: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut file = None;
    let mut lines = readme.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("<!-- file: ") {
            file = name.strip_suffix(" -->").map(str::to_owned);
        }
        let Some(language) = line
            .strip_prefix("```")
            .filter(|language| !language.is_empty())
        else {
            continue;
        };
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        if let Some(name) = file.take() {
            found.push(Block::File {
                name,
                text: body.join("\n") + "\n",
            });
        } else if language == "console" {
            found.push(Block::Console(console(&body)));
        }
    }
    found
}

fn console(body: &[&str]) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    for line in body {
        if let Some(command) = line.strip_prefix("$ ") {
            shown.push(Shown {
                command: command.to_owned(),
                lines: Vec::new(),
            });
        } else if let Some(last) = shown.last_mut() {
            last.lines.push((*line).to_owned());
        }
    }
    shown
}

/// A line without what differs from run to run.
fn normal(line: &str) -> String {
    let number = Regex::new(r"[0-9]+(\.[0-9]+)?").expect("a regex");
    let unit = Regex::new(r"\b0 (µs|ms|s|min)\b").expect("a regex");
    let blanks = Regex::new(r"\s+").expect("a regex");
    // A second run in the same second has one more number in its name.
    let run = Regex::new(r"REAL-E2E(-[0-9a-z]+)+").expect("a regex");
    let line = run.replace_all(line.trim(), "RUN");
    // Whether the figures are valid depends on the machine.
    let verdict = Regex::new(r"^Verdict +(valid|doubtful|invalid)$").expect("a regex");
    let line = verdict.replace(&line, "Verdict");
    let figures = Regex::new(r"[✓?✗] figures (valid|doubtful|invalid)").expect("a regex");
    let line = figures.replace(&line, "figures");
    let line = number.replace_all(&line, "0").replace('–', "0 s");
    let line = unit.replace_all(&line, "0 s");
    blanks.replace_all(&line, " ").into_owned()
}

/// Compares `printed` with `shown`, in which `...` matches any lines.
fn agrees(shown: &[String], printed: &[String]) -> Result<(), String> {
    let mut at = 0;
    let mut anywhere = false;
    for line in shown {
        if line == "..." {
            anywhere = true;
            continue;
        }
        let wanted = normal(line);
        let found = printed[at..].iter().position(|line| normal(line) == wanted);
        match found {
            Some(0) => at += 1,
            Some(further) if anywhere => at += further + 1,
            _ => return Err(format!("`{line}` is not printed where it should be")),
        }
        anywhere = false;
    }
    if at < printed.len() && !anywhere {
        return Err(format!("`{}` is printed, and not shown", printed[at]));
    }
    Ok(())
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn is_installed(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs the commands of `page`, at least `fewest` of them.
fn check_page(page: &str, fewest: usize) {
    let text = fs::read_to_string(root().join(page)).expect(page);
    let directory = tempfile::tempdir().expect("a directory");
    let program = Path::new(env!("CARGO_BIN_EXE_rehearsal"))
        .parent()
        .expect("its directory");
    let path = std::env::join_paths(std::iter::once(program.to_owned()).chain(
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()),
    ))
    .expect("a PATH");
    let python = is_installed("python3");
    let mut before = String::new();
    let mut checked = 0;
    for block in blocks(&text) {
        let shown = match block {
            Block::File { name, text } => {
                fs::write(directory.path().join(name), text).expect("a file");
                continue;
            }
            Block::Console(shown) => shown,
        };
        for Shown { command, lines } in shown {
            if (command.contains("tickets") || command.contains("orders")) && !python {
                eprintln!("skipped, as there is no python3: {command}");
                continue;
            }
            if command.starts_with("export ") {
                before = format!("{command}; ");
                continue;
            }
            // The block shows the exit code of the previous command.
            let script = match command.strip_prefix("echo $?") {
                Some(_) => continue,
                None => format!("{before}{command}; code=$?; echo \"code $code\" >&2"),
            };
            let output = Command::new("sh")
                .args(["-c", &script])
                .current_dir(directory.path())
                .env("PATH", &path)
                .env_remove("REHEARSAL_SHOP_DB")
                .env_remove("REHEARSAL_RESULTS")
                .stdin(Stdio::null())
                .output()
                .expect("sh");
            let out = String::from_utf8_lossy(&output.stdout);
            let err = String::from_utf8_lossy(&output.stderr);
            // `check` prints faults on standard error.
            let printed = if out.trim().is_empty() { &err } else { &out };
            let printed: Vec<String> = printed.trim_end().lines().map(str::to_owned).collect();
            if !lines.is_empty() {
                agrees(&lines, &printed)
                    .unwrap_or_else(|fault| panic!("`{command}`: {fault}\n{out}\n{err}"));
            }
            checked += 1;
        }
    }
    assert!(
        checked >= fewest,
        "only {checked} commands were found in {page}"
    );
}

macro_rules! pages {
    ($($page:ident: $fewest:literal,)*) => {
        $(#[test]
        fn $page() {
            check_page(concat!("src/guide/", stringify!($page), ".md"), $fewest);
        })*

        const CHECKED: &[&str] = &[$(stringify!($page)),*];
    };
}

// With the number of commands that each has at least; pages without any are not listed.
pages! {
    scenarios: 2,
    screens: 1,
    failures: 3,
    load: 1,
    results: 2,
    baselines: 3,
    integrity: 1,
    faults: 2,
    segments: 3,
}

#[test]
fn the_commands_of_the_readme_print_what_it_shows() {
    check_page("README.md", 4);
}

#[test]
fn every_page_with_commands_is_checked() {
    for page in PAGES {
        let checked = CHECKED.contains(&page.topic);
        assert_eq!(page.text.contains("```console"), checked, "{}", page.topic);
        assert!(page.text.starts_with("# "), "{} has no heading", page.topic);
    }
    let files = fs::read_dir(root().join("src/guide")).expect("the guide");
    assert_eq!(
        files.count(),
        PAGES.len(),
        "a file of the guide is not listed"
    );
}

#[test]
fn links_lead_to_files() {
    let link = Regex::new(r"\]\(([^)#:]+)(#[^)]*)?\)").expect("a regex");
    let pages = PAGES
        .iter()
        .map(|page| format!("src/guide/{}.md", page.topic));
    for page in pages.chain(["README.md".to_owned()]) {
        let page = root().join(page);
        let text = fs::read_to_string(&page).expect("a page");
        for target in link.captures_iter(&text) {
            let file = page.parent().expect("its directory").join(&target[1]);
            assert!(
                file.exists(),
                "{}: {} is not there",
                page.display(),
                &target[1]
            );
        }
    }
}

#[test]
fn the_guide_is_printed_by_topic() {
    let guide = |topic: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rehearsal"));
        let output = command.arg("guide").args(topic).output().expect("it");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let (code, topics, _) = guide(&[]);
    assert_eq!(code, Some(0));
    for page in PAGES {
        assert!(topics.contains(&format!("  {} ", page.topic)), "{topics}");
    }
    let (code, page, _) = guide(&["screens"]);
    assert_eq!(code, Some(0));
    assert!(page.starts_with("# Programs that draw screens\n"), "{page}");
    let (code, _, fault) = guide(&["screen"]);
    assert_eq!(code, Some(2));
    assert!(fault.contains("'screens'"), "{fault}");
}

#[test]
fn the_readme_lists_the_exit_codes_of_the_help() {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    let output = Command::new(env!("CARGO_BIN_EXE_rehearsal"))
        .arg("--help")
        .output()
        .expect("it");
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    let codes = help
        .split("Exit codes:")
        .nth(1)
        .expect("exit codes in the help");
    for line in codes
        .lines()
        .skip(1)
        .take_while(|line| !line.trim().is_empty())
    {
        let (code, meaning) = line
            .trim()
            .split_once("  ")
            .expect("a code and its meaning");
        let row = format!("| {} | {} |", code.trim(), meaning.trim());
        assert!(readme.contains(&row), "README has no row {row}");
    }
}
