//! Scenarios that are made of recordings, and run.

use std::fs;
use std::path::Path;

use rehearsal::model::ExitCause;

use super::person::Person;
use super::{DESK, assert_nowhere, log_in, record, run};
use crate::support::child::with_spawner;
use crate::support::sandbox::Sandbox;

#[test]
fn a_recording_becomes_a_scenario_that_runs() {
    with_spawner(async |spawner| {
        let sandbox = Sandbox::with("desk.py", DESK);
        let words = [
            "rehearsal",
            "record",
            "--into",
            "my.yaml",
            "--",
            "python3",
            "desk.py",
        ];
        let mut person = Person::at(spawner, &sandbox, &words).await;
        log_in(&mut person).await;
        person.types("1\r");
        person.sees("Subject: ").await;
        person.types("Printer\r");
        person.sees("Your choice: ").await;
        person.types("0\r");
        person.sees("Bye").await;
        person.sees("(Enter: no more): ").await;
        person.types("\r");
        let exit = person.exits().await;
        assert_eq!(exit, Some(ExitCause::Code(0)), "{}", person.unseen());
        let shown = person.unseen();
        assert!(
            shown.contains("Proof: the scenario with all output in single bytes"),
            "{shown}"
        );
        run(&sandbox, "--flows 3", &[("DESK_PIN", "s3cr3t")]);
        assert_nowhere(&sandbox, &["s3cr3t"], "desk.py");
    });
}

#[test]
fn a_choice_on_a_screen_becomes_a_scenario_that_runs() {
    for (program, down) in [
        ("/usr/bin/whiptail", "\x1b[B"),
        ("/usr/bin/dialog", "\x1bOB"),
    ] {
        if !Path::new(program).exists() {
            eprintln!("skipped: there is no {program}");
            continue;
        }
        with_spawner(async |spawner| {
            let sandbox = Sandbox::new();
            let rows = ["a", "Apples", "b", "Bananas", "c", "Cherries"];
            let words = [&[program, "--menu", "Pick", "12", "40", "3"], &rows[..]].concat();
            let mut person = Person::at(spawner, &sandbox, &record(&words)).await;
            person.sees("Cancel").await;
            person.types(down);
            person.sees("Bananas").await;
            person.types("\r");
            assert_eq!(person.exits().await, Some(ExitCause::Code(0)));
            let scenario = sandbox.read("my.yaml");
            assert!(scenario.contains("Bananas"), "{scenario}");
            run(&sandbox, "--flows 3", &[]);
        });
    }
}

#[test]
fn a_question_that_is_not_always_asked_is_answered_when_it_is() {
    let script = "import os\nasked = os.path.exists('asked')\nopen('asked', 'w').close()\n\
                  input('Name: ')\n\
                  if asked and input('Known. Go on (y/n)? ') != 'y': raise SystemExit('No')\n\
                  if input('Colour: ') != 'red': raise SystemExit('No')\nprint('Stored')\n";
    with_spawner(async |spawner| {
        let sandbox = Sandbox::with("asks.py", script);
        for is_asked in [false, true] {
            let words = record(&["python3", "asks.py"]);
            let mut person = Person::at(spawner, &sandbox, &words).await;
            person.sees("Name: ").await;
            person.types("Ann\r");
            if is_asked {
                person.sees("Go on (y/n)? ").await;
                person.types("y\r");
            }
            person.sees("Colour: ").await;
            person.types("red\r");
            assert_eq!(person.exits().await, Some(ExitCause::Code(0)));
        }
        fs::remove_file(sandbox.home().join("asked")).unwrap();
        run(&sandbox, "--flows 1", &[]);
        assert!(sandbox.has("asked"));
        run(&sandbox, "--flows 3", &[]);
    });
}

#[test]
fn a_scenario_in_another_directory_finds_the_program() {
    with_spawner(async |spawner| {
        let sandbox = Sandbox::with("asks.py", "input('Name: ')\nprint('Stored')\n");
        fs::create_dir(sandbox.home().join("load")).unwrap();
        let words = "rehearsal record --no-proof --into load/my.yaml -- python3 asks.py";
        let words: Vec<&str> = words.split(' ').collect();
        let mut person = Person::at(spawner, &sandbox, &words).await;
        person.sees("Name: ").await;
        person.types("Ann\r");
        assert_eq!(person.exits().await, Some(ExitCause::Code(0)));
        sandbox
            .rehearsal("run load/my.yaml --flows 2")
            .assert_code(0);
    });
}
