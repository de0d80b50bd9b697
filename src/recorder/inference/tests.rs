mod endings;
mod properties;

use std::time::Duration;

use super::testing::recording;
use super::{InferOptions, Inferred, infer, infer_into};
use crate::recorder::recording::{Chunk, ChunkEvent, Mark, Recording};
use crate::scenario::{CompileOptions, compile};

const CUSTOMER: &str = include_str!("../../../tests/fixtures/recordings/customer.txt");
const INVENTORY: &str = include_str!("../../../tests/fixtures/recordings/inventory.txt");
const WAREHOUSE: &str = include_str!("../../../tests/fixtures/recordings/warehouse.txt");
const LOGISTICS: &str = include_str!("../../../tests/fixtures/recordings/logistics.txt");
const DELIVERY: &str = include_str!("../../../tests/fixtures/recordings/delivery.txt");

fn inferred(recordings: &[Recording]) -> Inferred {
    let inferred = infer(recordings, &InferOptions::default());
    assert_compiles(&inferred.scenario);
    inferred
}

#[track_caller]
fn assert_compiles(scenario: &str) {
    if let Err(faults) = compile(scenario, None, CompileOptions::default()) {
        panic!("{faults}\n{scenario}");
    }
}

fn shop() -> Vec<Recording> {
    [
        ("customer", CUSTOMER),
        ("inventory", INVENTORY),
        ("warehouse", WAREHOUSE),
        ("logistics", LOGISTICS),
        ("delivery", DELIVERY),
    ]
    .into_iter()
    .zip(0..)
    .map(|((role, text), number)| recording(role, 1000 * number, text))
    .collect()
}

