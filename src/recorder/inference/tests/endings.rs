//! Ends of sessions, and secrets that were typed early.

use super::{assert_has, inferred};
use crate::recorder::inference::testing::recording;

#[test]
fn an_id_that_is_printed_before_the_program_ends_is_captured() {
    let clerk =
        "Subject: ‹lamp›\nCase CASE-29471 opened, total 12.50\nPress Enter to quit‹›\n‹exit 0›";
    let boss = "Case id: ‹CASE-29471›\nApprove (y/n): ‹y›\nApproved CASE-29471\n‹exit 0›";
    let inferred = inferred(&[recording("clerk", 0, clerk), recording("boss", 100, boss)]);
    assert_has(
        &inferred.scenario,
        &["- prompt: \"Case id:\"", "send: \"${case_id}\""],
    );
    assert!(
        inferred.scenario.contains("(?<case_id>")
            && inferred.scenario.contains("provides: [case_id]"),
        "{}",
        inferred.scenario
    );
}

#[test]
fn what_is_printed_on_the_way_out_is_read_too_late() {
    let clerk = "1. Open a case\n0. Quit\nChoice: ‹1›\nSubject: ‹lamp›\nOpened\n\
                 1. Open a case\n0. Quit\nChoice: ‹0›\nCase CASE-29471 opened\n‹exit 0›";
    let boss = "Case id: ‹CASE-29471›\nApproved\n‹exit 0›";
    let inferred = inferred(&[recording("clerk", 0, clerk), recording("boss", 100, boss)]);
    assert!(
        !inferred.scenario.contains("(?<case_id>"),
        "{}",
        inferred.scenario
    );
}

#[test]
fn an_end_that_reads_like_a_failure_is_shown_as_one() {
    let text = "Name: ‹ann›\nPIN: ‹4711›\nAccess denied\n‹exit 1›";
    let inferred = inferred(&[recording("clerk", 0, text)]);
    assert_has(&inferred.scenario, &["- see: Access denied", "- exits: 1"]);
    assert!(
        inferred
            .scenario
            .contains("# CHECK: this reads like a failure"),
        "{}",
        inferred.scenario
    );
    let notes: Vec<&str> = inferred.notes.iter().map(|it| it.text.as_str()).collect();
    assert!(
        notes.iter().any(|it| it.contains("Access denied")),
        "{notes:?}"
    );
    assert!(
        notes.iter().any(|it| it.contains("exit code 1")),
        "{notes:?}"
    );
}

#[test]
fn a_crash_that_was_recorded_is_no_failure_text() {
    let text = "Name: ‹ann›\nTraceback (most recent call last)\nValueError: bad\n‹exit 1›";
    let mut crashed = recording("clerk", 0, text);
    crashed.command = vec!["python3".into(), "crash.py".into()];
    let inferred = inferred(&[crashed]);
    assert!(
        !inferred.scenario.contains("fail_on"),
        "{}",
        inferred.scenario
    );
    assert!(
        inferred.scenario.contains("# CHECK"),
        "{}",
        inferred.scenario
    );
}

/// The recorder has masked what was typed ahead, as it is the secret.
#[test]
fn a_secret_that_was_typed_before_it_was_asked_for_is_typed_once() {
    let text = "Item: ‹box›\n‹***›\nPIN: ‹*1›\nAmount: ‹7›\nBooked\n‹exit 0›";
    let inferred = inferred(&[recording("desk", 0, text)]);
    assert!(!inferred.scenario.contains("***"), "{}", inferred.scenario);
    assert_has(
        &inferred.scenario,
        &[
            "send: \"${item}\"",
            "- prompt: \"PIN:\"",
            "secret: \"${desk_pin}\"",
        ],
    );
}

#[test]
fn a_masked_answer_that_was_asked_for_is_named() {
    let text = "PIN again: ‹***›\nPIN: ‹*1›\nBooked\n‹exit 0›";
    let inferred = inferred(&[recording("desk", 0, text)]);
    let notes: Vec<&str> = inferred.notes.iter().map(|it| it.text.as_str()).collect();
    assert!(
        notes.iter().any(|it| it.contains("holds a secret")),
        "{notes:?}"
    );
}
