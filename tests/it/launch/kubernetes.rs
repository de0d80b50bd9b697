//! Manifests of jobs for Kubernetes, checked against its published schemas.

use std::process::Command;

use serde_json::{Map, Value};

use crate::screens;
use crate::support::running::Finished;
use crate::support::sandbox::Sandbox;

use super::sandbox;

/// The oldest version that the manifests are for, and the newest with a schema here.
const VERSIONS: [&str; 2] = ["1.29", "1.37"];

/// All options of the command that are in the manifests.
const OPTIONS: &str = "--segments 4 --image registry.example.com:5000/load:1 --volume-claim results \
                       --namespace test --program /opt/bin/rehearsal --into night \
                       --nats nats://nats:4222/night";

/// Options for this machine only.
const NOT_IN_MANIFESTS: [&str; 4] = ["--submit", "--live", "--progress", "--help"];

/// Reads the manifests of the job in this directory.
fn manifests(sandbox: &Sandbox, job: &str) -> Vec<Value> {
    let text = sandbox.read(format!("{job}/job.json"));
    let list: Value = serde_json::from_str(&text).expect("JSON");
    let kind = (&list["apiVersion"], &list["kind"]);
    assert_eq!(kind, (&"v1".into(), &"List".into()));
    list["items"].as_array().expect("items").clone()
}

/// Writes manifests beside each other, and checks them strictly: unknown fields are refused.
fn validate(sandbox: &Sandbox, version: &str, manifests: &[Value]) -> Finished {
    let files: Vec<String> = (0..manifests.len())
        .map(|at| format!("{version}-{at}.json"))
        .collect();
    for (file, manifest) in files.iter().zip(manifests) {
        sandbox.write(file, &manifest.to_string());
    }
    let mut command = Command::new("python3");
    let command = command
        .args(["-m", "kubernetes_validate", "--strict", "-k", version])
        .args(files)
        .env("PATH", screens::search_path())
        .current_dir(sandbox.home());
    Finished::of(command)
}

/// Returns the manifest with each of its fields misspelt in turn.
fn misspelt(manifest: &Value) -> Vec<Value> {
    fn keys(value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    // Their keys are free.
                    if key != "data" && key != "labels" {
                        keys(value, &format!("{path}/{key}"), found);
                    }
                    found.push(format!("{path}/{key}"));
                }
            }
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    keys(item, &format!("{path}/{at}"), found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    keys(manifest, "", &mut found);
    let other = |path: &String| {
        let (parent, key) = path.rsplit_once('/').expect("a path");
        let mut other = manifest.clone();
        let fields = other.pointer_mut(parent).and_then(Value::as_object_mut);
        let fields: &mut Map<String, Value> = fields.expect("an object");
        let value = fields.remove(key).expect("its field");
        fields.insert(format!("{key}x"), value);
        other
    };
    // Without these the schema cannot be found, or the resource named.
    let needed = ["/kind", "/apiVersion", "/metadata", "/metadata/name"];
    let named = |path: &&String| !needed.contains(&path.as_str());
    found.iter().filter(named).map(other).collect()
}

#[test]
fn manifests_match_the_schemas_of_kubernetes() {
    if !screens::is_there(&["python3", "-c", "import kubernetes_validate"]) {
        return;
    }
    let sandbox = sandbox();
    let help = sandbox.rehearsal("launch kubernetes --help").out;
    let words = help.split_whitespace();
    for option in words.filter(|it| it.starts_with("--") && it.len() > 2) {
        let end = option.find(|it: char| !it.is_ascii_alphabetic() && it != '-');
        let option = &option[..end.unwrap_or(option.len())];
        assert!(
            OPTIONS.contains(option) || NOT_IN_MANIFESTS.contains(&option),
            "{option} is in no manifest that is checked"
        );
    }
    let run = "-- run quick.yaml --rate 20/s --duration 5s --var note=$(HOME)";
    sandbox.write(
        "quick.yaml",
        &super::SCENARIO.replace("roles:", "variables: {note: ''}\nroles:"),
    );
    sandbox
        .rehearsal(&format!("launch kubernetes {OPTIONS} {run}"))
        .assert_code(0);
    // The built-in scenario has no file, and without --namespace there is none.
    sandbox
        .rehearsal("launch kubernetes --segments 2 --image i --volume-claim c --into plain -- run --flows 4 --parallel 2")
        .assert_code(0);
    let (plain, manifests) = (manifests(&sandbox, "plain"), manifests(&sandbox, "night"));
    let wrong: Vec<Value> = manifests.iter().flat_map(misspelt).collect();
    assert!(wrong.len() >= 40, "{}", wrong.len());
    for version in VERSIONS {
        validate(&sandbox, version, &plain).assert_code(0);
        let checked = validate(&sandbox, version, &manifests);
        checked.assert_code(0);
        for resource in ["configmap", "job"] {
            let line =
                format!("passed for resource {resource}/rehearsal-night against version {version}");
            checked.assert_out(&line);
        }
    }
    let checked = validate(&sandbox, VERSIONS[0], &wrong);
    let refused = checked.out.lines().filter(|it| it.starts_with("ERROR "));
    assert_eq!(refused.count(), wrong.len(), "{}", checked.out);
}

