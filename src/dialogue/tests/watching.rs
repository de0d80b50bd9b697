//! Failures, interludes and the two streams of pipes.

use super::*;

#[test]
fn failures_win_at_the_same_place() {
    let role = || Role::new(&[("bad", "Error"), ("crash", "Traceback")], &[]);
    check(
        &role(),
        &[see("Error"), says("ok\nan Error\n")],
        "fail bad @1 [an Error]\nwait 0 @1 [an Error]",
    );
    check(
        &role(),
        &[see("ok"), says("ok\nan Error\n"), see("x")],
        "wait 0 @1 [ok]\nfail bad @1 [an Error]",
    );
    // Seen once only, also in an unfinished line.
    check(
        &role(),
        &[prompt("?"), says("Error. Again?"), says("\nx\n"), see("y")],
        "fail bad @1 [Error. Again?]\nwait 0 @1 [Error. Again?]",
    );
    check(
        &role(),
        &[see("x"), says("Error"), Quiet, says("s\n")],
        "fail bad @1 [Error]",
    );
    check(
        &role(),
        &[see("x"), says("an Error"), Ends],
        "fail bad @1 [an Error]\nended @2",
    );
}

#[test]
fn a_category_can_be_tolerated() {
    let role = Role::new(
        &[("bad", "Error"), ("worse", "Error 7"), ("crash", "gone")],
        &[],
    );
    let tolerating = |source: &str| Waits(on(&[(On::Line, source)]), vec!["bad".to_owned()]);
    check(
        &role,
        &[
            tolerating("done"),
            says("Error 1\nError 7\nError gone\ndone\n"),
        ],
        "fail worse @1 [Error 7]
         fail crash @1 [Error gone]
         wait 0 @1 [done]",
    );
    check(
        &role,
        &[
            tolerating("done"),
            says("Error 1\ndone\n"),
            see("x"),
            says("Error 2\n"),
        ],
        "wait 0 @1 [done]\nfail bad @3 [Error 2]",
    );
}

#[test]
fn interludes_are_answered_on_the_way() {
    let role = Role::new(&[], &[(On::Prompt, "Press Enter"), (On::Line, "--more--")]);
    check(
        &role,
        &[
            see("done"),
            says("Order 7\r\nPress Enter "),
            says("\r\nb\r\n--more--\r\nPress Enter"),
            says("\r\ndone\r\n"),
            see("Order 7"),
            see("b"),
            see("Press"),
            see("more"),
        ],
        "interlude 0 @1 [Press Enter ]
         interlude 1 @2 [--more--]
         interlude 0 @2 [Press Enter]
         wait 0 @3 [done]
         wait 0 @1 [Order 7]
         wait 0 @2 [b]",
    );
    // The turn's own wait wins.
    check(
        &role,
        &[
            prompt("Press Enter"),
            says("Press Enter"),
            Presses(Key::Enter),
            see("x"),
            says("\r\nx\r\n"),
        ],
        "wait 0 @1 [Press Enter]\nwait 0 @4 [x]",
    );
    // What stands before an interlude in its line is seen, and so is what follows it on pipes.
    check(
        &role.pipes(),
        &[
            see("/^(?<word>[a-z]+)$/"),
            says("ORD-7. Press Enter"),
            says("done\n"),
            see("/^(?<id>ORD-[0-9]+)/"),
        ],
        "interlude 0 @1 [ORD-7. Press Enter]
         wait 0 word=done @2 [done]
         wait 0 id=ORD-7 @1 [ORD-7. Press Enter]",
    );
}

#[test]
fn pipes_keep_streams_apart() {
    let steps = [
        any(&[(On::Line, "warn"), (On::Prompt, "Name:")]),
        err("war"),
        says("Name: "),
        unseen("Ann"),
        see("warn"),
        err("n\nn: warn\n"),
        see("/./"),
        says("Hi\n"),
    ];
    check(
        &Role::plain().pipes(),
        &steps,
        "wait 1 @2 [Name: ]
         wait 0 @5 [n: warn]
         wait 0 @5 [n]",
    );
    // What came on the other stream before a reply is left behind, but for failures.
    let role = || Role::new(&[("bad", "Error")], &[]).pipes();
    check(
        &role(),
        &[
            see("ok"),
            says("ok\n"),
            err("Error\nold\n"),
            unseen("x"),
            see("old"),
        ],
        "wait 0 @1 [ok]\nfail bad @2 [Error]",
    );
}
