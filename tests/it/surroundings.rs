//! Runs in odd surroundings: without standard streams, where nothing can be written, beside other
//! runs, with programs in odd places, and at the limits of the machine.

use crate::support::program;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Instant;

use program::{Finished, Running, Sandbox};

/// A flow of one short conversation with `program`.
fn scenario(program: &str) -> String {
    format!(
        "name: short\nroles:\n  a:\n    run: [{program}]\n    actions:\n      \
         go: [{{prompt: Name?, send: Ada}}, {{see: '/hello (?<who>.+)/'}}, {{exits: 0}}]\n\
         flow: [{{step: 1_go, role: a, do: go, provides: [who]}}]\n"
    )
}

const GREETER: &str = "#!/bin/sh\nprintf 'Name? '; read name; echo hello $name\n";

fn greeting() -> (Sandbox, &'static str) {
    let sandbox = Sandbox::new();
    sandbox.write_program("greet", GREETER);
    sandbox.write("short.yaml", &scenario("greet"));
    (sandbox, "\"$REHEARSAL\" run short.yaml")
}

fn assert_says(finished: &Finished, code: i32, text: &str) {
    assert_eq!(finished.code, Some(code), "{finished:?}");
    let all = format!("{}{}", finished.out, finished.err);
    assert!(all.contains(text), "no {text:?} in {all}");
}

#[test]
fn standard_streams_may_be_closed() {
    let (sandbox, run) = greeting();
    let finished = sandbox.shell(&format!("{run} --flows 3 <&- >&- 2>&-"));
    assert_says(&finished, 0, "");
    assert!(sandbox.log().contains("run ended after"));
    // What is opened first has the number of a standard stream, and must not be written to as one.
    assert!(!sandbox.log().contains("Report of"));
    sandbox.assert_empty(Instant::now());
    let finished = sandbox.shell("\"$REHEARSAL\" run none.yaml <&- >&- 2>&-");
    assert_says(&finished, 2, "");
}

#[test]
fn a_reader_may_leave() {
    let (sandbox, run) = greeting();
    for arguments in ["", "--flows 4 2>&1", "--json 2>&1"] {
        let finished = sandbox.shell(&format!(
            "({run} {arguments}; echo $? >&3) 3>code | head -n 1"
        ));
        assert!(!finished.out.is_empty());
        let code = fs::read_to_string(sandbox.home().join("code")).expect("the shell wrote it");
        assert_eq!(code.trim(), "0", "{arguments}");
    }
    sandbox.assert_empty(Instant::now());
}

#[test]
fn a_report_that_cannot_be_written_is_an_error() {
    if !Path::new("/dev/full").exists() {
        eprintln!("skipped: there is no /dev/full");
        return;
    }
    let (sandbox, run) = greeting();
    for command in [
        run,
        "\"$REHEARSAL\" check short.yaml",
        "\"$REHEARSAL\" schema",
    ] {
        let finished = sandbox.shell(&format!("{command} > /dev/full"));
        assert_says(&finished, 70, "error: cannot write");
        assert_says(&finished, 70, "No space left on device");
    }
    sandbox.assert_empty(Instant::now());
}

/// A limit of file sizes stands for a full disk, for which one would have to be root.
#[test]
fn files_that_cannot_be_written_are_named_and_the_summary_is_printed() {
    let (sandbox, run) = greeting();
    let finished = sandbox.shell(&format!(
        "(ulimit -f 1; {run} --flows 30 --parallel 4 --save -v)"
    ));
    assert_says(&finished, 70, "Report of");
    for file in [".log", "/flows.jsonl", "/result.json"] {
        let said = format!("{file}: File too large (os error 27)\n");
        assert!(finished.err.contains(&said), "{finished:?}");
    }
    sandbox.assert_empty(Instant::now());
}

