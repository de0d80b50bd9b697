//! Tests of echo removal.

use super::*;

#[test]
fn the_echo_is_not_matched() {
    for (typed, echo) in [
        ("bob", "bob\r\n"),
        ("Zoé 😀", "Zoé 😀\r\n"),
        ("", "\r\n"),
        ("1", "1\r\n"),
        ("bob", "b\x1b[1mo\x1b[mb\r\n"),
        ("bob", "tick\r\nbob\r\n"),
        ("bob", "tick bob\r\n"),
        ("bob", "tick\r\ntick: bob\r\n"),
    ] {
        let steps = [
            says("Name: "),
            prompt("Name:"),
            types(typed),
            any(&[
                (On::Line, "/^b|bob|^1|é/"),
                (On::Prompt, "b"),
                (On::Prompt, "1"),
            ]),
            says(echo),
            Quiet,
            says("1. Menu\r\n"),
            ShowsLines,
        ];
        let role = Role::plain();
        let log = role.run(&steps, &Reads::Whole);
        let (heard, lines) = log.split_once("lines ").expect("lines");
        assert_eq!(
            heard, "wait 0 @0 [Name: ]\nwait 0 @6 [1. Menu]\n",
            "{echo:?}"
        );
        assert_eq!(lines.contains("bob"), echo.contains(" bob"), "{lines}");
        check(&role, &steps, &log);
    }
}

#[test]
fn an_echo_that_comes_in_parts_is_waited_for() {
    let steps = [
        says("> "),
        prompt(">"),
        types("yes"),
        any(&[(On::Prompt, "y"), (On::Prompt, "ye"), (On::Prompt, "yes")]),
        says("y"),
        says("e"),
        says("s"),
        Quiet,
        says("\r\nyes? y"),
        Quiet,
    ];
    check(&Role::plain(), &steps, "wait 0 @0 [> ]\nwait 0 @8 [yes? y]");
}

#[test]
fn an_echo_that_never_comes_hides_nothing_else() {
    let steps = [
        says("> "),
        prompt(">"),
        types("1"),
        see(r"/Order ID: (?<id>\S+)/"),
        says("\r\nOrder ID: ORD-1\r\n"),
    ];
    check(
        &Role::plain(),
        &steps,
        "wait 0 @0 [> ]\nwait 0 id=ORD-1 @4 [Order ID: ORD-1]",
    );
}

#[test]
fn typing_ahead() {
    let steps = [
        see("Welcome"),
        says("Welcome\r\n"),
        types("1"),
        says("1. Orders\r\nSelect: 1\r\n"),
        see("Orders"),
        types("2"),
        says("2\r\nPage: "),
        prompt("Page:"),
        ShowsLines,
    ];
    check(
        &Role::plain(),
        &steps,
        "wait 0 @1 [Welcome]
         wait 0 @3 [1. Orders]
         wait 0 @6 [Page: ]
         lines Select: 1|Page: ",
    );
}

#[test]
fn keys_echo_too() {
    let steps = [
        says("> "),
        prompt(">"),
        Presses(Key::Ctrl('c')),
        any(&[(On::Line, "^"), (On::Prompt, "C")]),
        says("^C"),
        says("\r\n"),
        Quiet,
        says("^ again\r\n"),
        Presses(Key::Up),
        prompt("A"),
        says("^[[A"),
        Quiet,
        says("A"),
    ];
    check(
        &Role::plain(),
        &steps,
        "wait 0 @0 [> ]
         wait 0 @7 [^ again]
         wait 0 @12 [A]",
    );
}

#[test]
fn secrets_have_no_echo_but_a_line_end() {
    let steps = [
        says("Password: "),
        prompt("Password:"),
        unseen("secret"),
        see(r"/^(?<all>.+)$/"),
        says("\r\nWelcome\r\n"),
    ];
    check(
        &Role::plain(),
        &steps,
        "wait 0 @0 [Password: ]\nwait 0 all=Welcome @4 [Welcome]",
    );
}

#[test]
fn an_answered_prompt_never_matches_again() {
    for rest in [
        "\r\n",
        "x\r\n",
        "\r> x\r\n",
        "\r\x1b[K> \r> x\r\n",
        "\r> \x1b[3G",
    ] {
        let steps = [
            says("> "),
            prompt(">"),
            types_keys("x"),
            prompt(">"),
            says(rest),
            Quiet,
            see(">"),
            says("done\r\n"),
        ];
        check(&Role::plain(), &steps, "wait 0 @0 [> ]");
    }
}

#[test]
fn a_new_prompt_ends_the_hope_for_an_older_echo() {
    let steps = [
        says("> "),
        prompt(">"),
        types("yes"),
        says("\r\nSure? "),
        prompt("Sure?"),
        types("no"),
        see("/Agreed: (?<answer>.+)/"),
        says("no\r\nAgreed: yes\r\n"),
    ];
    check(
        &Role::plain(),
        &steps,
        "wait 0 @0 [> ]
         wait 0 @3 [Sure? ]
         wait 0 answer=yes @7 [Agreed: yes]",
    );
}

#[test]
fn a_reply_on_a_screen_that_is_drawn_again_is_no_evidence() {
    let screen = |typed: &str, end: &str| {
        says(&format!(
            "\x1b[2J\x1b[H+-----+\r\n| Name: {typed}\r\n+-----+{end}"
        ))
    };
    for end in ["\r\n\x1b[2A\x1b[9C", "\x1b[2;9H"] {
        for asked in [see("Name:"), prompt("Name:")] {
            let mut steps = vec![
                screen("", end),
                asked,
                Quiet,
                types_keys("please saved now"),
                see("saved"),
            ];
            let is_prompt =
                matches!(&steps[1], Waits(on, _) if matches!(on[0], Awaited::Text(On::Prompt, _)));
            if is_prompt {
                steps[0] = says("\x1b[2J\x1b[H| Name: ");
            }
            let typed = ["please sav", "please saved", "please saved now"];
            steps.extend(typed.map(|typed| screen(typed, end)));
            steps.extend([says("\x1b[5;1HDenied\r\nNext: "), Quiet]);
            let role = Role::plain();
            let log = role.run(&steps, &Reads::Whole);
            assert_eq!(log.lines().count(), 1, "{log}");
            check(&role, &steps, &log);
            // What was not typed counts wherever it is drawn.
            steps.push(says("\x1b[7;1HOrder is saved: 5\r\n"));
            steps.push(see("is saved"));
            let log = role.run(&steps, &Reads::Whole);
            assert_eq!(log.lines().count(), 2, "{log}");
            check(&role, &steps, &log);
        }
    }
}
