//! The examples in `config`: CI files, the dashboard, and what collects metrics and traces.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rehearsal::cli::args::{Args, Command, ExportArgs};
use serde_json::Value;

use super::*;

fn config(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("config")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&config(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The commands of a CI file that call the program, one line each.
fn commands(text: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut is_open = false;
    for line in text.lines().map(str::trim) {
        let line = line.strip_prefix("- ").unwrap_or(line);
        let line = line.strip_prefix("run: ").unwrap_or(line);
        let begins = line.starts_with("rehearsal ");
        if begins {
            commands.push(String::new());
        }
        // An option continues the line before, in the shell or folded by YAML.
        is_open = begins || (is_open && line.starts_with("--"));
        if is_open && let Some(command) = commands.last_mut() {
            command.push_str(line.trim_end_matches('\\').trim_end());
            command.push(' ');
        }
    }
    commands
}

/// The words of a command, as a shell splits them; the examples have no nested quotes.
fn words(command: &str) -> Vec<OsString> {
    let parts = command.split(['\'', '"']).enumerate();
    let words = parts.flat_map(|(place, part)| match place % 2 {
        1 => vec![part.into()],
        _ => part.split_whitespace().map(OsString::from).collect(),
    });
    words.collect()
}

/// The files that a run with these options writes.
fn files(exports: &ExportArgs) -> Vec<&PathBuf> {
    let files = [
        &exports.junit,
        &exports.markdown,
        &exports.csv_steps,
        &exports.csv_flows,
    ];
    files.into_iter().flatten().collect()
}

#[test]
fn ci_files_keep_what_their_commands_write() {
    for name in ["github-actions.yml", "gitlab-ci.yml", "Jenkinsfile"] {
        let text = config(&format!("ci/{name}"));
        let commands = commands(&text);
        assert_eq!(commands.len(), 2, "{name}: {commands:?}");
        for command in &commands {
            let args =
                Args::read(&words(command)).unwrap_or_else(|error| panic!("{command}: {error}"));
            match args.command {
                Some(Command::Run { scenario, options }) => {
                    assert_eq!(scenario, Some("config/order-flow.yaml".into()), "{name}");
                    let files = files(&options.exports);
                    assert!(files.len() >= 2, "{name}: {command}");
                    for file in files {
                        let uses = text.matches(&*file.display().to_string()).count();
                        assert!(
                            uses >= 2,
                            "{name} writes {} and does not keep it",
                            file.display()
                        );
                    }
                }
                Some(Command::Check { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    let gitlab = yaml("ci/gitlab-ci.yml");
    assert_eq!(
        gitlab["load-test"]["artifacts"]["reports"]["junit"],
        "junit.xml"
    );
    let github = yaml("ci/github-actions.yml");
    assert_eq!(
        github["jobs"]["load-test"]["steps"]
            .as_array()
            .expect("steps")
            .len(),
        5
    );
}

#[test]
fn examples_of_baselines_have_commands_that_are_understood() {
    let files = [
        "baseline-github-actions.yml",
        "rehearsal.service",
        "crontab",
    ];
    for name in files {
        let text = config(&format!("ci/{name}"));
        // A program may have a path, and commands may come before it.
        let text = text
            .replace("ExecStart=/usr/local/bin/", "\n")
            .replace("lock rehearsal", "\nrehearsal");
        let commands = commands(&text);
        assert_eq!(commands.len(), 1, "{name}: {commands:?}");
        let args = Args::read(&words(&commands[0]));
        let args = args.unwrap_or_else(|error| panic!("{name}: {error}"));
        let Some(Command::Run { options, .. }) = args.command else {
            panic!("{name}: {args:?}");
        };
        assert!(options.series.comparing.fail_if.is_some(), "{name}");
    }
    let github = yaml("ci/baseline-github-actions.yml");
    assert!(github["jobs"]["baseline"]["steps"].is_array());
}

#[test]
fn the_commands_of_the_github_workflow_work() {
    let sandbox = Sandbox::with("config/order-flow.yaml", &config("order-flow.yaml"));
    let steps = yaml("ci/github-actions.yml")["jobs"]["load-test"]["steps"].clone();
    let scripts = steps
        .as_array()
        .expect("steps")
        .iter()
        .filter_map(|step| step["run"].as_str());
    let scripts: Vec<_> = scripts
        .filter(|script| script.starts_with("rehearsal"))
        .collect();
    assert_eq!(scripts.len(), 2);
    for script in scripts {
        let script = script.replace("rehearsal ", "\"$REHEARSAL\" ");
        // A smaller load, as other tests run at the same time.
        let script = script.replace("--flows 50", "--flows 4");
        sandbox.shell(&script).assert_code(0);
    }
    for file in ["junit.xml", "steps.csv", "results"] {
        assert!(sandbox.has(file), "{file}");
    }
}

#[test]
fn the_dashboard_shows_metrics_that_exist() {
    let dashboard: Value = serde_json::from_str(&config("grafana/dashboard.json")).expect("JSON");
    let mut expressions = vec![
        dashboard["annotations"]["list"][0]["expr"]
            .as_str()
            .expect("a query"),
    ];
    for panel in dashboard["panels"].as_array().expect("panels") {
        let targets = panel["targets"].as_array().expect("targets");
        expressions.extend(
            targets
                .iter()
                .map(|it| it["expr"].as_str().expect("a query")),
        );
    }
    let name = regex::Regex::new("rehearsal_[a-z_]+").expect("an expression");
    let used: BTreeSet<_> = expressions
        .iter()
        .flat_map(|it| name.find_iter(it))
        .map(|it| it.as_str())
        .collect();
    // The documentation lists all metrics.
    let documented = include_str!("../../../src/report/prometheus.rs");
    let documented: BTreeSet<_> = documented
        .lines()
        .filter(|line| line.starts_with("//! |"))
        .flat_map(|line| name.find_iter(line))
        .map(|it| it.as_str())
        .collect();
    assert!(documented.len() >= 15, "{documented:?}");
    let exists = |used: &&&str| documented.contains(used.strip_suffix("_bucket").unwrap_or(used));
    let unknown: Vec<_> = used.iter().filter(|used| !exists(used)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert!(used.len() >= 12, "{used:?}");
}

#[test]
fn prometheus_and_collector_listen_where_the_options_send() {
    let prometheus = yaml("grafana/prometheus.yml");
    assert_eq!(
        prometheus["scrape_configs"][0]["static_configs"][0]["targets"][0],
        "localhost:9464"
    );
    let collector = yaml("otel/collector.yaml");
    assert_eq!(
        collector["receivers"]["otlp"]["protocols"]["http"]["endpoint"],
        "localhost:4318"
    );
}