#[test]
fn where_nothing_can_be_written_results_go_elsewhere() {
    let (sandbox, _) = greeting();
    let file = sandbox.home().join("short.yaml");
    // Nobody can make files there, whatever their rights.
    let mut command = sandbox.command(&["run", file.to_str().expect("UTF-8")]);
    command.current_dir("/proc").env("PWD", "/proc");
    let finished = Finished::from(command.output().expect("it starts"));
    assert_says(&finished, 0, "results and logs go to");
    let elsewhere = sandbox.temporary().read_dir().expect("a folder").next();
    let elsewhere = elsewhere.expect("the results").expect("an entry").path();
    assert!(
        elsewhere.join("orchestrator_logs").is_dir(),
        "{elsewhere:?}"
    );
    fs::remove_dir_all(elsewhere).expect("it is ours");
    sandbox.assert_empty(Instant::now());
}

#[test]
fn four_runs_at_once_share_no_file() {
    let (sandbox, _) = greeting();
    let arguments = ["run", "short.yaml", "--save", "--flows", "2"];
    let start = |_| Running::start(&mut sandbox.command(&arguments));
    let running: Vec<_> = (0..4).map(start).collect();
    for running in running {
        let (code, heard) = running.end();
        assert_eq!(code, Some(0), "{heard}");
    }
    let files = sandbox.results();
    let results = || files.iter().filter(|file| file.ends_with("result.json"));
    let logs = files.iter().filter(|file| {
        file.parent()
            .is_some_and(|it| it.ends_with("orchestrator_logs"))
    });
    let logs: BTreeSet<_> = logs.filter_map(|log| log.file_stem()).collect();
    let runs = results().filter_map(|file| file.parent()?.file_name());
    assert_eq!(logs, runs.collect(), "{files:?}");
    assert_eq!(logs.len(), 4, "{files:?}");
    for file in results() {
        let result: serde_json::Value =
            serde_json::from_slice(&fs::read(file).expect("it is there")).expect("JSON");
        let folder = file.parent().expect("a folder").file_name();
        let folder = folder.expect("a name").to_str().expect("UTF-8");
        assert_eq!(result["run"]["id"], folder);
        assert_eq!(result["summary"]["flows"]["completed"], 2);
    }
    sandbox.assert_empty(Instant::now());
}

#[test]
fn programs_are_found_wherever_they_may_be() {
    let sandbox = Sandbox::new();
    let folder = "Ordner mit Tücken/चाय";
    sandbox.write_program(&format!("{folder}/grüß dich"), GREETER);
    sandbox.write_program(&format!("{folder}/unter ordner/greet"), GREETER);
    sandbox.write_program("other scripts/only here", GREETER);
    sandbox.write_program(
        "other scripts/plain.sh",
        GREETER.trim_start_matches("#!/bin/sh\n"),
    );
    let absolute = format!("{}/other scripts/only here", sandbox.home().display());
    let commands = [
        "'grüß dich'",
        "./grüß dich",
        "unter ordner/greet",
        "../../other scripts/only here",
        &absolute,
        "only here",
        "sh, plain.sh",
    ];
    let file = format!("{folder}/mein szenario.yaml");
    for command in commands {
        sandbox.write(&file, &scenario(command));
        let full = sandbox.home().join(&file);
        let full = full.to_str().expect("UTF-8");
        for (directory, file) in [
            (".", file.as_str()),
            ("/", full),
            (folder, "mein szenario.yaml"),
        ] {
            let scripts = sandbox.home().join("other scripts");
            let scripts = scripts.to_str().expect("UTF-8");
            let mut run = sandbox.command(&["run", file, "--scripts", scripts]);
            let results = sandbox.home().join("rehearsal-results");
            run.current_dir(sandbox.home().join(directory))
                .env("REHEARSAL_RESULTS", results);
            let finished = Finished::from(run.output().expect("it starts"));
            assert_says(&finished, 0, "COMPLETED");
        }
    }
    sandbox.assert_empty(Instant::now());
}

