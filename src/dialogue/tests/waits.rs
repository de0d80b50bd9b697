//! Tests of waits for prompts and lines, and of the output that a reply discards.

use super::*;

#[test]
fn a_prompt_is_the_unfinished_line() {
    let steps = [
        prompt("Name:"),
        says("Name: Ann\r\n"),
        says("Full Name: "),
        types("Ann"),
        says("Ann\r\n"),
        prompt("Name:"),
        says("Name: "),
    ];
    check(
        &Role::plain(),
        &steps,
        "wait 0 @2 [Full Name: ]
         wait 0 @6 [Name: ]",
    );
}

#[test]
fn a_prompt_in_the_middle_has_to_be_quiet() {
    let steps = [prompt("Name:"), says("Name: (Ann) "), ShowsLines, Quiet];
    check(
        &Role::plain(),
        &steps,
        "lines Name: (Ann) \nwait 0 @1 [Name: (Ann) ]",
    );
    let steps = [prompt("Name:"), says("Name: An"), says("n\n"), Quiet, Ends];
    check(&Role::plain(), &steps, "ended @4");
}

#[test]
fn a_line_is_whole_when_the_program_can_do_nothing_else_but_read() {
    let steps = [
        prompt("Qty:"),
        says("Qty: "),
        types("1"),
        prompt("Qty"),
        says("\r\nQty: "),
        says("5 left"),
        says("> "),
        Blocks,
        types("7"),
        prompt("/Code (?<code>[0-9]+)/"),
        says("\r\nCode 1"),
        says("2"),
        Blocks,
    ];
    check(
        &Role::plain(),
        &steps,
        "wait 0 @1 [Qty: ]
        wait 0 @6 [Qty: 5 left> ]
        wait 0 code=12 @11 [Code 12]",
    );
}

#[test]
fn a_capture_that_may_grow_has_to_be_quiet() {
    let steps = [
        prompt(r"/due (?<due>\d+)/"),
        says("Amount due 12"),
        says("50"),
        Quiet,
    ];
    check(
        &Role::plain(),
        &steps,
        "wait 0 due=1250 @2 [Amount due 1250]",
    );
    let steps = [prompt(r"/due (?<due>\d+)\)/"), says("(due 12) ")];
    check(&Role::plain(), &steps, "wait 0 due=12 @1 [(due 12) ]");
}

#[test]
fn lines_are_complete() {
    let steps = [
        see(r"/Order ID: (?<id>ORD-\d+)$/"),
        says("Order ID: ORD-0"),
        Quiet,
        says("0042"),
        says("\r"),
        says("\n"),
    ];
    check(
        &Role::plain(),
        &steps,
        "wait 0 id=ORD-00042 @5 [Order ID: ORD-00042]",
    );
}

#[test]
fn a_wait_sees_all_since_the_last_answer() {
    let steps = [
        says("one\ntwo\nthree\n> "),
        see("three"),
        see("one"),
        see("two"),
        prompt(">"),
        types("go"),
        see("one"),
        says("go\r\nfour\r\none\r\n> "),
    ];
    check(
        &Role::plain(),
        &steps,
        "wait 0 @0 [three]
         wait 0 @0 [one]
         wait 0 @0 [two]
         wait 0 @0 [> ]
         wait 0 @7 [one]",
    );
}

#[test]
fn a_reply_to_a_line_keeps_the_output_after_it() {
    let steps = [
        see("two"),
        says("one\ntwo\nthree\nfour\n> "),
        types("x"),
        see("three"),
        see("one"),
        prompt(">"),
    ];
    check(
        &Role::plain(),
        &steps,
        "wait 0 @1 [two]
         wait 0 @1 [three]
         wait 0 @1 [> ]",
    );
    // The furthest match counts, in whatever order the waits came.
    let steps = [
        says("one\ntwo\nthree\n"),
        see("three"),
        see("one"),
        types("x"),
        see("two"),
    ];
    check(&Role::plain(), &steps, "wait 0 @0 [three]\nwait 0 @0 [one]");
}

#[test]
fn on_pipes_the_answer_follows_its_prompt() {
    let steps = [
        says("Name: "),
        prompt("Name:"),
        unseen("Ann"),
        see(r"/^(?<greeting>.+)$/"),
        says("Hello Ann\nAge: "),
        prompt("Age:"),
    ];
    check(
        &Role::plain().pipes(),
        &steps,
        "wait 0 @0 [Name: ]
         wait 0 greeting=Hello Ann @4 [Hello Ann]
         wait 0 @4 [Age: ]",
    );
}

#[test]
fn the_earliest_of_several() {
    let both = [(On::Line, "stock"), (On::Line, "error")];
    check(
        &Role::plain(),
        &[any(&both), says("x error: stock\n")],
        "wait 1 @1 [x error: stock]",
    );
    check(
        &Role::plain(),
        &[any(&both), says("stock\nerror\n"), any(&both)],
        "wait 0 @1 [stock]\nwait 0 @1 [stock]",
    );
    let both = [
        (On::Prompt, "y/n"),
        (On::Prompt, "Sure"),
        (On::Line, "gone"),
    ];
    check(&Role::plain(), &[any(&both), says("Sure (y/n)")], "");
    check(
        &Role::plain(),
        &[any(&both), says("Sure y/n")],
        "wait 1 @1 [Sure y/n]",
    );
    check(
        &Role::plain(),
        &[any(&both), says("gone\nSure y/n")],
        "wait 2 @1 [gone]",
    );
}

#[test]
fn in_a_loop_nothing_matches_twice() {
    let steps = [
        EntersLoop,
        says("item 1\nitem 2\nlast\n? "),
        any(&[(On::Line, r"/item (?<n>\d)/"), (On::Prompt, "?")]),
        WaitsAgain,
        WaitsAgain,
        WaitsAgain,
        see("last"),
        see("last"),
        LeavesLoop,
        see("item"),
    ];
    check(
        &Role::plain(),
        &steps,
        "wait 0 n=1 @1 [item 1]
         wait 0 n=2 @1 [item 2]
         wait 1 @1 [? ]
         wait 0 @1 [last]
         wait 0 @1 [item 1]",
    );
}

#[test]
fn the_end_completes_a_line() {
    check(
        &Role::plain(),
        &[see("bye"), says("good bye"), Quiet, Ends],
        "wait 0 @1 [good bye]",
    );
    check(
        &Role::plain(),
        &[prompt("bye"), says("bye now, and"), Ends],
        "wait 0 @1 [bye now, and]",
    );
    check(&Role::plain(), &[any(&[]), says("x\n"), Ends], "ended @2");
    check(
        &Role::plain().pipes(),
        &[see("bye"), Ends, err("bye"), EndsErr],
        "wait 0 @2 [bye]",
    );
}

#[test]
fn text_removed_after_a_match_does_no_harm() {
    for (after, typed) in [("\x08", ""), ("\x08aé", "é"), ("\x08\x08\x08x", "x")] {
        let steps = [
            says("bé"),
            prompt("é"),
            says(after),
            unseen(typed),
            says("\r\n? "),
            prompt("?"),
        ];
        check(&Role::plain(), &steps, "wait 0 @0 [bé]\nwait 0 @4 [? ]");
    }
}