/// Returns the lines of a scenario without its blank lines and comments, trimmed.
fn lines(scenario: &str) -> Vec<&str> {
    let lines = scenario.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

#[track_caller]
fn assert_has(scenario: &str, wanted: &[&str]) {
    let lines = lines(scenario);
    let found = lines.windows(wanted.len()).any(|window| window == wanted);
    assert!(found, "{wanted:#?} is not in\n{scenario}");
}

#[test]
fn five_roles_become_one_scenario() {
    let inferred = inferred(&shop());
    insta::assert_snapshot!(inferred.scenario);
    assert_eq!(inferred.notes, []);
    assert_eq!(inferred.questions, []);
    let variables: Vec<&str> = inferred
        .secrets
        .iter()
        .map(|it| it.variable.as_str())
        .collect();
    assert_eq!(variables.len(), 5);
    assert_eq!(variables[0], "CUSTOMER_PASSWORD");
}

#[test]
fn a_question_of_one_recording_only_is_optional() {
    let first = recording("desk", 0, "Name: ‹Ann›Type ok: ‹ok›Stored\n‹exit 0›");
    let second = "Name: ‹Ann›Large amount. Really (y/n)? ‹y›Type ok: ‹ok›Stored\n‹exit 0›";
    let second = recording("desk", 0, second);
    for (main, again) in [(&first, &second), (&second, &first)] {
        let options = InferOptions {
            again: vec![again.clone()],
            ..InferOptions::default()
        };
        let scenario = infer(std::slice::from_ref(main), &options).scenario;
        assert_compiles(&scenario);
        assert_has(
            &scenario,
            &[
                "- first_of:",
                "- prompt: Large amount. Really (y/n)?",
                "send: \"y\"",
                "again: true",
                "- prompt: \"Type ok:\"",
                "send: ok",
                "- see: Stored",
                "- exits: 0",
            ],
        );
    }
}

#[test]
fn what_differs_in_another_recording_is_volatile() {
    let first = recording(
        "desk",
        0,
        "Name: ‹Ann›Ready, blue team> ‹go›Done by Lee now\n‹exit 0›",
    );
    let second = recording(
        "desk",
        0,
        "Name: ‹Ann›Ready, red team> ‹go›Done by Kim now\n‹exit 0›",
    );
    let options = InferOptions {
        again: vec![second],
        ..InferOptions::default()
    };
    let scenario = infer(&[first], &options).scenario;
    assert_compiles(&scenario);
    assert_has(&scenario, &[r"- prompt: '/Ready, \S+ team>/'"]);
    assert_has(&scenario, &["- see: Done by"]);
}

#[test]
fn what_differs_in_a_replay_and_was_typed_is_a_capture() {
    let text =
        "Start? ‹go›The word of today: tango, keep it\nWord: ‹tango›Right, well done\n‹exit 0›";
    let first = recording("gate", 0, text);
    let scenario = inferred(std::slice::from_ref(&first)).scenario;
    assert_has(&scenario, &["word: tango"]);
    let options = InferOptions {
        replayed: vec![(
            "gate".to_owned(),
            "Start? \nThe word of today: delta, keep it\nWord: ".to_owned(),
        )],
        ..InferOptions::default()
    };
    let scenario = infer(&[first], &options).scenario;
    assert_compiles(&scenario);
    assert_has(
        &scenario,
        &["- prompt: \"Word:\"", "send: \"${word_of_today}\""],
    );
    assert!(scenario.contains("(?<word_of_today>"), "{scenario}");
}

#[test]
fn a_token_of_one_role_is_read_for_another() {
    let printer = recording(
        "desk",
        0,
        "Go? ‹go›Your ticket: T-4711\nMore? ‹no›Bye\n‹exit 0›",
    );
    let typer = recording(
        "gate",
        100,
        "Ticket: ‹T-4711›Ticket T-4711 accepted\n‹exit 0›",
    );
    let scenario = inferred(&[printer, typer]).scenario;
    assert_has(
        &scenario,
        &[
            r"- see: '/Your ticket: (?<your_ticket>T-\d+)/'",
            "- prompt: More?",
        ],
    );
    assert_has(
        &scenario,
        &[
            "send: \"${your_ticket}\"",
            "- see: \"Ticket ${your_ticket} accepted\"",
        ],
    );
    assert!(scenario.contains("recorded T-4711"));
}

#[test]
fn short_and_chosen_texts_are_no_captures() {
    let text = "Colours: red or blue\nSizes: 12, 14\nColour: ‹red›Size: ‹12›Saved\n‹exit 0›";
    let scenario = inferred(&[recording("desk", 0, text)]).scenario;
    assert!(!scenario.contains("(?<"), "{scenario}");
    assert_has(&scenario, &["colour: red", "size: \"12\""]);
}

#[test]
fn a_text_in_several_lines_is_not_taken_from_the_first() {
    let text = "Found A-1001 today\nFound A-1002 today\nWhich one? ‹A-1002›Saved\n‹exit 0›";
    let scenario = inferred(&[recording("desk", 0, text)]).scenario;
    assert!(!scenario.contains("(?<"), "{scenario}");
    assert_has(&scenario, &["which_one: A-1002"]);
}

#[test]
fn echoed_answers_that_smell_of_secrets_are_asked_about() {
    let text = "User: ‹ann›Enter PIN: ‹hunter2›Welcome\n‹exit 0›";
    let recording = recording("desk", 0, text);
    let result = inferred(std::slice::from_ref(&recording));
    assert!(!result.scenario.contains("hunter2"), "{}", result.scenario);
    assert_has(&result.scenario, &["send: \"${desk_pin}\""]);
    assert_eq!(result.questions[0].prompt, "Enter PIN:");
    let options = InferOptions {
        plain_prompts: vec!["Enter PIN:".to_owned()],
        ..InferOptions::default()
    };
    let scenario = infer(&[recording], &options).scenario;
    assert_has(&scenario, &["pin: hunter2"]);
}

#[test]
fn a_masked_echo_shows_that_the_terminal_does_not_hide_the_secret() {
    let mut shown = recording("desk", 0, "Token: ‹*1›ok\nPIN: ‹*2›Welcome\n‹exit 0›");
    let is_secret = |chunk: &Chunk| matches!(chunk.event, ChunkEvent::TypedSecret { .. });
    let at = shown.chunks.iter().position(is_secret).expect("a secret");
    shown.chunks[at + 1].event = ChunkEvent::Output(b"***\r\n".to_vec());
    let scenario = inferred(&[shown]).scenario;
    assert_has(
        &scenario,
        &["- prompt: \"Token:\"", "send: \"${desk_token}\""],
    );
    assert_has(
        &scenario,
        &[
            "- prompt: \"PIN:\"",
            "secret: \"${desk_pin}\"",
            "- see: Welcome",
        ],
    );
    assert!(!scenario.contains("***"), "{scenario}");
}

fn mark(mut recording: Recording, output: &str, marks: &[Mark]) -> Recording {
    let is_it = |chunk: &Chunk| {
        matches!(&chunk.event, ChunkEvent::Output(bytes)
            if String::from_utf8_lossy(bytes).contains(output))
    };
    let at = recording.chunks.iter().position(is_it).expect("the output");
    let time = recording.chunks[at].at;
    let marks = marks.iter().map(|mark| Chunk {
        at: time,
        event: ChunkEvent::Marked(mark.clone()),
    });
    recording.chunks.splice(at + 1..at + 1, marks);
    recording
}

#[test]
fn marks_are_honoured() {
    let text = "Name: ‹Ann›Stored as X-77, all fine\nName: ‹oops›No such name\nName: ‹Bob›Stored too\n‹exit 0›";
    let marked = mark(
        recording("desk", 0, text),
        "Stored as",
        &[
            Mark::Proof("all fine".to_owned()),
            Mark::Capture {
                name: "Store No".to_owned(),
                text: "X-77".to_owned(),
            },
            Mark::Step("Second name".to_owned()),
        ],
    );
    let failure = Mark::Failure("No such name".to_owned());
    let marked = mark(marked, "No such", &[failure, Mark::Redo]);
    let scenario = inferred(&[marked]).scenario;
    assert_has(
        &scenario,
        &[
            r"- see: '/Stored as (?<store_no>X-\d+)/'",
            "- see: all fine",
            "second_name:",
        ],
    );
    assert_has(&scenario, &["fail_on: {no_such_name: No such name}"]);
    assert!(
        scenario.contains("Bob") && !scenario.contains("oops"),
        "{scenario}"
    );
}

#[test]
fn what_was_paused_is_left_out() {
    let text = "Name: ‹Ann›Next: ‹peek›Secret things\nNext: ‹done›Bye\n‹exit 0›";
    let mut recording = mark(recording("desk", 0, text), "Next: ", &[Mark::Paused]);
    let is_end = |chunk: &Chunk| {
        matches!(&chunk.event, ChunkEvent::Output(bytes)
            if String::from_utf8_lossy(bytes).contains("Secret"))
    };
    let at = recording
        .chunks
        .iter()
        .position(is_end)
        .expect("the output");
    let chunk = Chunk {
        at: recording.chunks[at].at,
        event: ChunkEvent::Marked(Mark::Resumed),
    };
    recording.chunks.insert(at + 1, chunk);
    let scenario = inferred(&[recording]).scenario;
    assert!(
        !scenario.contains("peek") && !scenario.contains("Secret"),
        "{scenario}"
    );
    assert_has(&scenario, &["- prompt: \"Next:\"", "send: \"${next}\""]);
}

#[test]
fn a_recording_that_was_cut_off_is_used() {
    let end = CUSTOMER.find("Confirm order").expect("the question");
    let cut = recording("customer", 0, &CUSTOMER[..end]);
    let scenario = inferred(&[cut]).scenario;
    assert_has(&scenario, &["- choose: Checkout"]);
    assert!(!scenario.contains("exits"), "{scenario}");
}

#[test]
fn think_times_are_turns_if_wanted() {
    let mut slow = recording("desk", 0, "Name: ‹Ann›Age: ‹47›Bye\n‹exit 0›");
    for chunk in slow.chunks.iter_mut().skip(1) {
        chunk.at += Duration::from_secs(3);
    }
    let scenario = inferred(std::slice::from_ref(&slow)).scenario;
    assert!(
        scenario.contains("# thought for 3 s") && !scenario.contains("think:"),
        "{scenario}"
    );
    let options = InferOptions {
        think: true,
        ..InferOptions::default()
    };
    let scenario = infer(&[slow], &options).scenario;
    assert_compiles(&scenario);
    assert_has(&scenario, &["- think: 3s"]);
}

#[test]
fn a_role_is_recorded_again_into_an_edited_scenario() {
    let recordings = shop();
    let first = inferred(&recordings).scenario;
    let edited = first
        .replace("title: Inventory\n", "title: Stock keepers   # by hand\n")
        .replace("  delivery:\n", "  # The last one.\n  delivery:\n")
        .replace("flow:\n", "thresholds: [flow.p95 < 20s]\n\nflow:\n")
        .replace(
            "        - see: Welcome\n\n      plan",
            "        - see: Welcome # ours\n\n      plan",
        );
    assert_ne!(edited, first);
    let options = InferOptions {
        only: vec!["logistics".to_owned()],
        ..InferOptions::default()
    };
    let result = infer_into(&edited, &recordings, &options).expect("YAML");
    assert_compiles(&result.scenario);
    for kept in [
        "Stock keepers   # by hand",
        "# The last one.",
        "thresholds: [flow.p95 < 20s]",
    ] {
        assert!(
            result.scenario.contains(kept),
            "{kept}\n{}",
            result.scenario
        );
    }
    // All but the actions of the role is as it was.
    let before: Vec<&str> = edited
        .lines()
        .filter(|line| !line.contains("# ours"))
        .collect();
    let missing: Vec<&&str> = before
        .iter()
        .filter(|line| !result.scenario.contains(line.trim()))
        .collect();
    assert_eq!(missing, Vec::<&&str>::new());
    assert!(
        result
            .notes
            .iter()
            .any(|note| note.text.contains("see: Welcome # ours"))
    );
}

#[test]
fn recording_the_same_again_changes_nothing() {
    let recordings = shop();
    let first = inferred(&recordings).scenario;
    let result = infer_into(&first, &recordings, &InferOptions::default()).expect("YAML");
    assert_eq!(result.scenario, first);
    assert_eq!(result.notes, []);
}

#[test]
fn another_role_is_added() {
    let recordings = shop();
    let first = inferred(&recordings[..1]).scenario;
    let result = infer_into(&first, &recordings[4..], &InferOptions::default()).expect("YAML");
    assert_compiles(&result.scenario);
    assert_has(&result.scenario, &["delivery:", "title: Delivery"]);
    assert!(
        result
            .scenario
            .contains("secrets: [customer_password, delivery_password]")
    );
    assert!(infer_into("- a list", &recordings, &InferOptions::default()).is_err());
}

#[test]
fn what_does_not_always_come_is_no_action_by_itself() {
    for text in [
        "A: ‹a›‹\u{3}›‹exit 0›",
        "A: ‹a›Bye? ‹quit›‹exit 0›",
        "A: ‹a›Next: ‹quit›‹exit -9›",
        "Next: ‹go›A: ‹a›Next: ‹quit›‹exit 0›",
    ] {
        let first = recording("desk", 0, text);
        for other in [
            "",
            "Next: ‹quit›",
            "Next: ‹go›Next: ‹quit›‹exit 0›",
            "Bye? ‹quit›",
        ] {
            let options = InferOptions {
                again: vec![recording("desk", 0, other)],
                ..InferOptions::default()
            };
            let scenario = infer(std::slice::from_ref(&first), &options).scenario;
            assert_compiles(&scenario);
        }
    }
}

#[test]
fn an_attempt_that_was_given_up_makes_nothing_optional() {
    let whole =
        "ID: ‹ann›Choice: ‹new›Subject: ‹fire›Saved\nChoice: ‹list›Choice: ‹quit›Bye\n‹exit 0›";
    for given_up in [
        "",
        "ID: ",
        "ID: ‹ann›Choice: ‹\u{3}›‹exit 130›",
        "ID: ‹ann›Choice: ‹quit›Bye\n‹exit 0›",
    ] {
        let options = InferOptions {
            again: vec![recording("desk", 0, given_up)],
            ..InferOptions::default()
        };
        let scenario = infer(&[recording("desk", 0, whole)], &options).scenario;
        assert_compiles(&scenario);
        assert!(!scenario.contains("first_of"), "{given_up}\n{scenario}");
        assert_has(
            &scenario,
            &["- prompt: \"Subject:\"", "send: \"${subject}\""],
        );
    }
}

#[test]
fn a_signal_is_sent_once_the_program_reads() {
    let mut interrupted = recording("desk", 0, "Name: ‹\u{3}›\nName: ‹Ann›Bye\n‹exit 0›");
    let is_enter =
        |chunk: &Chunk| matches!(&chunk.event, ChunkEvent::Typed { bytes, .. } if bytes == b"\r");
    let enter = interrupted.chunks.iter().position(is_enter);
    interrupted.chunks.remove(enter.expect("Enter"));
    let scenario = inferred(&[interrupted]).scenario;
    let turns = ["- prompt: \"Name:\"", "- reads: true", "press: ctrl-c"];
    assert_has(&scenario, &turns);
}

#[test]
fn a_masked_text_in_a_mark_is_anything() {
    let text = "Word: ‹*1›You said ***, thank you\nMore? ‹no›Bye\n‹exit 0›";
    let marked = mark(
        recording("desk", 0, text),
        "You said",
        &[
            Mark::Proof("said ***, thank".to_owned()),
            Mark::Failure("Not ***".to_owned()),
            Mark::Capture {
                name: "word".to_owned(),
                text: "***".to_owned(),
            },
        ],
    );
    let result = inferred(&[marked]);
    assert_has(&result.scenario, &["- see: \"/said .+, thank/\""]);
    assert_has(&result.scenario, &["fail_on: {not_value: \"/Not .+/\"}"]);
    assert!(
        result.notes[0].text.contains("not captured"),
        "{:?}",
        result.notes
    );
}