#[test]
fn programs_that_cannot_be_run_are_told_before_anything_starts() {
    let sandbox = Sandbox::new();
    sandbox.write("bin/plain", GREETER);
    sandbox.write_program("bin/orphan", "#!/no/such/interpreter -x\n");
    sandbox.write_program("bin/windows", "#!/bin/sh\r\necho\r\n");
    let home = sandbox.home().display().to_string();
    let looked = format!("(looked in {home}");
    let cases = [
        ("bin/plain", "is not executable: try `chmod +x"),
        (
            "bin/orphan",
            "asks for /no/such/interpreter, which does not exist",
        ),
        ("bin/windows", "carriage return"),
        ("bin", "is a directory, not a program"),
        ("bin/", "is a directory, not a program"),
        ("nowhere-to-be-found", looked.as_str()),
        ("bin/nowhere", "there is no program"),
    ];
    for (program, text) in cases {
        sandbox.write("short.yaml", &scenario(program));
        for command in ["run", "check"] {
            let finished = sandbox.output(&[command, "short.yaml"]);
            assert_says(&finished, 2, text);
            assert_says(&finished, 2, "short.yaml:4:11");
        }
    }
    assert!(sandbox.results().is_empty(), "{:?}", sandbox.results());
    sandbox.assert_empty(Instant::now());
}

#[test]
fn hundreds_of_flows_at_once_use_more_than_1024_descriptors() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "many.yaml",
        "name: many\ndefaults: {startup: 60s, step: 60s}\nroles:\n  a:\n    \
         run: [sh, -c, 'read line < gate; echo through']\n    \
         actions:\n      go: [{see: through}, {exits: 0}]\n\
         flow: [{step: 1_go, role: a, do: go}]\n",
    );
    let gate = sandbox.home().join("gate");
    let status = std::process::Command::new("mkfifo").arg(&gate).status();
    assert!(status.expect("mkfifo").success());
    let arguments = ["run", "many.yaml", "--flows", "600", "--parallel", "600"];
    let mut running = Running::start(&mut sandbox.command(&arguments));
    let descriptors = format!("/proc/{}/fd", running.child.id());
    let mut most = 0;
    while running.child.try_wait().expect("it is ours").is_none() {
        most = most.max(fs::read_dir(&descriptors).map_or(0, Iterator::count));
        if most > 1200 {
            // Opening and closing it lets all pass that wait at it, if any does.
            let options = rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::NONBLOCK;
            let _ = rustix::fs::open(&gate, options, rustix::fs::Mode::empty());
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let (code, heard) = running.end();
    if code == Some(2) && heard.contains("too few") {
        eprintln!("skipped: {heard}");
        return;
    }
    assert_eq!(code, Some(0), "{heard}");
    let words: Vec<_> = heard.split_whitespace().collect();
    assert!(
        words.windows(2).any(|pair| pair == ["completed", "600"]),
        "{heard}"
    );
    sandbox.assert_empty(Instant::now());
}

#[test]
fn too_few_descriptors_are_said_before_anything_starts() {
    let (sandbox, run) = greeting();
    let finished = sandbox.shell(&format!("ulimit -n 64; {run} --flows 100 --parallel 100"));
    assert_says(&finished, 2, "too few open descriptors");
    for text in [
        "232 more are needed",
        "of 64 are free",
        "ulimit -Hn",
        "run fewer flows in parallel",
    ] {
        assert_says(&finished, 2, text);
    }
    assert!(sandbox.results().is_empty(), "{:?}", sandbox.results());
    // The soft limit alone is no limit.
    let finished = sandbox.shell(&format!("ulimit -Sn 64; {run} --flows 100 --parallel 100"));
    assert_says(&finished, 0, "Report of");
    // What is said to be enough is enough.
    let finished = sandbox.shell(&format!("ulimit -n 64; {run} --flows 20 --parallel 8"));
    assert_says(&finished, 0, "Report of");
    sandbox.assert_empty(Instant::now());
}
