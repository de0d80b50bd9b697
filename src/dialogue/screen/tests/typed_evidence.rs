//! Typed text, which is no evidence.

use std::time::Instant;

use super::evidence::{brief, shown};
use super::{at, draw, drawn, screen};
use crate::dialogue::screen::evidence::judge;
use crate::dialogue::screen::typed::{InputKind, TypedText};

/// Returns the judgement on a screen on which a text was typed and then drawn.
fn after_typing(before: &str, text: &str, after: &str, wait: &str) -> String {
    let mut screen = screen(12, 40, before);
    let mut typed = TypedText::default();
    typed.type_at_cursor(&screen, text, InputKind::Text, false);
    screen.answered(Instant::now());
    draw(&mut screen, after);
    brief(&judge(&shown(wait), &screen, &typed, Instant::now()))
}

#[test]
fn typed_text_is_no_evidence() {
    let long = "abcdefghijklmnopqrstuvwxyz0123456789";
    let wrapped = format!("{}{}", at(1, 1, "Name: "), "x".repeat(50));
    for (before, text, after, wait, expected) in [
        ("Name: ", "Bob", "Bob", "Bob", "Typed"),
        ("Name: ", "Bob", "Bob", "Name: Bob", "Typed"),
        ("Name: ", "Bob", "Bo", r"/(?<n>Bo\w*)", "Typed"),
        ("Name: ", "Bob", "Bob is known", "Bob is known", "settled"),
        ("Name: ", "Bob", "Bob is known", "is known", "met"),
        (
            "Name: ",
            "Bob",
            "Bob\r\nHello Bob",
            r"/Hello (?<n>\w+)",
            "met n=Bob",
        ),
        ("Name: ", "Bob", "Bob\r\nBob", "Bob", "Typed"),
        (
            "Name: ",
            "Bob",
            "\x1b[2J\x1b[8;3HName:  Bob",
            r"/Name: +(?<n>\w+)",
            "Typed",
        ),
        (
            "Quantity: ",
            "7",
            "7\r\nTotal: 7",
            r"/Total: (?<n>\d+)",
            "met n=7",
        ),
        (
            "Quantity: ",
            "7",
            "75",
            r"/Quantity: (?<n>\d+)",
            "settled n=75",
        ),
        ("$ ", "ls", "ls\r\nls.txt\r\n$ ", "ls.txt", "met"),
        // Scrolled by one row.
        (
            "\x1b[12;1H> ",
            "list",
            "list\r\nx\r\n> ",
            "/^> list",
            "Typed",
        ),
        // An answered question: another mark before it, its default gone.
        (
            "? Name ",
            "Bob",
            "\r\x1b[K✔ Name Bob",
            "/Name (?<n>Bob)",
            "Typed",
        ),
        (
            "? Name (Al) ",
            "Bob",
            "\r\x1b[K✔ Name Bob",
            "/(?<n>Bob)",
            "Typed",
        ),
        // In boxes, and in a field that is too narrow.
        (
            "│ Name [          ] │\x1b[1;9H",
            "Bob",
            "Bob",
            "Bob",
            "Typed",
        ),
        (
            "Name [     ] ok\x1b[1;7H",
            long,
            "56789",
            "/(?<n>[0-9]+)",
            "Typed",
        ),
        ("Name [     ] ok\x1b[1;7H", long, "56789", "ok", "Stale"),
        ("Name: ", &"x".repeat(50), &wrapped, "/^x+$", "Typed"),
        // Stars are no typed text.
        ("Password: ", "secret", "******", "***", "met"),
        // A hidden cursor may be anywhere.
        (
            "Name:\x1b[9;1H\x1b[?25l",
            "Robert",
            "\x1b[1;7HRobert",
            "Robert",
            "Typed",
        ),
        (
            "Name:\x1b[9;1H\x1b[?25l",
            "Robert",
            "\x1b[1;7HRoberta",
            "Roberta",
            "met",
        ),
        // Several lines, pasted.
        ("  1 ", "one\ntwo\n", "one\r\n  2 two", "two", "Typed"),
    ] {
        let found = after_typing(before, text, after, wait);
        assert_eq!(found, expected, "{text:?} typed, {after:?} drawn, {wait:?}");
    }
}

#[test]
fn typed_text_counts_again_after_some_replies() {
    let mut typed = TypedText::default();
    let mut screen = drawn("Name: ");
    typed.type_at_cursor(&screen, "Bob", InputKind::Text, false);
    draw(&mut screen, "Bob\r\n");
    let name = shown("Bob");
    for _ in 0..7 {
        typed.type_at_cursor(&screen, "x", InputKind::Text, false);
    }
    assert_eq!(
        brief(&judge(&name, &screen, &typed, Instant::now())),
        "Typed"
    );
    typed.type_at_cursor(&screen, "x", InputKind::Text, false);
    assert_eq!(brief(&judge(&name, &screen, &typed, Instant::now())), "met");
}

/// Returns the judgement on a screen after input, with what the program draws at each; `+` begins a
/// further input of the same reply, `<` is the backspace key and `^` another key.
fn after_inputs(before: &str, inputs: &[(&str, &str)], wait: &str) -> String {
    let mut screen = screen(12, 40, before);
    let mut typed = TypedText::default();
    for (input, drawing) in inputs {
        let text = input.trim_start_matches('+');
        let (text, kind) = match text {
            "<" => ("", InputKind::Erasing),
            "^" => ("^[[B", InputKind::Key),
            text => (text, InputKind::Text),
        };
        typed.type_at_cursor(&screen, text, kind, input.starts_with('+'));
        screen.answered(Instant::now());
        draw(&mut screen, drawing);
    }
    brief(&judge(&shown(wait), &screen, &typed, Instant::now()))
}

#[test]
fn text_in_pieces_is_no_evidence() {
    let answer = "\r\x1b[K\n [done] unknown";
    let silent = [
        ("d", ""),
        ("+o", ""),
        ("+n", ""),
        ("+e", ""),
        ("+\n", answer),
    ];
    let echoed = [
        ("d", "d"),
        ("o", "o"),
        ("n", "n"),
        ("e", "e"),
        ("\n", answer),
    ];
    let keys = [("done", "done"), ("+^", ""), ("+^", answer)];
    let erased = [
        ("don", "don"),
        ("+x", "x"),
        ("+<", "\x08 \x08"),
        ("+e", "e"),
        ("+\n", answer),
    ];
    let form = [
        ("done", "done"),
        ("+\t", "\x1b[3;1H"),
        ("+7", "7"),
        ("+\n", answer),
    ];
    for inputs in [&silent[..], &echoed, &keys, &erased, &form] {
        for before in ["Name: ", "\x1b[2;5H"] {
            let found = after_inputs(before, inputs, "done");
            assert!(["Typed", "Stale"].contains(&&*found), "{inputs:?}: {found}");
            assert_eq!(after_inputs(before, inputs, "unknown"), "met", "{inputs:?}");
        }
    }
    // The keys of two menus are no text.
    let menus = [("o", "\x1b[2J\x1b[HNext: "), ("k", "\x1b[2J\x1b[5;1Hok")];
    assert_eq!(after_inputs("Choice: ", &menus, "ok"), "met");
}