#[test]
fn values_that_a_cluster_does_not_take_are_refused() {
    let sandbox = sandbox();
    let run = "-- run quick.yaml --flows 40 --parallel 4";
    let cases = [
        (
            "--image load --volume-claim c --namespace Test",
            "--namespace \"Test\" is no name",
        ),
        (
            "--image load --volume-claim a_b",
            "--volume-claim \"a_b\" is no name",
        ),
        (
            "--image https://x/load --volume-claim c",
            "--image \"https://x/load\" is no name",
        ),
    ];
    for (options, text) in cases {
        sandbox
            .rehearsal(&format!(
                "launch kubernetes --segments 2 --into job {options} {run}"
            ))
            .assert_code(2)
            .assert_err(text);
        assert!(!sandbox.has("job"), "{options}");
    }
    let options = "--image load --volume-claim c --into job";
    sandbox
        .rehearsal(&format!(
            "launch kubernetes --segments 100001 {options} -- run quick.yaml --flows 200002 --parallel 100001"
        ))
        .assert_code(2)
        .assert_err("from 1 to 100000");
    let long = format!("{}{}", super::SCENARIO, "# a comment\n".repeat(100_000));
    sandbox.write("quick.yaml", &long);
    sandbox
        .rehearsal(&format!("launch kubernetes --segments 2 {options} {run}"))
        .assert_code(2)
        .assert_err("a ConfigMap takes 1048576");
    assert!(!sandbox.has("job"));
}

/// Kubernetes replaces `$(NAME)` in a container's command, and takes `$$` for one `$`.
#[test]
fn arguments_arrive_as_they_were_given() {
    let sandbox = sandbox();
    let scenario = super::SCENARIO.replace("roles:", "variables: {note: ''}\nroles:");
    sandbox.write("quick.yaml", &scenario);
    sandbox
        .rehearsal(
            "launch kubernetes --segments 2 --image load --volume-claim c --into job -- run quick.yaml --flows 4 \
             --parallel 2 --var note=$(HOME)$$",
        )
        .assert_code(0);
    let command =
        &manifests(&sandbox, "job")[1]["spec"]["template"]["spec"]["containers"][0]["command"];
    let words: Vec<&str> = command
        .as_array()
        .expect("words")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(words.contains(&"note=$$(HOME)$$$$"), "{words:?}");
    assert_eq!(
        words.last(),
        Some(&"--save=/results/segments/$(JOB_COMPLETION_INDEX)")
    );
}

#[test]
fn a_job_that_somebody_deletes_is_not_awaited_for_ever() {
    let sandbox = sandbox();
    let kubectl = sandbox.write_program("bin/kubectl", "#!/bin/sh\nexit 0\n");
    let programs = kubectl.parent().expect("its directory").to_owned();
    let own = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(programs).chain(std::env::split_paths(&own));
    let path = std::env::join_paths(path).expect("a PATH");
    let mut command = sandbox.command(
        "launch kubernetes --segments 2 --image i --volume-claim c --into job --submit -- run quick.yaml \
         --flows 6 --parallel 2",
    );
    Finished::of(command.env("PATH", path))
        .assert_code(2)
        .assert_err("Segment 1 is lost: its task left no results.")
        .assert_err("no segment has left results");
}
